"""Sealed clips: real sealer processes, real age files, opened with pyrage and with the age tool. Around 8 s."""

import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyrage
import pytest
import soundfile

from tests.gate.world import IDENTITY, MODEL, FakeEar, Listener, Scene, ScriptSource, World, find, kinds
from wakegate.consent.grant import Act, Grant, Surface
from wakegate.errors import SealError
from wakegate.events import Purpose
from wakegate.gate.clip import CLASSES, HEADER_BYTES, Clip
from wakegate.gate.limits import Limits
from wakegate.gate.seal import PATIENCE_S, Sealing
from wakegate.pipeline import Pipeline


def age_tool():
    if shutil.which("age"):
        return
    if os.environ.get("WAKEGATE_REQUIRE_AGE") == "1":
        pytest.fail("the age tool is missing: apt-get install age")
    pytest.skip("the age tool is not installed (apt-get install age)")


def request():
    return Scene().quiet(1).word().speech(1).quiet(4).samples()


def false_wake():
    return Scene().quiet(1).word().quiet(6).samples()


def listen(world, sound, **more):
    with Pipeline.open(sound, scorer=FakeEar(), place=world.place, clock=world.clock, **more) as pipeline:
        return list(pipeline)


def opened(path):
    """Open a sealed clip; return its samples with the padding, and its header."""
    wav = pyrage.decrypt(path.read_bytes(), [IDENTITY])
    path = path.parent.parent / "clip.wav"
    path.write_bytes(wav)
    samples, rate = soundfile.read(path, dtype="int16")
    assert rate == 16_000 and samples.ndim == 1
    at = wav.index(b"wkgt")
    assert struct.unpack_from("<I", wav, at + 4) == (HEADER_BYTES,)
    return samples, json.loads(wav[at + 8 : at + 8 + HEADER_BYTES])


def clip(**changes):
    grant = Grant(
        id="g", purpose=Purpose.REVIEW, granted=0.0, expires=1.0, keys=(str(IDENTITY.to_public()),),
        notice_sha256="", act=Act(Surface.TEST, "x"),
    )  # fmt: skip
    values = dict(
        id="secret-event-id", grant=grant, start=1000, end=1000 + 24_000, word="alexa", word_start=9000,
        word_end=18_000, score=0.93, model_sha256=MODEL, delete_after="2026-12-21", may_train=False,
    )  # fmt: skip
    return Clip(**(values | changes))


def finish(sealing):
    until = time.monotonic() + 10
    while not sealing.done(0.0):
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.mark.usefixtures("block")
def test_a_request_is_sealed_for_review(tmp_path):
    world = World(tmp_path)
    world.grant(Purpose.REVIEW)
    sound = request()
    events = listen(world, sound)
    assert [one for one in kinds(events)[3:] if "refused" not in one][:2] == ["endpoint endpoint", "wiped"]
    assert kinds(events)[-2:] == ["released review", "stopped end_of_sound"]  # sealing was not waited for
    (path,) = world.clips(Purpose.REVIEW)
    (released,) = [event for event in events if event.kind == "released"]
    assert released.clip == path.name and re.fullmatch(r"[0-9a-f]{32}\.age", path.name)
    assert path.stat().st_mode & 0o777 == 0o600 and path.parent.stat().st_mode & 0o777 == 0o700
    assert path.stat().st_mtime == 0
    samples, header = opened(path)
    assert len(samples) == CLASSES[2] and not samples[header["samples"] :].any()
    clear = samples[: header["samples"]]
    assert find(clear, sound) == released.start == 8_000 and len(clear) == released.end - released.start
    assert header == {
        "schema": 1, "purpose": "review", "word": "alexa", "score_bucket": 7, "model_sha256": MODEL,
        "samples": len(clear), "word_start": 8_000, "word_end": 17_600, "delete_after": header["delete_after"],
        "may_train": False,
    }  # fmt: skip
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", header["delete_after"])


