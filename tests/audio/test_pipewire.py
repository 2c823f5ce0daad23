"""``listen`` and ``doctor --mic`` on a real PipeWire, by both roads that ALSA has to it. Around 25 s."""

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import soundfile

from tests.cli.process import RUN, SIX_WORDS, environment
from tests.cli.test_listen_service import Listener
from wakegate.audio.devices import portaudio
from wakegate.errors import DeviceError

SCRIPT = Path(__file__).resolve().parents[2] / ".ci" / "pipewire.sh"
ROADS = ("pipewire", "pulse")  # ALSA's plugin for PipeWire; its plugin for PulseAudio, and pipewire-pulse
pytestmark = pytest.mark.pulse


class PipeWire:
    """A PipeWire of our own with a microphone, by .ci/pipewire.sh."""

    def __init__(self, directory):
        self.directory = directory
        self.env = {"XDG_RUNTIME_DIR": str(directory), "ALSA_CONFIG_PATH": str(directory / "asound.conf")}
        sound, rate = soundfile.read(SIX_WORDS)
        soundfile.write(directory / "alexa.wav", sound[: round(2.5 * rate)], rate)

    def __call__(self, *words):
        command = [SCRIPT, words[0], self.directory, *words[1:]]
        with (self.directory / "script.log").open("wb") as log:
            done = subprocess.run(command, stdout=log, stderr=log, timeout=30, check=False)
        assert done.returncode == 0, (self.directory / "script.log").read_text()

    @contextmanager
    def playing(self, times=1):
        """Say "alexa" into the microphone meanwhile, so many times."""
        play = f"for _ in $(seq {times}); do pw-play --target wakegate {self.directory}/alexa.wav; done"
        env = {"PATH": os.environ["PATH"], "HOME": str(self.directory), **self.env}
        with subprocess.Popen(["sh", "-c", play], env=env, start_new_session=True, stderr=subprocess.DEVNULL) as player:
            try:
                yield
            finally:
                os.killpg(player.pid, 9)


def _without(reason):
    if os.environ.get("WAKEGATE_REQUIRE_PULSE") == "1":
        pytest.fail(f"WAKEGATE_REQUIRE_PULSE=1, but {reason}")
    pytest.skip(f"{reason}: `sudo apt install $(.ci/pipewire.sh packages)` to run the tests of PipeWire")


@pytest.fixture(scope="module")
def _pipewire(tmp_path_factory):
    for program in ("pipewire", "wireplumber", "pipewire-pulse", "pw-loopback", "pw-play", "pactl"):
        if shutil.which(program) is None:
            _without(f"there is no {program}")
    if not list(Path("/usr/lib").glob("*/alsa-lib/libasound_module_pcm_pipewire.so")):
        _without("there is no ALSA plugin for PipeWire (`sudo .ci/pipewire.sh plugin`)")
    try:
        portaudio()
    except DeviceError as error:
        _without(str(error))
    pipewire = PipeWire(tmp_path_factory.mktemp("pipewire"))
    yield pipewire
    pipewire("stop")


@pytest.fixture
def pipewire(_pipewire):
    _pipewire("start")
    return _pipewire


@pytest.fixture
def listen(pipewire, tmp_path):
    """Start a listener on each of some roads, with a service manager beside it."""
    made = {}

    def start(*roads):
        for road in roads:
            (tmp_path / road).mkdir()
            text = f'[microphone]\ndevice = "{road}"\n[wake]\nwords = ["alexa"]\n'
            made[road] = Listener(tmp_path / road, "--json", source=(), text=text, env=pipewire.env)
        told(made, "listening for alexa")
        hear(pipewire, made)
        return made

    yield start
    for one in made.values():
        one.process.kill()
        one.end()


def told(listeners, status):
    for one in listeners.values():
        one.told(f"STATUS={status}")


def hear(pipewire, listeners):
    """Both wake at a spoken word, once more than before."""
    before = {road: wakes(one) for road, one in listeners.items()}
    with pipewire.playing(9):
        for road, one in listeners.items():
            one.wait_until(lambda one=one, road=road: wakes(one) > before[road])


def wakes(listener):
    return [event["kind"] for event in listener.events()].count("wake")


def test_a_restart_of_pipewire_and_of_its_session_manager_is_a_gap_and_then_words_are_heard(pipewire, listen):
    listeners = listen(*ROADS)
    # Whoever ends it takes a card's nodes with it: they are its own.
    for parts in (["pipewire"], ["wireplumber", "microphone"]):
        for part in parts:
            pipewire("kill", part)
        told(listeners, "waiting for microphone")
        pipewire("start")
        told(listeners, "listening for alexa")
    hear(pipewire, listeners)
    for road, one in listeners.items():
        one.process.terminate()
        assert one.process.wait(20) == 0
        assert one.said().count(f"microphone {road} is back\n") == 2
        gaps = [(event["reason"], event["detail"]) for event in one.events() if event["kind"] == "gap"]
        assert [reason for reason, _ in gaps] == ["device_lost"] * 2 and f"{road} is gone: waiting" in gaps[0][1]


def test_an_unplugged_microphone_is_said_and_comes_back(pipewire, listen, tmp_path):
    """PipeWire goes on without it: with no sound at all, or with the silence of a sink that it makes up.

    By one road only: through `pulse`, which cannot be opened meanwhile, one listener in a hundred ended with SIGABRT
    out of a library below, when the microphone came back. (A service is started again.)
    """
    road = "pipewire"
    listeners = listen(road)
    one = listeners[road]
    pipewire("kill", "microphone")
    code, seen = doctor(pipewire, tmp_path, "--device", "pipewire")
    assert code == 1 and seen["sound"] in ("every sample is the same: no microphone is behind it", "no sound came")
    status = one.told("STATUS=")[-1]
    assert f"microphone {road}, which is gone" in status or f"{road} gives nothing but zeros" in status
    pipewire("start")
    hear(pipewire, listeners)
    one.wait_until(lambda: f"microphone {road} gives sound again\n" in one.said() or f"{road} is back\n" in one.said())


def test_the_doctor_hears_a_word_by_either_road(pipewire, tmp_path):
    with pipewire.playing(9), ThreadPoolExecutor() as pool:
        found = list(pool.map(lambda road: doctor(pipewire, tmp_path, "--device", road), ROADS))
    for code, seen in found:
        assert code == 0 and "heard 'alexa'" in seen["wake word"], seen
        assert seen["sample rate"].endswith("by this machine's clock, 16,000 promised")


def run(home, env, *words):
    command = [sys.executable, "-c", RUN, *words]
    return subprocess.run(command, env=environment(home) | env, cwd=home, capture_output=True, timeout=60, check=False)


def doctor(pipewire, home, *words):
    done = run(home, pipewire.env, "doctor", "--mic", "--json", *words)
    return done.returncode, {one["name"]: one["seen"] for one in map(json.loads, done.stdout.splitlines())}


def test_without_any_sound_server_there_is_no_microphone_and_what_to_do(pipewire, tmp_path):
    done = run(tmp_path, pipewire.env | {"XDG_RUNTIME_DIR": str(tmp_path)}, "listen")
    assert done.returncode == 1 and b"start the sound server" in done.stderr
