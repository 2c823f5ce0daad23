"""The ledger on real files: every damage, every doubt, rollback, other processes."""

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from wakegate.chain import Chain
from wakegate.consent.clock import SystemClock
from wakegate.consent.grant import Act, Denial, Grant, Surface
from wakegate.consent.ledger import Ledger
from wakegate.consent.purposes import DAY_S
from wakegate.errors import ConfigError, JournalError, LedgerError
from wakegate.events import Purpose, Reason
from wakegate.journal.journal import Journal
from wakegate.place import Place
from wakegate.testing import START, StillClock, granted, reviewer
from wakegate.testing import place as marked_place

ACT = Act(Surface.BUTTON, "held the button")
KEY, SECRET = reviewer()


class Book:
    """A witness that remembers one head, in memory."""

    def __init__(self) -> None:
        self.head: tuple[int, str] | None = None
        self.broken = False

    def record_ledger(self, seq: int, hash: str) -> None:
        if self.broken:
            raise JournalError("the book is closed")
        self.head = (seq, hash)

    def ledger_head(self) -> tuple[int, str] | None:
        if self.broken:
            raise JournalError("the book is closed")
        return self.head


@pytest.fixture
def place() -> Iterator[Place]:
    """A real place in memory."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as path:
        yield Place(Path(path) / "state")


def opened(place: Place, witness: Book | Journal | None = None, clock: StillClock | None = None) -> Ledger:
    return Ledger.open(place, clock or StillClock(), witness)


def why(ledger: Ledger, purpose: Purpose) -> Reason | None:
    answer = ledger.decide(purpose)
    return answer.reason if isinstance(answer, Denial) else None


def test_nothing_is_on_by_default_and_asking_makes_nothing(place: Place) -> None:
    ledger = opened(place)
    assert {why(ledger, purpose) for purpose in Purpose} == {Reason.NO_GRANT}
    with ledger.releasing():
        assert isinstance(ledger.decide(Purpose.ASSIST), Denial)
    assert ledger.history() == () and ledger.head[0] == 0 and not place.path.exists()


def test_a_grant_is_of_one_purpose_announced_and_survives(place: Place) -> None:
    ledger, heard = opened(place), []
    ledger.notices.append(heard.append)
    grant = ledger.grant(Purpose.REVIEW, act=ACT, keys=[KEY], days=30)
    assert heard == [grant] and grant.keys == (KEY,) and grant.expires == START.wall + 30 * DAY_S
    for one in (ledger, opened(place)):
        assert one.decide(Purpose.REVIEW) == grant
        assert {why(one, purpose) for purpose in Purpose} == {None, Reason.NO_GRANT}
        assert sum(why(one, purpose) is None for purpose in Purpose) == 1
    assert place.ledger.stat().st_mode & 0o777 == 0o600 and place.path.stat().st_mode & 0o777 == 0o700


def test_a_grant_that_cannot_be_announced_does_not_stand(place: Place) -> None:
    ledger = opened(place)

    def broken(grant: Grant) -> None:
        raise RuntimeError("the light is broken")

    ledger.notices.append(broken)
    with pytest.raises(RuntimeError):
        ledger.grant(Purpose.ASSIST, act=ACT)
    assert why(ledger, Purpose.ASSIST) is why(opened(place), Purpose.ASSIST) is Reason.REVOKED


@pytest.mark.parametrize(
    ("purpose", "keys", "days", "said"),
    [
        (Purpose.REVIEW, [], None, "needs the reviewer's age public key"),
        (Purpose.REVIEW, [KEY], 181, "1 to 180"),
        (Purpose.REVIEW, [KEY], 0, "1 to 180"),
        (Purpose.REVIEW, [KEY], True, "1 to 180"),
        (Purpose.REVIEW, [KEY, KEY], None, "twice"),
        (Purpose.REVIEW, KEY, None, "list"),
        (Purpose.REVIEW, ["age1qqqq"], None, "no age public key"),
        (Purpose.REVIEW, [SECRET], None, "secret key"),
        (Purpose.REVIEW, [SECRET.lower()], None, "secret key"),
        (Purpose.ASSIST, [KEY], None, "takes no reviewer key"),
        (Purpose.IMPROVE, [], None, "needs a grant of review or false_accept_review first"),
    ],
)
def test_a_grant_outside_the_rules_is_an_error_and_grants_nothing(
    place: Place, purpose: Purpose, keys: list[str], days: int | None, said: str
) -> None:
    ledger = opened(place)
    with pytest.raises(ConfigError, match=said) as caught:
        ledger.grant(purpose, act=ACT, keys=keys, days=days)
    assert "".join(SECRET.split("-")[-1]).lower() not in str(caught.value).lower()
    assert why(ledger, purpose) is Reason.NO_GRANT and ledger.history() == ()


def test_every_prefix_and_bit_flip_of_the_file_denies_or_says_what_the_whole_lines_say(place: Place) -> None:
    ledger = opened(place)
    ledger.grant(Purpose.ASSIST, act=ACT)
    ledger.revoke(Purpose.ASSIST)
    whole = place.ledger.read_bytes()
    until_grant = whole.index(b"\n", whole.index(b"\n") + 1) + 1
    reader = opened(place)
    for size in range(len(whole)):
        place.ledger.write_bytes(whole[:size])
        answer = opened(place).decide(Purpose.ASSIST)
        # The one prefix that ends in the grant itself is what only a witness can tell from the truth.
        assert isinstance(answer, Grant) is (size == until_grant)
        assert isinstance(reader.decide(Purpose.ASSIST), Denial)
    flipped = bytearray(whole)
    for place_of in range(len(whole)):
        flipped[place_of] ^= 1 << place_of % 8
        place.ledger.write_bytes(flipped)
        one = opened(place)
        assert why(one, Purpose.ASSIST) in (Reason.LEDGER_TORN, Reason.LEDGER_UNREADABLE, Reason.LEDGER_FOREIGN)
        assert one.trouble
        flipped[place_of] ^= 1 << place_of % 8


def test_a_torn_ledger_is_kept_aside_and_only_a_fresh_grant_opens(place: Place) -> None:
    ledger = opened(place)
    ledger.grant(Purpose.ASSIST, act=ACT)
    ledger.grant(Purpose.REVIEW, act=ACT, keys=[KEY])
    damaged = place.ledger.read_bytes()[:-9]
    place.ledger.write_bytes(damaged)
    again = opened(place)
    assert why(again, Purpose.ASSIST) is why(again, Purpose.REVIEW) is Reason.LEDGER_TORN
    again.grant(Purpose.REVIEW, act=ACT, keys=[KEY])
    for one in (again, opened(place)):
        assert why(one, Purpose.REVIEW) is None and why(one, Purpose.ASSIST) is Reason.LEDGER_TORN
    assert (place.path / "ledger.jsonl.damaged-1").read_bytes() == damaged


def foreign_link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda path: path.chmod(0o622), Reason.LEDGER_FOREIGN),
        (foreign_link, Reason.LEDGER_FOREIGN),
        (lambda path: path.parent.chmod(0o777), Reason.LEDGER_FOREIGN),
        (lambda path: (path.unlink(), path.mkdir()), Reason.LEDGER_FOREIGN),
        (lambda path: path.write_bytes(b"\0" * 500), Reason.LEDGER_TORN),
        (lambda path: path.write_bytes(b"{}\n" * 50), Reason.LEDGER_TORN),
        (lambda path: path.unlink(), Reason.LEDGER_ROLLED_BACK),
    ],
)
def test_a_spoilt_ledger_denies_at_the_next_question_and_a_fresh_grant_opens(
    place: Place, spoil: Callable[[Path], object], reason: Reason
) -> None:
    book = Book()
    ledger = opened(place, book)
    ledger.grant(Purpose.ASSIST, act=ACT)
    ledger.grant(Purpose.REVIEW, act=ACT, keys=[KEY])
    assert why(ledger, Purpose.ASSIST) is None
    spoil(place.ledger)
    if place.path.stat().st_mode & 0o022 == 0:
        assert why(ledger, Purpose.ASSIST) is reason
    fresh = opened(place, book)
    assert why(fresh, Purpose.ASSIST) is why(fresh, Purpose.REVIEW) is reason and fresh.trouble
    place.path.chmod(0o700)
    if reason is Reason.LEDGER_FOREIGN and place.ledger.is_file() and not place.ledger.is_symlink():
        return
    fresh.grant(Purpose.REVIEW, act=ACT, keys=[KEY])
    for one in (fresh, opened(place, book)):
        assert why(one, Purpose.REVIEW) is None and why(one, Purpose.ASSIST) is reason


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file away")
def test_a_ledger_of_another_user_denies(place: Place) -> None:
    opened(place).grant(Purpose.ASSIST, act=ACT)
    os.chown(place.ledger, 12345, 12345)
    assert why(opened(place), Purpose.ASSIST) is Reason.LEDGER_FOREIGN
    os.chown(place.ledger, 0, 0)
    assert why(opened(place), Purpose.ASSIST) is None
    os.chown(place.path, 12345, 12345)
    assert why(opened(place), Purpose.ASSIST) is Reason.LEDGER_FOREIGN


def test_a_test_place_and_a_real_one_refuse_each_other(place: Place) -> None:
    marked = marked_place(place.path)
    assert isinstance(granted(marked, Purpose.ASSIST).decide(Purpose.ASSIST), Grant)
    assert why(opened(Place(place.path)), Purpose.ASSIST) is Reason.LEDGER_FOREIGN
    shutil.rmtree(place.path)
    opened(place).grant(Purpose.ASSIST, act=ACT)
    assert why(opened(marked), Purpose.ASSIST) is Reason.LEDGER_FOREIGN
    with pytest.raises(ConfigError, match="real place"):
        granted(place, Purpose.ASSIST)


def test_an_entry_of_an_unknown_kind_denies(place: Place) -> None:
    opened(place).grant(Purpose.ASSIST, act=ACT)
    Chain(place.ledger, "wakegate-ledger", 1).append([{"kind": "allow", "purpose": "review"}])
    ledger = opened(place)
    assert why(ledger, Purpose.ASSIST) is Reason.LEDGER_UNREADABLE and "newer" in ledger.trouble


@pytest.mark.parametrize("real", [False, True])
class TestRollback:
    """With a witness in memory and with the real journal."""

    @staticmethod
    def witness(place: Place, real: bool) -> Book | Journal:
        return Journal.open(place, StillClock()) if real else Book()

    def test_an_old_ledger_put_back_denies_and_old_grants_stay_dead(self, place: Place, real: bool) -> None:
        witness = self.witness(place, real)
        ledger = opened(place, witness)
        ledger.grant(Purpose.ASSIST, act=ACT)
        old = place.ledger.read_bytes()
        ledger.revoke(Purpose.ASSIST)
        ledger.grant(Purpose.REVIEW, act=ACT, keys=[KEY])
        place.ledger.write_bytes(old)
        again = opened(place, Journal.open(place, StillClock()) if real else witness)
        for one in (ledger, again):
            assert {why(one, purpose) for purpose in Purpose} == {Reason.LEDGER_ROLLED_BACK}
        again.grant(Purpose.REVIEW, act=ACT, keys=[KEY])
        for one in (ledger, again, opened(place, witness)):
            assert why(one, Purpose.REVIEW) is None and why(one, Purpose.ASSIST) is Reason.LEDGER_ROLLED_BACK

    def test_a_revoke_in_doubt_lets_nothing_come_back(self, place: Place, real: bool) -> None:
        witness = self.witness(place, real)
        ledger = opened(place, witness)
        ledger.grant(Purpose.ASSIST, act=ACT)
        ledger.grant(Purpose.REVIEW, act=ACT, keys=[KEY])
        old = place.ledger.read_bytes()
        ledger.revoke(Purpose.REVIEW)
        place.ledger.write_bytes(old)
        opened(place, witness).revoke(Purpose.ASSIST)
        after = opened(place, witness)
        assert after.trouble == ""
        assert why(after, Purpose.ASSIST) is Reason.REVOKED and why(after, Purpose.REVIEW) is Reason.LEDGER_ROLLED_BACK

    def test_a_ledger_beside_the_record_denies(self, place: Place, real: bool) -> None:
        witness = self.witness(place, real)
        ledger = opened(place, witness)
        ledger.grant(Purpose.ASSIST, act=ACT)
        one = place.ledger.read_bytes()
        ledger.revoke(Purpose.ASSIST)
        place.ledger.write_bytes(one)
        Chain(place.ledger, "wakegate-ledger", 1).append([{"kind": "mark"}])
        assert isinstance(opened(place, witness).decide(Purpose.ASSIST), Denial)

    def test_a_deleted_ledger_denies_as_rolled_back(self, place: Place, real: bool) -> None:
        witness = self.witness(place, real)
        ledger = opened(place, witness)
        ledger.grant(Purpose.ASSIST, act=ACT)
        place.ledger.unlink()
        assert why(ledger, Purpose.ASSIST) is why(opened(place, witness), Purpose.ASSIST) is Reason.LEDGER_ROLLED_BACK

    def test_a_crash_before_the_journal_is_caught_up_once(self, place: Place, real: bool) -> None:
        witness = self.witness(place, real)
        ledger = opened(place, witness)
        ledger.grant(Purpose.ASSIST, act=ACT)
        opened(place).revoke(Purpose.ASSIST)  # a program without a witness: the journal lags by one
        after = opened(place, witness)
        assert why(after, Purpose.ASSIST) is Reason.REVOKED and witness.ledger_head() == after.head
        opened(place).grant(Purpose.ASSIST, act=ACT)
        opened(place).grant(Purpose.REVIEW, act=ACT, keys=[KEY])
        assert why(opened(place, witness), Purpose.ASSIST) is Reason.LEDGER_ROLLED_BACK


def test_a_deleted_journal_denies_and_both_deleted_is_fresh(place: Place) -> None:
    ledger = opened(place, Journal.open(place, StillClock()))
    ledger.grant(Purpose.ASSIST, act=ACT)
    ledger.grant(Purpose.REVIEW, act=ACT, keys=[KEY])
    place.journal.unlink()
    again = opened(place, Journal.open(place, StillClock()))
    assert why(again, Purpose.ASSIST) is Reason.LEDGER_ROLLED_BACK
    place.journal.unlink(missing_ok=True)
    place.ledger.unlink()
    assert why(opened(place, Journal.open(place, StillClock())), Purpose.ASSIST) is Reason.NO_GRANT


def test_without_a_witness_the_running_process_still_remembers(place: Place) -> None:
    ledger = opened(place)
    ledger.grant(Purpose.ASSIST, act=ACT)
    old = place.ledger.read_bytes()
    ledger.grant(Purpose.REVIEW, act=ACT, keys=[KEY])
    place.ledger.write_bytes(old)
    assert why(ledger, Purpose.ASSIST) is Reason.LEDGER_ROLLED_BACK


def test_a_witness_that_fails_denies_and_no_grant_is_given(place: Place) -> None:
    book = Book()
    ledger = opened(place, book)
    ledger.grant(Purpose.ASSIST, act=ACT)
    book.broken = True
    assert why(opened(place, book), Purpose.ASSIST) is Reason.JOURNAL_UNWRITABLE
    with pytest.raises(LedgerError, match="the book is closed"):
        ledger.grant(Purpose.REVIEW, act=ACT, keys=[KEY])
    with pytest.raises(LedgerError, match="the book is closed"):
        ledger.revoke(Purpose.ASSIST)
    book.broken = False
    for one in (ledger, opened(place, book)):
        assert isinstance(one.decide(Purpose.ASSIST), Denial) and isinstance(one.decide(Purpose.REVIEW), Denial)


def test_a_grant_that_the_witness_did_not_take_does_not_count_later(place: Place) -> None:
    class FullBook(Book):
        def record_ledger(self, seq: int, hash: str) -> None:
            raise JournalError("no room")

    ledger = opened(place, FullBook())
    with pytest.raises(LedgerError, match="not granted"):
        ledger.grant(Purpose.ASSIST, act=ACT)
    for one in (ledger, opened(place, Book()), opened(place)):
        assert isinstance(one.decide(Purpose.ASSIST), Denial)


def test_what_this_process_saw_counts_where_the_journal_is_gone(place: Place) -> None:
    book = Book()
    ledger = opened(place, book)
    ledger.grant(Purpose.ASSIST, act=ACT)
    old = place.ledger.read_bytes()
    ledger.revoke(Purpose.ASSIST)
    place.ledger.write_bytes(old)
    book.head = None
    assert why(ledger, Purpose.ASSIST) is Reason.LEDGER_ROLLED_BACK


def test_an_unset_clock_keeps_a_grant_refused_until_it_is_set_and_a_mark_dates_it(place: Place) -> None:
    clock = StillClock(replace(START, wall=50.0, trusted=False))
    ledger = opened(place, clock=clock)
    ledger.grant(Purpose.REVIEW, act=ACT, keys=[KEY])
    assert why(ledger, Purpose.REVIEW) is Reason.CLOCK_UNTRUSTED
    clock.moment = replace(START, boot=START.boot + 30)
    answer = ledger.decide(Purpose.REVIEW)
    assert isinstance(answer, Grant) and answer.granted == START.wall - 30
    clock.moment = replace(clock.moment, boot=1.0, boot_id="next")
    assert why(opened(place, clock=clock), Purpose.REVIEW) is None
    assert [entry.kind for entry in ledger.history()] == ["grant", "mark"]
    clock.forward(3600)
    assert why(ledger, Purpose.REVIEW) is None
    assert [entry.kind for entry in ledger.history()] == ["grant", "mark", "mark"]


def test_time_is_noted_once_a_day_and_an_end_for_good(place: Place) -> None:
    clock = StillClock()
    ledger = opened(place, clock=clock)
    ledger.grant(Purpose.REVIEW, act=ACT, keys=[KEY], days=3)
    for _ in range(4 * 24):
        clock.forward(3600)
        ledger.decide(Purpose.REVIEW)
    assert [entry.kind for entry in ledger.history()] == ["grant", "mark", "mark", "mark"]
    clock.moment = replace(clock.moment, wall=START.wall)
    assert why(ledger, Purpose.REVIEW) is Reason.EXPIRED


def test_system_clock_reads_this_machine() -> None:
    one, two = SystemClock().now(), SystemClock().now()
    assert abs(one.wall - time.time()) < 5 and two.boot >= one.boot > 0
    assert one.boot_id == two.boot_id == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert isinstance(one.trusted, bool)


class Histories(RuleBasedStateMachine):
    """Random acts through two ledgers on one real file, beside a set of what a person allowed."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
        self.place, self.clock, self.book = Place(Path(self.folder.name) / "s"), StillClock(), Book()
        self.ledgers = [Ledger.open(self.place, self.clock, self.book) for _ in range(2)]
        self.allowed: dict[Purpose, float] = {}

    @rule(who=st.integers(0, 1), purpose=st.sampled_from(Purpose), days=st.sampled_from([1, 30, None]))
    def grant(self, who: int, purpose: Purpose, days: int | None) -> None:
        keys = [KEY] if purpose in (Purpose.REVIEW, Purpose.FALSE_ACCEPT_REVIEW) else []
        try:
            grant = self.ledgers[who].grant(purpose, act=ACT, keys=keys, days=days)
        except ConfigError:
            assert purpose is Purpose.IMPROVE
            return
        self.allowed[purpose] = grant.expires or float("inf")

    @rule(who=st.integers(0, 1), purpose=st.sampled_from(Purpose))
    def revoke(self, who: int, purpose: Purpose) -> None:
        self.ledgers[who].revoke(purpose)
        self.allowed.pop(purpose, None)

    @rule(hours=st.sampled_from([1, 23, 25, 31 * 24]))
    def pass_time(self, hours: int) -> None:
        self.clock.forward(hours * 3600.0)

    @rule(who=st.integers(0, 1))
    def restart(self, who: int) -> None:
        self.ledgers[who] = Ledger.open(self.place, self.clock, self.book)

    @rule(cut=st.integers(1, 30))
    def tear(self, cut: int) -> None:
        if self.place.ledger.exists() and self.place.ledger.stat().st_size > cut:
            os.truncate(self.place.ledger, self.place.ledger.stat().st_size - cut)
            self.allowed.clear()

    @invariant()
    def both_permit_exactly_what_was_allowed(self) -> None:
        now = self.clock.now().wall
        for ledger in self.ledgers:
            for purpose in Purpose:
                answer = ledger.decide(purpose)
                allowed = self.allowed.get(purpose, 0.0) > now
                if purpose is Purpose.IMPROVE:
                    assert not isinstance(answer, Grant) or allowed
                else:
                    assert isinstance(answer, Grant) is allowed, answer

    def teardown(self) -> None:
        self.folder.cleanup()


