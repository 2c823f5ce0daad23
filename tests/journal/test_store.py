"""The files: rotation that forgets nothing of weight, damage that is never passed over, several processes, kill -9."""

import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from wakegate.errors import JournalError
from wakegate.events import (
    Cause,
    Exposure,
    NearMiss,
    Opened,
    Purpose,
    Reason,
    Refused,
    Released,
    Started,
    Suspected,
    Verdict,
    Wake,
)  # fmt: skip
from wakegate.journal import Entry, Journal, mend, read, report, verify
from wakegate.journal.clips import Clips
from wakegate.journal.store import SMALLEST
from wakegate.place import Place

MODEL = "ab" * 32
HERE = repr([str(Path(__file__).parent), str(Path(__file__).parents[2])])


def files(place: Place) -> list[Path]:
    return sorted(place.path.glob("journal.0*.jsonl"))


def kept_bytes(place: Place) -> int:
    return sum(path.stat().st_size for path in place.path.glob("journal*"))


def history(journal: Journal, clock, hours: int) -> None:
    """Write hours of a busy day: each with 3 wakes (one labelled false, one suspected), misses, refusals, releases."""
    for hour in range(hours):
        for n in range(3):
            wake = f"{hour:04d}-{n}"
            journal.record(Wake(at=1, id=wake, word="alexa", score=0.9, threshold=0.8, start=0, end=1))
            journal.record(Refused(at=1, id=wake, purpose=Purpose.REVIEW, reason=Reason.NO_GRANT, detail="d" * 150))
            for at in range(4):
                journal.record(NearMiss(at=at, word="alexa", score=0.5, threshold=0.8, start=0, end=1))
        journal.record(Opened(at=1, id=f"{hour:04d}-0", purpose=Purpose.ASSIST, grant="g"), durable=True)
        journal.record(Released(at=1, id=f"{hour:04d}-0", purpose=Purpose.ASSIST, start=0, end=32_000))
        journal.record(Suspected(at=1, id=f"{hour:04d}-2", reason=Reason.NO_SPEECH))
        journal.record(Exposure(at=1, samples=16_000 * 3600, words=("alexa",), model_sha256=MODEL), durable=True)
        if hour % 2:  # the label of an earlier hour, often in another segment
            journal.label(f"{hour - 1:04d}-1", Verdict.FALSE_ACCEPT, Cause.TV)
        clock.advance(3600)


def test_rotation_keeps_totals_caps_and_witness(place, clock) -> None:
    journal = Journal.open(place, clock, max_bytes=SMALLEST)
    journal.record(Started(at=0, source="mic", words=("alexa",), model_sha256=MODEL), durable=True)
    journal.record_ledger(7, "cc")
    history(journal, clock, 100)
    assert kept_bytes(place) < SMALLEST
    assert len(files(place)) == 15
    assert not any(entry.kind == "started" for entry in read(place))  # the oldest lines are gone, not their sums
    for opened in (journal, Journal.open(place, clock, max_bytes=SMALLEST)):
        (word,) = report(opened.entries()).words
        assert (word.word, word.model, word.hours) == ("alexa", MODEL[:12], 100.0)
        assert (word.wakes, word.false_accepts, word.unlabelled, word.suspected) == (300, 50, 250, 100)
        assert word.near_misses == 1200 - sum_uncounted(opened)
        (purpose,) = report(opened.entries()).purposes
        assert (purpose.opened, purpose.released, purpose.seconds) == (100, 100, 200.0)
        assert report(opened.entries()).refusals == (("no_grant", 300),)
        assert opened.ledger_head() == (7, "cc")
        assert opened.clips_since(Purpose.ASSIST, clock.wall - 86_400) == (24, 48.0)
    with pytest.raises(JournalError, match="no wake"):
        journal.label("0000-0", Verdict.TRUE)
    assert verify(place).files == 16


def sum_uncounted(journal: Journal) -> int:
    """Near misses of a storm that are counted in memory and not yet due for writing."""
    return sum(journal._uncounted.values())


