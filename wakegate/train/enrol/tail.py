"""Tail: likeness to a score that means something, by how often sound without the word is as like it.

Owns the calibration: a score of 0.5 is what such sound reaches once an hour, and 0.1 (where candidates begin) forty
times. What is rarer than the sound is long is extrapolated: the highest peaks, as cosines, are given an exponential
tail (Pickands 1975, with shape 0). Of the tails and shares tried, this one erred least on people's talk
(benchmarks/enrol.py).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...events import SAMPLE_RATE
from ..graph import CHUNK, STEPS

SMOOTH = 3
"""Scores that the detector averages; likeness is averaged as long before its peaks are looked for."""
APART_S = 2.0
PEAKS = 0.05
"""The share of a stretch's peaks that is its tail; at least :data:`FEWEST`."""
FEWEST = 12
OFTEN, RARELY = 40.0, 1.0
"""Times an hour that a score of 0.1, and one of 0.5, is reached."""
LEAST = 0.002
"""The narrowest tail that is believed."""


@dataclass(frozen=True, slots=True)
class Logistic:
    """Score of a likeness (a squared cosine): ``1 / (1 + exp(-(slope * likeness + offset)))``."""

    slope: float
    offset: float

    def __call__(self, like: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return scores in [0, 1]."""
        scores: NDArray[np.float32] = (1 / (1 + np.exp(-(self.slope * like + self.offset)))).astype(np.float32)
        return scores


def smoothed(like: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return running means of (steps,) likeness, as the detector takes them of scores."""
    mean: NDArray[np.float64] = np.convolve(like, np.ones(SMOOTH) / SMOOTH)[: len(like)]
    return mean


def peaks(like: NDArray[np.float64]) -> list[float]:
    """Return the highest smoothed likeness of every two seconds."""
    apart = round(APART_S * SAMPLE_RATE * STEPS / CHUNK)
    smooth = smoothed(like)
    return [float(smooth[at : at + apart].max()) for at in range(0, len(smooth), apart)]


def calibrated(found: Sequence[float]) -> Logistic:
    """Return the logistic for the peaks of sound without the word."""
    hours = len(found) * APART_S / 3600
    ranked = np.sort(np.sqrt(found))[::-1]
    count = min(len(ranked) - 1, max(FEWEST, round(PEAKS * len(ranked))))
    level = float(ranked[count])
    spread = max(LEAST, float(np.mean(ranked[:count] - level)))

    def reached(rate: float) -> float:
        return (level + spread * math.log(count / (hours * rate))) ** 2

    rare, often = reached(RARELY), reached(OFTEN)
    slope = math.log(9) / (rare - often)
    return Logistic(slope, -slope * rare)
