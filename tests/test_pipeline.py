"""The whole line: sound in, events out. Around 10 s."""

import numpy as np
import pytest

from tests.gate.world import FakeEar, Listener, Scene, ScriptSource, World, find, kinds
from wakegate.audio.block import Reading
from wakegate.errors import ConfigError, FormatError
from wakegate.events import Purpose, Reason
from wakegate.gate.limits import Limits
from wakegate.pipeline import Pipeline


@pytest.fixture(autouse=True, params=[1280, 2560])
def block(request, monkeypatch):
    """As much as the model needs for its next look: half of the shipped one's, and all of it."""
    monkeypatch.setattr(FakeEar, "needs", request.param)


def listen(world, sound, **more):
    with Pipeline.open(sound, scorer=FakeEar(), place=world.place, clock=world.clock, **more) as pipeline:
        return list(pipeline)


def test_without_a_grant_the_wake_is_told_and_nothing_leaves(tmp_path):
    world, listener = World(tmp_path), Listener()
    sound = Scene().quiet(1).word().speech(1).quiet(1.5).samples()
    events = listen(world, sound, assist=listener)
    assert kinds(events) == [
        "started",
        "wake",
        "refused assist no_grant",
        "wiped",
        "stopped end_of_sound",
    ]
    assert listener.infos == [] and listener.ends == []
    written = [entry.kind for entry in world.journal_entries() if entry.kind != "exposure"]
    assert written == [event.kind for event in events]


def test_with_a_grant_the_utterance_leaves_and_nothing_else(tmp_path):
    world, listener = World(tmp_path), Listener()
    world.grant(Purpose.ASSIST)
    sound = Scene().quiet(1).word().speech(1).quiet(3).samples()
    events = listen(world, sound, assist=listener, limits=Limits(pre_roll_s=0.5))
    assert kinds(events)[:3] == ["started", "wake", "opened assist"]
    assert kinds(events)[3:] == ["endpoint endpoint", "released assist", "wiped", "stopped end_of_sound"]
    (heard,) = listener.heard()
    assert find(heard, sound) == 8_000  # half a second before the word
    assert 2.6 * 16_000 + 8_000 < 8_000 + len(heard) + 8_000 < 3.8 * 16_000 + 8_000
    assert listener.ends == [Reason.ENDPOINT]
    assert (listener.infos[0].word_start, listener.infos[0].word_end) == (8_000, 17_600)


def test_a_second_wake_after_the_first(tmp_path):
    world, listener = World(tmp_path), Listener()
    world.grant(Purpose.ASSIST)
    one = Scene().quiet(1).word().speech(0.5).quiet(1.5).word().speech(0.5).quiet(1.5)
    sound = one.samples()
    events = listen(world, sound, assist=listener)
    assert kinds(events).count("released assist") == 2
    first, second = listener.heard()
    assert find(first, sound) + len(first) <= find(second, sound)


def test_near_misses_and_exposure_of_closed_time_only(tmp_path):
    world = World(tmp_path)
    world.grant(Purpose.ASSIST)
    ear = FakeEar()
    sound = Scene().quiet(1).almost().quiet(1).word().speech(1).quiet(1.5).samples()
    with Pipeline.open(sound, scorer=ear, place=world.place, clock=world.clock, assist=Listener()) as pipeline:
        events = list(pipeline)
    (near,) = [event for event in events if event.kind == "near_miss"]
    assert near.score == pytest.approx(0.4) and near.threshold == 0.5
    exposures = [entry.number("samples") for entry in world.journal_entries() if entry.kind == "exposure"]
    assert sum(exposures) == ear.heard < len(sound)


def test_a_gap_cuts_the_release_and_the_stream_goes_on(tmp_path):
    world, listener = World(tmp_path), Listener()
    world.grant(Purpose.ASSIST)
    sound = Scene().quiet(1).word().speech(2).quiet(1).word().speech(1).quiet(1.5).samples()
    source = ScriptSource(sound, {32_000: lambda: (Reason.DEVICE_OVERFLOW, 500, "xrun")})
    events = listen(world, source, assist=listener)
    assert [one for one in kinds(events) if one not in ("wiped", "opened assist") and "refused" not in one] == [
        "started", "wake", "gap device_overflow", "aborted assist gap", "wake", "endpoint endpoint", "released assist",
        "stopped end_of_sound",
    ]  # fmt: skip
    assert listener.ends == [Reason.GAP, Reason.ENDPOINT]
    first, second = listener.heard()
    assert find(first, sound) + len(first) <= 32_000 + 1280 <= find(second, sound)
    released = next(event for event in events if event.kind == "released")
    assert released.start == find(second, sound) + 500  # the indices count what was lost


def test_cancel_ends_it_and_suspects_the_wake(tmp_path):
    world, listener = World(tmp_path), Listener()
    world.grant(Purpose.ASSIST)
    sound = Scene().quiet(1).word().speech(3).quiet(1).samples()
    pipeline = Pipeline.open(
        ScriptSource(sound, {40_000: lambda: pipeline.cancel()}),
        scorer=FakeEar(), place=world.place, clock=world.clock, assist=listener,
    )  # fmt: skip
    with pipeline:
        events = list(pipeline)
    assert kinds(events)[3:7] == ["aborted assist cancelled", "endpoint cancelled", "suspected cancelled", "wiped"]
    assert listener.ends == [Reason.CANCELLED]