def test_the_age_tool_opens_it_and_the_result_plays(tmp_path):
    age_tool()
    world = World(tmp_path)
    world.grant(Purpose.REVIEW)
    sound = request()
    listen(world, sound)
    (path,) = world.clips(Purpose.REVIEW)
    (tmp_path / "key").write_text(str(IDENTITY))
    with (tmp_path / "clip.wav").open("wb") as out:
        subprocess.run(["age", "-d", "-i", str(tmp_path / "key"), str(path)], stdout=out, check=True)
    samples, _ = soundfile.read(tmp_path / "clip.wav", dtype="int16")
    assert find(samples[:20_000], sound) == 8_000
    stranger = pyrage.x25519.Identity.generate()
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt(path.read_bytes(), [stranger])  # invariant 9


@pytest.mark.usefixtures("block")
def test_a_suspected_false_wake_gives_a_short_clip_and_no_review_clip(tmp_path):
    world = World(tmp_path)
    world.grant(Purpose.REVIEW, Purpose.FALSE_ACCEPT_REVIEW)
    sound = false_wake()
    events = kinds(listen(world, sound))
    assert events[5:8] == ["endpoint no_speech", "suspected no_speech", "aborted review suspected"]
    assert world.clips(Purpose.REVIEW) == []
    (path,) = world.clips(Purpose.FALSE_ACCEPT_REVIEW)
    samples, header = opened(path)
    assert find(samples[: header["samples"]], sound) == 16_000 - 4_800
    assert header["samples"] == 4_800 + 9_600 + 8_000 and len(samples) == CLASSES[0]


def test_a_suspicion_without_its_own_grant_seals_nothing(tmp_path):
    world = World(tmp_path)
    world.grant(Purpose.REVIEW)  # invariant 11
    assert "released review" not in kinds(listen(world, false_wake()))
    assert world.clips(Purpose.REVIEW) == world.clips(Purpose.FALSE_ACCEPT_REVIEW) == []


@pytest.mark.usefixtures("block")
def test_a_request_is_no_false_accept_clip(tmp_path):
    world = World(tmp_path)
    world.grant(Purpose.FALSE_ACCEPT_REVIEW)
    events = kinds(listen(world, request()))
    assert "aborted false_accept_review not_suspected" in events
    assert world.clips(Purpose.FALSE_ACCEPT_REVIEW) == []


def test_improve_marks_the_clip_and_releases_nothing_itself(tmp_path):
    world = World(tmp_path)
    world.grant(Purpose.REVIEW, Purpose.IMPROVE)
    listen(world, request())
    (path,) = world.clips(Purpose.REVIEW)
    assert opened(path)[1]["may_train"] is True
    assert world.clips(Purpose.IMPROVE) == []


@pytest.mark.usefixtures("block")
def test_a_long_request_is_cut_at_eight_seconds(tmp_path):
    world = World(tmp_path)
    world.grant(Purpose.REVIEW)
    sound = Scene().quiet(1).word().speech(9).quiet(3).samples()
    listen(world, sound)
    (path,) = world.clips(Purpose.REVIEW)
    samples, header = opened(path)
    assert header["samples"] == len(samples) == 8 * 16_000


def test_daily_caps_survive_a_restart_and_the_night_lifts_them(tmp_path):
    world = World(tmp_path)
    world.grant(Purpose.REVIEW)
    more = Scene().quiet(1).word().speech(7).quiet(1).samples()  # 8 s at full length: 60 s hold seven
    for _ in range(8):
        events = listen(world, more)
    assert "refused review cap_reached" in kinds(events)
    assert len(world.clips(Purpose.REVIEW)) == 7
    world.clock.forward(86_400 + 60)
    assert "released review" in kinds(listen(world, more))


def test_nothing_in_two_places_clips_is_the_same_but_what_many_devices_share(tmp_path):
    """Invariant 8."""
    headers, names, sealed = [], [], []
    for device in ("one", "two"):
        world = World(tmp_path / device)
        world.grant(Purpose.REVIEW)
        for _ in range(3):
            listen(world, request())
        for path in world.clips(Purpose.REVIEW):
            names.append(path.name)
            headers.append(opened(path)[1])
            sealed.append(pyrage.decrypt(path.read_bytes(), [IDENTITY]))
    assert len(set(names)) == len(names) == 6
    assert not any(name[:8] == other[:8] for name in names for other in names if name is not other)
    assert len({header.pop("samples") for header in headers}) >= 1
    assert all(header == headers[0] for header in headers)  # nothing tells the devices, or their clips, apart
    secrets = [socket.gethostname(), os.uname().nodename, os.environ.get("USER", "root"), str(tmp_path)]
    for text in secrets:
        assert not any(text.encode() in clear[:1000] for clear in sealed)


