"""The assistant has heard enough: the one word from a sink to the gate, which can end a release and nothing else."""

import contextlib
import socket
import subprocess
import sys

import numpy as np
import pytest

from tests.gate.reader import read_utterance
from tests.gate.test_socket_sink import connect
from tests.gate.world import FakeEar, Listener, Scene, ScriptSource, World, find, kinds
from wakegate.events import Purpose, Reason
from wakegate.gate.limits import BLOCK
from wakegate.gate.sinks import CallbackSink, StreamSink
from wakegate.gate.socket_sink import SocketSink
from wakegate.pipeline import Pipeline

SPEAKING = 48_640
"""In the middle of the sentence."""

HELD_UP = """
import socket, sys, time
peer = socket.socket(socket.AF_UNIX)
peer.connect(sys.argv[1])
print(flush=True)
time.sleep(60)
"""


class Ear(CallbackSink):
    """An assistant with an endpoint of its own."""

    def __init__(self, takes=1 << 20):
        self.listener, self.sated, self.takes, self.asked = Listener(), False, takes, 0
        super().__init__(self.listener)

    def open(self, info):
        self.sated = False
        super().open(info)

    def write(self, samples):
        return super().write(samples[: self.takes])

    def enough(self):
        self.asked += 1
        return self.sated

    def say_so(self):
        self.sated = True


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def talk(seconds=6.0):
    return Scene().quiet(1).word().speech(seconds).quiet(2).samples()


def listen(world, source, sink):
    with Pipeline.open(source, scorer=FakeEar(), place=world.place, clock=world.clock, assist=sink) as pipeline:
        return list(pipeline)


def of(events, kind):
    return [event for event in events if event.kind == kind]


def test_the_release_ends_there_as_at_an_endpoint_and_the_next_wake_is_another(world):
    world.grant(Purpose.ASSIST)
    ear, sound = Ear(), Scene().quiet(1).word().speech(4).quiet(2).word().speech(1).quiet(2).samples()
    events = listen(world, ScriptSource(sound, {SPEAKING: ear.say_so}), ear)
    first, second = of(events, "endpoint")
    assert (first.reason, second.reason) == (Reason.HEARD_ENOUGH, Reason.ENDPOINT)
    released, _ = of(events, "released")
    heard, more = ear.listener.heard()
    assert find(heard, sound) == released.start and len(heard) == released.end - released.start
    assert first.at == released.end <= SPEAKING < released.at <= SPEAKING + BLOCK
    assert ear.listener.ends == [Reason.HEARD_ENOUGH, Reason.ENDPOINT] and len(more) > 16_000
    at = events.index(released)
    assert kinds(events[at : at + 2]) == ["released assist", "wiped"]
    kept = [(one.kind, one.values.get("reason")) for one in world.journal_entries()]
    assert kept.index(("endpoint", "heard_enough")) + 1 == kept.index(("released", None))
    assert str(first) == "the utterance ended: the assistant has heard enough"


def test_it_opens_and_prolongs_nothing(world):
    """Said while nothing is open, and without a grant, it is not even asked for."""
    ear = Ear()
    assert "refused assist no_grant" in kinds(listen(world, ScriptSource(talk(), {8_000: ear.say_so}), ear))
    assert ear.asked == 0 and ear.listener.infos == []


def test_a_revoke_in_the_same_block_comes_first(world):
    world.grant(Purpose.ASSIST)
    ear = Ear()

    def both():
        ear.say_so()
        world.ledger().revoke(Purpose.ASSIST)

    events = kinds(listen(world, ScriptSource(talk(), {SPEAKING: both}), ear))
    assert "aborted assist revoked" in events and not any(one.startswith(("endpoint", "released")) for one in events)


def test_what_it_has_not_taken_of_an_utterance_that_ended_by_itself_does_not_follow(world):
    world.grant(Purpose.ASSIST)
    ear, sound = Ear(takes=800), Scene().quiet(1).word().speech(2).quiet(6).samples()
    events = listen(world, ScriptSource(sound, {80_000: ear.say_so}), ear)
    (ended,), (released,), (heard,) = of(events, "endpoint"), of(events, "released"), ear.listener.heard()
    assert ended.reason is Reason.ENDPOINT and ended.at < 80_000, "before it said so"
    assert released.end == released.start + len(heard) < ended.at
    assert ear.listener.ends == [Reason.HEARD_ENOUGH]


