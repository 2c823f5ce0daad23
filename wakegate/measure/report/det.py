"""DET: misses against false accepts an hour, at every threshold.

Owns how words become one line: their thresholds are moved together, by the same amount from the engine's own, so the
line runs through the operating point. Each corner is a count, nothing is smoothed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...rates import garwood, wilson
from ..rounding import figure
from .axes import Linear, Rate, rate_axis
from .marks import COLOURS, Point, box, dot, line, path, picture, text, upright
from .words import cut, labels, ranged, together

Found = Mapping[str, Any]

WIDTH, HEIGHT = 860.0, 460.0
LEFT, RIGHT, TOP, BOTTOM = 64.0, 690.0, 24.0, 400.0
LABELLED = 14
"""As many lines of one engine as can have their names beside them; of several, only the engines have."""


@dataclass(frozen=True, slots=True)
class Curve:
    """A line: the fewest missed at each count of false accepts, from none on; ``row`` are the rates as they are."""

    label: str
    number: int
    thin: bool
    corners: Sequence[tuple[int, int]]
    row: Found


def pooled(swept: Sequence[Found], thresholds: Mapping[str, float | None]) -> list[tuple[float, int, int]]:
    """Return (margin, false accepts, missed) of all words together, by falling margin above the words' thresholds."""
    steps: list[tuple[float, int, int]] = []
    missed = false = 0
    for word in swept:
        own = thresholds.get(word["word"]) or 0.0
        (_, _, before), *rest = word["curve"]
        missed, accepted = missed + before, 0
        for threshold, accepts, misses in rest:
            steps.append((threshold - own, accepts - accepted, misses - before))
            accepted, before = accepts, misses
    points = [(float("inf"), 0, missed)]
    for margin, more, fewer in sorted(steps, reverse=True):
        false, missed = false + more, missed + fewer
        if points[-1][0] == margin:
            points.pop()
        points.append((margin, false, missed))
    return points


def corners(points: Sequence[tuple[float, int, int]]) -> list[tuple[int, int]]:
    """Return the fewest missed at each count of false accepts."""
    return list({false: missed for _, false, missed in points}.items())


def drawn(document: Found) -> list[Curve]:
    """Return the lines, words before the engines that they belong to."""
    found = []
    for number, (engine, label) in enumerate(zip(document["engines"], labels(document), strict=True)):
        rows = {row["word"]: row for row in engine["rates"] if row["condition"] is None}
        whole = together(engine)
        if not (engine["sweep"] and whole["hours"] and whole["trials"]):
            continue
        for word in engine["sweep"] if len(engine["sweep"]) > 1 else ():
            row = rows[word["word"]]
            if row["trials"]:
                found.append(Curve(word["word"], number, True, corners(pooled([word], {})), row))
        thresholds = {word: row["threshold"] for word, row in rows.items()}
        found.append(Curve(label, number, False, corners(pooled(engine["sweep"], thresholds)), whole))
    return found


def det(document: Found) -> str:
    """Return the picture, empty where no engine has scores, hours and trials."""
    lines = drawn(document)
    if not lines:
        return ""
    rates = [one.corners[-1][0] / one.row["hours"] for one in lines]
    rates += [1 / one.row["hours"] for one in lines]
    rates += [end for one in lines if not one.thin for end in one.row["per_hour_95"]]
    x, y = rate_axis(rates, LEFT, RIGHT), Linear(0, 100, BOTTOM, TOP)
    marks = [*_frame(x, y), _nothing_counted(lines, x)]
    marks += [mark for one in lines if not one.thin for mark in _band(one, x, y)]
    marks += [_line(one, x, y) for one in sorted(lines, key=lambda one: not one.thin)]
    marks += [mark for one in lines for mark in _operating(one, x, y)]
    marks += _names(lines, x, y)
    told = "; ".join(f"{one.label}: {_told(one)}" for one in lines if not one.thin)
    return picture("det", (WIDTH, HEIGHT), "Misses against false accepts an hour", f"Marked points: {told}.", marks)


