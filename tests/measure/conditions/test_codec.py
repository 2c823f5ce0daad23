"""Codecs: the coding is what it is called, and no word moves. Around 4 s."""

import numpy as np
import pytest

from tests.measure.conditions.hearing import delay, noise
from wakegate.errors import ConfigError
from wakegate.measure.conditions import codec
from wakegate.measure.conditions.excerpt import blocks
from wakegate.measure.conditions.made import Codec


def through(samples, kind, size=5000):
    pieces = (samples[at : at + size] for at in range(0, len(samples), size))
    return np.concatenate([*codec.through(pieces, kind)])


@pytest.mark.parametrize("kind", Codec)
@pytest.mark.parametrize("length", [800, 16_000, 40_001])
def test_as_long_as_before_and_no_later(kind, length):
    samples = noise(length / 16_000)
    found = through(samples, kind)
    assert len(found) == length
    assert abs(delay(samples, found)) <= 2
    assert np.corrcoef(samples, found)[0, 1] > 0.8
    assert not np.array_equal(samples, found)


@pytest.mark.parametrize("kind", Codec)
def test_a_join_of_segments_is_no_place_of_its_own(kind, monkeypatch):
    samples = noise(6)
    whole = codec.coded(samples, kind)
    monkeypatch.setattr(codec, "SEGMENT", 32_000)
    joined = through(samples, kind)
    assert len(joined) == len(samples) and delay(samples, joined) == 0
    near = np.abs(np.arange(len(samples)) % 32_000 - 16_000) > 15_600  # 25 ms on both sides of each join
    error, base = np.square(joined - samples), np.square(whole - samples)
    assert error[near].mean() < 2 * base[near].mean() + 1e-9


@pytest.mark.parametrize("size", [1, 999, 60_000])
def test_the_size_of_pieces_is_nothing(size):
    samples = noise(1)
    assert np.array_equal(through(samples, Codec.G711, size), through(samples, Codec.G711))
    assert [*codec.through([], Codec.G711)] == []


def test_g711_is_mu_law(monkeypatch):
    """ITU-T G.711: sign, three bits of segment, four of step; decoded to the middle of the step."""
    monkeypatch.setitem(codec.WAYS, Codec.G711, ("WAV", "ULAW", 16_000))
    values = np.arange(-32_768, 32_768, 7)

    def law(value):
        high = min(round(abs(value) * 32_767 / 32_768 / 4), 8158) + 33  # 14 bits, biased
        segment = high.bit_length() - 6
        step = (high >> (segment + 1)) & 15
        return int(np.copysign(4 * (((2 * step + 33) << segment) - 33), value))

    found = np.rint(codec.coded((values / 32_768).astype(np.float32), Codec.G711) * 32_768)
    wanted = np.array([law(int(value)) for value in values])
    assert np.array_equal(found, wanted)


def test_g711_has_no_highs():
    seconds = np.arange(32_000) / 16_000
    low, high = (np.float32(0.3 * np.sin(2 * np.pi * hz * seconds)) for hz in (1000, 6000))
    assert np.std(through(low, Codec.G711)) == pytest.approx(np.std(low), rel=0.02)
    assert np.std(through(high, Codec.G711)[2000:-2000]) < 0.002


def test_what_libsndfile_lacks_is_said(monkeypatch):
    codec.check(Codec.OPUS)
    monkeypatch.setattr(codec.soundfile, "available_formats", lambda: {"WAV": ""})
    with pytest.raises(ConfigError, match=r"--codec mp3 needs libsndfile 1.1 or newer, and here is"):
        codec.check(Codec.MP3)


def test_blocks_may_be_shared():
    samples = noise(1)
    kept = samples.copy()
    [*codec.through(blocks([samples]), Codec.MP3)]
    assert np.array_equal(samples, kept)
