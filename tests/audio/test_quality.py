"""What is measured of a sound, on sounds drawn by hand."""

import numpy as np
import pytest

from wakegate.audio.quality import QUIETEST_DB, decibels, measured

RATE = 16_000
rng = np.random.default_rng(20261122)


def sine(level, seconds=3.0, hertz=440.0):
    """(n,) float64, full scale at 1."""
    return level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)


def samples(sound):
    return np.clip(np.round(sound * 32_768), -32_768, 32_767).astype(np.int16)


@pytest.mark.parametrize(("level", "db"), [(1.0, -3.01), (0.1, -23.01), (0.01, -43.01)])
def test_a_sine_has_its_level(level, db):
    found = measured(samples(sine(level)))
    assert found.speech_db == pytest.approx(db, abs=0.1) and found.noise_db == pytest.approx(db, abs=0.1)
    assert found.peak_db == pytest.approx(db + 3.01, abs=0.1)


def test_speech_is_what_is_loud_and_noise_what_is_between():
    sound = rng.normal(0, 0.001, 3 * RATE)  # -60 dBFS
    sound[RATE : 2 * RATE] += sine(0.1, 1.0)
    found = measured(samples(sound))
    assert found.speech_db == pytest.approx(-23, abs=0.3) and found.noise_db == pytest.approx(-60, abs=1)


def test_an_offset_is_told_and_is_no_level():
    found = measured(samples(0.05 + sine(0.01)))
    assert found.offset == pytest.approx(0.05, abs=1e-4)
    assert found.noise_db == pytest.approx(-43, abs=0.1)
    assert measured(samples(sine(0.01))).offset == pytest.approx(0, abs=1e-4)
    assert measured(samples(sine(0.01) - 0.3)).offset == pytest.approx(-0.3, abs=1e-4)


@pytest.mark.parametrize(
    ("sound", "clipped"),
    [
        (np.clip(sine(2.0), -1, 1), True),
        (np.clip(sine(1.0), -0.5, 0.5), True),  # before the converter: flat far below full scale
        (sine(0.99), False),
        (np.clip(sine(0.2), -0.05, 0.05), False),  # so soft that no amplifier clips
        (rng.normal(0, 0.1, 3 * RATE), False),
    ],
    ids=["at full scale", "below it", "a clean sine", "a soft plateau", "noise"],
)
def test_flat_tops_are_clipping(sound, clipped):
    found = measured(samples(sound)).clipped
    # A sine of twice full scale spends two thirds of its time above it: 120 of 180 degrees.
    assert (found > 0) is clipped and found <= 2 / 3 * 3 * RATE * 1.01


def test_how_much_is_cut_off_is_counted():
    sound = samples(sine(0.5))
    sound[100:110] = 32_767
    sound[200:202] = 32_767  # two in a row may be a peak
    assert measured(sound).clipped == 10


def test_digital_silence_is_silence_even_with_an_offset():
    for value in (0, 700):
        found = measured(np.full(RATE, value, np.int16))
        assert found.silent and found.speech_db == found.noise_db == QUIETEST_DB
    assert decibels(0) == QUIETEST_DB and decibels(32_768) == 0
    assert not measured(samples(sine(0.0001))).silent


def test_less_than_a_frame_is_refused():
    with pytest.raises(ValueError, match="less than a frame"):
        measured(np.zeros(319, np.int16))
