"""Whose sound trains, whose measures, and what is left out. Around 2 s."""

import shutil

import numpy as np
import pytest
import soundfile

pytest.importorskip("torch")

from tests.cli.process import SIX_WORDS
from wakegate.errors import ConfigError
from wakegate.train.own import gather

RATE = 16_000


def noise(seconds, seed=0):
    return np.random.default_rng(seed).normal(0, 2000, round(seconds * RATE)).astype(np.int16)


def spoken(path, seed=0, seconds=0.6, rate=RATE):
    """Half a second of quiet, a word, half a second of quiet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    quiet = np.random.default_rng(seed).normal(0, 5, RATE // 2).astype(np.int16)
    soundfile.write(path, np.concatenate([quiet, noise(seconds, seed), quiet]), rate)


def test_a_speaker_is_kept_out_whole(tmp_path):
    for speaker in "abcdefgh":
        for take in range(3):
            spoken(tmp_path / speaker / f"{take}.wav", ord(speaker) + take)
    sides = gather.recordings(tmp_path, "marvin")
    who = [{clip.name.split("/")[0] for clip in side} for side in (sides.trains, sides.kept)]
    assert who[0].isdisjoint(who[1]) and len(who[1]) == 2 and len(sides.kept) == 6 and len(sides.trains) == 18
    assert {clip.group for clip in sides.kept} == who[1] and all(clip.word == "marvin" for clip in sides.trains)
    clip = sides.trains[0]
    assert clip.start / RATE == pytest.approx(0.5, abs=0.03) and clip.end / RATE == pytest.approx(1.1, abs=0.03)


def test_recordings_without_speakers_are_kept_out_one_by_one(tmp_path):
    for take in range(8):
        spoken(tmp_path / f"{take}.flac", take)
    sides = gather.recordings(tmp_path, "marvin")
    assert (len(sides.trains), len(sides.kept)) == (6, 2)


def test_what_cannot_be_used_is_named_with_its_reason(tmp_path):
    spoken(tmp_path / "good.wav")
    spoken(tmp_path / "long.wav", seconds=3.0)
    (tmp_path / "broken.wav").write_bytes(b"RIFF no sound at all")
    soundfile.write(tmp_path / "silent.wav", np.zeros(RATE, np.int16), RATE)
    soundfile.write(tmp_path / "empty.wav", np.zeros(0, np.int16), RATE)
    shutil.copy(SIX_WORDS, tmp_path / "six.flac")  # enrol refuses it too, by the same check
    sides = gather.recordings(tmp_path, "marvin")
    assert len(sides.trains) == 1 and sides.kept == ()
    reasons = dict(line.split(": ", 1) for line in sides.left_out)
    assert set(reasons) == {"long.wav", "broken.wav", "silent.wav", "empty.wav", "six.flac"}
    assert "it lasts 18 s: give the word alone" in reasons["six.flac"]
    assert "lasts 3.0 s: record the phrase alone" in reasons["long.wav"] and "silent" in reasons["silent.wav"]


@pytest.mark.parametrize("option", ["--recordings", "--background"])
def test_folders_that_hold_nothing_are_refused(tmp_path, option):
    read = {"--recordings": lambda folder: gather.recordings(folder, "marvin"), "--background": gather.background}
    with pytest.raises(ConfigError, match=f"{option} .* is no folder"):
        read[option](tmp_path / "nowhere")
    with pytest.raises(ConfigError, match=f"{option} .* holds no sound"):
        read[option](tmp_path)
    (tmp_path / "bad.wav").write_bytes(b"nothing")
    with pytest.raises(ConfigError, match=r"bad\.wav: "):
        read[option](tmp_path)


def test_a_long_file_trains_with_its_beginning_and_measures_with_its_end(tmp_path):
    soundfile.write(tmp_path / "evening.wav", noise(400), RATE)
    sides = gather.background(tmp_path)
    trains, kept = sides.hours
    assert trains * 3600 == pytest.approx(240) and kept * 3600 == pytest.approx(160)
    whole = np.concatenate([clip.samples for clip in (*sides.trains, *sides.kept)])
    assert np.array_equal(whole, noise(400))


def test_a_minute_of_background_is_too_little(tmp_path):
    soundfile.write(tmp_path / "short.wav", noise(100), RATE)
    with pytest.raises(ConfigError, match="too little sound: give five minutes"):
        gather.background(tmp_path)


def test_many_files_are_kept_out_whole(tmp_path):
    for number in range(30):
        soundfile.write(tmp_path / f"{number}.flac", noise(2, number), RATE)
    sides = gather.background(tmp_path)
    names = [{clip.name.split(" ")[0] for clip in side} for side in (sides.trains, sides.kept)]
    assert names[0].isdisjoint(names[1]) and len(names[0] | names[1]) == 30 and all(names)


def test_no_more_hours_are_held_than_are_of_use(tmp_path, monkeypatch):
    soundfile.write(tmp_path / "a.wav", noise(1500), RATE)
    monkeypatch.setattr(gather, "MOST_HOURS", 0.1)
    monkeypatch.setattr(gather, "MOST_KEPT_HOURS", 0.05)
    trains, kept = gather.background(tmp_path).hours
    assert 0.04 < trains < 0.16 and 0.02 < kept < 0.08, "a quarter of an hour, and ten minutes, are there"


def test_coloured_noise_is_the_same_for_a_seed_and_never_clips():
    one, two = (gather.coloured(4, 2.0, 5) for _ in range(2))
    assert all(np.array_equal(a.samples, b.samples) for a, b in zip(one, two, strict=True))
    assert all(100 < np.abs(clip.samples.astype(int)).max() < 32767 for clip in one)