TestHistories = Histories.TestCase
TestHistories.settings = settings(max_examples=25, stateful_step_count=25, deadline=None, derandomize=True)


def child(code: str, place: Place, *args: str) -> "subprocess.Popen[bytes]":
    prelude = (
        "import sys, os, time\nfrom pathlib import Path\nfrom wakegate.place import Place\n"
        "from wakegate.consent.ledger import Ledger\nfrom wakegate.consent.grant import *\n"
        "from wakegate.events import Purpose\nfrom wakegate.testing import StillClock\n"
        "place = Place(Path(sys.argv[1]))\nledger = Ledger.open(place, StillClock())\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", prelude + code, str(place.path), *args],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,  # communicate() would leave out what read() and readline() had buffered
    )


def test_revoke_waits_for_the_block_of_another_process_and_then_nothing_leaves(place: Place) -> None:
    ledger = opened(place)
    ledger.grant(Purpose.ASSIST, act=ACT)
    code = (
        "while True:\n"
        "    with ledger.releasing():\n"
        "        if not isinstance(ledger.decide(Purpose.ASSIST), Grant): break\n"
        "        os.write(1, b'%d\\n' % time.monotonic_ns()); time.sleep(0.02)\n"
        "        os.write(1, b'%d\\n' % time.monotonic_ns())\n"
        "os.write(1, b'denied\\n')\n"
    )
    speaker = child(code, place)
    assert speaker.stdout is not None
    speaker.stdout.readline()
    revoker = child("ledger.revoke(Purpose.ASSIST); os.write(1, b'%d\\n' % time.monotonic_ns())", place)
    revoked = int(revoker.communicate(timeout=20)[0])
    said = speaker.communicate(timeout=20)[0].split()
    assert said[-1] == b"denied" and max(int(moment) for moment in said[:-1]) < revoked
    assert why(ledger, Purpose.ASSIST) is Reason.REVOKED


