"""``wakegate doctor --mic`` on a real sound system. Around 15 s."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from tests.cli.process import RUN, SIX_WORDS, environment, place
from wakegate.cli import main


@pytest.fixture
def doctor(tmp_path, monkeypatch, capsys):
    """Run it in a home of its own; return exit code, stdout and stderr."""
    for name, value in environment(tmp_path).items():
        monkeypatch.setenv(name, value)

    def run(*words):
        code = main(["doctor", *words])
        return code, *capsys.readouterr()

    return run


def findings(out):
    return {one["name"]: one for one in map(json.loads, out.splitlines())}


@pytest.mark.pulse
def test_a_spoken_word_is_heard_and_nothing_is_kept(pulse, doctor, tmp_path):
    sound, rate = soundfile.read(SIX_WORDS)
    word = sound[round(3.2 * rate) : round(5.2 * rate)]
    pulse.play(np.tile(word, 10), rate)
    code, out, err = doctor("--mic", "--json")
    found = findings(out)
    assert code == 0, found
    assert found["wake word"]["health"] == "good" and "heard 'computer'" in found["wake word"]["seen"]
    assert found["level"]["health"] == found["clipping"]["health"] == "good"
    assert found["sample rate"]["value"] == pytest.approx(16_000, rel=0.05)
    assert found["level"]["unit"] == "dBFS" and -40 < found["level"]["value"] < -5
    assert "Say one of these now: alexa, computer" in err and "nothing is kept" in err
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path for path in left if "pulse" not in path.parts] == [], "PulseAudio's client keeps a cookie there"


@pytest.mark.pulse
def test_digital_silence_is_bad_and_said_so(pulse, doctor):
    code, out, _ = doctor("--mic", "--device", "default")
    assert code == 1 and "every sample is the same" in out and "unmute it" in out


@pytest.mark.pulse
def test_no_such_microphone_is_said(pulse, doctor):
    code, out, err = doctor("--mic", "--device", "kitchen")
    assert code == 1 and out == "" and "no input 'kitchen'" in err


def test_what_a_person_has_muted_is_not_opened(doctor, tmp_path):
    place(tmp_path).prepare().muted.touch()
    code, out, err = doctor("--mic")
    assert code == 1 and out == "" and "muted this device" in err


@pytest.mark.pulse
def test_a_persons_mute_within_the_three_seconds_ends_them(pulse, tmp_path):
    sound, rate = soundfile.read(SIX_WORDS)
    pulse.play(sound, rate)
    env = {name: os.environ[name] for name in ("ALSA_CONFIG_PATH", "PULSE_SERVER", "PULSE_RUNTIME_PATH")}
    muted = place(tmp_path).prepare().muted
    command = [sys.executable, "-c", RUN, "doctor", "--mic", "--json"]
    with subprocess.Popen(
        command, env=environment(tmp_path) | env, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert b"Say one of these now" in process.stderr.readline()
        muted.touch()
        out, err = process.communicate(timeout=60)
    assert process.returncode == 1 and out == b"" and b"has muted this device" in err, err


@pytest.mark.parametrize("words", [["--device", "USB"], ["--channel", "1"]])
def test_a_microphone_is_named_for_listening_alone(doctor, words):
    code, _, err = doctor(*words)
    assert code == 2 and "add it, or leave them out" in err
