"""Histogram: the scores of references that were found, above, and of false accepts, below.

Owns the counting into bins, from the curve: between two of its thresholds lie the counts of that score. Counts are on a
logarithm of one more, so that a single false accept is seen beside a thousand finds.
"""

import math
from collections.abc import Iterator

from .axes import Linear
from .marks import box, line, picture, text, upright
from .view import View
from .words import swept_by

WIDTH, HALF = 860.0, 92.0
LEFT, RIGHT, MIDDLE = 64.0, 690.0, 108.0
BINS = 60


def scores(view: View) -> tuple[list[tuple[float, int, int]], float | None]:
    """Return (score, found, false accepts), and the one threshold of all words.

    Where words have thresholds of their own, scores count from those, and it is 0; None where nobody named one.
    """
    own = {row["word"]: row["threshold"] for row in view.rates}
    named = {own[swept["word"]] for swept in view.sweep}
    found: list[tuple[float, int, int]] = []
    for swept in view.sweep:
        shift = (own[swept["word"]] or 0.0) if len(named) > 1 else 0.0
        (_, accepted, missed), *rest = swept["curve"]
        for threshold, accepts, misses in rest:
            found.append((threshold - shift, missed - misses, accepts - accepted))
            accepted, missed = accepts, misses
    return found, 0.0 if len(named) > 1 else next(iter(named), None)


def binned(found: list[tuple[float, int, int]], x: Linear) -> list[tuple[int, int]]:
    """Return (found, false accepts) of each bin."""
    bins = [(0, 0)] * BINS
    for score, hits, accepts in found:
        share = (score - x.low) / (x.high - x.low)
        number = min(int(share * BINS), BINS - 1)
        bins[number] = (bins[number][0] + hits, bins[number][1] + accepts)
    return bins


def histogram(view: View) -> str:
    """Return the picture, empty where there are no scores but settings."""
    found, threshold = scores(view)
    if not found or swept_by(view.engine):
        return ""
    values = [score for score, *_ in found] + ([] if threshold is None else [threshold])
    low, high = min(values), max(values)
    room = (high - low) * 0.02 or 0.5
    x = Linear(low - room, high + room, LEFT, RIGHT)
    bins = binned(found, x)
    most = max(max(pair) for pair in bins)
    marks = [*_frame(x, most), *_bars(bins, x, most)]
    if threshold is not None:
        at = x.at(threshold)
        marks += [line((at, MIDDLE - HALF - 8), (at, MIDDLE + HALF), "limit")]
        marks += [text((at + 5, MIDDLE - HALF - 2), "threshold" if threshold else "own threshold", "note")]
    scale = "score" if threshold or threshold is None else "score above its word's own threshold"
    marks.append(text(((LEFT + RIGHT) / 2, MIDDLE + HALF + 36), scale, anchor="middle"))
    hits, accepts = (sum(pair[n] for pair in bins) for n in (0, 1))
    told = f"{hits} references found at some threshold, {accepts} false accepts, by {scale}."
    return picture(f"scores-{view.name}", (WIDTH, MIDDLE + HALF + 46), f"Scores of {view.title}", told, marks)


def _height(count: int, most: int) -> float:
    return (HALF - 4) * math.log1p(count) / math.log1p(max(most, 1))


def _frame(x: Linear, most: int) -> Iterator[str]:
    for value in x.ticks(8):
        yield line((x.at(value), MIDDLE - HALF), (x.at(value), MIDDLE + HALF), "grid")
        yield text((x.at(value), MIDDLE + HALF + 15), f"{value:g}", "tick", "middle")
    counts = [1, *(10**n for n in range(1, 9) if 10**n <= most)]
    for way in (-1, 1):
        for count in counts:
            down = MIDDLE + way * _height(count, most)
            yield line((LEFT, down), (RIGHT, down), "grid")
            yield text((LEFT - 8, down + 4), f"{count:g}", "tick", "end")
    yield text((RIGHT + 15, MIDDLE - HALF / 2), "references found", "name hit")
    yield text((RIGHT + 15, MIDDLE + HALF / 2), "false accepts", "name wrong")
    yield upright((LEFT - 40, MIDDLE), "events")


def _bars(bins: list[tuple[int, int]], x: Linear, most: int) -> Iterator[str]:
    wide = (RIGHT - LEFT) / BINS
    for number, (hits, accepts) in enumerate(bins):
        left = LEFT + number * wide
        low = x.low + number * (x.high - x.low) / BINS
        if hits:
            tall = _height(hits, most)
            yield box((left + 0.5, MIDDLE - tall), wide - 1, tall, "hit", f"{hits} found from {low:.3g}")
        if accepts:
            tall = _height(accepts, most)
            yield box((left + 0.5, MIDDLE), wide - 1, tall, "wrong", f"{accepts} false accepts from {low:.3g}")
    yield line((LEFT, MIDDLE), (RIGHT, MIDDLE))