def test_the_size_says_nothing_but_the_class(tmp_path):
    sizes = set()
    for length, word in ((17_000, "alexa"), (24_000, "smart_mirror"), (1, "x")):
        one = clip(end=1000 + length, word=word, word_end=1000 + min(length, 500))
        sizes.add(len(one.prelude()) + 2 * CLASSES[0])
        assert struct.unpack_from("<I", one.prelude(), 4)[0] + 8 == len(one.prelude()) + 2 * CLASSES[0]
    assert len(sizes) == 1


@pytest.mark.parametrize("length", [0, -5, CLASSES[-1] + 1])
def test_a_clip_of_a_wrong_length_is_refused(length):
    with pytest.raises(SealError):
        clip(end=1000 + length)


def test_the_sealer_gets_no_environment_and_its_command_line_says_nothing(tmp_path):
    sealing = Sealing(clip(), [np.ones(24_000, np.int16)], tmp_path, 0.0)
    try:
        process = sealing._process.pid
        os.kill(process, signal.SIGSTOP)
        command = Path(f"/proc/{process}/cmdline").read_text()
        assert "age1" not in command and "secret-event-id" not in command and "alexa" not in command
        assert Path(f"/proc/{process}/environ").read_text() == ""
    finally:
        os.kill(process, signal.SIGCONT)
        finish(sealing)
    assert sealing.part.read_bytes().startswith(b"age-encryption.org/v1\n")


def test_what_was_clear_is_overwritten_when_it_is_sealed_or_dropped(tmp_path):
    for end in (finish, Sealing.drop):
        sealing = Sealing(clip(), [np.full(24_000, 0x1212, np.int16)], tmp_path, 0.0)
        spare = os.dup(sealing._clear)
        assert os.pread(spare, 100, 2000) == b"\x12\x12" * 50
        end(sealing)
        left = os.pread(spare, 1 << 20, 0)
        assert len(left) > 48_000 and not any(left)
        os.close(spare)
    assert not sealing.part.exists()
    sealing.drop()


def test_a_sealer_that_hangs_is_given_up_and_a_bad_key_is_an_error(tmp_path):
    hanging = Sealing(clip(), [np.ones(24_000, np.int16)], tmp_path, 0.0)
    os.kill(hanging._process.pid, signal.SIGSTOP)
    assert not hanging.done(1.0)
    with pytest.raises(SealError, match="did not end"):
        hanging.done(PATIENCE_S + 1)
    hanging.drop()
    one = clip()
    for keys in ((), ("age1nonsense",)):
        sealing = Sealing(replace(one, grant=replace(one.grant, keys=keys)), [np.ones(24_000, np.int16)], tmp_path, 0.0)
        with pytest.raises(SealError, match="code 3"):
            finish(sealing)
        sealing.drop()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    with pytest.raises(SealError, match="could not be sealed"):
        Sealing(clip(), [np.ones(24_000, np.int16)], tmp_path / "gone", 0.0)


@pytest.mark.parametrize("how", ["symlink", "open"])
def test_an_outbox_that_is_not_ours_alone_takes_nothing(tmp_path, how):
    world = World(tmp_path)
    world.grant(Purpose.REVIEW)
    folder = world.place.outbox(Purpose.REVIEW)
    folder.parent.mkdir(mode=0o700, exist_ok=True)
    if how == "symlink":
        (tmp_path / "elsewhere").mkdir()
        folder.symlink_to(tmp_path / "elsewhere")
    else:
        folder.mkdir()
        folder.chmod(0o755)
    assert "aborted review seal_failed" in kinds(listen(world, request()))
    assert list(folder.iterdir()) == []


def test_leftovers_of_a_dead_process_are_removed_and_a_living_ones_stay(tmp_path):
    world = World(tmp_path)
    world.grant(Purpose.REVIEW)
    folder = world.place.outbox(Purpose.REVIEW)
    folder.mkdir(parents=True, mode=0o700)
    folder.parent.chmod(0o700)
    (folder / "dead.part").write_bytes(b"half")
    living = Sealing(clip(), [np.ones(24_000, np.int16)], folder, 0.0)
    os.kill(living._process.pid, signal.SIGSTOP)
    listen(world, Scene().quiet(0.5).samples())
    assert [path.name for path in folder.iterdir()] == [living.part.name]
    os.kill(living._process.pid, signal.SIGCONT)
    living.drop()


