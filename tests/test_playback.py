"""What the device plays holds wakes off: levels, and a real program that tells them. Around 5 s."""

import sys
import time

import numpy as np
import pytest

from tests.gate.world import FakeEar, Listener, Scene, ScriptSource, World, kinds
from wakegate.errors import ConfigError
from wakegate.events import Purpose
from wakegate.pipeline import Pipeline
from wakegate.playback import Playback, PlaybackCommand

RATE = 16_000
LOUD, QUIET = np.full(160, -104, np.int16), np.full((160, 2), 103, np.int16)  # either side of -50 dBFS
SPEAKS = "import sys\nwhile True:\n    sys.stdout.buffer.write(bytes([255, 63]) * 512)\n    sys.stdout.flush()\n"


class Held:
    """In a pipeline's place: how long it was held off."""

    is_open = False

    def __init__(self):
        self.seconds = []

    def hold_off(self, seconds):
        self.seconds.append(seconds)

    def wait(self, count, within_s=10.0):
        end = time.monotonic() + within_s
        while len(self.seconds) < count:
            assert time.monotonic() < end, self.seconds
            time.sleep(0.01)


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def run(world, sound, script, **more):
    pipeline = Pipeline.open(
        ScriptSource(sound, {at: (lambda do=do: do(playback)) for at, do in script.items()}),
        scorer=FakeEar(), place=world.place, clock=world.clock, **more,
    )  # fmt: skip
    playback = Playback(pipeline)
    with pipeline:
        return list(pipeline)


def playing(start_s, end_s):
    """A script that plays something loud, an 80 ms block at a time."""
    return {at: lambda playback: playback.played(LOUD) for at in range(start_s * RATE, end_s * RATE, 1280)}


def test_what_the_device_says_does_not_wake_it_and_what_a_person_says_after_it_does(world):
    sound = Scene().quiet(1).word().quiet(1).word().quiet(1).samples()
    world.grant(Purpose.ASSIST)
    listener = Listener()
    events = run(world, sound, playing(1, 2), assist=listener)
    told = [(event.kind, event.by.value) for event in events if event.kind in ("muted", "unmuted")]
    assert told == [("muted", "hold_off"), ("unmuted", "hold_off")]
    (wake,) = [event for event in events if event.kind == "wake"]
    assert wake.start > 2.5 * RATE and len(listener.heard()) == 1
    (over,) = [event.at for event in events if event.kind == "unmuted"]
    assert 2.5 * RATE <= over <= 2.5 * RATE + 3 * 1280, "half a second after the last loud block"
    assert [e.kind for e in world.journal_entries() if "mute" in e.kind] == ["muted", "unmuted"]


def test_what_is_quieter_than_the_floor_holds_nothing_off(world):
    sound = Scene().quiet(1).word().quiet(1).samples()
    script = {at: lambda playback: playback.played(QUIET) for at in range(0, len(sound), 1280)}
    script[0] = lambda playback: playback.played(QUIET[:0])
    assert "wake" in [event.kind for event in run(world, sound, script)]


def test_a_sound_that_answers_the_wake_does_not_cut_the_request_short(world):
    world.grant(Purpose.ASSIST)
    listener = Listener()
    sound = Scene().quiet(1).word().speech(3).quiet(3).samples()
    events = run(world, sound, playing(2, 3), assist=listener)  # it woke at 1.6 s
    assert "released assist" in kinds(events) and "muted" not in [event.kind for event in events]


def test_the_loudest_negative_sample_is_loud():
    held = Held()
    Playback(held, floor_db=0).played(np.array([[-32768, 0]], np.int16))
    assert held.seconds == [0.5]


def test_a_program_tells_and_is_started_again_when_it_ends(caplog):
    once = SPEAKS.replace("while True", "for _ in range(9)")  # 9 KiB are two blocks of 4 KiB
    held = Held()
    with PlaybackCommand(f'{sys.executable} -c "{once}"', Playback(held)):
        held.wait(3)
    told = [record.getMessage() for record in caplog.records]
    assert told[0] == "the playback ended: the device's own voice may wake it until it is back"


def test_an_odd_number_of_bytes_does_not_turn_silence_into_noise():
    """A pipe gives what it has; a sample that is cut in two must not be read from its second half."""
    say = (
        "import sys, time\nfor _ in range(4096):\n    sys.stdout.buffer.write(bytes([64, 0, 64])); sys.stdout.flush()\n"
    )
    say += "    sys.stdout.buffer.write(bytes([0])); sys.stdout.flush()\nwhile True:\n    time.sleep(1)\n"
    held = Held()
    with PlaybackCommand(f'{sys.executable} -c "{say}"', Playback(held)):
        time.sleep(1)
    assert held.seconds == []


def test_closing_ends_a_program_and_what_it_started():
    held = Held()
    command = PlaybackCommand(f"""sh -c '{sys.executable} -c "{SPEAKS}" | cat'""", Playback(held))
    held.wait(1)
    command.close()
    command.close()
    assert not command._thread.is_alive()
    assert not command._memory.array(np.uint8, 4096).any(), "what was looked at is not gone"


@pytest.mark.parametrize(("words", "said"), [("no_such_program x", "cannot be run"), ("", "cannot"), ("a 'b", "quot")])
def test_what_cannot_be_run_is_said(words, said):
    with pytest.raises(ConfigError, match=said):
        PlaybackCommand(words, Playback(Held()))


@pytest.mark.parametrize("wrong", [{"floor_db": 1}, {"floor_db": float("nan")}, {"tail_s": 0}, {"tail_s": 61}])
def test_a_floor_and_a_tail_that_cannot_be_are_refused(wrong):
    with pytest.raises(ConfigError):
        Playback(Held(), **wrong)
