"""The gated microphone: a real client of the protocol reads it, and a real pipeline is behind it. Around 15 s."""

import asyncio
import os
import queue
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import numpy as np
import pytest
import soundfile
from wyoming.info import Describe, Info
from wyoming.satellite import PauseSatellite, RunSatellite

from tests.gate.world import FakeEar, Scene, ScriptSource, World, find, kinds
from tests.memory import plant
from tests.serve.wyoming.world import ROOT, AsyncClient, AudioChunk, AudioStart, Detect, Event, chunks
from wakegate.audio.array import ArraySource
from wakegate.audio.files import FileSource
from wakegate.errors import ConfigError
from wakegate.events import Purpose, Reason
from wakegate.gate.frames import Info as Told
from wakegate.gate.limits import Limits
from wakegate.gate.sinks import Sink
from wakegate.pipeline import Pipeline
from wakegate.serve.wyoming import microphone
from wakegate.serve.wyoming.address import parse
from wakegate.serve.wyoming.door import Door
from wakegate.serve.wyoming.microphone import GatedMicrophone
from wakegate.wake import load

READER = """
import socket, sys
peer = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
came = b""
while b'"audio-stop"' not in came:
    came += peer.recv(1 << 16)
print(len(came), flush=True)
"""
SCENE = ROOT / "wakegate" / "cli" / "scene.flac"
EAR = FakeEar()
MODELS = {"alexa": EAR.manifest}
UTTERANCE = ["detection", "audio-start", "audio-chunk", "audio-stop"]


class Paced(ScriptSource):
    """Sound that comes a little slower than it could, twenty times as fast as it was spoken."""

    def read(self, out):
        time.sleep(len(out) / 16_000 / 20)
        return super().read(out)


class Assistant:
    """A client in a thread of its own: everything that comes is kept in order, with the end as None."""

    def __init__(self, uri, *first, reads=True, last_words=()):
        self.uri, self.first, self.reads, self.last_words = uri, first, reads, last_words
        self.came = queue.Queue()
        self.events = []
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(10)

    def _run(self):
        self._loop.run_until_complete(self._talk())
        self._loop.close()

    async def _talk(self):
        self.client = AsyncClient.from_uri(self.uri)
        await self.client.connect()
        self.task = asyncio.current_task()
        for event in self.first:
            await self.client.write_event(event)
        self._ready.set()
        try:
            while self.reads and (event := await self.client.read_event()) is not None:
                self.came.put(event)
            while not self.reads:
                await asyncio.sleep(0.05)
        except (asyncio.CancelledError, OSError):
            pass
        self.came.put(None)
        self.trouble = None
        try:
            for event in self.last_words:
                await self.client.write_event(event)
                await asyncio.sleep(0.3)
            await self.client.disconnect()
        except OSError as error:
            self.trouble = error

    def say(self, *events):
        """Say something, and wait until it was understood."""
        for event in (*events, Event("ping", {"text": "understood?"})):
            asyncio.run_coroutine_threadsafe(self.client.write_event(event), self._loop).result(10)
        self.until("pong")

    def until(self, *types, within_s=10):
        """Read on up to an event of these types, or the end (None); return what came."""
        found = []
        while True:
            event = self.came.get(timeout=within_s)
            self.events.append(event)
            found.append(event)
            if event is None or event.type in types:
                return found

    def nothing(self, for_s=0.3):
        with pytest.raises(queue.Empty):
            self.came.get(timeout=for_s)
        return True

    def left(self):
        """Wait until it has left by itself; return what went wrong as it did."""
        self._thread.join(10)
        assert not self._thread.is_alive()
        return self.trouble

    def leave(self):
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self.task.cancel)
        self._thread.join(10)


