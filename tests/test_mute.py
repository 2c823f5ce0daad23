"""Mute: who silenced the microphone, what that does to a pipeline, and what a restart knows. Around 10 s."""

import shutil

import numpy as np
import pytest

from tests.gate.world import FakeEar, Listener, Scene, ScriptSource, World, kinds
from wakegate.audio.block import Reading
from wakegate.errors import ConfigError
from wakegate.events import Muter, Purpose, Reason
from wakegate.journal.export import rows
from wakegate.mute import Mute, UntilMuted, check, forget, keep, kept
from wakegate.pipeline import Pipeline

BLOCK = 1280


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def run(world, sound, script, ear=None, **more):
    """Listen to a sound; ``script`` says, by sample, what is done to the pipeline."""
    source = ScriptSource(sound, {at: lambda act=act: act(pipeline) for at, act in script.items()})
    pipeline = Pipeline.open(source, scorer=ear or FakeEar(), place=world.place, clock=world.clock, **more)
    told = []
    with pipeline:
        for event in pipeline:
            told.append(event)
            if event.kind in ("muted", "unmuted"):
                assert not pipeline._ring._samples.any(), "what was heard before is not gone"
    return told


def times(events):
    return [(e.kind, e.by.value, e.at) for e in events if e.kind in ("muted", "unmuted")]


def test_what_is_said_while_muted_is_not_heard_and_not_counted(world):
    sound = Scene().quiet(1).word().quiet(1.4).word().quiet(1).samples()
    ear = FakeEar()
    clean = []
    script = {16_000: lambda p: p.mute(), 32_000: lambda p: p.unmute()}
    script |= {at: (lambda p: clean.append(not p._ring._samples.any())) for at in range(18_000, 32_000, 2_000)}
    events = run(world, sound, script, ear)
    # The block that is being read when somebody mutes goes too: blocks of 1280 end at 16_640 and 33_280.
    assert times(events) == [("muted", "device", 17_920), ("unmuted", "device", 33_280)]
    (wake,) = [e for e in events if e.kind == "wake"]
    assert wake.end == round((1 + 0.6 + 1.4 + 0.6) * 16_000)
    assert clean == [True] * 7, "muted sound stays in the ring"
    exposures = [e.number("samples") for e in world.journal_entries() if e.kind == "exposure"]
    assert sum(exposures) == ear.heard == len(sound) - (33_280 - 16_640)


def test_an_index_after_a_mute_is_the_index_of_the_stream(world):
    sound = Scene().quiet(2.11).word().quiet(1).samples()
    events = run(world, sound, {1_000: lambda p: p.mute(Muter.SOCKET, 0.5)})
    (wake,) = [e for e in events if e.kind == "wake"]
    assert wake.end == pytest.approx((2.11 + 0.6) * 16_000, abs=320)
    (muted, _, begins), (unmuted, _, ends) = times(events)
    assert (muted, unmuted) == ("muted", "unmuted") and 8_000 <= ends - begins <= 8_000 + 2 * BLOCK


def test_a_mute_cuts_what_is_open_short(world):
    listener = Listener()
    world.grant(Purpose.ASSIST)
    sound = Scene().quiet(1).word().speech(3).quiet(1).samples()
    events = run(world, sound, {40_000: lambda p: p.mute()}, assist=listener)
    assert kinds(events)[-4:] == ["aborted assist muted", "wiped", "muted", "stopped end_of_sound"]
    assert listener.ends == [Reason.MUTED]
    assert len(listener.heard()[0]) <= 40_960 - 8_000
    assert [e.kind for e in world.journal_entries() if e.kind in ("muted", "aborted")] == ["aborted", "muted"]


def test_a_mute_while_the_sealer_works_lets_the_finished_request_go(world):
    """The request was over and its clip handed to the sealer: a mute is for what comes."""
    world.grant(Purpose.REVIEW)
    sound = Scene().quiet(1).word().speech(1).quiet(3).samples()
    ended = round((1 + 0.6 + 1 + 1.2) * 16_000)
    events = run(world, sound, {ended: lambda p: p.mute()})
    assert "released review" in kinds(events) and "muted" in kinds(events)


def test_hold_off_ends_by_itself_and_the_own_voice_does_not_wake(world):
    sound = Scene().quiet(1).word().quiet(1).word().quiet(1).samples()
    events = run(world, sound, {8_000: lambda p: p.hold_off(1.5)})
    assert [by for _, by, _ in times(events)] == ["hold_off", "hold_off"]
    (wake,) = [e for e in events if e.kind == "wake"]
    assert wake.start > 2 * 16_000