def _frame(x: Rate, y: Linear) -> Iterator[str]:
    yield from x.marks(TOP, BOTTOM)
    for value in y.ticks():
        yield line((LEFT, y.at(value)), (RIGHT, y.at(value)), "grid")
        yield text((LEFT - 8, y.at(value) + 4), f"{value:g}", "tick", "end")
    yield line((LEFT, BOTTOM), (RIGHT, BOTTOM))
    yield text(((x.edge + RIGHT) / 2, BOTTOM + 36), "false accepts an hour", anchor="middle")
    yield upright((LEFT - 40, (TOP + BOTTOM) / 2), "missed, %")


def _nothing_counted(lines: Sequence[Curve], x: Rate) -> str:
    """Return the reach of "none": up to where a rate with no false accept in these hours may lie."""
    limit = max(garwood(0, one.row["hours"])[1] for one in lines)
    shade = box((x.start, TOP), x.at(limit) - x.start, BOTTOM - TOP, "reach")
    words = f"none counted: may be up to {figure(limit)} an hour"
    return (
        shade + text((x.start + 6, TOP - 8), words, "note") + line((x.at(limit), TOP), (x.at(limit), BOTTOM), "limit")
    )


def stairs(points: Sequence[Point]) -> list[Point]:
    """Return the line through corners: right first, then down; corners within half a pixel are one."""
    found = [points[0]]
    for at, (right, down) in enumerate(points[1:], start=1):
        if right - found[-1][0] >= 0.5 or at == len(points) - 1:
            found += [(right, found[-1][1]), (right, down)]
    return found


def _line(one: Curve, x: Rate, y: Linear) -> str:
    hours, trials = one.row["hours"], one.row["trials"]
    points = stairs([(x.at(false / hours), y.at(100 * missed / trials)) for false, missed in one.corners])
    kind = f"{'thin' if one.thin else 'thick'} c{one.number % COLOURS}"
    return path([(points[0][0], y.at(100)), *points], kind, f"{one.label}: {_told(one)}")


def _band(one: Curve, x: Rate, y: Linear) -> Iterator[str]:
    hours, trials = one.row["hours"], one.row["trials"]
    across = [x.at(false / hours) for false, _ in one.corners]
    known = {missed: wilson(missed, trials) for _, missed in one.corners}
    low, high = (
        stairs([(at, y.at(100 * known[missed][n])) for at, (_, missed) in zip(across, one.corners, strict=True)])
        for n in (0, 1)
    )
    yield path([*low, *reversed(high)], f"band c{one.number % COLOURS}", closed=True)


def _operating(one: Curve, x: Rate, y: Linear) -> Iterator[str]:
    row, colour = one.row, f"c{one.number % COLOURS}"
    at = (x.at(row["per_hour"]), y.at(100 * row["frr"]))
    if not one.thin:
        low, high = (x.at(end) for end in row["per_hour_95"])
        yield line((low, at[1]), (high, at[1]), f"whisker {colour}")
        low, high = (y.at(100 * end) for end in row["frr_95"])
        yield line((at[0], low), (at[0], high), f"whisker {colour}")
    hollow = row["false_accepts"] == 0
    yield dot(at, one.number, f"{one.label}: {_told(one)}", size=2.5 if one.thin else 6.0, hollow=hollow)


def _names(lines: Sequence[Curve], x: Rate, y: Linear) -> Iterator[str]:
    """Yield each line's name at the right, moved apart, with a thread to where the line ends."""
    words = len({one.number for one in lines}) == 1 and len(lines) <= LABELLED
    shown = [one for one in lines if words or not one.thin]
    ends = [(x.at(one.corners[-1][0] / one.row["hours"]), y.at(100 * one.corners[-1][1] / one.row["trials"]))
            for one in shown]  # fmt: skip
    order = sorted(range(len(shown)), key=lambda n: (-ends[n][1], shown[n].thin, n))
    floor = BOTTOM + 16.0
    for n in order:
        one, (right, down) = shown[n], ends[n]
        floor = min(down, floor - 16.0)
        yield path([(right + 3, down), (RIGHT + 4, floor), (RIGHT + 12, floor)], f"thread c{one.number % COLOURS}")
        yield text((RIGHT + 15, floor + 4), cut(one.label, 20), "note" if one.thin else f"name c{one.number % COLOURS}")


def _told(one: Curve) -> str:
    row = one.row
    hourly, missed = ranged(row["per_hour"], row["per_hour_95"], 1), ranged(row["frr"], row["frr_95"], 100)
    return f"{hourly} false accepts an hour, {missed} % missed"
