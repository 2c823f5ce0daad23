"""Whole recordings: the end is heard, and memory stays flat. Around 5 s."""

import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile

from wakegate.audio.array import ArraySource
from wakegate.audio.files import FileSource
from wakegate.errors import FormatError
from wakegate.wake import Detector, load, sweep

DATA = Path(__file__).parents[1] / "data"
RATE = 16_000
TRUTH = json.loads((DATA / "six_words.json").read_text())


@pytest.fixture(scope="module")
def scorer():
    return load()


@pytest.fixture
def detector(scorer):
    return Detector(scorer.manifest.detector_config(scorer.words))


@pytest.fixture(scope="module")
def sound():
    return soundfile.read(DATA / "six_words.flac", dtype="int16")[0]


@pytest.mark.parametrize("truth", TRUTH, ids=lambda truth: truth["word"])
def test_a_word_that_ends_with_the_file_is_found(scorer, detector, sound, truth):
    end = round(truth["end_s"] * RATE)
    cut = sound[max(0, end - 3 * RATE) : end]
    found = [one for one in sweep.candidates(scorer, detector, [cut]) if one.detected]
    assert truth["word"] in [one.word for one in found]
    assert all(one.start < one.end <= len(cut) and one.at <= len(cut) for one in found)


def test_without_the_tail_such_a_word_would_be_lost(scorer, detector, sound):
    """The test above can fail: some word is only found in the silence that follows."""
    lost = 0
    for truth in TRUTH:
        end = round(truth["end_s"] * RATE)
        scorer.reset()
        detector.reset()
        events = [*detector.push(scorer.push(sound[max(0, end - 3 * RATE) : end])), *detector.finish()]
        lost += not any(getattr(one, "detected", False) and one.word == truth["word"] for one in events)
    assert lost > 0


@pytest.mark.parametrize("size", [999, 16_000, 300_000])
def test_pieces_do_not_matter(scorer, detector, sound, size):
    once = list(sweep.candidates(scorer, detector, [sound]))
    pieces = (sound[at : at + size] for at in range(0, len(sound), size))
    assert list(sweep.candidates(scorer, detector, pieces)) == once


def test_every_sweep_is_a_fresh_stream(scorer, detector, sound):
    once = list(sweep.candidates(scorer, detector, [sound]))
    list(sweep.candidates(scorer, detector, [sound[: RATE + 9000]]))  # ends inside a word
    assert list(sweep.candidates(scorer, detector, [sound])) == once


def test_scores_are_the_sounds_and_the_tails(scorer, sound):
    scores = np.concatenate(list(sweep.scores(scorer, [sound])))
    scorer.reset()
    assert np.array_equal(scores, scorer.push(np.concatenate([sound, np.zeros(sweep.TAIL, np.int16)])))


def test_no_sound_at_all(scorer, detector):
    assert list(sweep.candidates(scorer, detector, [])) == []


def test_pieces_of_a_source_are_the_source(sound):
    assert np.array_equal(np.concatenate([p.copy() for p in sweep.pieces(ArraySource(sound))]), sound)


def test_a_file_that_goes_wrong_says_so(scorer, detector, tmp_path):
    path = tmp_path / "nan.wav"
    samples = np.zeros(3 * RATE, np.float32)
    samples[2 * RATE] = np.nan
    soundfile.write(path, samples, RATE, subtype="FLOAT")
    source = FileSource(path)
    with pytest.raises(FormatError):
        list(sweep.candidates(scorer, detector, sweep.pieces(source)))
    source.close()


def test_memory_stays_flat(scorer, detector, tmp_path):
    minutes = 3
    path = tmp_path / "long.wav"
    rng = np.random.default_rng(3)
    with soundfile.SoundFile(path, "w", RATE, 1, subtype="PCM_16") as file:
        for _ in range(minutes * 60):
            file.write(rng.integers(-500, 500, RATE).astype(np.int16))
    source = FileSource(path)
    tracemalloc.start()
    try:
        for _ in sweep.candidates(scorer, detector, sweep.pieces(source)):
            pass
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        source.close()
    assert peak < 300_000 < path.stat().st_size / 10, peak