def test_a_second_hold_off_prolongs_and_never_shortens(world):
    sound = Scene().quiet(3).samples()
    script = {1_280: lambda p: p.hold_off(1), 2_560: lambda p: p.hold_off(0.1), 12_800: lambda p: p.hold_off(1)}
    (_, _, begins), (_, _, ends) = times(run(world, sound, script))
    assert 12_800 + 16_000 - BLOCK <= ends <= 12_800 + 16_000 + 3 * BLOCK and begins < 4 * BLOCK


def test_the_device_outranks_the_socket_and_the_socket_a_hold_off(world):
    script = {
        1 * 16_000: lambda p: p.hold_off(30),
        2 * 16_000: lambda p: p.mute(Muter.SOCKET),
        3 * 16_000: lambda p: p.mute(),
        4 * 16_000: lambda p: p.unmute(Muter.SOCKET),
        5 * 16_000: lambda p: p.unmute(),
    }
    events = run(world, Scene().quiet(6).samples(), script)
    assert [(kind, by) for kind, by, _ in times(events)] == [
        ("muted", "hold_off"),
        ("muted", "socket"),
        ("muted", "device"),
        ("unmuted", "device"),  # the person's word ends every mute
    ]


def test_a_program_ends_its_own_mute_and_no_other(world):
    script = {
        1 * 16_000: lambda p: p.mute(Muter.SOCKET),
        2 * 16_000: lambda p: p.hold_off(0.5),
        3 * 16_000: lambda p: p.unmute(Muter.SOCKET),
        4 * 16_000: lambda p: p.hold_off(0.5),
        4 * 16_000 + 2 * BLOCK: lambda p: p.unmute(Muter.SOCKET),
    }
    found = times(run(world, Scene().quiet(6).samples(), script))
    assert [(kind, by) for kind, by, _ in found] == [
        ("muted", "socket"), ("unmuted", "socket"), ("muted", "hold_off"), ("unmuted", "hold_off"),
    ]  # fmt: skip
    assert found[3][2] >= 4.5 * 16_000


def test_a_persons_mute_outlives_a_restart_and_a_programs_does_not(world):
    sound = Scene().quiet(0.5).word().quiet(1).samples()
    run(world, sound, {1_000: lambda p: p.mute(), 2_000: lambda p: p.mute(Muter.SOCKET)})
    again = run(world, sound, {})
    assert kinds(again) == ["started", "muted", "stopped end_of_sound"] and again[1].by is Muter.DEVICE
    with Pipeline.open(sound, scorer=FakeEar(), place=world.place, clock=world.clock) as pipeline:
        assert pipeline.muted is Muter.DEVICE and pipeline.muted_for_s is None
        pipeline.unmute()
        assert pipeline.muted is None and pipeline.muted_for_s == 0
    run(world, sound, {1_000: lambda p: p.mute(Muter.SOCKET)})
    assert "wake" in kinds(run(world, sound, {}))


def test_the_file_of_a_persons_mute_holds_nothing_and_is_the_owners(world):
    Mute(world.place).on(Muter.DEVICE, 0)
    info = world.place.muted.stat()
    assert info.st_size == 0 and info.st_mode & 0o777 == 0o600


def test_a_mute_that_the_disk_refuses_holds_all_the_same(world, caplog):
    mute = Mute(world.place)
    world.place.path.rename(world.place.path.with_name("gone"))
    mute.on(Muter.DEVICE, 0)
    assert mute.by(10**9) is Muter.DEVICE and "a restart may not know" in caplog.text


def test_a_doubt_about_the_file_is_a_mute(world):
    world.place.muted.symlink_to("nowhere")
    assert Mute(world.place).by(0) is Muter.DEVICE
    world.place.muted.unlink()
    world.place.path.rename(world.place.path.with_name("away"))
    world.place.path.symlink_to(world.place.path)  # a loop: nobody can look
    assert kept(world.place) and Mute(world.place).by(0) is Muter.DEVICE


def gone(place, back=None):
    """What comes into the place's stead: nothing, or an empty folder."""
    away = place.path.with_name("away")
    if back == "made anew":
        shutil.copytree(place.path, away)
        shutil.rmtree(place.path)  # which takes the file first; the new one may even have the old one's inode
        place.prepare()
    else:
        place.path.rename(away)
    if back == "empty":
        place.path.mkdir(mode=0o700)
    return away


@pytest.mark.parametrize("back", [None, "empty", "made anew"])
def test_a_persons_mute_does_not_end_because_its_folder_goes(world, caplog, back):
    keep(world.place)
    mute = Mute(world.place)
    assert mute.by(0) is Muter.DEVICE
    away = gone(world.place, back)
    assert [mute.by(at) for at in range(3)] == [Muter.DEVICE] * 3 and mute.left_s(0) is None
    assert caplog.text.count("nobody took it back") == 1, "said once, and not with every block"
    if back is not None:
        shutil.rmtree(world.place.path)
    away.rename(world.place.path)
    assert mute.by(0) is Muter.DEVICE
    forget(world.place)
    assert mute.by(0) is None, "the person's own word ends it as ever"


