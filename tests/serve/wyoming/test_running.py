"""A door under its signals, in this very process."""

import os
import signal

import pytest

from tests.serve.wyoming.world import words
from wakegate.notify import Notify
from wakegate.serve.wyoming import address
from wakegate.serve.wyoming.door import Door
from wakegate.serve.wyoming.running import run_until_stopped
from wakegate.serve.wyoming.wake import WakeService


@pytest.fixture(autouse=True)
def signals():
    """As they were before, whoever ignores them (nohup)."""
    before = {
        number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    }
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def leaving(path, *numbers):
    """Run a door that these signals reach at once, before its loop looks; return how often it was left."""
    left = []
    service = WakeService(words(["alexa"]), lambda _: None)
    door = Door(address.parse(f"unix://{path}"), service.serve, most=4, dropped=lambda _: None)

    def opened(_):
        for number in numbers:
            os.kill(os.getpid(), number)

    def leave():
        door.shut()
        left.append(path.exists())

    run_until_stopped(door, opened, Notify.take(), None, leave)
    assert not path.exists()
    assert not any(left), "where the process ends then and there, no socket's file stays"
    return len(left)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_whoever_stops_it_once_is_waited_for_and_a_ctrl_c_after_that_is_not(tmp_path, number):
    assert leaving(tmp_path / "wake.sock", number) == 0
    after = signal.getsignal(signal.SIGINT)
    assert callable(after) and after is not signal.default_int_handler


def test_a_second_ctrl_c_that_comes_with_the_first_is_none_the_less_one(tmp_path):
    assert leaving(tmp_path / "wake.sock", signal.SIGINT, signal.SIGINT) == 1
    assert leaving(tmp_path / "wake.sock", signal.SIGTERM, signal.SIGINT) == 1


def test_a_service_manager_that_is_impatient_changes_nothing(tmp_path):
    assert leaving(tmp_path / "wake.sock", signal.SIGTERM, signal.SIGTERM) == 0
