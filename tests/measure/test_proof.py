"""What counts prove, against scipy and by drawing many worlds. Around 3 s."""

import numpy as np
import pytest
from scipy import integrate, stats

from wakegate.errors import ConfigError
from wakegate.measure.counts.bootstrap import by_speaker
from wakegate.measure.counts.compare import compare, even
from wakegate.measure.counts.sequential import progress, refuted
from wakegate.rates import garwood


def test_even_is_the_binomial_test():
    for first in range(25):
        for second in range(25):
            expected = stats.binomtest(first, first + second).pvalue if first + second else 1.0
            assert even(first, second) == pytest.approx(expected, rel=1e-9)
    assert even(1200, 1000) == pytest.approx(stats.binomtest(1200, 2200).pvalue, rel=1e-9)
    assert even(5000, 0) == pytest.approx(0.0, abs=1e-300)


def test_mcnemar_looks_only_at_words_that_one_alone_missed():
    #                  both  first alone    second  neither
    first = np.array([1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0], bool)
    second = np.array([1, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0], bool)
    pair = compare((first, second), (9, 2), 12.0)
    assert (pair.trials, pair.both_missed, pair.only_first_missed, pair.only_second_missed) == (12, 2, 6, 1)
    assert pair.missed_p == pytest.approx(stats.binomtest(6, 7).pvalue)
    assert pair.false_accepts_p == pytest.approx(stats.binomtest(9, 11).pvalue)
    same = compare((first, first), (4, 4), 12.0)
    assert same.missed_p == same.false_accepts_p == 1.0


@pytest.mark.parametrize("events", [0, 1, 2, 7, 40])
@pytest.mark.parametrize("per_hour", [0.1, 0.5])
def test_one_look_is_where_the_exact_limit_comes_below(events, per_hour):
    hours = progress(events, 0.0, per_hour).one_look_hours
    assert hours == pytest.approx(stats.chi2.ppf(0.95, 2 * events + 2) / 2 / per_hour, abs=1e-3)
    assert garwood(events, hours, 0.9)[1] < per_hour <= garwood(events, hours - 1e-3, 0.9)[1]
    more = progress(events, 3.5, per_hour)
    assert more.one_look_hours == pytest.approx(hours - 3.5, abs=1e-3)
    assert more.any_look_hours > more.one_look_hours > 0 and not more.proven


def test_thirty_hours_without_one_and_forty_five_for_whoever_looks():
    assert progress(0, 0.0, 0.1).one_look_hours == pytest.approx(29.957, abs=1e-3)
    assert progress(0, 0.0, 0.1).any_look_hours == pytest.approx(45.14, abs=0.01)
    assert progress(0, 29.9, 0.1).one_look_hours > 0 == progress(0, 30.0, 0.1).one_look_hours
    assert progress(0, 46.0, 0.1).proven


@pytest.mark.parametrize("events", [0, 1, 5, 30])
def test_the_bar_is_the_integral(events):
    def ratio(expected):
        return integrate.quad(lambda u: u**events * np.exp(expected * (1 - u)), 0, 1)[0]

    for expected in np.linspace(0.5, 80, 60):
        assert refuted(events, expected) == (ratio(expected) >= 20)


def test_who_looks_after_every_hour_is_wrong_once_in_twenty_at_most_and_one_look_would_be_wrong_more_often():
    rng = np.random.default_rng(4)
    worlds, hours, rate = 1500, 250, 0.1
    counts = np.cumsum(rng.poisson(rate, size=(worlds, hours)), axis=1)
    most = int(counts.max())
    any_look = np.array([progress(k, 0.0, rate).any_look_hours for k in range(most + 1)])
    one_look = np.array([progress(k, 0.0, rate).one_look_hours for k in range(most + 1)])
    listened = np.arange(1, hours + 1)
    wrong = (listened >= any_look[counts]).any(axis=1).mean()
    naive = (listened >= one_look[counts]).any(axis=1).mean()
    assert wrong <= 0.05 < 0.07 < naive


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan"), float("inf")])
def test_a_rate_to_stay_under_is_a_rate(rate):
    with pytest.raises(ConfigError, match="rate to stay under"):
        progress(0, 1.0, rate)


def test_speakers_are_drawn_whole():
    speakers = [f"p{one // 10}" for one in range(100)]
    alike = np.array([one // 10 < 3 for one in range(100)])  # three people are never heard
    mixed = np.array([one % 10 < 3 for one in range(100)])  # everybody is missed in three of ten
    assert by_speaker(mixed, speakers, 0) == (0.3, 0.3)
    low, high = by_speaker(alike, speakers, 0)
    assert low == pytest.approx(stats.binom.ppf(0.025, 10, 0.3) / 10, abs=0.11)
    assert high == pytest.approx(stats.binom.ppf(0.975, 10, 0.3) / 10, abs=0.11)
    assert by_speaker(alike, speakers, 0) == (low, high)


def test_a_bootstrap_done_slowly_is_the_same_within_its_chance():
    rng = np.random.default_rng(8)
    speakers = [f"p{one}" for one in rng.integers(0, 9, size=120)]
    missed = rng.random(120) < 0.25
    groups = [missed[[one == name for one in speakers]] for name in sorted(set(speakers))]
    shares = [
        np.concatenate([groups[i] for i in rng.integers(0, len(groups), len(groups))]).mean() for _ in range(2000)
    ]
    low, high = by_speaker(missed, speakers, 3)
    assert low == pytest.approx(np.quantile(shares, 0.025), abs=0.02)
    assert high == pytest.approx(np.quantile(shares, 0.975), abs=0.02)


def test_without_speakers_there_is_no_such_interval():
    missed = np.zeros(10, bool)
    assert by_speaker(missed, ["a"] * 9 + [""], 0) is None
    assert by_speaker(missed, ["a", "b"] * 5, 0) is None
    assert by_speaker(missed[:0], [], 0) is None
