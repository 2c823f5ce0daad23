"""Talk without the word: the same for a seed, whatever the voice makes of it. Around 1 s."""

from collections import Counter

import numpy as np
import pytest

pytest.importorskip("onnx", reason="onnx is only in the extra `train`")

from wakegate.train.enrol import talk


class Slow:
    """A voice that takes so long for any sentence, and remembers them."""

    name = "slow"
    speakers = ("one", "two")

    def __init__(self, seconds):
        self.seconds, self.said = seconds, []

    def say(self, text, among, rng):
        self.said.append((text, *among))
        return np.full(round(self.seconds * 16_000), rng.uniform(0.1, 0.2), np.float32)


def test_a_voice_that_takes_longer_says_the_same_all_the_same():
    # 3.4 s with its pause: 18 a minute; 3.6 s: 17. The others are the same, on both sides, in all minutes.
    quick, slow = Slow(3.0), Slow(3.2)
    for voice in (quick, slow):
        made = talk.made(voice, None, 1, 3)
        assert made.hours[0] == pytest.approx((3 + 2) / 60, rel=0.02), "three minutes, and six noises of 20 s"
    assert (len(quick.said), len(slow.said)) == (6 * 18, 6 * 17)
    assert not Counter(slow.said) - Counter(quick.said) and len(set(quick.said)) > 80