class House:
    """A place with grants, a gated microphone, and what happened."""

    def __init__(self, path):
        self.world, self.dropped, self.events, self.assistants = World(path), [], [], []
        self.path = path

    @contextmanager
    def microphone(self, uri="tcp://127.0.0.1:0", **more):
        with GatedMicrophone(parse(uri), lambda: MODELS, self.dropped.append, **more) as self.sink:
            try:
                yield self
            finally:
                for assistant in self.assistants:
                    assistant.leave()

    def assistant(self, *first, **more):
        one = Assistant(self.sink.found_at, *first, **more)
        self.assistants.append(one)
        for _ in range(1000):  # the service has noticed it
            if len(self.sink._listeners) == sum(a._thread.is_alive() for a in self.assistants):
                break
            time.sleep(0.01)
        return one

    def somebody(self):
        """Wait until somebody is connected."""
        for _ in range(1000):
            if self.sink._listeners:
                return
            time.sleep(0.01)
        raise AssertionError("nobody is connected")

    def empty(self):
        """Wait until nobody is connected."""
        for _ in range(1000):
            if not self.sink._listeners:
                return
            time.sleep(0.01)
        raise AssertionError("somebody is still connected")

    def listen(self, source, scorer=None, **more):
        """Run the pipeline to the end of the sound."""
        pipeline = Pipeline.open(
            source, scorer=scorer or FakeEar(), place=self.world.place, clock=self.world.clock, assist=self.sink, **more
        )
        with pipeline:
            for event in pipeline:
                self.events.append(event)
        return kinds(self.events)


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


def scene():
    return Scene().quiet(1).speech(2).quiet(1).word().speech(1.5).quiet(2.5).speech(1).quiet(0.5).samples()


def sound_of(events):
    return np.frombuffer(
        b"".join(AudioChunk.from_event(e).audio for e in events if e and e.type == "audio-chunk"), "<i2"
    )


def in_short(events):
    """The types in order, repeated ones once."""
    types = [None if event is None else event.type for event in events]
    return [kind for number, kind in enumerate(types) if number == 0 or types[number - 1] != kind]


# Before a wake, and without a grant: nothing.


def test_a_client_that_reads_before_a_wake_gets_nothing_and_after_it_the_utterance(house):
    house.world.grant(Purpose.ASSIST)
    sound = scene()
    reads = []
    with house.microphone():
        early = house.assistant()
        source = Paced(sound, {3 * 16_000: lambda: reads.append(early.nothing())})  # a second before the word begins
        happened = house.listen(source, limits=Limits(pre_roll_s=0.5))
        came = early.until("audio-stop")
        assert early.nothing()
    assert reads == [True] and isinstance(house.sink, Sink)
    assert "released assist" in happened
    assert in_short(came) == UTTERANCE
    released = next(event for event in house.events if event.kind == "released")
    heard = sound_of(came)
    assert find(heard, sound) == released.start and len(heard) == released.end - released.start
    assert released.start == 4 * 16_000 - 8_000  # half a second before the word


