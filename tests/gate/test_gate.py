"""The gate: closed -> open -> closed, and every way to slam it. Around 6 s."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.gate.world import ACT, FakeEar, Listener, Scene, ScriptSource, World, find, kinds
from wakegate.errors import ConfigError
from wakegate.events import Purpose, Reason
from wakegate.gate.limits import BLOCK, LAG_S, Limits
from wakegate.gate.sinks import CallbackSink, StreamSink
from wakegate.gate.socket_sink import SocketSink
from wakegate.pipeline import Pipeline

pytestmark = pytest.mark.usefixtures("block")

ROOT = Path(__file__).resolve().parents[2]
REVOKE = """
import sys
from dataclasses import replace
from pathlib import Path
from wakegate.consent.clock import SystemClock
from wakegate.consent.ledger import Ledger
from wakegate.events import Purpose
from wakegate.journal.journal import Journal
from wakegate.place import Place
place = Place(Path(sys.argv[1]), test=True)
Ledger.open(place, SystemClock(), Journal.open(place, SystemClock())).revoke(Purpose(sys.argv[2]))
"""


def revoke_elsewhere(world, purpose=Purpose.ASSIST):
    subprocess.run([sys.executable, "-c", REVOKE, str(world.place.path), purpose.value], check=True, cwd=ROOT)


def listen(world, source, **more):
    with Pipeline.open(source, scorer=FakeEar(), place=world.place, clock=world.clock, **more) as pipeline:
        return list(pipeline)


def talk(seconds=6.0):
    return Scene().quiet(1).word().speech(seconds).quiet(2).samples()


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


@pytest.mark.parametrize("pre_roll_s", [0, 2])
def test_what_leaves_never_ends_before_its_word_however_tight_the_limits(world, pre_roll_s):
    world.grant(Purpose.ASSIST)
    ear = FakeEar()
    (entry,) = ear.manifest.words
    long = replace(entry, timing=replace(entry.timing, duration=2 * 16_000))  # of a word of two seconds
    ear.manifest = replace(ear.manifest, words=(long,))
    limits = Limits(pre_roll_s=pre_roll_s, max_utterance_s=pre_roll_s + 2.5)
    sound = Scene().speech(6).word().speech(4).quiet(2).samples()
    source = ScriptSource(sound)
    with Pipeline.open(
        source, scorer=ear, place=world.place, clock=world.clock, assist=Listener(), limits=limits
    ) as pipeline:
        events = list(pipeline)
    (wake,) = (one for one in events if one.kind == "wake")
    (released,) = (one for one in events if one.kind == "released")
    assert released.start <= wake.start < wake.at <= released.end


def test_another_process_revokes_and_not_one_block_more_leaves(world):
    """Invariant 4."""
    listener = Listener()
    world.grant(Purpose.ASSIST)
    source = ScriptSource(talk(), {48_640: lambda: revoke_elsewhere(world)})
    events = listen(world, source, assist=listener)
    (aborted,) = [event for event in events if event.kind == "aborted"]
    assert aborted.reason is Reason.REVOKED and aborted.at == 48_640 + BLOCK
    (heard,) = listener.heard()
    assert find(heard, source.samples) + len(heard) == 48_640  # what came before the revoke, to the sample
    assert aborted.sent == len(heard) and listener.ends == [Reason.REVOKED]
    assert kinds(events)[kinds(events).index("aborted assist revoked") + 1] == "wiped"


def test_a_new_grant_does_not_bring_back_what_began_under_the_old_one(world):
    listener = Listener()
    world.grant(Purpose.ASSIST)

    def revoke_and_grant():
        ledger = world.ledger()
        ledger.revoke(Purpose.ASSIST)
        ledger.grant(Purpose.ASSIST, act=ACT)

    events = listen(world, ScriptSource(talk(), {48_640: revoke_and_grant}), assist=listener)
    assert "aborted assist revoked" in kinds(events)


def test_a_grant_that_ends_while_open_ends_the_release(world):
    world.ledger().grant(Purpose.ASSIST, act=ACT, days=1)
    source = ScriptSource(talk(), {48_640: lambda: world.clock.forward(86_400)})
    assert "aborted assist expired" in kinds(listen(world, source, assist=Listener()))


@pytest.mark.parametrize("harm", ["ledger gone", "ledger torn", "lock gone bad", "clock unset"])
def test_a_doubt_while_open_ends_the_release(world, harm):
    """Invariant 2."""
    listener = Listener()
    world.ledger().grant(Purpose.ASSIST, act=ACT, days=10)

    def damage():
        if harm == "ledger gone":
            world.place.ledger.unlink()
        elif harm == "ledger torn":
            os.truncate(world.place.ledger, world.place.ledger.stat().st_size - 3)
        elif harm == "lock gone bad":
            world.place.lock.unlink(missing_ok=True)
            world.place.lock.mkdir()
        else:
            world.clock.moment = replace(world.clock.moment, trusted=False)

    source = ScriptSource(talk(), {48_640: damage})
    events = listen(world, source, assist=listener)
    (aborted,) = [event for event in events if event.kind == "aborted"]
    (heard,) = listener.heard()
    assert find(heard, source.samples) + len(heard) == 48_640 and aborted.detail


def test_the_intent_is_on_disk_before_the_first_sample(world):
    """Invariant 6."""
    seen = []

    def look(samples, info):
        if not seen:
            seen.append([line.kind for line in world.journal_entries()])

    world.grant(Purpose.ASSIST)
    listen(world, talk(), assist=look)
    assert seen[0][-2:] == ["wake", "opened"]


def test_the_journal_fails_while_open_and_the_end_is_still_wiped(world):
    listener = Listener()
    world.grant(Purpose.ASSIST)

    def break_journal():
        for path in world.place.path.glob("journal*"):
            path.unlink()
        world.place.journal.mkdir()

    events = kinds(listen(world, ScriptSource(talk(), {48_640: break_journal}), assist=listener))
    assert "wiped" in events and events[-1].startswith("stopped")


def test_purposes_are_asked_each_for_itself(world):
    """Invariant 11."""
    listener = Listener()
    world.grant(Purpose.REVIEW)
    events = kinds(listen(world, talk(), assist=listener))
    assert "refused assist no_grant" in events and "opened review" in events
    assert listener.infos == []


def test_an_assist_revoked_beside_a_review_ends_alone(world):
    listener = Listener()
    world.grant(Purpose.ASSIST, Purpose.REVIEW)
    source = ScriptSource(talk(3), {48_640: lambda: world.ledger().revoke(Purpose.ASSIST)})
    events = kinds(listen(world, source, assist=listener))
    assert events.index("aborted assist revoked") < events.index("endpoint endpoint") < events.index("wiped")
    assert "released review" in events and len(world.clips(Purpose.REVIEW)) == 1


def test_nobody_to_send_to_is_a_refusal(world):
    world.grant(Purpose.ASSIST)
    events = listen(world, talk())
    assert "refused assist nowhere_to_go" in kinds(events)
    assert "`wakegate listen --assist unix:PATH`" in next(one.detail for one in events if one.kind == "refused")


def test_a_socket_that_nobody_reads_is_another_refusal(world, tmp_path):
    world.grant(Purpose.ASSIST)
    sink = SocketSink(tmp_path / "assist.sock")
    events = listen(world, talk(), assist=sink)
    sink.shut()
    assert next(one.detail for one in events if one.kind == "refused") == "no assistant is connected"


def test_openings_a_minute_and_a_day_are_capped(world):
    world.grant(Purpose.ASSIST)
    scene = Scene()
    for _ in range(4):
        scene.quiet(1).word().speech(0.5).quiet(1.2)
    events = kinds(listen(world, scene.samples(), assist=Listener(), limits=Limits(openings_a_minute=2)))
    assert events.count("opened assist") == 2 and events.count("refused assist cap_reached") == 2
    events = kinds(listen(world, scene.samples(), assist=Listener(), limits=Limits(openings_a_day=3)))
    assert events.count("opened assist") == 1 and events.count("refused assist cap_reached") == 3  # after a restart
    scene = Scene()
    for _ in range(2):
        scene.quiet(61).word().speech(0.5).quiet(1.2)
    events = kinds(listen(world, scene.samples(), assist=Listener(), limits=Limits(openings_a_minute=1)))
    assert events.count("opened assist") == 2


class SlowSink(CallbackSink):
    """Takes a given number of samples a block."""

    def __init__(self, listener, rate):
        super().__init__(listener)
        self.rate = rate

    def write(self, samples):
        return super().write(samples[: self.rate])


def test_a_slow_reader_lags_and_still_gets_everything(world):
    listener = Listener()
    world.grant(Purpose.ASSIST)
    sound = Scene().quiet(1).word().speech(2).quiet(6).samples()
    events = listen(world, sound, assist=SlowSink(listener, 800))
    (released,) = [event for event in events if event.kind == "released"]
    (ended,) = [event for event in events if event.kind == "endpoint"]
    (heard,) = listener.heard()
    assert find(heard, sound) == released.start and len(heard) == ended.at - released.start
    assert released.at > ended.at + 16_000  # it took longer than the speech


def test_a_reader_that_stops_reading_is_given_up(world):
    listener = Listener()
    world.grant(Purpose.ASSIST)
    sound = Scene().quiet(1).word().speech(2).quiet(12).samples()
    events = listen(world, sound, assist=SlowSink(listener, 0))
    (aborted,) = [event for event in events if event.kind == "aborted"]
    assert aborted.reason is Reason.OVERFLOW and aborted.sent == 0
    assert aborted.at - 8_000 == pytest.approx(LAG_S * 16_000, abs=BLOCK)


def test_a_pipe_whose_reader_died_fails_the_release_alone(world):
    world.grant(Purpose.ASSIST)
    out, into = os.pipe()

    def die():
        os.close(out)

    events = kinds(listen(world, ScriptSource(talk(), {48_640: die}), assist=StreamSink(into)))
    assert "aborted assist sink_failed" in events and "wiped" in events
    os.close(into)


def test_a_sink_of_another_purpose_is_refused(world):
    class Thief(CallbackSink):
        purpose = Purpose.REVIEW

    class Closing(ScriptSource):
        def close(self):
            closed.append(True)

    closed = []
    with pytest.raises(ConfigError, match="assist alone"):
        Pipeline.open(Closing(talk()), scorer=FakeEar(), place=world.place, clock=world.clock, assist=Thief(Listener()))
    assert closed


def test_pre_roll_never_reaches_behind_the_last_wipe(world):
    listener = Listener()
    world.grant(Purpose.ASSIST)
    sound = Scene().quiet(1).word().speech(0.4).quiet(1).word().speech(0.5).quiet(1.5).samples()
    events = listen(world, sound, assist=listener, limits=Limits(pre_roll_s=2.0))
    first, second = [event for event in events if event.kind == "released"]
    assert second.start >= next(event.at for event in events if event.kind == "wiped") >= first.end


def test_closed_the_ring_keeps_no_more_than_it_may_need(world):
    limits = Limits(pre_roll_s=0.5)
    sound = Scene().quiet(10).samples()
    with Pipeline.open(sound, scorer=FakeEar(), place=world.place, clock=world.clock, limits=limits) as pipeline:
        for _ in range(100):
            pipeline._step()
        assert pipeline._ring.end - pipeline._ring.start == limits.history
        assert np.count_nonzero(pipeline._ring._samples) <= limits.history


def test_cancel_late_is_no_suspicion_and_cancel_closed_is_nothing(world):
    world.grant(Purpose.ASSIST, Purpose.REVIEW, Purpose.FALSE_ACCEPT_REVIEW)
    source = ScriptSource(talk(6), {8_000: lambda: pipeline.cancel(), 90_000: lambda: pipeline.cancel()})
    pipeline = Pipeline.open(source, scorer=FakeEar(), place=world.place, clock=world.clock, assist=Listener())
    with pipeline:
        events = kinds(list(pipeline))
    assert "endpoint cancelled" in events and "suspected cancelled" not in events
    # What was taken back is sealed for nobody.
    assert "aborted review cancelled" in events and "aborted false_accept_review not_suspected" in events


def test_the_callback_itself_may_revoke(world):
    world.grant(Purpose.ASSIST)
    count = []

    def once(samples, info):
        if info.reason is None:
            count.append(len(samples))
            world.ledger() if len(count) > 1 else pipeline.ledger.revoke(Purpose.ASSIST)

    pipeline = Pipeline.open(talk(), scorer=FakeEar(), place=world.place, clock=world.clock, assist=once)
    with pipeline:
        events = kinds(list(pipeline))
    assert "aborted assist revoked" in events
