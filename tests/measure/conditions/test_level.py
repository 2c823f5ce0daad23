"""The SNR rule, on numbers that can be worked out by hand. Around 1 s."""

import numpy as np
import pytest

from wakegate.errors import FormatError
from wakegate.measure.conditions import level

RATE = 16_000


def measured(samples, bounds, size=700):
    samples = np.asarray(samples, np.float32)
    return level.measure((samples[at : at + size] for at in range(0, len(samples), size)), bounds)


def levels(*energy):
    return level.Levels(energy=np.array(energy, float), peak=np.sqrt(np.array(energy, float)), highest=1.0)


def test_the_loudest_frame_of_a_part_counted_from_its_start():
    samples = np.zeros(3000)
    samples[100:1124] = 0.5  # in [100, 1124) two whole frames of 512
    samples[1130] = 1.0
    found = measured(samples, [(0, 100), (100, 1124), (612, 3000)])
    assert found.energy.tolist() == [0.0, 512 * 0.25, 512 * 0.25]
    assert found.peak.tolist() == [0.0, 0.5, 1.0]
    assert found.highest == 1.0


def test_what_is_left_over_counts_only_where_there_is_no_whole_frame():
    samples = np.zeros(1000)
    samples[600:] = 0.5
    assert measured(samples, [(0, 1000)]).energy.tolist() == [0.0]  # the benchmark drops the last 488
    assert measured(samples, [(500, 1000)]).energy.tolist() == [400 * 0.25]


@pytest.mark.parametrize("size", [1, 17, 512, 4001, 100_000])
def test_levels_do_not_depend_on_how_the_sound_comes(size):
    samples = np.random.default_rng(3).standard_normal(9000)
    bounds = [(0, 5000), (100, 160), (4000, 9000)]
    found, whole = measured(samples, bounds, size), measured(samples, bounds)
    assert found.energy.tolist() == pytest.approx(whole.energy.tolist())
    assert found.peak.tolist() == whole.peak.tolist()


def test_parts_are_words_or_else_ten_seconds():
    second = RATE
    assert level.parts(25 * second, []) == ((0, 160_000), (160_000, 320_000), (320_000, 400_000))
    assert level.parts(25 * second, [(3 * second, 5 * second)]) == ((3 * second, 5 * second),)
    assert level.parts(25 * second, [(5 * second, 5 * second)]) == ((4 * second, 5 * second),)
    assert level.parts(25 * second, [(100, 200)]) == ((0, second),)
    assert level.parts(5000, [(100, 200)]) == ((0, 5000),)


def test_one_word_has_exactly_its_snr():
    scale = level.noise_scale(levels(4.0), levels(0.01), 10.0)
    assert 10 * np.log10(4.0 / (0.01 * scale**2)) == pytest.approx(10)


def test_the_median_word_has_it_where_there_are_several():
    speech, noise = levels(1.0, 10.0, 4.0), levels(1.0, 1.0, 1.0)
    assert 10 * np.log10(4.0 / level.noise_scale(speech, noise, 6.0) ** 2) == pytest.approx(6)


def test_silence_does_not_pull_the_median_down():
    """Seven parts of ten are a quiet room; what was said is 30 dB above it."""
    speech, noise = levels(*[0.001] * 7, *[1.0] * 3), levels(*[1.0] * 10)
    assert 10 * np.log10(1.0 / level.noise_scale(speech, noise, 10.0) ** 2) == pytest.approx(10)


def test_digital_silence_has_no_level():
    assert level.noise_scale(levels(0.0, 0.0), levels(1.0, 1.0), 10.0) == 0.0
    assert level.speech_scales(levels(0.0, 4.0), levels(1.0, 1.0), 0.0).tolist() == [0.0, 0.5]


def test_silent_noise_is_refused():
    with pytest.raises(FormatError, match="digital silence under all speech: remove"):
        level.noise_scale(levels(1.0), levels(0.0), 10.0)
    with pytest.raises(FormatError, match="digital silence under some speech: remove"):
        level.speech_scales(levels(1.0, 1.0), levels(1.0, 0.0), 10.0)