def test_revoke_waits_for_a_thread_and_a_sink_may_revoke_from_inside(place: Place) -> None:
    ledger = opened(place)
    ledger.grant(Purpose.ASSIST, act=ACT)
    done = threading.Event()
    with ledger.releasing():
        thread = threading.Thread(target=lambda: (ledger.revoke(Purpose.ASSIST), done.set()))
        thread.start()
        time.sleep(0.05)
        # Memory denies first: the block going on sees it, the promise waits for the block.
        assert why(ledger, Purpose.ASSIST) is Reason.REVOKED and not done.is_set()
    thread.join(5)
    assert done.is_set()
    ledger.grant(Purpose.ASSIST, act=ACT)
    with ledger.releasing():
        ledger.revoke(Purpose.ASSIST)
        assert why(ledger, Purpose.ASSIST) is Reason.REVOKED
    with ledger.releasing():
        assert why(ledger, Purpose.ASSIST) is Reason.REVOKED


def test_a_revoke_stands_even_where_a_release_never_ends(place: Place) -> None:
    ledger = opened(place)
    ledger.grant(Purpose.ASSIST, act=ACT)
    stuck = child("with ledger.releasing():\n    os.write(1, b'in'); time.sleep(60)", place)
    revoker = None
    try:
        assert stuck.stdout is not None and stuck.stdout.read(2) == b"in"
        revoker = child("ledger.revoke(Purpose.ASSIST)", place)
        end = time.monotonic() + 20
        while why(ledger, Purpose.ASSIST) is None and time.monotonic() < end:
            time.sleep(0.02)
        assert why(ledger, Purpose.ASSIST) is Reason.REVOKED
        assert revoker.poll() is None  # the promise waits for the block
    finally:
        for process in (revoker, stuck):
            if process is not None:
                process.kill()
                process.communicate()
    assert why(opened(place), Purpose.ASSIST) is Reason.REVOKED


