"""Endpoint: where an utterance ends. Under a second."""

import numpy as np
import pytest

from tests.gate.world import Scene
from wakegate.audio.ring import Ring
from wakegate.events import Reason
from wakegate.gate.endpoint import Endpointer
from wakegate.gate.limits import Limits


def run(scene, word_end_s, limits=None, capacity=40 * 16_000, lead=0):
    """Feed a scene block by block; return the endpoint in seconds of the scene, and its reason.

    Both are the same for either block of a shut gate, which opens at the end of one: that far beyond the word.
    """
    found = [_run(scene, word_end_s, limits, capacity, lead, shut) for shut in (1280, 2560)]
    assert found[0] == found[1]
    return found[0]


def _run(scene, word_end_s, limits, capacity, lead, shut):
    limits = limits or Limits()
    ring = Ring(capacity)
    ring.skip(lead)
    sound, word_end = scene.samples(), lead + round(word_end_s * 16_000)
    endpointer, at = None, 0
    while at < len(sound):
        size = 1280 if endpointer else shut
        piece = sound[at : at + size]
        at += size
        while len(piece):
            lent = ring.lend(len(piece))
            lent[:] = piece[: len(lent)]
            piece = piece[len(lent) :]
            ring.commit(len(lent))
        if ring.end >= word_end:
            endpointer = endpointer or Endpointer(ring, limits, lead, word_end)
            found = endpointer.advance(ring.end)
            if found:
                assert ring.end - size <= found[0] <= ring.end  # nothing of a block before it had gone too far
                return (found[0] - lead) / 16_000, found[1]
    return None


def test_silence_after_speech_ends_it():
    at, reason = run(Scene().word().speech(1).quiet(2), 0.6)
    assert reason is Reason.ENDPOINT and at == pytest.approx(0.6 + 1 + 0.8, abs=0.15)


def test_a_pause_shorter_than_the_silence_does_not():
    at, reason = run(Scene().word().speech(0.5).quiet(0.5).speech(0.5).quiet(2), 0.6)
    assert reason is Reason.ENDPOINT and at == pytest.approx(0.6 + 1.5 + 0.8, abs=0.15)


def test_no_speech_after_the_word_is_its_own_reason():
    at, reason = run(Scene().word().quiet(5), 0.6, Limits(no_speech_s=2))
    assert reason is Reason.NO_SPEECH and at == pytest.approx(2.6, abs=0.05)


def test_the_tail_of_the_word_is_no_speech():
    # The word's end was estimated 200 ms too early.
    _, reason = run(Scene().speech(0.7).quiet(5), 0.5, Limits(no_speech_s=2))
    assert reason is Reason.NO_SPEECH


def test_a_short_noise_is_no_speech():
    at, reason = run(Scene().word().quiet(0.8).speech(0.06).quiet(3), 0.6, Limits(no_speech_s=2))
    assert reason is Reason.NO_SPEECH and at == pytest.approx(2.6, abs=0.05)


def test_endless_talk_ends_at_the_longest_utterance_exactly():
    assert run(Scene().word().speech(7), 0.6, Limits(max_utterance_s=5)) == (5.0, Reason.MAX_LENGTH)


def test_a_view_that_wraps_around_the_ring_gives_the_same_endpoint():
    scene = Scene().word().speech(1).quiet(2)
    expected = run(scene, 0.6)
    for lead in (0, 1, 479, 20_000, 41_000):
        assert run(scene, 0.6, capacity=64_001, lead=lead) == expected


def test_the_scratch_of_a_wrapped_view_is_overwritten():
    ring = Ring(1000)
    for _ in range(3):
        lent = ring.lend(700)
        lent[:] = 77
        ring.commit(len(lent))
    endpointer = Endpointer(ring, Limits(), 0, ring.start)
    assert len(ring.pieces(ring.start, ring.start + 480)) in (1, 2)
    for start in range(ring.start, ring.end - 480, 40):
        endpointer._is_speech(start)
    assert any(len(ring.pieces(start, start + 480)) == 2 for start in range(ring.start, ring.end - 480, 40))
    assert not endpointer._scratch.any() and isinstance(endpointer._scratch, np.ndarray)
