"""Thresholds by what they were measured to cost. Under 1 s."""

import dataclasses
from itertools import pairwise

import pytest

from wakegate.errors import ConfigError
from wakegate.wake import catalogue, levels
from wakegate.wake.levels import Level
from wakegate.wake.manifest import OperatingPoint


def point(threshold, false_accepts, *, word="alexa", condition="quiet", hours=10.0):
    return OperatingPoint(
        word=word, threshold=threshold, condition=condition, false_accepts=false_accepts, hours=hours,
        per_hour=(0.0, 1.0), missed=0, trials=1, frr=(0.0, 1.0),
    )  # fmt: skip


POINTS = [
    point(0.8, 0), point(0.5, 3), point(0.5, 3, condition="far"), point(0.3, 12), point(0.9, 100, word="jarvis"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("rate", "threshold"), [(0.1, 0.8), (0.29, 0.8), (0.3, 0.5), (1.19, 0.5), (1.2, 0.3), (50, 0.3)]
)
def test_a_level_is_the_lowest_threshold_within_it(rate, threshold):
    assert levels.resolved(Level(rate), "alexa", POINTS) == threshold


def test_no_event_in_ten_hours_is_not_fewer_than_one_in_ten_hours():
    with pytest.raises(ConfigError) as refused:
        levels.resolved(Level(0.09), "alexa", POINTS)
    assert str(refused.value) == (
        "no threshold of 'alexa' was measured at 0.09/h or less: its model was, at 0.1, 0.3, 1.2 an hour: name one "
        "of these, or more"
    )


def test_a_word_without_operating_points_has_no_level():
    with pytest.raises(ConfigError, match=r"'marvin' was measured at 1/h or less: .* at no rate at all: give a number"):
        levels.resolved(Level(1), "marvin", POINTS)


def test_of_one_threshold_the_worst_condition_counts():
    points = [point(0.5, 1), point(0.5, 9, condition="far"), point(0.7, 1)]
    assert levels.resolved(Level(0.5), "alexa", points) == 0.7


@pytest.mark.parametrize(("false_accepts", "hours"), [(7, 6.03), (2, 6.03), (1, 400.0), (1, 161.0)])
def test_a_rate_as_it_is_shown_is_one_that_there_is(false_accepts, hours):
    points = [point(0.5, false_accepts, hours=hours)]
    with pytest.raises(ConfigError) as refused:
        levels.resolved(Level(1e-9), "alexa", points)
    shown = str(refused.value).partition(" was, at ")[2].partition(" an hour")[0]
    assert levels.resolved(Level(float(shown)), "alexa", points) == 0.5


def test_a_score_is_itself():
    assert levels.resolved(0.42, "alexa", []) == 0.42
    assert levels.read("0.42") == 0.42 and levels.read("0.5/h") == levels.read(" 12/day ") == Level(0.5)


@pytest.mark.parametrize("text", ["", "/h", "low", "1/week", "1/h/h", "0/h", "-1/h", "1e999/h"])
def test_what_is_no_threshold_is_a_value_error(text):
    with pytest.raises(ValueError):
        levels.read(text)


def test_every_word_of_the_model_has_levels_and_a_lower_rate_never_wakes_more():
    (model, *_) = catalogue.installed()
    for entry in model.words:
        found = [levels.resolved(Level(rate), entry.word, model.operating_points) for rate in (0.17, 0.5, 1, 2, 5)]
        assert all(strict >= loose for strict, loose in pairwise(found)) and found[0] > found[-1] >= model.floor


def test_the_detector_is_given_scores(tmp_path):
    (model, *_) = catalogue.installed()
    expected = levels.resolved(Level(0.5), "computer", model.operating_points)
    config = model.detector_config(["computer", "alexa"], {"computer": Level(0.5)})
    assert config.thresholds == {"computer": expected, "alexa": model.entry("alexa").threshold}
    bare = dataclasses.replace(model, operating_points=())
    with pytest.raises(ConfigError, match="at no rate at all"):
        bare.detector_config(["computer"], {"computer": Level(0.5)})
