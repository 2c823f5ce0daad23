"""``wakegate measure tune``: thresholds that keep false accepts within a budget, from the user's own ambient sound."""

import argparse
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError
from ..events import SAMPLE_RATE
from . import measure_live, terminal

if TYPE_CHECKING:
    from ..audio.block import Samples
    from ..config import Config
    from ..measure.counts.tally import Tally
    from ..measure.engines import Engine
    from ..measure.field.ambient import Ambient
    from ..measure.field.tune import Budget, Choice
    from ..wake.manifest import Manifest, OperatingPoint

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
_PER = {"": 1.0, "/h": 1.0, "/day": 24.0}


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
    parser.add_argument("--words", type=Path, metavar="CORPUS", help="labelled wake words, to measure the misses on")
    parser.add_argument(
        "--tolerance", type=float, default=0.5, metavar="S", help="seconds beside a label (default: %(default)s)"
    )
    parser.add_argument("--model", type=Path, metavar="NAME.onnx", help="a model file; the installed one if not given")
    parser.add_argument("--write", action="store_true", help="set the thresholds in the config; the rest of it stays")
    parser.add_argument("--json", action="store_true", help="JSON Lines instead of a table")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Listen, choose, tell and, if asked to, write; 1 if some sound or word had to be left out."""
    from .. import config
    from ..measure.engines import named
    from ..measure.field.tune import Budget, choose
    from ..wake.catalogue import spelled

    budget = Budget(per_hour=_per_hour(args.budget), confidence=args.confidence)
    _check(args, budget)
    fresh = args.write and args.config is not None and not args.config.exists()
    settings = config.Config() if fresh else config.read(args.config)
    model = _model(args, settings)
    words = [model.entry(spelled(word)).word for word in settings.words or [one.word for one in model.words]]
    path = args.config or config.path_to_write()
    if args.write:  # before hours of listening: it may be a file that cannot be changed
        config.changed_by(path, dict.fromkeys(words, 1.0))
    engine = named(f"wakegate:{model.path}", None, LIMIT_S)
    tallies = _said(args, engine, words) if args.words else {}  # before hours of listening: its labels may be wrong
    ambient = _listen(args, settings, engine, budget)
    for reason in ambient.failures:
        terminal.say(f"failed, counts nowhere: {reason}")
    choices = {word: choose(ambient.scores(word), ambient.hours, budget, model.floor) for word in words}
    rows = [_row(model, word, choice, tallies.get(word)) for word, choice in choices.items()]
    _show(args, budget, ambient.hours, rows)
    impossible = [word for word, choice in choices.items() if choice is None]
    for word in impossible:
        terminal.say(f"wakegate: no threshold up to 1 keeps {word!r} within the budget: it is left as it is")
    if args.write:
        _write(path, settings, model, choices)
    return 1 if ambient.failures or impossible else 0


def _check(args: argparse.Namespace, budget: "Budget") -> None:
    if bool(args.ambient) == args.microphone:
        raise ConfigError("name files or folders of sound without wake words, or give --microphone: one of the two")
    if not 0 <= args.tolerance <= 10:  # nan too
        raise ConfigError(f"--tolerance is {args.tolerance:g}: give seconds, from 0 to 10")
    samples = measure_live.most(args)
    if not args.microphone and (samples is not None or args.device is not None or args.channel is not None):
        raise ConfigError("--hours, --seconds, --device and --channel are for --microphone: files are heard whole")
    if samples is not None and samples / SAMPLE_RATE / 3600 < budget.hours_needed:
        raise ConfigError(f"so short a time cannot show this budget: it takes {budget.hours_needed:.3g} h at least")


def _model(args: argparse.Namespace, settings: "Config") -> "Manifest":
    from ..wake import catalogue, manifest

    if args.model is not None:
        return manifest.read(args.model.with_suffix(".json"))
    return catalogue.knowing([catalogue.spelled(word) for word in settings.words or ()])[0]


def _per_hour(text: str) -> float:
    found = re.fullmatch(r"\s*([0-9.eE+-]+)\s*(/h|/day|)\s*", text)
    try:
        return float(found[1]) / _PER[found[2]] if found else float("nan")
    except ValueError as error:
        raise ConfigError(f"--budget {text!r} is no rate: write 0.1/h, or 1/day") from error


def _listen(args: argparse.Namespace, settings: "Config", engine: "Engine", budget: "Budget") -> "Ambient":
    from ..measure.field import ambient

    if not args.microphone:
        from .progress import shown

        paths = ambient.files(args.ambient)
        labelled = [one for one in paths if any(one.with_suffix(kind).exists() for kind in (".txt", ".rttm"))]
        if labelled:
            terminal.say(
                f"note: {len(labelled)} files have labels beside them, the first is {labelled[0]}: they are not read, "
                f"whatever is heard is a false accept"
            )
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


def nearest(model: "Manifest", word: str, threshold: float) -> "list[OperatingPoint]":
    """Return the measured point of each condition that is nearest to a threshold, the higher one of two."""
    own = [point for point in model.operating_points if point.word == word]
    return [
        min(
            (point for point in own if point.condition == condition),
            key=lambda point: (abs(point.threshold - threshold), -point.threshold),
        )
        for condition in dict.fromkeys(point.condition for point in own)
    ]


def _row(model: "Manifest", word: str, choice: "Choice | None", said: "Tally | None") -> dict[str, Any]:
    """Return what is told of a word; ``nearest`` and ``missed`` are empty and None where nobody knows."""
    rates = None if choice is None or said is None else said.rates(choice.threshold)
    points = [] if choice is None else nearest(model, word, choice.threshold)
    return {
        "word": word,
        "model_threshold": model.entry(word).threshold,
        "threshold": None if choice is None else choice.threshold,
        "false_accepts": None if choice is None else choice.false_accepts,
        "missed": None if rates is None else rates.missed,
        "trials": None if rates is None else rates.trials,
        "frr_95": None if rates is None else rates.frr_95,
        "nearest": [
            {"threshold": one.threshold, "condition": one.condition, "missed": one.missed, "trials": one.trials}
            for one in points
        ],
        "model_sha256": model.sha256,
    }


def _show(args: argparse.Namespace, budget: "Budget", hours: float, rows: Sequence[Mapping[str, Any]]) -> None:
    from ..measure.rounding import duration

    about = {"hours": hours, "budget_per_hour": budget.per_hour, "confidence": budget.confidence}
    if args.json:
        for row in rows:
            terminal.emit({**row, **about})
        return
    # Each condition of the model's card has its column, unless the misses were measured on the user's own words.
    own = any(row["trials"] is not None for row in rows)
    conditions = [] if own else list(dict.fromkeys(one["condition"] for row in rows for one in row["nearest"]))
    terminal.table(
        f"within {budget.per_hour:g} false accepts an hour of each word, with {budget.confidence * 100:g} % "
        f"confidence, on {duration(hours)} of sound",
        (
            "word", "model's own", "threshold", "false accepts heard",
            *([f"missed of {args.words}"] if own else (f"missed: {one}" for one in conditions)),
        ),
        (
            (
                row["word"], f"{row['model_threshold']:g}",
                "none" if row["threshold"] is None else f"{row['threshold']:g}",
                "" if row["false_accepts"] is None else row["false_accepts"],
                *([_missed(row)] if own else (_nearest(row, one) for one in conditions)),
            )
            for row in rows
        ),
    )  # fmt: skip
    if conditions:
        print("missed: by the model's card, at the measured threshold nearest to yours (behind @); >= where yours is")
        print("higher and can only miss more, <= where it is lower. --words measures it on words of your own.")
    if any(row["threshold"] is not None and row["threshold"] < row["model_threshold"] for row in rows):
        print("A threshold below the model's own is only as good as this sound is like all your days.")


def _missed(row: Mapping[str, Any]) -> str:
    """Return the misses as measured on the user's words, with their interval."""
    from ..measure.rounding import figure

    if row["trials"] is None:
        return ""
    low, high = (figure(100 * one) for one in row["frr_95"])
    return f"{row['missed']} of {row['trials']} ({low}-{high} %)"


def _nearest(row: Mapping[str, Any], condition: str) -> str:
    """Return the misses of one condition of the model's card at the nearest threshold, and on which side that lies."""
    for one in row["nearest"]:
        if one["condition"] == condition:
            at, chosen = one["threshold"], row["threshold"]
            side = "" if at == chosen else ">= " if at < chosen else "<= "
            return f"{side}{one['missed']} of {one['trials']} @{at:g}"
    return ""


def _write(path: Path, settings: "Config", model: "Manifest", choices: "Mapping[str, Choice | None]") -> None:
    from .. import config

    chosen = {word: choice.threshold for word, choice in choices.items() if choice is not None}
    config.write_thresholds(path, chosen)
    for word, threshold in chosen.items():
        before = settings.thresholds.get(word)
        was = f"{model.entry(word).threshold:g} (the model's)" if before is None else f"{before:g}"
        terminal.say(f"{word}: {was} -> {threshold:g}")
    terminal.say(f"written to {path}; a running `wakegate listen` takes it when it is started again")
