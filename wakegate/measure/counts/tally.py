"""Tally: what an engine did with one word, as arrays from which every threshold can be read.

Owns the counting. A reference has the score at which it is found, a false accept its own; with the hours behind them,
that is everything. Hours are those without any wake word of the corpus, the same for every word and engine, so that
words can be summed and engines compared. Pure.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...events import SAMPLE_RATE
from ...rates import garwood, wilson
from ..engines import Heard
from ..listening.run import Hearing
from .matching import match, quiet, unscored

SURE = 1.0
"""What stands for the score of an engine that has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Counts at one threshold, and the two rates they give; None where there is nothing to divide by."""

    false_accepts: int
    hours: float
    missed: int
    trials: int

    @property
    def per_hour(self) -> float | None:
        """False accepts per hour."""
        return self.false_accepts / self.hours if self.hours else None

    @property
    def per_hour_95(self) -> tuple[float, float] | None:
        """Exact 95 % Poisson interval of false accepts per hour."""
        return garwood(self.false_accepts, self.hours) if self.hours else None

    @property
    def frr(self) -> float | None:
        """Share of references missed."""
        return self.missed / self.trials if self.trials else None

    @property
    def frr_95(self) -> tuple[float, float] | None:
        """95 % Wilson interval of the share missed."""
        return wilson(self.missed, self.trials) if self.trials else None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tally:
    """One word of one engine.

    Parameters
    ----------
    found : (trials,) float64
        The highest threshold at which each reference is found, -inf if at none.
    speakers : tuple of str
        Who said each.
    false : (n,) float64
        The highest threshold at which each false accept happens.
    hours : float
        Of sound without wake words.
    """

    found: NDArray[np.float64]
    speakers: tuple[str, ...]
    false: NDArray[np.float64]
    hours: float

    def missed(self, threshold: float) -> NDArray[np.bool_]:
        """Return (trials,) bool: which references are missed."""
        missed: NDArray[np.bool_] = np.isneginf(self.found) | (self.found < threshold)
        return missed

    def rates(self, threshold: float) -> Rates:
        """Return the counts at one threshold."""
        return Rates(
            false_accepts=int((self.false >= threshold).sum()),
            hours=self.hours,
            missed=int(self.missed(threshold).sum()),
            trials=len(self.found),
        )


def hours(hearings: Sequence[Hearing], tolerance: int) -> float:
    """Return the hours without wake words."""
    return sum(quiet(one.recording, tolerance) for one in hearings) / SAMPLE_RATE / 3600


def counted(word: str, hearings: Sequence[Hearing], tolerance: int, exposure: float) -> Tally:
    """Count one word over recordings that were all heard to their end.

    Parameters
    ----------
    word : str
        As references and detections spell it.
    hearings : sequence of Hearing
        None of them failed.
    tolerance : int
        Samples.
    exposure : float
        Their :func:`hours`.
    """
    found: list[float] = []
    speakers: list[str] = []
    false: list[float] = []
    for hearing in hearings:
        references = [one for one in hearing.recording.references if one.word == word]
        heard = sorted(scored(word, hearing, tolerance), key=lambda one: (-score(one), one.at))
        own = [-math.inf] * len(references)
        for one, gained in zip(heard, match([h.at for h in heard], references, tolerance).gained, strict=True):
            if gained >= 0:
                own[gained] = score(one)
            else:
                false.append(score(one))
        found += own
        speakers += [one.speaker for one in references]
    return Tally(found=np.array(found), speakers=tuple(speakers), false=np.array(false), hours=exposure)


def scored(word: str, hearing: Hearing, tolerance: int) -> list[Heard]:
    """Return what was heard of a word outside the regions that are not scored."""
    heard = [one for one in hearing.heard if one.word == word]
    if not heard or not hearing.recording.excluded:
        return heard
    outside, last = unscored(hearing.recording, tolerance), hearing.recording.length
    # What is heard as the sound ends, or behind it, is placed at its length: one past the last sample.
    return [one for one in heard if not any(s <= one.at < e or one.at == e == last for s, e in outside)]


def score(one: Heard) -> float:
    """Return a score, :data:`SURE` for an engine that has none."""
    return SURE if one.score is None else one.score
