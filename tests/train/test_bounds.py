"""Where in a recording somebody speaks, in quiet and in noise. Well under 1 s."""

import numpy as np
import pytest

from wakegate.train import bounds

RATE = 16_000
STEP = 160


def voice(seconds, seed=1):
    """Something with a voice's band and beat: harmonics that swell and fall, quiet at both ends."""
    time = np.arange(round(seconds * RATE)) / RATE
    tones = sum(np.sin(2 * np.pi * 180 * k * time + k) / k for k in range(1, 12))
    return 4000 * tones * np.sin(np.pi * time / seconds) ** 0.25


def recording(parts, noise=0.0, seed=0):
    """(start s, seconds) of voices in 3 s of white noise of an RMS."""
    made = np.random.default_rng(seed).normal(0, noise, 3 * RATE) if noise else np.zeros(3 * RATE)
    for start, seconds in parts:
        said = voice(seconds)
        made[round(start * RATE) :][: len(said)] += said
    return np.clip(made, -32768, 32767).astype(np.int16)


@pytest.mark.parametrize("noise", [0, 20, 300, 900])
def test_a_word_is_found_in_any_quiet_or_noise(noise):
    start, end = bounds.spoken(recording([(0.8, 0.7)], noise))
    assert abs(start - 0.8 * RATE) < 0.08 * RATE and abs(end - 1.5 * RATE) < 0.08 * RATE


def test_hum_and_an_offset_are_no_speech():
    time = np.arange(3 * RATE) / RATE
    made = recording([(1.0, 0.6)], 5) + 3000 * np.sin(2 * np.pi * 50 * time) + 2000
    start, end = bounds.spoken(made.astype(np.int16))
    assert abs(start - RATE) < 0.08 * RATE and abs(end - 1.6 * RATE) < 0.08 * RATE


def test_of_two_utterances_the_louder_is_the_word():
    said = recording([(0.2, 0.5), (1.7, 0.8)])
    found = np.array(bounds.utterances(bounds.stretches(said)))
    assert np.abs(found - [(3200, 11_200), (27_200, 40_000)]).max() < 6 * STEP
    assert bounds.spoken(said)[0] > 1.5 * RATE


def test_a_short_pause_is_inside_the_word():
    start, end = bounds.spoken(recording([(0.5, 0.4), (1.15, 0.5)]))
    assert start < 0.6 * RATE and end > 1.55 * RATE


def test_a_door_that_slams_is_louder_and_no_word():
    said = recording([(1.2, 0.7)], 5).astype(np.int32)
    said[3200:6400] += np.random.default_rng(1).normal(0, 12_000, 3200).astype(np.int32)
    start, end = bounds.spoken(np.clip(said, -32768, 32767).astype(np.int16))
    assert abs(start - 1.2 * RATE) < 0.08 * RATE and abs(end - 1.9 * RATE) < 0.08 * RATE


def test_a_click_apart_is_no_part_of_it():
    said = recording([(1.0, 0.6)], 5)
    said[1600:1630] = 20_000
    assert bounds.spoken(said)[0] > 0.85 * RATE


@pytest.mark.parametrize(
    "samples", [np.zeros(RATE, np.int16), np.full(RATE, 700, np.int16), np.ones(8 * STEP, np.int16)]
)
def test_where_nothing_is_said_the_bounds_lie_inside(samples):
    start, end = bounds.spoken(samples)
    assert 0 <= start <= end <= len(samples)
