"""Quality: how loud, how clean and how whole a piece of sound is, in numbers.

Owns the measuring. Works in place, a frame at a time in private memory: no copy of the sound is left behind. Levels are
of the RMS, in dB below a full-scale square wave (a full-scale sine has -3 dBFS), with the offset (DC) taken out.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .block import Samples
from .memory import PrivateMemory

FULL = 32_768
FRAME = 320
"""Samples of a frame, 20 ms."""
QUIETEST_DB = -100.0
"""What digital silence is called; the smallest step of int16 is -90 dBFS."""
SPEECH, NOISE = 0.95, 0.1
"""Shares of the frames that are softer than what is called the level of speech, and of noise."""
RUN = 3
"""Samples in a row at the very top, or bottom, that are no peak but its missing upper part."""
LOUD = FULL // 4
"""No amplifier clips below."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """What was measured.

    Parameters
    ----------
    speech_db, noise_db, peak_db : float
        Level of the loud frames, of the soft ones, and of the highest sample, in dBFS.
    offset : float
        The mean, as a share of full scale, -1 to 1.
    clipped : int
        Samples in runs of three and more at the highest or lowest value, where that is loud.
    silent : bool
        Every sample is the same.
    """

    speech_db: float
    noise_db: float
    peak_db: float
    offset: float
    clipped: int
    silent: bool


def measured(samples: Samples) -> Quality:
    """Measure samples (n,) int16, n at least one frame of 320.

    Raises
    ------
    ValueError
        For less than a frame.
    """
    if len(samples) < FRAME:
        raise ValueError(f"{len(samples)} samples are less than a frame of {FRAME}")
    low, high = int(samples.min()), int(samples.max())
    offset, powers = _moments(samples)
    levels = np.sort(powers)
    last = len(levels) - 1
    clipped = sum(_in_runs(samples, value) for value in {low, high} if abs(value) >= LOUD)
    return Quality(
        speech_db=decibels(math.sqrt(levels[round(SPEECH * last)])),
        noise_db=decibels(math.sqrt(levels[round(NOISE * last)])),
        peak_db=decibels(max(-low, high)),
        offset=offset / FULL,
        clipped=clipped,
        silent=low == high,
    )


def decibels(value: float) -> float:
    """Return an int16 amplitude in dBFS, at least :data:`QUIETEST_DB`."""
    return max(QUIETEST_DB, 20 * math.log10(value / FULL)) if value > 0 else QUIETEST_DB


def _moments(samples: Samples) -> tuple[float, NDArray[np.float64]]:
    """Return the mean over whole frames, and the mean square of each frame around it."""
    memory = PrivateMemory(8 * FRAME)
    frame = memory.array(np.float64, FRAME)  # numpy's own mean of int16 would cast it through a buffer that it frees
    count = len(samples) // FRAME
    means, squares = np.empty(count), np.empty(count)
    try:
        for at in range(count):
            frame[:] = samples[at * FRAME : (at + 1) * FRAME]
            means[at], squares[at] = frame.sum() / FRAME, np.dot(frame, frame) / FRAME
    finally:
        memory.close()
    offset = float(means.mean())
    return offset, np.maximum(squares - 2 * offset * means + offset**2, 0)


def _in_runs(samples: Samples, value: int) -> int:
    """Count the samples of this value that stand in runs of at least :data:`RUN`."""
    edges = np.flatnonzero(np.diff(samples == value, prepend=False, append=False))
    lengths = edges[1::2] - edges[::2]
    return int(lengths[lengths >= RUN].sum())
