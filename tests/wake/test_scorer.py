"""The Scorer on the installed model, by each engine. No score is pinned: models change. Around 12 s."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.wake.model import WITHOUT_ONNXRUNTIME
from tests.wake.sounds import NOTHING, clipped, detected, in_blocks, scaled
from wakegate.errors import FormatError, ModelError
from wakegate.wake import Candidate, Scorer, load

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "data"
RATE = 16_000
TRUTH = json.loads((DATA / "six_words.json").read_text())
WORDS = tuple(entry["word"] for entry in TRUTH)


@pytest.fixture(scope="module")
def loaded(engine) -> Scorer:
    return load(engine=engine)


@pytest.fixture(scope="module")
def sound():
    samples, rate = soundfile.read(DATA / "six_words.flac", dtype="int16")
    assert rate == RATE
    return samples


@pytest.fixture(scope="module")
def whole(loaded, sound):
    loaded.reset()
    return loaded.push(sound)


# Streaming equals whole.


@pytest.mark.parametrize("size", [17, 160, 1280, 4001])
def test_any_block_size_gives_the_scores_of_the_whole_file_bit_for_bit(scorer, sound, whole, size):
    assert np.array_equal(in_blocks(scorer, sound, size), whole)


def test_sample_by_sample_gives_the_same_scores_bit_for_bit(scorer, sound, whole):
    part = sound[: 2 * RATE]  # holds the first word
    scores = in_blocks(scorer, part, 1)
    assert scores.max() > 0.1, "the test says nothing if the part is silent"
    assert np.array_equal(scores, whole[: len(scores)])


@pytest.mark.parametrize("chunks", [0, 1, 7])
@pytest.mark.parametrize("more", [-1, 0, 1])
def test_any_length_gives_the_steps_of_its_whole_chunks(scorer, sound, whole, chunks, more):
    chunk, step = scorer.manifest.chunk, scorer.step
    length = max(0, chunks * chunk + more)
    part = sound[RATE : RATE + length]  # inside the first word
    once = in_blocks(scorer, part, max(1, length))
    assert once.shape == (length // chunk * (chunk // step), len(scorer.words)) and once.dtype == np.float32
    for size in (1, 17, 160, 1280, 4001):
        assert np.array_equal(in_blocks(scorer, part, size), once), size


def test_irregular_blocks_and_empty_ones_in_between(scorer, sound, whole):
    rng = np.random.default_rng(5)
    scores, at = [], 0
    while at < len(sound):
        size = int(rng.choice([0, 1, 79, 640, 1279, 1281, 9000]))
        scores.append(scorer.push(sound[at : at + size]))
        at += size
    assert np.array_equal(np.concatenate(scores), whole)


def test_views_that_are_not_contiguous_are_read_as_they_are(scorer, sound, whole):
    stereo = np.stack([sound, -sound], axis=1)
    assert np.array_equal(scorer.push(stereo[:, 0]), whole)


def test_scores_handed_out_stay_what_they_were(scorer, sound):
    first = scorer.push(sound[: 2 * RATE])
    kept = first.copy()
    scorer.push(sound[2 * RATE :])
    scorer.reset()
    assert np.array_equal(first, kept)


# A fresh stream.


@pytest.mark.parametrize("before", [0, 1, 1279, 1280, 5 * 1280, 6 * 1280 + 77])
def test_reset_gives_a_fresh_stream_whatever_came_before(scorer, sound, whole, before):
    scorer.push(sound[RATE : RATE + before])
    scorer.reset()
    assert np.array_equal(scorer.push(sound), whole)


def test_without_reset_the_past_counts(scorer, sound, whole):
    scorer.push(sound[RATE : RATE + 5 * 1280])
    assert not np.array_equal(scorer.push(sound), whole), "the tests of reset could not fail"


def test_two_scorers_do_not_share_state(engine, scorer, sound, whole):
    other = load(engine=engine)
    half = len(sound) // 2
    first = scorer.push(sound[:half])
    other.push(sound[half:])
    assert np.array_equal(np.concatenate([first, scorer.push(sound[half:])]), whole)


# Engines.


@pytest.mark.skipif(WITHOUT_ONNXRUNTIME, reason="onnxruntime is not installed")
def test_numpy_gives_what_onnxruntime_gives(sound):
    both = [load(engine=engine) for engine in ("onnxruntime", "numpy")]
    for samples in (sound, clipped(sound), scaled(sound, -35), *(one.astype(np.int16) for one in NOTHING.values())):
        scores = [one.push(samples) for one in both]
        assert np.abs(scores[0] - scores[1]).max() < 1e-5
        for one in both:
            one.reset()


def test_the_engine_says_what_it_is(engine, scorer):
    assert scorer.engine.split()[0] == engine and scorer.engine.split()[1][0].isdigit()


# What it hears.


def test_the_six_words_are_found_where_they_were_said(scorer, sound):
    found = detected(scorer, sound)
    assert [one.word for one in found] == list(WORDS)
    for one, truth in zip(found, TRUTH, strict=True):
        assert one.start / RATE == pytest.approx(truth["start_s"], abs=0.45), one
        assert one.end / RATE == pytest.approx(truth["end_s"], abs=0.3), one
        assert one.start < one.end <= one.at
        # What pre-roll and trimming rest on: the start is not cut off.
        assert one.start / RATE <= truth["start_s"] + 0.1, one


@pytest.mark.parametrize("dbfs", [-3, -12, -24, -35])
def test_level_changes_next_to_nothing(scorer, sound, whole, dbfs):
    samples = scaled(sound, dbfs)
    scores = scorer.push(samples)
    # At -35 dBFS the recording's own noise is below half a step of int16: rounding alone moves the scores a little,
    # and the verifier, which takes logarithms of empty bands, more than the first stage.
    assert np.abs(scores - whole).max() < 0.1
    assert [one.word for one in detected(scorer, samples)] == list(WORDS)


@pytest.mark.parametrize("name", NOTHING)
def test_what_is_no_speech_is_no_word(scorer, name):
    samples = NOTHING[name].astype(np.int16)
    scores = scorer.push(samples)
    assert np.isfinite(scores).all() and scores.min() >= 0 and scores.max() <= 1
    assert detected(scorer, samples) == []


def test_speech_driven_into_clipping_gives_finite_scores(scorer, sound):
    scores = scorer.push(clipped(sound))
    assert np.isfinite(scores).all() and scores.min() >= 0 and scores.max() <= 1


def test_after_the_worst_of_sounds_words_are_found_again(scorer, sound):
    worst = np.concatenate([NOTHING[name].astype(np.int16) for name in ("silence", "full-scale square wave")])
    quiet = np.zeros(2 * RATE, np.int16)
    found = detected(scorer, np.concatenate([worst, quiet, sound]))
    # The level is followed slowly: the first word after a blast may be lost, the rest may not.
    assert [one.word for one in found][-5:] == list(WORDS[1:])


# Words.


def test_a_subset_in_any_order_is_columns_of_the_whole(engine, scorer, sound, whole):
    some = load(["snowboy", "alexa"], engine=engine)
    assert some.words == ("snowboy", "alexa")
    expected = whole[:, [scorer.words.index("snowboy"), scorer.words.index("alexa")]]
    assert np.array_equal(some.push(sound), expected)
    assert [one.word for one in detected(some, sound)] == ["alexa", "snowboy"]


def test_the_scorer_names_an_unknown_word(scorer):
    with pytest.raises(ModelError, match=r"does not know the word 'hal': it knows alexa, computer"):
        Scorer(scorer.manifest, ["alexa", "hal"])


def test_it_says_how_much_is_missing_until_there_is_something_new(scorer, sound):
    chunk = scorer.manifest.chunk
    assert scorer.needs == chunk
    assert len(scorer.push(sound[: chunk - 1])) == 0 and scorer.needs == 1
    assert len(scorer.push(sound[chunk - 1 : chunk])) == chunk // scorer.step and scorer.needs == chunk
    scorer.push(sound[:100])
    scorer.reset()
    assert scorer.needs == chunk


# What is no sound.

WRONG = {
    "float32": np.zeros(1280, np.float32),
    "float64": np.zeros(1280),
    "int32": np.zeros(1280, np.int32),
    "uint16": np.zeros(1280, np.uint16),
    "big-endian": np.zeros(1280, ">i2"),
    "two channels": np.zeros((640, 2), np.int16),
    "one sample alone": np.array(5, np.int16),
    "a list": [0] * 1280,
    "bytes": bytes(2560),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_int16_vector_is_refused_and_taught_and_leaves_no_trace(scorer, sound, whole, name):
    scorer.push(sound[:1000])
    with pytest.raises(FormatError, match=r"give \(n,\) int16 at 16 kHz"):
        scorer.push(WRONG[name])
    assert np.array_equal(scorer.push(sound[1000:]), whole)


def test_a_refusal_never_shows_samples(scorer):
    with pytest.raises(FormatError) as caught:
        scorer.push(np.full(4, 12345.0))
    assert "12345" not in str(caught.value) and "float64" in str(caught.value) and "(4,)" in str(caught.value)


# Memory.

SCAN = """
import json, sys
from pathlib import Path
import numpy as np
from tests.memory import plant
from wakegate.wake import load
path = Path(sys.argv[1])
scorer = load(engine=sys.argv[2])
# What is left lies in the last chunk, so every probe does: one chunk, and half of it once more for what waits.
probes = plant(path, seed=11, seconds=scorer.manifest.chunk / 16000)
noise = np.memmap(path, np.int16, "r", offset=44)   # a read-only mapping: no copy of ours, and not scanned
scorer.push(np.random.default_rng(5).integers(-20000, 20000, 32000).astype(np.int16))
scorer.reset()
clean = probes.found()
scorer.push(noise)
scorer.push(noise[: len(noise) // 2])
before = probes.found()
scorer.reset()
print(json.dumps([clean, before, probes.found()]))
"""


def test_after_reset_no_form_of_the_audio_is_left_in_this_process(engine, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", SCAN, str(tmp_path / "noise.wav"), engine],
        capture_output=True,
        cwd=ROOT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    clean, before, after = json.loads(done.stdout)
    assert clean == {}, "the probes find themselves"
    assert before.get("stored int16"), "nothing was there to be wiped"
    # What onnxruntime makes of samples is overwritten as it is freed; numpy's arrays are ours, and stay for the next.
    assert bool(before.get("stored float32")) == (engine == "numpy")
    assert after == {}


def test_candidates_are_what_sweep_gives(scorer, sound):
    assert all(isinstance(one, Candidate) for one in detected(scorer, sound))
