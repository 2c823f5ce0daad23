"""``wakegate measure tune`` and ``shadow`` on a real PortAudio stream (PulseAudio's null sink). Around 8 s."""

import json

import pytest
import soundfile

from tests.cli.process import SIX_WORDS
from wakegate.cli import main
from wakegate.wake import load

pytestmark = pytest.mark.pulse


@pytest.fixture
def home(tmp_path, monkeypatch):
    for name, folder in (("HOME", ""), ("XDG_STATE_HOME", "state"), ("XDG_CONFIG_HOME", "config")):
        monkeypatch.setenv(name, str(tmp_path / "home" / folder))
    return tmp_path / "home"


def left(home):
    """Files below the home; PulseAudio's client keeps a cookie of its own."""
    return [path for path in home.rglob("*") if path.is_file() and path.name != "cookie"]


def play(pulse, *, copies):
    samples, rate = soundfile.read(SIX_WORDS)
    pulse.play([*samples[: round(2.2 * rate)]] * copies, rate)


def test_tune_hears_the_microphone_and_keeps_nothing(pulse, home, capsys):
    play(pulse, copies=5)
    # Of 3000 an hour 2.9 are due in 3.5 s: no event is allowed (limit 2.30), and "alexa" is played every 2.2 s.
    assert main(["measure", "tune", "--budget", "3000/h", "--microphone", "--seconds", "3.5", "--json"]) == 0
    out, said = capsys.readouterr()
    rows = {row["word"]: row for row in map(json.loads, out.splitlines())}
    assert rows["alexa"]["hours"] == pytest.approx(3.5 / 3600)
    assert rows["alexa"]["threshold"] > 0.5 and rows["alexa"]["false_accepts"] == 0
    assert (rows["jarvis"]["threshold"], rows["jarvis"]["false_accepts"]) == (0.1, 0)
    assert "listening to microphone" in said and "no sound" in said
    assert left(home) == []


def test_shadow_hears_the_microphone_with_both(pulse, home, capsys):
    play(pulse, copies=3)
    engines = ("--engine", "wakegate", "--engine", f"wakegate:{load().manifest.path}")
    assert main(["measure", "shadow", *engines, "--microphone", "--seconds", "3.5", "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (alexa,) = [line for line in lines if line["kind"] == "counts" and line["word"] == "alexa"]
    assert alexa["both"] == alexa["events"][0] == alexa["events"][1] >= 1
    assert alexa["hours"] == pytest.approx(3.5 / 3600)
    assert left(home) == []
