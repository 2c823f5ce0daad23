"""The report: the same document gives the same page, its pictures are true to their numbers. Around 3 s.

Documents are real ones, from detections written here; nothing is drawn that the counts do not say.
"""

import json
import math
import subprocess
import sys
import xml.etree.ElementTree as ET
from functools import cache
from pathlib import Path

import pytest

from wakegate.measure import result
from wakegate.measure.conditions.made import Conditions
from wakegate.measure.corpus import Corpus
from wakegate.measure.engines import Heard
from wakegate.measure.listening.run import Hearing
from wakegate.measure.measured import Measured
from wakegate.measure.recording import Recording, Reference
from wakegate.measure.report import page, standalone
from wakegate.measure.report.axes import GUTTER, Linear, Rate, rate_axis
from wakegate.measure.report.det import corners, det, drawn, pooled, stairs
from wakegate.measure.report.histogram import BINS, binned, scores
from wakegate.measure.report.marks import picture, safe, text
from wakegate.measure.report.rates import grouped
from wakegate.measure.report.view import views
from wakegate.measure.report.words import called, headline, hourly, missing, unsaid
from wakegate.rates import garwood, wilson

RATE = 16_000
ROOT = Path(__file__).parents[2]
SVG = "{http://www.w3.org/2000/svg}"
NASTY = "<b>&\"'\x1b]]>\udce4"


class Hand:
    """An engine whose detections are written in the test."""

    def __init__(self, name, thresholds):
        self.name, self.thresholds, self.about = name, thresholds, {"model_sha256": "5ea1" * 16}

    def hear(self, sound):
        raise NotImplementedError


def recording(name, words=(), seconds=360, condition="", speaker="", made=None):
    """Write a recording with words of half a second at their times; ``made`` as the plan names it."""
    said = tuple(
        Reference(word=word, start=int(at * RATE), end=int((at + 0.5) * RATE), speaker=speaker) for word, at in words
    )
    length = seconds * RATE
    condition, name = ", ".join(filter(None, (condition, made))), f"{name} [{made}]" if made else name
    return Recording(
        name=name, audio=Path(name), first=0, length=length, references=said, condition=condition, made_condition=made
    )


def heard(*said):
    return tuple(Heard(word=word, at=int(at * RATE), score=score) for word, at, score in said)


