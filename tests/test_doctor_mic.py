"""The doctor at a microphone that is a hand-written source: what it says, and that nothing is left. Around 10 s."""

import numpy as np
import pytest
import soundfile

from tests.cli.process import SIX_WORDS
from tests.memory import plant
from wakegate.audio.block import Reading
from wakegate.audio.files import FileSource
from wakegate.doctor import Health
from wakegate.doctor_mic import findings, record
from wakegate.errors import ConfigError
from wakegate.events import Reason
from wakegate.mute import keep
from wakegate.place import Place
from wakegate.wake import Detector, load

RATE = 16_000
rng = np.random.default_rng(7)


class Source:
    """Gives sound as a microphone would, on a clock of its own that runs at ``speed``."""

    name = "microphone by hand"

    def __init__(self, sound, speed=1.0, gaps=(), jitter=0.0):
        self.sound, self.speed, self.gaps, self.jitter = sound, speed, list(gaps), jitter
        self.at, self.time, self.wiped = 0, 0.0, 0

    def now(self):
        return self.time + self.jitter * rng.random()

    def read(self, out):
        if self.gaps and self.at >= self.gaps[0]:
            self.gaps.pop(0)
            self.time += 0.7
            return Reading(0, gap=(Reason.DEVICE_OVERFLOW, 0, "the device overflowed"))
        count = min(len(out), len(self.sound) - self.at)
        out[:count] = self.sound[self.at : self.at + count]
        self.at += count
        self.time += count / RATE / self.speed if count else 0.2
        return Reading(count)

    def wipe(self):
        self.wiped += 1

    def close(self):
        pass


@pytest.fixture(scope="module")
def scorer():
    return load(["alexa", "computer"])


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path / "state", test=True).prepare()


@pytest.fixture
def examined(scorer, place):
    """Listen to a sound; return the findings by name."""

    def examine(sound, **more):
        source = Source(np.asarray(sound), **more)
        detector = Detector(scorer.manifest.detector_config(scorer.words))
        found = record(source, scorer, detector, place, source.now)
        assert source.wiped
        return {one.name: one for one in findings(found, dict(detector.config.thresholds))}

    return examine


def word(name="computer", gain=1.0):
    """Three seconds around a word, with a little noise."""
    sound = soundfile.read(SIX_WORDS, dtype="int16")[0][{"alexa": 0, "computer": 3}[name] * RATE :][: 3 * RATE]
    return (gain * sound + rng.normal(0, 20, len(sound))).astype(np.int16)


def noise(db, seconds=3.0):
    return rng.normal(0, 32_768 * 10 ** (db / 20), round(seconds * RATE)).astype(np.int16)


def test_a_good_microphone_is_good_throughout(examined):
    found = examined(word(), jitter=0.02)
    assert {one.health for one in found.values()} == {Health.GOOD}, found
    assert list(found) == ["level", "noise floor", "clipping", "offset (DC)", "sample rate", "wake word"]
    assert "heard 'computer', score 0." in found["wake word"].seen and found["wake word"].value > 0.38
    assert found["sample rate"].value == pytest.approx(16_000, rel=0.01)


def test_a_quiet_room_wants_somebody_to_speak(examined):
    found = examined(noise(-60))
    assert found["level"].health is found["wake word"].health is Health.WEAK
    assert "nobody spoke" in found["level"].mend and "say one of alexa, computer" in found["wake word"].mend
    assert found["noise floor"].value == pytest.approx(-60, abs=1)


def test_a_word_that_is_nearly_heard_is_told_with_its_score(examined, scorer, place):
    found = examined(word())
    score = found["wake word"].value
    source = Source(word())
    detector = Detector(scorer.manifest.detector_config(scorer.words, {"computer": min(1.0, score + 0.2)}))
    (nearly,) = (
        one for one in findings(record(source, scorer, detector, place, source.now), dict(detector.config.thresholds))
        if one.name == "wake word"
    )  # fmt: skip
    assert nearly.health is Health.WEAK and "nearly 'computer'" in nearly.seen and "measure tune" in nearly.mend