def test_a_storm_of_wakes_within_a_day_does_not_wash_the_caps_away(place, clock) -> None:
    journal = Journal.open(place, clock, max_bytes=SMALLEST)
    for n in range(20):
        journal.record(Opened(at=1, id=f"clip{n}", purpose=Purpose.REVIEW, grant="g"), durable=True)
        journal.record(Released(at=1, id=f"clip{n}", purpose=Purpose.REVIEW, start=0, end=16_000))
    for n in range(3000):
        journal.record(Wake(at=1, id=f"{n}", word="alexa", score=0.9, threshold=0.8, start=0, end=1))
        if n % 50 == 0:
            clock.advance(10)
            journal.tick()
    journal.close()
    assert not any(entry.kind == "opened" for entry in read(place))
    assert journal.clips_since(Purpose.REVIEW, clock.wall - 86_400) == (20, 20.0)
    assert Journal.open(place, clock).clips_since(Purpose.REVIEW, clock.wall - 86_400) == (20, 20.0)


def test_a_crash_between_carrying_and_dropping_counts_nothing_twice(place, clock) -> None:
    journal = Journal.open(place, clock, max_bytes=SMALLEST)
    history(journal, clock, 60)
    oldest = files(place)[0]
    kept = oldest.read_bytes()
    before = report(read(place))
    while oldest.exists():
        history(journal, clock, 0)
        journal.record(Refused(at=1, id="x", purpose=Purpose.REVIEW, reason=Reason.EXPIRED), durable=True)
    refused = dict(report(read(place)).refusals)["expired"]
    oldest.write_bytes(kept)  # as if the power had gone before the file was dropped
    oldest.chmod(0o600)
    found = report(Journal.open(place, clock, max_bytes=SMALLEST).entries())
    assert found.words == before.words
    assert dict(found.refusals) == {**dict(before.refusals), "expired": refused}
    again = Journal.open(place, clock, max_bytes=SMALLEST)
    while oldest.exists():  # the next rotation drops it, and does not add it up once more
        again.record(Refused(at=1, id="x", purpose=Purpose.REVIEW, reason=Reason.EXPIRED), durable=True)
    assert report(again.entries()).words == before.words


def lines_for_cutting(place: Place, clock) -> bytes:
    journal = Journal.open(place, clock)
    journal.record(Opened(at=1, id="w1", purpose=Purpose.REVIEW, grant="g"), durable=True)
    journal.record_ledger(1, "aa")
    return place.journal.read_bytes()


def test_every_cut_is_seen_and_never_loses_a_whole_line(place, clock) -> None:
    whole = lines_for_cutting(place, clock)
    ends = [place_ + 1 for place_, byte in enumerate(whole) if byte == 10]
    # Every byte of the last line, and of the header and the first line every fifth.
    for cut in [*range(1, ends[1] + 2, 5), *range(ends[1] - 1, len(whole) + 1)]:
        for path in place.path.iterdir():
            path.unlink()
        place.journal.write_bytes(whole[:cut])
        place.journal.chmod(0o600)
        if cut not in ends:
            with pytest.raises(JournalError, match="torn at byte"):
                verify(place)
        journal = Journal.open(place, clock)
        entries = [entry for entry in read(place)]
        survived = [entry.kind for entry in entries if entry.kind != "mended"]
        assert survived == ["opened", "ledger"][: max(0, sum(end <= cut for end in ends) - 1)]
        assert ("mended" in [entry.kind for entry in entries]) is (cut not in ends)
        if cut not in ends:
            aside = place.path / entries[-1].text("aside")
            assert aside.read_bytes() == whole[max([0, *(end for end in ends if end < cut)]) : cut]
        journal.record_ledger(2, "bb")
        assert verify(place).lines == len(entries) + 1


def test_a_tail_of_zeros_after_a_power_cut_is_torn(place, clock) -> None:
    whole = lines_for_cutting(place, clock)
    place.journal.write_bytes(whole + bytes(700))
    journal = Journal.open(place, clock)
    assert journal.ledger_head() == (1, "aa")
    assert [entry.kind for entry in read(place)] == ["opened", "ledger", "mended"]


