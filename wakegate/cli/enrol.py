"""``wakegate enrol``: a few recordings of one's own make a word, without training."""

import argparse
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ConfigError, UsageError
from . import terminal

if TYPE_CHECKING:
    from ..train.enrol.run import Enrolled, Order
    from ..train.enrol.takes import Take
    from ..train.own.gather import Sides
    from ..train.voices import Voice
    from ..wake.manifest import Manifest

TEACHING = """\
Needs the extra: pip install 'wakegate[enrol]'. No training, no graphics card; nothing is downloaded or sent. Takes a
minute or two. It wakes for the person who recorded; a word that others should wake too is for `wakegate train`.

  --record 5         say the word five times into the microphone, in quiet
  --recordings DIR   or give files: the word once a file, by one person
  --background DIR   sound of yours without the word (talk, television): false wakes are then measured on it

Recordings of --record lie in locked memory and are overwritten when it is done; what is worked out from them goes with
the process. Only --keep DIR writes them. What is written is DIR/NAME.onnx and DIR/NAME.json, for you alone to read
(0600): the model that was there, and one average over all your recordings of what it makes of the word. No recording is
in it, and it is made to tell words, not people; still, it comes from your voice and knows your voice best, so give it
away only if you would give away that.

Only record yourself, or somebody who said yes. Each recording is scored by the average of the others, which is all that
so few of them can show: wakegate measure tells more, on sound of your own.

example: wakegate enrol marvin --record 5 --out mine
         wakegate listen --model mine/marvin.onnx --words marvin,computer
"""
SHORT_S = 0.45
MANY_AN_HOUR = 5.0


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser(
        "enrol",
        help="make a wake word from a few recordings of your own",
        description="Make a wake word from a few recordings of your own, beside those of the shipped model.",
        epilog=TEACHING,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", metavar="NAME", help="what to call the word: marvin")
    origin = parser.add_mutually_exclusive_group(required=True)
    origin.add_argument("--record", type=int, metavar="N", help="record it so many times with the microphone: 3 to 50")
    origin.add_argument("--recordings", type=Path, metavar="DIR", help="recordings of it, one time a file")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write to")
    parser.add_argument(
        "--onto", type=Path, metavar="NAME.json", help="the model to add the word to (default: the installed one)"
    )
    parser.add_argument("--background", type=Path, metavar="DIR", help="sound without the word")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="with --record: also write the recordings there")
    parser.add_argument("--device", help="with --record: microphone by number, name or part of a name")
    parser.add_argument("--channel", type=int, metavar="N", help="with --record: its channel to take, from 1")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of all that is drawn (default: %(default)s)")
    parser.add_argument(
        "--json", action="store_true", help="at the end, where everything is and what it does, as one JSON line"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Take the recordings, make the word, say what it was measured to do."""
    _check(args)
    try:
        from ..train.enrol import run, talk
    except ImportError as error:
        raise ConfigError(f"enrolling needs {error.name}: pip install 'wakegate[enrol]'") from error
    from .progress import reading

    base = _base(args)
    word = run.named(args.name, base, args.out)
    voice, background = _without(args)  # whatever is wrong is said before anybody has spoken
    with ExitStack() as stack:
        takes, left_out = _takes(args, word, stack)
        sound = talk.made(voice, background, args.seed, talk.MINUTES)
        order = run.Order(word=word, takes=takes, onto=base.path.with_suffix(".json"), sound=sound, out=args.out)
        with reading() as told:
            made = run.enrolled(order, told)
        _tell(made, word, len(takes))
    if args.json:
        left_out += background.left_out if background else ()
        terminal.emit(_record(made, order, left_out))
    return 0


def _check(args: argparse.Namespace) -> None:
    if args.record is None:
        alone = {"--keep": args.keep, "--device": args.device, "--channel": args.channel}
        for option, value in alone.items():
            if value is not None:
                raise UsageError(f"{option} goes with --record: leave it out, or record instead of --recordings")
    elif not 3 <= args.record <= 50:
        raise UsageError(f"--record is {args.record}: give a number of recordings from 3 to 50; 5 to 10 do well")
    if args.seed < 0:
        raise UsageError(f"--seed is {args.seed}: give a whole number, 0 or above")
    if args.out.exists() and not args.out.is_dir():
        raise ConfigError(f"--out {args.out} is no folder: name another")


def _base(args: argparse.Namespace) -> "Manifest":
    from ..wake import catalogue, manifest

    return manifest.read(args.onto.with_suffix(".json")) if args.onto else catalogue.knowing(())[0]


def _takes(args: argparse.Namespace, word: str, stack: ExitStack) -> "tuple[tuple[Take, ...], tuple[str, ...]]":
    """Return the recordings, and what was left out with its reason."""
    from ..train.enrol import takes

    if args.record is None:
        read, left_out = takes.read(args.recordings)
        for reason in left_out:
            terminal.say(f"--recordings: left out {reason}")
        return read, left_out
    from . import enrol_record

    return enrol_record.recorded(args, word, stack), ()


def _without(args: argparse.Namespace) -> "tuple[Voice, Sides | None]":
    """Return who speaks without saying the word, and the folder of sound without it."""
    from ..train.own import gather
    from ..train.voices.espeak import Espeak

    background = gather.background(args.background) if args.background else None
    for reason in background.left_out if background else ():
        terminal.say(f"--background: left out {reason}")
    return Espeak(), background


def _tell(made: "Enrolled", word: str, count: int) -> None:
    """Say what the word was measured to do, what is odd about it, and what the file holds."""
    point = next(one for one in made.points if one.threshold == made.threshold)
    each = " ".join(f"{score:.2f}" for score in made.scores)
    terminal.say(f"each recording by the average of the others: {each} (the threshold is {made.threshold:g})")
    terminal.say(
        f"missed: {point.missed} of {point.trials}, which with so few means {100 * point.frr[0]:.0f}-"
        f"{100 * point.frr[1]:.0f} %, in quiet, of whoever recorded; strangers are missed far more often"
    )
    terminal.say(
        f"false wakes: {point.false_accepts} in {point.hours:.2f} h ({point.per_hour[0]:.1f}-{point.per_hour[1]:.1f} "
        f"an hour) of {made.sound}"
    )
    for warning in _warnings(made, count):
        terminal.say(f"warning: {warning}")
    terminal.say(
        f"{made.path.with_suffix('.onnx')} holds one average over the {count} recordings and no recording; it comes "
        f"from the voice in them: it is for you alone to read"
    )
    terminal.say(f"try it: wakegate listen --model {made.path.with_suffix('.onnx')} --words {word}")


def _warnings(made: "Enrolled", count: int) -> list[str]:
    found = [
        f"{name} is unlike the others (score {score:.2f}): say the word the same way each time, or leave it out"
        for name, score in zip(made.names, made.scores, strict=True)
        if score < made.threshold
    ]
    for other, times in made.alike.items():
        found.append(
            f"{times} of {count} recordings sound like {other!r}, which the model knows: one may wake the other"
        )
    point = next(one for one in made.points if one.threshold == made.threshold)
    if point.false_accepts / point.hours > MANY_AN_HOUR:
        found.append("talk wakes it often: a longer word does better, three syllables or more, or a higher threshold")
    if made.seconds < SHORT_S:
        found.append(f"the word is short ({made.seconds:.1f} s): short words are in everything people say")
    return found


def _record(made: "Enrolled", order: "Order", left_out: tuple[str, ...]) -> dict[str, object]:
    """Return for programs what was made, of what, and what it was measured to do at every threshold."""
    chooses, measures = order.sound.hours
    return {
        "kind": "enrolled", "word": order.word, "threshold": made.threshold,
        "model": str(made.path.with_suffix(".onnx")), "manifest": str(made.path),
        "operating_points": [asdict(point) for point in made.points],
        "recordings": [{"name": name, "score": score} for name, score in zip(made.names, made.scores, strict=True)],
        "word_s": made.seconds, "alike": made.alike,
        "used": {
            "onto": str(order.onto), "sound": made.sound, "sound_hours": {"chose": chooses, "measured": measures},
        },
        "warnings": _warnings(made, len(order.takes)), "left_out": left_out,
    }  # fmt: skip
