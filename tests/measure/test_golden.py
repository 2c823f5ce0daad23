"""What is counted, as text that can be checked by eye (data/README); and every threshold against counting anew."""

import math
from pathlib import Path

import numpy as np
import pytest

from wakegate.measure import detections
from wakegate.measure.counts.curve import Point, at_rate, curve
from wakegate.measure.counts.matching import match, quiet
from wakegate.measure.counts.tally import Rates, Tally, counted, hours
from wakegate.measure.engines import Heard
from wakegate.measure.forms import labels
from wakegate.measure.listening.run import Hearing
from wakegate.measure.measured import Measured
from wakegate.measure.recording import Recording, Reference, labelled

DATA = Path(__file__).parent / "data"
RATE = 16_000
TOLERANCE = RATE // 2
NAMES = sorted(path.name.split(".")[0] for path in DATA.glob("*.ref.txt"))


class Silent:
    """An engine that is only asked for its words: those of the detections."""

    name, about = "hand", {}

    def __init__(self, words):
        self.thresholds = dict.fromkeys(words, -math.inf)

    def hear(self, sound):
        raise NotImplementedError


def hearing(name):
    bare = Recording(name=name, audio=DATA, first=0, length=60 * RATE)
    recording = labelled(bare, labels.read(DATA / f"{name}.ref.txt"), name)
    lines = (line.split() for line in (DATA / f"{name}.det.txt").read_text().splitlines())
    heard = tuple(Heard(word=word, at=round(float(at) * RATE), score=float(score)) for at, word, score in lines)
    return Hearing(recording=recording, heard=heard)


def written(name):
    one = hearing(name)
    words = sorted({h.word for h in one.heard} | {r.word for r in one.recording.references}) or ["alexa"]
    found = []
    for row in detections.rows([Measured(engine=Silent(words), hearings=(one,))], TOLERANCE):
        told = [row["outcome"], *([row["at_s"]] if "at_s" in row else []), row["word"]]
        found.append(" ".join(map(str, told + ([row["start_s"]] if "start_s" in row else []))))
    found.append(f"quiet {quiet(one.recording, TOLERANCE) / RATE:.1f}")
    for word in words:
        tally = counted(word, [one], TOLERANCE, hours([one], TOLERANCE))
        found += [f"{word} {point.threshold:g} {point.false_accepts} {point.missed}" for point in curve(tally)]
    return found


@pytest.mark.parametrize("name", NAMES)
def test_the_triples(name):
    assert written(name) == (DATA / f"{name}.out.txt").read_text().splitlines()


def test_every_threshold_is_what_counting_anew_there_gives():
    """One pass over all scores, ties among them, against a matching of its own at each threshold."""
    rng = np.random.default_rng(1)
    for _ in range(60):
        starts = np.sort(rng.choice(40, size=6, replace=False)) * 10
        said = tuple(Reference(word="w", start=int(one), end=int(one) + int(rng.integers(0, 10))) for one in starts)
        heard = tuple(
            Heard(word="w", at=int(rng.integers(0, 420)), score=float(rng.integers(1, 6)) / 5) for _ in range(12)
        )
        one = Hearing(recording=Recording(name="a", audio=DATA, first=0, length=420, references=said), heard=heard)
        points = curve(counted("w", [one], 7, 1.0))
        assert points[0] == Point(math.inf, 0, 6)
        assert [p.threshold for p in points[1:]] == sorted({h.score for h in heard}, reverse=True)
        for point in points:
            above = [h.at for h in heard if h.score >= point.threshold]
            hits = int((match(above, said, 7).partner >= 0).sum())
            assert (point.false_accepts, point.missed) == (len(above) - hits, len(said) - hits)


def test_an_engine_without_scores_counts_all_it_says():
    one = hearing("wrong")
    plain = Hearing(recording=one.recording, heard=tuple(Heard(word=h.word, at=h.at) for h in one.heard))
    measured = Measured(engine=Silent(["alexa", "computer"]), hearings=(plain,), threshold=2.0)
    assert not measured.has_scores
    rates = counted("alexa", [plain], TOLERANCE, 1.0).rates(measured.threshold_of("alexa"))
    assert (rates.false_accepts, rates.missed) == (2, 0)
    silent = Hearing(recording=one.recording)
    assert counted("alexa", [silent], TOLERANCE, 1.0).rates(-math.inf).missed == 1, "what is found at no threshold"


def test_misses_are_read_off_at_a_rate():
    tally = Tally(
        found=np.array([0.9, 0.5, 0.3, -math.inf]), speakers=("",) * 4, false=np.array([0.8, 0.4, 0.2]), hours=10.0
    )
    # thresholds  inf  0.9  0.8  0.5  0.4  0.3  0.2
    # false        0    0    1    1    2    2    3
    # missed       4    3    3    2    2    1    1
    assert at_rate(tally, 0.05) == (0.9, Rates(false_accepts=0, hours=10.0, missed=3, trials=4))
    assert at_rate(tally, 0.1) == (0.5, Rates(false_accepts=1, hours=10.0, missed=2, trials=4))
    assert at_rate(tally, 0.2) == (0.3, Rates(false_accepts=2, hours=10.0, missed=1, trials=4))
    assert at_rate(tally, 5.0) == (0.2, Rates(false_accepts=3, hours=10.0, missed=1, trials=4))


def test_where_there_is_nothing_to_divide_by_there_is_no_rate():
    none = Rates(false_accepts=2, hours=0.0, missed=0, trials=0)
    assert (none.per_hour, none.per_hour_95, none.frr, none.frr_95) == (None,) * 4
    some = Rates(false_accepts=0, hours=30.0, missed=0, trials=10)
    assert some.per_hour == 0.0 and some.per_hour_95[0] == 0.0 < some.per_hour_95[1], "no event is no proof of none"
