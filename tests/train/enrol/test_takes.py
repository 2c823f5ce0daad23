"""What is a take and what is none, and the booth that records them; no model is needed. Around 1 s."""

import numpy as np
import pytest
import soundfile

from tests.train.enrol.mirror import RATE, utterance
from wakegate.audio.block import Reading
from wakegate.errors import ConfigError, DeviceError
from wakegate.events import Reason
from wakegate.train.enrol import takes
from wakegate.train.enrol.record import SECONDS, Booth

GOOD = utterance(1.0)


def padded(samples):
    return np.concatenate([samples, GOOD[: RATE // 4]])


def test_the_word_is_found_where_it_is():
    take = takes.checked(GOOD, "it")
    assert abs(take.start - 3 * RATE // 4) < 0.1 * RATE and abs(take.end - (len(GOOD) - 3 * RATE // 4)) < 0.15 * RATE
    assert take.level_db == pytest.approx(takes.measured(GOOD).speech_db, abs=3)


def test_a_click_is_no_part_of_the_word():
    clicked = GOOD.copy()
    clicked[800:830] = 20_000
    assert abs(takes.checked(clicked, "it").start - takes.checked(GOOD, "it").start) <= 800


def test_a_take_shows_no_samples():
    assert repr(takes.checked(GOOD, "it")).startswith("Take('it', ")


@pytest.mark.parametrize(
    ("samples", "why"),
    [
        (GOOD[:2000], "shorter than a word"),
        (np.tile(GOOD, 6), "give the word alone"),
        (np.zeros(2 * RATE, np.int16), "silent"),
        (np.full(2 * RATE, 700, np.int16), "silent"),
        ((GOOD // 300).astype(np.int16), "too quiet"),
        (np.clip(GOOD.astype(np.int32) * 60, -32768, 32767).astype(np.int16), "too loud"),
        (np.concatenate([GOOD, GOOD]), "two words"),
        (np.random.default_rng(0).normal(0, 2000, 2 * RATE).astype(np.int16), "nothing stands out"),
        (np.concatenate([GOOD[:12_000], np.tile(GOOD[14_000:20_000], 7), GOOD[:12_000]]), "say the word once"),
    ],
)
def test_what_is_no_take_says_why(samples, why):
    with pytest.raises(ConfigError, match=why):
        takes.checked(samples, "it")


def folder(tmp_path, count):
    for number in range(count):
        soundfile.write(tmp_path / f"{number}.wav", utterance(0.95 + 0.03 * number), RATE)
    return tmp_path


def test_a_folder_is_read_and_what_is_bad_is_named(tmp_path):
    folder(tmp_path, 3)
    (tmp_path / "bad.wav").write_bytes(b"RIFF no sound")
    soundfile.write(tmp_path / "two.flac", np.concatenate([GOOD, GOOD]), RATE)
    (tmp_path / "notes.txt").write_text("")
    read, left_out = takes.read(tmp_path)
    assert [take.name for take in read] == ["0.wav", "1.wav", "2.wav"]
    assert len(left_out) == 2 and left_out[0].startswith("bad.wav: ") and "two words" in left_out[1]


def test_too_few_are_refused_with_every_reason(tmp_path):
    folder(tmp_path, 2)
    (tmp_path / "bad.wav").write_bytes(b"RIFF no sound")
    with pytest.raises(ConfigError, match=r"(?s)2 recordings that can be used.*bad\.wav"):
        takes.read(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="holds no sound"):
        takes.read(tmp_path / "empty")
    with pytest.raises(ConfigError, match="is no folder"):
        takes.read(tmp_path / "nowhere")


class Person:
    """Stands for the microphone: says what it was given, a recording at a time, and hears when it must forget."""

    name = "a person"

    def __init__(self, *said):
        self._said, self._now, self._at = list(said), None, 0

    def wipe(self):
        self._now, self._at = self._said.pop(0), 0

    def read(self, out):
        if self._now is None:
            return Reading(0)
        if isinstance(self._now, str):
            return Reading(0, gap=(Reason.DEVICE_OVERFLOW, 5, self._now))
        piece = self._now[self._at : self._at + len(out)]
        self._at += len(piece)
        out[: len(piece)] = piece
        return Reading(len(piece), ended=not len(piece))


def three_seconds(samples):
    return np.concatenate([samples, np.random.default_rng(3).normal(0, 20, round(SECONDS * RATE))]).astype(np.int16)


def nothing(share, level):
    pass


def test_good_takes_are_kept_and_bad_ones_overwritten():
    booth = Booth(2)
    person = Person(three_seconds(GOOD), np.zeros(3 * RATE, np.int16), "too busy", three_seconds(utterance(1.03)))
    levels = []
    first = booth.record(person, lambda share, level: levels.append(level))
    assert first.name == "recording 1" and max(levels) == pytest.approx(np.abs(GOOD.astype(int)).max() / 32768)
    with pytest.raises(ConfigError, match="silent"):
        booth.record(person, nothing)
    with pytest.raises(ConfigError, match="sound was lost"):
        booth.record(person, nothing)
    second = booth.record(person, nothing)
    assert booth.takes == [first, second] and np.array_equal(second.samples[:RATE], utterance(1.03)[:RATE])
    booth.close()
    assert not first.samples.any() and not second.samples.any() and booth.takes == []


def test_what_was_refused_is_overwritten():
    booth = Booth(1)
    with pytest.raises(ConfigError, match="too quiet"):
        booth.record(Person(three_seconds(GOOD // 300)), nothing)
    assert not booth._sound.any()


def test_ctrl_c_in_the_middle_leaves_nothing_once_the_booth_is_closed():
    booth = Booth(1)

    def stop(share, level):
        if share > 0.4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        booth.record(Person(three_seconds(GOOD)), stop)
    booth.close()
    assert not booth._sound.any()


def test_a_dead_microphone_is_said():
    times = iter(range(100))
    with pytest.raises(DeviceError, match=r"nothing comes from a person"):
        Booth(1, now=lambda: next(times)).record(Person(None), nothing)
