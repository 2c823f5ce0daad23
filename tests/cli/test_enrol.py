"""``wakegate enrol``: what it says, what it leaves, and what it refuses. Around 15 s."""

import argparse
import json
import re
import resource
import shlex
import subprocess
import sys
import time
import wave
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.cli.process import ROOT, environment
from tests.train.enrol.mirror import RATE, Scene, utterance
from tests.train.enrol.test_takes import Person, three_seconds
from wakegate.cli import main, parser
from wakegate.wake import manifest

PAGE = (ROOT / "wakegate" / "train" / "README.md").read_text(encoding="utf-8")
BLOCKED = """
import sys
sys.modules["{name}"] = None
from wakegate.cli import main
sys.exit(main(["enrol", "marvin", "--recordings", "{folder}", "--out", "mine"]))
"""


@pytest.fixture
def recordings(tmp_path):
    folder = tmp_path / "recordings"
    folder.mkdir()
    for number, pace in enumerate((0.95, 1.0, 1.04)):
        soundfile.write(folder / f"{number}.wav", utterance(pace), RATE)
    return folder


@pytest.fixture
def quick(monkeypatch):
    """Two minutes of the demo's talk instead of half an hour of espeak-ng's."""
    pytest.importorskip("onnx")
    from wakegate.train.enrol import talk
    from wakegate.train.voices import espeak

    monkeypatch.setattr(talk, "MINUTES", 2)
    monkeypatch.setattr(espeak, "Espeak", Scene)


def said(capsys, *words):
    code = main(["enrol", *map(str, words)])
    out, err = capsys.readouterr()
    assert out == ""
    return code, err


def test_without_the_extra_it_says_how_to_get_it(tmp_path, recordings):
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED.format(name="onnx", folder=recordings)],
        env=environment(tmp_path), cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1 and "pip install 'wakegate[enrol]'" in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "mine").exists()


def test_recordings_become_a_word_and_what_is_known_of_it_is_said(tmp_path, recordings, quick, capsys):
    soundfile.write(recordings / "silent.wav", np.zeros(RATE, np.int16), RATE)
    code, err = said(capsys, "Marvin", "--recordings", recordings, "--out", tmp_path / "mine")
    assert code == 0, err
    assert "left out silent.wav: it is silent" in err and "each recording by the average of the others: " in err
    assert "missed: 0 of 3, which with so few means 0-56 %" in err and "talk by the demo's kitchen" in err
    assert "holds one average over the 3 recordings and no recording" in err
    assert sorted(path.name for path in (tmp_path / "mine").iterdir()) == ["marvin.json", "marvin.onnx"]
    assert len(list(recordings.iterdir())) == 4


def test_a_program_gets_one_line_with_all_of_it(tmp_path, recordings, quick, capsys):
    soundfile.write(recordings / "silent.wav", np.zeros(RATE, np.int16), RATE)
    code = main(["enrol", "marvin", "--recordings", str(recordings), "--out", str(tmp_path / "mine"), "--json"])
    out, err = capsys.readouterr()
    (line,) = out.splitlines()
    told = json.loads(line)
    assert code == 0 and told["kind"] == "enrolled" and told["word"] == "marvin" and "missed: 0 of 3" in err
    written = manifest.read(Path(told["manifest"]))
    assert told["threshold"] == written.entry("marvin").threshold and Path(told["model"]).is_file()
    own = [asdict(point) for point in written.operating_points if point.word == "marvin"]
    assert told["operating_points"] == json.loads(json.dumps(own)) and len(own) == 3
    assert [one["name"] for one in told["recordings"]] == ["0.wav", "1.wav", "2.wav"]
    assert all(one["score"] >= told["threshold"] for one in told["recordings"])
    assert told["used"]["sound"] == "talk by the demo's kitchen and coloured noise"
    assert 0.03 < told["used"]["sound_hours"]["measured"] < 0.1
    (reason,) = told["left_out"]
    assert reason.startswith("silent.wav: it is silent")
    assert all(f"warning: {warning}" in err for warning in told["warnings"])


def test_the_page_shows_a_command_that_works(tmp_path, recordings, quick, capsys):
    (line,) = re.findall(r"^wakegate enrol .*--recordings .*$", PAGE, re.MULTILINE)
    words = shlex.split(line)[2:]
    words[words.index("--recordings") + 1], words[words.index("--out") + 1] = recordings, tmp_path / "mine"
    assert said(capsys, *words)[0] == 0
    for line in re.findall(r"^wakegate (?:enrol|listen --model mine/marvin)(?!.*--help) .*$", PAGE, re.MULTILINE):
        parser().parse_args(shlex.split(line)[1:])


def test_a_real_voice_sets_the_score_where_it_is_installed(tmp_path, recordings, capsys, monkeypatch):
    pytest.importorskip("espeakng_loader")
    pytest.importorskip("onnx")
    from wakegate.train.enrol import talk

    monkeypatch.setattr(talk, "MINUTES", 1)
    code, err = said(capsys, "marvin", "--recordings", recordings, "--out", tmp_path / "mine")
    assert code == 0 and "talk by espeak-ng" in err


