"""``wakegate listen``: the gate at work, from a microphone, a file or stdin."""

import argparse
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

from ..errors import ConfigError
from .listening import Listening, add_listening_options

if TYPE_CHECKING:
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
    parser.add_argument("--channel", type=int, help="channel to take, from 1; all are mixed if not given")
    parser.add_argument(
        "--assist", metavar="stdout|unix:PATH", help="where live audio goes; events then go to stderr for stdout"
    )
    add_listening_options(parser)
    parser.set_defaults(run=run, listens=True)


def run(args: argparse.Namespace) -> int:
    """Listen until the sound ends or somebody stops it."""
    with ExitStack() as stack:
        sink = _sink(args.assist, stack)  # first: it is told at once when there can be none
        listening = Listening(args, stack)
        pipeline = listening.open(sink)
        listening.run(pipeline, sys.stderr if args.assist == "stdout" else sys.stdout)
    return 0


def _sink(where: str | None, stack: ExitStack) -> "Sink | None":
    from ..gate.sinks import StreamSink
    from ..gate.socket_sink import SocketSink
    from ..unix import path_of

    if where is None:
        return None
    if where == "stdout":
        if sys.stdout.isatty():
            raise ConfigError("--assist stdout would write sound to the terminal: pipe it into your assistant")
        return StreamSink(sys.stdout.fileno())
    sink = SocketSink(path_of(where, "--assist"))
    stack.callback(sink.shut)
    return sink
