"""Accents: what they change of a pronunciation, and what not. Well under 1 s."""

import numpy as np

from wakegate.train.voices import accent

COMPUTER = "kəmpjˈuːtə."


def said(count=400, seed=1):
    rng = np.random.default_rng(seed)
    return [accent.accented(COMPUTER, rng) for _ in range(count)]


def test_some_speak_without_an_accent_and_many_accents_are_heard():
    heard = said()
    assert heard.count(COMPUTER) > 100 and len(set(heard)) > 60


def test_the_same_seed_speaks_in_the_same_accents():
    assert said(20) == said(20) != said(20, seed=2)


def test_sounds_that_no_rule_names_and_the_end_of_a_sentence_stay():
    for one in said():
        assert one.endswith(".") and one.replace(accent.STRESS, "")[0] == "k" and "mp" in one


def test_the_stress_stands_before_a_vowel_or_where_it_was():
    for one in said():
        assert one.count(accent.STRESS) == 1
        assert one[one.index(accent.STRESS) + 1] in accent.VOWELS


def test_one_speaker_says_a_sound_one_way():
    for one in (accent.accented("θˈiθəθi", np.random.default_rng(seed)) for seed in range(200)):
        assert len(set(one) & set(accent.SOUNDS["θ"])) <= 1


def test_what_has_no_vowel_is_said_all_the_same():
    assert accent.accented("ˈm", np.random.default_rng(0)) == "ˈm"


def test_no_rule_leaves_a_sound_as_it_is():
    assert all(sound not in others and others for sound, others in accent.SOUNDS.items())
