"""Whether devices differ, and the interval that minds it. Around 1 s."""

import numpy as np
import pytest
from scipy.stats import chisquare

from wakegate.measure.counts.bootstrap import by_device
from wakegate.measure.counts.dispersion import dispersion


def test_equal_counts_in_equal_hours_do_not_differ():
    found = dispersion([4, 4, 4], [10.0, 10.0, 10.0], 0)
    assert (found.index, found.p, found.differ) == (0, 1, False)


@pytest.mark.parametrize(
    ("events", "hours"), [([40, 60, 55], [10, 12, 9]), ([90, 130], [50, 50]), ([30] * 9 + [60], [7] * 10)]
)
def test_many_events_agree_with_the_chi_square_test(events, hours):
    expected = sum(events) * np.array(hours) / sum(hours)
    theirs = chisquare(events, expected)
    found = dispersion(events, hours, 1)
    assert found.index == pytest.approx(theirs.statistic / (len(events) - 1))
    assert found.p == pytest.approx(theirs.pvalue, abs=0.02)


def test_few_events_by_hand():
    """Two events, two alike devices: both on one of them has probability 1/2, whatever chi-square says (0.157)."""
    found = dispersion([2, 0], [5.0, 5.0], 0)
    assert found.index == 2
    assert found.p == pytest.approx(0.5, abs=0.02)
    # 8 of 8 on the device with a tenth of the hours.
    assert dispersion([8, 0], [1.0, 9.0], 0).differ


def test_hours_are_minded():
    assert not dispersion([10, 1], [100.0, 10.0], 0).differ
    assert dispersion([1, 10], [100.0, 10.0], 0).differ


def test_where_nothing_can_differ_there_is_no_test():
    assert dispersion([3], [1.0], 0) is None
    assert dispersion([0, 0], [1.0, 1.0], 0) is None


def test_devices_are_drawn_whole():
    assert by_device([1, 2, 3, 4], [1.0] * 4, 0) is None
    low, high = by_device([0, 0, 0, 0, 50], [10.0] * 5, 0)
    # None, up to three or four of the five drawn are the loud one: binomial with 1/5.
    assert low == 0 and high in (3.0, 4.0)
    assert by_device([2] * 6, [4.0] * 6, 3) == (0.5, 0.5)
    assert by_device([0] * 5, [4.0] * 5, 3) == (0, 0)
    assert by_device([1, 2, 3, 4, 5], [1.0] * 5, 3) == by_device([1, 2, 3, 4, 5], [1.0] * 5, 3)