def test_a_revoke_is_seen_while_the_microphone_stalls(tmp_path):
    class Stalling(ScriptSource):
        stalled = 0

        def read(self, out):
            if self.at >= 40_000 and self.stalled < 3:
                self.stalled += 1
                if self.stalled == 2:
                    world.ledger().revoke(Purpose.ASSIST)
                return Reading(0)
            return super().read(out)

    world, listener = World(tmp_path), Listener()
    world.grant(Purpose.ASSIST)
    events = listen(world, Stalling(Scene().quiet(1).word().speech(3).quiet(1).samples()), assist=listener)
    (aborted,) = [event for event in events if event.kind == "aborted"]
    assert aborted.reason is Reason.REVOKED and aborted.at == 40_960


def test_stop_and_leaving_early_wipe_and_record(tmp_path):
    world, listener = World(tmp_path), Listener()
    world.grant(Purpose.ASSIST)
    sound = Scene().quiet(1).word().speech(3).samples()
    with Pipeline.open(sound, scorer=FakeEar(), place=world.place, clock=world.clock, assist=listener) as pipeline:
        for event in pipeline:
            if event.kind == "opened":
                break
    assert listener.ends == [Reason.STOPPED]
    assert "stopped" in [entry.kind for entry in world.journal_entries()]
    assert pipeline._ring.start == pipeline._ring.end and not pipeline._ring._samples.any()
    pipeline.close()


def test_an_error_of_the_source_wipes_too(tmp_path):
    world, listener = World(tmp_path), Listener()
    world.grant(Purpose.ASSIST)

    def fail():
        raise FormatError("the file is damaged")

    source = ScriptSource(Scene().quiet(1).word().speech(3).samples(), {40_000: fail})
    with pytest.raises(FormatError):
        listen(world, source, assist=listener)
    assert listener.ends == [Reason.SOUND_FAILED]


def test_a_callback_that_fails_ends_the_release_and_its_words_stay_unsaid(tmp_path):
    world = World(tmp_path)
    world.grant(Purpose.ASSIST)

    def broken(samples, info):
        raise ValueError(f"the samples are {samples}")

    line = broken.__code__.co_firstlineno + 1
    sound = Scene().quiet(1).word().speech(1).quiet(1.5).samples()
    (aborted,) = [event for event in listen(world, sound, assist=broken) if event.kind == "aborted"]
    assert aborted.reason is Reason.SINK_FAILED and aborted.detail == f"ValueError at test_pipeline.py:{line}"


@pytest.mark.parametrize("assist", [3, "unix:/run/assist.sock", {}], ids=repr)
def test_an_assist_that_is_none_is_refused_at_once(tmp_path, assist):
    world = World(tmp_path)
    with pytest.raises(ConfigError, match=r"give function\(samples, info\), a Sink, or None"):
        listen(world, Scene().quiet(1).samples(), assist=assist)


def test_words_that_would_not_be_listened_for_are_refused(tmp_path):
    sound = Scene().quiet(1).samples()
    with pytest.raises(ConfigError, match="beside a scorer"):
        listen(World(tmp_path), sound, words=["alexa"])
    with pytest.raises(ConfigError, match="'alexa' is not listened for, only computer: leave its threshold out"):
        Pipeline.open(sound, words=["Computer"], thresholds={"computer": 0.5, "alexa": 0.5})


def test_an_unwritable_journal_refuses(tmp_path, monkeypatch):
    world, listener = World(tmp_path), Listener()
    world.grant(Purpose.ASSIST)
    pipeline = Pipeline.open(
        ScriptSource(Scene().quiet(2).word().speech(1).quiet(1).samples(), {16_000: lambda: break_journal(world)}),
        scorer=FakeEar(), place=world.place, clock=world.clock, assist=listener,
    )  # fmt: skip
    with pipeline:
        events = list(pipeline)
    assert "refused assist journal_unwritable" in kinds(events)
    assert listener.infos == []


def break_journal(world):
    """Put a folder where the journal's next line should go."""
    for path in world.place.path.glob("journal*"):
        path.unlink()
    world.place.journal.mkdir()


@pytest.mark.parametrize("block", [17, 160, 1280])
def test_what_leaves_does_not_depend_on_how_the_sound_comes(tmp_path, block):
    class Short(ScriptSource):
        def read(self, out):
            return super().read(out[:block])

    world, listener = World(tmp_path), Listener()
    world.grant(Purpose.ASSIST)
    rng = np.random.default_rng(5)
    quiet = rng.integers(-30, 31, 8_000)
    sound = np.concatenate([quiet, *Scene().word().speech(0.5), rng.integers(-30, 31, 16_000)]).astype(np.int16)
    events = listen(world, Short(sound), assist=listener)
    (released,) = [event for event in events if event.kind == "released"]
    (heard,) = listener.heard()
    assert (released.start, released.end) == (0, len(heard)) and find(heard, sound) == 0
    assert released.end % 480 == (17_600 % 480)  # the endpoint is found in the same 30 ms views of the ring


def test_what_is_no_sound_and_what_has_ended_are_said(tmp_path):
    from wakegate import testing

    where = testing.place(tmp_path / "state")
    with pytest.raises(ConfigError, match="a int is no sound"):
        Pipeline.open(3, place=where)
    pipeline = Pipeline.open(np.zeros(1600, np.int16), words=["alexa"], place=where, clock=testing.StillClock())
    assert [event.kind for event in pipeline] == ["started", "stopped"]
    with pytest.raises(ConfigError, match="has ended"):
        next(iter(pipeline))
