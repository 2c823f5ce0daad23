"""Rates: false accepts an hour and misses side by side, a row a condition (or a word) and an engine.

Owns the picture of intervals. A hollow mark in the gutter is a count of none: its whisker says what that may mean.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from .axes import Linear, Rate, rate_axis
from .marks import COLOURS, dot, line, picture, text
from .words import cut, labels, ranged, together

Found = Mapping[str, Any]

WIDTH, ROW, TOP = 860.0, 19.0, 46.0
LABEL, HOURLY, HOURLY_END, MISSED, MISSED_END = 150.0, 158.0, 416.0, 572.0, 740.0

Rows = list[tuple[str, list[tuple[int, Found]]]]


def grouped(document: Found) -> tuple[str, Rows]:
    """Return what the rows are, and (name, (engine's number, its rates)...) of each."""
    engines = document["engines"]
    conditions = sorted({row["condition"] for one in engines for row in one["rates"]} - {None}, key=_natural)
    rows: Rows
    if conditions:
        rows = [
            (
                condition or "(none)",
                [(n, together(one, condition)) for n, one in enumerate(engines) if _has(one, condition)],
            )
            for condition in conditions
        ]
        return "condition", [*rows, ("all", [(n, together(one)) for n, one in enumerate(engines)])]
    sums = [together(one)["word"] for one in engines if len(one["rates"]) > 1][:1]
    words = [*dict.fromkeys(row["word"] for one in engines for row in one["rates"] if row["word"] not in sums), *sums]
    return "word", [
        (word, [(n, row) for n, one in enumerate(engines) for row in one["rates"] if row["word"] == word])
        for word in words
    ]


def _natural(name: str) -> list[tuple[int, str]]:
    """Return what sorts 5 dB before 10 dB."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name) if part]


def _has(engine: Found, condition: str) -> bool:
    return any(row["condition"] == condition for row in engine["rates"])


def rates(document: Found) -> str:
    """Return the picture."""
    by, rows = grouped(document)
    known = [row for _, own in rows for _, row in own if row["per_hour_95"]]
    seen = [end for row in known for end in (row["per_hour"], *row["per_hour_95"])]
    worst = max((100 * row["frr_95"][1] for _, own in rows for _, row in own if row["frr_95"]), default=100)
    most = next(one for one in (5, 10, 20, 50, 100) if one >= min(worst, 100))
    x, share = rate_axis(seen, HOURLY, HOURLY_END), Linear(0, most, MISSED, MISSED_END)
    bottom = TOP + sum(ROW * len(own) + 10 for _, own in rows)
    names = labels(document)
    marks = [*_frame(x, share, bottom)]
    down = TOP + 5
    for name, own in rows:
        marks.append(
            text((LABEL, down + ROW / 2 + 4), cut(name, 20), "name" if name in ("all", "all words") else "", "end")
        )
        for number, row in own:
            marks += _row(row, number, f"{name}, {names[number]}", (x, share), down + ROW / 2)
            down += ROW
        down += 10
        marks.append(line((HOURLY - 100, down - 5), (WIDTH - 8, down - 5), "grid"))
    told = (
        f"{name}, {names[n]}: {_hourly(row)} an hour, {_missed(row)} % missed" for name, own in rows for n, row in own
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
        yield dot(at, number, f"{title}: {_hourly(row)} an hour", hollow=row["false_accepts"] == 0)
    yield text((HOURLY_END + 8, down + 4), _hourly(row), "figure")
    if row["frr_95"] is not None:
        low, high = (share.at(100 * end) for end in row["frr_95"])
        yield line((low, down), (high, down), colour)
        yield dot((share.at(100 * row["frr"]), down), number, f"{title}: {_missed(row)} %", hollow=row["missed"] == 0)
    yield text((MISSED_END + 8, down + 4), _missed(row), "figure")


def _hourly(row: Found) -> str:
    return ranged(row["per_hour"], row["per_hour_95"], 1)


def _missed(row: Found) -> str:
    return ranged(row["frr"], row["frr_95"], 100)


def legend(document: Found) -> str:
    """Return which mark is which engine's."""
    names = labels(document)
    marks = []
    for number, name in enumerate(names):
        marks += [dot((12, 20 * number + 11), number, ""), text((26, 20 * number + 15), name)]
    return picture("legend", (WIDTH, 20 * len(names) + 2), "Marks of the engines", ", ".join(names), marks)