# Recording.


def recorded(tmp_path, monkeypatch, person, *more):
    from wakegate.audio import microphone
    from wakegate.cli import enrol_record

    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    monkeypatch.setattr(microphone, "Microphone", lambda device, channel: person)
    args = parser().parse_args(["enrol", "marvin", "--record", "3", "--out", str(tmp_path / "mine"), *map(str, more)])
    with ExitStack() as stack:
        takes = enrol_record.recorded(args, "marvin", stack)
        kept = [take.samples.copy() for take in takes]
    return takes, kept


class Microphone(Person):
    closed = False

    def close(self):
        self.closed = True


def three(*between):
    return Microphone(three_seconds(utterance(0.95)), *between, *(three_seconds(utterance(p)) for p in (1.0, 1.04)))


def test_each_time_is_shown_a_bad_one_is_said_again_and_nothing_is_left(tmp_path, monkeypatch, capsys):
    person = three(np.zeros(3 * RATE, np.int16))
    takes, kept = recorded(tmp_path, monkeypatch, person)
    err = capsys.readouterr().err
    assert re.search(r"1 of 3: 1\.\d s, -\d\d dBFS: good", err) and "2 of 3: not taken, once more: it is silent" in err
    assert all(one.any() for one in kept) and not any(take.samples.any() for take in takes), "they were overwritten"
    assert person.closed and list(tmp_path.rglob("*.*")) == []


def test_a_crash_writes_nothing_of_it_to_disk(tmp_path, monkeypatch):
    before = resource.getrlimit(resource.RLIMIT_CORE)
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (before[1], before[1]))
    limits = []
    monkeypatch.setattr(resource, "setrlimit", lambda kind, to: limits.append((kind, to)))
    recorded(tmp_path, monkeypatch, three())
    assert limits == [(resource.RLIMIT_CORE, (0, before[1]))]


def test_keep_writes_what_was_said_for_its_owner_alone(tmp_path, monkeypatch):
    _, kept = recorded(tmp_path, monkeypatch, three(), "--keep", tmp_path / "kept")
    files = sorted((tmp_path / "kept").iterdir())
    assert [path.name for path in files] == ["marvin-1.wav", "marvin-2.wav", "marvin-3.wav"]
    for path, samples in zip(files, kept, strict=True):
        with wave.open(str(path)) as sound:
            assert path.stat().st_mode & 0o777 == 0o600 and sound.getframerate() == RATE
            assert np.array_equal(np.frombuffer(sound.readframes(10**6), np.int16), samples)


def test_keep_never_writes_over_a_file(tmp_path, monkeypatch):
    (tmp_path / "marvin-2.wav").write_text("mine")
    with pytest.raises(Exception, match=r"marvin-2\.wav is there already"):
        recorded(tmp_path, monkeypatch, three(), "--keep", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["marvin-2.wav"]


def test_a_mute_person_is_asked_nine_times_and_no_more(tmp_path, monkeypatch):
    person = Microphone(*[np.zeros(3 * RATE, np.int16)] * 20)
    with pytest.raises(Exception, match="9 tries gave 0 good recordings"):
        recorded(tmp_path, monkeypatch, person)
    assert person.closed


def test_a_muted_device_is_not_listened_to(tmp_path, monkeypatch):
    from wakegate import mute

    monkeypatch.setattr(mute, "kept", lambda place: True)
    with pytest.raises(Exception, match="muted this device"):
        recorded(tmp_path, monkeypatch, three())


# Refusals.


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("marvin", "--record", "2"), "--record is 2"),
        (("marvin", "--record", "1000"), "--record is 1000"),
        (("marvin", "--recordings", "{}", "--keep", "x"), "--keep goes with --record"),
        (("marvin", "--recordings", "{}", "--device", "1"), "--device goes with --record"),
        (("mar/vin", "--recordings", "{}"), "is no word"),
        (("alexa", "--recordings", "{}"), "already knows 'alexa'"),
        (("marvin", "--recordings", "nowhere"), "is no folder"),
        (("marvin", "--recordings", "{}", "--seed", "-1"), "--seed is -1"),
        (("marvin", "--recordings", "{}", "--background", "nowhere"), "is no folder"),
        (("marvin", "--recordings", "{}", "--onto", "nowhere.json"), "there is no manifest"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_made(tmp_path, recordings, quick, capsys, words, why):
    words = [recordings if word == "{}" else word for word in words]
    code, err = said(capsys, *words, "--out", tmp_path / "mine")
    assert code == (2 if {"--record", "--keep", "--device", "--seed"} & set(words) else 1)
    assert why in err and not (tmp_path / "mine").exists()


def test_it_cannot_both_record_and_read():
    with pytest.raises(SystemExit) as stopped:
        parser().parse_args(["enrol", "marvin", "--record", "5", "--recordings", "x", "--out", "y"])
    assert stopped.value.code == 2 and isinstance(parser(), argparse.ArgumentParser)
