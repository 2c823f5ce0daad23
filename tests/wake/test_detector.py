"""The Detector on timelines drawn by hand. Around 4 s.

A character is a step of 100 samples; a digit d is the score d / 8, a dot 0. The floor is 2 (0.25), the threshold 6
(0.75); a candidate ends after three steps (300 samples) below the floor, or when it is 20 steps (2000 samples) long.
"""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wakegate.errors import ConfigError
from wakegate.wake.detector import Candidate, Detection, Detector, DetectorConfig, WordTiming

ONE = DetectorConfig(
    thresholds={"alexa": 0.75},
    timing={"alexa": WordTiming(lag=0, crossing_lag=0, duration=0)},
    floor=0.25,
    step=100,
    smoothing=1,
    refractory=2000,
    fall=300,
)
TWO = replace(
    ONE,
    thresholds={"alexa": 0.75, "jarvis": 0.75},
    timing={
        "alexa": WordTiming(lag=0, crossing_lag=0, duration=0),
        "jarvis": WordTiming(lag=0, crossing_lag=0, duration=0),
    },
)


def drawn(*lines):
    """(steps, words) float32 from one line a word."""
    return np.array([[int(c.replace(".", "0")) / 8 for c in line] for line in lines], np.float32).T


def told(events):
    """Events as (what, step, score in eighths): "!" a detection, "+" and "-" candidates that were and were not."""
    marks = []
    for event in events:
        mark = "!" if isinstance(event, Detection) else "+" if event.detected else "-"
        marks.append((mark, event.at // 100 - 1, event.score * 8))
    return marks


def run(line, config=ONE):
    detector = Detector(config)
    return told([*detector.push(drawn(line)), *detector.finish()])


# One candidate.


def test_a_word():
    #               0123456789
    assert run("...367752...") == [("!", 4, 6), ("+", 5, 7)]
    # floor           ^      reached at 3; threshold at 4; highest first at 5


def test_a_near_miss():
    assert run("..3553......") == [("-", 3, 5)]


def test_silence_is_no_event():
    assert run("............") == [] and run("") == []


def test_below_the_floor_is_no_candidate():
    assert run("..111111....") == []


def test_the_floor_itself_begins_a_candidate_and_the_threshold_itself_detects():
    assert run("..2.........") == [("-", 2, 2)]
    assert run("..6.........") == [("!", 2, 6), ("+", 2, 6)]
    assert run("..5.........") == [("-", 2, 5)]


def test_a_detection_is_said_once_and_its_score_is_that_of_the_crossing():
    assert run("..6758678...") == [("!", 2, 6), ("+", 5, 8)]


def test_a_detection_is_said_at_once():
    #       step 01234567890
    scores = drawn("..3467521...")
    detector = Detector(ONE)
    said = [told(detector.push(scores[step : step + 1])) for step in range(len(scores))]
    assert said[4] == [("!", 4, 6)] and said[10] == [("+", 5, 7)]
    assert [said[step] for step in range(len(said)) if step not in (4, 10)] == [[]] * 10


# Where one ends and the next begins.


def test_a_dip_shorter_than_the_fall_is_one_candidate():
    assert run("..5.." + "7....") == [("!", 5, 7), ("+", 5, 7)]


def test_a_fall_ends_it():
    assert run("..5..." + "7....") == [("-", 2, 5), ("!", 6, 7), ("+", 6, 7)]


def test_a_dip_is_counted_anew_each_time():
    assert run("..5..5..5..5....") == [("-", 2, 5)]


def test_two_words_said_after_each_other_are_two():
    assert run(".676...676...") == [("!", 1, 6), ("+", 2, 7), ("!", 7, 6), ("+", 8, 7)]


def test_a_plateau_is_cut_at_the_refractory_and_stays_quiet_until_it_has_fallen():
    assert run("." + "6" * 60) == [("!", 1, 6), ("+", 1, 6)]
    detector = Detector(ONE)
    assert told(detector.push(drawn("6" * 19))) == [("!", 0, 6)]
    assert told(detector.push(drawn("6"))) == [("+", 0, 6)]  # the 20th step
    assert told(detector.push(drawn("7" * 40))) == []
    # fallen below the floor for as long as ends a candidate: armed again
    assert told(detector.push(drawn("17" + "1117"))) == [("!", 65, 7)]


def test_a_floor_that_is_only_touched_does_not_re_arm():
    assert run("6" * 20 + "2" * 5 + "7777") == [("!", 0, 6), ("+", 0, 6)]


def test_a_candidate_cut_in_a_dip_is_armed_once_the_dip_was_long_enough():
    #                 the 20th step is below the floor
    assert run("6" * 19 + "1" + "7...") == [("!", 0, 6), ("+", 0, 6)]
    assert run("6" * 19 + "1117...") == [("!", 0, 6), ("+", 0, 6), ("!", 22, 7), ("+", 22, 7)]


def test_a_score_that_comes_after_the_cut_is_not_in_the_candidate():
    assert run("5" * 20 + "8" * 5) == [("-", 0, 5)]


# Smoothing.


def test_smoothing_averages_the_last_scores():
    #      raw 6: 2 after a third, 4 after two, 6 after three
    assert run("..666.....", replace(ONE, smoothing=3)) == [("!", 4, 6), ("+", 4, 6)]
    assert run("..66......", replace(ONE, smoothing=3)) == [("-", 3, 4)]
    assert run("..3.......", replace(ONE, smoothing=3)) == []


def test_smoothing_begins_from_silence():
    assert run("6666......", replace(ONE, smoothing=4)) == [("!", 3, 6), ("+", 3, 6)]


def test_smoothing_goes_on_across_pushes_and_not_across_a_reset():
    detector = Detector(replace(ONE, smoothing=3))
    assert detector.push(drawn("..66")) == ()
    assert told(detector.push(drawn("6"))) == [("!", 4, 6)]
    detector.reset()
    assert detector.push(drawn("6")) == () and told(detector.finish()) == [("-", 0, 2)]


# Several words.


def test_words_do_not_disturb_each_other():
    detector = Detector(TWO)
    events = detector.push(
        drawn(
            "..67......5....",  # alexa
            "....3676....7..",  # jarvis
        )
    )
    alone = [told(one for one in events if one.word == word) for word in ("alexa", "jarvis")]
    assert alone == [
        [("!", 2, 6), ("+", 3, 7), ("-", 10, 5)],
        [("!", 5, 6), ("+", 6, 7), ("!", 12, 7)],
    ]


def test_both_words_at_once_are_two_detections():
    detector = Detector(TWO)
    events = detector.push(drawn("..7....", "..8...."))
    assert [(type(one).__name__, one.word, one.score) for one in events] == [
        ("Detection", "alexa", 7 / 8),
        ("Detection", "jarvis", 1.0),
        ("Candidate", "alexa", 7 / 8),
        ("Candidate", "jarvis", 1.0),
    ]


def test_what_is_settled_first_is_said_first():
    # alexa's near miss is over (step 7) only after jarvis was detected (step 6)
    detector = Detector(TWO)
    events = detector.push(drawn("...55......", "......7...."))
    assert [(one.word, type(one).__name__) for one in events] == [
        ("jarvis", "Detection"),
        ("alexa", "Candidate"),
        ("jarvis", "Candidate"),
    ]


def test_words_have_thresholds_of_their_own():
    detector = Detector(replace(TWO, thresholds={"alexa": 0.5, "jarvis": 1.0}))
    events = detector.push(drawn(".7....", ".7...."))
    assert [(one.word, one.detected) for one in events if isinstance(one, Candidate)] == [
        ("alexa", True),
        ("jarvis", False),
    ]


# Where the word lies.


def timed(lag, duration, crossing_lag=None):
    crossing_lag = lag if crossing_lag is None else crossing_lag
    return replace(ONE, timing={"alexa": WordTiming(lag=lag, crossing_lag=crossing_lag, duration=duration)})


def bounds(events):
    return [(one.start, one.end, one.at) for one in events]


def test_the_word_lies_lag_and_duration_before_its_score():
    detector = Detector(timed(150, 400))
    # detection at the end of step 7 (sample 800), highest at the end of step 8 (sample 900)
    assert bounds(detector.push(drawn(".......67....."))) == [(250, 650, 800), (350, 750, 900)]


def test_a_crossing_comes_sooner_after_the_word_than_the_highest_score():
    detector = Detector(timed(150, 400, crossing_lag=50))
    assert bounds(detector.push(drawn(".......67....."))) == [(350, 750, 800), (350, 750, 900)]


def test_a_word_never_begins_before_the_stream():
    assert bounds(Detector(timed(150, 400)).push(drawn("6...."))) == [(0, 0, 100)] * 2
    assert bounds(Detector(timed(50, 400)).push(drawn("..6...."))) == [(0, 250, 300)] * 2


def test_reset_counts_from_where_the_stream_begins_anew():
    detector = Detector(timed(150, 400))
    detector.push(drawn("666"))
    detector.reset(at=10_000)
    assert detector.finish() == ()
    assert bounds(detector.push(drawn("6......6...."))[:2]) == [(10_000, 10_000, 10_100)] * 2
    assert bounds(detector.finish()) == []


def test_reset_arms_again():
    detector = Detector(ONE)
    detector.push(drawn("6" * 30))
    detector.reset()
    assert told(detector.push(drawn("6"))) == [("!", 0, 6)]


# The end.


def test_finish_closes_what_is_open_once():
    detector = Detector(TWO)
    assert told(detector.push(drawn("..67", "...5"))) == [("!", 2, 6)]
    closed = detector.finish()
    assert [(one.word, one.detected) for one in closed] == [("alexa", True), ("jarvis", False)]
    assert detector.finish() == ()


# Settings.


@pytest.mark.parametrize("threshold", [0.2499, 0.0, -1.0, 1.0001, 7.0, float("nan"), float("inf")])
def test_a_threshold_outside_floor_and_one_is_refused(threshold):
    with pytest.raises(ConfigError, match=r"the threshold for 'alexa' is .*from 0\.25 .* to 1"):
        replace(ONE, thresholds={"alexa": threshold})


@pytest.mark.parametrize("threshold", [0.25, 1, 1.0])
def test_the_floor_and_one_are_thresholds(threshold):
    assert run("..8.....", replace(ONE, thresholds={"alexa": threshold})) == [("!", 2, 8), ("+", 2, 8)]


# Whatever the scores.

SCORES = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), max_size=70).map(
    lambda rows: np.array(rows, np.float32).reshape(-1, 2) / 8
)
FIXED = settings(max_examples=150, deadline=None, derandomize=True, database=None)


