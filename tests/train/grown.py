"""What a word must do that was hung onto the shipped model, however it was made."""

import numpy as np
import pytest

from tests.wake.sounds import NOTHING, clipped, detected, in_blocks, scaled
from wakegate.wake import catalogue, load

RATE = 16_000


class Grown:
    """Tests to inherit; the module has the fixtures ``scorer`` (fresh) and ``spoken`` (which ends with the word).

    Attributes
    ----------
    word : str
        The new one, in the last column.
    peak : float
        What its score exceeds where it is said.
    """

    word: str
    peak: float

    def test_the_other_words_scores_are_the_same_bit_for_bit(self, scorer, spoken):
        assert np.array_equal(scorer.push(spoken)[:, :-1], load(path=catalogue.installed()[0].path).push(spoken))

    def test_numpy_gives_what_onnxruntime_gives(self, scorer, spoken):
        assert np.abs(load(path=scorer.manifest.path, engine="numpy").push(spoken) - scorer.push(spoken)).max() < 1e-4

    @pytest.mark.parametrize("size", [17, 1280, 4001])
    def test_any_block_size_gives_the_scores_of_the_whole(self, scorer, spoken, size):
        whole = scorer.push(spoken)
        assert np.array_equal(in_blocks(scorer, spoken, size), whole) and whole[:, -1].max() > self.peak

    def test_level_changes_next_to_nothing(self, scorer, spoken):
        own = spoken[-2 * RATE :]
        whole = scorer.push(own)[:, -1]
        for dbfs in (-3, -24):
            scorer.reset()
            assert np.abs(scorer.push(scaled(own, dbfs))[:, -1] - whole).max() < 0.15

    @pytest.mark.parametrize("name", NOTHING)
    def test_what_is_no_speech_is_no_word(self, scorer, name):
        samples = NOTHING[name].astype(np.int16)
        scores = scorer.push(samples)
        assert np.isfinite(scores).all() and scores.min() >= 0 and scores.max() <= 1
        assert self.word not in [one.word for one in detected(scorer, samples)]

    def test_clipping_gives_finite_scores(self, scorer, spoken):
        scores = scorer.push(clipped(spoken))
        assert np.isfinite(scores).all() and scores.min() >= 0 and scores.max() <= 1
