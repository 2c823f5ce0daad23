"""A real sound system for the microphone: PulseAudio with a null sink whose monitor is the default input."""

import os
import shlex
import shutil
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from wakegate.audio.devices import portaudio, restart_portaudio
from wakegate.errors import DeviceError

SCRIPT = Path(__file__).resolve().parents[2] / ".ci" / "pulse.sh"


class Pulse:
    """A PulseAudio daemon of our own, started and stopped by .ci/pulse.sh."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.player: subprocess.Popen[bytes] | None = None

    def start(self, channels: int = 2) -> None:
        settings = os.environ | {"WAKEGATE_SINK_CHANNELS": str(channels)}
        command = [str(SCRIPT), "start", str(self.directory)]
        # stderr goes to a file: the daemon keeps it open, and a pipe would never end.
        with (self.directory / "script.log").open("wb") as log:
            done = subprocess.run(command, env=settings, stdout=subprocess.PIPE, stderr=log, timeout=20, check=False)
        assert done.returncode == 0, (self.directory / "script.log").read_text()
        for line in done.stdout.decode().splitlines():
            name, value = line.split("=", 1)
            os.environ[name] = shlex.split(value)[0]

    def crash(self) -> None:
        pid = int((self.directory / "pulse" / "pid").read_text())
        os.kill(pid, signal.SIGKILL)
        while Path(f"/proc/{pid}/cmdline").exists() and Path(f"/proc/{pid}/cmdline").read_bytes():
            time.sleep(0.01)

    def play(self, samples: np.ndarray, rate: int) -> None:
        """Play (n,) or (n, channels) float samples into the sink, in the background."""
        path = self.directory / "play.wav"
        soundfile.write(path, samples, rate, subtype="PCM_16")
        self.player = subprocess.Popen(["paplay", "--latency-msec=50", str(path)], stderr=subprocess.DEVNULL)

    def silence(self) -> None:
        if self.player is not None:
            self.player.kill()
            self.player.wait()
            self.player = None

    def stop(self) -> None:
        self.silence()
        subprocess.run([str(SCRIPT), "stop", str(self.directory)], stderr=subprocess.DEVNULL, timeout=20, check=False)


def _without(reason: str) -> None:
    if os.environ.get("WAKEGATE_REQUIRE_PULSE") == "1":
        pytest.fail(f"WAKEGATE_REQUIRE_PULSE=1, but {reason}")
    pytest.skip(f"{reason}: `sudo apt install $(.ci/pulse.sh packages)` to run the tests of the microphone")


@pytest.fixture(scope="session")
def _sound_system(tmp_path_factory):
    for program in ("pulseaudio", "pactl", "paplay"):
        if shutil.which(program) is None:
            _without(f"there is no {program}")
    try:
        portaudio()
    except DeviceError as error:
        _without(str(error))
    kept = dict(os.environ)
    pulse = Pulse(tmp_path_factory.mktemp("pulse"))
    yield pulse
    pulse.stop()
    os.environ.clear()
    os.environ.update(kept)


@pytest.fixture
def pulse(_sound_system):
    """The running sound system with a stereo sink, seen afresh by PortAudio."""
    _sound_system.start()
    restart_portaudio()
    yield _sound_system
    _sound_system.silence()
