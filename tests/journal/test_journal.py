"""When lines are written, what a failing disk means, labels, caps and the ledger's witness."""

import itertools
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from wakegate.errors import JournalError
from wakegate.events import (
    Aborted,
    Cause,
    Exposure,
    Gap,
    Opened,
    Purpose,
    Reason,
    Released,
    Started,
    Suspected,
    Verdict,
)  # fmt: skip
from wakegate.journal import Journal, read, report, verify
from wakegate.journal.journal import MOST_WAITING, STORM_LINES
from wakegate.place import Place

MODEL = "ab" * 32


def kinds(place: Place) -> list[str]:
    return [entry.kind for entry in read(place)]


def test_a_durable_line_is_on_disk_when_record_returns_with_all_before_it(place, clock, wake) -> None:
    journal = Journal.open(place, clock)
    journal.record(wake("w1"))
    assert kinds(place) == []
    journal.record(Opened(at=1, id="w1", purpose=Purpose.REVIEW, grant="g"), durable=True)
    assert kinds(place) == ["wake", "opened"]
    assert stat.S_IMODE(place.journal.stat().st_mode) == 0o600
    assert stat.S_IMODE(place.path.stat().st_mode) == 0o700


def test_durable_means_fsync_after_the_last_byte(place, clock, wake, monkeypatch) -> None:
    synced: list[int] = []
    really = os.fsync

    def watched(fd: int) -> None:
        really(fd)
        synced.append(os.fstat(fd).st_size)

    journal = Journal.open(place, clock)
    journal.record_ledger(1, "aa")
    monkeypatch.setattr(os, "fsync", watched)
    journal.record(Opened(at=1, id="w1", purpose=Purpose.REVIEW, grant="g"), durable=True)
    assert synced == [place.journal.stat().st_size]
    for n in range(200):
        journal.record(wake(f"{n}"))
    journal.record(Opened(at=1, id="w2", purpose=Purpose.REVIEW, grant="g"), durable=True)
    assert synced[-1] == place.journal.stat().st_size
    journal.record(wake("last"))
    journal.close()
    assert synced[-1] == place.journal.stat().st_size


def test_lines_wait_a_second_and_are_written_together(place, clock, wake) -> None:
    journal = Journal.open(place, clock)
    for step in range(12):
        journal.record(wake(f"w{step}"))
        clock.advance(0.08)
        journal.tick()
    assert kinds(place) == []
    clock.advance(0.08)
    journal.tick()
    assert len(kinds(place)) == 12
    journal.tick()
    journal.record(wake("later"))
    journal.close()
    assert len(kinds(place)) == 13


def test_a_storm_is_bounded_on_disk_and_in_writes_and_nothing_is_uncounted(place, clock, near) -> None:
    journal = Journal.open(place, clock)
    journal.record(Started(at=0, source="mic", words=("alexa",), model_sha256=MODEL), durable=True)
    writes, size, seconds, storm = 0, place.journal.stat().st_size, 120, 0
    for block in range(int(seconds / 0.08)):
        for _ in range(10):
            journal.record(near(block))
            storm += 1
        journal.listened(1280, ("alexa",), MODEL, block * 1280)
        journal.tick()
        clock.advance(0.08)
        now = place.journal.stat().st_size if place.journal.exists() else 0
        writes, size = writes + (now != size), now
    journal.close()
    assert 2 <= writes <= seconds
    found = report(read(place)).words[0]
    assert found.near_misses == storm == 15_000
    assert found.hours == pytest.approx(seconds / 3600, abs=1e-9)
    assert STORM_LINES < len(kinds(place)) < STORM_LINES + 40


def test_exposure_is_written_at_least_every_minute(place, clock) -> None:
    journal = Journal.open(place, clock)
    seen = [clock.wall]
    for block in range(int(600 / 0.08)):
        journal.listened(1280, ("alexa", "jarvis"), MODEL, (block + 1) * 1280)
        journal.tick()
        clock.advance(0.08)
    lines = [entry for entry in read(place) if entry.kind == "exposure"]
    seen += [entry.wall for entry in lines]
    assert max(after - before for before, after in itertools.pairwise(seen)) <= 60
    assert clock.wall - seen[-1] <= 60
    journal.listened(160, ("alexa",), MODEL, 99)  # another set of words gets a line of its own
    journal.close()
    assert [entry.words() for entry in read(place)][-2:] == [("alexa", "jarvis"), ("alexa",)]
    assert sum(entry.number("samples") for entry in read(place)) == 7500 * 1280 + 160


def test_a_label_needs_a_known_wake_and_the_last_one_counts(place, clock, wake) -> None:
    journal = Journal.open(place, clock)
    with pytest.raises(JournalError, match="journal tail"):
        journal.label("w1", Verdict.TRUE)
    journal.record(wake("w1"), durable=True)
    journal.record(Suspected(at=1, id="w1", reason=Reason.NO_SPEECH), durable=True)
    journal.listened(16_000 * 3600, ("alexa",), MODEL, 1)
    journal.close()
    assert [word.suspected for word in report(read(place)).words if word.wakes] == [1]
    other = Journal.open(place, clock)  # as the command would, from another process
    other.label("w1", Verdict.FALSE_ACCEPT, Cause.TV)
    with pytest.raises(JournalError, match="no cause"):
        other.label("w1", Verdict.TRUE, Cause.TV)
    assert sum(word.false_accepts for word in report(journal.entries()).words) == 1
    journal.label("w1", Verdict.TRUE)
    words = report(journal.entries()).words
    assert (sum(word.false_accepts for word in words), sum(word.true for word in words)) == (0, 1)
    assert sum(word.suspected for word in words) == 0


