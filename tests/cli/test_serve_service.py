"""``wakegate serve`` as a service: a real process, a real notify socket, a real client. Around 15 s."""

import asyncio
import select
import signal

import pytest

from tests.cli.process import RATE, place, six_words
from tests.cli.test_listen_service import Listener, quiet
from wakegate.journal import read

pytest.importorskip("wyoming", reason="the extra `wyoming` is not installed")

from wyoming.client import AsyncClient
from wyoming.info import Describe, Info


@pytest.fixture
def microphone(tmp_path):
    service = Listener(tmp_path, "--mic-uri", f"unix://{tmp_path}/mic.sock", "--json", name="serve")
    yield service
    service.process.kill()
    service.end()


def offered(home):
    """The words that a client is told of: of the wake program, and of the satellite."""

    async def ask():
        async with AsyncClient.from_uri(f"unix://{home}/mic.sock") as client:
            await client.write_event(Describe().event())
            return Info.from_event(await asyncio.wait_for(client.read_event(), 10))

    info = asyncio.run(ask())
    return [model.name for model in info.wake[0].models], info.satellite.active_wake_words


def test_the_service_manager_is_told_what_listen_tells_it(microphone):
    microphone.say(quiet(1))
    assert microphone.told("STATUS=") == ["READY=1", "STATUS=listening for alexa, computer"]
    microphone.told("WATCHDOG=1")
    microphone.process.terminate()
    microphone.say(quiet(0.2))
    assert microphone.told("STOPPING=1")[-1] == "STOPPING=1"
    assert microphone.end() == 0


def test_a_reload_takes_words_in_mid_sound_and_clients_are_told_of_them(microphone):
    words = six_words()
    microphone.say(words[: 4 * RATE])  # alexa, and the first half of computer
    microphone.told("STATUS=")
    assert offered(microphone.home) == (["alexa", "computer"], ["alexa", "computer"])
    microphone.config.write_text('[wake]\nwords = ["computer", "snowboy"]\nthresholds = { computer = 0.35 }\n')
    microphone.process.send_signal(signal.SIGHUP)
    lines = microphone.told("STATUS=listening for computer, snowboy")
    assert [line for line in lines if line.startswith("RELOADING=1")]
    assert offered(microphone.home) == (["computer", "snowboy"], ["computer", "snowboy"])
    microphone.say(words[4 * RATE :])
    assert microphone.end() == 0
    wakes = {event["word"]: event for event in microphone.events() if event["kind"] == "wake"}
    assert set(wakes) == {"alexa", "computer", "snowboy"} and wakes["computer"]["threshold"] == 0.35
    exposures = [entry.number("samples") for entry in read(place(microphone.home)) if entry.kind == "exposure"]
    assert sum(exposures) == len(words), "not a sample is missing"


def test_a_config_that_would_not_do_is_not_taken(microphone):
    microphone.say(quiet(0.5))
    microphone.told("STATUS=")
    microphone.config.write_text('[wake]\nwords = ["hal"]\n')
    microphone.process.send_signal(signal.SIGHUP)
    microphone.wait_for("the config was not reloaded, the old words and thresholds stay: ")
    assert offered(microphone.home)[0] == ["alexa", "computer"]
    assert microphone.end() == 0


@pytest.fixture
def wake_service(tmp_path):
    service = Listener(tmp_path, "--uri", f"unix://{tmp_path}/wake.sock", name="serve", source=())
    yield service
    service.process.kill()
    service.end()


def test_of_a_wake_service_the_manager_is_told_as_long_as_clients_have_their_turn(wake_service):
    lines = wake_service.told("READY=1")
    assert lines == [f"STATUS=serving unix://{wake_service.home}/wake.sock", "READY=1"]
    assert (wake_service.home / "wake.sock").is_socket(), "ready means that clients can come"
    assert wake_service.told("WATCHDOG=1") == wake_service.told("WATCHDOG=1") == ["WATCHDOG=1"]
    wake_service.process.send_signal(signal.SIGSTOP)
    while select.select([wake_service.manager], [], [], 0.7)[0]:
        wake_service.manager.recv(4096)
    wake_service.process.send_signal(signal.SIGCONT)
    wake_service.told("WATCHDOG=1")
    wake_service.process.terminate()
    assert wake_service.told("STOPPING=1")[-1] == "STOPPING=1" and wake_service.end() == 0


def test_a_wake_service_that_cannot_begin_is_never_ready(tmp_path):
    service = Listener(tmp_path, "--uri", f"unix://{tmp_path}/no/folder/wake.sock", name="serve", source=())
    assert service.process.wait(20) == 1
    assert not select.select([service.manager], [], [], 0)[0]
    assert service.end() == 1 and "cannot listen" in service.said()
