"""Arrays, and the conversion that all sources share."""

import numpy as np
import pytest
import soxr

from tests.audio.reading import BLOCKS, loudest_hertz, tone, whole
from wakegate.audio.array import ArraySource
from wakegate.errors import FormatError

NOISE = np.random.default_rng(5).integers(-30_000, 30_000, (20_011, 3)).astype(np.int16)


@pytest.mark.parametrize("block", BLOCKS)
def test_int16_passes_bit_for_bit(block):
    assert np.array_equal(whole(ArraySource(NOISE[:, 0]), block), NOISE[:, 0])
    assert np.array_equal(whole(ArraySource(NOISE, channel=2), block), NOISE[:, 1])


@pytest.mark.parametrize("rate", [8_000, 11_025, 44_100, 48_000, 192_000])
def test_any_block_size_gives_the_same_samples(rate):
    expected = whole(ArraySource(NOISE, rate), 100_000)
    assert abs(len(expected) - len(NOISE) * 16_000 / rate) <= 1
    for block in BLOCKS:
        assert np.array_equal(whole(ArraySource(NOISE, rate), block), expected), block


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
def test_streaming_equals_soxr_in_one_go(rate):
    given = whole(ArraySource(NOISE, rate)).astype(float)
    mono = NOISE.astype(np.float32).mean(axis=1)
    expected = np.clip(np.rint(soxr.resample(mono, rate, 16_000)), -32768, 32767)
    assert len(given) == len(expected)
    assert np.abs(given - expected).max() <= 1


@pytest.mark.parametrize("rate", [8_000, 22_050, 96_000])
def test_a_tone_keeps_its_pitch_and_level(rate):
    given = whole(ArraySource(tone(1000, 2, rate), rate))
    assert loudest_hertz(given[4000:-4000]) == pytest.approx(1000, abs=2)
    assert np.abs(given[4000:-4000]).max() == pytest.approx(0.3 * 32768, rel=0.01)


def test_what_the_rate_cannot_hold_is_filtered_not_folded():
    given = whole(ArraySource(tone(11_000, 1, 48_000), 48_000))
    assert np.abs(given[2000:-2000]).max() < 10


def test_floats_are_full_scale_at_one_and_clipped_beyond():
    given = whole(ArraySource(np.array([0.0, 0.5, -1.0, 1.0, 7.0, -7.0])))
    assert given.tolist() == [0, 16384, -32768, 32767, 32767, -32768]
    assert np.array_equal(whole(ArraySource((NOISE / 32768).astype(np.float32), channel=1)), NOISE[:, 0])


def test_channels_are_mixed_by_their_mean():
    assert whole(ArraySource(np.array([[100, 200], [-3, 4]], dtype=np.int16))).tolist() == [150, 0]


def test_a_wipe_turns_what_was_held_into_silence_and_keeps_time():
    source, out = ArraySource(NOISE + np.int16(2000), 44_100), np.empty(100, dtype=np.int16)
    before = source.read(out).count
    source.wipe()
    rest = whole(source)
    assert not rest[:200].any()
    assert rest[-1000:].any()
    assert abs(before + len(rest) - len(NOISE) * 16_000 / 44_100) <= 2


def test_the_callers_array_is_left_alone():
    mine = NOISE[:, 0].copy()
    source = ArraySource(mine)
    source.read(np.empty(50, dtype=np.int16))
    source.wipe()
    source.close()
    assert np.array_equal(mine, NOISE[:, 0])


@pytest.mark.parametrize(
    ("samples", "rate", "message"),
    [
        (np.zeros(0, dtype=np.int16), 16_000, "no samples"),
        (np.array([0.0, np.nan]), 16_000, "NaN or infinity"),
        (np.array([0.0, np.inf], dtype=np.float32), 16_000, "NaN or infinity"),
        (np.zeros(9, dtype=np.int32), 16_000, "type int32: give int16"),
        (np.zeros((2, 2, 2)), 16_000, r"shape \(2, 2, 2\)"),
        (np.zeros((2, 900)), 16_000, "samples.T"),
        (np.zeros(9), 4_000, "4000 samples a second"),
        (np.zeros(9), 400_000, "400000 samples a second"),
    ],
)
def test_what_cannot_be_read_is_said(samples, rate, message):
    with pytest.raises(FormatError, match=message):
        ArraySource(samples, rate)


def test_a_channel_that_is_not_there_is_said():
    with pytest.raises(FormatError, match="no channel 4: choose 1 to 3"):
        ArraySource(NOISE, channel=4)
    with pytest.raises(FormatError, match="no channel 0"):
        ArraySource(NOISE, channel=0)


def test_what_was_taken_is_kept_nowhere():
    source = ArraySource(NOISE, 44_100)
    whole(source)
    converter = source._converter
    for memory in (converter.inlet, converter._floats, converter._mono, converter._out):
        assert not memory.any()
