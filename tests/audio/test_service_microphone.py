"""``listen`` and ``serve --mic-uri`` as services on a real sound system that goes down and comes back. Around 30 s."""

import os
import time

import pytest
import soundfile

from tests.cli.process import SIX_WORDS, place
from tests.cli.test_listen_service import Listener
from wakegate.journal import read


@pytest.mark.pulse
@pytest.mark.parametrize("name", ["listen", "serve"])
def test_a_sound_server_that_is_restarted_is_a_gap_on_record_and_then_words_are_heard(pulse, tmp_path, name):
    if name == "serve":
        pytest.importorskip("wyoming", reason="the extra `wyoming` is not installed")
    where = ("--mic-uri", f"unix://{tmp_path}/mic.sock") if name == "serve" else ()
    env = {name: os.environ[name] for name in ("ALSA_CONFIG_PATH", "PULSE_SERVER", "PULSE_RUNTIME_PATH")}
    service = Listener(tmp_path, *where, "--json", name=name, source=(), text='[wake]\nwords = ["alexa"]\n', env=env)
    try:
        assert service.told("STATUS=")[0] == "READY=1"
        service.told("WATCHDOG=1")
        pulse.crash()
        service.told("STATUS=waiting for microphone default, which is gone")
        service.told("WATCHDOG=1")  # it waits, and does not hang: to start it again would mend nothing
        pulse.start()
        service.told("STATUS=listening for alexa")
        service.wait_for("microphone default is back\n")
        time.sleep(0.5)
        sound, rate = soundfile.read(SIX_WORDS)
        pulse.play(sound[: 4 * rate], rate)
        end = time.monotonic() + 15
        while "wake" not in [event["kind"] for event in service.events()]:
            assert time.monotonic() < end, service.events()
            time.sleep(0.05)
        service.process.terminate()
        assert service.process.wait(20) == 0
    finally:
        service.process.kill()
        service.end()
    kinds = [event["kind"] for event in service.events() if event["kind"] in ("started", "gap", "wake", "stopped")]
    assert kinds == ["started", "gap", "wake", "stopped"]
    (gap,) = [entry for entry in read(place(tmp_path)) if entry.kind == "gap"]
    assert gap.text("reason") == "device_lost" and "is gone: waiting for it" in gap.text("detail")
