"""The terminal's tables, from documents written by hand: what comes first, and that nothing is lost. Around 0.5 s."""

import io
import re
import sys

import pytest

from tests.measure.test_report import MADE, document, made, many_conditions_of_two, plain, recording
from wakegate.cli import terminal
from wakegate.cli.measure_table import show
from wakegate.measure.engines import Heard
from wakegate.measure.report.words import short


@pytest.fixture
def shown(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")

    def rows(found):
        """Return the cells of each line of the first engine's tables."""
        show(found)
        tables = capsys.readouterr().out.split(f"\n{[*short(found).values()][-1]}: ")[0]
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


class Screen(io.StringIO):
    """A terminal, as far as anybody asks."""

    def isatty(self):
        return True


@pytest.fixture
def narrow(monkeypatch):
    def screen(columns):
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setattr(sys, "stdout", made := Screen())
        return made

    return screen


def words(cells):
    return {word for own in cells for cell in own for word in cell.split()}


COLUMNS = ("word", "an hour", "to go", "95 % by speaker")
ROW = ("smart_mirror", "1795 (1500-2031)", "30 h (45 h)", "12-20")


@pytest.mark.parametrize(
    ("wide", "left"), [(80, COLUMNS), (45, ("word", "an hour", "95 % by speaker")), (35, COLUMNS[:2])]
)
def test_a_narrow_terminal_goes_without_columns_and_breaks_no_word(narrow, wide, left):
    screen = narrow(wide)
    terminal.table("title", COLUMNS, [ROW], ("to go", "95 % by speaker"))
    lines = re.sub(r"\x1b\[[0-9;]*m", "", screen.getvalue()).splitlines()
    assert max(map(len, lines)) <= wide
    shown = {word for line in lines[1:] for word in re.findall(r"[^\s┃│┏━┳┓┡╇┩└─┴┘├┼┤+|=-][^\s┃│]*", line)}
    assert shown == words([left, [ROW[COLUMNS.index(name)] for name in left]])


def test_where_nobody_looks_nothing_is_wrapped(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")
    terminal.table("a title of more than thirty letters, as titles are", COLUMNS, [ROW], ("to go",))
    title, _, head, _, row, _ = capsys.readouterr().out.splitlines()
    assert title.endswith("as titles are") and all(name in head for name in COLUMNS)
    assert all(cell in row for cell in ROW)


def test_engines_are_called_by_their_short_names(capsys):
    show(plain())
    shown = capsys.readouterr().out
    assert "\nb.py: " in shown and "2: b.py " in shown and "/x/env" not in shown


def test_nothing_missed_has_no_interval_by_speaker(shown):
    recordings = [
        recording(f"{n}.wav", [("alexa", 10)], speaker=f"p{n}", condition="near far".split()[n % 2]) for n in range(12)
    ]
    found = [((Heard(word="alexa", at=163_200, score=0.9),) if n % 2 or n > 5 else ()) for n in range(12)]
    rows = document(recordings, [("e", {"alexa": 0.5}, found), ("f", {"alexa": 0.5}, found)])
    by = {row["condition"]: row for row in rows["engines"][0]["rates"]}
    assert by["far"]["missed"] == 0 and by["far"]["frr_95_by_speaker"] is None and by["far"]["speakers"] == 6
    low, high = by["near"]["frr_95_by_speaker"]
    assert low < 0.5 < high
    head, *cells = shown(rows)
    assert (
        head[-1] == "95 % by speaker" and [row[-1] for row in cells[1:3]] == ["-", cells[2][-1]] and "-" != cells[2][-1]
    )
