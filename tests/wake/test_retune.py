"""Other words and thresholds while listening: what is under way goes on, and nothing is heard twice. Around 5 s."""

from dataclasses import replace

import numpy as np
import pytest
import soundfile

from tests.cli.process import SIX_WORDS
from tests.wake.test_detector import ONE, TWO, drawn, told
from wakegate.ear import Ear
from wakegate.errors import ConfigError, ModelError
from wakegate.wake import Detector, load


def test_a_word_that_is_under_way_is_heard_at_the_new_threshold():
    detector = Detector(replace(ONE, smoothing=2))
    events = [*detector.push(drawn("..44"))]
    detector.retune(replace(ONE, smoothing=2, thresholds={"alexa": 0.5}))
    # Averaged over two: the 4 before the change counts.
    events += [*detector.push(drawn("4...."))]
    assert told(events)[0] == ("!", 4, 4)


def test_a_word_that_was_heard_is_not_heard_again():
    detector = Detector(ONE)
    first = told(detector.push(drawn("..67")))
    detector.retune(replace(ONE, thresholds={"alexa": 0.5}))
    assert first == [("!", 2, 6)]
    assert told([*detector.push(drawn("7654....")), *detector.finish()]) == [("+", 3, 7)]


def test_a_word_that_comes_starts_fresh_and_one_that_goes_is_silent():
    detector = Detector(ONE)
    detector.push(drawn("..5"))
    two = replace(TWO, thresholds={"jarvis": 0.75, "alexa": 0.75})
    detector.retune(two)
    found = [(type(one).__name__, one.word, one.at) for one in detector.push(drawn("..7...", "6....."))]
    assert found[:2] == [("Detection", "alexa", 400), ("Detection", "jarvis", 600)]
    detector.retune(replace(TWO, thresholds={"jarvis": 0.75}))
    assert {one.word for one in (*detector.push(drawn("..77...")), *detector.finish())} == {"jarvis"}


def test_the_ear_goes_on_in_the_middle_of_a_word_as_if_nothing_had_happened():
    sound = soundfile.read(SIX_WORDS, dtype="int16")[0]

    def heard(change_at):
        scorer = load(["alexa", "computer"])
        ear = Ear(scorer, Detector(scorer.manifest.detector_config(scorer.words)))
        found = []
        for at in range(0, len(sound), 1280):
            if at == change_at:
                ear.retune(("computer", "view_glass"), {"computer": 0.3})
            found += [replace(one, id="") for one in ear.hear(sound[at : at + 1280]) if one.kind == "wake"]
        return ear, found

    computer = next(one for one in heard(0)[1] if one.word == "computer")
    middle = (computer.start + computer.at) // 2 // 1280 * 1280
    ear, found = heard(middle)
    assert computer in found and "alexa" in [one.word for one in found], "both from before and after the change"
    assert ear.words == ("computer", "view_glass")
    assert {one.word for one in found if one.at > middle} == {"computer", "view_glass"}


def test_thresholds_forgive_the_spelling_that_words_forgive():
    def thresholds(ear):
        return dict(ear._detector.config.thresholds)

    chosen = {"View Glass": 0.5, "COMPUTER": 0.6}
    ear = Ear.open(["view glass", "Computer"], chosen)
    assert thresholds(ear) == {"view_glass": 0.5, "computer": 0.6}
    ear.retune(("computer",), {"Computer": 0.7})
    assert thresholds(ear) == {"computer": 0.7}
    for twice in ({"computer": 0.5, "Computer": 0.5}, {"view glass": 0.5, "view_glass": 0.6}):
        with pytest.raises(ConfigError, match="name a word twice"):
            Ear.open(None, twice)
        with pytest.raises(ConfigError, match="name a word twice"):
            ear.retune(("computer",), twice)


def test_a_config_s_thresholds_may_be_of_words_that_are_not_listened_for():
    ear = Ear.open(None, {"alexa": 0.5, "computer": 0.6}, load(["computer"]))
    assert ear.words == ("computer",)


def test_what_cannot_be_is_refused_and_nothing_is_changed():
    scorer = load(["alexa"])
    ear = Ear(scorer, Detector(scorer.manifest.detector_config(scorer.words)))
    for words, thresholds, error in ((("hal",), {}, ModelError), (("computer",), {"computer": 0.0}, ConfigError)):
        with pytest.raises(error):
            ear.retune(words, thresholds)
        assert ear.words == ("alexa",) and scorer.push(np.zeros(2560, np.int16)).shape == (4, 1)


def test_the_count_of_chunks_is_that_of_sound_scored():
    scorer = load(["alexa"])
    chunk = scorer.manifest.chunk
    for samples, chunks in ((chunk - 1, 0), (1, 1), (3 * chunk, 4)):
        scorer.push(np.zeros(samples, np.int16))
        assert scorer.chunks == chunks
    scorer.reset()
    assert scorer.chunks == 4, "silence that overwrites is no listening"