def everything(scores, config):
    detector = Detector(config)
    return [*detector.push(scores), *detector.finish()]


def bare(candidate):
    return replace(candidate, detected=False)


@given(SCORES, st.integers(1, 4), st.data())
@FIXED
def test_pieces_are_the_whole(scores, smoothing, data):
    config = replace(TWO, smoothing=smoothing)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(scores)), max_size=8)))
    detector = Detector(config)
    events = [e for part in np.split(scores, cuts) for e in detector.push(part)]
    assert [*events, *detector.finish()] == everything(scores, config)


@given(SCORES, st.integers(1, 4), st.integers(2, 8), st.integers(2, 8))
@FIXED
def test_the_threshold_only_selects_candidates(scores, smoothing, low, high):
    low, high = sorted((low / 8, high / 8))
    config = replace(TWO, smoothing=smoothing)
    found = {}
    for threshold in (0.25, low, high):
        events = everything(scores, replace(config, thresholds=dict.fromkeys(TWO.thresholds, threshold)))
        candidates = [one for one in events if isinstance(one, Candidate)]
        assert [bare(one) for one in candidates] == found.setdefault("all", [bare(one) for one in candidates])
        assert [one for one in candidates if one.detected] == [one for one in candidates if one.score >= threshold]
        # every candidate that is detected was said at once, and nothing else was
        said = [(one.word, one.at) for one in events if isinstance(one, Detection)]
        marked = [one for one in candidates if one.detected]
        assert len(said) == len(marked)
        found[threshold] = {bare(one) for one in marked}
    assert found[high] <= found[low] <= found[0.25] == set(found["all"])


@given(SCORES, st.integers(1, 4))
@FIXED
def test_candidates_are_short_and_apart_and_every_score_above_the_floor_is_in_one_or_unarmed(scores, smoothing):
    events = everything(scores, replace(TWO, smoothing=smoothing))
    for word in TWO.thresholds:
        mine = [one for one in events if one.word == word]
        candidates = [one for one in mine if isinstance(one, Candidate)]
        assert all(0.25 <= one.score <= 1 for one in candidates)
        assert [one.at for one in candidates] == sorted({one.at for one in candidates})
        # a detection comes before the candidate that it belongs to, and never after the highest score
        for before, after in pairwise(mine):
            if isinstance(before, Detection):
                assert isinstance(after, Candidate) and after.detected
                assert before.at <= after.at and before.score <= after.score
