"""``wakegate measure shadow``: two engines on the same live sound; counts and scores are kept, and no sound."""

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ConfigError, UsageError
from ..events import SAMPLE_RATE
from . import measure_live, terminal

if TYPE_CHECKING:
    from ..audio.block import Source
    from ..measure.counts.agreement import Agreement
    from ..measure.engines import Engine
    from ..measure.field.live import Live
    from ..measure.field.shadow import Stretch

_DESCRIPTION = """\
Listen with two engines at once, on the very same sound: SOURCE is a sound file (heard as fast as both can) or - for raw
16-bit PCM on stdin; --microphone listens itself. Kept are JSON Lines of what each heard, no sound:
  {"kind": "heard", "at_s": 1.62, "engine": "wakegate", "word": "alexa", "score": 0.9, "fires": true}
at_s counts the sound that was heard. Live sound is heard in stretches of 10 minutes: each is a fresh start for both
engines, and what was heard in it is written when it ends. A stretch that fails for one engine counts for none.

From --microphone only `wakegate` engines are fed: they run in this process. To hand live sound to another program is
your act: pipe it in, as in the example. Without labels nobody knows who was right: these are events."""
_EXAMPLES = """\
examples:
  wakegate measure shadow --engine wakegate --engine wakegate:old/six.onnx --microphone --hours 24 --out day.jsonl
  arecord -q -t raw -f S16_LE -r 16000 -c 1 | wakegate measure shadow --engine wakegate --engine 'exec:./mine' -"""
