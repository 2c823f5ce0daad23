"""Intervals against scipy's, over everything from no event to more than anybody will count."""

import itertools
import subprocess
import sys

import numpy as np
import pytest
from scipy import stats

from wakegate.errors import ConfigError
from wakegate.rates import garwood, wilson

COUNTS = [*range(40), 99, 100, 1000, 12_345]
CONFIDENCES = [0.5, 0.8, 0.9, 0.95, 0.99, 0.999999]


@pytest.mark.parametrize("confidence", CONFIDENCES)
def test_garwood_is_the_chi_square_interval(confidence: float) -> None:
    for k, hours in itertools.product(COUNTS, [1e-6, 1.0, 5.35, 1e5]):
        tail = (1 - confidence) / 2
        low = stats.chi2.ppf(tail, 2 * k) / 2 / hours if k else 0.0
        high = stats.chi2.isf(tail, 2 * k + 2) / 2 / hours
        assert garwood(k, hours, confidence) == pytest.approx((low, high), rel=1e-9), (k, hours)


@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.999])  # further out it is scipy that is off (mpmath says so)
@pytest.mark.parametrize("k", [10**5, 10**6, 10**8])
def test_garwood_at_huge_counts_leaves_the_right_tails(k: int, confidence: float) -> None:
    low, high = garwood(k, 1.0, confidence)
    tail = (1 - confidence) / 2
    assert stats.poisson.sf(k - 1, low) == pytest.approx(tail, rel=1e-5)
    assert stats.poisson.cdf(k, high) == pytest.approx(tail, rel=1e-5)


def test_garwood_gives_the_figures_of_field_md() -> None:
    # field.md 4.2: 0 events in T hours -> 3.0/T one-sided at 95 %; 1 in 5.35 h -> 0.0047 to 1.04 an hour.
    assert garwood(0, 1.0, 0.90)[1] == pytest.approx(2.9957, abs=1e-4)
    assert garwood(1, 5.35) == pytest.approx((0.0047, 1.04), abs=5e-3)


def test_garwood_covers_at_least_what_it_says() -> None:
    rng = np.random.default_rng(2)
    for mean in (0.3, 2.0, 11.0):
        counts = rng.poisson(mean, 4000)
        bounds = {int(k): garwood(int(k), 1.0, 0.9) for k in set(counts)}
        inside = [bounds[int(k)][0] <= mean <= bounds[int(k)][1] for k in counts]
        assert np.mean(inside) >= 0.89


@pytest.mark.parametrize("confidence", CONFIDENCES)
def test_wilson_is_scipys(confidence: float) -> None:
    for n in (1, 2, 7, 50, 51, 1000, 10**9):
        for k in sorted({0, 1, n // 3, n - 1, n}):
            expected = stats.binomtest(k, n).proportion_ci(confidence, method="wilson") if n < 10**6 else None
            got = wilson(k, n, confidence)
            if expected is not None:
                assert got == pytest.approx((expected.low, expected.high), rel=1e-9, abs=1e-12), (k, n)
            assert 0 <= got[0] <= k / n <= got[1] <= 1


@pytest.mark.parametrize(
    ("k", "hours", "confidence", "word"),
    [
        (-1, 1.0, 0.95, "k"),
        (10**9 + 1, 1.0, 0.95, "k"),
        (1.5, 1.0, 0.95, "whole number"),
        (1, 0.0, 0.95, "hours"),
        (1, -2.0, 0.95, "hours"),
        (1, float("nan"), 0.95, "hours"),
        (1, float("inf"), 0.95, "hours"),
        (1, 1.0, 0.0, "confidence"),
        (1, 1.0, 1.0, "confidence"),
        (1, 1.0, 95, "confidence"),
        (1, 1.0, float("nan"), "confidence"),
    ],
)
def test_garwood_refuses_bad_input(k: int, hours: float, confidence: float, word: str) -> None:
    with pytest.raises(ConfigError, match=word):
        garwood(k, hours, confidence)


@pytest.mark.parametrize(("k", "n"), [(0, 0), (2, 1), (-1, 5), (1, -5), (0.5, 2)])
def test_wilson_refuses_bad_input(k: int, n: int) -> None:
    with pytest.raises(ConfigError):
        wilson(k, n)


def test_no_scipy_is_loaded() -> None:
    code = "import sys, wakegate.rates; sys.exit('scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
