"""``wakegate train``: a wake word of one's own, on a laptop, from synthetic voices and whatever sound there is."""

import argparse
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ConfigError, UsageError
from . import terminal

if TYPE_CHECKING:
    from ..train.own.gather import Sides
    from ..train.own.plan import Order
    from ..train.voices import Voice

TEACHING = """\
Needs the extra: pip install 'wakegate[train]'. No graphics card, and nothing is downloaded or sent.

Who says the phrase while it is learned: espeak-ng, which comes with the extra, and whatever you add. Neural voices do
far better than espeak-ng, people better still:
  --voices DIR      a folder with the Kokoro-82M voice: model.onnx, vocab.json, speakers/*.bin (wakegate/train/README.md
                    says where they come from)
  --voice FILE      a Piper voice: NAME.onnx with NAME.onnx.json beside it; give several
  --recordings DIR  people saying the phrase, one time a file; in a folder a speaker if you can
What it must not wake for: more than a hundred phrases that sound like it, found in a pronouncing dictionary, and
  --background DIR  hours of your own sound without the phrase, of any length and rate: talk, television, music

Some voices, recordings and background are kept out of training to measure with. DIR/NAME.onnx knows the words of the
model it was added to and yours; DIR/NAME.json has the measured thresholds, DIR/NAME.html shows them. A run that was
stopped goes on where it was by the same command. While it is not finished, what it needs lies in DIR/NAME.work.

example: wakegate train "hey marvin" --out mine --background evenings/
         wakegate listen --model mine/hey_marvin.onnx --words hey_marvin,computer
"""

