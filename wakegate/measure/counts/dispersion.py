"""Dispersion: whether several devices have one and the same rate.

Owns the test. Counts of devices that differ scatter more than a Poisson count would, and then the interval of the
pooled count is too narrow. Pure, for a seed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DRAWS = 4999
UNLIKELY = 0.05
_AT_ONCE = 1_000_000  # counts in memory


@dataclass(frozen=True, slots=True)
class Dispersion:
    """How far devices scatter.

    Parameters
    ----------
    index : float
        Pearson's chi-square over its degrees of freedom: about 1 if all have one rate, above if they differ.
    p : float
        How likely so much scatter is if all have one rate.
    """

    index: float
    p: float

    @property
    def differ(self) -> bool:
        """Whether one rate for all is hardly believable."""
        return self.p < UNLIKELY


def dispersion(events: Sequence[int], hours: Sequence[float], seed: int) -> Dispersion | None:
    """Test whether devices have the same rate; None where there are no two devices or no event.

    Parameters
    ----------
    events, hours : sequence
        Of each device; hours above 0.
    seed : int
        Of the draws.

    Notes
    -----
    Given their sum, Poisson counts of one rate are multinomial with shares as the hours (R. A. Fisher, 1950, "The
    significance of deviations from expectation in a Poisson series"). Chi-square is too rough for few events, so its
    distribution is drawn; p = (1 + those as large) / (1 + draws) keeps the test exact (B. Phipson and G. Smyth, 2010).
    """
    total = sum(events)
    if len(events) < 2 or not total:
        return None
    shares = np.array(hours, np.float64) / sum(hours)
    expected = total * shares

    def scatter(counts: NDArray[np.int64]) -> NDArray[np.float64]:
        found: NDArray[np.float64] = ((counts - expected) ** 2 / expected).sum(axis=-1)
        return found

    seen = float(scatter(np.array(events, np.int64)))
    random, larger, left = np.random.default_rng(seed), 0, DRAWS
    while left:
        size = min(left, max(1, _AT_ONCE // len(shares)))
        # Rounding must not make the very same counts look less scattered.
        larger += int((scatter(random.multinomial(total, shares, size=size)) >= seen * (1 - 1e-9)).sum())
        left -= size
    return Dispersion(index=seen / (len(shares) - 1), p=(1 + larger) / (1 + DRAWS))
