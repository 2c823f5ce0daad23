"""Template: what takes of a word have in common, and how like it each moment of sound is.

Owns the arithmetic: a matched filter (North 1943) on scaled activations, whose answer is a squared cosine, so that
neither loudness nor liveliness counts. ``hang`` writes its twin into a graph (a test compares them). A template is an
average over takes: no take can be told from it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .hearing import Activations

SEGMENTS = 4
"""Quarters of the word, each one average: how fast each of them was said hardly matters."""
TEMPI = (0.87, 1.0, 1.15)
"""Lengths at which it is looked for, times the takes' median."""
LAG = 3
"""Steps that the trunk's activations come after the sound."""
TINY = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Scale:
    """Mean and spread of each channel in sound without the word: (channels,) float32 each."""

    mean: NDArray[np.float32]
    spread: NDArray[np.float32]

    def __call__(self, heard: Activations) -> Activations:
        """Return activations with mean 0 and spread 1."""
        scaled: Activations = (heard - self.mean) / self.spread
        return scaled


def scale_of(heard: Sequence[Activations]) -> Scale:
    """Return the scale of activations (steps, channels)."""
    count = sum(map(len, heard))
    mean = sum(one.sum(axis=0, dtype=np.float64) for one in heard) / count
    square = sum(np.square(one - mean).sum(axis=0) for one in heard) / count
    spread = np.sqrt(square) + 0.02 * float(np.sqrt(np.mean(square)))  # a channel that is never on says nothing
    return Scale(np.asarray(mean, np.float32), np.asarray(spread, np.float32))


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """A word.

    Parameters
    ----------
    parts : (SEGMENTS, channels) float32
        Scaled averages, of unit length in the mean.
    steps : int
        Its length.
    """

    parts: NDArray[np.float32]
    steps: int

    @property
    def edges(self) -> list[NDArray[np.int64]]:
        """Return for each tempo where its segments begin and end, in steps: (SEGMENTS + 1,)."""
        lengths = [max(SEGMENTS, round(self.steps * tempo)) for tempo in TEMPI]
        return [np.round(np.linspace(0, length, SEGMENTS + 1)).astype(np.int64) for length in lengths]

    @property
    def longest(self) -> int:
        """Steps of past that it looks at."""
        return int(max(edges[-1] for edges in self.edges))


def parts_of(scaled: Activations, start: int, end: int) -> NDArray[np.float32]:
    """Return the averages (SEGMENTS, channels) of a word between two steps."""
    edges = np.round(np.linspace(start, end, SEGMENTS + 1)).astype(int) + LAG
    edges = np.minimum(edges, len(scaled) - 1)
    return np.stack([scaled[a : max(b, a + 1)].mean(axis=0) for a, b in pairwise(edges)])


def template_of(takes: Sequence[NDArray[np.float32]], steps: Sequence[int]) -> Template:
    """Return what takes have in common: their parts, and how many steps each lasts."""
    parts = np.mean([one / _size(one) for one in takes], axis=0)
    return Template((parts / _size(parts)).astype(np.float32), round(float(np.median(steps))))


def _size(parts: NDArray[np.float32]) -> float:
    return float(np.sqrt(np.square(parts).sum() / SEGMENTS))


def likeness(template: Template, scale: Scale, heard: Activations) -> NDArray[np.float64]:
    """Return how like the template the sound up to each step is: (steps,) squared cosines, 0 to 1.

    Parameters
    ----------
    heard : (steps, channels) float32
        Activations of a stream from its beginning, as the trunk gives them.
    """
    before = np.zeros((template.longest - 1, heard.shape[1]), np.float32)  # as sound without the word is in the mean
    scaled = np.concatenate([before, scale(heard)])
    along = _sums(scaled @ template.parts.T)
    power = _sums(np.einsum("tc,tc->t", scaled, scaled)[:, None])[:, 0]
    ends = np.arange(template.longest, len(scaled) + 1)
    best = np.zeros(len(heard))
    for edges in template.edges:
        at = ends[:, None] - edges[-1] + edges
        inside = along[at[:, 1:], np.arange(SEGMENTS)] - along[at[:, :-1], np.arange(SEGMENTS)]
        dot = (inside / np.diff(edges) / SEGMENTS).sum(axis=1)
        energy = (power[at[:, -1]] - power[at[:, 0]]) / edges[-1]
        best = np.maximum(best, np.maximum(dot, 0) ** 2 / (energy + TINY))
    return best


def _sums(values: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0, dtype=np.float64)])