def document(recordings, engines, *extra):
    """Return what results.json would hold; ``engines`` are (name, thresholds, what was heard in each recording)."""
    sha = tuple((one.name, "0" * 64) for one in recordings)
    names = tuple(dict.fromkeys(one.made_condition for one in recordings if one.made_condition))
    files = (("noise", "kitchen.wav", "4015e" * 12),)
    conditions = Conditions(names=names, files=files, versions=(("libnoise", "1.2.3"),)) if names else None
    corpus = Corpus(
        path=Path("evenings"), recordings=tuple(recordings), sha256=sha, notes=("one note",), conditions=conditions
    )
    measured = []
    for name, thresholds, found in engines:
        hearings = [
            Hearing(recording=one, failure=own) if isinstance(own, str) else Hearing(recording=one, heard=own)
            for one, own in zip(recordings, found, strict=True)
        ]
        measured.append(Measured(engine=Hand(name, thresholds), hearings=tuple(hearings)))
    command = ["wakegate", "measure", "evenings", *extra]
    return result.document(corpus, measured, tolerance=RATE // 2, seed=7, command=command)


@cache
def plain():
    """Two words, two conditions, two engines."""
    recordings = [
        recording("a.wav", [("alexa", 10), ("alexa", 20), ("jarvis", 30)], 3600, "near", "p1"),
        recording("b.wav", [("alexa", 10), ("jarvis", 30)], 7200, "far", "p2"),
    ]
    first = [
        heard(("alexa", 10.2, 0.9), ("alexa", 20.2, 0.4), ("jarvis", 30.2, 0.8), ("alexa", 100.0, 0.7)),
        heard(("alexa", 10.2, 0.6), ("jarvis", 500.0, 0.95), ("jarvis", 600.0, 0.2), ("alexa", 700.0, 0.1)),
    ]
    second = [heard(("alexa", 10.2, 2.5)), heard(("alexa", 800.0, -3.0))]
    return document(
        recordings, [("wakegate", {"alexa": 0.5, "jarvis": 0.3}, first), ("exec:/x/env python /y/b.py", None, second)]
    )


@cache
def one_word_without_events():
    return document([recording("quiet.wav")], [("wakegate", {"alexa": 0.5}, [()])])


@cache
def without_quiet():
    everything = recording("a.wav", [("alexa", 0)], 1)
    return document([everything], [("wakegate", {"alexa": 0.5}, [heard(("alexa", 0.2, 0.9))])])


WORDS_OF_TWO = [("alexa", 10), ("alexa", 20), ("jarvis", 30), ("jarvis", 40)]
MADE = ["clean", "noise 10 dB"]


@cache
def made():
    """Two words, two made conditions, one of the corpus: the same two hours and four words, heard in both."""
    recordings = [recording("a.wav", WORDS_OF_TWO, 7207, "far", "p1", name) for name in MADE]
    clean = heard(("alexa", 10.3, 0.9), ("alexa", 20.3, 0.8), ("jarvis", 30.3, 0.7), ("alexa", 100, 0.6))
    noisy = heard(("alexa", 10.3, 0.55), ("alexa", 20.3, 0.3), ("alexa", 200, 0.9), ("alexa", 300, 0.4),
                  ("jarvis", 400, 0.7))  # fmt: skip
    thresholds = {"alexa": 0.5, "jarvis": 0.5}
    other = [heard(("alexa", 10.3, 0.9)), ()]
    return document(recordings, [("wakegate", thresholds, [clean, noisy]), ("other", thresholds, other)])


@cache
def made_of_two():
    """Two made conditions of a corpus with two of its own, and a recording that it gives none."""
    recordings = [
        recording(f"{own or 'some'}.wav", [("alexa", 10)], 3602, own, made=name)
        for name in MADE for own in ("tv", "far", "")
    ]  # fmt: skip
    found = [heard(("alexa", 10.3, 0.9))] * 4 + [()] * 2
    return document(recordings, [("wakegate", {"alexa": 0.5}, found)])


@cache
def many_conditions():
    recordings = [recording(f"{n}.wav", [("alexa", 10)], 60 + n, f"{n} dB", f"p{n}") for n in range(30)]
    found = [heard(("alexa", 10.3, n / 30), ("alexa", 40, 1 - n / 30)) for n in range(30)]
    return document(recordings, [("wakegate", {"alexa": 0.5}, found)])


@cache
def failed():
    recordings = [recording(f"{n}.wav", [("alexa", 10)]) for n in range(30)]
    dead = ("exec:dead", None, ["it ended with signal SIGSEGV"] * 30)
    half = ("exec:half", None, ["it was killed", *[heard(("alexa", 10.1, None))] * 29])
    return document(recordings, [("wakegate", {"alexa": 0.5}, [()] * 30), dead, half])


@cache
def many_conditions_of_two():
    """Twelve conditions with names of some length, two words, and an engine that was run at three sensitivities."""
    names = [f"{noise}, room 0.{n} s at {n} m" for n in (1, 2, 3) for noise in ("clean", "-5 dB", "5 dB", "10 dB")]
    recordings = [recording(name, [("alexa", 10), ("jarvis", 20)], 300, name) for name in names]
    scored = [heard(("alexa", 10.3, 0.9), ("alexa", 10.8, 0.8), ("jarvis", 20.3, n / 12)) for n in range(12)]
    swept = [heard(("alexa", 10.3, 0.3 * (n % 4)), ("jarvis", 99, 0.3 * (n % 3))) for n in range(1, 13)]
    thresholds = {"alexa": 0.5, "jarvis": 0.5}
    found = document(recordings, [("wakegate", thresholds, scored), ("other", thresholds, swept)])
    found["engines"][1]["swept_by"] = "sensitivity"
    return found


@cache
def many_words():
    names = {f"word_{n}": 0.5 for n in range(25)}
    said = [(word, 10 * n + 5) for n, word in enumerate(names)]
    found = [heard(*((word, at + 0.2, n / 25) for n, (word, at) in enumerate(said)), ("word_3", 300, 0.9))]
    return document([recording("long.wav", said)], [("wakegate", names, found)])


@cache
def nasty():
    one = recording(NASTY, [(NASTY, 10)], condition=NASTY, speaker=NASTY)
    other = recording("b" + NASTY, [], condition="b" + NASTY)
    found = [heard((NASTY, 90.0, 0.9)), heard((NASTY, 90.0, 0.8))]
    return document([one, other], [(f"exec:{NASTY}", None, found), ("exec:b", None, ["failed" + NASTY, ()])], NASTY)


KINDS = [
    plain, one_word_without_events, without_quiet, many_conditions, many_conditions_of_two, failed, many_words, nasty,
    made, made_of_two,
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_document_and_results_json_give_the_same_bytes_and_whole_xml(kind):
    found = kind()
    shown = page(found)
    shown.encode("utf-8")
    assert shown == page(found) == page(json.loads(json.dumps(found, allow_nan=False)))
    whole = ET.fromstring(shown)
    ids = [one.get("id") for one in whole.iter() if one.get("id")]
    assert len(ids) == len(set(ids))
    pictures = list(whole.iter(f"{SVG}svg"))
    assert pictures and shown.count("<svg") == len(pictures)
    for one in pictures:
        assert one.find(f"{SVG}title").text and one.find(f"{SVG}desc").text
        assert set(one.get("aria-labelledby").split()) <= set(ids)
        wide, high = (float(side) for side in one.get("viewBox").split()[2:])
        for mark in one.iter(f"{SVG}text"):
            if mark.get("x"):
                x, size = float(mark.get("x")), 6.4 * len(mark.text)
                left = {"start": x, "middle": x - size / 2, "end": x - size}[mark.get("text-anchor")]
                assert -1 <= left and left + size <= wide + 4 and 8 <= float(mark.get("y")) <= high, mark.text
        assert "nan" not in ET.tostring(one, encoding="unicode").replace("nanoseconds", "")


@pytest.mark.parametrize("kind", KINDS)
def test_it_loads_nothing(kind):
    shown = page(kind())
    for loading in ("<script", "<link", "<img", "<iframe", "src=", "href=", "url(", "@import", "@font-face"):
        assert loading not in shown
    assert shown.count("http") == shown.count("http-equiv") + shown.count("http://www.w3.org/")
    assert "default-src 'none'; style-src 'unsafe-inline'\"" in shown and "<audio" not in shown


def test_names_stay_text():
    shown = page(nasty())
    assert "<b>" not in shown and "\x1b" not in shown and "\udce4" not in shown
    assert "&lt;b&gt;&amp;&quot;&#x27;\ufffd]]&gt;\ufffd" in shown
    assert safe(NASTY) == "&lt;b&gt;&amp;&quot;&#x27;\ufffd]]&gt;\ufffd"
    drawn = picture("n", (10, 10), NASTY, NASTY, [text((1, 1), NASTY)])
    assert ET.fromstring(drawn)[-1].text == "<b>&\"'\ufffd]]>\ufffd"


def test_what_stands_in_which_order():
    shown = page(plain())
    order = [
        '<p class="headline', 'id="det-title"', 'id="rates-title"', 'id="scores-0-title"', 'id="mistakes-0-title"',
        "On the same sound", "What is not shown", "To repeat it", "5ea1" * 16,
    ]  # fmt: skip
    found = [shown.index(one) for one in order]
    assert found == sorted(found)
    # Numbers stand as text beside the pictures.
    for said in ("2 in 3.0 h", "2 of 5", "wakegate measure evenings", "Take note: one note.", "McNemar, exact: p 0.50"):
        assert said in shown


def test_the_headline_can_be_pasted():
    found = plain()
    said = headline(found, found["engines"][0])
    assert said == (
        "Over 2 conditions together, at its own thresholds, wakegate accepted falsely 0.67 times an hour "
        "(95 % CI 0.081 to 2.4; 2 in 3.0 h without wake words) and missed 40 % of the wake words "
        "(95 % CI 12 to 77; 2 of 5, 2 speakers), with events matched one to one within 0.5 s of a label "
        "(exact Poisson and Wilson intervals)."
    )
    assert headline(found, found["engines"][1]).endswith("(exact Poisson and Wilson intervals).")
    assert "together, counting whatever it said, b.py accepted falsely 0.33" in headline(found, found["engines"][1])
    found = one_word_without_events()
    said = headline(found, found["engines"][0])
    few = "accepted falsely 0 times an hour (95 % CI 0 to 37; 0 in 6.0 min without wake words)"
    assert few in said and "missed" not in said
    found = failed()
    assert headline(found, found["engines"][1]) == "dead could not be measured: it heard no recording to its end."
    assert headline(found, found["engines"][2]).startswith("At its own setting (it gives no scores), half accepted")
    assert "times" not in headline(without_quiet(), without_quiet()["engines"][0])


@pytest.mark.parametrize(
    ("engine", "name"),
    [
        ("wakegate", "wakegate"),
        ("wakegate:/models/new.onnx", "wakegate:new.onnx"),
        ("exec:env A=/b /usr/bin/python3 -S /a/engine.py --word alexa", "engine.py --word alexa"),
        ("exec:python", "python"),
        ("exec:" + "x" * 50, "x" * 17 + "…" + "x" * 18),
    ],
)
def test_engines_have_short_names(engine, name):
    assert called({"engine": engine}) == name


def test_words_are_pooled_around_their_own_thresholds():
    engine = plain()["engines"][0]
    points = pooled(engine["sweep"], {"alexa": 0.5, "jarvis": 0.3})
    assert points[0] == (math.inf, 0, 5) and points[-1][1:] == (4, 1)
    (own,) = [point for point in points if point[0] == min(margin for margin, *_ in points if margin >= 0)]
    row = engine["rates"][2]
    assert row["word"] == "all words" and own[1:] == (row["false_accepts"], row["missed"]) == (2, 2)
    assert corners(points) == [(0, 5), (1, 3), (2, 2), (3, 1), (4, 1)]


def test_points_lie_where_they_should():
    x = Rate(-2, 2, 100, 500 + GUTTER)
    assert [x.at(rate) for rate in (0.01, 0.1, 1, 100)] == pytest.approx([146, 246, 346, 546])
    assert x.at(0) == 100 + GUTTER / 2 and x.at(1e-9) == x.edge and x.at(1e9) == 546
    assert x.ticks() == [0, 0.01, 0.1, 1, 10, 100]
    assert (rate_axis([0.3, 12, 0], 0, 1).low, rate_axis([0.3, 12, 0], 0, 1).high) == (-1, 2)
    assert (rate_axis([1.0], 0, 1).low, rate_axis([1.0], 0, 1).high, rate_axis([], 0, 1).low) == (0, 1, -1)
    y = Linear(0, 100, 400, 20)
    assert (y.at(0), y.at(50), y.at(100), y.ticks()) == (400, 210, 20, [0, 20, 40, 60, 80, 100])
    assert Linear(-0.31, 0.52, 0, 1).ticks() == [-0.2, 0, 0.2, 0.4]
    assert stairs([(0, 9), (5, 9), (5.2, 7), (9, 4)]) == [(0, 9), (5, 9), (5, 9), (9, 9), (9, 4)]


def test_the_operating_point_is_drawn_where_it_was_counted():
    found = plain()
    whole = ET.fromstring(page(found))
    (det,) = [one for one in whole.iter(f"{SVG}svg") if "det-title" in one.get("aria-labelledby")]
    (mark,) = [
        one for one in det if (one.find(f"{SVG}title") is not None and "scale(6)" in (one.get("transform") or ""))
        and one.find(f"{SVG}title").text.startswith("1 wakegate")
    ]  # fmt: skip
    row = found["engines"][0]["rates"][2]
    ((_, _, lines),) = drawn(found)
    rates = [one.corners[-1][0] / one.row["hours"] for one in lines] + [1 / one.row["hours"] for one in lines]
    rates += [end for one in lines if not one.thin for end in one.row["per_hour_95"]]
    rates += [garwood(one.corners[-1][0], one.row["hours"])[1] for one in lines if not one.thin]
    x = rate_axis(rates, 64, 690).at(row["per_hour"])
    assert mark.get("transform").startswith(f"translate({x:.1f} {400 - 376 * row['frr']:.1f})")
    assert "solid" in mark.get("class")
    assert [one.label for one in lines] == ["alexa", "jarvis", "1 wakegate", "alexa", "jarvis", "2 b.py"]


def shapes(drawn, kind):
    """Return the points of the paths of a class."""
    paths = [
        one.get("d") for one in ET.fromstring(drawn).iter(f"{SVG}path") if kind in (one.get("class") or "").split()
    ]
    return [[tuple(map(float, point.split())) for point in one.strip("Mz").split("L")] for one in paths]


def test_the_band_is_each_corners_two_intervals():
    """Three hours, one false accept at 0.7, words found at 0.9 and 0.6: corners (0, 1) and (1, 0) of 2."""
    said = heard(("alexa", 10.2, 0.9), ("alexa", 20.2, 0.6), ("alexa", 100.0, 0.7))
    found = document(
        [recording("a.wav", [("alexa", 10), ("alexa", 20)], 10_803)], [("wakegate", {"alexa": 0.5}, [said])]
    )
    row = found["engines"][0]["rates"][0]
    assert row["hours"] == pytest.approx(3.0, abs=1e-4)
    (band,) = shapes(det(found)[0], "band")
    x, y = rate_axis([1 / 3, *garwood(1, 3.0)], 64, 690), Linear(0, 100, 400, 24)
    for false, missed in ((0, 1), (1, 0)):
        for n in (0, 1):
            corner = x.at(garwood(false, 3.0)[n]), y.at(100 * wilson(missed, 2)[n])
            assert any(one == pytest.approx(corner, abs=0.1) for one in band), (false, missed, n)
    assert min(one[1] for one in band) == 24.0, "nothing is known of lower rates than the first corner's"
    assert "pointwise" in page(found)


def test_settings_are_points_and_never_a_line():
    found = many_conditions_of_two()
    lines = {one.label: one for one in drawn(found)[0][-1] if not one.thin}
    # 0.9: alexa in 3 of 12. 0.6: 3 more, and jarvis, never right, in 4. 0.3: 3 and 4 more. 0.0: the rest.
    assert lines["2 other"].settings and lines["2 other"].corners == [(0, 21), (4, 18), (8, 15), (12, 12)]
    (shown,) = det(found)
    assert not shapes(shown, "thick c1") and "thick c1" not in shown and "band c1" not in shown
    assert shown.count("faint c1") == 8 and "thick c0" in shown
    assert "was run once at each sensitivity" in "\n".join(missing(found)) and "Scores of 2 other" not in page(found)
    own = found["engines"][1].pop("swept_by")
    assert "thick c1" in det(found)[0] and not drawn(found)[0][-1][-1].settings
    found["engines"][1]["swept_by"] = own


def test_twelve_conditions_stand_in_their_order_with_a_row_each():
    found = many_conditions_of_two()
    _, rows = grouped(found)
    assert [name for name, _ in rows[:5]] == [
        "-5 dB, room 0.1 s at 1 m", "-5 dB, room 0.2 s at 2 m", "-5 dB, room 0.3 s at 3 m",
        "5 dB, room 0.1 s at 1 m", "5 dB, room 0.2 s at 2 m",
    ]  # fmt: skip
    shown = page(found)
    table = shown[shown.index("All words, by condition") : shown.index("Each word, all sound")]
    assert table.count("<tr>") == 1 + 12 * 2 and table.count("10 dB, room 0.3 s at 3 m") == 2


def test_made_conditions_are_shown_side_by_side_and_never_together():
    found = made()
    said = headline(found, found["engines"][0])
    assert said.startswith("In clean, at its own thresholds, wakegate accepted falsely 0.50 times an hour")
    assert "; 1 in 2.0 h without wake words) and missed 25 % of the wake words (95 % CI 4.6 to 70; 1 of 4, 1" in said
    assert said.endswith("On the same words in noise 10 dB, 1.00 (0.12 to 3.6) false accepts an hour, 75 (30 to 95) % "
                         "missed.")  # fmt: skip
    curves = [(name, [(one.label, one.number, one.corners) for one in lines]) for name, _, lines in drawn(found)]
    assert curves[0] == (
        "det-0", [("clean", 0, [(0, 1), (1, 1)]), ("noise 10 dB", 1, [(0, 4), (1, 4), (2, 3), (3, 2)])]
    )  # fmt: skip
    by, rows = grouped(found)
    assert (by, [name for name, _ in rows]) == ("condition", MADE) and [len(own) for _, own in rows] == [2, 2]
    assert [(view.name, sum(pair[1] for pair in scores(view)[0])) for view in views(found)] == [
        ("0", 3), ("0-1", 2), ("1", 1), ("1-1", 0),
    ]  # fmt: skip
    shown = page(found)
    assert "1 recording, 2.0 h of sound, 4 wake words in each of 2 conditions" in shown
    assert "together" not in shown.replace("moved together", "") and "all sound" not in shown
    assert "noise 10 dB, all words: of 4 wake words, 1 wakegate alone missed 0, 2 other alone 1, both 3" in shown
    for said in ("<dd>clean; noise 10 dB</dd>", "libnoise 1.2.3", "<dt>noise kitchen.wav</dt><dd>4015e4015e"):
        assert said in shown[shown.index("To repeat it") :]
    table = shown[shown.index("All words, by condition") : shown.index("Each word in each condition")]
    assert table.count("<tr>") == 1 + 2 * 2


def test_the_corpus_s_own_conditions_add_up_within_a_made_one():
    found = made_of_two()
    _, rows = grouped(found)
    own = ["(none)", "far", "tv"]
    listed = [one for name in MADE for one in (*(f"{part}, {name}" for part in own), name)]
    assert [name for name, _ in rows] == listed
    assert headline(found, found["engines"][0]).startswith("In clean, over 3 conditions together, at its own")


def test_of_one_made_condition_the_words_are_shown():
    one = recording("a.wav", [("alexa", 10)], 3700, made="noise 10 dB")
    found = document([one], [("wakegate", {"alexa": 0.5}, [()])])
    assert grouped(found)[0] == "word" and "Each word, noise 10 dB" in page(found)
    assert "in each of" not in page(found) and headline(found, found["engines"][0]).startswith("In noise 10 dB, at")


def test_a_condition_in_which_all_failed_does_not_hide_the_others():
    recordings = [recording("a.wav", WORDS_OF_TWO, 7207, made=name) for name in MADE]
    found = document(recordings, [("wakegate", {"alexa": 0.5, "jarvis": 0.5}, ["it was killed", ()])])
    assert headline(found, found["engines"][0]).startswith("In noise 10 dB, at its own thresholds, wakegate accepted")
    assert [row["trials"] for row in found["engines"][0]["rates"]] == [0, 0, 0, 2, 2, 4] and "clean" in page(found)


def test_a_rate_of_less_than_an_hour_has_its_interval_and_its_exposure_too():
    row = {"hours": 0.25, "false_accepts": 1, "per_hour": 4.0, "per_hour_95": (0.1, 22.29)}
    assert hourly(row) == hourly({**row, "hours": 1.0}) == "4.0 (0.10 to 22)"
    shown = page(many_conditions_of_two())
    assert "<td>0 in 4.9 min</td>\n<td>0 (0 to 45)</td>".replace("\n", "") in shown and "up to 45" not in shown
    assert "one false accept more or less is" in "\n".join(missing(one_word_without_events()))


def test_speakers_are_those_of_the_words_that_an_engine_knows():
    recordings = [recording(f"{n}.wav", [(("alexa", "jarvis")[n % 2], 10)], speaker=f"p{n}") for n in range(5)]
    found = document(recordings, [(name, {name: 0.5}, [()] * 5) for name in ("alexa", "jarvis")])
    assert found["corpus"]["speakers"] == 5
    assert ["3 of 3, 3 speakers" in headline(found, one) for one in found["engines"]] == [True, False]
    assert "2 of 2, 2 speakers" in headline(found, found["engines"][1])


def test_what_is_needed_to_repeat_it_is_no_json():
    found = json.loads(json.dumps(plain()))
    found["engines"][0]["about"] = {"thresholds": {"alexa": 0.5, "jarvis": 0.3}, "settings": [0.1, 0.2]}
    foot = page(found).split("To repeat it")[1]
    assert "<dd>alexa 0.5, jarvis 0.3</dd>" in foot and "<dd>0.1, 0.2</dd>" in foot


def test_a_second_detection_is_marked_as_a_duplicate():
    """Found at 10.2; again at 10.9, inside the tolerance; a third time at 11.2, outside of it; and another word."""
    said = heard(("alexa", 10.2, 0.9), ("alexa", 10.9, 0.7), ("alexa", 11.2, 0.8), ("jarvis", 10.3, 0.6))
    found = document([recording("a.wav", [("alexa", 10)])], [("e", {"alexa": 0.5, "jarvis": 0.5}, [said])])
    loudest = found["engines"][0]["mistakes"][0]["false_accepts"]["loudest"]
    assert {one["at_s"]: one["duplicate"] for one in loudest} == {10.9: True, 11.2: False, 10.3: False}
    assert page(found).count("<td>duplicate</td>") == 1 and "alexa twice at 0:10.9" in page(found)


@pytest.mark.parametrize("kind", KINDS)
def test_its_pictures_as_a_file(kind):
    shown = standalone(kind())
    whole = ET.fromstring(shown)
    assert whole.tag == f"{SVG}svg" and whole.get("viewBox") and "paper" in shown
    assert all(one not in shown for one in ("href", "url(", "@import", "<script")) and shown.count("http") == 1


def test_none_counted_is_an_upper_limit():
    recordings = [recording("a.wav", [("alexa", 10)], 3700)]
    shown = page(document(recordings, [("wakegate", {"alexa": 0.5}, [heard(("alexa", 10.1, 0.9))])]))
    assert "none counted: may be up to 3.6 an hour" in shown
    assert 'class="c0 hollow"' in shown and "0 (0 to 3.6) false accepts an hour, 0 (0 to 79) % missed" in shown


def test_histograms_hold_every_event():
    found, threshold = scores(next(views(plain())))
    assert threshold == 0.0, "two thresholds: scores count from their word's own"
    bins = binned(found, Linear(-1, 1, 0, 1))
    assert len(bins) == BINS and [sum(pair[n] for pair in bins) for n in (0, 1)] == [4, 4]
    assert bins[int((0.9 - 0.5 + 1) / 2 * BINS)][0] == 1
    assert scores(next(views(many_conditions())))[1] == 0.5


def test_conditions_are_in_the_order_people_count():
    by, rows = grouped(many_conditions())
    assert by == "condition" and [name for name, _ in rows] == [*(f"{n} dB" for n in range(30)), "all"]
    by, rows = grouped(many_words())
    assert by == "word" and len(rows) == 26 and rows[-1][0] == result.SUM


def test_the_loudest_mistakes():
    false, missed = (plain()["engines"][0]["mistakes"][0][kind] for kind in ("false_accepts", "misses"))
    assert (false["count"], missed["count"]) == (2, 2)
    assert [(one["recording"], one["at_s"], one["score"]) for one in false["loudest"]] == [
        ("b.wav", 500.0, 0.95), ("a.wav", 100.0, 0.7),
    ]  # fmt: skip
    assert false["loudest"][1]["nearest"] == {"word": "jarvis", "start_s": 30.0, "away_s": 69.5}
    assert [(one["recording"], one["start_s"], one["score"]) for one in missed["loudest"]] == [
        ("b.wav", 30.0, None), ("a.wav", 20.0, 0.4),
    ]  # fmt: skip
    assert "not heard" in page(plain())


def test_twenty_of_a_kind_are_kept_and_the_rest_is_said():
    found = [heard(*(("alexa", 10.0 * n + 5, (n + 1) / 40) for n in range(35)))]
    whole = document([recording("a.wav")], [("wakegate", {"alexa": 0.1}, found)])
    false = whole["engines"][0]["mistakes"][0]["false_accepts"]
    kept = [one["score"] for one in false["loudest"]]
    assert false["count"] == 32 and kept == sorted(kept, reverse=True) and len(kept) == 20 and kept[0] == 0.875
    assert "12 more false accepts of wakegate: events.csv lists all." in list(missing(whole))


def test_what_is_missing_is_said():
    said = "\n".join(missing(one_word_without_events()))
    assert "Misses, and the curve: no wake word is labelled." in said and "It takes 10, 2.0, 1.0 h" in said
    assert "only one engine" in said and "names no two conditions" in said
    assert "it heard nothing at any threshold" in said
    assert "all of this sound is wake words" in "\n".join(missing(without_quiet()))
    said = "\n".join(missing(failed()))
    assert "10 more recordings failed with 2 dead" in said and "0.wav counts nowhere for 3 half: it was killed" in said
    assert "here none is named" in said and "gives no scores" in said
    assert "Intervals by speaker" not in "\n".join(missing(many_conditions()))


def test_a_word_that_is_never_said_is_noted():
    (note,) = unsaid(plain())
    assert "never said 'jarvis', which the corpus labels; it said alexa: are they spelt alike?" in note


def test_a_long_curve_stays_a_small_picture():
    rest = [(1 - n / 60_000, n, 1000 - n // 60) for n in range(1, 60_000)]
    found = document([recording("a.wav", [("alexa", 10)], 3600)], [("wakegate", {"alexa": 0.5}, [()])])
    found["engines"][0]["sweep"][0]["curve"] = [(None, 0, 1000), *rest]
    found["engines"][0]["rates"][0]["trials"] = 1000
    assert len(page(found)) < 120_000


def test_anyone_makes_it_again_from_results_json(tmp_path):
    (tmp_path / "results.json").write_text(json.dumps(plain()))
    words = [sys.executable, "-m", "wakegate.measure.report", str(tmp_path / "results.json")]
    subprocess.run(words, cwd=ROOT, check=True)
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == page(plain())
    assert (tmp_path / "report.svg").read_text(encoding="utf-8") == standalone(plain())
    (tmp_path / "results.json").write_text("{}")
    done = subprocess.run(words, cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 1 and "is no results.json of wakegate measure" in done.stderr
