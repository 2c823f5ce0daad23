"""The latency benchmark counts as it says, on tracks drawn by hand. Needs none of the engines."""

import sys
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def parts(monkeypatch):
    """The benchmark's modules, which lie beside each other and in no package."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import latency
    import latency_track

    yield latency, latency_track
    for name in ("latency", "latency_track", "latency_engines"):
        sys.modules.pop(name, None)


def test_the_first_event_from_a_words_start_to_a_while_after_it_counts(parts):
    _, track = parts
    #        alexa 1.0-1.5      computer 3.0-3.6     alexa 6.0-6.5
    spoken = [("alexa", 1.0, 1.5), ("computer", 3.0, 3.6), ("alexa", 6.0, 6.5)]
    whole = track.Track(np.zeros(0), [track.Spoken(w, round(16_000 * a), round(16_000 * b)) for w, a, b in spoken])
    events = [
        (0.9, "alexa"), (1.4, "alexa"), (1.7, "alexa"),  # too early; before its end; again
        (3.7, "alexa"), (5.2, "computer"),  # another word; too late
        (8.0, "alexa"),  # in time, just
    ]  # fmt: skip
    found = track.matched(whole, [(at, {"word": word}) for at, word in events], [1.5, 3.6, 6.5])
    assert [one and round(one["latency_s"], 3) for one in found] == [-0.1, None, 1.5]


def test_the_figures_of_an_engine_and_of_two_on_the_same_words(parts):
    _, track = parts
    whole = track.Track(np.zeros(16_000), [track.Spoken("alexa", 0, 1)] * 3 + [track.Spoken("computer", 0, 1)])
    ours = [{"latency_s": 0.1}, {"latency_s": 0.2}, None, {"latency_s": 0.9}]
    theirs = [{"latency_s": 0.3}, {"latency_s": 0.1}, {"latency_s": 0.5}, None]
    table = track.table(whole, {"wakegate": ours, "openwakeword": theirs})
    assert table["engines"]["wakegate"]["heard"] == 3 and table["engines"]["wakegate"]["words"] == 4
    # Only alexa is its word: what it cannot know is no miss.
    assert table["engines"]["openwakeword"]["words"] == 3
    assert table["engines"]["openwakeword"]["latency_s"] == {"min": 0.1, "p50": 0.3, "p99": 0.5, "max": 0.5}
    pair = table["on_the_same_words"]["openwakeword"]
    assert (pair["words"], pair["ours_sooner"], pair["ours"]["max"]) == (2, 1, 0.2)


def test_a_piece_is_found_where_it_was_heard(parts):
    latency, _ = parts
    rng = np.random.default_rng(3)
    piece = rng.integers(-3000, 3000, 4000).astype(np.int16)
    heard = rng.normal(0, 100, 40_000)
    heard[12_345 : 12_345 + len(piece)] += piece
    assert latency.found_at(heard, piece) == 12_345


def test_each_word_is_played_so_often_and_alexa_twice(parts):
    _, track = parts
    rows = [
        {"wake_word": word, "speaker": f"s{n % 7}", "path": f"{word}{n}"} for word in track.WORDS for n in range(30)
    ]
    found = track.chosen(rows, 3)
    assert [sum(row["wake_word"] == word for row in found) for word in track.WORDS] == [6, 3, 3, 3, 3, 3]
    assert found == track.chosen(rows, 3)


def test_the_loudest_piece_is_what_counts(parts):
    latency, _ = parts
    sound = np.zeros(16_000, np.int16)
    sound[8_000:8_800] = 1_000
    assert latency.loudest_db(sound) == pytest.approx(60, abs=0.1)
    assert latency.loudest_db(sound[:100]) < 0
