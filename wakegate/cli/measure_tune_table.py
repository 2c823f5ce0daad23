"""What ``wakegate measure tune`` shows: the thresholds chosen, and what they cost in misses.

Owns the words of the table and of the lines under it. Never chooses a threshold.
"""

import argparse
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from . import terminal

if TYPE_CHECKING:
    from ..measure.counts.tally import Tally
    from ..measure.field.tune import Budget, Choice
    from ..wake.manifest import Manifest, OperatingPoint


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


def row(model: "Manifest", word: str, choice: "Choice | None", said: "Tally | None") -> dict[str, Any]:
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
            {
                "threshold": one.threshold,
                "condition": one.condition,
                "missed": one.missed,
                "trials": one.trials,
                "ends_at": max(
                    point.threshold
                    for point in model.operating_points
                    if (point.word, point.condition) == (word, one.condition)
                ),
            }
            for one in points
        ],
        "model_sha256": model.sha256,
    }


def show(args: argparse.Namespace, budget: "Budget", hours: float, rows: Sequence[Mapping[str, Any]]) -> None:
    """Print the rows: as JSON Lines, or as a table with what its columns mean."""
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
                "none" if row["threshold"] is None else f"{row['threshold']:g}{' (lower)' if _lower(row) else ''}",
                "" if row["false_accepts"] is None else row["false_accepts"],
                *([_missed(row)] if own else (_nearest(row, one) for one in conditions)),
            )
            for row in rows
        ),
    )  # fmt: skip
    if conditions:
        print("missed: by the model's card, at the measured threshold nearest to yours (behind @); >= where yours is")
        print("higher and can only miss more, <= where it is lower; unknown above the highest that was measured.")
        print("--words measures it on words of your own.")


def _lower(row: Mapping[str, Any]) -> bool:
    """Return whether the threshold chosen is below the model's own."""
    return row["threshold"] is not None and bool(row["threshold"] < row["model_threshold"])


def below(rows: Sequence[Mapping[str, Any]], floor: float) -> None:
    """Say what a threshold below the model's own means."""
    if any(row["threshold"] == floor for row in rows):
        print(f"{floor:g} is the lowest the model reports.")
    if any(map(_lower, rows)):
        print("(lower): below the model's own, which --write keeps unless --lower is given too. Such a threshold is")
        print("only as good as this sound is like all your days.")


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
            if chosen > one["ends_at"]:
                return f"unknown above {one['ends_at']:g}"
            side = "" if at == chosen else ">= " if at < chosen else "<= "
            return f"{side}{one['missed']} of {one['trials']} @{at:g}"
    return ""