def test_a_sink_that_breaks_when_it_is_asked_fails_the_release_alone(world):
    world.grant(Purpose.ASSIST)
    ear = Ear()
    ear.enough = lambda: 1 / 0
    events = kinds(listen(world, ScriptSource(talk()), ear))
    assert "aborted assist sink_failed" in events and "wiped" in events and events[-1] == "stopped end_of_sound"


@pytest.mark.parametrize(
    ("spoken", "end"),
    [(Scene().speech(6), "released review"), (Scene().quiet(1), "released false_accept_review")],
    ids=["a request", "nothing"],
)
def test_a_clip_and_whether_the_wake_is_suspect_are_not_its_business(world, spoken, end):
    """Else a program could have a false wake sealed as a request, or a suspect one forgotten."""
    world.grant(Purpose.ASSIST, Purpose.REVIEW, Purpose.FALSE_ACCEPT_REVIEW)
    sound, at, ear = (
        np.concatenate([*Scene().quiet(1).word(), *spoken, *Scene().quiet(6)]).astype(np.int16),
        32 * BLOCK,
        Ear(),
    )
    without = listen(world, ScriptSource(sound), Ear())
    events = listen(world, ScriptSource(sound, {at: ear.say_so}), ear)
    (assist,) = [one for one in of(events, "released") if one.purpose is Purpose.ASSIST]
    assert assist.end <= at < assist.at <= at + BLOCK and ear.listener.ends == [Reason.HEARD_ENOUGH]
    told = [kind for kind in kinds(events) if "assist" not in kind]
    assert told == [kind for kind in kinds(without) if "assist" not in kind] and end in told


# The socket of `--assist unix:PATH`: its reader's end of the connection is the word.


@pytest.mark.parametrize("how", ["ends its side and reads on", "has said something before", "closes"])
def test_a_reader_of_the_socket_that_ends_has_heard_enough(world, tmp_path, how):
    world.grant(Purpose.ASSIST)
    sink, came = SocketSink(tmp_path / "assist.sock"), []
    with connect(tmp_path / "assist.sock") as peer:
        if how == "has said something before":
            peer.sendall(b"hello")

        def end():
            peer.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while True:
                    came.append(peer.recv(1 << 20))
            peer.close() if how == "closes" else peer.shutdown(socket.SHUT_WR)

        events = listen(world, ScriptSource(talk(), {SPEAKING: end}), sink)
        if how != "closes":
            rest = b"".join(came) + peer.recv(1 << 20)
            assert rest.endswith(b'{"reason":"heard_enough","complete":true,"samples":%d}\n' % _sent(events))
    assert "aborted" not in "".join(kinds(events)) and _sent(events) > 16_000
    assert [one.reason for one in of(events, "endpoint")] == [Reason.HEARD_ENOUGH]
    assert of(events, "released")[0].end <= SPEAKING
    assert not sink.ready(), "it comes anew for the next one"
    sink.shut()


def test_a_reader_that_is_behind_gets_the_end_of_what_it_has_ended(world, tmp_path, monkeypatch):
    """Its queue is full: the end is written once there is room, not owed to whoever comes at the next wake."""
    world.grant(Purpose.ASSIST)
    put, full = StreamSink._put, [False]
    monkeypatch.setattr(StreamSink, "_put", lambda sink, *parts: not full[0] and put(sink, *parts))
    sink = SocketSink(tmp_path / "assist.sock")
    with connect(tmp_path / "assist.sock") as peer:

        def end():
            full[0] = True
            peer.shutdown(socket.SHUT_WR)

        def read():
            full[0] = False

        events = listen(world, ScriptSource(talk(), {SPEAKING: end, SPEAKING + 5 * BLOCK: read}), sink)
        assert SPEAKING + 4 * BLOCK < of(events, "released")[0].at
        assert not sink.ready()
        _, pcm, ending = read_utterance(peer.makefile("rb"))
    assert ending == {"reason": "heard_enough", "complete": True, "samples": _sent(events)} and len(pcm) == 2 * _sent(
        events
    )
    sink.shut()


def test_a_reader_that_was_killed_with_sound_unread_has_failed(world, tmp_path):
    world.grant(Purpose.ASSIST)
    path = tmp_path / "assist.sock"
    sink = SocketSink(path)
    with subprocess.Popen([sys.executable, "-c", HELD_UP, str(path)], stdout=subprocess.PIPE) as reader:
        reader.stdout.readline()

        def kill():
            reader.kill()
            reader.wait()

        events = kinds(listen(world, ScriptSource(talk(), {SPEAKING: kill}), sink))
    assert "aborted assist sink_failed" in events
    sink.shut()


def _sent(events):
    (released,) = of(events, "released")
    return released.end - released.start
