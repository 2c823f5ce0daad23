"""``wakegate measure tune``: thresholds that keep false accepts within a budget, from the user's own ambient sound."""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UsageError
from ..events import SAMPLE_RATE
from . import measure_live, terminal
from . import measure_tune_table as table
from .usage import Once, typed

if TYPE_CHECKING:
    from ..audio.block import Samples
    from ..config import Config
    from ..measure.counts.tally import Tally
    from ..measure.engines import Engine
    from ..measure.field.ambient import Ambient
    from ..measure.field.tune import Budget, Choice
    from ..wake.manifest import Manifest

_DESCRIPTION = """\
Find, for each wake word, the lowest threshold whose false accepts an hour are within a budget with the given
confidence, on sound of your own in which nobody says a wake word: files and folders of them (streamed, of any length),
or the microphone. From the microphone scores are kept, until the command ends; no sound is stored, nothing is released.

The limit is exact (Garwood, one-sided), and holds for the thresholds chosen, each word by itself, if the budget and the
hours were fixed beforehand and your sound is like your days: that is why a live run shows hours and no scores. What it
costs in misses is told from the points at which the model was measured, the nearest of each condition, or measured on
--words CORPUS, labelled as for `wakegate measure`."""
_EXAMPLES = """\
examples:
  wakegate measure tune --budget 0.1/h --confidence 0.9 evenings/ kitchen.flac
  wakegate measure tune --budget 1/day --microphone --hours 72 --write"""
