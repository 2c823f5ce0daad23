"""Stretches of files at their places, whatever the file and however it is read. Around 1 s."""

import numpy as np
import pytest
import soundfile

from tests.measure.conditions.hearing import delay, noise, written
from wakegate.errors import FormatError
from wakegate.measure.conditions.excerpt import BLOCK, blocks, placed, read
from wakegate.measure.conditions.made import Excerpt


def whole(pieces):
    return np.concatenate([*pieces])


def put(at, audio, first, length, scale=1.0):
    return Excerpt(at=at, audio=audio, sha256="", first=first, length=length, scale=scale)


def test_any_stretch_of_a_file_bit_for_bit(tmp_path):
    path = written(tmp_path / "a.flac", noise(3))
    values, _ = soundfile.read(path, dtype="float32")
    for first, length in ((0, 48_000), (1, 47_999), (17_000, 20_001), (47_999, 1)):
        assert np.array_equal(whole(read(path, first, length)), values[first : first + length])


def test_an_mp3_is_read_as_it_is_whole(tmp_path):
    path = tmp_path / "tone.mp3"
    soundfile.write(path, 0.3 * np.sin(np.arange(6 * 16_000) / 4), 16_000)
    values, _ = soundfile.read(path, dtype="float32")
    assert np.abs(whole(read(path, 0, len(values))) - values).max() < 1e-4


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
def test_other_rates_come_in_time(tmp_path, rate):
    import soxr

    samples = noise(3)
    path = written(tmp_path / "a.wav", soxr.resample(samples, 16_000, rate), rate, "FLOAT")
    assert delay(samples, whole(read(path, 0, 48_000))) == 0
    part = whole(read(path, 20_000, 10_000))
    assert len(part) == 10_000 and delay(samples[20_000:30_000], part) == 0


def test_channels_are_mixed_or_one_is_taken(tmp_path):
    path = written(tmp_path / "a.wav", np.stack([noise(1), noise(1, 2)], axis=1))
    values, _ = soundfile.read(path, dtype="float32")
    assert np.array_equal(whole(read(path, 0, 16_000)), values.mean(axis=1))
    assert np.array_equal(whole(read(path, 0, 16_000, channel=0)), values[:, 0])


def test_excerpts_lie_where_they_are_put(tmp_path):
    path = written(tmp_path / "a.wav", noise(2))
    values, _ = soundfile.read(path, dtype="float32")
    found = [*placed([put(100, path, 0, 20_000), put(20_100, path, 5, 7, 0.5)], 50_000)]
    assert [len(one) for one in found] == [BLOCK, BLOCK, BLOCK, 50_000 - 3 * BLOCK]
    wanted = np.zeros(50_000, np.float32)
    wanted[100:20_100] = values[:20_000]
    wanted[20_100:20_107] = values[5:12] * np.float32(0.5)
    assert np.array_equal(whole(found), wanted)


@pytest.mark.parametrize("size", [1, 160, BLOCK - 1, BLOCK, 40_000])
def test_blocks_are_the_same_whatever_comes_in(size):
    samples = noise(3)
    found = [*blocks(samples[at : at + size] for at in range(0, len(samples), size))]
    assert [len(one) for one in found] == [BLOCK, BLOCK, 48_000 - 2 * BLOCK]
    assert np.array_equal(whole(found), samples)
    assert [*blocks([])] == []


def test_what_cannot_be_read_is_named(tmp_path):
    path = written(tmp_path / "a.wav", noise(1))
    with pytest.raises(FormatError, match=r"a.wav ends 1.00 s earlier than it did"):
        whole(read(path, 0, 32_000))
    with pytest.raises(FormatError, match=r"b.wav cannot be read"):
        whole(read(tmp_path / "b.wav", 0, 1))
    holed = noise(1)
    holed[500] = np.nan
    written(tmp_path / "c.wav", holed, subtype="FLOAT")
    with pytest.raises(FormatError, match=r"c.wav holds NaN"):
        whole(read(tmp_path / "c.wav", 0, 16_000))