def test_daily_caps_count_intents_and_what_left(place, clock) -> None:
    journal = Journal.open(place, clock)
    day_ago = clock.wall - 86_400
    opened = [Opened(at=1, id=f"w{n}", purpose=Purpose.REVIEW, grant="g") for n in range(4)]
    for intent in opened:
        journal.record(intent, durable=True)
    assert journal.clips_since(Purpose.REVIEW, day_ago) == (4, 32.0)  # an intent counts at full length
    journal.record(Released(at=9, id="w0", purpose=Purpose.REVIEW, start=0, end=32_000), durable=True)
    journal.record(Aborted(at=9, id="w1", purpose=Purpose.REVIEW, reason=Reason.REVOKED), durable=True)
    journal.record(Aborted(at=9, id="w2", purpose=Purpose.REVIEW, reason=Reason.REVOKED, sent=16_000), durable=True)
    assert journal.clips_since(Purpose.REVIEW, day_ago) == (3, 2.0 + 1.0 + 8.0)
    assert Journal.open(place, clock).clips_since(Purpose.REVIEW, day_ago) == (3, 11.0)
    assert journal.clips_since(Purpose.ASSIST, day_ago) == (0, 0.0)
    clock.advance(86_401)
    assert journal.clips_since(Purpose.REVIEW, clock.wall - 86_400) == (0, 0.0)


def test_the_ledgers_head_is_seen_by_every_process(place, clock) -> None:
    one, two = Journal.open(place, clock), Journal.open(place, clock)
    assert one.ledger_head() is None
    two.record_ledger(1, "aa")
    two.record_ledger(2, "bb")
    assert one.ledger_head() == (2, "bb") == Journal.open(place, clock).ledger_head()


FULL = """
import resource, sys
from pathlib import Path
sys.path[:0] = {path!r}
from conftest import FakeClock
from wakegate.errors import JournalError
from wakegate.events import *
from wakegate.journal import Journal, verify
from wakegate.place import Place

import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
place, clock = Place(Path(sys.argv[1]), test=True), FakeClock()
journal = Journal.open(place, clock)
intent = lambda n: Opened(at=n, id=f"w{{n}}", purpose=Purpose.ASSIST, grant="g")
acknowledged = 0
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, resource.RLIM_INFINITY))  # the disk is full at 5000 bytes
for n in range(100):
    try:
        journal.record(intent(n), durable=True)
        acknowledged += 1
    except JournalError as error:
        assert "free or check the disk" in str(error) and journal.trouble == str(error)
assert 5 < acknowledged < 30, acknowledged
for n in range(2000):  # a minute and more of life goes on without a disk: no error, no endless memory
    journal.record(Refused(at=n, id="w0", purpose=Purpose.ASSIST, reason=Reason.JOURNAL_UNWRITABLE))
    journal.listened(1280, ("alexa",), "", n)
    journal.tick()
    clock.advance(0.08)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
clock.advance(10)
journal.tick()
assert journal.trouble == "", journal.trouble
clock.advance(60)
journal.tick(); clock.advance(2); journal.tick()
journal.record(intent(1000), durable=True)
lines = list(journal.entries())
opened = [entry.text("id") for entry in lines if entry.kind == "opened"]
assert opened == [f"w{{n}}" for n in range(acknowledged)] + ["w1000"], opened
refused = sum(entry.kind == "refused" for entry in lines)
counted = sum(entry.number("count") for entry in lines if entry.kind == "coalesced")
assert refused == {waiting} and refused + counted == 2000, (refused, counted)
assert sum(entry.number("samples") for entry in lines) == 2000 * 1280
print("ok")
"""


def run(code: str, *args: str) -> subprocess.CompletedProcess[str]:
    code = code.replace("{path!r}", repr([str(Path(__file__).parent), str(Path(__file__).parents[2])]))
    code = code.replace("{waiting}", str(MOST_WAITING)).replace("{{", "{").replace("}}", "}")
    return subprocess.run(
        [sys.executable, "-c", code, *args], capture_output=True, text=True, check=False, timeout=60,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip


def test_a_full_disk_refuses_keeps_what_it_promised_and_recovers(place) -> None:
    done = run(FULL, str(place.path))
    assert done.stdout == "ok\n", done.stderr


def test_a_journal_that_cannot_be_written_refuses_every_durable_line(place, clock) -> None:
    journal = Journal.open(place, clock)
    place.journal.symlink_to(place.path / "elsewhere")
    with pytest.raises(JournalError, match="Nothing is released"):
        journal.record(Started(at=0, source="mic", words=("alexa",), model_sha256=MODEL), durable=True)
    journal.record(Gap(at=1, reason=Reason.GAP))
    clock.advance(2)
    journal.tick()
    assert "symbolic link" in journal.trouble
    assert not (place.path / "elsewhere").exists()
    place.journal.unlink()
    clock.advance(10)
    journal.tick()
    assert journal.trouble == ""
    assert kinds(place) == ["gap"]


def test_a_journal_of_the_other_kind_of_place_is_foreign(place, clock) -> None:
    Journal.open(place, clock).record_ledger(1, "aa")
    with pytest.raises(JournalError, match="test place"):
        Journal.open(Place(place.path, test=False), clock)


def test_a_journal_that_others_could_write_is_refused(place, clock) -> None:
    Journal.open(place, clock).record_ledger(1, "aa")
    place.journal.chmod(0o622)
    with pytest.raises(JournalError, match="written by others"):
        Journal.open(place, clock)


def test_an_empty_place_verifies_and_reads_as_nothing(place) -> None:
    assert verify(place).lines == 0
    assert list(read(place)) == []
    assert Exposure.kind == "exposure"