HOUR = 3600 * SAMPLE_RATE
LIMIT_S = 60.0


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser(
        "measure tune",
        help="choose thresholds for a budget of false accepts, on your own sound",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("ambient", nargs="*", type=Path, metavar="AMBIENT", help="sound without wake words")
    parser.add_argument(
        "--budget", required=True, metavar="N/h", help="false accepts of a word, an hour (0.1/h) or a day (1/day)"
    )
    parser.add_argument("--confidence", type=float, default=0.9, metavar="C", help="(default: %(default)s)")
    measure_live.add_arguments(parser)
    parser.add_argument(
        "--words", type=Path, metavar="CORPUS", action=Once, help="labelled wake words, to measure the misses on"
    )
    parser.add_argument(
        "--tolerance", type=float, default=0.5, metavar="S", help="seconds beside a label (default: %(default)s)"
    )
    parser.add_argument(
        "--model", type=Path, metavar="NAME.onnx", action=Once, help="a model file; the installed one if not given"
    )
    parser.add_argument("--write", action="store_true", help="set the thresholds in the config; the rest of it stays")
    parser.add_argument(
        "--lower", action="store_true", help="let --write go below the model's own threshold, which it keeps otherwise"
    )
    parser.add_argument("--json", action="store_true", help="JSON Lines instead of a table")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Listen, choose, tell and, if asked to, write; 1 if some sound or word had to be left out."""
    from .. import config, config_thresholds
    from ..measure.engines import named
    from ..measure.field.tune import Budget, choose
    from ..wake.catalogue import spelled

    with typed():
        budget = Budget(per_hour=_per_hour(args.budget), confidence=args.confidence)
    _check(args, budget)
    fresh = args.write and args.config is not None and not args.config.exists()
    settings = config.Config() if fresh else config.read(args.config)
    model = _model(args, settings)
    words = [model.entry(spelled(word)).word for word in settings.words or [one.word for one in model.words]]
    path = args.config or config.path_to_write()
    if args.write:  # before hours of listening: it may be a file that cannot be changed
        config_thresholds.changed_by(path, dict.fromkeys(words, 1.0))
    engine = named(f"wakegate:{model.path}", None, LIMIT_S)
    paths = [] if args.microphone else _files(args, budget)
    tallies = _said(args, engine, words) if args.words else {}  # before hours of listening: its labels may be wrong
    ambient = _listen(args, settings, engine, budget, paths)
    for reason in ambient.failures:
        terminal.say(f"failed, counts nowhere: {reason}")
    choices = {word: choose(ambient.scores(word), ambient.hours, budget, model.floor) for word in words}
    rows = [table.row(model, word, choice, tallies.get(word)) for word, choice in choices.items()]
    table.show(args, budget, ambient.hours, rows)
    if not args.json:
        table.below(rows, model.floor)
    impossible = [word for word, choice in choices.items() if choice is None]
    for word in impossible:
        terminal.say(f"wakegate: no threshold up to 1 keeps {word!r} within the budget: it is left as it is")
    if args.write:
        _write(path, settings, model, choices, lower=args.lower)
    return 1 if ambient.failures or impossible else 0


def _check(args: argparse.Namespace, budget: "Budget") -> None:
    if bool(args.ambient) == args.microphone:
        raise UsageError("name files or folders of sound without wake words, or give --microphone: one of the two")
    if not 0 <= args.tolerance <= 10:  # nan too
        raise UsageError(f"--tolerance is {args.tolerance:g}: give seconds, from 0 to 10")
    samples = measure_live.most(args)
    if not args.microphone and (samples is not None or args.device is not None or args.channel is not None):
        raise UsageError("--hours, --seconds, --device and --channel are for --microphone: files are heard whole")
    if samples is not None and samples / SAMPLE_RATE / 3600 < budget.hours_needed:
        raise UsageError(f"so short a time cannot show this budget: it takes {budget.hours_needed:.3g} h at least")


def _model(args: argparse.Namespace, settings: "Config") -> "Manifest":
    from ..wake import catalogue, manifest

    if args.model is not None:
        return manifest.read(args.model.with_suffix(".json"))
    return catalogue.knowing([catalogue.spelled(word) for word in settings.words or ()])[0]


def _per_hour(text: str) -> float:
    from ..rates import per_hour

    try:
        return per_hour(text)
    except ValueError as error:
        raise UsageError(f"--budget {text!r} is no rate: write 0.1/h, or 1/day") from error


def _files(args: argparse.Namespace, budget: "Budget") -> list[Path]:
    """Return the files to hear; refuse at once those whose headers promise too few hours."""
    from ..measure.field import ambient

    paths = ambient.files(args.ambient)
    promised = ambient.hours(paths)
    if promised is not None:
        budget.check(promised)
    labelled = [one for one in paths if any(one.with_suffix(kind).exists() for kind in (".txt", ".rttm"))]
    if labelled:
        many = f"{len(labelled)} files have" if labelled[1:] else "1 file has"
        terminal.say(
            f"note: {many} labels, the first is {labelled[0]}: they are not read, whatever is heard is a false accept"
        )
    return paths


def _listen(
    args: argparse.Namespace, settings: "Config", engine: "Engine", budget: "Budget", paths: Sequence[Path]
) -> "Ambient":
    from ..measure.field import ambient

    if not args.microphone:
        from .progress import shown

        return ambient.hear(engine, paths, shown)
    from ..measure.field.live import Live

    with measure_live.until_stopped(Live(measure_live.microphone(args, settings), measure_live.most(args))) as live:
        terminal.say(
            f"listening to {live.name}, Ctrl-C ends it: scores are kept until then, and no sound. Only hours are "
            f"shown; {budget.hours_needed:.3g} h are needed at least"
        )
        heard = tuple(one for sound in live.stretches() for one in engine.hear(_told(sound)))
        engine.hear(())  # a fresh stream: nothing of the last one stays in the model's state
        if live.gaps:
            terminal.say(f"note: sound was lost {live.gaps} times; the hours are those that were heard")
        return ambient.Ambient(heard=heard, hours=live.hours)


def _told(sound: "Iterator[Samples]") -> "Iterator[Samples]":
    """Say each full hour, and nothing else: who sees scores would stop when they look good."""
    samples = 0
    for piece in sound:
        before, samples = samples // HOUR, samples + len(piece)
        if before < samples // HOUR:
            terminal.say(f"{samples // HOUR} h without a break")
        yield piece


def _said(args: argparse.Namespace, engine: "Engine", words: Sequence[str]) -> "dict[str, Tally]":
    """Hear a labelled corpus; return what was found of each word that is said in it."""
    from ..measure import corpus
    from ..measure.counts import tally
    from ..measure.listening.run import Hearing
    from ..measure.sound import Sound

    recordings = corpus.read(args.words, words).recordings
    with Sound() as sound:
        hearings = [Hearing(recording=one, heard=tuple(engine.hear(sound.of(one)))) for one in recordings]
    tolerance = round(args.tolerance * SAMPLE_RATE)
    hours = tally.hours(hearings, tolerance)
    found = {word: tally.counted(word, hearings, tolerance, hours) for word in words}
    return {word: one for word, one in found.items() if len(one.found)}


def _write(
    path: Path, settings: "Config", model: "Manifest", choices: "Mapping[str, Choice | None]", *, lower: bool
) -> None:
    """Write the thresholds; of one below the model's own, the model's own, which keeps the budget all the more."""
    from .. import config_thresholds

    found = {word: choice.threshold for word, choice in choices.items() if choice is not None}
    least = {word: 0.0 if lower else model.entry(word).threshold for word in found}
    chosen = {word: max(threshold, least[word]) for word, threshold in found.items()}
    config_thresholds.write_thresholds(path, chosen)
    for word, threshold in chosen.items():
        before = settings.thresholds.get(word)
        was = f"{model.entry(word).threshold:g} (the model's)" if before is None else str(before)
        kept = "" if threshold == found[word] else f" (the model's own; {found[word]:g} would do, --lower takes it)"
        terminal.say(f"{word}: {was} -> {threshold:g}{kept}")
    terminal.say(f"written to {path}; a running `wakegate listen` takes it when it is started again")