def test_the_words_around_the_sound_say_what_and_when(house):
    house.world.grant(Purpose.ASSIST)
    with house.microphone(f"unix://{house.path}/mic.sock"):
        assistant = house.assistant()
        house.listen(Paced(scene()))
        detection, start, *middle, stop = assistant.until("audio-stop")
    wake = next(event for event in house.events if event.kind == "wake")
    assert detection.data["name"] == "alexa" and detection.data["timestamp"] == 1100
    assert detection.data["context"] == {
        "event": wake.id, "score": wake.score, "threshold": wake.threshold,
        "word_start_ms": 500, "word_end_ms": 1100, "gate": "opened",
    }  # fmt: skip
    assert AudioStart.from_event(start) == AudioStart(16_000, 2, 1, timestamp=0)
    at = 0
    for chunk in map(AudioChunk.from_event, middle):
        assert (chunk.rate, chunk.width, chunk.channels, chunk.timestamp) == (16_000, 2, 1, at // 16)
        at += chunk.samples
        assert chunk.samples <= 1280
    assert stop.data["timestamp"] == at // 16


def test_it_is_live(house):
    """Chunks come while the sentence is still being spoken."""
    house.world.grant(Purpose.ASSIST)
    so_far, expected = [], round((5.52 - 3.5) * 16_000)
    with house.microphone():
        assistant = house.assistant()

        def look():
            for _ in range(500):
                so_far.append(len(sound_of(list(assistant.came.queue))))
                if so_far[-1] == expected:
                    break
                time.sleep(0.01)

        house.listen(Paced(scene(), {round(5.52 * 16_000): look}))
        assistant.until("audio-stop")
    assert so_far[-1] == expected, "from half a second before the word up to the block before this one"


def test_without_a_grant_not_even_the_wake_is_told(house):
    with house.microphone():
        assistant = house.assistant()
        happened = house.listen(Paced(scene()))
        assert assistant.nothing()
    assert "wake" in happened and "refused assist no_grant" in happened


def test_another_purposes_grant_lets_nothing_through(house):
    house.world.grant(Purpose.REVIEW, Purpose.FALSE_ACCEPT_REVIEW)
    with house.microphone():
        assistant = house.assistant()
        assert "refused assist no_grant" in house.listen(Paced(scene()))
        assert assistant.nothing()


def test_a_revoke_ends_it_in_mid_sentence(house):
    house.world.grant(Purpose.ASSIST)
    sound, at = scene(), 66 * 1280  # in the middle of the sentence
    with house.microphone():
        assistant = house.assistant()
        happened = house.listen(Paced(sound, {at: lambda: house.world.ledger().revoke(Purpose.ASSIST) and None}))
        came = assistant.until()
    assert "aborted assist revoked" in happened
    assert in_short(came) == ["detection", "audio-start", "audio-chunk", "error", None]
    assert next(event for event in came if event and event.type == "error").data["code"] == "revoked"
    heard = sound_of(came)
    assert 0 <= find(heard, sound) and find(heard, sound) + len(heard) <= at
    aborted = next(event for event in house.events if event.kind == "aborted")
    assert aborted.sent == len(heard)


def test_a_cancel_ends_it_and_the_next_utterance_comes_to_who_is_there_then(house):
    house.world.grant(Purpose.ASSIST)
    sound = np.concatenate([scene(), scene()])
    with house.microphone():
        first = house.assistant()
        pipeline = Pipeline.open(
            Paced(sound, {round(5.3 * 16_000): lambda: pipeline.cancel()}), scorer=FakeEar(),
            place=house.world.place, clock=house.world.clock, assist=house.sink,
        )  # fmt: skip
        with pipeline:
            for event in pipeline:
                if event.kind == "wiped" and not house.events:
                    came = first.until()
                    second = house.assistant()
                    house.events.append(event)
        after = second.until("audio-stop")
    assert came[-2].data["code"] == "cancelled" and came[-1] is None
    assert in_short(after) == UTTERANCE and find(sound_of(after), sound) > 5.3 * 16_000


# The real ear.


def test_the_real_model_and_real_speech(house):
    """The demo's kitchen: the word is said three times, and somebody opts in after the first."""
    house.world.grant(Purpose.ASSIST)
    sound = soundfile.read(SCENE, dtype="int16")[0][: 21 * 16_000]

    class Spoken(ArraySource):
        def read(self, out):
            time.sleep(len(out) / 16_000 / 20)
            return super().read(out)

    with house.microphone():
        assistant = house.assistant()
        happened = house.listen(Spoken(sound), scorer=load(["computer"]))
        count = happened.count("released assist")
        utterances = [assistant.until("audio-stop") for _ in range(count)]
        assert assistant.nothing()
    released = [event for event in house.events if event.kind == "released"]
    assert len(released) >= 2
    for came, event in zip(utterances, released, strict=True):
        assert in_short(came) == UTTERANCE and np.array_equal(sound_of(came), sound[event.start : event.end])


# Who hears it.


def test_home_assistants_satellite_is_asked_to_run_its_pipeline(house):
    house.world.grant(Purpose.ASSIST)
    with house.microphone():
        assistant = house.assistant(RunSatellite().event(), Describe().event(), Event("ping", {"text": "x"}))
        info, pong = assistant.until("pong")
        assistant.say(Detect().event(), Event("transcribe", {"language": "en"}))  # as it goes along
        house.listen(Paced(scene()))
        came = assistant.until("audio-stop")
    assert pong.data == {"text": "x"}
    about = Info.from_event(info)
    (microphone,) = about.mic
    assert (microphone.mic_format.rate, microphone.mic_format.width, microphone.mic_format.channels) == (16_000, 2, 1)
    assert about.satellite.installed and about.satellite.active_wake_words == ["alexa"] and about.satellite.has_vad
    assert [model.phrase for model in about.wake[0].models] == ["alexa"]
    assert in_short(came) == ["detection", "run-pipeline", *UTTERANCE[1:]]
    pipeline = came[1].data
    assert (pipeline["start_stage"], pipeline["wake_word_name"]) == ("asr", "alexa")
    assert not pipeline["restart_on_end"]


def test_a_paused_satellite_hears_nothing_until_it_runs_again(house):
    house.world.grant(Purpose.ASSIST)
    with house.microphone():
        assistant = house.assistant()
        assistant.say(RunSatellite().event(), PauseSatellite().event())
        assert "refused assist nowhere_to_go" in house.listen(Paced(scene()))
        assert assistant.nothing()
        assistant.say(RunSatellite().event())
        house.events.clear()
        assert "released assist" in house.listen(Paced(scene()))
        assert in_short(assistant.until("audio-stop"))[-1] == "audio-stop"


def test_one_client_hears_it_and_who_only_asked_what_we_are_does_not(house):
    house.world.grant(Purpose.ASSIST)
    with house.microphone():
        probe = house.assistant(Describe().event())
        probe.until("info")
        first, second = house.assistant(), house.assistant()
        house.listen(Paced(scene()))
        assert in_short(first.until("audio-stop")) == UTTERANCE and second.nothing() and probe.nothing()
        satellite = house.assistant()
        satellite.say(RunSatellite().event())
        house.listen(Paced(scene()))
        assert in_short(satellite.until("audio-stop"))[1] == "run-pipeline"
        assert first.nothing() and second.nothing() and probe.nothing()


def test_home_assistant_that_is_muted_hears_nothing_while_it_asks_what_we_are(house):
    """Muting its satellite leaves that connection open, and every 30 s it asks over another one."""
    house.world.grant(Purpose.ASSIST)
    with house.microphone():
        satellite = house.assistant(RunSatellite().event(), Describe().event())
        satellite.until("info")
        satellite.say(PauseSatellite().event())
        poll = house.assistant(Describe().event())
        assert in_short(poll.until("info")) == ["info"]
        assert "refused assist nowhere_to_go" in house.listen(Paced(scene()))
        assert satellite.nothing() and poll.nothing()


def test_home_assistant_may_leave_in_its_own_time_after_a_cut(house):
    """It says a ping before it goes: a reset then would keep it away for 13 s in place of 3."""
    house.world.grant(Purpose.ASSIST)
    cut = {66 * 1280: lambda: house.world.ledger().revoke(Purpose.ASSIST) and None}
    with house.microphone():
        satellite = house.assistant(RunSatellite().event(), last_words=[Event("ping", {"text": None})])
        satellite.say()
        house.listen(Paced(scene(), cut))
        assert satellite.until()[-2].data["code"] == "revoked"
        assert satellite.left() is None


def test_one_that_stays_after_a_cut_is_sent_away(house, monkeypatch):
    monkeypatch.setattr(microphone, "LEAVING_S", 0.2)
    house.world.grant(Purpose.ASSIST)
    cut = {66 * 1280: lambda: house.world.ledger().revoke(Purpose.ASSIST) and None}
    with house.microphone(), socket.create_connection(("127.0.0.1", parse(house.sink.found_at).port)):
        house.somebody()
        assert "aborted assist revoked" in house.listen(Paced(scene(), cut))
        house.empty()


def test_with_nobody_there_it_is_refused(house):
    house.world.grant(Purpose.ASSIST)
    with house.microphone():
        gone = house.assistant()
        gone.leave()
        house.empty()
        assert "refused assist nowhere_to_go" in house.listen(Paced(scene()))


def test_a_service_that_broke_is_no_quiet_end(house, monkeypatch):
    """A service manager starts it again only where it ends with an error."""
    over = threading.Event()
    with pytest.raises(ZeroDivisionError), house.microphone():
        house.sink.when_over(over.set)
        monkeypatch.setattr(Door, "_welcome", lambda *_: 1 / 0)
        with socket.create_connection(("127.0.0.1", int(house.sink.found_at.rpartition(":")[2]))):
            assert over.wait(10), "listening would go on for nobody"


def test_an_assistant_that_vanishes_in_mid_sentence_ends_the_release_and_not_the_listening(house):
    house.world.grant(Purpose.ASSIST)
    with house.microphone():
        assistant = house.assistant()
        happened = house.listen(Paced(np.concatenate([scene(), scene()]), {(5 * 16_000): assistant.leave}))
    assert "aborted assist sink_failed" in happened and happened.count("wake") == 2
    assert happened[-1] == "stopped end_of_sound"


def test_an_assistant_that_does_not_read_is_cut_off_and_dropped(house, monkeypatch):
    monkeypatch.setattr("wakegate.serve.wyoming.door.SLOW_S", 0.5)
    house.world.grant(Purpose.ASSIST)
    sound = Scene().quiet(1).word().speech(25).quiet(2).samples()
    with house.microphone(), socket.socket() as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        peer.connect(("127.0.0.1", int(house.sink.found_at.rpartition(":")[2])))
        while not house.sink._listeners:
            time.sleep(0.01)
        happened = house.listen(ScriptSource(sound), limits=Limits(max_utterance_s=30))
        assert "aborted assist overflow" in happened
        house.empty()
        assert not house.sink.ready()


@pytest.mark.parametrize("scheme", ["tcp", "unix"])
def test_the_end_comes_to_a_client_that_was_behind_when_it_was_said(house, scheme):
    """No room for ``audio-stop`` is no end yet: nobody else would send it before the next utterance."""
    uri = "tcp://127.0.0.1:0" if scheme == "tcp" else f"unix://{house.path}/mic.sock"
    with house.microphone(uri), socket.socket(socket.AF_INET if scheme == "tcp" else socket.AF_UNIX) as peer:
        peer.settimeout(10)
        peer.connect(("127.0.0.1", int(house.sink.found_at.rpartition(":")[2])) if scheme == "tcp" else uri[7:])
        while not house.sink.ready():
            time.sleep(0.01)
        house.sink.open(Told(id="9f", word="alexa", score=0.9, threshold=0.5, word_start=0, word_end=8000))
        quiet, since = np.zeros(1120, np.int16), time.monotonic()
        while time.monotonic() - since < 0.5:  # until there is no room, and stays none
            since = time.monotonic() if house.sink.write(quiet) else since
        assert not house.sink.close(Reason.ENDPOINT), "it has not been said"
        came, ended = b"", False
        while b'"audio-stop"' not in came:
            came += peer.recv(65536)
            ended = ended or house.sink.close(Reason.ENDPOINT)
        assert ended and came.count(b'"audio-stop"') == 1


def test_nothing_of_it_stays_in_memory_once_it_is_over(house, tmp_path):
    """The client is another process: what is found here is ours."""
    probes = plant(tmp_path / "noise.wav", seed=5)
    house.world.grant(Purpose.ASSIST)

    class Planted(Paced):
        """The scene, with the planted noise from 4.6 to 6.6 s: right after the word."""

        def __init__(self):
            super().__init__(np.zeros(round(9.5 * 16_000), np.int16))
            self.samples[3 * 16_000 : round(4.6 * 16_000)] = Scene().quiet(1).word().samples()
            self.file, self.found = FileSource(tmp_path / "noise.wav"), {}

        def read(self, out):
            reading = super().read(out)
            if round(4.64 * 16_000) <= self.at - reading.count < round(6.48 * 16_000):
                self.file.read(out[: reading.count])
            if not self.found and self.at > 6 * 16_000:
                self.found = probes.found()
            return reading

        def wipe(self):
            self.file.wipe()

        def close(self):
            self.file.close()

    source = Planted()
    with house.microphone():
        port = int(house.sink.found_at.rpartition(":")[2])
        with subprocess.Popen([sys.executable, "-c", READER, str(port)], stdout=subprocess.PIPE) as reader:
            while not house.sink._listeners:
                time.sleep(0.01)
            assert "released assist" in house.listen(source)
            assert probes.found() == {}
            count = int(reader.stdout.readline())
    assert source.found != {}, "the search can find it"
    assert count > 2 * 2 * 16_000


# The assistant says that it has heard enough.


def said(*kinds):
    """What Home Assistant says of a request, in order."""
    return [Event(kind, {"timestamp": 1234} if kind.startswith("voice") else {"text": ""}) for kind in kinds]


@pytest.mark.parametrize("words", [("transcribe", "voice-started", "voice-stopped"), ("transcribe", "transcript")])
def test_home_assistant_that_has_heard_enough_gets_no_more_and_stays(house, words):
    house.world.grant(Purpose.ASSIST)
    sound, at = np.concatenate([scene(), scene()]), 66 * 1280  # in the middle of the first sentence
    with house.microphone():
        satellite = house.assistant(RunSatellite().event())
        satellite.say()
        happened = house.listen(Paced(sound, {at: lambda: satellite.say(*said(*words))}))
        utterances = [satellite.until("audio-stop") for _ in range(2)]
        assert satellite.nothing(), "it is not sent away"
    assert [one for one in happened if one.startswith(("endpoint", "aborted"))] == [
        "endpoint heard_enough", "endpoint endpoint",
    ]  # fmt: skip
    released, _ = (event for event in house.events if event.kind == "released")
    assert released.end <= at
    heard = sound_of(house.assistants[0].events)
    assert find(heard[: released.end - released.start], sound) == released.start
    assert in_short(utterances[1])[-4:] == ["run-pipeline", *UTTERANCE[1:]]


def test_an_assistants_error_is_enough_too(house):
    """Home Assistant of two satellites that hear a word drops one, with an error in place of a beginning."""
    house.world.grant(Purpose.ASSIST)
    error = Event("error", {"text": "woken already", "code": "duplicate_wake_up_detected"})
    with house.microphone():
        satellite = house.assistant(RunSatellite().event())
        satellite.say()
        assert "endpoint heard_enough" in house.listen(Paced(scene(), {66 * 1280: lambda: satellite.say(error)}))


def test_one_that_says_so_and_leaves_has_not_failed(house):
    house.world.grant(Purpose.ASSIST)
    with house.microphone():
        reader = house.assistant()

        def end():
            reader.say(*said("voice-stopped"))
            reader.leave()
            time.sleep(0.3)  # until it was seen

        happened = house.listen(Paced(scene(), {66 * 1280: end}))
    assert "endpoint heard_enough" in happened and "released assist" in happened


def test_words_about_the_utterance_before_are_none_about_this_one(house):
    """Speech-to-text takes its time: a transcript may come when the next request has begun."""
    house.world.grant(Purpose.ASSIST)
    late = said("voice-stopped", "transcript")
    with house.microphone():
        satellite = house.assistant(RunSatellite().event())
        satellite.say(*said("transcribe"), *late)
        assert "endpoint endpoint" in house.listen(Paced(scene(), {66 * 1280: lambda: satellite.say(*late)}))


def test_a_word_that_is_being_understood_as_the_next_one_begins_is_none_about_it_either(house):
    """The gate's thread begins it while the other thread is still at that word."""
    house.world.grant(Purpose.ASSIST)
    sound, words, at = np.concatenate([scene(), scene()]), [], 66 * 1280
    with house.microphone():
        house.assistant()
        first, second = lambda: words.append(house.sink._hearing.word), lambda: words[0].said("error")
        happened = house.listen(Paced(sound, {at: first, len(scene()) + at: second}))
    assert happened.count("endpoint endpoint") == 2


def test_only_the_client_that_hears_it_can_say_so(house):
    house.world.grant(Purpose.ASSIST)
    words = said("transcribe", "voice-stopped", "transcript", "error")
    with house.microphone():
        reader, other = house.assistant(), house.assistant()
        happened = house.listen(Paced(scene(), {66 * 1280: lambda: other.say(*words)}))
        assert in_short(reader.until("audio-stop")) == UTTERANCE
        assert "endpoint endpoint" in happened and "endpoint heard_enough" not in happened
        # One that reads a microphone and runs no satellite need not say that it begins.
        house.listen(Paced(scene(), {66 * 1280: lambda: reader.say(*said("voice-stopped"))}))
    assert [one.reason for one in house.events if one.kind == "endpoint"] == [Reason.ENDPOINT, Reason.HEARD_ENOUGH]


# What clients say cannot open anything.


def test_no_event_of_a_client_opens_the_gate(house):
    house.world.grant(Purpose.ASSIST)
    says = [
        Event("detection", {"name": "alexa", "timestamp": 0}), Event("run-pipeline", {"start_stage": "asr"}),
        Event("audio-start", {"rate": 16_000, "width": 2, "channels": 1}), *chunks(scene()[: 5 * 16_000].tobytes()),
        Event("streaming-started", {}), Event("detect", {"names": ["alexa"]}), Event("wake", {}), Event("grant", {}),
    ]  # fmt: skip
    with house.microphone():
        assistant = house.assistant(RunSatellite().event(), *says, Event("ping", {"text": "x"}))
        assistant.until("pong")
        happened = house.listen(Paced(Scene().quiet(1).speech(3).quiet(1).samples()))
        assert assistant.nothing()
    assert happened == ["started", "stopped end_of_sound"]


def test_rubbish_ends_that_client_alone(house):
    house.world.grant(Purpose.ASSIST)
    with house.microphone():
        assistant = house.assistant()
        bad = house.assistant(Event("x" * 200, {}))
        assert [event and event.data.get("code") for event in bad.until()] == ["bad-event", None]
        house.listen(Paced(scene()))
        assert in_short(assistant.until("audio-stop")) == UTTERANCE
    assert [one.code for one in house.dropped] == ["bad-event"]


# On this device, and whose.


@pytest.mark.parametrize("uri", ["tcp://0.0.0.0:0", "tcp://192.168.1.5:10700", "tcp://[::]:0", "tcp://kitchen:10700"])
def test_it_is_not_to_be_reached_from_another_device(house, uri):
    with pytest.raises(ConfigError, match="the assistant on this one"), house.microphone(uri):
        pass


def test_an_address_that_cannot_be_had_is_said(house):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        with pytest.raises(ConfigError, match="cannot listen"):
            with house.microphone(f"tcp://127.0.0.1:{taken.getsockname()[1]}"):
                pass


OTHER = """
import os, socket, sys
os.setgid(65534); os.setuid(65534)
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
with socket.socket(family) as peer:
    peer.connect((sys.argv[1], int(sys.argv[2])))
    peer.settimeout(20)
    print(peer.makefile("rb").read().decode(errors="replace")[:300], flush=True)
"""


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to be another user")
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_another_users_program_is_sent_away_unless_it_was_named(house, host):
    house.world.grant(Purpose.ASSIST)
    uri = f"tcp://{f'[{host}]' if ':' in host else host}:0"

    def other():
        port = house.sink.found_at.rpartition(":")[2]
        return subprocess.Popen([sys.executable, "-c", OTHER, host, port], stdout=subprocess.PIPE, text=True)

    with house.microphone(uri):
        with other() as process:
            assert '"code": "other-user"' in process.communicate(timeout=10)[0]
        assert house.sink._listeners == [] and [one.code for one in house.dropped] == ["other-user"]
        ours = house.assistant()
        house.listen(Paced(scene()))
        assert in_short(ours.until("audio-stop")) == UTTERANCE
    house.assistants.clear()
    with house.microphone(uri, users=frozenset({65534})):
        with other() as process:
            while not house.sink._listeners:
                time.sleep(0.02)
            assert "released assist" in house.listen(Paced(scene()))
            process.terminate()
