"""``wakegate models``: what is installed and what it was measured to do."""

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from . import terminal
from .usage import Once

if TYPE_CHECKING:
    from ..wake.manifest import Manifest, OperatingPoint


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser(
        "models",
        help="list the installed models and their measured operating points",
        description="List the installed models, their words, and what each threshold was measured to do: false accepts "
        "per hour and missed words, with 95 % intervals. Who spoke, and how, stands above the column; the installed "
        "model's are people and sound kept out of training (`fold`: of the same training without these people).",
        epilog="example: wakegate models --word computer",
    )
    parser.add_argument("--word", metavar="WORD", help="only this word")
    parser.add_argument(
        "--model", type=Path, metavar="NAME.onnx", action=Once, help="a model file in place of those installed"
    )
    parser.add_argument("--json", action="store_true", help="everything, one JSON line a model")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the catalogue."""
    from ..wake import engine

    word, models = _chosen(args)
    for manifest in models:
        if args.json:
            terminal.emit({**asdict(manifest), "path": str(manifest.path), "engine": engine.chosen()})
        else:
            terminal.table(*_drawn(manifest, word, engine.chosen()))
    return 0


def _chosen(args: argparse.Namespace) -> "tuple[str | None, tuple[Manifest, ...]]":
    from ..wake import catalogue, manifest

    word = None if args.word is None else catalogue.spelled(args.word)
    if args.model is not None:
        named = manifest.read(args.model.with_suffix(".json"))
        return (None if word is None else named.entry(word).word), (named,)
    return word, catalogue.installed() if word is None else catalogue.knowing([word])


def _drawn(manifest: "Manifest", word: str | None, engine: str) -> tuple[str, tuple[str, ...], list[tuple[str, ...]]]:
    """Return title, columns and rows: one row a threshold, one column a condition."""
    points = [p for p in manifest.operating_points if p.trials and word in (None, p.word)]
    conditions = tuple(dict.fromkeys(p.condition for p in points))
    defaults = {entry.word: entry.threshold for entry in manifest.words}
    rows = []
    for name, threshold in dict.fromkeys((p.word, p.threshold) for p in points):
        own = {p.condition: p for p in points if (p.word, p.threshold) == (name, threshold)}
        first = next(iter(own.values()))
        rows.append(
            (
                name,
                f"{threshold:g}" + (" *" if threshold == defaults[name] else ""),
                f"{first.false_accepts / first.hours:.2f} ({first.per_hour[0]:.2f}-{first.per_hour[1]:.2f})",
                *(_missed(own[condition]) if condition in own else "" for condition in conditions),
            )
        )
    hours = max((p.hours for p in points), default=0)
    title = (
        f"{manifest.name}, sha256 {manifest.sha256[:12]}: false accepts in {hours:.2f} h of sound, words missed of "
        f"those that a column names; 95 % intervals; * default; run by {engine}"
    )
    columns = ("word", "threshold", "false accepts/h", *(f"missed %: {condition}" for condition in conditions))
    return title, columns, rows


def _missed(point: "OperatingPoint") -> str:
    return f"{100 * point.missed / point.trials:.0f} ({100 * point.frr[0]:.0f}-{100 * point.frr[1]:.0f})"