def test_a_release_without_its_lock_is_a_denial(place: Place) -> None:
    ledger = opened(place)
    ledger.grant(Purpose.ASSIST, act=ACT)
    place.lock.unlink(missing_ok=True)
    place.lock.mkdir()
    with ledger.releasing():
        assert why(ledger, Purpose.ASSIST) is Reason.LEDGER_UNREADABLE
    with pytest.raises(LedgerError, match="could not be locked"):
        ledger.revoke(Purpose.ASSIST)
    assert why(opened(place), Purpose.ASSIST) is Reason.REVOKED


def test_revoke_empties_the_outbox_of_that_purpose_alone(place: Place) -> None:
    ledger = opened(place)
    for purpose in (Purpose.REVIEW, Purpose.FALSE_ACCEPT_REVIEW):
        ledger.grant(purpose, act=ACT, keys=[KEY])
        place.outbox(purpose).mkdir(parents=True)
        for name in ("a.age", ".b.part"):
            (place.outbox(purpose) / name).write_bytes(b"sealed")
    ledger.revoke(Purpose.REVIEW)
    assert list(place.outbox(Purpose.REVIEW).iterdir()) == []
    assert len(list(place.outbox(Purpose.FALSE_ACCEPT_REVIEW).iterdir())) == 2
    assert why(ledger, Purpose.FALSE_ACCEPT_REVIEW) is None
    (place.outbox(Purpose.FALSE_ACCEPT_REVIEW) / "folder").mkdir()
    with pytest.raises(LedgerError, match="could not be removed"):
        ledger.revoke(Purpose.FALSE_ACCEPT_REVIEW)
    assert why(opened(place), Purpose.FALSE_ACCEPT_REVIEW) is Reason.REVOKED


