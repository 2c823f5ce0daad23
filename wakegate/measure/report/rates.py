"""Rates: false accepts an hour and misses side by side, a row a condition (or, of one condition, a word) and an engine.

Owns the picture of intervals. A hollow mark in the gutter is a count of none: its whisker says what that may mean.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from .axes import Linear, Rate, rate_axis
from .marks import COLOURS, dot, line, picture, text
from .words import cut, hourly, labels, ranged, together, wholes

Found = Mapping[str, Any]

WIDTH, ROW, TOP = 860.0, 19.0, 46.0
LABEL, HOURLY, HOURLY_END, MISSED, MISSED_END = 150.0, 158.0, 416.0, 572.0, 740.0

SHORT, LONG = 20, 60
"""Names of so many letters stand beside their rows; longer ones above them, and beyond that without their middle."""

Rows = list[tuple[str, list[tuple[int, Found]]]]


def grouped(document: Found) -> tuple[str, Rows]:
    """Return what the rows are, and (name, (engine's number, its rates)...) of each."""
    engines, made = document["engines"], wholes(document)
    conditions: list[list[str | None]] = []
    for condition in dict.fromkeys(row["condition"] for row in engines[0]["rates"]):
        if condition in made:
            conditions.append([])
        conditions[-1].append(condition)
    listed = [one for whole, *own in conditions for one in (*sorted(own, key=_natural), whole)]
    if len(listed) > 1:
        return "condition", [(name or "all", [(n, together(one, name)) for n, one in enumerate(engines)])
                             for name in listed]  # fmt: skip
    sums = [together(one, listed[0])["word"] for one in engines if len(one["rates"]) > 1][:1]
    words = [*dict.fromkeys(row["word"] for one in engines for row in one["rates"] if row["word"] not in sums), *sums]
    return "word", [
        (word, [(n, row) for n, one in enumerate(engines) for row in one["rates"] if row["word"] == word])
        for word in words
    ]


def _natural(name: str | None) -> list[tuple[int, int, str]]:
    """Return what sorts -5 dB before 5 dB, and that before 10 dB."""
    parts = (part for part in re.split(r"((?:(?<!\S)-)?\d+)", name or "") if part)
    return [(0, int(part), "") if part.lstrip("-").isdecimal() else (1, 0, part) for part in parts]


def rates(document: Found) -> str:
    """Return the picture."""
    by, rows = grouped(document)
    known = [row for _, own in rows for _, row in own if row["per_hour_95"]]
    seen = [end for row in known for end in (row["per_hour"], *row["per_hour_95"])]
    worst = max((100 * row["frr_95"][1] for _, own in rows for _, row in own if row["frr_95"]), default=100)
    most = next(one for one in (5, 10, 20, 50, 100) if one >= min(worst, 100))
    x, share = rate_axis(seen, HOURLY, HOURLY_END), Linear(0, most, MISSED, MISSED_END)
    above = ROW if any(len(name) > SHORT for name, _ in rows) else 0.0
    bottom = TOP + sum(above + ROW * len(own) + 10 for _, own in rows)
    names = labels(document)
    marks = [*_frame(x, share, bottom)]
    down = TOP + 5
    for name, own in rows:
        kind = "name" if name in ("all", "all words") else ""
        if above:
            marks.append(text((8, down + ROW / 2 + 4), cut(name, LONG), f"over {kind}"))
            down += above
        else:
            marks.append(text((LABEL, down + ROW / 2 + 4), name, kind, "end"))
        for number, row in own:
            marks += _row(row, number, f"{name}, {names[number]}", (x, share), down + ROW / 2)
            down += ROW
        down += 10
        marks.append(line((8 if above else HOURLY - 100, down - 5), (WIDTH - 8, down - 5), "grid"))
    told = (
        f"{name}, {names[n]}: {hourly(row)} an hour, {_missed(row)} % missed" for name, own in rows for n, row in own
    )
    title = f"False accepts an hour and misses by {by}, with 95 % intervals"
    return picture("rates", (WIDTH, bottom + 24), title, "; ".join(told) + ".", marks)


def _frame(x: Rate, share: Linear, bottom: float) -> Iterator[str]:
    yield text(((HOURLY + HOURLY_END) / 2, TOP - 24), "false accepts an hour", anchor="middle")
    yield text(((MISSED + MISSED_END) / 2, TOP - 24), "missed, %", anchor="middle")
    yield from x.marks(TOP - 8, bottom)
    for value in share.ticks(5):
        yield line((share.at(value), TOP - 8), (share.at(value), bottom), "grid")
        yield text((share.at(value), bottom + 15), f"{value:g}", "tick", "middle")


def _row(row: Found, number: int, title: str, scales: tuple[Rate, Linear], down: float) -> Iterator[str]:
    x, share = scales
    colour = f"whisker c{number % COLOURS}"
    if row["per_hour_95"] is not None:
        low, high = row["per_hour_95"]
        yield line((x.at(low), down), (x.at(high), down), colour)
        at = (x.at(row["per_hour"]), down)
        yield dot(at, number, f"{title}: {hourly(row)} an hour", hollow=row["false_accepts"] == 0)
    yield text((HOURLY_END + 8, down + 4), hourly(row), "figure")
    if row["frr_95"] is not None:
        low, high = (share.at(100 * end) for end in row["frr_95"])
        yield line((low, down), (high, down), colour)
        yield dot((share.at(100 * row["frr"]), down), number, f"{title}: {_missed(row)} %", hollow=row["missed"] == 0)
    yield text((MISSED_END + 8, down + 4), _missed(row), "figure")


def _missed(row: Found) -> str:
    return ranged(row["frr"], row["frr_95"], 100)


def legend(document: Found) -> str:
    """Return which mark is which engine's."""
    names = labels(document)
    marks = []
    for number, name in enumerate(names):
        marks += [dot((12, 20 * number + 11), number, ""), text((26, 20 * number + 15), name)]
    return picture("legend", (WIDTH, 20 * len(names) + 2), "Marks of the engines", ", ".join(names), marks)
