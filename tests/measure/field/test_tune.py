"""The threshold for a budget: by hand, against scipy, and as often right as it says. Around 2 s."""

import math

import numpy as np
import pytest
from scipy.stats import chi2

from wakegate.errors import ConfigError
from wakegate.measure.field.tune import Budget, Choice, choose

FLOOR = 0.1
RUNS = 600


def limit(events, hours, confidence):
    """The one-sided upper limit, as textbooks give it."""
    return chi2.ppf(confidence, 2 * events + 2) / 2 / hours


@pytest.mark.parametrize("confidence", [0.6, 0.9, 0.95, 0.999])
@pytest.mark.parametrize("hours", [1.0, 23.03, 100.0, 5000.0])
def test_most_events_are_those_whose_limit_is_within(hours, confidence):
    budget = Budget(per_hour=0.1, confidence=confidence)
    most = budget.most_events(hours)
    assert most < 0 or limit(most, hours, confidence) <= 0.1
    assert limit(most + 1, hours, confidence) > 0.1


def test_hours_needed_are_those_of_no_event():
    budget = Budget(per_hour=0.1, confidence=0.9)
    assert budget.hours_needed == pytest.approx(-math.log(0.1) / 0.1)  # 23.03 h
    assert (budget.most_events(23.02), budget.most_events(23.03)) == (-1, 0)
    assert limit(0, budget.hours_needed, 0.9) == pytest.approx(0.1)
    assert budget.most_events(0) == -1


# 40 h at 0.1/h and 90 %: limits are 0.0576 (0 events), 0.0972 (1), 0.1331 (2): one event is allowed.
HEARD = [0.31, 0.9, 0.55, 0.55, 0.12]


@pytest.mark.parametrize(
    ("scores", "threshold", "count"),
    [
        (HEARD, 0.5501, 1),
        ([0.9, 0.55], 0.5501, 1),
        ([0.9, 0.5], 0.5001, 1),  # above the second, not at it
        ([0.9, 0.52346], 0.5235, 1),  # rounded up
        ([0.55, 0.55], 0.5501, 0),  # a tie goes as a whole
        ([0.9, 0.9, 0.9], 0.9001, 0),
        ([0.9], FLOOR, 1),
        ([], FLOOR, 0),
        ([0.9, 0.05], FLOOR, 1),
        ([1.0, 0.99999], 1.0, 1),
    ],
)
def test_thresholds_by_hand(scores, threshold, count):
    budget = Budget(per_hour=0.1, confidence=0.9)
    assert budget.most_events(40) == 1
    assert choose(scores, 40, budget, FLOOR) == Choice(threshold=threshold, false_accepts=count)


def test_where_no_threshold_holds_there_is_none():
    assert choose([1.0, 1.0, 0.3], 40, Budget(per_hour=0.1, confidence=0.9), FLOOR) is None


def test_too_few_hours_say_how_many_it_takes():
    with pytest.raises(ConfigError, match=r"2 h are too few: .* at most 0\.1 .* 90 % confidence takes 23 h"):
        choose([], 2.0, Budget(per_hour=0.1, confidence=0.9), FLOOR)


def test_float32_scores_are_exceeded_whatever_they_are():
    budget = Budget(per_hour=0.1, confidence=0.9)
    for score in np.random.default_rng(0).uniform(0.1, 0.999, 100).astype(np.float32).tolist():
        (threshold, count) = (one := choose([score], 24, budget, FLOOR)) and (one.threshold, one.false_accepts)
        assert score < threshold <= score + 1.0001e-4 and count == 0


def test_a_threshold_chosen_on_the_same_sound_keeps_its_confidence():
    """The claim of the module: the true rate exceeds the budget as seldom as the limit says, and no seldomer."""
    hours, budget = 10.0, Budget(per_hour=0.5, confidence=0.9)
    # Scores are even on [0, 1] and come 5 times an hour: the true rate at a threshold t is 5 (1 - t).
    random = np.random.default_rng(7)
    wrong = 0
    for events in random.poisson(5 * hours, RUNS):
        choice = choose(random.random(events).tolist(), hours, budget, 0.001)
        wrong += 5 * (1 - choice.threshold) > budget.per_hour
    # One event is allowed in 10 h (limit 0.389, two have 0.532), and P(X <= 1) = 0.0404 where 5 are due.
    assert budget.most_events(hours) == 1
    assert wrong / RUNS == pytest.approx(0.0404, abs=0.02)


@pytest.mark.parametrize(
    ("per_hour", "confidence"), [(0, 0.9), (-1, 0.9), (math.nan, 0.9), (math.inf, 0.9), (1, 0.5), (1, 1), (1, math.nan)]
)
def test_what_cannot_be_shown_is_refused(per_hour, confidence):
    with pytest.raises(ConfigError, match="give a number"):
        Budget(per_hour=per_hour, confidence=confidence)
