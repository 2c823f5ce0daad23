"""``wakegate listen``: the gate at work, from a microphone, a file or stdin."""

import argparse
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

from ..errors import UsageError
from . import listening
from .asked import Asked
from .listening import Listening, add_listening_options
from .usage import channel, typed

if TYPE_CHECKING:
    from ..config import Config
    from ..gate.sinks import Sink

_DESCRIPTION = """\
Listen to a microphone (or a file, or raw sound on stdin) for wake words. What happens is printed line by line and kept
in the journal, without audio. Audio leaves only where --assist points, after a wake word, and only while somebody's
grant permits it: see `wakegate consent grant assist`."""
_EXAMPLES = """\
examples:
  wakegate listen
  wakegate listen --input evening.flac --json
  arecord -q -t raw -f S16_LE -r 16000 -c 1 | wakegate listen --input -
  wakegate listen --assist unix:$XDG_RUNTIME_DIR/wakegate-assist.sock
  wakegate listen --events unix:$XDG_RUNTIME_DIR/wakegate.sock --on wake='aplay ding.wav'"""


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser(
        "listen",
        help="listen, and release audio only after a wake word and under a grant",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    origin = parser.add_mutually_exclusive_group()
    origin.add_argument("--input", metavar="FILE|-", help="a sound file, or - for raw 16-bit PCM on stdin")
    parser.add_argument("--rate", type=int, help="sample rate of raw PCM on stdin (default: 16000)")
    parser.add_argument("--channels", type=int, help="channels of raw PCM on stdin (default: 1)")
    origin.add_argument("--device", help="microphone by number, name or part of a name (see `wakegate devices`)")
    parser.add_argument("--channel", type=channel, help="channel to take, from 1; all are mixed if not given")
    parser.add_argument(
        "--assist", metavar="stdout|unix:PATH", help="where live audio goes; events then go to stderr for stdout"
    )
    add_listening_options(parser)
    parser.set_defaults(run=run, listens=True)


def run(args: argparse.Namespace) -> int:
    """Listen until the sound ends or somebody stops it."""
    from .. import config
    from ..gate.pipe_sink import PipeSink

    settings = config.read(args.config)
    what = check(args, settings)
    with ExitStack() as stack:
        sink = _sink(args.assist, stack)  # first: it is told at once when there can be none
        heard = Listening(args, settings, what, stack)
        pipeline = heard.open(sink)
        if not isinstance(sink, PipeSink):
            heard.run(pipeline, sys.stdout)
            return 0
        sink.when_gone(pipeline.stop)
        heard.run(pipeline, sys.stderr)
        sink.check()
    return 0


def check(args: argparse.Namespace, settings: "Config") -> Asked:
    """Return what to listen for; what of options or config no start would take is raised, and nothing is opened."""
    from ..unix import path_of

    if args.assist not in (None, "stdout"):
        with typed():
            path_of(args.assist, "--assist")
    if args.input != "-" and (args.rate is not None or args.channels is not None):
        raise UsageError("--rate and --channels describe raw sound on stdin: add --input -, or leave them out")
    return listening.check(args, settings)


def _sink(where: str | None, stack: ExitStack) -> "Sink | None":
    from ..gate.pipe_sink import PipeSink
    from ..gate.socket_sink import SocketSink
    from ..unix import path_of

    if where is None:
        return None
    if where == "stdout":
        if sys.stdout.isatty():
            raise UsageError("--assist stdout would write sound to the terminal: pipe it into your assistant")
        return PipeSink(sys.stdout.fileno())
    sink = SocketSink(path_of(where, "--assist"))
    stack.callback(sink.shut)
    return sink
