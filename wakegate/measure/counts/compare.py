"""Compare: two engines on the same trials and the same hours.

Owns the two exact tests. Pairing takes out what both find hard, so fewer words settle it than two intervals side by
side would need. Pure.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two engines, first and second.

    Parameters
    ----------
    only_first_missed, only_second_missed : int
        References that one missed and the other found; ``both_missed`` and ``trials`` beside them.
    missed_p : float
        Exact two-sided McNemar test of equal miss rates.
    first_false_accepts, second_false_accepts : int
        In the same ``hours``.
    false_accepts_p : float
        Exact two-sided conditional test of equal rates.
    """

    trials: int
    both_missed: int
    only_first_missed: int
    only_second_missed: int
    missed_p: float
    hours: float
    first_false_accepts: int
    second_false_accepts: int
    false_accepts_p: float


def compare(
    missed: tuple[NDArray[np.bool_], NDArray[np.bool_]], false_accepts: tuple[int, int], hours: float
) -> Comparison:
    """Compare two engines.

    Parameters
    ----------
    missed : two of (trials,) bool
        The same references in the same order.
    false_accepts : two of int
        Counts in the same ``hours``.

    Notes
    -----
    McNemar: among references that one engine alone missed, each is as likely to be the one (Q. McNemar, 1947; exact by
    the binomial). False accepts: given the sum of two Poisson counts over equal hours, the first is binomial with 1/2
    (J. Przyborowski and H. Wilenski, 1940); what wakes both alike makes the test cautious, false accepts that come in
    bursts make it bold. Nothing is corrected for comparing several pairs.
    """
    first, second = missed
    alone, other = int((first & ~second).sum()), int((second & ~first).sum())
    return Comparison(
        trials=len(first),
        both_missed=int((first & second).sum()),
        only_first_missed=alone,
        only_second_missed=other,
        missed_p=even(alone, other),
        hours=hours,
        first_false_accepts=false_accepts[0],
        second_false_accepts=false_accepts[1],
        false_accepts_p=even(*false_accepts),
    )


def even(first: int, second: int) -> float:
    """Return the exact two-sided probability of a split at least as uneven, if either side is as likely."""
    n, fewer = first + second, min(first, second)
    if first == second:
        return 1.0
    # Log space: 2^-n is no float above a thousand events.
    logs = [
        math.lgamma(n + 1) - math.lgamma(i + 1) - math.lgamma(n - i + 1) - n * math.log(2) for i in range(fewer + 1)
    ]
    return min(1.0, 2 * math.fsum(math.exp(one) for one in logs))