def test_any_changed_byte_is_refused_until_a_person_mends(place, clock) -> None:
    whole = lines_for_cutting(place, clock)
    chosen = random.Random(3).sample(range(len(whole) - 1), 60)
    for at in chosen:
        damaged = bytearray(whole)
        damaged[at] ^= 1
        place.journal.write_bytes(damaged)
        with pytest.raises(JournalError, match=r"journal\.jsonl"):
            Journal.open(place, clock)
        assert place.journal.read_bytes() == damaged  # nothing was touched
    moved = mend(place, clock)
    assert [path.read_bytes() for path in moved] == [bytes(damaged)]
    journal = Journal.open(place, clock)
    assert mend(place, clock) == ()
    assert next(entry for entry in read(place) if entry.kind == "mended").text("aside") == moved[0].name
    # What was released on that day is not known any more: the cap counts as reached, for a day.
    assert journal.clips_since(Purpose.REVIEW, clock.wall - 86_400)[0] > 1000
    clock.advance(86_401)
    assert journal.clips_since(Purpose.REVIEW, clock.wall - 86_400) == (0, 0.0)


def test_damage_in_an_older_segment_is_refused_and_mending_saves_the_sums(place, clock) -> None:
    journal = Journal.open(place, clock, max_bytes=SMALLEST)
    journal.record_ledger(7, "cc")
    history(journal, clock, 100)
    wakes = sum(word.wakes for word in report(read(place)).words)
    hurt = files(place)[4]
    content = bytearray(hurt.read_bytes())
    content[len(content) // 2] ^= 1
    hurt.write_bytes(content)
    for _ in range(2):
        with pytest.raises(JournalError, match=f"{hurt.name} is damaged at byte"):
            Journal.open(place, clock, max_bytes=SMALLEST)
    with pytest.raises(JournalError, match="lines before it are whole"):
        verify(place)
    content = hurt.read_bytes()
    hurt.write_bytes(content[:-9])  # an older file that ends too early is no unfinished write either
    with pytest.raises(JournalError, match="damaged"):
        Journal.open(place, clock, max_bytes=SMALLEST)
    hurt.write_bytes(content)
    assert len(mend(place, clock)) == 16
    mended = Journal.open(place, clock, max_bytes=SMALLEST)
    assert mended.ledger_head() == (7, "cc")
    assert wakes - 1 <= sum(word.wakes for word in report(read(place)).words) <= wakes
    assert journal.trouble == ""
    with pytest.raises(JournalError, match="replaced"):
        journal.record_ledger(8, "dd")  # a listener that runs is told once, then reads everything anew
    journal.record_ledger(8, "dd")
    assert mended.ledger_head() == journal.ledger_head() == (8, "dd")


def test_a_failed_write_forgets_nothing_that_others_rotate_away_meanwhile(place, clock) -> None:
    listening = Journal.open(place, clock, max_bytes=SMALLEST)
    listening.record_ledger(1, "aa")
    intent = Opened(at=1, id="mine", purpose=Purpose.ASSIST, grant="g")
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (place.journal.stat().st_size + 50, limit[1]))
    try:
        with pytest.raises(JournalError, match="free or check the disk"):
            listening.record(intent, durable=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    other = Journal.open(place, clock, max_bytes=SMALLEST)
    for n in range(150):
        other.record(Opened(at=1, id=f"w{n}", purpose=Purpose.REVIEW, grant="g"), durable=True)
    assert len(files(place)) >= 2
    assert listening.clips_since(Purpose.REVIEW, 0)[0] == 150
    assert listening.clips_since(Purpose.ASSIST, 0)[0] == 0
    listening.record(intent, durable=True)
    assert other.clips_since(Purpose.ASSIST, 0)[0] == 1
    assert verify(place).lines == 152


WRITER = f"""
import sys
sys.path[:0] = {HERE}
from pathlib import Path
from conftest import FakeClock
from wakegate.events import *
from wakegate.journal import Journal
from wakegate.journal.store import SMALLEST
from wakegate.place import Place
journal = Journal.open(Place(Path(sys.argv[1]), test=True), FakeClock(), max_bytes=SMALLEST)
for n in range(int(sys.argv[3])):
    journal.record(Opened(at=n, id=sys.argv[2] + str(n), purpose=Purpose.ASSIST, grant="g"), durable=True)
    print(n, flush=True)
"""


def writer(place: Place, name: str, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(place.path), name, str(count)], stdout=subprocess.PIPE, text=True
    )


