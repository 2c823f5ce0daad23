"""Two engines on the same sound: what each hears, who fails, and that no sound stays. Around 3 s."""

import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.memory import plant
from wakegate.audio.array import ArraySource
from wakegate.audio.block import Reading
from wakegate.audio.files import FileSource
from wakegate.errors import EngineError
from wakegate.events import Reason
from wakegate.measure.counts.agreement import Agreement, Agreements
from wakegate.measure.engines import Heard, named
from wakegate.measure.field import shadow as module
from wakegate.measure.field.live import PIECE, STILL_READS, Live
from wakegate.measure.field.shadow import shadow

RATE = 16_000
PROGRAM = Path(__file__).parents[1] / "engines" / "engine.py"


def program(*words):
    return named(f"exec:{sys.executable} -S -E {PROGRAM} {' '.join(words)}", None, 20.0)


class Script:
    """A source that gives what a list says: a count of samples, a gap, or nothing; not ours to mock, so written."""

    name = "script"

    def __init__(self, *readings, pause_s=0.0):
        self.readings, self.pause_s = list(readings), pause_s
        self.at = 0
        self.closed = False

    def read(self, out):
        time.sleep(self.pause_s)
        if not self.readings:
            return Reading(0, ended=True)
        what = self.readings.pop(0)
        if what is Reason.DEVICE_LOST:
            return Reading(0, gap=(what, 0, ""))
        what = min(what, len(out))
        out[:what] = np.arange(self.at, self.at + what) % 30_000
        self.at += what
        return Reading(what)

    def wipe(self):
        pass

    def close(self):
        self.closed = True


class Whole:
    """An engine that remembers the sound it was given, and hears its length."""

    thresholds = None

    def __init__(self, name="whole", slow_s=0.0):
        self.name, self.slow_s, self.about = name, slow_s, {}
        self.sound = []

    def hear(self, sound):
        got = [np.zeros(0, np.int16)]
        for piece in sound:
            got.append(piece.copy())
            time.sleep(self.slow_s)
        self.sound.append(np.concatenate(got))
        return [Heard(word="length", at=len(self.sound[-1]), score=1.0)]


# Live.


def test_stretches_end_at_a_gap_at_silence_and_at_their_length():
    source = Script(100, 50, Reason.DEVICE_LOST, 70, *[0] * STILL_READS, 0, 30, 0, 40, 500, 600, 10)
    live = Live(source)
    lengths = [sum(len(piece) for piece in sound) for sound in live.stretches(longest=1000)]
    assert lengths == [150, 70, 30 + 40 + 500 + 600, 10]
    assert (live.heard, live.gaps) == (1400, 1)
    assert live.hours == 1400 / RATE / 3600


def test_it_ends_when_enough_was_heard_or_somebody_says_so():
    live = Live(Script(*[PIECE] * 9), most=PIECE + 7)
    assert [len(piece) for sound in live.stretches() for piece in sound] == [PIECE, 7]
    live = Live(Script(*[100] * 9))
    for sound in live.stretches():
        for number, _ in enumerate(sound):
            if number == 2:
                live.stop()
    assert live.heard == 300


def test_the_buffer_is_wiped_and_the_source_closed():
    source = Script(100)
    with Live(source) as live:
        list(map(list, live.stretches()))
        assert live._buffer.any(), "the positive control"
    assert not live._buffer.any() and source.closed


# Shadow.


def test_every_engine_hears_every_sample():
    sound = (np.arange(5 * RATE + 77) % 30_000).astype(np.int16)
    engines = [Whole(), Whole(slow_s=0.01)]
    (stretch,) = shadow(engines, Live(ArraySource(sound)), in_time=False)
    assert (stretch.start, stretch.samples, stretch.failure) == (0, len(sound), "")
    for engine in engines:
        assert np.array_equal(engine.sound[0], sound)
    assert stretch.heard == ((Heard(word="length", at=len(sound), score=1.0),),) * 2


def test_each_stretch_is_a_fresh_stream_and_says_where_it_begins(monkeypatch):
    monkeypatch.setattr(module, "STRETCH", 1000)
    engines = [Whole(), Whole()]
    found = list(shadow(engines, Live(Script(400, 700, 300, Reason.DEVICE_LOST, 50)), in_time=True))
    assert [(one.start, one.samples) for one in found] == [(0, 1100), (1100, 300), (1400, 50)]
    assert [len(one) for one in engines[1].sound] == [1100, 300, 50]