@pytest.mark.usefixtures("block")
def test_a_revoke_while_a_clip_is_sealed_leaves_nothing(tmp_path):
    """Invariant 4: the sealer is held still, so that the clip is under way when another ledger revokes."""
    world = World(tmp_path)
    world.grant(Purpose.REVIEW)
    sound = Scene().quiet(1).word().speech(1).quiet(9).samples()

    def hold():
        for sealing in pipeline._gate._outbox._under_way:
            os.kill(sealing._process.pid, signal.SIGSTOP)
            held.append(sealing._process.pid)

    held = []
    source = ScriptSource(sound, {at: hold for at in range(50_000, 90_000, 1280)})
    source.script[100_000] = lambda: world.ledger().revoke(Purpose.REVIEW)
    pipeline = Pipeline.open(source, scorer=FakeEar(), place=world.place, clock=world.clock)
    with pipeline:
        events = kinds(list(pipeline))
    assert held and "aborted review revoked" in events
    assert world.clips(Purpose.REVIEW) == []
    assert not os.path.exists(f"/proc/{held[0]}")  # killed and reaped


def test_a_revoked_improve_takes_back_clips_that_say_they_may_train(tmp_path):
    """Invariant 4: nobody can tell which, they are sealed, so all go."""
    world = World(tmp_path)
    world.grant(Purpose.REVIEW, Purpose.IMPROVE)
    listen(world, request())
    assert len(world.clips(Purpose.REVIEW)) == 1
    world.ledger().revoke(Purpose.IMPROVE)
    assert world.clips(Purpose.REVIEW) == []
    assert "released review" in kinds(listen(world, request()))  # the review itself goes on


@pytest.mark.usefixtures("block")
def test_a_revoked_improve_stops_a_clip_that_says_it_may_train(tmp_path):
    world = World(tmp_path)
    world.grant(Purpose.REVIEW, Purpose.IMPROVE)
    sound = Scene().quiet(1).word().speech(1).quiet(9).samples()

    def hold():
        for sealing in pipeline._gate._outbox._under_way:
            os.kill(sealing._process.pid, signal.SIGSTOP)

    source = ScriptSource(sound, {at: hold for at in range(50_000, 90_000, 1280)})
    source.script[100_000] = lambda: world.ledger().revoke(Purpose.IMPROVE)
    pipeline = Pipeline.open(source, scorer=FakeEar(), place=world.place, clock=world.clock)
    with pipeline:
        assert "aborted review revoked" in kinds(list(pipeline))
    assert world.clips(Purpose.REVIEW) == []


def test_stopping_gives_a_clip_a_moment_and_drops_one_that_hangs(tmp_path, monkeypatch):
    monkeypatch.setattr("wakegate.gate.outbox.STOP_S", 0.2)
    world = World(tmp_path)
    world.grant(Purpose.REVIEW)

    def hold():
        for sealing in pipeline._gate._outbox._under_way:
            os.kill(sealing._process.pid, signal.SIGSTOP)

    sound = request()
    source = ScriptSource(sound, {at: hold for at in range(50_000, len(sound), 1280)})
    pipeline = Pipeline.open(source, scorer=FakeEar(), place=world.place, clock=world.clock)
    with pipeline:
        assert "aborted review stopped" in kinds(list(pipeline))
    assert world.clips(Purpose.REVIEW) == []


@pytest.mark.usefixtures("block")
def test_two_purposes_each_open_their_own_release(tmp_path):
    world, listener = World(tmp_path), Listener()
    world.grant(Purpose.ASSIST, Purpose.REVIEW)
    events = kinds(listen(world, request(), assist=listener, limits=Limits(pre_roll_s=0.5)))
    assert events[2:4] == ["opened assist", "opened review"]
    assert {"released assist", "released review"} <= set(events)
    (heard,) = listener.heard()
    samples, header = opened(*world.clips(Purpose.REVIEW))
    assert (samples[: header["samples"]] == heard).all()
