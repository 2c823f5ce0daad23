"""What is drawn for the second stage: what the first one suspects, rightly or wrongly."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch comes with the extra `train`")

from wakegate.train import draw, fit, hard  # noqa: E402
from wakegate.train.corpus import Clip  # noqa: E402
from wakegate.train.fit import NONE, STEPS  # noqa: E402
from wakegate.train.network import STRIDE  # noqa: E402

RATE = 16_000


class Suspects(torch.nn.Module):
    """A first stage that is sure of "computer" wherever the features of a step are loud, and of nothing elsewhere."""

    def forward(self, features):
        loud = features[:, STRIDE - 1 :: STRIDE].mean(dim=2) > 1.5
        logits = torch.zeros(*loud.shape, NONE + 1)
        logits[:, :, NONE] = 8.0
        logits[:, :, 1] = torch.where(loud, 12.0, 0.0)
        return logits


def heard(loud_at):
    """Power of a row of examples: each silent, but for a burst of ten frames at a step, if any."""
    power = torch.full((len(loud_at), STEPS * STRIDE, 40), 1e-3)
    for row, step in enumerate(loud_at):
        if step is not None:
            power[row, STRIDE * step :][:10] = 1e3
    return power


def test_every_word_is_kept_and_of_the_rest_only_what_is_suspected():
    words, ends = np.array([0, -1, -1], np.int8), np.array([RATE, 0, 0], np.int32)
    rows = draw.suspected(Suspects())(heard([None, 40, None]), words, ends)
    assert rows.tolist() == [0, 1]


def test_all_examples_are_kept_where_nobody_chooses():
    assert draw.everything(heard([None, 40]), np.zeros(2, np.int8), np.zeros(2, np.int32)).tolist() == [0, 1]


def test_a_hard_moment_is_found_where_it_is_even_beyond_the_first_piece():
    rng = np.random.default_rng(0)
    quiet = rng.normal(0, 20, 45 * RATE)
    for second in (6.2, 31.7):
        quiet[round(second * RATE) :][:3200] = rng.normal(0, 9000, 3200)
    clip = Clip(quiet.astype(np.int16), "hall.flac", "", 0, len(quiet), "hall.flac")
    found = hard.moments([clip], Suspects())
    assert found and all(one.clip is clip and one.chance > 0.9 for one in found)
    assert {int(one.at / RATE) for one in found} == {6, 31}
    assert all(abs(one.at / RATE - (6.3 if one.at < 20 * RATE else 31.8)) < 0.3 for one in found)


def test_nothing_is_hard_where_nothing_is_suspected():
    clip = Clip(np.zeros(3 * RATE, np.int16), "still.flac", "", 0, 3 * RATE, "still.flac")
    assert hard.moments([clip, Clip(np.zeros(100, np.int16), "short.flac", "", 0, 100, "")], Suspects()) == []


def test_a_hurried_window_ends_where_it_ended_and_says_the_same():
    ramp = torch.arange(200.0)[None, :, None].expand(64, 200, 40).contiguous()
    said = fit.hurried(ramp, np.random.default_rng(1))
    assert said.shape == ramp.shape
    assert (said[:, -1] - 199).abs().max() < 0.01  # the end stays
    assert (said[:, 1:] >= said[:, :-1]).all()  # nothing is said backwards
    assert (said[:, 100].std(dim=0) > 3).all()  # and each goes at its own pace


def test_a_stretched_mel_axis_keeps_its_level():
    flat = torch.full((64, 20, 40), 2.0)
    assert torch.allclose(fit.stretched(flat, np.random.default_rng(1)), flat, atol=1e-5)
