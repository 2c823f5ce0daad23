"""Exact intervals for the two rates that a wake word has: false accepts per hour, and misses per trial.

Owns the formulas, in plain numpy and :mod:`math`: scipy would add 77 MB to a listening process. Never rounds, and never
answers where there is nothing to answer from (no hours, no trials): that is an error, not a zero.
"""

import math
import operator
import re
from collections.abc import Callable
from statistics import NormalDist

import numpy as np

from .errors import ConfigError

MOST_EVENTS = 10**9
"""Above this many events the sums grow slow; nobody has counted that far."""
_PER = {"": 1.0, "/h": 1.0, "/day": 24.0}


def per_hour(text: str) -> float:
    """Return the rate that ``0.1/h``, ``1/day`` or ``0.1`` is, an hour; ValueError for what is no rate."""
    found = re.fullmatch(r"\s*([0-9.eE+-]+)\s*(/h|/day|)\s*", text)
    if found is None:
        raise ValueError(f"{text!r} is no rate")
    return float(found[1]) / _PER[found[2]]


def garwood(k: int, hours: float, confidence: float = 0.95) -> tuple[float, float]:
    """Return the exact two-sided interval of a Poisson rate.

    Parameters
    ----------
    k : int
        Events counted, 0 to 10^9.
    hours : float
        Exposure behind them, in hours, above 0.
    confidence : float
        Coverage, between 0 and 1.

    Returns
    -------
    tuple of float
        Lower and upper bound, events per hour. With ``k`` 0 the lower one is 0 and the upper one is *not*.

    Raises
    ------
    ConfigError
        For a count below 0 or above 10^9, no hours, or a confidence outside (0, 1).

    Notes
    -----
    F. Garwood, "Fiducial limits for the Poisson distribution", Biometrika 28 (1936): the lower bound is the mean at
    which k or more events have probability (1 - confidence) / 2, the upper the one at which k or fewer have. The same
    as chi-square quantiles with 2 k and 2 k + 2 degrees of freedom, halved.
    """
    k = _count("k", k, MOST_EVENTS)
    if not (math.isfinite(hours) and hours > 0):
        raise ConfigError(f"hours must be a finite number above 0, got {hours!r}: without exposure there is no rate")
    tail = (1 - _confidence(confidence)) / 2
    low = 0.0 if k == 0 else _bisect(lambda mean: _at_least(k, mean) >= tail, 0.0, float(k))
    # The upper bound lies above k: at a mean of k the lower tail is still more than half.
    reach = 1.0 + math.sqrt(k)
    while _at_most(k, k + reach) > tail:
        reach *= 2
    high = _bisect(lambda mean: _at_most(k, mean) <= tail, float(k), k + reach)
    return low / hours, high / hours


def wilson(k: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the score interval of a share.

    Parameters
    ----------
    k, n : int
        ``k`` of ``n`` trials; ``n`` at least 1.
    confidence : float
        Coverage, between 0 and 1.

    Returns
    -------
    tuple of float
        Lower and upper bound of the share, in [0, 1].

    Raises
    ------
    ConfigError
        Where ``k`` of ``n`` cannot be, or the confidence is outside (0, 1).

    Notes
    -----
    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
    """
    n = _count("n", n)
    k = _count("k", k)
    if n == 0 or k > n:
        raise ConfigError(f"a share needs at least one trial and no more hits than trials, got {k} of {n}")
    z = NormalDist().inv_cdf(1 - (1 - _confidence(confidence)) / 2)
    centre = k / n + z * z / (2 * n)
    half = z * math.sqrt(k / n * (1 - k / n) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    low = 0.0 if k == 0 else max(0.0, (centre - half) / scale)
    high = 1.0 if k == n else min(1.0, (centre + half) / scale)
    return low, high


def _at_most(k: int, mean: float) -> float:
    """Return P(X <= k) for a Poisson mean above k: p(k) (1 + k/mean + k (k - 1)/mean^2 + ...)."""
    steps = np.arange(k, max(0, k - _terms(k)), -1, dtype=np.float64)
    return _probability(k, mean) * (1.0 + float(np.cumprod(steps / mean).sum()))


def _at_least(k: int, mean: float) -> float:
    """Return P(X >= k) for a Poisson mean below k: p(k) (1 + mean/(k + 1) + mean^2/((k + 1) (k + 2)) + ...)."""
    steps = np.arange(k + 1, k + 1 + _terms(k), dtype=np.float64)
    return _probability(k, mean) * (1.0 + float(np.cumprod(mean / steps).sum()))


def _terms(k: int) -> int:
    """Return after how many terms the product of ratios is below 1e-17, however close the mean is to k."""
    return 50 + int(9 * math.sqrt(k))  # the product falls as exp(-n^2 / 2k) or faster


def _probability(k: int, mean: float) -> float:
    """Return P(X = k), by the deviance form that keeps its digits at large k (C. Loader, 2000, eq. 5)."""
    if mean <= 0:
        return 1.0 if k == 0 else 0.0
    if k < 16:
        return math.exp(k * math.log(mean) - mean - math.lgamma(k + 1))
    away = (mean - k) / k
    # Stirling's series for log(k!) less its leading terms; at 16 the first one left out is below 1e-12.
    rest = 1 / (12 * k) - 1 / (360 * k**3) + 1 / (1260 * k**5) - 1 / (1680 * k**7)
    return math.exp(-k * (away - math.log1p(away)) - rest) / math.sqrt(2 * math.pi * k)


def _bisect(reached: Callable[[float], bool], low: float, high: float) -> float:
    """Return where ``reached`` turns true between ``low`` and ``high``, to the last bit."""
    while low < (middle := (low + high) / 2) < high:
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high


def _count(name: str, value: int, most: int | None = None) -> int:
    try:
        count = operator.index(value)
    except TypeError as error:
        raise ConfigError(f"{name} must be a whole number, got {value!r}") from error
    if count < 0 or (most is not None and count > most):
        raise ConfigError(f"{name} must be at least 0{'' if most is None else f' and at most {most}'}, got {count}")
    return count


def _confidence(value: float) -> float:
    if not 0 < value < 1:
        raise ConfigError(f"confidence must lie between 0 and 1, such as 0.95, got {value!r}")
    return value
