"""``wakegate listen``: the gate at work, from a microphone, a file or stdin."""

import argparse
import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ConfigError
from .detect import add_wake_options
from .listen_events import add_event_options, event_socket, hooks
from .listen_mqtt import add_mqtt_options, publisher
from .listen_service import attend, service

if TYPE_CHECKING:
    from ..audio.block import Source
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
    parser.add_argument("--channel", type=int, help="channel to take, from 1; all are mixed if not given")
    add_wake_options(parser)
    parser.add_argument(
        "--threshold", action="append", default=[], metavar="[WORD=]T", help="a threshold, of one word or of all"
    )
    parser.add_argument(
        "--assist", metavar="stdout|unix:PATH", help="where live audio goes; events then go to stderr for stdout"
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="a wakegate.toml; the usual one if not given")
    parser.add_argument("--json", action="store_true", help="events as JSON Lines")
    add_event_options(parser)
    add_mqtt_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Listen until the sound ends or somebody stops it."""
    from .. import config
    from ..pipeline import Pipeline
    from ..wake import load
    from .story import tell

    settings = config.read(args.config)
    scorer = load(settings.words if args.words is None else args.words, args.model, args.engine)
    thresholds = {**settings.thresholds, **thresholds_of(args.threshold, scorer.words)}
    out = sys.stderr if args.assist == "stdout" else sys.stdout
    with ExitStack() as stack:
        published = stack.enter_context(publisher(args, scorer))  # it may wait a little: before sound comes in
        acting = hooks(args, settings, stack)
        source = service(sound_of(args, settings), scorer)
        sink = _sink(args.assist, stack)
        pipeline = stack.enter_context(
            Pipeline.open(source, scorer=scorer, thresholds=thresholds, assist=sink, limits=settings.limits)
        )
        served = event_socket(args, pipeline, stack)
        attend(source, pipeline, scorer.manifest, args, settings, stack)
        # A service manager's stop and Ctrl-C end the stream as it should end: wiped, and on record.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: pipeline.stop())
        for event in pipeline:
            tell(event, as_json=args.json, out=out)
            for one in (published, acting, served):
                if one is not None:
                    one.tell(event)
    return 0


def sound_of(args: argparse.Namespace, settings: "Config") -> "Source":
    """Return the sound that the options name: a file (paced where an assistant listens), stdin, or a microphone."""
    if args.input == "-":
        from ..audio.raw import RawSource

        rate, channels = 16_000 if args.rate is None else args.rate, 1 if args.channels is None else args.channels
        return RawSource(sys.stdin.buffer, rate, channels, channel=args.channel)
    if args.rate is not None or args.channels is not None:
        raise ConfigError("--rate and --channels describe raw sound on stdin: add --input -, or leave them out")
    if args.input is not None:
        from ..audio.files import FileSource

        file = FileSource(args.input, args.channel)
        if args.assist is None:
            return file
        from ..audio.paced import Paced

        return Paced(file)  # an assistant hears it live, and one that lags is cut off
    from ..audio.microphone import Microphone

    device = settings.device if args.device is None else int(args.device) if args.device.isdecimal() else args.device
    return Microphone(device, settings.channel if args.channel is None else args.channel)


def _sink(where: str | None, stack: ExitStack) -> "Sink | None":
    from ..gate.sinks import SocketSink, StreamSink

    if where is None:
        return None
    if where == "stdout":
        if sys.stdout.isatty():
            raise ConfigError("--assist stdout would write sound to the terminal: pipe it into your assistant")
        return StreamSink(sys.stdout.fileno())
    kind, _, path = where.partition(":")
    if kind != "unix" or not path:
        raise ConfigError(f"--assist {where!r} is neither stdout nor unix:PATH")
    sink = SocketSink(Path(path))
    stack.callback(sink.shut)
    return sink


def thresholds_of(given: list[str], words: tuple[str, ...]) -> dict[str, float]:
    """Read ``T`` and ``WORD=T``."""
    from ..wake.catalogue import spelled

    chosen: dict[str, float] = {}
    for text in given:
        word, _, value = text.rpartition("=")
        try:
            threshold = float(value)
        except ValueError as error:
            raise ConfigError(f"--threshold {text!r} is not a number: write 0.7 or computer=0.7") from error
        if word and spelled(word) not in words:
            raise ConfigError(f"--threshold {text!r}: {word!r} is not listened for, only {', '.join(words)}")
        chosen |= {spelled(word): threshold} if word else dict.fromkeys(words, threshold)
    return chosen
