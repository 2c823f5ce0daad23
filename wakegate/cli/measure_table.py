"""What ``wakegate measure`` shows to people: a table an engine, and one a pair of engines.

Owns which columns there are; numbers are written as everywhere in ``measure``, with two figures.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from ..measure.report.words import short
from ..measure.rounding import chance, duration, figure
from . import terminal

Found = Mapping[str, Any]

BY_SPEAKER = "95 % by speaker"
LEAST = ("to go", BY_SPEAKER)
"""What a narrow terminal goes without first."""


def show(found: Found) -> None:
    """Print the tables of a result."""
    names = short(found)
    for engine in found["engines"]:
        _rates(engine, names[engine["engine"]])
        _at_rates(engine, names[engine["engine"]])
    print("to go: hours more, with no further false accept, until the rate is shown to be under 0.1 an hour")
    print("       if the hours are fixed beforehand (if somebody looks on the way)")
    _pairs(found, names)


def _pairs(found: Found, names: Mapping[str, str]) -> None:
    for first, second in sorted({(row["first"], row["second"]) for row in found["comparisons"]}):
        rows = [row for row in found["comparisons"] if (row["first"], row["second"]) == (first, second)]
        _table(
            f"1: {names[first]}   2: {names[second]}   (same sound; p: exact tests that both are alike, "
            "not corrected for multiple comparisons)",
            ("condition", "word", "missed by both", "by 1 only", "by 2 only", "p", "false accepts of 1", "of 2", "p"),
            [
                (
                    row["condition"] or "", row["word"], row["both_missed"], row["only_first_missed"],
                    row["only_second_missed"], chance(row["missed_p"]), row["first_false_accepts"],
                    row["second_false_accepts"], chance(row["false_accepts_p"]),
                )
                for row in rows
            ],
        )  # fmt: skip


def _rates(engine: Found, name: str) -> None:
    rows = engine["rates"]
    sums = [one for one, after in pairwise([*rows, {"condition": ""}]) if one["condition"] != after["condition"]]
    # Conditions that were made hold the same hours again.
    within = "" if len(sums) > 1 and sums[0]["condition"] else f" {duration(rows[0]['hours'])} without wake words,"
    if len(sums) == 1:
        _rated(f"{name}:{within} 95 % intervals", rows, ("condition",) if rows[0]["condition"] is None else ())
        return
    _rated(f"{name}: {sums[0]['word']},{within} 95 % intervals", sums, ("word",))
    if len(rows) > len(sums):
        words = [row for row in rows if row not in sums]
        _rated(f"{name}: each word in each condition", words, ("to go", BY_SPEAKER))


def _rated(title: str, rows: Sequence[Found], hidden: Sequence[str]) -> None:
    columns = ("word", "condition", "threshold", "false accepts", "an hour", "to go", "missed", "%", BY_SPEAKER)
    cells = [zip(columns, _cells(row, parts="condition" not in hidden), strict=True) for row in rows]
    _table(title, columns, [["" if name in hidden else cell for name, cell in own] for own in cells])


def _table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows without columns that hold nothing."""
    kept = [n for n in range(len(columns)) if any(row[n] != "" for row in rows)]
    terminal.table(title, [columns[n] for n in kept], ([row[n] for n in kept] for row in rows), LEAST)


def _cells(row: Found, *, parts: bool) -> Iterator[str]:
    yield row["word"]
    yield "all sound" if row["condition"] is None else row["condition"]
    yield "" if row["threshold"] is None else f"{row['threshold']:.3g}"
    yield f"{row['false_accepts']}" + (f" in {duration(row['hours'])}" if parts else "")
    yield _ranged(row["per_hour"], row["per_hour_95"], 1)
    yield _to_go(row)
    yield f"{row['missed']} of {row['trials']}"
    yield _ranged(row["frr"], row["frr_95"], 100)
    unknown = "-" if row["speakers"] else ""
    yield unknown if row["frr_95_by_speaker"] is None else _span(row["frr_95_by_speaker"], 100)


def _at_rates(engine: Found, name: str) -> None:
    """Print misses at given false accepts an hour, where there are hours enough for one such event."""
    rows = [
        (
            word["condition"] or "", word["word"], f"{at['allowed_per_hour']:g}",
            "none" if at["threshold"] is None else f"{at['threshold']:.3g}",
            f"{at['missed']} of {at['trials']}", _ranged(at["frr"], at["frr_95"], 100),
        )
        for word in engine["sweep"]
        for at in word["at"]
        if at["trials"] and at["allowed_per_hour"] * at["hours"] >= 1
    ]  # fmt: skip
    if rows:
        _table(
            f"{name}: misses where false accepts are held down, by thresholds chosen on this very sound",
            ("condition", "word", "false accepts an hour, at most", "threshold", "missed", "%"),
            rows,
        )


def _to_go(row: Found) -> str:
    under = row["under"]
    if under is None:
        return "no hours"
    if under["any_look_hours"] == 0:
        return "shown"
    return f"{figure(under['one_look_hours'])} h ({figure(under['any_look_hours'])} h)"


def _ranged(value: float | None, interval: tuple[float, float] | None, scale: float) -> str:
    if value is None or interval is None:
        return "-"
    return f"{figure(value * scale)} ({_span(interval, scale)})"


def _span(interval: tuple[float, float], scale: float) -> str:
    return f"{figure(interval[0] * scale)}-{figure(interval[1] * scale)}"
