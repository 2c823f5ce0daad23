"""Bootstrap: how far a rate would move if other people had spoken, or other devices had listened.

Owns the one resampling there is. Trials of one speaker are alike, and so are hours of one device: an interval over
trials or hours alone is too narrow. Here whole speakers or devices are drawn (B. Efron, 1979). Pure, for a seed.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

DRAWS = 2000
FEWEST = 5
"""Speakers or devices below which the interval says nothing."""


def by_speaker(missed: NDArray[np.bool_], speakers: Sequence[str], seed: int) -> tuple[float, float] | None:
    """Return the 95 % interval of the share missed, resampling speakers; None where it says nothing.

    It says nothing where the speakers are not known or too few, and where nothing or everything was missed: whoever is
    drawn, the share is the same.

    Parameters
    ----------
    missed : (trials,) bool
        Which references were missed.
    speakers : sequence of str
        Who said each; an empty one is unknown, and then there is no interval.
    seed : int
        Of the draws.
    """
    names, owner = np.unique(np.array(speakers, np.str_), return_inverse=True)
    if len(names) < FEWEST or "" in names or missed.all() or not missed.any():
        return None
    said = np.bincount(owner, minlength=len(names))
    lost = np.bincount(owner, weights=missed, minlength=len(names))
    return _interval(lost, said, seed)


def by_device(events: Sequence[int], hours: Sequence[float], seed: int) -> tuple[float, float] | None:
    """Return the 95 % interval of events an hour, resampling devices; None if they are too few.

    Parameters
    ----------
    events, hours : sequence
        Of each device; hours above 0. With no event at all the interval is 0 to 0: read Garwood's beside it.
    seed : int
        Of the draws.
    """
    if len(events) < FEWEST:
        return None
    return _interval(np.array(events, np.float64), np.array(hours, np.float64), seed)


def _interval(part: NDArray[Any], whole: NDArray[Any], seed: int) -> tuple[float, float]:
    """Return the interval of the ratio of sums over (n,) units, each drawn as often as chance will have it."""
    count = len(whole)
    drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=DRAWS)
    ratios = (drawn @ part) / (drawn @ whole)
    return float(np.quantile(ratios, 0.025)), float(np.quantile(ratios, 0.975))
