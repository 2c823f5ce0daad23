import numpy as np

from wakegate.audio.array import ArraySource
from wakegate.audio.paced import Paced


class Time:
    def __init__(self):
        self.s = 100.0

    def now(self):
        return self.s

    def pause(self, seconds):
        self.s += seconds


def test_sound_comes_no_earlier_than_it_was_spoken_and_late_readers_do_not_wait():
    clock, sound = Time(), np.arange(4000, dtype=np.int16)
    source = Paced(ArraySource(sound), clock.now, clock.pause)
    out = np.zeros(1280, np.int16)
    got, ended = [], False
    while not ended:
        reading = source.read(out)
        ended = reading.ended
        got.append(out[: reading.count].copy())
        assert clock.s >= 100 + sum(map(len, got)) / 16_000
        if len(got) == 1:
            clock.s += 10  # the reader was busy
    assert np.array_equal(np.concatenate(got), sound)
    assert clock.s < 110.2
