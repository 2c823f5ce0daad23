"""A release that was cut short while its reader was behind: the reader is told as soon as it reads. Around 2 s."""

import contextlib
import json
import os
from itertools import pairwise

import pytest

from tests.gate.test_socket_sink import connect
from tests.gate.world import RATE, FakeEar, Scene, ScriptSource, World, kinds
from wakegate.events import Muter, Purpose, Reason
from wakegate.gate.limits import BLOCK
from wakegate.gate.sinks import CallbackSink, StreamSink
from wakegate.gate.socket_sink import SocketSink
from wakegate.pipeline import Pipeline

CUT = 100 * BLOCK
"""In the middle of the sentence; a pipe and a socket that nobody reads are full by then."""


class Behind:
    """A reader of a descriptor that reads when it is told to, and never waits."""

    def __init__(self, descriptor, into=None):
        self._descriptor, self._into, self.got = descriptor, into, b""
        os.set_blocking(descriptor, False)

    def fill(self):
        """Take the last corner of a pipe, in which an end marker would have room."""
        with contextlib.suppress(BlockingIOError):
            while self._into is not None:
                os.write(self._into, b"x")

    def read(self):
        with contextlib.suppress(BlockingIOError):
            while piece := os.read(self._descriptor, 1 << 20):
                self.got += piece


@pytest.fixture(params=["pipe", "socket"])
def stream(request, tmp_path):
    """A sink, and the reader at its other end."""
    if request.param == "pipe":
        out, into = os.pipe()
        yield StreamSink(into), Behind(out, into)
        os.close(into)
        os.close(out)
    else:
        sink = SocketSink(tmp_path / "assist.sock")
        with connect(tmp_path / "assist.sock") as peer:
            yield sink, Behind(peer.fileno())
        sink.shut()


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def listen(world, sound, script, sink):
    with Pipeline.open(
        ScriptSource(sound, script), scorer=FakeEar(), place=world.place, clock=world.clock, assist=sink
    ) as pipeline:
        return list(pipeline)


def talk():
    return Scene().quiet(1).word().speech(13).quiet(4).samples()


@pytest.mark.parametrize("purposes", [[], [Purpose.REVIEW]], ids=["and it is shut", "and it is open for review"])
def test_a_reader_that_is_behind_is_told_with_the_next_block_and_not_at_the_next_wake(world, stream, purposes):
    world.grant(Purpose.ASSIST, *purposes)
    sink, reader = stream
    sound, seen = talk(), []

    def read():
        reader.read()
        seen.append(reader.got)

    def cut():
        reader.fill()
        world.ledger().revoke(Purpose.ASSIST)

    script = {CUT: cut, CUT + 10 * BLOCK: read, CUT + 13 * BLOCK: read}
    events = listen(world, sound, script, sink)
    (aborted,) = [one for one in events if one.kind == "aborted"]
    full, told = seen
    assert aborted.reason is Reason.REVOKED and b'"reason"' not in full, "there was no room to say so"
    end = {"reason": "revoked", "complete": False, "samples": aborted.sent}
    assert json.loads(told.rpartition(bytes(4))[2]) == end and told.startswith(full)
    assert kinds(events).count("opened assist") == 1 and len(told) - len(full) < 100, "nothing but that"


def test_a_reader_that_is_behind_is_told_while_the_microphone_is_muted_too(world, stream):
    world.grant(Purpose.ASSIST)
    sink, reader = stream
    with Pipeline.open(
        source := ScriptSource(talk()), scorer=FakeEar(), place=world.place, clock=world.clock, assist=sink
    ) as pipeline:

        def cut():
            reader.fill()
            pipeline.mute(Muter.SOCKET)

        source.script = {
            CUT: cut,
            CUT + 10 * BLOCK: reader.read,
            CUT + 13 * BLOCK: reader.read,
        }
        events = kinds(list(pipeline))
    assert "aborted assist muted" in events and reader.got.endswith(b"}\n") and b'"reason":"muted"' in reader.got


def test_a_sink_is_asked_until_it_could_say_so_and_never_while_it_takes_the_next(world):
    world.grant(Purpose.ASSIST)
    asked, taken = [], []

    class Slow(CallbackSink):
        def ready(self):
            asked.append(source.at)
            return not CUT <= source.at < CUT + 20 * BLOCK

    sound = Scene().quiet(1).word().speech(13).quiet(4).word().speech(2).quiet(2).samples()
    source = ScriptSource(sound, {CUT: lambda: world.ledger().revoke(Purpose.ASSIST)})
    source.script[CUT + 30 * BLOCK] = lambda: world.grant(Purpose.ASSIST) and None
    sink = Slow(lambda samples, info: taken.append(source.at))
    with Pipeline.open(source, scorer=FakeEar(), place=world.place, clock=world.clock, assist=sink) as pipeline:
        events = kinds(list(pipeline))
    assert events.count("opened assist") == 2 and events.count("released assist") == 1
    first, last = next(at for at in taken), next(at for at in taken if at > CUT + 20 * BLOCK)
    again = [at for at in asked if CUT <= at < CUT + 24 * BLOCK]
    assert len(again) > 8 and CUT + 20 * BLOCK <= again[-1] < CUT + 23 * BLOCK, "with each block, until it is so"
    rare = [at for at in asked if at not in again]
    assert rare and first in rare and last in rare, "at each wake"
    assert all(late - early >= RATE for early, late in pairwise(at for at in rare if at not in (first, last)))
    assert not [at for at in asked if first < at < CUT or last < at <= max(taken)], "and never while it takes one"


def test_a_sink_that_breaks_when_it_is_asked_again_ends_nothing(world):
    world.grant(Purpose.ASSIST)
    asked = []

    class Broken(CallbackSink):
        def ready(self):
            asked.append(source.at)
            return source.at < CUT or 1 / 0

    source = ScriptSource(talk(), {CUT: lambda: world.ledger().revoke(Purpose.ASSIST)})
    sink = Broken(lambda *_: None)
    with Pipeline.open(source, scorer=FakeEar(), place=world.place, clock=world.clock, assist=sink) as pipeline:
        events = kinds(list(pipeline))
    assert "aborted assist revoked" in events and events[-1] == "stopped end_of_sound"
    late = [at for at in asked if at >= CUT]
    assert 1 <= len(late) <= 2 + (len(source.samples) - CUT) // RATE, "once, and then as rarely as any"
