"""Peers by way of one that is none: the conversation, every way in which it fails, how events come of it. 6 s."""

import gc
import os
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from wakegate.errors import ConfigError, EngineError
from wakegate.measure.engines import Heard
from wakegate.measure.engines.peer import Peer

RATE, STEP = 16_000, 1600
FAKE = str(Path(__file__).parent / "peer.py")


def peer(*words, limit_s=10.0):
    return Peer("fake", [sys.executable, "-S", "-E", FAKE, *words], limit_s)


def drawn(digits):
    """Return sound that makes the fake say each digit, a tenth of a score, 0.1 s after another."""
    return np.repeat(np.array([int(one) * 1000 for one in digits], np.int16), STEP)


QUIET, BAD = drawn("00000"), np.full(RATE, -1, np.int16)


def pid(one):
    (found,) = [heard.score for heard in one.hear([QUIET]) if heard.word == "pid"]
    return int(found)


def runs(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


# The conversation.


def test_one_process_hears_many_recordings():
    one = peer("plain")
    assert len({pid(one) for _ in range(50)}) == 1


@pytest.mark.parametrize("size", [100_000, 1600, 977])
def test_it_hears_the_sound_however_it_is_cut(size):
    sound = drawn("0030500")
    found = peer("scores").hear(sound[at : at + size] for at in range(0, len(sound), size))
    assert found == [Heard(word="a", at=5 * STEP, score=pytest.approx(0.5))]


def test_a_recording_without_sound_is_heard_too():
    assert peer("scores").hear([]) == peer("scores").hear([np.zeros(0, np.int16)]) == []


def test_it_computes_on_one_core_and_tells_nobody():
    assert peer("plain").about == {"telemetry": "1"}


def test_it_ends_with_its_engine():
    one = peer("plain")
    process = pid(one)
    assert runs(process)
    del one
    gc.collect()
    assert not runs(process)


def test_asking_what_it_is_leaves_nothing_running():
    before = os.listdir("/proc/self/fd")
    one = peer("plain")
    assert os.listdir("/proc/self/fd") == before
    assert one.thresholds == {"a": 0.5, "pid": 0.5}


# How it fails.

FAILURES = {
    "crash": r"ended with exit code 1 after 2\.0 s of the sound: the model is broken",
    "hang": "did not answer after the sound had ended, for 0.5 s, and was killed: give it longer with --limit",
    "leave": "it ended before it had answered",
    "listening...": "it said 'listening...'",
    '{"heard": 5}': "it heard 5 of 32000 samples",
    '{"heard"': "at the end of the sound",
    '{"at_s": 1000, "word": "a", "score": 1}': "at_s is in seconds",
}


@pytest.mark.parametrize("how", FAILURES)
def test_how_it_fails_is_said_and_the_next_recording_has_a_new_process(how):
    one = peer("plain", how, limit_s=0.5 if how == "hang" else 10.0)
    first = pid(one)
    with pytest.raises(EngineError, match=FAILURES[how]):
        one.hear([BAD])
    second = pid(one)
    assert second != first == first
    assert not runs(first)
    assert pid(one) == second


@pytest.mark.parametrize("line", ['{"scores": [[0.5]]}', '{"scores": [[NaN, 1]]}', '{"scores": "high"}', "[1]", "x"])
def test_scores_that_are_none(line):
    with pytest.raises(EngineError, match=r"it said .* score"):
        peer("scores", line).hear([BAD])


def test_sound_that_breaks_off_leaves_no_half_behind():
    def broken():
        yield drawn("9999")
        raise EngineError("the file is damaged")

    one = peer("plain")
    with pytest.raises(EngineError, match="the file is damaged"):
        one.hear(broken())
    assert [heard.word for heard in one.hear([QUIET])] == ["pid"]


def test_a_peer_that_changed_on_the_way_is_refused():
    """One that starts anew tells another version: what it says would be mixed with what the first one said."""
    with pytest.raises(EngineError, match="another version or model"):
        peer("moody").hear([QUIET])


STARTS = {
    "unusable": "fake cannot be used: it is not installed: pip install it",
    "nonsense": "fake cannot be used",
    "broken": "cannot be used: it ended with exit code 1 .*: ModuleNotFoundError: No module named 'ctypes'",
    "silent": "cannot be used: it ended at once and said nothing",
    "asleep": "cannot be used: it did not answer",
    "high": "the threshold for 'a' is 3",
}


@pytest.mark.parametrize("how", STARTS)
def test_one_that_cannot_be_used_says_so_before_any_sound(how):
    begun = time.monotonic()
    with pytest.raises(ConfigError, match=STARTS[how]):
        peer(how, limit_s=0.5 if how == "asleep" else 10.0)
    assert time.monotonic() - begun < 5


# Events from scores: floor 0.2, own threshold 0.5, an event ends after 0.3 s below the floor.

CURVES = {
    #          step: 0123456789    (step, score): where it reaches 0.5, or else is highest; what was highest
    "one rise": ("0137930000", [(3, 0.9)]),
    "below its threshold": ("0134320000", [(3, 0.4)]),
    "below the floor": ("0111111000", []),
    "a short dip": ("0700800000", [(1, 0.8)]),
    "a dip that ends it": ("0700080000", [(1, 0.7), (5, 0.8)]),
    "just above the floor between two": ("0702280000", [(1, 0.8)]),
    "high until the end": ("0000000067", [(8, 0.7)]),
    "high for three seconds": ("0" + "8" * 30 + "0000", [(1, 0.8)]),
    "two, the first one weak": ("0300060000", [(1, 0.3), (5, 0.6)]),
}


@pytest.mark.parametrize("name", CURVES)
def test_events_from_hand_drawn_scores(name):
    digits, expected = CURVES[name]
    found = peer("scores").hear([drawn(digits)])
    assert [(one.word, one.at // STEP - 1, round(one.score, 3)) for one in found] == [("a", *one) for one in expected]


def test_an_event_in_the_silence_behind_a_recording_lies_at_its_end():
    found = peer("plain", '{"at_s": 1.5, "word": "a", "score": 1}').hear([BAD])
    assert found[0] == Heard(word="a", at=RATE, score=1.0)


# Events from settings.


def test_settings_become_scores():
    found = peer("settings").hear([drawn("0300070000")])
    assert found == [Heard(word="a", at=2 * STEP, score=0.3), Heard(word="a", at=6 * STEP, score=0.7)]
