"""Bounds: where in a recording somebody speaks, whatever else is in it.

Owns the telling of a word from the room's own noise, for recordings by people, whose beginning and end are as noisy as
the rest. Must never guess what is said.
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..events import SAMPLE_RATE

HUM_HZ = (60.0, 120.0)
"""What lies below is no voice; between the two, more and more is heard of it."""
BELOW_DB, ABOVE_DB = 30.0, 6.0
"""Speech is what is louder than so far below its peak, and than so far above the noise."""
STEP = SAMPLE_RATE // 100
SMOOTH = 5
CLICK_S = 0.06
"""What is shorter, and apart from the rest, is a click."""
SHORTEST_S = 0.25
"""No word is shorter."""
PAUSE_S = 0.4
"""A pause inside that makes it two words."""

Span = tuple[int, int]


def stretches(samples: NDArray[np.int16]) -> list[Span]:
    """Return the loud stretches of (n,) int16, in samples; a click apart from the rest is none."""
    count = len(samples) // STEP
    hz = np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE)
    passes = np.clip((hz - HUM_HZ[0]) / (HUM_HZ[1] - HUM_HZ[0]), 0, 1)
    voice = np.fft.irfft(np.fft.rfft(samples) * passes, len(samples))[: count * STEP]
    power = np.convolve(np.square(voice.reshape(count, STEP)).mean(axis=1), np.ones(SMOOTH) / SMOOTH, "same")
    noise = np.quantile(power, 0.1)
    least = max(power.max() * 10 ** (-BELOW_DB / 10), min(noise * 10 ** (ABOVE_DB / 10), power.max() / 4))
    edges = np.flatnonzero(np.diff(power >= least, prepend=False, append=False))
    spans = [(int(a) * STEP, int(b) * STEP) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    long = [(a, b) for a, b in spans if b - a > (CLICK_S + SMOOTH * STEP / SAMPLE_RATE) * SAMPLE_RATE]
    return long or spans


def utterances(spans: list[Span]) -> list[Span]:
    """Return the bounds of what lies between two pauses."""
    pauses = [number for number, (one, other) in enumerate(pairwise(spans), 1) if _pause(one, other)]
    cuts = [0, *pauses, len(spans)]
    return [(spans[a][0], spans[b - 1][1]) for a, b in pairwise(cuts)]


def spoken(samples: NDArray[np.int16]) -> Span:
    """Return the bounds of the loudest utterance of (n,) int16: of the word, in a recording of one.

    A door that slams is louder, but shorter than any word; it counts only where nothing else is heard.
    """

    def energy(span: Span) -> float:
        return float(np.square(samples[slice(*span)].astype(np.float32)).sum())

    found = utterances(stretches(samples))
    long = [span for span in found if span[1] - span[0] >= SHORTEST_S * SAMPLE_RATE]
    return max(long or found, key=energy)


def _pause(one: Span, other: Span) -> bool:
    return other[0] - one[1] > PAUSE_S * SAMPLE_RATE