@pytest.mark.parametrize(
    ("sound", "name", "says"),
    [
        (np.clip(word(gain=30), -9_000, 9_000).astype(np.int16), "clipping", "lower its gain"),
        (word() + np.int16(900), "offset (DC)", "high-pass"),
        (word(gain=0.015), "level", "soft"),
        (word() + noise(-26), "noise floor", "missed in noise"),
    ],
    ids=["clipped", "an offset", "soft", "noisy"],
)
def test_what_is_wrong_is_said_with_what_to_do(examined, sound, name, says):
    found = examined(np.asarray(sound, np.int16))
    assert found[name].health is Health.WEAK and says in found[name].mend, found[name]


@pytest.mark.parametrize(
    ("speed", "health"), [(1.01, Health.GOOD), (0.96, Health.WEAK), (44_100 / 48_000, Health.BAD), (3.0, Health.BAD)]
)
def test_a_clock_that_is_off_is_seen(examined, speed, health):
    found = examined(word(), speed=speed, jitter=0.02)["sample rate"]
    assert found.health is health and found.value == pytest.approx(16_000 * speed, rel=0.01)


def test_a_gap_is_told_and_is_no_slow_clock(examined):
    found = examined(word(), gaps=[RATE])
    assert found["lost sound"].health is Health.WEAK and found["lost sound"].seen == "the device overflowed"
    assert found["sample rate"].health is Health.GOOD


@pytest.mark.parametrize(
    ("sound", "says"),
    [
        (np.zeros(3 * RATE, np.int16), "every sample is the same"),
        (np.zeros(0, np.int16), "no sound came"),
        (np.ones(100, np.int16), "next to no sound came"),
    ],
    ids=["zeros", "nothing", "a crumb"],
)
def test_no_sound_is_bad_and_nothing_else_is_claimed(examined, sound, says):
    (only,) = examined(sound).values()
    assert only.health is Health.BAD and only.seen.startswith(says) and only.mend


def test_a_persons_mute_meanwhile_ends_it_and_nothing_is_measured_or_left(scorer, place):
    lent = []

    class Muted(Source):
        """A person mutes the device in the second second."""

        def read(self, out):
            reading = super().read(out)
            lent.append(out)
            if self.at >= 1.5 * RATE and not place.muted.exists():
                keep(place)
            return reading

    source = Muted(word())
    detector = Detector(scorer.manifest.detector_config(scorer.words))
    with pytest.raises(ConfigError, match="a person has muted this device"):
        record(source, scorer, detector, place, source.now)
    assert source.at < 1.6 * RATE and source.wiped, "the rest of the three seconds is not listened to"
    assert lent and not any(out.any() for out in lent)
    silence = np.zeros(32_000, np.int16)
    assert np.array_equal(scorer.push(silence), load(scorer.words).push(silence)), "the ear remembers"
    scorer.reset()


def test_nothing_of_it_is_left_in_memory(scorer, place, tmp_path):
    probes = plant(tmp_path / "noise.wav", seed=11, seconds=3.0)
    source = FileSource(tmp_path / "noise.wav")
    seen, lent = {}, []

    class Looking:
        """The source, with a look at the memory while the sound is there."""

        name = source.name

        def read(self, out):
            reading = source.read(out)
            lent.append(out)
            if not seen and reading.count:
                seen.update(probes.found())
            return reading

        def wipe(self):
            source.wipe()

    detector = Detector(scorer.manifest.detector_config(scorer.words))
    found = record(Looking(), scorer, detector, place)
    assert found.quality is not None and found.quality.speech_db == pytest.approx(-9, abs=1)
    source.close()
    silence = np.zeros(32_000, np.int16)
    assert np.array_equal(scorer.push(silence), load(scorer.words).push(silence)), "the ear remembers"
    scorer.reset()
    assert seen, "the positive control"
    assert len(lent) >= 37 and not any(out.any() for out in lent), "given back unwiped"
    assert probes.found() == {}