def test_in_a_new_folder_a_person_mutes_and_unmutes_anew(world):
    keep(world.place)
    mute = Mute(world.place)
    assert mute.by(0) is Muter.DEVICE
    gone(world.place)
    assert mute.by(0) is Muter.DEVICE
    world.place.path.mkdir(mode=0o700)
    forget(world.place)  # there is nothing to take off the disk: it says nothing to the listener
    assert mute.by(0) is Muter.DEVICE
    keep(world.place)
    assert mute.by(0) is Muter.DEVICE
    forget(world.place)
    assert mute.by(0) is None


def test_the_listeners_own_button_ends_it_whatever_became_of_the_folder(world):
    mute = Mute(world.place)
    mute.on(Muter.DEVICE, 0)
    assert mute.by(0) is Muter.DEVICE
    gone(world.place)
    mute.off(Muter.DEVICE)
    assert mute.by(0) is None


def test_a_folder_that_goes_mutes_nobody_who_was_not_muted(world):
    """Nothing stood there: the journal refuses releases meanwhile, which is its own business."""
    mute = Mute(world.place)
    assert mute.by(0) is None
    away = gone(world.place)
    assert mute.by(0) is None
    world.place.path.symlink_to(world.place.path)
    assert mute.by(0) is Muter.DEVICE, "a doubt"
    world.place.path.unlink()
    away.rename(world.place.path)
    assert mute.by(0) is None, "and it is over when one can look again"


def test_a_running_listener_stays_muted_when_the_folder_goes(world):
    sound = Scene().quiet(1).word().quiet(1).word().quiet(1).samples()
    keep(world.place)
    events = run(world, sound, {16_000: lambda p: gone(world.place) and None})
    assert [event.kind for event in events] == ["started", "muted", "stopped"]


def test_a_mute_that_cannot_be_taken_off_the_disk_stays(world):
    keep(world.place)
    world.place.unmuted.mkdir()
    mute = Mute(world.place)
    with pytest.raises(ConfigError, match="stays muted"):
        mute.off(Muter.DEVICE)
    assert mute.by(0) is Muter.DEVICE


@pytest.mark.parametrize("seconds", [0, -1, 60.1, float("nan"), float("inf"), True, "5", [5]])
def test_an_end_that_is_none_is_refused_and_nothing_changes(world, seconds):
    mute = Mute(world.place)
    with pytest.raises(ConfigError, match="60 seconds"):
        mute.on(Muter.SOCKET, 0, seconds)
    assert mute.by(0) is None


def test_a_gap_while_muted_is_told_and_the_mute_goes_on(world):
    script = {8_000: lambda p: p.mute(), 16_000: lambda p: (Reason.DEVICE_OVERFLOW, 300, "xrun")}
    source = Scene().quiet(1.2).word().quiet(1).samples()
    told = kinds(run(world, source, script))
    assert told == ["started", "muted", "gap device_overflow", "stopped end_of_sound"]


def test_mutes_are_no_ones_business_elsewhere(world):
    script = {at: (lambda p: p.mute(Muter.SOCKET, 0.1)) for at in range(1_280, 64_000, 6_400)}
    run(world, np.zeros(80_000, np.int16), script)
    entries = world.journal_entries()
    assert sum(e.kind == "muted" for e in entries) > 5
    assert {row["kind"] for row in rows(entries)} <= {"started", "stopped", "exposure"}


def test_a_storm_of_mutes_is_counted_and_cannot_fill_the_journal(world):
    script = {at: (lambda p: p.mute(Muter.SOCKET, 0.01)) for at in range(1_280, 16_000 * 70, 3_840)}
    events = run(world, np.zeros(16_000 * 70, np.int16), script)
    assert len(times(events)) > 400
    entries = world.journal_entries()
    lines = sum(e.kind in ("muted", "unmuted") for e in entries)
    counted = sum(e.number("count") for e in entries if e.kind == "coalesced")
    assert lines <= 201 and lines + counted == len(times(events))


def test_what_listens_without_a_pipeline_ends_with_a_persons_mute_and_does_not_begin_under_one(world):
    check(world.place)
    source = ScriptSource(np.ones(3 * BLOCK, np.int16), {BLOCK: lambda: keep(world.place) and None})
    heard, out = UntilMuted(source, world.place), np.zeros(BLOCK, np.int16)
    assert heard.read(out) == Reading(BLOCK) and out.all()
    assert heard.read(out) == Reading(0, ended=True) and not out.any(), "what came meanwhile is gone"
    assert source.wipes == 1
    with pytest.raises(ConfigError, match="muted this device"):
        check(world.place)
