"""Nobody stands on both sides of the split. Needs no torch. Around 1 s."""

import csv

import numpy as np
import pytest
import soundfile

from wakegate.errors import ConfigError
from wakegate.train import corpus
from wakegate.train.bounds import SHORTEST_S

RATE = 16_000
SPEAKERS = [f"speaker{number:02d}" for number in range(24)]


def sound(path, seconds=0.6, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = np.random.default_rng(seed).normal(0, 3000, round(seconds * RATE)).astype(np.int16)
    soundfile.write(path, samples, RATE)


def table(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Data with 24 people, 6 named voices and 30 noises behind them, a folder of synthetic speech, and more noise."""
    root = tmp_path_factory.mktemp("corpus")
    data, voices, more = root / "data", root / "voices", root / "more"
    said = []
    for number, speaker in enumerate(SPEAKERS):
        for take in range(3):
            path = f"wake_words/{speaker}/{take}.wav"
            sound(data / path, seed=number * 10 + take)
            end_s = 0.5 if take < 2 else 0.1 + corpus.LONGEST_WORD_S + 0.01
            said.append(
                {
                    "path": path, "speaker": speaker, "wake_word": corpus.WORDS[number % 6], "start_s": 0.1,
                    "end_s": end_s, "recording": f"{speaker} {take // 2}",
                }
            )  # fmt: skip
    table(data / "wake_words" / "index.csv", said)
    behind = []
    for number in range(60):
        kind = "speech" if number < 30 else "noise"
        path = f"background/{number}.flac"
        sound(data / path, seed=1000 + number)
        who = f"ls{number % 6}" if kind == "speech" else "kitchen"
        behind.append({"kind": kind, "path": path, "source": "librispeech", "speaker_or_class": who})
        if kind == "noise":
            behind[-1]["source"] = "esc"
    behind.append({"kind": "rir", "path": "rir/room.wav", "source": "esc", "speaker_or_class": "room"})
    table(data / "background.csv", behind)
    for number in range(20):
        sound(more / "music" / f"{number}.flac", seed=2000 + number)
    table(voices / "one" / "index.csv", [{"file": "a.wav", "text": "smart mirror"}, {"file": "b.wav", "text": "smart"}])
    for name in ("a.wav", "b.wav"):
        sound(voices / "one" / name, seed=3000)
    return data, voices, more


@pytest.fixture(scope="module")
def sides(folders):
    return {held_out: corpus.read(*folders, held_out=held_out) for held_out in (False, True)}


def names(clips):
    return {clip.name for clip in clips}


def speakers(clips):
    return {clip.name.split("/")[1] for clip in clips if not clip.synthetic}


def test_nobody_speaks_on_both_sides(sides):
    trained, kept = speakers(sides[False].positives), speakers(sides[True].positives)
    assert trained.isdisjoint(kept) and trained | kept == set(SPEAKERS)
    assert len(kept) == round(len(SPEAKERS) * corpus.HELD_OUT_SPEAKERS)


def test_no_recording_group_is_on_both_sides(sides):
    groups = [{clip.group for clip in side.positives} for side in sides.values()]
    assert groups[0].isdisjoint(groups[1])


def test_no_background_is_on_both_sides_and_none_is_lost(sides):
    trained, kept = (names((*side.speech, *side.noise)) for side in (sides[False], sides[True]))
    assert trained.isdisjoint(kept) and len(trained | kept) == 60 + 20 and trained and kept


def test_a_named_voice_is_held_out_whole(sides):
    voices = [{int(clip.name.split("/")[1].split(".")[0]) % 6 for clip in side.speech} for side in sides.values()]
    assert voices[0].isdisjoint(voices[1]) and voices[0] | voices[1] == set(range(6))


def test_synthetic_speech_trains_and_measures_nothing(sides):
    (said,) = [clip for clip in sides[False].positives if clip.synthetic]
    assert said.word == "smart_mirror" and names(sides[False].near_misses) == {"one/b.wav"}
    assert not any(clip.synthetic for clip in sides[True].positives) and sides[True].near_misses == ()


def test_words_too_long_to_be_true_are_left_out(sides):
    assert not any(clip.name.endswith("/2.wav") for side in sides.values() for clip in side.positives)
    assert all(clip.end - clip.start == round(0.4 * RATE) for clip in sides[True].positives)


def test_what_a_voice_says_too_shortly_or_for_too_long_to_be_the_word_is_left_out(tmp_path):
    """Bounds are whole steps of 10 ms: one of the shortest length itself is no word, one step more is."""
    step = round(0.01 * RATE)
    shortest, longest = (round(seconds * RATE) for seconds in (SHORTEST_S, corpus.LONGEST_WORD_S))
    lengths = [shortest - step, shortest, shortest + step, longest - step, longest]
    for count in lengths:
        sound(tmp_path / "one" / f"{count}.wav", count / RATE, seed=count)
    table(tmp_path / "one" / "index.csv", [{"file": f"{count}.wav", "text": "alexa"} for count in lengths])
    kept = [clip.end - clip.start for clip in corpus.synthetic(tmp_path)]
    assert kept == [shortest + step, longest - step]


def test_there_is_one_shortest_word(tmp_path, monkeypatch):
    """What is said of people's recordings holds for synthetic voices too."""
    for seconds in (0.4, 0.6):
        sound(tmp_path / "one" / f"{seconds}.wav", seconds)
    table(tmp_path / "one" / "index.csv", [{"file": f"{seconds}.wav", "text": "alexa"} for seconds in (0.4, 0.6)])
    monkeypatch.setattr(corpus, "SHORTEST_S", 0.5)
    assert names(corpus.synthetic(tmp_path)) == {"one/0.6.wav"}


def test_the_split_depends_on_names_alone(folders, sides):
    again = corpus.read(*folders, held_out=True)
    assert [clip.name for clip in again.positives] == [clip.name for clip in sides[True].positives]
    assert 0 <= corpus.share("a") < 1 and corpus.share("a") != corpus.share("b")


def test_what_was_dropped_is_on_neither_side(folders, sides):
    dropped = frozenset(["background/3.flac", "music/4.flac"])
    left = [corpus.read(*folders, held_out=held_out, dropped=dropped) for held_out in (False, True)]
    found = set().union(*(names((*side.speech, *side.noise)) for side in left))
    assert len(found) == 78 and found.isdisjoint(dropped)


def test_hours_are_counted(sides):
    clips = [clip for side in sides.values() for clip in (*side.speech, *side.noise)]
    assert sum(side.background_hours for side in sides.values()) == pytest.approx(len(clips) * 0.6 / 3600)


def test_a_folder_without_words_is_said(tmp_path):
    (tmp_path / "wake_words").mkdir()
    (tmp_path / "wake_words" / "index.csv").write_text("path,speaker,wake_word,start_s,end_s,recording\n")
    (tmp_path / "background.csv").write_text("kind,path,source,speaker_or_class\n")
    with pytest.raises(ConfigError, match="no wake words or no background"):
        corpus.read(tmp_path, tmp_path / "none", tmp_path / "none", held_out=True)


def test_another_rate_and_two_channels_are_read_as_16_khz_mono(tmp_path):
    time = np.arange(48_000) / 48_000
    soundfile.write(tmp_path / "a.wav", np.stack([np.sin(440 * 6.2832 * time) / 2, np.zeros(48_000)], 1), 48_000)
    samples = corpus.read_sound(tmp_path / "a.wav")
    assert samples.dtype == np.int16 and len(samples) == RATE
    assert np.abs(samples).max() == pytest.approx(32767 / 4, rel=0.05)
