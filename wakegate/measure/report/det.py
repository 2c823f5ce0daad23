"""DET: misses against false accepts an hour, at every threshold.

Owns how words become one line: their thresholds are moved together, by the same amount from the engine's own, so the
line runs through the operating point. Each corner is a count, nothing is smoothed. Where several conditions were made,
there is a picture an engine with a line a condition, since these hold the same words.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...rates import garwood, wilson
from ..rounding import figure
from .axes import Linear, Rate, rate_axis
from .marks import COLOURS, Point, box, dot, line, path, picture, text, upright
from .view import View, views
from .words import cut, labels, swept_by, told, wholes

Found = Mapping[str, Any]

WIDTH, HEIGHT = 860.0, 460.0
LEFT, RIGHT, TOP, BOTTOM = 64.0, 690.0, 24.0, 400.0
LABELLED = 14
"""As many lines of one engine as can have their names beside them; of several, only the engines have."""
BANDS = 4
"""As many lines as can have bands that are told apart."""


@dataclass(frozen=True, slots=True)
class Curve:
    """A line: the fewest missed at each count of false accepts, from none on; ``row`` are the rates as they are."""

    label: str
    number: int
    thin: bool
    corners: Sequence[tuple[int, int]]
    row: Found
    settings: bool = False
    """Whether the corners are settings that were run one by one, with nothing known between them."""


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


def drawn(document: Found) -> list[tuple[str, str, list[Curve]]]:
    """Return the pictures that are not empty: name, whose it is, and lines, words before the engine they belong to."""
    whole = [one for one in views(document) if one.sweep and one.rates[-1]["hours"] and one.rates[-1]["trials"]]
    if len(wholes(document)) == 1:
        lines = [line for one in whole for line in (*_words(one), _together(one, one.label, one.number))]
        return [("det", "", lines)] if lines else []
    engines: dict[int, list[Curve]] = {}
    for one in whole:
        engines.setdefault(one.number, []).append(_together(one, str(one.condition), one.order))
    named = labels(document)
    return [(f"det-{number}", named[number], own[:LABELLED]) for number, own in engines.items()]


def _words(one: View) -> Iterator[Curve]:
    rows = {row["word"]: row for row in one.rates}
    for word in one.sweep if len(one.sweep) > 1 else ():
        row = rows[word["word"]]
        if row["trials"]:
            yield _curve(one.engine, (word["word"], one.number, True), pooled([word], {}), row)


def _together(one: View, label: str, number: int) -> Curve:
    thresholds = {row["word"]: row["threshold"] for row in one.rates}
    return _curve(one.engine, (label, number, False), pooled(one.sweep, thresholds), one.rates[-1])


def _curve(engine: Found, about: tuple[str, int, bool], points: Sequence[tuple[float, int, int]], row: Found) -> Curve:
    """Return a line, or the settings that were run where an engine has no scores."""
    if not swept_by(engine) or len(points) == 1:
        return Curve(*about, corners(points), row)
    return Curve(*about, [(false, missed) for _, false, missed in points[1:]], row, settings=True)


def det(document: Found) -> list[str]:
    """Return the pictures, none where no engine has scores, hours and trials."""
    return [_picture(*one) for one in drawn(document)]


def _picture(name: str, whose: str, lines: Sequence[Curve]) -> str:
    thick = [one for one in lines if not one.thin]
    rates = [one.corners[-1][0] / one.row["hours"] for one in lines]
    rates += [1 / one.row["hours"] for one in lines]
    for one in thick:
        rates += [*one.row["per_hour_95"], garwood(one.corners[-1][0], one.row["hours"])[1]]
    x, y = rate_axis(rates, LEFT, RIGHT), Linear(0, 100, BOTTOM, TOP)
    marks = [*_frame(x, y), _nothing_counted(lines, x)]
    marks += [mark for one in thick if len(thick) <= BANDS for mark in _band(one, x, y)]
    marks += [mark for one in sorted(lines, key=lambda one: not one.thin) for mark in _line(one, x, y)]
    marks += [mark for one in lines for mark in _operating(one, x, y)]
    marks += [*_names(lines, x, y), *([text((RIGHT, TOP - 8), whose, "name", "end")] if whose else [])]
    points = "; ".join(f"{one.label}: {told(one.row)}" for one in thick)
    title = " of ".join(filter(None, ("Misses against false accepts an hour", whose)))
    return picture(name, (WIDTH, HEIGHT), title, f"Marked points: {points}.", marks)


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


def _line(one: Curve, x: Rate, y: Linear) -> Iterator[str]:
    hours, trials = one.row["hours"], one.row["trials"]
    points = [(x.at(false / hours), y.at(100 * missed / trials)) for false, missed in one.corners]
    if one.settings:
        counts = (f"{one.label}: {false} false accepts, {missed} missed" for false, missed in one.corners)
        yield from (dot(at, one.number, words, size=2.0 if one.thin else 4.0)
                    for at, words in zip(points, counts, strict=True))  # fmt: skip
        return
    kind = f"{'thin' if one.thin else 'thick'} c{one.number % COLOURS}"
    yield path([(points[0][0], y.at(100)), *stairs(points)], kind, f"{one.label}: {told(one.row)}")


def _band(one: Curve, x: Rate, y: Linear) -> Iterator[str]:
    """Yield each corner's 95 % intervals, in both directions: their outer corners joined as the line itself is.

    Pointwise: nineteen in twenty corners lie within their own rectangle, which says less than that the line does.
    """
    hours, trials, colour = one.row["hours"], one.row["trials"], f"c{one.number % COLOURS}"
    low: list[Point] = []
    high: list[Point] = []
    for false, missed in one.corners if one.settings else _apart(one.corners, hours, x):
        hourly, share = garwood(false, hours), wilson(missed, trials)
        low.append((x.at(hourly[0]), y.at(100 * share[0])))
        high.append((x.at(hourly[1]), y.at(100 * share[1])))
        if one.settings:
            across, down = x.at(false / hours), y.at(100 * missed / trials)
            yield line((low[-1][0], down), (high[-1][0], down), f"faint {colour}")
            yield line((across, low[-1][1]), (across, high[-1][1]), f"faint {colour}")
    if not one.settings:
        top = y.at(100)
        under = [(low[0][0], top), *stairs(low), (high[-1][0], low[-1][1])]
        yield path([*under, *reversed(stairs(high)), (high[0][0], top)], f"band {colour}", closed=True)


def _apart(corners: Sequence[tuple[int, int]], hours: float, x: Rate) -> Iterator[tuple[int, int]]:
    """Yield the corners that lie two pixels apart, the first and the last among them: intervals take their time."""
    before = float("-inf")
    for number, (false, missed) in enumerate(corners):
        across = x.at(false / hours)
        if across - before >= 2 or number == len(corners) - 1:
            before = across
            yield false, missed


def _operating(one: Curve, x: Rate, y: Linear) -> Iterator[str]:
    row, colour = one.row, f"c{one.number % COLOURS}"
    at = (x.at(row["per_hour"]), y.at(100 * row["frr"]))
    if not one.thin:
        low, high = (x.at(end) for end in row["per_hour_95"])
        yield line((low, at[1]), (high, at[1]), f"whisker {colour}")
        low, high = (y.at(100 * end) for end in row["frr_95"])
        yield line((at[0], low), (at[0], high), f"whisker {colour}")
    hollow = row["false_accepts"] == 0
    yield dot(at, one.number, f"{one.label}: {told(row)}", size=2.5 if one.thin else 6.0, hollow=hollow)


def _names(lines: Sequence[Curve], x: Rate, y: Linear) -> Iterator[str]:
    """Yield each line's name at the right, moved apart, with a thread to where the line ends."""
    words = len({one.number for one in lines if one.thin}) == 1 and len(lines) <= LABELLED
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
