"""Rooms: the convolution is the textbook's, and a word stays where it was. Around 3 s."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import oaconvolve

from tests.measure.conditions.hearing import delay, noise, written
from wakegate.errors import ConfigError
from wakegate.measure.conditions import room
from wakegate.measure.conditions.excerpt import BLOCK, blocks
from wakegate.measure.conditions.made import Measured, Simulated


def response(length, direct, seed=5):
    """A decaying response with an early rise, its direct sound at ``direct``."""
    tail = np.random.default_rng(seed).standard_normal(length) * np.exp(-np.arange(length) / (length / 6)) * 0.2
    tail[:direct] *= 0.05
    tail[direct] = 1.0
    return tail


@pytest.fixture
def measured(tmp_path):
    def made(impulse, rate=16_000, name="room.wav"):
        path = written(tmp_path / name, impulse, rate, "FLOAT")
        return Measured(audio=path, sha256=name, first=0, length=round(len(impulse) * 16_000 / rate))

    return made


@pytest.mark.parametrize("length", [1, 50, 300, BLOCK, BLOCK + 1, 70_000])
@pytest.mark.parametrize("size", [1, 900, BLOCK, 40_000])
def test_it_equals_the_convolution_of_the_whole(measured, length, size):
    impulse, direct = response(size, min(40, size - 1)), min(40, size - 1)
    kept = np.float32(impulse).astype(float)
    samples = noise(length / 16_000)
    whole = oaconvolve(samples.astype(float), kept / np.sqrt((kept**2).sum()))[direct : direct + length]
    found = [*room.convolved(blocks([samples]), measured(impulse))]
    assert {len(one) for one in found[:-1]} <= {BLOCK}
    assert np.concatenate(found) == pytest.approx(np.pad(whole, (0, length - len(whole))), abs=2e-7)


def test_a_response_at_another_rate_and_with_channels(measured, tmp_path):
    impulse = np.zeros((4800, 2))
    impulse[480, 0] = 0.001  # quieter than 16 bits could say well
    impulse[0, 1] = 1.0
    found, direct = room.response(measured(impulse, 48_000))
    assert direct == 160 and np.square(found).sum() == pytest.approx(1)


def test_a_response_is_the_stretch_that_is_named(measured):
    two = np.zeros(1600)
    two[[100, 900]] = 0.5, 1.0
    whole = measured(two)
    first, second = replace(whole, length=800), replace(whole, first=800, length=800)
    assert [room.response(one)[1] for one in (whole, first, second)] == [100, 100, 100]
    assert [np.count_nonzero(room.response(one)[0]) for one in (whole, first, second)] == [2, 1, 1]
    assert len({whole.key, first.key, second.key}) == 3


@pytest.mark.parametrize(
    "place",
    [
        Simulated(distance_m=1, rt60_s=0.3, number=2),
        Simulated(distance_m=3, rt60_s=0.5, seed=4),
        Simulated(distance_m=5, rt60_s=0.8, number=1),
    ],
)
def test_simulated_rooms_ring_as_asked_and_keep_a_click_in_place(place):
    from pyroomacoustics.experimental import measure_rt60

    impulse, direct = room.response(place)
    assert measure_rt60(impulse, 16_000, decay_db=30) == pytest.approx(place.rt60_s, rel=0.15)
    # The direct sound is what travels the distance: 40 samples are pyroomacoustics' own, for fractions of a sample.
    assert direct - 40 == pytest.approx(place.distance_m / 343 * 16_000, abs=3)
    click = np.zeros(32_000, np.float32)
    click[20_000] = 1.0
    found = np.abs(np.concatenate([*room.convolved(blocks([click]), place)]))
    assert int(np.argmax(found >= found.max() / 2)) == 20_000


def test_labels_stay_true_in_a_measured_room(measured):
    samples = noise(2)
    found = np.concatenate([*room.convolved(blocks([samples]), measured(response(6000, 123)))])
    assert abs(delay(samples, found)) <= 1


def test_eight_rooms_of_one_kind_differ_and_come_again():
    first, other = (room.response(Simulated(distance_m=1, rt60_s=0.2, number=n))[0] for n in (0, 1))
    assert not np.array_equal(first[:1000], other[:1000])
    room.response.cache_clear()
    room._simulated.cache_clear()
    assert np.array_equal(first, room.response(Simulated(distance_m=1, rt60_s=0.2, number=0))[0])


def test_no_such_room():
    with pytest.raises(ConfigError, match=r"0\.15 to 1\.2 s"):
        Simulated(distance_m=3, rt60_s=9)
    for rt60_s in (0.15, 0.3):
        with pytest.raises(ConfigError, match="give a longer RT60 or a shorter distance"):
            room.response(Simulated(distance_m=10, rt60_s=rt60_s))