def test_two_processes_append_to_one_chain(place, clock) -> None:
    place.prepare()
    listening = Journal.open(place, clock, max_bytes=SMALLEST)
    listening.record_ledger(1, "aa")
    both = [writer(place, "a", 250), writer(place, "b", 250)]
    for one in both:
        assert len(one.communicate(timeout=60)[0].split()) == 250
    assert listening.clips_since(Purpose.ASSIST, 0)[0] == 500
    opened = [entry.text("id") for entry in read(place) if entry.kind == "opened"]
    for name in "ab":
        assert [wake for wake in opened if wake[0] == name] == [f"{name}{n}" for n in range(250)]
    assert verify(place).files > 2
    listening.record_ledger(2, "bb")
    assert Journal.open(place, clock, max_bytes=SMALLEST).ledger_head() == (2, "bb")


def test_kill_9_loses_nothing_acknowledged(place, clock) -> None:
    place.prepare()
    acknowledged: list[str] = []
    dice = random.Random(5)
    for name in "abcd":
        child = writer(place, name, 100_000)
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(dice.uniform(0.0, 0.15))
        child.send_signal(signal.SIGKILL)
        count = 1 + len(child.stdout.read().split())
        child.wait(timeout=60)
        child.stdout.close()
        acknowledged += [f"{name}{n}" for n in range(count)]
        journal = Journal.open(place, clock, max_bytes=SMALLEST)
        assert journal.clips_since(Purpose.ASSIST, 0)[0] >= len(acknowledged)
    kept = {entry.text("id") for entry in read(place) if entry.kind == "opened"}
    assert len(kept) < SMALLEST / 200
    total = sum(purpose.opened for purpose in report(read(place)).purposes)
    assert len(acknowledged) <= total <= len(acknowledged) + 4  # one each may be written and not yet acknowledged
    assert set(acknowledged[-100:]) <= kept


def test_files_are_plain_json_lines(place, clock) -> None:
    lines_for_cutting(place, clock)
    first, *rest = [json.loads(line) for line in place.journal.read_text().splitlines()]
    assert first["chain"] == "wakegate-journal"
    assert {"seq", "prev", "wall", "trusted", "boot", "schema", "kind", "hash"} <= rest[0].keys()
    assert os.stat(place.journal).st_uid == os.getuid()


@pytest.mark.parametrize("harm", ["removed", "cut", "begun anew"])
def test_lines_lost_while_in_use_stay_a_refusal_until_a_person_mends(place, clock, harm) -> None:
    journal = Journal.open(place, clock)
    for number in range(3):
        journal.record(Opened(at=1, id=str(number), purpose=Purpose.REVIEW, grant="g"), durable=True)
    lines = place.journal.read_bytes().splitlines(keepends=True)
    place.journal.unlink()
    if harm == "cut":
        place.journal.write_bytes(b"".join(lines[:3]))
        place.journal.chmod(0o600)
    elif harm == "begun anew":
        Journal.open(place, clock).record_ledger(1, "ab" * 32)
    for _ in range(3):
        with pytest.raises(JournalError):
            journal.clips_since(Purpose.REVIEW, 0.0)
        with pytest.raises(JournalError):
            journal.record_ledger(2, "cd" * 32)
    if harm == "cut":
        place.journal.write_bytes(b"".join([*lines[:2], *lines[3:]]))
        assert mend(place, clock)
        assert journal.clips_since(Purpose.REVIEW, 0.0)[0] > 1000  # mended, and nobody knows what left


def test_a_clock_that_was_wrong_once_washes_no_cap_away() -> None:
    clips, now, years = Clips(), 1_800_000_000.0, 10 * 365 * 86_400.0
    for number, wall in enumerate((now, now + years, now + 60)):
        values = {"id": str(number), "purpose": "review"}
        clips.add(Entry(number, "", wall, True, "", "opened", values))
    assert clips.carried(3)["rows"] != [] and clips.since(Purpose.REVIEW, now)[0] == 3
    again = Clips()
    again.add(Entry(4, "", now + 61, True, "", "clips", clips.carried(3)))
    assert again.since(Purpose.REVIEW, now)[0] == 3
