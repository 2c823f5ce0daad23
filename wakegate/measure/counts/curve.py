"""Curve: misses against false accepts at every threshold, from one pass.

Owns the exact sweep: its points are the scores that occurred, not a grid, so nothing lies between two of them. Pure.
"""

import math
from dataclasses import dataclass

import numpy as np

from .tally import Rates, Tally


@dataclass(frozen=True, slots=True)
class Point:
    """A threshold and its counts; ``threshold`` inf detects nothing."""

    threshold: float
    false_accepts: int
    missed: int


def curve(tally: Tally) -> tuple[Point, ...]:
    """Return a point for every distinct score, from the one that detects nothing down to the lowest score.

    ``false_accepts`` never falls along it and ``missed`` never rises. It ends where the engine's own floor ends it.
    """
    found = np.sort(tally.found[np.isfinite(tally.found)])
    false = np.sort(tally.false)
    thresholds = np.unique(np.concatenate([found, false]))[::-1]
    accepted = len(false) - np.searchsorted(false, thresholds, "left")
    missed = len(tally.found) - (len(found) - np.searchsorted(found, thresholds, "left"))
    points = zip(thresholds.tolist(), accepted.tolist(), missed.tolist(), strict=True)
    return (Point(math.inf, 0, len(tally.found)), *(Point(*point) for point in points))


def at_rate(tally: Tally, per_hour: float) -> tuple[float, Rates]:
    """Return the lowest threshold with at most so many false accepts an hour, and the counts there.

    A threshold chosen on the same sound that it is judged on flatters the engine: choose on other
    sound where it matters.
    """
    allowed = math.floor(per_hour * tally.hours)
    best = max((p for p in curve(tally) if p.false_accepts <= allowed), key=lambda p: -p.threshold)
    return best.threshold, tally.rates(best.threshold)
