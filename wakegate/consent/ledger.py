"""The ledger: the only source of consent on this device.

Owns the file, the release lock and the order of things in a grant and in a revocation. Must never answer with a grant
while anything about the file, its folder, the journal's record of it or the clock is in doubt; must never retry after a
failed write; and when :meth:`Ledger.revoke` returns, nothing more of that purpose leaves.

The journal is the ledger's witness: a ledger that lags behind its record or stands beside it was rolled back. What only
a witness outside can see is both rolled back together.
"""

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from ..chain import GENESIS, Chain, Record
from ..errors import ChainError, ConfigError, ForeignError, JournalError, LedgerError
from ..events import Purpose, Reason
from ..place import Place
from .clock import Clock, Moment, SystemClock
from .entries import Doubted, Entry, Marked, Revoked, from_values, granted_now, reason_of, to_values
from .grant import Act, Denial, Grant, Surface, checked_keys
from .last_resort import put_out_of_use
from .lock import ReleaseLock
from .outbox import empty
from .purposes import RULES, checked_days
from .state import State, denial, replay
from .witness import Witness, rolled_back

NAME = "wakegate-ledger"
SCHEMA = 1
_RETRY_S = 60.0


class Ledger:
    """Consent as it stands in one place. Made by :meth:`open`.

    Attributes
    ----------
    notices : list of callables
        Called with each new Grant once it is on record, to announce it. One that raises takes the grant back.
    """

    def __init__(self, place: Place, clock: Clock, witness: Witness | None) -> None:
        self.place = place
        self.notices: list[Callable[[Grant], None]] = []
        self._clock = clock
        self._witness = witness
        self._chain = Chain(place.ledger, NAME, SCHEMA, test=place.test)
        self._lock = ReleaseLock(place.lock)
        self._thread = threading.RLock()
        self._state = State()
        self._history: tuple[Entry, ...] = ()
        self._head = (0, GENESIS)
        self._trouble: tuple[Reason, str] | None = None
        self._closed: frozenset[Purpose] = frozenset()
        self._next_mark = 0.0

    @classmethod
    def open(cls, place: Place, clock: Clock | None = None, witness: Witness | None = None) -> "Ledger":
        """Open the ledger of a place. Never raises for a bad file: such a ledger denies, and says why.

        Parameters
        ----------
        place : Place
            Nothing is made there before the first grant.
        clock : Clock, optional
            The machine's clocks if None.
        witness : Witness, optional
            The journal. Without one a ledger that was rolled back while no process had it open is not seen.
        """
        ledger = cls(place, clock or SystemClock(), witness)
        ledger._reload()
        return ledger

    @property
    def head(self) -> tuple[int, str]:
        """Number and hash of the last entry; ``(0, 64 zeros)`` if there is none."""
        return self._head

    @property
    def trouble(self) -> str:
        """What is wrong with the ledger, "" if nothing."""
        return self._trouble[1] if self._trouble else ""

    def decide(self, purpose: Purpose) -> Grant | Denial:
        """Say whether ``purpose`` is permitted now; authoritative inside :meth:`releasing`. Tens of microseconds."""
        if purpose in self._closed:
            return denial(purpose, Reason.REVOKED)
        # Under the thread's lock: never an old state beside a file that another thread is just reading anew.
        with self._thread:
            if self._trouble is not None or self._chain.changed():
                self._reload()
            now = self._clock.now()
            if self._state.due(now) and now.boot >= self._next_mark:
                self._mark(now)
            return self._answer(purpose, now)

    def status(self, moment: Moment | None = None) -> Mapping[Purpose, Grant | Denial]:
        """Return the answer for every purpose, now or at another moment."""
        with self._thread:
            self._reload()
            now = moment or self._clock.now()
            return {purpose: self._answer(purpose, now) for purpose in Purpose}

    def history(self) -> tuple[Entry, ...]:
        """Return every entry of the ledger file, oldest first; none where it cannot be trusted."""
        self._reload()
        return self._history

    @contextmanager
    def releasing(self) -> Iterator[None]:
        """Hold the release lock, shared with other releases, for one block at most: :meth:`revoke` waits for it.

        Never raises: where the lock cannot be had, every :meth:`decide` inside is a denial.
        """
        with self._lock.shared():
            yield

    def grant(self, purpose: Purpose, *, act: Act, keys: Sequence[str] = (), days: int | None = None) -> Grant:
        """Put a person's yes on record and announce it.

        Only where a person has just acted, on this device, after seeing :func:`.notice.text` for the same arguments.

        Parameters
        ----------
        purpose : Purpose
            What is granted, and nothing else.
        act : Act
            What the person did. ``Surface.TEST`` is refused outside test places.
        keys : sequence of str
            The reviewers' age public keys (age1...), for the purposes that a person listens to.
        days : int, optional
            How long; the purpose's own rule if None (``assist``: without an end).

        Raises
        ------
        ConfigError
            If the purpose's rules do not allow this grant.
        LedgerError
            If it could not be put on disk: nothing is granted.
        """
        purpose, days, keys = Purpose(purpose), checked_days(purpose, days), checked_keys(purpose, keys)
        if act.surface is Surface.TEST and not self.place.test:
            raise ConfigError("a test's act grants nothing in a real place: use wakegate.testing.place()")
        try:
            self.place.prepare()
            with self._thread, self._chain.locked():
                self._reload()
                now = self._clock.now()
                entry = granted_now(purpose, keys, days, act, now)
                bases = RULES[purpose].leans_on
                if bases and all(isinstance(self._answer(base, now), Denial) for base in bases):
                    raise ConfigError(f"{purpose} needs a grant of {' or '.join(bases)} first, and none holds now")
                if self._trouble and self._trouble[0] is Reason.JOURNAL_UNWRITABLE:
                    raise ChainError(f"the journal must vouch for it first: {self._trouble[1]}")
                self._append(*self._doubts(now), entry)
                self._testify()
        except ChainError as error:
            self._closed |= {purpose}
            raise LedgerError(f"{purpose} is not granted, the ledger could not be written: {error}") from error
        granted = self._state.of(purpose).grant
        if granted is None or granted.id != entry.id:
            problem = self.trouble or "the ledger changed meanwhile, try again"
            with suppress(LedgerError):  # it may stand in the ledger, and count once the journal can be written
                self.revoke(purpose)
            raise LedgerError(f"{purpose} is not granted: {problem}")
        self._closed -= {purpose}
        try:
            for hook in self.notices:
                hook(granted)
        except Exception:
            self.revoke(purpose)
            raise
        return granted

    def revoke(self, purpose: Purpose) -> None:
        """Take a purpose back, now, in every process. What leans on it alone falls with it.

        When this returns nothing more of that purpose leaves, and its outbox is empty.

        Raises
        ------
        LedgerError
            If it could not be put on disk or the outbox not emptied. This process denies the purpose all the same, and
            the whole ledger was put out of use where that was possible; the message says what is left to do.
        """
        purpose = Purpose(purpose)
        closing = {purpose, *self._state.leaning(purpose)}
        self._closed |= closing
        problems: list[str] = []
        closed = self._record_revocation(purpose, closing, problems)  # before the wait: a release may hang
        with self._lock.exclusive() as held:
            if not held:
                problems.append(f"{self.place.lock} could not be locked, so another program may be sending a block")
            # A clip that says it may train lies, sealed, among those of the purpose that improve leans on.
            marked = {base for one in closed for base in RULES[one].leans_on}
            for one in sorted(closed | marked):
                problems += empty(self.place.outbox(one))
        if problems:
            raise LedgerError(f"{purpose} is revoked here, but: {'; '.join(problems)}")

    def _answer(self, purpose: Purpose, now: Moment) -> Grant | Denial:
        if purpose in self._closed:
            return denial(purpose, Reason.REVOKED)
        if self._lock.failed:
            return denial(purpose, Reason.LEDGER_UNREADABLE, f"{self.place.lock} could not be locked")
        if self._trouble is not None:
            return denial(purpose, *self._trouble)
        return self._state.decide(purpose, now)

    def _reload(self) -> None:
        """Read the ledger anew and compare it with what was seen before, here and in the journal."""
        with self._thread:
            try:
                if trouble := self.place.trouble():
                    raise ForeignError(trouble)
                if not self.place.path.exists():
                    self._take(())
                    return
                with self._chain.locked():
                    self._take(self._chain.load())
            except ChainError as error:
                self._doubt(reason_of(error), str(error))

    def _take(self, records: Sequence[Record]) -> None:
        """Believe verified records, unless the witness or this process's own memory knows better."""
        entries = tuple(from_values(record.values) for record in records)
        head = (records[-1].seq, records[-1].hash) if records else (0, GENESIS)
        try:
            seen = self._witness.ledger_head() if self._witness else None
            # Ahead by one is a crash between ledger and journal. Of what a journal forgot, this process still knows.
            if detail := rolled_back(records, seen or self._head, ahead=1 if self._witness else None):
                self._doubt(Reason.LEDGER_ROLLED_BACK, detail)
                return
            if self._witness and records and head != seen:
                self._witness.record_ledger(*head)
        except JournalError as error:
            self._doubt(Reason.JOURNAL_UNWRITABLE, str(error))
            return
        self._history, self._head, self._trouble = entries, head, None
        self._state = replay(entries)

    def _doubt(self, reason: Reason, detail: str) -> None:
        self._history, self._state, self._trouble = (), State(), (reason, detail)

    def _doubts(self, now: Moment) -> tuple[Entry, ...]:
        """Clear the way for a fresh entry: what cannot be read is kept aside, and all grants so far become void."""
        if self._trouble is None:
            return ()
        reason, kept = self._trouble[0], ""
        if reason not in (Reason.LEDGER_ROLLED_BACK, Reason.JOURNAL_UNWRITABLE) and os.path.lexists(self.place.ledger):
            # As a whole: a crash right here must not leave the good part standing without the doubt behind it.
            kept = self._chain.set_aside().name
        return (Doubted(stamp=now, reason=reason, kept=kept),)

    def _append(self, *entries: Entry) -> None:
        records = self._chain.append([to_values(entry) for entry in entries])
        self._head = (records[-1].seq, records[-1].hash)

    def _testify(self) -> None:
        """Tell the witness of the entries just written, then believe them."""
        try:
            if self._witness:
                self._witness.record_ledger(*self._head)
            self._take(self._chain.load())
        except ChainError as error:
            self._doubt(Reason.JOURNAL_UNWRITABLE, str(error))

    def _mark(self, now: Moment) -> None:
        """Note the time. Where that fails this process's answers stay right all the same; it tries again later."""
        self._next_mark = now.boot + _RETRY_S
        with suppress(ChainError), self._thread, self._chain.locked():
            self._reload()
            if self._trouble is None and self._state.due(now):
                self._append(Marked(stamp=now))
                self._testify()

    def _record_revocation(self, purpose: Purpose, closing: set[Purpose], problems: list[str]) -> set[Purpose]:
        """Write the revocation; where that fails put the ledger out of use. Return the purposes that closed."""
        if not self.place.path.exists():
            # Nothing was ever granted here; a later grant, by whichever process, must not meet this denial.
            self._closed -= closing
            return {purpose}
        try:
            with self._thread, self._chain.locked():
                self._reload()
                before = set(Purpose) if self._trouble else self._state.granted  # in doubt everything falls
                now = self._clock.now()
                self._append(*self._doubts(now), Revoked(stamp=now, purpose=purpose))
                self._testify()
                if self._trouble:
                    problems.append(f"the journal could not take it: {self.trouble}")  # the ledger has it
                else:
                    self._closed -= closing  # the ledger denies now; a later grant elsewhere must not meet this
                return before - self._state.granted | {purpose}
        except ChainError as error:
            self._closed = frozenset(Purpose)
            problems += [str(error), put_out_of_use(self._chain)]
            return set(Purpose)
