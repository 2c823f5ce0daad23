"""``wakegate measure`` from the command to its files, on real sound and real programs. Around 6 s."""

import csv
import json
import re
import shlex
import shutil
import sys

import numpy as np
import pytest
import soundfile

from tests.cli.process import RATE, ROOT, SIX_WORDS, bad_files, command, six_words
from wakegate.cli import main
from wakegate.wake import load

ENGINE = ROOT / "tests" / "measure" / "engines" / "engine.py"
TRUTH = json.loads((ROOT / "tests" / "data" / "six_words.json").read_text())
WORDS = [entry["word"] for entry in TRUTH]


def program(*words):
    return f"exec:{shlex.join([sys.executable, '-S', '-E', str(ENGINE), *words])}"


@pytest.fixture
def corpus(tmp_path):
    folder = tmp_path / "corpus"
    folder.mkdir()
    return folder


@pytest.fixture
def six(corpus):
    """The six words, with their labels."""
    shutil.copy(SIX_WORDS, corpus)
    shutil.copy(SIX_WORDS.with_suffix(".txt"), corpus)
    return corpus


@pytest.fixture
def measure(tmp_path, capsys, monkeypatch):
    """Run it; return exit code, results, rows of events.csv, stdout and stderr."""

    monkeypatch.setenv("COLUMNS", "200")

    def run(path, *words, out="out"):
        code = main(["measure", str(path), "--out", str(tmp_path / out), *map(str, words)])
        shown, said = capsys.readouterr()
        folder = tmp_path / out
        if not (folder / "results.json").exists():
            return code, None, None, shown, said
        with (folder / "events.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        return code, json.loads((folder / "results.json").read_text()), rows, shown, said

    return run


def beeps(path, at_s, seconds=20.0, loud=16_384):
    """Write silence with a beep of half a second at each time."""
    samples = np.zeros(round(seconds * RATE), np.int16)
    for one in at_s:
        samples[round(one * RATE) : round(one * RATE) + 8000] = loud
    soundfile.write(path, samples, RATE)


def rate(found, word, engine=0, condition=None):
    (row,) = (r for r in found["engines"][engine]["rates"] if (r["word"], r["condition"]) == (word, condition))
    return row


def test_the_six_words(measure, six):
    code, found, events, shown, said = measure(six, "--engine", "wakegate")
    assert code == 0
    assert [row["word"] for row in found["engines"][0]["rates"]] == [*load().words, "all words"]
    together = rate(found, "all words")
    quiet_s = 18.0 - sum(one["end_s"] - one["start_s"] + 1.0 for one in TRUTH)
    assert together["hours"] * 3600 == pytest.approx(quiet_s, abs=1e-3)
    assert (together["false_accepts"], together["missed"], together["trials"]) == (0, 0, 6)
    assert together["per_hour_95"][0] == 0 < together["per_hour_95"][1]
    assert [(e["outcome"], e["word"], float(e["start_s"])) for e in events] == [
        ("hit", one["word"], one["start_s"]) for one in TRUTH
    ]
    about = found["engines"][0]["about"]
    assert about["model_sha256"] == load().manifest.sha256
    assert found["corpus"]["files"].keys() == {"six_words.flac", "six_words.txt"}
    assert "smart_mirror" in shown and "0 of 6" in shown
    assert "results.json holds everything" in said and "report.html shows it" in said


def test_the_page_shows_what_it_prints(tmp_path):
    page = (ROOT / "wakegate" / "measure" / "README.md").read_text()
    line = re.search(r"^wakegate (measure .*)$", page, re.MULTILINE)[1]
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    done = command(tmp_path, *shlex.split(line))
    shown = re.search(r"^```text\n(.*?)^```", page, re.MULTILINE | re.DOTALL)[1]
    # The page is 100 columns wide; a table is as wide as it needs.
    strip = lambda text: [line.rstrip() for line in text.strip().splitlines()]  # noqa: E731
    assert done.returncode == 0 and strip(done.stdout.decode()) == strip(shown)


def test_the_same_again_is_the_same_to_the_byte(measure, six, tmp_path):
    written = []
    for _ in range(2):
        measure(six, "--engine", "wakegate", "--engine", program("loud"))
        written.append(
            [(tmp_path / "out" / name).read_bytes() for name in ("results.json", "events.csv", "report.html")]
        )
    assert written[0] == written[1]


def test_cut_in_two_it_comes_to_the_same(measure, six):
    """The words of a file, and of the file's two halves as a manifest has them."""
    rows = [
        {"audio": "six_words.flac", "offset_s": start, "duration_s": 9.0, "events": [
            {**one, "start_s": one["start_s"] - start, "end_s": one["end_s"] - start}
            for one in TRUTH if start <= one["start_s"] < start + 9.0
        ]}
        for start in (0.0, 9.0)
    ]  # fmt: skip
    (six / "list.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    _, whole, _, _, _ = measure(six, "--engine", "wakegate")
    _, halves, events, _, _ = measure(six / "list.jsonl", "--engine", "wakegate", out="halves")
    assert [r["missed"] for r in halves["engines"][0]["rates"]] == [r["missed"] for r in whole["engines"][0]["rates"]]
    assert rate(halves, "all words")["hours"] == pytest.approx(rate(whole, "all words")["hours"])
    assert {e["recording"] for e in events} == {"six_words.flac@0.0s", "six_words.flac@9.0s"}


def test_a_threshold_of_ones_own_and_the_sweep_agree(measure, six):
    _, swept, _, _, _ = measure(six, "--engine", "wakegate")
    for threshold in (0.2, 0.9, 0.95, 1.0):
        _, found, events, _, _ = measure(six, "--engine", "wakegate", "--threshold", threshold)
        for word in swept["engines"][0]["sweep"]:
            row = rate(found, word["word"])
            # The last point of the curve at or above the threshold.
            point = [p for p in word["curve"] if p[0] is None or p[0] >= threshold][-1]
            assert [row["false_accepts"], row["missed"]] == point[1:]
        told = [e["outcome"] for e in events]
        together = rate(found, "all words")
        assert told.count("false accept") == together["false_accepts"] and told.count("miss") == together["missed"]


def test_another_model_by_its_path(measure, six):
    _, found, _, _, _ = measure(six, "--engine", f"wakegate:{load().manifest.path}")
    assert rate(found, "all words")["missed"] == 0


def test_json_lines_are_the_rows(measure, six):
    code, found, _, shown, _ = measure(six, "--engine", "wakegate", "--json")
    lines = [json.loads(line) for line in shown.splitlines()]
    assert code == 0 and all(line.pop("kind") == "rates" and line.pop("engine") == "wakegate" for line in lines)
    assert lines == found["engines"][0]["rates"]


# Programs, conditions and speakers: beeps, which a program of twenty lines finds.


@pytest.fixture
def beeping(corpus):
    """Six speakers near and far; in the far files one beep of two is too soft, and a door slams in each."""
    lines = []
    for number in range(6):
        far = number % 2
        name = f"{number}.wav"
        samples = np.zeros(20 * RATE, np.int16)
        for at_s, loud in ((2, 16_384), (6, 4_000 if far else 16_384), (15, 16_384 if far else 0)):
            samples[at_s * RATE : at_s * RATE + 8000] = loud
        soundfile.write(corpus / name, samples, RATE)
        events = [{"word": "beep", "start_s": at_s, "end_s": at_s + 0.5} for at_s in (2, 6)]
        lines.append({"audio": name, "events": events, "speaker": f"p{number}", "condition": ["near", "far"][far]})
    path = corpus / "list.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_conditions_and_speakers(measure, beeping):
    code, found, events, shown, _ = measure(beeping, "--engine", program("loud"))
    assert code == 0 and found["corpus"]["speakers"] == 6
    every, near, far = rate(found, "beep"), rate(found, "beep", 0, "near"), rate(found, "beep", 0, "far")
    assert [(row["false_accepts"], row["missed"], row["trials"]) for row in (near, far, every)] == [
        (0, 0, 6), (3, 3, 6), (3, 3, 12),
    ]  # fmt: skip
    assert every["hours"] == pytest.approx(near["hours"] + far["hours"])
    assert every["hours"] * 3600 == pytest.approx(6 * (20 - 2 * 1.5), abs=0.01)
    low, high = every["frr_95_by_speaker"]
    assert 0 <= low < 0.25 < high <= 0.5 and near["frr_95_by_speaker"] is None, "three speakers are too few"
    assert [e["outcome"] for e in events if e["recording"] == "1.wav"] == ["hit", "miss", "false accept"]
    assert "by speaker" in shown and "near" in shown


def test_two_engines_are_compared_on_the_same_sound(measure, beeping):
    code, found, events, shown, _ = measure(beeping, "--engine", program("loud"), "--engine", program("nothing"))
    (pair,) = found["comparisons"]
    assert code == 0 and (pair["word"], pair["trials"]) == ("beep", 12)
    assert (pair["only_first_missed"], pair["only_second_missed"], pair["both_missed"]) == (0, 9, 3)
    assert (pair["first_false_accepts"], pair["second_false_accepts"]) == (3, 0)
    assert pair["missed_p"] == pytest.approx(2 / 2**9) and pair["false_accepts_p"] == pytest.approx(2 / 2**3)
    assert "p: exact tests" in shown
    names = [one["name"] for one in found["engines"]]
    assert names == ["engine.py loud", "engine.py nothing"] and {e["engine"] for e in events} == set(names)
    assert "1: engine.py loud   2: engine.py nothing" in shown


CRASHER = """
import sys
data = sys.stdin.buffer.read()
if b"\\x01\\x23" in data:
    raise SystemExit("bad frame")
print('{"at_s": 2.1, "word": "beep", "score": 1}')
"""


def test_a_crash_fails_that_file_and_the_run_goes_on(measure, corpus, tmp_path):
    for name in ("a.wav", "b.wav", "c.wav"):
        beeps(corpus / name, [2.0])
        (corpus / name).with_suffix(".txt").write_text("2\t2.5\tbeep\n")
    samples, _ = soundfile.read(corpus / "b.wav", dtype="int16")
    samples[-1] = 0x2301
    soundfile.write(corpus / "b.wav", samples, RATE)
    script = tmp_path / "crasher.py"
    script.write_text(CRASHER)
    code, found, _, _, said = measure(
        corpus, "--engine", f"exec:{sys.executable} {script}", "--engine", program("loud")
    )
    crasher = found["engines"][0]
    assert code == 1
    (failure,) = crasher["failures"]
    assert failure["recording"] == "b.wav" and "exit code 1" in failure["reason"] and "bad frame" in failure["reason"]
    assert rate(found, "beep", 0)["trials"] == 2 and rate(found, "beep", 1)["trials"] == 3
    assert rate(found, "beep", 0)["hours"] == pytest.approx(rate(found, "beep", 1)["hours"] * 2 / 3)
    assert found["comparisons"][0]["trials"] == 2, "only what both heard to the end"
    assert "failed: exec:" in said and "b.wav" in said and "1 recordings failed and count nowhere" in said


def test_a_hang_is_killed_after_the_limit(measure, corpus):
    beeps(corpus / "a.wav", [2.0])
    code, found, _, shown, said = measure(corpus, "--engine", program("hang"), "--limit", "0.5")
    assert code == 1 and "for 0.5 s, and was killed" in said and found["engines"][0]["failures"]
    assert rate(found, "all words")["hours"] == 0 and rate(found, "all words")["per_hour"] is None
    assert "no hours" in shown


def test_a_file_that_is_damaged_inside_fails_alone(measure, six):
    data = (six / "six_words.flac").read_bytes()
    (six / "worse.flac").write_bytes(data[: len(data) // 2])
    code, found, _, _, said = measure(six, "--engine", "wakegate")
    assert code == 1 and [f["recording"] for f in found["engines"][0]["failures"]] == ["worse.flac"]
    assert "worse.flac" in said and rate(found, "all words")["trials"] == 6


def test_silence_of_an_engine_is_an_answer(measure, corpus):
    beeps(corpus / "ambient.wav", [], 36.0)
    code, found, events, _, said = measure(corpus, "--engine", program("nothing"))
    row = rate(found, "all words")
    assert code == 0 and events == [] and row["false_accepts"] == 0
    assert row["hours"] == pytest.approx(0.01) and row["per_hour_95"][1] == pytest.approx(368.9, abs=0.1)
    assert row["under"]["one_look_hours"] == pytest.approx(29.947, abs=1e-3)
    assert "no labelled wake word" in said


def test_where_all_of_it_is_wake_words_there_is_no_hour(measure, corpus):
    beeps(corpus / "a.wav", [0.25], 1.0)
    (corpus / "a.txt").write_text("0.25\t0.75\tbeep\n")
    code, found, _, shown, said = measure(corpus, "--engine", program("loud"))
    assert code == 0 and rate(found, "beep")["under"] is None and rate(found, "beep")["missed"] == 0
    assert f"{corpus} has 0 h without wake words" in said and "add sound" in said and "no hours" in shown


def test_a_label_that_no_engine_knows_stops_before_anything_is_heard(measure, six):
    labels = six / "six_words.txt"
    labels.write_text(labels.read_text().replace("computer", "compuper"))
    code, found, _, _, said = measure(six, "--engine", "wakegate")
    assert code == 1 and found is None
    assert "six_words.flac is labelled 'compuper' at 4.00 s" in said and "mend the label" in said


def test_a_label_that_a_program_never_says_is_noted(measure, corpus):
    beeps(corpus / "a.wav", [2.0])
    (corpus / "a.txt").write_text("2\t2.5\tbleep\n")
    code, found, _, _, said = measure(corpus, "--engine", program("plain"), "--threshold", "0.5")
    assert code == 0 and rate(found, "bleep")["missed"] == 1 and rate(found, "beep")["false_accepts"] == 1
    assert "never said 'bleep', which the corpus labels; it said beep: are they spelt alike?" in said
    assert "gives no scores: all it said counts" in said


def test_sample_rates_may_differ_and_are_noted(measure, six):
    soundfile.write(six / "slow.wav", six_words()[::2], 8000)
    code, _, _, _, said = measure(six, "--engine", "wakegate")
    assert code == 0 and "8000, 16000 Hz" in said


@pytest.mark.parametrize("name", ["nan.wav", "truncated.wav", "text.wav", "empty.flac", "broken.flac"])
def test_bad_sound_is_named(measure, corpus, tmp_path, name):
    shutil.copy(bad_files(tmp_path)[name], corpus)
    code, _, _, _, said = measure(corpus, "--engine", "wakegate")
    assert code == 1 and name in said and "Traceback" not in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--engine", "porcupine"], "there is no engine 'porcupine'"),
        (["--engine", "wakegate", "--engine", "wakegate"], "given twice"),
        (["--engine", "wakegate:gone.onnx"], "there is no manifest gone.json"),
        (["--engine", "wakegate:"], "is no model file"),
        (["--engine", "wakegate", "--threshold", "0.01"], "the model's floor"),
        (["--engine", "wakegate", "--threshold", "nan"], "--threshold is nan"),
        (["--engine", "wakegate", "--tolerance", "-1"], "--tolerance is -1"),
        (["--engine", "wakegate", "--tolerance", "500"], "give seconds, from 0 to 10"),
        (["--engine", "wakegate", "--limit", "0"], "--limit is 0"),
        (["--engine", "wakegate", "--seed", "-1"], "--seed is -1"),
    ],
)
def test_what_is_asked_for_wrongly_is_said(measure, six, words, message):
    code, found, _, shown, said = measure(six, *words)
    found_by_an_engine = len(words) == 2 or message == "the model's floor"
    assert code == (1 if found_by_an_engine else 2) and found is None and shown == "" and message in said


def test_a_folder_that_cannot_be_written_is_said_before_the_work(measure, six, tmp_path):
    (tmp_path / "out").write_text("mine")
    code, _, _, _, said = measure(six, "--engine", "wakegate")
    assert code == 1 and "cannot write to" in said and (tmp_path / "out").read_text() == "mine"


def test_a_corpus_is_needed_and_nothing_else(six, tmp_path, capsys, monkeypatch):
    with pytest.raises(SystemExit) as stopped:
        main(["measure"])
    assert stopped.value.code == 2
    monkeypatch.chdir(tmp_path)
    assert main(["measure", str(six)]) == 0
    found = json.loads((tmp_path / "measured" / "results.json").read_text())
    assert [one["engine"] for one in found["engines"]] == ["wakegate"]
    assert [*found][-1] == "corpus" and [*found["corpus"]][-1] == "files", "the longest list stands last"
    assert "no wake word here has a speaker: use a manifest" in capsys.readouterr().err


def test_the_help_teaches(capsys):
    with pytest.raises(SystemExit):
        main(["measure", "--help"])
    shown = capsys.readouterr().out
    for said in (
        "start TAB end TAB word",
        "exec:COMMAND",
        '"at_s": 1.62',
        "a second one is a false accept",
        "example:",
    ):
        assert said in shown


def test_nothing_of_ours_is_on_the_way_of_a_name_with_markup(measure, corpus):
    beeps(corpus / "[red]a\x1b[2J.wav", [2.0])
    (corpus / "[red]a\x1b[2J.txt").write_text("2\t2.5\t[bold]\n")
    code, _, _, shown, said = measure(corpus, "--engine", program("crash"), "--engine", program("nothing"))
    assert code == 1 and "\x1b" not in shown + said and "[bold]" in shown
