"""What may be added up: counted by hand, two words in two made conditions and in the corpus's own. Around 0.5 s."""

import pytest

from tests.measure.test_report import MADE, made, made_of_two, plain, recording
from wakegate.measure.counts.part import parts, wholes
from wakegate.measure.listening.run import Hearing
from wakegate.rates import garwood, wilson

QUIET_H = (7207 - 4 * 1.5) / 3600
"""Two hours: each word is half a second, and half a second beside it on both sides is taken off."""


def counts(row):
    return row["word"], row["condition"], row["false_accepts"], row["missed"], row["trials"]


def test_each_made_condition_has_its_own_counts_hours_and_intervals():
    """Clean: alexa accepted at 100 s, one jarvis missed. Noise: alexa at 200 s, jarvis at 400 s, three missed."""
    rows = made()["engines"][0]["rates"]
    assert [counts(row) for row in rows] == [
        ("alexa", "clean", 1, 0, 2), ("jarvis", "clean", 0, 1, 2), ("all words", "clean", 1, 1, 4),
        ("alexa", "noise 10 dB", 1, 1, 2), ("jarvis", "noise 10 dB", 1, 2, 2), ("all words", "noise 10 dB", 2, 3, 4),
    ]  # fmt: skip
    for row in rows:
        assert row["hours"] == pytest.approx(QUIET_H, abs=1e-6), "of one condition, not of both"
        assert row["frr_95"] == wilson(row["missed"], row["trials"])
        assert row["per_hour_95"] == pytest.approx(garwood(row["false_accepts"], QUIET_H), abs=1e-4)


def test_the_sweep_is_each_condition_s():
    swept = {(one["word"], one["condition"]): one for one in made()["engines"][0]["sweep"]}
    assert list(swept) == [(word, name) for name in MADE for word in ("alexa", "jarvis")]
    assert swept["alexa", "noise 10 dB"]["curve"] == [(None, 0, 2), (0.9, 1, 2), (0.55, 1, 1), (0.4, 2, 1), (0.3, 2, 0)]
    at = {one["allowed_per_hour"]: one for one in swept["alexa", "noise 10 dB"]["at"]}
    # Two hours: no false accept is under 0.1 an hour, one is 0.5, two are 1.
    assert {rate: (one["threshold"], one["false_accepts"], one["missed"]) for rate, one in at.items()} == {
        0.1: (None, 0, 2), 0.5: (0.55, 1, 1), 1.0: (0.3, 2, 0),
    }  # fmt: skip


def test_engines_are_compared_in_each_condition():
    rows = made()["comparisons"]
    assert [(row["condition"], row["word"]) for row in rows] == [
        (name, word) for name in MADE for word in ("alexa", "jarvis", "all words")
    ]
    clean, noisy = rows[2], rows[5]
    assert (clean["trials"], clean["only_first_missed"], clean["only_second_missed"], clean["both_missed"]) == (
        4,
        0,
        2,
        1,
    )
    assert (noisy["trials"], noisy["only_first_missed"], noisy["only_second_missed"], noisy["both_missed"]) == (
        4,
        0,
        1,
        3,
    )
    assert (clean["first_false_accepts"], noisy["first_false_accepts"]) == (1, 2)
    assert clean["hours"] == noisy["hours"] == pytest.approx(QUIET_H, abs=1e-6)


def test_mistakes_are_ranked_within_a_condition():
    clean, noisy = made()["engines"][0]["mistakes"]
    assert (clean["condition"], noisy["condition"]) == tuple(MADE)
    assert (clean["false_accepts"]["count"], clean["misses"]["count"]) == (1, 1)
    assert [one["at_s"] for one in noisy["false_accepts"]["loudest"]] == [200.0, 400.0]
    assert {one["recording"] for one in noisy["misses"]["loudest"]} == {"a.wav [noise 10 dB]"}


def test_the_corpus_is_as_long_as_it_is_in_one_condition():
    corpus = made()["corpus"]
    assert (corpus["recordings"], corpus["references"], corpus["speakers"]) == (1, 4, 1)
    assert corpus["hours"] == pytest.approx(7207 / 3600)
    assert corpus["hours_without_wake_words"] == pytest.approx(QUIET_H, abs=1e-6)
    assert corpus["hours_in_all_conditions"] == pytest.approx(2 * 7207 / 3600)


def test_the_corpus_s_own_conditions_add_up_within_a_made_one():
    """An hour each of tv, far and no condition: three hours, once clean, and once in noise where only tv is found."""
    rows = made_of_two()["engines"][0]["rates"]
    assert [(row["condition"], round(row["hours"], 2), row["missed"], row["trials"]) for row in rows] == [
        ("clean", 3.0, 0, 3), ("(none), clean", 1.0, 0, 1), ("far, clean", 1.0, 0, 1), ("tv, clean", 1.0, 0, 1),
        ("noise 10 dB", 3.0, 2, 3), ("(none), noise 10 dB", 1.0, 1, 1), ("far, noise 10 dB", 1.0, 1, 1),
        ("tv, noise 10 dB", 1.0, 0, 1),
    ]  # fmt: skip


def test_where_nothing_is_made_all_sound_adds_up():
    assert [counts(row) for row in plain()["engines"][0]["rates"] if row["word"] == "all words"] == [
        ("all words", None, 2, 2, 5), ("all words", "far", 1, 1, 2), ("all words", "near", 1, 1, 3),
    ]  # fmt: skip


def test_what_failed_is_in_no_count_but_its_condition_stays():
    hearings = [
        Hearing(recording=recording("a.wav", made="clean"), failure="it was killed"),
        Hearing(recording=recording("a.wav", made="noise 10 dB")),
    ]
    assert [(part.condition, len(part.hearings), len(part.heard)) for part in wholes(hearings)] == [
        ("clean", 1, 0), ("noise 10 dB", 1, 1),
    ]  # fmt: skip
    assert list(parts(hearings)) == list(wholes(hearings)), "one condition of its own is no part"