Write = Callable[[dict[str, object]], None]


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser(
        "measure shadow",
        help="listen with two engines at once, and log counts and scores",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", nargs="?", metavar="SOURCE", help="a sound file, or - for raw PCM on stdin")
    parser.add_argument("--engine", action="append", required=True, metavar="ENGINE", help="as for measure; give two")
    measure_live.add_arguments(parser)
    parser.add_argument("--rate", type=int, help="sample rate of raw PCM on stdin (default: 16000)")
    parser.add_argument("--channels", type=int, help="channels of raw PCM on stdin (default: 1)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="a new file for the JSON Lines")
    parser.add_argument(
        "--tolerance", type=float, default=0.5, metavar="S",
        help="seconds between two events that are one (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--limit", type=float, default=60.0, metavar="S",
        help="kill an exec engine that takes no sound for so long (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="the JSON Lines on stdout instead of a table")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Listen until the sound ends or somebody stops it; 1 if a stretch failed."""
    from ..measure.counts.agreement import Agreements
    from ..measure.engines import named
    from ..measure.field.live import Live

    _check(args)
    first, second = engines = [named(spec, None, args.limit) for spec in args.engine]
    agreements = Agreements(first, second, round(args.tolerance * SAMPLE_RATE))
    samples, failed = 0, 0
    most = measure_live.most(args)
    with _writing(args) as write, measure_live.until_stopped(Live(_source(args), most)) as live:
        try:
            for stretch in _stretches(args, engines, live):
                _record(stretch, engines, write)
                if stretch.failure:
                    terminal.say(f"failed, counts nowhere: {stretch.samples / SAMPLE_RATE:.0f} s: {stretch.failure}")
                    failed += 1
                    continue
                agreements.add(stretch.heard)
                samples += stretch.samples
        finally:  # three failures in a row end it, and what was counted until then is told
            words, hours = agreements.words(), samples / SAMPLE_RATE / 3600
            for word in words:
                write(_counts(args.engine, word, hours))
            if not args.json:
                _show(args.engine, words, hours)
    if live.gaps:
        terminal.say(f"note: sound was lost {live.gaps} times; the hours are those that were heard")
    return 1 if failed else 0


def _check(args: argparse.Namespace) -> None:
    if len(args.engine) != 2 or args.engine[0] == args.engine[1]:
        raise UsageError("give two engines that differ: --engine A --engine B")
    if not 0 <= args.tolerance <= 10:  # nan too
        raise UsageError(f"--tolerance is {args.tolerance:g}: give seconds, from 0 to 10")
    if not 0 < args.limit < float("inf"):
        raise UsageError(f"--limit is {args.limit:g}: give seconds, above 0")
    if (args.source is not None) == args.microphone:
        raise UsageError("name a sound file, or - for raw PCM on stdin, or give --microphone: one of them")
    if args.source != "-" and (args.rate is not None or args.channels is not None):
        raise UsageError("--rate and --channels describe raw sound on stdin: give - as SOURCE, or leave them out")
    if not args.microphone and args.device is not None:
        raise UsageError("--device is for --microphone: leave one of them out")
    other = [spec for spec in args.engine if spec.partition(":")[0] != "wakegate"]
    if args.microphone and other:
        raise UsageError(
            f"{other[0]!r} is another program: this command hands it no microphone, since nobody granted that. Pipe "
            "the sound in yourself: arecord -q -t raw -f S16_LE -r 16000 -c 1 | wakegate measure shadow ... -"
        )


def _source(args: argparse.Namespace) -> "Source":
    if args.microphone:
        from .. import config

        return measure_live.microphone(args, config.read(args.config))
    if args.source == "-":
        from ..audio.raw import RawSource

        rate, channels = SAMPLE_RATE if args.rate is None else args.rate, 1 if args.channels is None else args.channels
        return RawSource(sys.stdin.buffer, rate, channels, channel=args.channel)
    from ..audio.files import FileSource

    return FileSource(args.source, args.channel)


def _stretches(args: argparse.Namespace, engines: "Sequence[Engine]", live: "Live") -> "Iterator[Stretch]":
    from ..measure.field.shadow import shadow

    return shadow(engines, live, in_time=args.microphone or args.source == "-")


@contextmanager
def _writing(args: argparse.Namespace) -> Iterator[Write]:
    """Give what writes a line to where the options say."""
    if args.out is None:
        yield terminal.emit if args.json else lambda _: None
        return
    import json

    try:
        descriptor = os.open(args.out, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigError(f"{args.out} cannot be made ({error.strerror}): name a new file") from error
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:

        def write(line: dict[str, object]) -> None:
            file.write(json.dumps(line) + "\n")
            file.flush()
            if args.json:
                terminal.emit(line)

        yield write


def _record(stretch: "Stretch", engines: "Sequence[Engine]", write: Write) -> None:
    """Write what both heard in a stretch, in the order of the sound, and the stretch itself."""
    from ..measure.counts.agreement import fires

    said = [(one.at, engine, one) for engine, heard in zip(engines, stretch.heard, strict=False) for one in heard]
    for at, engine, one in sorted(said, key=lambda timed: timed[0]):
        at_s = round((stretch.start + at) / SAMPLE_RATE, 3)
        heard = {"kind": "heard", "at_s": at_s, "engine": engine.name, "word": one.word, "score": one.score}
        write({**heard, "fires": fires(engine, one)})
    start_s, seconds = round(stretch.start / SAMPLE_RATE, 3), round(stretch.samples / SAMPLE_RATE, 3)
    write({"kind": "stretch", "start_s": start_s, "seconds": seconds, "failure": stretch.failure})


def _counts(names: Sequence[str], word: "Agreement", hours: float) -> dict[str, object]:
    from ..rates import garwood

    events = [word.first, word.second]
    found = {"events": events, "both": word.both, "alone": [word.only_first, word.only_second], "p": word.p}
    intervals = [garwood(one, hours) if hours else None for one in events]
    return {
        "kind": "counts", "word": word.word, "engines": list(names), **found, "hours": hours, "per_hour_95": intervals,
    }  # fmt: skip


def _show(names: Sequence[str], words: "Sequence[Agreement]", hours: float) -> None:
    from ..measure.rounding import chance, duration

    terminal.table(
        f"1: {names[0]}   2: {names[1]}   {duration(hours)} of the same sound",
        ("word", "events of 1", "of 2", "both", "1 alone", "2 alone", "p"),
        (
            (
                one.word, one.first, one.second, one.both, one.only_first, one.only_second,
                "not a word of both" if one.p is None else chance(one.p),
            )
            for one in words
        ),
    )  # fmt: skip
    print("p: exact, that each is as likely to wake alone. Nobody knows from this who was right.")
