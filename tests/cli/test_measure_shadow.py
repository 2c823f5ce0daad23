"""``wakegate measure shadow`` on files and stdin, with our engine and programs. Around 5 s."""

import json
import shlex
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.cli.process import RATE, ROOT, SIX_WORDS, command, environment, six_words, started
from wakegate.cli import main

PROGRAM = ROOT / "tests" / "measure" / "engines" / "engine.py"
KEYS = {
    "heard": {"kind", "at_s", "engine", "word", "score", "fires"},
    "stretch": {"kind", "start_s", "seconds", "failure"},
    "counts": {"kind", "word", "engines", "events", "both", "alone", "p", "hours", "per_hour_95"},
}


def program(*words):
    return f"exec:{shlex.join([sys.executable, '-S', '-E', str(PROGRAM), *words])}"


def says(*lines):
    return program("say", *(json.dumps(line) for line in lines))


@pytest.fixture
def shadow(tmp_path, monkeypatch, capsys):
    for name, value in environment(tmp_path / "home").items():
        monkeypatch.setenv(name, value)

    def run(*words):
        code = main(["measure", "shadow", *map(str, words)])
        out, said = capsys.readouterr()
        return code, out, said

    return run


def counts(lines):
    return {one["word"]: (*one["events"], one["both"]) for one in lines if one["kind"] == "counts"}


def test_two_engines_on_one_file(shadow, tmp_path):
    # The words' scores are highest at 1.80 s and 4.90 s: 0.1 s beside is one event, 3 s is another.
    other = says({"at_s": 1.9, "word": "alexa"}, {"at_s": 7.9, "word": "computer"}, {"at_s": 3.0, "word": "kettle"})
    out = tmp_path / "day.jsonl"
    code, table, _ = shadow("--engine", "wakegate", "--engine", other, SIX_WORDS, "--out", out)
    assert code == 0
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert counts(lines) == {
        "alexa": (1, 1, 1), "computer": (1, 1, 0), "jarvis": (1, 0, 0), "smart_mirror": (1, 0, 0),
        "snowboy": (1, 0, 0), "view_glass": (1, 0, 0), "kettle": (0, 1, 0),
    }  # fmt: skip
    plain = " ".join(table.split())  # a title is folded where a path in it is long
    assert "not a word of both" in plain and "18 s of the same sound" in plain
    times = [one["at_s"] for one in lines if one["kind"] == "heard"]
    assert times == sorted(times) and len(times) == 9
    assert all(set(one) == KEYS[one["kind"]] for one in lines)
    assert out.stat().st_size < 6000, "numbers and words, no sound: that was 576,000 bytes"
    assert out.stat().st_mode & 0o077 == 0
    assert not [path for path in (tmp_path / "home").rglob("*") if path.is_file()]


def test_our_engine_agrees_with_itself(shadow, tmp_path):
    from wakegate.wake import load

    code, out, _ = shadow("--engine", "wakegate", "--engine", f"wakegate:{load().manifest.path}", SIX_WORDS, "--json")
    assert code == 0
    assert set(counts(map(json.loads, out.splitlines())).values()) == {(1, 1, 1)}


def test_stdin_until_ctrl_c(tmp_path):
    engines = ("--engine", "wakegate", "--engine", program("loud"))
    with started(tmp_path, "measure", "shadow", *engines, "--json", "-") as process:
        process.stdin.write(six_words()[: 12 * RATE].tobytes())
        process.stdin.flush()
        time.sleep(1.0)  # the pipe itself holds 2 s of sound
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    lines = [json.loads(line) for line in out.splitlines()]
    assert process.returncode == 0, err
    (stretch,) = [one for one in lines if one["kind"] == "stretch"]
    assert 10 <= stretch["seconds"] <= 12 and stretch["failure"] == ""
    found = counts(lines)
    assert found["alexa"] == (1, 0, 0) and found["snowboy"] == (0, 0, 0) and found["beep"][1] > 0


