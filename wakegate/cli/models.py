"""``wakegate models``: what is installed and what it was measured to do."""

import argparse
from dataclasses import asdict

from . import terminal


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser(
        "models",
        help="list the installed models and their measured operating points",
        description="List the installed models, their words, and what each threshold was measured to do on people and "
        "sound kept out of training: false accepts per hour and missed words, with 95 %% intervals.",
        epilog="example: wakegate models --word computer",
    )
    parser.add_argument("--word", help="only this word")
    parser.add_argument("--json", action="store_true", help="everything, one JSON line a model")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the catalogue."""
    from ..wake import catalogue

    for manifest in catalogue.installed():
        if args.word:
            manifest.entry(args.word)
        if args.json:
            terminal.emit({**asdict(manifest), "path": str(manifest.path)})
            continue
        defaults = {entry.word: entry.threshold for entry in manifest.words}
        rows = [
            (
                point.word,
                f"{point.threshold:g}" + (" (default)" if point.threshold == defaults[point.word] else ""),
                f"{point.false_accepts / point.hours:.2f} ({point.per_hour[0]:.2f}-{point.per_hour[1]:.2f})",
                f"{100 * point.missed / point.trials:.1f} % ({100 * point.frr[0]:.1f}-{100 * point.frr[1]:.1f})",
                point.condition,
            )
            for point in manifest.operating_points
            if point.trials and args.word in (None, point.word)
        ]
        hours = max((point.hours for point in manifest.operating_points), default=0)
        terminal.table(
            f"{manifest.name}  sha256 {manifest.sha256[:12]}  measured over {hours:g} h of kept-out background",
            ("word", "threshold", "false accepts / h (95 %)", "missed (95 %)", "condition"),
            rows,
        )
    return 0
