"""What is looked after between two readings, and what a clock that jumps does to a listener. Around 5 s."""

from dataclasses import replace

import numpy as np
import pytest

from tests.gate.world import FakeEar, Listener, Scene, ScriptSource, World, kinds
from wakegate.events import Purpose, Reason
from wakegate.mute import forget, keep
from wakegate.notify import Notify
from wakegate.pipeline import Pipeline
from wakegate.service import SIGNS, Service


class Manager(Notify):
    """Keeps what it is told; the socket itself is tested in test_notify."""

    def __init__(self, watchdog_s=1.0):
        super().__init__("", watchdog_s)
        self.told = []

    def _tell(self, text):
        self.told.append(text.split("\n")[0])


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def listen(world, source, manager, *, reload=lambda: None, assist=None, scored=None):
    """Run a pipeline that is looked after; time passes with its samples."""
    ear = FakeEar()
    service = Service(source, manager, scored or (lambda: ear.heard), now=lambda: source.at / 16_000)
    pipeline = Pipeline.open(service, scorer=ear, place=world.place, clock=world.clock, assist=assist)
    with pipeline:
        service.attend(pipeline, reload)
        return list(pipeline), service


def test_what_a_manager_is_told_from_start_to_end(world):
    manager = Manager()
    listen(world, ScriptSource(Scene().quiet(2).samples()), manager)
    signs = manager.told.count("WATCHDOG=1")
    assert [told for told in manager.told if told != "WATCHDOG=1"] == [
        "READY=1", "STATUS=listening for alexa", "STOPPING=1",
    ]  # fmt: skip
    assert signs == pytest.approx(2 * SIGNS, abs=2), "so often in the second that it waits for"


def test_a_mute_is_told_from_the_first_block_on_and_as_long_as_it_lasts(world):
    keep(world.place)
    manager = Manager()
    listen(world, ScriptSource(Scene().quiet(2).samples(), {16_000: lambda: forget(world.place)}), manager)
    assert [told for told in manager.told if told != "WATCHDOG=1"] == [
        "READY=1", "STATUS=muted (device)", "STATUS=listening for alexa", "STOPPING=1",
    ]  # fmt: skip
    assert manager.told.count("WATCHDOG=1") == pytest.approx(2 * SIGNS, abs=2), "nothing is to be scored while muted"


def test_no_scores_no_sign_of_life(world):
    manager = Manager()
    listen(world, ScriptSource(Scene().quiet(2).samples()), manager, scored=lambda: 0)
    assert "WATCHDOG=1" not in manager.told


def test_an_open_gate_and_a_lost_microphone_are_reasons_not_to_score(world):
    world.grant(Purpose.ASSIST)
    lost = (Reason.DEVICE_LOST, 0, "it is gone")
    source = ScriptSource(Scene().quiet(1).word().speech(2).quiet(3).samples(), {80_000: lambda: lost})
    manager = Manager()
    listen(world, source, manager, assist=Listener())
    states = [told for told in manager.told if told.startswith("STATUS=")]
    waiting = "STATUS=waiting for script, which is gone"
    hears = "STATUS=listening for alexa"
    assert states == [hears, "STATUS=the gate is open", hears, waiting, hears]
    at = manager.told.index("STATUS=the gate is open")
    assert manager.told[at + 1 : at + 5] == ["WATCHDOG=1"] * 4


def test_nothing_but_zeros_is_said_after_a_while_and_that_it_is_over(world, caplog):
    sound = np.concatenate([Scene().quiet(2).samples(), np.zeros(14 * 16_000, np.int16), Scene().quiet(2).samples()])
    manager = Manager(watchdog_s=None)
    listen(world, ScriptSource(sound), manager)
    hears = "STATUS=listening for alexa"
    why = "it is unplugged or muted behind a sound server, or a noise gate takes away what is quiet"  # who knows which
    zeros = f"script gives nothing but zeros: {why}"
    assert manager.told == ["READY=1", hears, f"{hears}; {zeros}", hears, "STOPPING=1"]
    assert [record.getMessage() for record in caplog.records] == [zeros, "script gives sound again"]


def test_nine_seconds_of_zeros_and_zeros_that_a_person_muted_are_not_worth_a_word(world, caplog):
    manager = Manager(watchdog_s=None)
    listen(world, ScriptSource(np.tile(np.append(np.zeros(9 * 16_000, np.int16), np.int16(1)), 3)), manager)
    keep(world.place)
    listen(world, ScriptSource(np.zeros(12 * 16_000, np.int16)), manager)
    assert (
        "STATUS=muted (device)" in manager.told
        and not caplog.records
        and not [told for told in manager.told if "zeros" in told]
    )


def test_a_reload_happens_between_two_readings_and_once(world):
    manager, calls = Manager(watchdog_s=None), []
    source = ScriptSource(Scene().quiet(1).samples(), {8_000: lambda: service.ask_reload()})
    ear = FakeEar()
    service = Service(source, manager, lambda: ear.heard)
    with Pipeline.open(service, scorer=ear, place=world.place, clock=world.clock) as pipeline:
        service.attend(pipeline, lambda: calls.append(source.at))
        list(pipeline)
    assert len(calls) == 1 and calls[0] in range(8_000, 8_000 + 2 * 1280)
    assert manager.told == ["READY=1", "STATUS=listening for alexa", "RELOADING=1", "READY=1", "STOPPING=1"]


def test_a_clock_that_jumps_stops_nothing_but_grants_that_expire(world):
    """A year on, then further back than it was: `assist` has no end and goes on, `review` stays refused."""
    world.grant(Purpose.ASSIST, Purpose.REVIEW)

    def jump(days):
        moment = world.clock.moment
        world.clock.moment = replace(moment, wall=moment.wall + days * 86_400)

    one = Scene().quiet(2).word().speech(1).quiet(3).samples()
    sound = np.concatenate([one, one, one])
    source = ScriptSource(sound, {len(one): lambda: jump(365), 2 * len(one): lambda: jump(-400)})
    assistant = Listener()
    events, _ = listen(world, source, Manager(), assist=assistant)
    assert len(assistant.heard()) == 3 == kinds(events).count("released assist")
    answers = [one for one in kinds(events) if one.startswith(("opened review", "refused review"))]
    assert answers == ["opened review", "refused review expired", "refused review expired"], "what ran out stays so"
    heard = sum(entry.number("samples") for entry in world.journal_entries() if entry.kind == "exposure")
    assert 0 < heard < len(sound)
    walls = [entry.wall for entry in world.journal_entries()]
    assert walls != sorted(walls), "the record says what the clock said"
