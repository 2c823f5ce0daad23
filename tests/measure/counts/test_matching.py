"""Who stands for whom, drawn by hand; and against every other way of counting. Around 2 s."""

from pathlib import Path

import numpy as np
import pytest

from wakegate.measure.counts.matching import match, quiet, unscored
from wakegate.measure.recording import Recording, Reference

TENTH = 1600


def references(line):
    """``[`` begins a reference and ``]`` ends it (a tenth of a second a character); ``|`` is both."""
    found = []
    for at, sign in enumerate(line):
        if sign == "[":
            start = at
        if sign in "]|":
            found.append(Reference(word="w", start=(at if sign == "|" else start) * TENTH, end=at * TENTH))
    return found


def marks(line):
    return [(at * TENTH, sign) for at, sign in enumerate(line) if sign not in " ."]


# One tenth of a second a character, a tolerance of two of them. h: hit, F: false accept.
DRAWN = {
    "one each": (
        "....[....].......[....].....",
        "       h              h     ",
    ),
    "as early and as late as the tolerance, and no earlier or later": (
        "....[...]......[...]......[...]...",
        "  h        FF        h F        hF",
    ),
    "a second detection is a false accept": (
        "....[....].....",
        "      h  F     ",
    ),
    "only one can stand for a point": (
        ".....|.....",
        "   h F F   ",
    ),
    "nobody called": (
        "..............",
        "  F     F     ",
    ),
    "two in a row, each takes its own, though the first could take either": (
        "...[...].[...]...",
        "       hh        ",
    ),
    "the nearest first, but as many as can be": (
        "..[..].[..].[..]..",
        "       hh  h      ",
    ),
    "a chain hands references on to its far end": (
        ".[.].[.].[.].[.]",
        "     hh h   h   ",
    ),
    "three for two": (
        "...[..].[..]....",
        "     hh F       ",
    ),
}


@pytest.mark.parametrize("name", DRAWN)
def test_the_drawn_timelines(name):
    said, heard = DRAWN[name]
    at = [sample for sample, _ in marks(heard)]
    found = match(at, references(said), 2 * TENTH)
    hits = [sign for _, sign in marks(heard)].count("h")
    if name.startswith("as early"):
        assert ["h" if one >= 0 else "F" for one in found.partner] == [sign for _, sign in marks(heard)]
    assert (found.partner >= 0).sum() == hits == (found.gained >= 0).sum()
    assert sorted(one for one in found.partner.tolist() if one >= 0) == sorted(
        one for one in found.gained.tolist() if one >= 0
    )


def test_the_nearest_reference_is_taken():
    found = match([13 * TENTH], references("....[...]....[...]..."), 6 * TENTH)
    assert found.partner.tolist() == [1]


def random_case(rng, points=False):
    edges = np.sort(rng.choice(60, size=2 * int(rng.integers(0, 5)), replace=False)).tolist()
    pairs = zip(edges[::2], edges[1::2], strict=True)
    said = [Reference(word="w", start=start, end=start if points else end) for start, end in pairs]
    return rng.integers(0, 60, size=int(rng.integers(0, 7))).tolist(), said, int(rng.integers(0, 12))


def most(at, said, tolerance):
    """The size of the largest matching, by trying them all."""
    if not at:
        return 0
    first, *rest = at
    best = most(rest, said, tolerance)
    for index, one in enumerate(said):
        if one.start - tolerance <= first <= one.end + tolerance:
            best = max(best, 1 + most(rest, said[:index] + said[index + 1 :], tolerance))
    return best


def test_as_many_as_by_brute_force_for_the_first_k_of_any_order():
    rng = np.random.default_rng(5)
    for _ in range(400):
        at, said, tolerance = random_case(rng)
        found = match(at, said, tolerance)
        for count in range(len(at) + 1):
            assert (found.gained[:count] >= 0).sum() == most(at[:count], said, tolerance)
        taken = [one for one in found.partner.tolist() if one >= 0]
        assert len(taken) == len(set(taken)) == (found.gained >= 0).sum()
        for one, index in zip(at, found.partner.tolist(), strict=True):
            assert index < 0 or said[index].start - tolerance <= one <= said[index].end + tolerance


def test_as_many_as_mir_eval():
    util = pytest.importorskip("mir_eval.util", reason="pip install mir_eval for this oracle")
    rng = np.random.default_rng(6)
    for _ in range(200):
        at, said, tolerance = random_case(rng, points=True)
        theirs = util.match_events(np.array([float(one.start) for one in said]), np.array(at, float), tolerance)
        assert (match(at, said, tolerance).partner >= 0).sum() == len(theirs)


def test_a_long_chain_is_no_recursion():
    count = 5000
    said = [Reference(word="w", start=10 * one, end=10 * one + 5) for one in range(count)]
    at = [10 * one + 7 for one in range(count)]
    assert (match([*at, 0], said, 4).gained >= 0).sum() == count


def test_hours_are_without_words_and_without_what_is_not_scored():
    #            0123456789012345678901234567890
    # sound      ...............................
    # reference      [..]      [..]           |     (tolerance 2)
    # widened      xxxxxxxx  xxxxxxxx        xxx    both ends count; the last is cut by the end
    # excluded            ?????          ??
    recording = Recording(
        name="a", audio=Path("a"), first=0, length=31,
        references=(Reference(word="v", start=4, end=7), Reference(word="w", start=14, end=17),
                    Reference(word="w", start=30, end=30)),
        excluded=((8, 13), (25, 27)),
    )  # fmt: skip
    assert unscored(recording, 2) == ((10, 12), (25, 27))
    assert quiet(recording, 2) == 31 - (10 - 2) - 2 - (20 - 12) - 2 - 3


def test_quiet_and_unscored_against_masks():
    rng = np.random.default_rng(7)
    for _ in range(300):
        _, said, tolerance = random_case(rng)
        low = rng.integers(0, 60, size=3)
        excluded = tuple((int(one), int(one) + int(rng.integers(0, 15))) for one in low)
        recording = Recording(name="a", audio=Path("a"), first=0, length=80, references=tuple(said), excluded=excluded)
        word, out = np.zeros(80, bool), np.zeros(80, bool)
        for one in said:
            word[max(one.start - tolerance, 0) : one.end + tolerance + 1] = True
        for start, end in excluded:
            out[start:end] = True
        assert quiet(recording, tolerance) == (~word & ~out).sum()
        mask = np.zeros(80, bool)
        for start, end in unscored(recording, tolerance):
            mask[start:end] = True
        assert np.array_equal(mask, out & ~word)
