"""``wakegate serve`` as a service: a real process, a real notify socket, a real client. Around 25 s."""

import asyncio
import os
import pty
import select
import signal
import sys
import time

import pytest

from tests.cli.process import RATE, ROOT, environment, place, six_words
from tests.cli.test_listen_service import Listener, quiet
from wakegate.journal import read
from wakegate.wake import catalogue

pytest.importorskip("wyoming", reason="the extra `wyoming` is not installed")

from wyoming.audio import AudioChunk
from wyoming.client import AsyncClient
from wyoming.error import Error
from wyoming.event import Event
from wyoming.info import Describe, Info
from wyoming.wake import Detect, Detection


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


class Said:
    """One client of the wake service, which says a part of the six words at a time."""

    def __init__(self, client, names=None):
        self.client, self.names, self.ms = client, names, 0

    async def hear(self, samples):
        """Send samples as a satellite does, never an audio-stop; return what was answered when all is heard."""
        if not self.ms:
            await self.client.write_event(Detect(names=self.names).event())
        for at in range(0, len(samples), 1024):
            piece = samples[at : at + 1024].tobytes()
            await self.client.write_event(AudioChunk(RATE, 2, 1, piece, timestamp=self.ms).event())
            self.ms += len(piece) // 32
        return [
            Detection.from_event(event) for event in await self.asked(Event("ping"), "pong") if event.type != "pong"
        ]

    async def asked(self, event, answer):
        """Say something; return everything up to the answer."""
        await self.client.write_event(event)
        events = []
        while not events or events[-1].type != answer:
            events.append(await asyncio.wait_for(self.client.read_event(), 20))
            assert events[-1] is not None, "the client was hung up on"
        return events

    async def offered(self):
        info = Info.from_event((await self.asked(Describe().event(), "info"))[-1])
        return [model.name for model in info.wake[0].models]


def in_turn(service, names, *turns):
    """Talk with a wake service as one client, its sound cut where something is done to the service meanwhile."""
    words, cut = six_words(), 4 * RATE  # alexa, and the first half of computer

    async def run():
        async with AsyncClient.from_uri(f"unix://{service.home}/wake.sock") as client:
            said = Said(client, names)
            before = await said.hear(words[:cut])
            for turn in turns:
                turn()
            offered = await said.offered()
            return before, offered, await said.hear(words[cut:])

    return asyncio.run(run())


def test_a_wake_service_takes_words_in_mid_sound_and_whoever_is_listened_to_hears_them(wake_service):
    wake_service.told("READY=1")

    def change():
        wake_service.config.write_text('[wake]\nwords = ["computer", "snowboy"]\nthresholds = { computer = 0.35 }\n')
        wake_service.process.send_signal(signal.SIGHUP)
        lines = wake_service.told("READY=1")
        at = next(i for i, line in enumerate(lines) if line.startswith("RELOADING=1"))
        assert lines[at + 1].startswith("MONOTONIC_USEC=") and lines[-1] == "READY=1"

    before, offered, after = in_turn(wake_service, None, change)
    assert [one.name for one in before] == ["alexa"]
    assert offered == ["computer", "snowboy"]
    usual = catalogue.installed()[0].entry("snowboy").threshold
    assert [(one.name, one.context["threshold"]) for one in after] == [("computer", 0.35), ("snowboy", usual)]
    assert after[0].timestamp < 6000, "the clock of its sound ran on"
    assert "reloaded, listening for computer, snowboy\n" in wake_service.said()
    wake_service.told("WATCHDOG=1")
    wake_service.process.terminate()
    assert wake_service.end() == 0


def test_who_asked_for_a_word_that_goes_keeps_it_until_it_asks_again(wake_service):
    wake_service.told("READY=1")

    def change():
        wake_service.config.write_text('[wake]\nwords = ["snowboy"]\n')
        wake_service.process.send_signal(signal.SIGHUP)
        wake_service.wait_for("reloaded, listening for snowboy")

    _, offered, after = in_turn(wake_service, ["Computer"], change)
    assert offered == ["snowboy"] and [one.name for one in after] == ["Computer"]

    async def ask_again():
        async with AsyncClient.from_uri(f"unix://{wake_service.home}/wake.sock") as client:
            await client.write_event(Detect(names=["computer"]).event())
            return Error.from_event(await client.read_event())

    assert asyncio.run(ask_again()).code == "unknown-word"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[wake]\nwords = ["hal"]', "no installed model knows 'hal'"),
        ("[wake]\nthresholds = { alexa = 0.0 }", "the threshold for 'alexa' is 0"),
        ("[consent]\nassist = true", "consent is a person's act"),
        ("[wake", "is not TOML"),
        (None, "cannot be read"),
    ],
    ids=["an unknown word", "below the floor", "consent", "no TOML", "gone"],
)
def test_a_wake_service_keeps_its_words_where_a_config_would_not_do(wake_service, text, said):
    wake_service.told("READY=1")

    def change():
        wake_service.config.unlink() if text is None else wake_service.config.write_text(text)
        wake_service.process.send_signal(signal.SIGHUP)
        wake_service.wait_for("the config was not reloaded, the old words and thresholds stay: ")

    before, offered, after = in_turn(wake_service, None, change)
    assert said in wake_service.said() and offered == ["alexa", "computer"]
    assert [one.name for one in before + after] == ["alexa", "computer"]


def test_a_terminal_that_is_closed_ends_a_wake_service(tmp_path):
    pid, terminal = pty.fork()
    if pid == 0:
        serve = "from wakegate.cli import main; import sys; sys.exit(main())"
        script = f"({sys.executable} -c '{serve}' serve --uri unix://{tmp_path}/wake.sock > out 2>&1); true"
        os.chdir(tmp_path)
        os.execve("/bin/sh", ["sh", "-c", script], environment(tmp_path) | {"PYTHONPATH": str(ROOT)})
    end = time.monotonic() + 60
    while not (tmp_path / "wake.sock").exists():
        assert time.monotonic() < end
        time.sleep(0.05)
    os.close(terminal)
    os.waitpid(pid, 0)
    while (tmp_path / "wake.sock").exists():  # taken away by whoever ends as one should
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_wake_service_that_cannot_begin_is_never_ready(tmp_path):
    service = Listener(tmp_path, "--uri", f"unix://{tmp_path}/no/folder/wake.sock", name="serve", source=())
    assert service.process.wait(20) == 1
    assert not select.select([service.manager], [], [], 0)[0]
    assert service.end() == 1 and "cannot listen" in service.said()
