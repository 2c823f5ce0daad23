"""Bootstrap: how far the miss rate would move if other people had spoken.

Owns the one resampling there is. Trials of one speaker are alike, so an interval over trials alone is too narrow: here
whole speakers are drawn (B. Efron, 1979). Pure, for a seed.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

DRAWS = 2000
FEWEST = 5
"""Speakers below which the interval says nothing."""


def by_speaker(missed: NDArray[np.bool_], speakers: Sequence[str], seed: int) -> tuple[float, float] | None:
    """Return the 95 % interval of the share missed, resampling speakers; None where they are not known or too few.

    Parameters
    ----------
    missed : (trials,) bool
        Which references were missed.
    speakers : sequence of str
        Who said each; an empty one is unknown, and then there is no interval.
    seed : int
        Of the draws. With no miss at all the interval is 0 to 0: read Wilson's beside it.
    """
    names, owner = np.unique(np.array(speakers, np.str_), return_inverse=True)
    if len(names) < FEWEST or "" in names:
        return None
    said = np.bincount(owner, minlength=len(names))
    lost = np.bincount(owner, weights=missed, minlength=len(names))
    drawn = np.random.default_rng(seed).multinomial(len(names), np.full(len(names), 1 / len(names)), size=DRAWS)
    shares = (drawn @ lost) / (drawn @ said)
    return float(np.quantile(shares, 0.025)), float(np.quantile(shares, 0.975))