def test_an_engine_that_lags_behind_live_sound_fails_the_stretch(monkeypatch):
    monkeypatch.setattr(module, "QUEUE_S", 1)
    slow = Whole("slow", slow_s=0.3)
    found = []
    with pytest.raises(EngineError, match="3 stretches in a row failed, the last because slow lagged more than 1 s"):
        for stretch in shadow([slow, Whole()], Live(Script(*[PIECE] * 60, pause_s=0.02)), in_time=True):
            found.append(stretch)
    assert [one.heard for one in found] == [(), (), ()]


def test_an_engine_that_crashes_fails_the_stretch_for_both():
    sound = np.zeros(3 * RATE, np.int16)
    (stretch,) = shadow([Whole(), program("crash")], Live(ArraySource(sound)), in_time=False)
    assert stretch.heard == ()
    assert "engine.py crash: it ended with exit code 1" in stretch.failure
    assert "the model is broken" in stretch.failure


def test_a_bug_in_an_engine_is_no_failure_of_the_sound():
    class Buggy(Whole):
        def hear(self, sound):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(shadow([Whole(), Buggy()], Live(ArraySource(np.zeros(RATE, np.int16))), in_time=False))


def test_a_queue_leaves_no_sound_behind():
    queue = module._Queue()
    queue.put(np.full(PIECE, 77, np.int16), patient=True)
    queue.put(np.full(PIECE, 77, np.int16), patient=True)
    pieces = queue.pieces()
    kept = next(pieces)
    assert kept.any() and queue._fifo._bytes.any(), "the positive control"
    queue.leave()
    assert list(pieces) == []
    assert not kept.any() and not queue._fifo._bytes.any()


# Agreement.


def test_agreement_by_hand():
    #        0        1        2        3        4
    # first  A        A                 A  B
    # second  A           AA                 B C
    first, second = Whole("first"), Whole("second")
    first.thresholds = {"a": 0.5, "b": 0.5}
    agreements = Agreements(first, second, tolerance=10)
    heard = [
        [Heard(word="a", at=at, score=0.5) for at in (0, 90, 270)] + [Heard(word="b", at=300, score=0.6)],
        [Heard(word="a", at=at) for at in (10, 101, 110)] + [Heard(word="b", at=310), Heard(word="c", at=330)],
    ]
    agreements.add(heard)
    agreements.add([[Heard(word="a", at=0, score=0.49)], [Heard(word="a", at=0)]])
    assert agreements.words() == (
        Agreement(word="a", first=3, second=4, both=1),
        Agreement(word="b", first=1, second=1, both=1),
        Agreement(word="c", first=0, second=1, both=0, known=False),
    )
    a, b, c = agreements.words()
    assert (a.only_first, a.only_second) == (2, 3)
    assert (a.p, b.p, c.p) == (1.0, 1.0, None)  # of five alone, 2 and 3
    assert Agreement(word="a", first=6, second=0, both=0).p == pytest.approx(2 / 64)


def test_one_event_agrees_with_one_alone():
    agreements = Agreements(Whole("first"), Whole("second"), tolerance=50)
    agreements.add([[Heard(word="a", at=100)], [Heard(word="a", at=80), Heard(word="a", at=120)]])
    assert agreements.words() == (Agreement(word="a", first=1, second=2, both=1),)


def test_memory_holds_no_sound_afterwards(tmp_path):
    probes = plant(tmp_path / "noise.wav", seed=21, seconds=4)
    during = []

    class Watched(Whole):
        def hear(self, sound):
            for number, _ in enumerate(sound):
                if number == 3:
                    during.append(probes.found())
            return []

    live = Live(FileSource(tmp_path / "noise.wav"))
    with live:
        (stretch,) = shadow([named("wakegate", None, 20.0), Watched()], live, in_time=False)
    assert stretch.failure == "" and stretch.samples == 4 * RATE
    assert any(during), "the positive control found nothing"
    assert probes.found() == {}