MOST_THREADS, MOST_SEED = 1024, 2**31 - 1
TOLD = 5
"""Files left out that are named in a list; `--json` names all."""


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser(
        "train",
        help="train a wake word of your own",
        description="Train a wake word of your own, beside those of the shipped model.",
        epilog=TEACHING,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("phrase", metavar="PHRASE", help='what will be said, in English letters: "hey marvin"')
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write to")
    parser.add_argument("--name", help="what to call the word and its files (default: the phrase)")
    parser.add_argument(
        "--onto", type=Path, metavar="NAME.json", help="the model to add the word to (default: the installed one)"
    )
    parser.add_argument("--voices", type=Path, metavar="DIR", help="a folder with the Kokoro voice")
    parser.add_argument(
        "--voice", type=Path, action="append", default=[], metavar="FILE.onnx", help="a Piper voice; give several"
    )
    parser.add_argument("--recordings", type=Path, metavar="DIR", help="people saying the phrase")
    parser.add_argument("--background", type=Path, metavar="DIR", help="sound without the phrase")
    parser.add_argument("--threads", type=int, metavar="N", help="how many cores to use (default: all)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of all that is drawn (default: %(default)s)")
    parser.add_argument("--yes", action="store_true", help="do not ask before it begins")
    parser.add_argument(
        "--json", action="store_true", help="at the end, where everything is and what it does, as one JSON line"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Say what will be done, ask, train, and say what it was measured to do."""
    if args.threads is not None and not 1 <= args.threads <= MOST_THREADS:
        raise UsageError(f"--threads is {args.threads}: give a number of cores, 1 to {MOST_THREADS}")
    if not 0 <= args.seed <= MOST_SEED:
        raise UsageError(f"--seed is {args.seed}: give a whole number, 0 to {MOST_SEED}")
    try:
        from ..train.own import plan, run
    except ImportError as error:
        raise ConfigError(f"training needs {error.name}: pip install 'wakegate[train]'") from error
    from .progress import reading

    run.threads(args.threads)
    terminal.say("Looking for voices, for phrases that sound like it, and for how long it will take: up to a minute.")
    order = _order(args)
    for line in plan.told(order, run.base(order).twin):
        terminal.say(line)
    for warning in order.phrase.warnings:
        terminal.say(f"warning: {warning}")
    if not args.yes and not _goes_on():
        terminal.say("nothing was done")
        return 1
    try:
        with reading() as told:
            made = run.run(order, told)
    except KeyboardInterrupt:
        terminal.say("wakegate: stopped by Ctrl-C: the same command goes on from here")
        return terminal.STOPPED
    _tell(made, order.phrase.word)
    if args.json:
        terminal.emit(_record(order, made))
    return 0


def _order(args: argparse.Namespace) -> "Order":
    """Return what was asked for, everything checked that can be before it begins."""
    from ..train.own import gather, near, phrase, plan
    from ..wake import catalogue, manifest

    onto = args.onto.with_suffix(".json") if args.onto else catalogue.knowing(())[0].path.with_suffix(".json")
    known = [entry.word for entry in manifest.read(onto).words]
    checked = phrase.checked(args.phrase, args.name, known)
    voices = _voices(args)
    recordings = gather.recordings(args.recordings, checked.word) if args.recordings else None
    background = gather.background(args.background) if args.background else None
    _say_left_out("--recordings", recordings)
    _say_left_out("--background", background)
    others = [word.replace("_", " ") for word in known]
    return plan.Order(
        phrase=checked, near=near.phrases(checked.text, others), onto=onto, voices=voices, recordings=recordings,
        background=background, out=args.out, seed=args.seed,
    )  # fmt: skip


def _voices(args: argparse.Namespace) -> "tuple[Voice, ...]":
    from ..train.voices.espeak import Espeak
    from ..train.voices.kokoro import Kokoro
    from ..train.voices.piper import Piper

    kokoro = [Kokoro(args.voices, args.threads or 0)] if args.voices else []
    return (*kokoro, *(Piper(path) for path in args.voice), Espeak())


def _say_left_out(option: str, sides: "Sides | None") -> None:
    reasons = sides.left_out if sides else ()
    for reason in reasons[:TOLD]:
        terminal.say(f"{option}: left out {reason}")
    if len(reasons) > TOLD:
        terminal.say(f"{option}: left out {len(reasons) - TOLD} files more, for reasons like these")


def _goes_on() -> bool:
    """Ask; without a person there, refuse and say how to begin all the same."""
    if not sys.stdin.isatty():
        raise UsageError("nobody is here to ask whether to begin: give --yes")
    print("go on? [y/N] ", end="", file=sys.stderr, flush=True)
    try:
        return input().strip().lower() in ("y", "yes")
    except EOFError:
        return False


def _tell(made: Path, word: str) -> None:
    """Say what the new word was measured to do at its own threshold."""
    from ..wake import manifest

    read = manifest.read(made)
    threshold = read.entry(word).threshold
    for point in read.operating_points:
        if point.word == word and point.threshold == threshold:
            terminal.say(
                f"{point.condition}: {point.missed} of {point.trials} missed "
                f"({100 * point.frr[0]:.0f}-{100 * point.frr[1]:.0f} %), {point.false_accepts} false accepts in "
                f"{point.hours:.2f} h ({point.per_hour[0]:.2f}-{point.per_hour[1]:.2f} an hour), threshold "
                f"{threshold:g}"
            )
    terminal.say(f"{made.with_suffix('.html')} shows every threshold")
    terminal.say(f"try it: wakegate listen --model {made.with_suffix('.onnx')} --words {word}")


def _record(order: "Order", made: Path) -> dict[str, object]:
    """Return for programs what was made, of what, and what it was measured to do at every threshold."""
    from ..wake import manifest

    read, word, amount = manifest.read(made), order.phrase.word, order.amount
    people, behind = order.recordings, order.background
    return {
        "kind": "trained", "word": word, "phrase": order.phrase.text, "threshold": read.entry(word).threshold,
        "model": str(made.with_suffix(".onnx")), "manifest": str(made), "report": str(made.with_suffix(".html")),
        "sha256": read.sha256,
        "operating_points": [asdict(point) for point in read.operating_points if point.word == word],
        "used": {
            "onto": str(order.onto),
            "voices": [{"name": voice.name, "speakers": len(voice.speakers)} for voice in order.voices],
            "utterances": {"phrase": amount.spoken, "near": amount.near, "kept_out": amount.kept},
            "near_phrases": len(order.near),
            "recordings": people and {"trained": len(people.trains), "kept_out": len(people.kept)},
            "background_hours": behind and dict(zip(("trained", "kept_out"), behind.hours, strict=True)),
            "seed": order.seed,
        },
        "left_out": [reason for sides in (people, behind) if sides for reason in sides.left_out],
        "warnings": list(order.phrase.warnings),
    }  # fmt: skip