def test_revoke_on_a_full_disk_denies_everywhere_and_says_so(place: Place) -> None:
    book = Book()
    other = opened(place, book)
    other.grant(Purpose.ASSIST, act=ACT)
    code = (
        "import resource\nfrom wakegate.errors import LedgerError\n"
        "limit = place.ledger.stat().st_size + 10\nresource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))\n"
        "try: ledger.revoke(Purpose.ASSIST)\n"
        "except LedgerError as error: print(error)\n"
        "print(type(ledger.decide(Purpose.ASSIST)).__name__)\n"
    )
    said = child(code, place).communicate(timeout=20)[0].decode()
    assert "cannot be written" in said and "put out of use" in said and said.endswith("Denial\n")
    for one in (other, opened(place, book), opened(place)):
        assert isinstance(one.decide(Purpose.ASSIST), Denial)
    assert (place.path / "ledger.jsonl.damaged-1").exists()


def test_a_grant_on_a_full_disk_grants_nothing(place: Place) -> None:
    opened(place).grant(Purpose.ASSIST, act=ACT)
    code = (
        "import resource\nfrom wakegate.errors import LedgerError\n"
        "limit = place.ledger.stat().st_size + 10\nresource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))\n"
        "try: ledger.grant(Purpose.REVIEW, act=Act(Surface.BUTTON, 'x'), keys=[sys.argv[2]])\n"
        "except LedgerError as error: print(error)\n"
        "print(type(ledger.decide(Purpose.REVIEW)).__name__, type(ledger.decide(Purpose.ASSIST)).__name__)\n"
    )
    said = child(code, place, KEY).communicate(timeout=20)[0].decode()
    assert "not granted" in said and said.endswith("Denial Grant\n")
    assert why(opened(place), Purpose.ASSIST) is None and why(opened(place), Purpose.REVIEW) is Reason.NO_GRANT


