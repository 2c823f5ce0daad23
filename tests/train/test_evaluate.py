"""Trials in noise: as loud as is said, and finite whatever the noise is."""

import numpy as np
import pytest

from wakegate.train.corpus import Clip
from wakegate.train.evaluate import in_noise

RATE = 16_000


def clip(samples, name):
    return Clip(samples.astype(np.int16), name, "alexa", 0, len(samples), name)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("noise", "share"), [("white", 0.1), ("digital silence", 0.0)])
def test_noise_is_as_far_below_the_word_as_is_asked(noise, share):
    rng = np.random.default_rng(3)
    word = clip(3000 * np.sin(np.arange(RATE) / 5), "word.flac")
    given = clip(rng.normal(0, 500, 3 * RATE) if noise == "white" else np.zeros(3 * RATE), "noise.flac")
    samples, start, end = in_noise(word, [given], 10.0, (), rng)
    assert (start, end) == (2 * RATE, 3 * RATE) and len(samples) == 4 * RATE
    power = np.square(samples.astype(float))
    assert power[:start].mean() == pytest.approx(share * np.square(word.samples.astype(float)).mean(), rel=0.05)
