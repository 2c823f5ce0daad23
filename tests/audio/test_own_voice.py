"""``--playback`` on a real sound system: a loudspeaker that the microphone hears, and a person. Around 15 s."""

import os
import subprocess
import time

import numpy as np
import pytest
import soundfile

from tests.cli.process import SIX_WORDS
from tests.cli.test_listen_service import Listener

LOUDSPEAKER = "parec --device=loudspeaker.monitor --latency-msec=20"


def pactl(*words):
    return subprocess.run(["pactl", *words], check=True, capture_output=True, text=True, timeout=20).stdout.strip()


@pytest.fixture
def room(pulse):
    """A loudspeaker, a null sink of its own, which the microphone hears."""
    loaded = [pactl("load-module", "module-null-sink", "sink_name=loudspeaker")]
    heard = ("source=loudspeaker.monitor", "sink=wakegate", "latency_msec=20")
    loaded += [pactl("load-module", "module-loopback", *heard)]
    yield pulse
    pulse.silence()
    for module in reversed(loaded):
        pactl("unload-module", module)


def said(listener, kinds, within_s=15.0):
    """Wait until events of these kinds have come; return their kinds in order."""
    end = time.monotonic() + within_s
    while True:
        came = [event["kind"] for event in listener.events() if event["kind"] not in ("near_miss", "exposure")]
        if set(kinds) <= set(came):
            return came
        assert time.monotonic() < end and listener.process.poll() is None, (came, listener.said())
        time.sleep(0.05)


@pytest.mark.pulse
@pytest.mark.parametrize("playback", [True, False])
def test_the_loudspeaker_does_not_wake_it_and_a_person_does(room, tmp_path, monkeypatch, playback):
    env = {name: os.environ[name] for name in ("ALSA_CONFIG_PATH", "PULSE_SERVER", "PULSE_RUNTIME_PATH")}
    words = ("--playback", LOUDSPEAKER) if playback else ()
    listener = Listener(tmp_path, "--json", *words, source=(), text='[wake]\nwords = ["alexa"]\n', env=env)
    alexa, rate = soundfile.read(SIX_WORDS, frames=int(2.8 * 16_000))
    thrice = np.tile(alexa, 3)  # a busy machine plays with holes
    try:
        listener.told("STATUS=listening for alexa")
        if playback:
            end = time.monotonic() + 10
            while "parec" not in pactl("list", "source-outputs"):  # it hears the loudspeaker
                assert time.monotonic() < end
                time.sleep(0.05)
        monkeypatch.setenv("PULSE_SINK", "loudspeaker")
        room.play(alexa if playback else thrice, rate)
        if playback:
            assert said(listener, ["unmuted"]) == ["started", "muted", "unmuted"]
            room.player.wait(10)
            monkeypatch.setenv("PULSE_SINK", "wakegate")  # somebody in the room
            room.play(thrice, rate)
        assert "wake" in said(listener, ["wake"])
        listener.process.terminate()
        assert listener.process.wait(20) == 0
    finally:
        listener.process.kill()
        listener.end()
    muters = {event["by"] for event in listener.events() if event["kind"] == "muted"}
    assert muters == ({"hold_off"} if playback else set())
