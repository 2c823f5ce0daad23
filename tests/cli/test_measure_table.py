"""The terminal's tables, from documents written by hand: what comes first, and that nothing is lost. Around 0.5 s."""

import pytest

from tests.measure.test_report import MADE, document, made, many_conditions_of_two, plain, recording
from wakegate.cli.measure_table import show


@pytest.fixture
def shown(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")

    def rows(found):
        """Return the cells of each line of the first engine's tables."""
        show(found)
        tables = capsys.readouterr().out.split(f"\n{found['engines'][-1]['engine']}: ")[0]
        lines = (line for line in tables.splitlines() if line.startswith(("┃", "│")))
        return [[cell.strip() for cell in line.strip("┃│").replace("┃", "│").split("│")] for line in lines]

    return rows


def test_a_summary_of_all_words_in_each_condition_comes_first(shown):
    rows = shown(many_conditions_of_two())
    summary, detail = rows[:14], rows[14:]
    assert summary[0] == ["condition", "false accepts", "an hour", "to go", "missed", "%"]
    assert summary[1][0] == "all sound"
    conditions = [row[0] for row in summary[2:]]
    assert len(set(conditions)) == 12 and "10 dB, room 0.3 s at 3 m" in conditions
    assert detail[0] == ["word", "condition", "threshold", "false accepts", "an hour", "missed", "%"]
    assert [row[:2] for row in detail[1:27]] == [
        [word, condition] for condition in ("all sound", *conditions) for word in ("alexa", "jarvis")
    ]


def test_made_conditions_have_a_row_each_and_no_sum(shown):
    rows = shown(made())
    summary, detail, at = rows[:3], rows[3:8], rows[8:]
    assert [row[:2] for row in summary[1:]] == [["clean", "1 in 2.0 h"], ["noise 10 dB", "2 in 2.0 h"]]
    assert [row[:2] for row in detail[1:]] == [[word, name] for name in MADE for word in ("alexa", "jarvis")]
    assert at[0][:3] == ["condition", "word", "false accepts an hour, at most"]
    assert ["noise 10 dB", "alexa", "1", "0.3", "0 of 2"] in [row[:5] for row in at]
    assert "all sound" not in {cell for row in rows for cell in row}


def test_comparisons_are_shown_by_condition(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    show(made())
    shown = capsys.readouterr().out.split("same sound")[1]
    assert [line.split("│")[1].strip() for line in shown.splitlines() if line.startswith("│")] == [
        name for name in MADE for _ in range(3)
    ]


def test_the_numbers_stay_with_their_rows(shown):
    found = plain()
    lines = shown(found)
    for row in found["engines"][0]["rates"]:
        name, condition = row["word"], row["condition"] or "all sound"
        (cells,) = (
            one for one in lines if one[:2] == [name, condition] or (name == "all words" and one[0] == condition)
        )
        assert any(cell.startswith(f"{row['false_accepts']} in ") for cell in cells)
        assert f"{row['missed']} of {row['trials']}" in cells


def test_one_word_in_two_conditions_has_a_row_for_each(shown):
    recordings = [recording("a.wav", [("alexa", 10)], condition=name) for name in ("near", "far")]
    head, *rows = shown(document(recordings, [("e", {"alexa": 0.5}, [(), ()]), ("f", {"alexa": 0.5}, [(), ()])]))
    assert [row[:2] for row in rows[:3]] == [[at, "0.5"] for at in ("all sound", "far", "near")]
    assert "to go" in head


def test_without_conditions_words_come_before_their_sum(shown):
    words = {"alexa": 0.5, "jarvis": 0.5}
    head, *rows = shown(document([recording("a.wav")], [("e", words, [()]), ("f", words, [()])]))
    assert head[:3] == ["word", "threshold", "false accepts"]
    assert [row[0] for row in rows[:3]] == ["alexa", "jarvis", "all words"]