def test_killed_while_granting_and_revoking_leaves_an_answer_that_was_given(place: Place) -> None:
    code = (
        "while True:\n"
        "    ledger.grant(Purpose.ASSIST, act=Act(Surface.BUTTON, 'x')); os.write(1, b'g')\n"
        "    os.write(1, b'.'); ledger.revoke(Purpose.ASSIST); os.write(1, b'r')\n"
    )
    for turn in range(8):
        worker = child(code, place)
        assert worker.stdout is not None
        said = worker.stdout.read(1)
        time.sleep(0.002 * turn)
        worker.kill()
        said += worker.communicate()[0]
        ledger = opened(place)
        assert ledger.trouble == ""
        if said.endswith(b"g"):
            assert why(ledger, Purpose.ASSIST) is None
        # After "r" a next grant may have been written that nobody heard of; after "." the revoke may have been.
        ledger.revoke(Purpose.ASSIST)
        assert why(opened(place), Purpose.ASSIST) is Reason.REVOKED


def test_an_unchanged_file_is_not_opened_again(place: Place) -> None:
    ledger = opened(place)
    ledger.grant(Purpose.ASSIST, act=ACT)
    opens: list[object] = []
    watching = True
    sys.addaudithook(lambda name, args: opens.append(args) if watching and name == "open" else None)
    for _ in range(100):
        ledger.decide(Purpose.ASSIST)
    watching = False
    assert opens == []
