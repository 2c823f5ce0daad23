"""The factory reset on real places."""

import importlib.util
from pathlib import Path

import pytest

from wakegate.cli.person import open_ledger
from wakegate.cli.reset import reset
from wakegate.consent.grant import Act, Denial, Grant, Surface
from wakegate.events import Purpose
from wakegate.place import Place
from wakegate.testing import StillClock, reviewer

ACT = Act(Surface.SCREEN, "touched yes")
_spec = importlib.util.spec_from_file_location("consent_commands", Path(__file__).with_name("test_consent.py"))
assert _spec is not None and _spec.loader is not None
commands = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(commands)


@pytest.fixture
def used(tmp_path: Path) -> Place:
    """A place with grants, a journal, a clip and the remains of old damage."""
    place = commands.place(tmp_path)
    ledger = open_ledger(StillClock(), place)
    ledger.grant(Purpose.ASSIST, act=ACT)
    ledger.grant(Purpose.REVIEW, act=ACT, keys=[reviewer()[0]])
    place.outbox(Purpose.REVIEW).mkdir(parents=True)
    (place.outbox(Purpose.REVIEW) / "clip.age").write_bytes(b"sealed")
    (place.path / "ledger.jsonl.damaged-1").write_bytes(b"old")
    (place.path / "journal.000001.jsonl.damaged-1").write_bytes(b"old")
    return place


def left(place: Place) -> set[str]:
    return {path.name for path in place.path.rglob("*") if path.is_file()}


def test_a_typed_yes_resets_and_a_running_program_stops(used: Place, tmp_path: Path) -> None:
    running = open_ledger(StillClock(), used)
    assert isinstance(running.decide(Purpose.ASSIST), Grant)
    code, shown = commands.typed(tmp_path, "reset", answer=b"yes\n")
    assert code == 0 and "is reset" in shown, shown
    assert left(used) <= {"release.lock"}
    for ledger in (running, open_ledger(StillClock(), used)):
        assert all(isinstance(ledger.decide(purpose), Denial) for purpose in Purpose)


@pytest.mark.parametrize("answer", [b"\n", b"no\n"])
def test_a_no_changes_nothing(used: Place, tmp_path: Path, answer: bytes) -> None:
    before = left(used)
    code, shown = commands.typed(tmp_path, "reset", answer=answer)
    assert code == 0 and "Nothing was changed" in shown and left(used) == before
    assert isinstance(open_ledger(StillClock(), used).decide(Purpose.ASSIST), Grant)


def test_no_terminal_no_reset(used: Place, tmp_path: Path) -> None:
    before = left(used)
    done = commands.command(tmp_path, "reset", stdin=b"yes\n")
    assert done.returncode == 1 and "only a person" in done.stderr and left(used) == before


def test_a_fresh_device_has_nothing_to_reset(tmp_path: Path) -> None:
    done = commands.command(tmp_path, "reset")
    assert done.returncode == 0 and "nothing to reset" in done.stderr


def test_a_damaged_ledger_and_journal_can_be_reset(used: Place) -> None:
    used.ledger.write_bytes(b"{}\n")
    used.journal.write_bytes(b"\0" * 100)
    assert reset(used, StillClock()) == []
    assert left(used) <= {"release.lock"}


def test_what_cannot_be_removed_is_said(used: Place) -> None:
    (used.outbox(Purpose.REVIEW) / "folder").mkdir()
    problems = reset(used, StillClock())
    assert len(problems) == 1 and "folder" in problems[0]
