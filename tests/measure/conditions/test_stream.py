"""Words in one stream: the public benchmark's recipe, counted by hand. Around 3 s."""

from dataclasses import replace

import numpy as np
import pytest

from tests.measure.conditions.hearing import RATE, heard, loudest, noise, written
from wakegate.errors import ConfigError, FormatError
from wakegate.measure import corpus as corpora
from wakegate.measure.conditions import stream
from wakegate.measure.conditions.excerpt import placed
from wakegate.measure.conditions.plan import Options, conditioned
from wakegate.measure.recording import Reference

LENGTHS = {"a.wav": 1.0, "b.wav": 1.5, "c.wav": 2.0}


@pytest.fixture
def corpus(tmp_path):
    """Three clips, a word in each from 0.25 to 0.75 s, and a recording without one."""
    root = tmp_path / "corpus"
    for number, (name, seconds) in enumerate(LENGTHS.items()):
        written(root / name, noise(seconds, number, 0.02 * (number + 1)))
        (root / name).with_suffix(".txt").write_text("0.25\t0.75\talexa\n0.9\t0.95\t?\n")
    written(root / "talk.wav", noise(3))
    return corpora.read(root)


@pytest.fixture
def background(tmp_path):
    """Two utterances of 2 and 3 s, and one with a wake word in it."""
    root = tmp_path / "background"
    for name, seconds in (("two", 2), ("three", 3), ("spoken", 2.5)):
        written(root / f"{name}.flac", noise(seconds, len(name), 0.05))
    (root / "spoken.txt").write_text("1\t2\talexa\n")
    return root


@pytest.fixture
def hum(tmp_path):
    written(tmp_path / "noise" / "hum.wav", noise(7, 20, 0.1))
    return tmp_path / "noise"


def streamed(corpus, gap_s=4.0, **options):
    return conditioned(corpus, Options(gap_s=gap_s, **options))


def test_without_background_every_sample_is_where_the_hand_count_puts_it(corpus):
    found = streamed(corpus)
    (one,) = found.recordings
    order = [part.audio.name for part in one.made.speech]
    assert sorted(order) == sorted(LENGTHS)
    at, wanted = 4.0, []
    for name in order:
        wanted.append(Reference(word="alexa", start=round((at + 0.25) * RATE), end=round((at + 0.75) * RATE)))
        at += LENGTHS[name] + 4.0
    assert one.references == tuple(wanted)
    assert one.excluded == tuple((r.start + round(0.65 * RATE), r.start + round(0.7 * RATE)) for r in wanted)
    assert one.length == at * RATE == (4 * 4.0 + 4.5) * RATE
    assert (one.name, one.condition) == ("stream 1 [stream 4 s]", "stream 4 s")
    assert any("1 recordings without a wake word are not in the stream" in note for note in found.notes)
    samples = heard(one).astype(float)
    for reference, name in zip(one.references, order, strict=True):
        start = reference.start - RATE // 4
        clip = heard(next(r for r in corpus.recordings if r.name == name)).astype(float)
        part = samples[start : start + len(clip)]
        assert np.abs(part).max() >= 32_767 and np.abs(part - clip * (32_768 / np.abs(clip).max())).max() <= 1
        assert not samples[start - 100 : start].any() and not samples[start + len(clip) :][:100].any()


def test_the_order_is_drawn(corpus):
    orders = {tuple(p.audio.name for p in streamed(corpus, seed=n).recordings[0].made.speech) for n in range(20)}
    assert len(orders) == 6  # of 3 clips


def test_gaps_are_whole_files_a_fifth_of_them_heard(corpus, background):
    found = streamed(corpus, 600.0, background=background)
    (one,) = found.recordings
    assert any("1 labelled files" in note for note in found.notes)
    words = [part for part in one.made.speech if part.audio.suffix == ".wav"]
    speech = [part for part in one.made.speech if part.audio.suffix == ".flac"]
    assert {(p.audio.stem, p.first, p.length) for p in speech} == {("two", 0, 2 * RATE), ("three", 0, 3 * RATE)}
    ends = [0, *(word.at + word.length for word in words)]
    starts = [*(word.at for word in words), one.length]
    for end, start in zip(ends, starts, strict=True):
        assert 600 * RATE <= start - end < 603 * RATE and (start - end) % RATE == 0
    total = sum(start - end for end, start in zip(ends, starts, strict=True))
    assert sum(part.length for part in speech) / total == pytest.approx(0.2, abs=0.04)
    for before, after in zip(one.made.speech, one.made.speech[1:], strict=False):
        assert before.at + before.length <= after.at


def test_each_word_and_each_utterance_has_the_snr(corpus, background, hum):
    (one,) = streamed(corpus, 20.0, background=background, noise=hum, snr_db=(10,)).recordings
    assert [p.first for p in one.made.noise] == [0] * len(one.made.noise)
    samples = heard(one).astype(float)
    quiet = np.ones(one.length, bool)
    for part in one.made.speech:
        quiet[part.at : part.at + part.length] = False
    bed = np.concatenate([*placed(one.made.noise, one.length)]).astype(float)
    bed *= (samples[quiet] @ bed[quiet]) / (bed[quiet] @ bed[quiet])
    assert np.abs(samples - bed)[quiet].max() <= 1
    assert len(one.made.speech) > 3
    for part in one.made.speech:
        here = slice(part.at, part.at + part.length)
        snr = 10 * np.log10(loudest((samples - bed)[here]) / loudest(bed[here]))
        assert snr == pytest.approx(10, abs=0.1)
    assert 10_000 < np.abs(samples).max() < 32_767


def test_long_streams_are_cut_after_a_gap(corpus, monkeypatch):
    monkeypatch.setattr(stream, "LONG", 6 * RATE)
    found = streamed(corpus).recordings
    assert [one.name for one in found] == ["stream 1 [stream 4 s]", "stream 2 [stream 4 s]", "stream 3 [stream 4 s]"]
    assert sum(len(one.references) for one in found) == 3
    assert sum(one.length for one in found) == (6 * 4.0 + 4.5) * RATE


def test_conditions_of_the_corpus_never_share_a_stream(corpus):
    marked = replace(corpus, recordings=(replace(corpus.recordings[0], condition="far"), *corpus.recordings[1:]))
    found = streamed(marked).recordings
    assert [(one.name, one.condition, len(one.references)) for one in found] == [
        ("stream 1 [stream 4 s]", "stream 4 s", 2),
        ("far stream 1 [stream 4 s]", "far, stream 4 s", 1),
    ]


def test_what_makes_no_stream_is_refused(corpus, background, tmp_path):
    silent = replace(corpus, recordings=corpus.recordings[-1:])
    with pytest.raises(ConfigError, match="no labelled wake word to put into a stream"):
        streamed(silent)
    spoken = tmp_path / "spoken"
    written(spoken / "a.wav", noise(1))
    (spoken / "a.txt").write_text("0\t1\talexa\n")
    with pytest.raises(ConfigError, match=r"every file in .*spoken is labelled"):
        streamed(corpus, background=spoken)


def test_noise_that_has_fallen_silent_is_no_miss(corpus, hum):
    (one,) = streamed(corpus, noise=hum, snr_db=(10,)).recordings
    written(hum / "hum.wav", np.zeros(7 * RATE))
    with pytest.raises(FormatError, match="digital silence under some speech"):
        heard(one)