def test_a_second_ctrl_c_waits_for_no_engine(tmp_path):
    where = tmp_path / "pid"
    engines = ("--engine", "wakegate", "--engine", program("child", str(where)))
    with started(tmp_path, "measure", "shadow", *engines, "--json", "-") as process:
        process.stdin.write(six_words()[: 12 * RATE].tobytes())
        process.stdin.flush()
        time.sleep(2.0)
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)
        assert process.poll() is None, "the first lets the engine end"
        begun = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert time.monotonic() - begun < 10 and process.returncode == 130, err
    assert b"stopped by Ctrl-C" in err and b"Traceback" not in err
    child = Path(f"/proc/{int(where.read_text())}/stat")
    time.sleep(0.3)
    assert not child.exists() or child.read_text().rsplit(")", 1)[1].split()[0] == "Z"


def test_seconds_end_it(tmp_path):
    done = command(
        tmp_path, "measure", "shadow", "--engine", "wakegate", "--engine", program("nothing"), "--seconds", "3",
        "--json", "-", stdin=six_words().tobytes(),
    )  # fmt: skip
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0 and [one["seconds"] for one in lines if one["kind"] == "stretch"] == [3.0]


def test_an_engine_that_crashes_costs_both_the_stretch(shadow, tmp_path):
    code, out, said = shadow("--engine", "wakegate", "--engine", program("crash"), SIX_WORDS, "--json")
    assert code == 1 and "failed, counts nowhere" in said and "the model is broken" in said
    lines = [json.loads(line) for line in out.splitlines()]
    assert not [one for one in lines if one["kind"] == "heard"]
    assert {one["hours"] for one in lines if one["kind"] == "counts"} == {0}


def test_a_muted_device_is_not_listened_to(shadow):
    from wakegate.wake import load

    assert main(["mute"]) == 0
    engines = ("--engine", "wakegate", "--engine", f"wakegate:{load().manifest.path}")
    code, _, said = shadow(*engines, "--microphone", "--seconds", "1")
    assert code == 1 and "a person has muted this device" in said


def test_the_microphone_is_handed_to_no_other_program(shadow):
    code, _, said = shadow("--engine", "wakegate", "--engine", program("loud"), "--microphone")
    assert code == 2 and "is another program: this command hands it no microphone" in said and "arecord" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--engine", "wakegate", SIX_WORDS), "give two engines that differ"),
        (("--engine", "wakegate", "--engine", "wakegate", SIX_WORDS), "give two engines that differ"),
        (("--engine", "wakegate", "--engine", "exec:true"), "name a sound file, or -"),
        (("--engine", "wakegate", "--engine", "exec:true", SIX_WORDS, "--microphone"), "one of them"),
        (("--engine", "wakegate", "--engine", "exec:true", SIX_WORDS, "--rate", "8000"), "give - as SOURCE"),
        (("--engine", "wakegate", "--engine", "exec:true", SIX_WORDS, "--seconds", "0"), "above 0"),
        (("--engine", "wakegate", "--engine", "exec:true", SIX_WORDS, "--tolerance", "nan"), "from 0 to 10"),
        (("--engine", "wakegate", "--engine", "exec:true", "nowhere.wav"), "nowhere.wav"),
    ],
)
def test_what_cannot_be_done_is_said(shadow, words, said):
    code, _, told = shadow(*words)
    assert code == (1 if said == "nowhere.wav" else 2) and said in told


def test_a_log_that_exists_is_kept(shadow, tmp_path):
    path = tmp_path / "day.jsonl"
    path.write_text("yesterday")
    sound = tmp_path / "quiet.wav"
    soundfile.write(sound, np.zeros(RATE, np.int16), RATE)
    code, _, said = shadow("--engine", "wakegate", "--engine", program("nothing"), sound, "--out", path)
    assert code == 1 and "name a new file" in said and path.read_text() == "yesterday"
