"""Limits: no setting lifts a ceiling. Instant."""

import math

import pytest

from wakegate.errors import ConfigError
from wakegate.gate.limits import BLOCK, Limits, samples


@pytest.mark.parametrize(
    "setting",
    [
        {"pre_roll_s": 2.01},
        {"pre_roll_s": -0.1},
        {"max_utterance_s": 30.5},
        {"max_utterance_s": math.inf},
        {"trailing_silence_s": 0.1},
        {"no_speech_s": math.nan},
        {"cancel_s": "3"},
        {"openings_a_minute": 21},
        {"openings_a_minute": 2.5},
        {"openings_a_day": True},
        {"openings_a_day": 0},
    ],
)
def test_a_value_outside_its_bounds_is_refused(setting):
    (name,) = setting
    with pytest.raises(ConfigError, match=name):
        Limits(**setting)


@pytest.mark.parametrize("pre_roll_s", [0, 0.28, 0.5, 2])
def test_the_longest_utterance_holds_its_word(pre_roll_s):
    Limits(pre_roll_s=pre_roll_s, max_utterance_s=round(pre_roll_s + 2.5, 2))
    with pytest.raises(ConfigError, match=r"max_utterance_s must be (2\.5 to 30|.* or more .* end before the word)"):
        Limits(pre_roll_s=pre_roll_s, max_utterance_s=pre_roll_s + 2.4)


def test_the_ring_holds_an_utterance_and_a_slow_reader():
    limits = Limits(pre_roll_s=2, max_utterance_s=30)
    assert limits.ring_samples % BLOCK == 0
    assert limits.ring_samples >= samples(2 + 2.5 + 30 + 8) + BLOCK
