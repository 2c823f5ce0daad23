"""Settings as scores: each event once, counted by hand."""

import pytest

from wakegate.measure.engines import Heard
from wakegate.measure.engines.settings import SAME, strictest

RATE = 16_000


def said(table, word="a"):
    """Return what is said: a row a setting, ``setting: seconds seconds ...``."""
    rows = (row.split(":") for row in table.split("\n") if row.strip())
    return [
        Heard(word=word, at=round(float(at) * RATE), score=float(setting))
        for setting, ats in rows
        for at in ats.split()
    ]


def told(events):
    return [(round(one.at / RATE, 2), one.score) for one in events]


PLAIN = """
0.1: 1.0 5.0      9.0 12.0
0.5: 1.0 5.1      9.0
0.9: 1.1          9.1
"""


def test_an_event_has_the_strictest_setting_that_says_it():
    assert told(strictest(said(PLAIN))) == [(1.1, 0.9), (5.1, 0.5), (9.1, 0.9), (12.0, 0.1)]


@pytest.mark.parametrize(("setting", "count"), [(0.1, 4), (0.5, 3), (0.9, 2)])
def test_a_threshold_selects_as_many_as_the_setting_says(setting, count):
    assert sum(one.score >= setting for one in strictest(said(PLAIN))) == count
    assert sum(one.score == setting for one in said(PLAIN)) == count


def test_an_event_that_a_laxer_setting_lacks_is_counted_there_too():
    assert told(strictest(said("0.1: 1.0\n0.5:\n0.9: 1.0 7.0"))) == [(1.0, 0.9), (7.0, 0.9)]


def test_one_setting_may_say_a_thing_twice():
    assert told(strictest(said("0.1: 1.0 1.2\n0.5: 1.0 1.2\n0.9: 1.2"))) == [(1.0, 0.5), (1.2, 0.9)]


def test_the_nearest_one_goes_on():
    assert told(strictest(said("0.1: 1.0 1.4\n0.5: 1.3"))) == [(1.0, 0.1), (1.3, 0.5)]


def test_how_near_is_the_same():
    assert SAME == RATE // 2
    assert len(strictest(said("0.1: 1.0\n0.5: 1.5"))) == 1
    assert len(strictest(said("0.1: 1.0\n0.5: 1.51"))) == 2


def test_words_are_apart():
    both = said("0.1: 1.0\n0.5: 1.0") + said("0.1: 1.0", word="b")
    assert [(one.word, one.score) for one in strictest(both)] == [("a", 0.5), ("b", 0.1)]


def test_nothing_said():
    assert strictest([]) == []
