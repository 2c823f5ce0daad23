"""Journal: what happened, in numbers and words, on disk before anything may leave.

Owns when a line is written: a durable one at once, with everything said before it; the others in groups, at most one a
second. Never audio, features or embeddings. Never raises from a line that nobody waits for: the trouble is kept and
said, the lines wait in memory, and every durable line is refused until the file can be trusted and written again.

A storm cannot fill the disk: near misses, gaps and mutes get 200 lines at once and 200 an hour, the rest are counted.
One thread records and ticks; other processes, and :meth:`Journal.label` from other threads, may append meanwhile.
"""

from collections import Counter
from collections.abc import Iterator

from ..consent.clock import Clock, Moment
from ..errors import JournalError
from ..events import Cause, Event, Exposure, Gap, Muted, NearMiss, Purpose, Unmuted, Verdict
from ..place import Place
from .lines import Coalesced, Entry, Label, LedgerEntry, Note, body
from .read import Verification, read, verify
from .store import Store

MAX_BYTES = 8 * 1024 * 1024
"""Bytes kept by default: two weeks of single lines. One segment (512 KiB) is added up while the microphone waits."""
GROUP_S = 1.0
"""Seconds between two writes of lines that nobody waits for."""
EXPOSURE_S = 50.0
"""Seconds between two exposure lines: with the group's second, well within the promised minute."""
RETRY_S = 5.0
"""Seconds until a write that failed is tried again."""
STORM_LINES = 200
"""Near misses, gaps and mutes that get a line each, at once and then every hour."""
MOST_WAITING = 1000
"""Lines that wait in memory while the disk refuses; those beyond are counted."""
_PER_WRITE = 64
_STORMY = (NearMiss, Gap, Muted, Unmuted)


class Journal:
    """One place's journal, open for writing. Made by :meth:`open`.

    Parameters
    ----------
    place : Place
        Where it lives.
    clock : Clock
        The wall time of every line, and when a group is due.
    store : Store
        Its files.
    """

    def __init__(self, place: Place, clock: Clock, store: Store) -> None:
        self._place, self._clock, self._store = place, clock, store
        self._waiting: list[dict[str, object]] = []
        self._due = 0.0
        self._heard: tuple[tuple[str, ...], str] | None = None
        self._samples = self._at = 0
        self._filled = clock.now().boot
        self._exposure_due = self._filled + EXPOSURE_S
        self._tokens = float(STORM_LINES)
        self._uncounted: Counter[tuple[str, str]] = Counter()
        self._trouble = ""

    @classmethod
    def open(cls, place: Place, clock: Clock, max_bytes: int = MAX_BYTES) -> "Journal":
        """Verify a place's journal, all of it, and open it for writing.

        A torn tail of an unfinished write is moved aside and put on record. That the disk takes a line shows at the
        first durable one: a listener records its ``Started`` so before it listens.

        Parameters
        ----------
        place : Place
            Made if it is not there; the file has mode 0600.
        clock : Clock
            Where time comes from.
        max_bytes : int
            Bytes kept, in 16 segments; at least 524,288.

        Raises
        ------
        JournalError
            If the journal is damaged, foreign or of another schema; the message names the place and the way out.
        """
        return cls(place, clock, Store(place, max_bytes, _stamp(clock.now())))

    @property
    def trouble(self) -> str:
        """Why the last write failed, in words; empty if it did not."""
        return self._trouble

    def record(self, event: Event, durable: bool = False) -> None:
        """Put an event on record.

        Parameters
        ----------
        event : Event
            Of one of the kinds in :data:`wakegate.events.KINDS`.
        durable : bool
            Return only when the event, and everything recorded before it, is on disk. An intent to release needs it.

        Raises
        ------
        JournalError
            If the event holds anything but numbers, words and enums; with ``durable``, if it cannot be put on disk:
            it is not on record then, and nothing may be released for it.
        """
        line = body(event)
        moment = self._clock.now()
        if durable:
            self._write(moment, {**_stamp(moment), **line})
        elif isinstance(event, _STORMY) and not self._affordable(moment):
            self._uncounted[event.kind, _what(event)] += 1
        else:
            self._wait(moment, line, event.kind)

    def listened(self, samples: int, words: tuple[str, ...], model_sha256: str, at: int) -> None:
        """Add samples that the detector heard with the gate closed: the hours behind every rate.

        Parameters
        ----------
        samples : int
            How many, at 16 kHz.
        words : tuple of str
            The words listened for.
        model_sha256 : str
            The model that listened.
        at : int
            Index after the last of them.
        """
        if self._heard is None or self._heard[0] != words or self._heard[1] != model_sha256:
            self._expose(self._clock.now())
            self._heard = words, model_sha256
        self._samples += samples
        self._at = at

    def tick(self) -> None:
        """Write the waiting lines if they are due. For every block: it costs a look at the clock."""
        if not self._waiting and not self._samples and not self._uncounted:
            return
        boot = self._clock.boot()
        # While the disk refuses, the samples add up here instead of waiting as ever more lines.
        if boot >= self._exposure_due and not (self._trouble and self._waiting):
            self._expose(self._clock.now())
        if self._waiting and boot >= self._due:
            try:
                self._write(self._clock.now())
            except JournalError:
                self._due = boot + RETRY_S

    def close(self) -> None:
        """Write everything that waits, on disk.

        Raises
        ------
        JournalError
            If that fails; what waits still waits.
        """
        moment = self._clock.now()
        self._expose(moment)
        if self._waiting:
            self._write(moment, durable=True)

    def label(self, event_id: str, verdict: Verdict, cause: Cause | None = None) -> None:
        """Put a person's verdict on a wake on record. The last one of a wake counts; no audio comes back by it.

        Raises
        ------
        JournalError
            If no such wake is on record, a true wake is given a cause, or the line cannot be put on disk.
        """
        self._store.catch_up()
        if event_id not in self._store.index.wakes:
            raise JournalError(
                f"no wake {event_id!r} is on record: `wakegate journal tail` shows the ids (single wakes are forgotten "
                "when the journal has grown past its size)"
            )
        verdict, cause = Verdict(verdict), None if cause is None else Cause(cause)
        if cause is not None and verdict is Verdict.TRUE:
            raise JournalError(f"a true wake has no cause, got {cause.value!r}: give a cause to a false accept only")
        self._write_note(Label(id=event_id, verdict=verdict, cause=cause))

    def record_ledger(self, seq: int, hash: str) -> None:
        """Put number and hash of a ledger entry on record, durably: the witness against an old ledger put back.

        Raises
        ------
        JournalError
            If that cannot be put on disk.
        """
        self._write_note(LedgerEntry(entry=seq, entry_hash=hash))

    def ledger_head(self) -> tuple[int, str] | None:
        """Return number and hash of the newest ledger entry on record, by whichever process; None if there is none.

        Raises
        ------
        JournalError
            If the journal cannot be trusted: nobody knows the head then, so nothing may be permitted.
        """
        self._store.catch_up()
        return self._store.index.ledger

    def clips_since(self, purpose: Purpose, wall: float) -> tuple[int, float]:
        """Return how many releases of a purpose were begun at or after a wall time, and their seconds.

        An intent without an end counts at its full length. Known for the last 25 hours, across rotation and restarts;
        for a day after a broken journal was mended the answer is more than any cap.

        Raises
        ------
        JournalError
            If the journal cannot be trusted: take the cap as reached.
        """
        self._store.catch_up()
        return self._store.index.clips.since(purpose, wall)

    def entries(self) -> Iterator[Entry]:
        """Verify and yield every line on disk, as :func:`wakegate.journal.read` does."""
        return read(self._place)

    def verify(self) -> Verification:
        """Verify every line on disk, as :func:`wakegate.journal.verify` does."""
        return verify(self._place)

    def _write_note(self, note: Note) -> None:
        moment = self._clock.now()
        self._write(moment, {**_stamp(moment), **body(note)})

    def _wait(self, moment: Moment, line: dict[str, object], kind: str) -> None:
        if len(self._waiting) >= MOST_WAITING:
            self._uncounted[kind, ""] += 1
            return
        if not self._waiting:
            self._due = moment.boot + GROUP_S
        self._waiting.append({**_stamp(moment), **line})

    def _affordable(self, moment: Moment) -> bool:
        """Take one of the lines that a storm may have (a bucket that fills over an hour)."""
        gained = (moment.boot - self._filled) * STORM_LINES / 3600
        self._tokens, self._filled = min(float(STORM_LINES), self._tokens + gained), moment.boot
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def _expose(self, moment: Moment) -> None:
        """Let the samples heard, and what was only counted, wait for the next write."""
        self._exposure_due = moment.boot + EXPOSURE_S
        if self._samples and self._heard:
            words, model = self._heard
            said = Exposure(at=self._at, samples=self._samples, words=words, model_sha256=model)
            self._samples = 0
            self._wait(moment, body(said), said.kind)
        counted, self._uncounted = self._uncounted, Counter()
        for (kind, what), count in counted.items():
            self._wait(moment, body(Coalesced(of=kind, what=what, count=count)), "coalesced")

    def _write(self, moment: Moment, last: dict[str, object] | None = None, durable: bool = False) -> None:
        """Write what waits, and ``last`` durably behind it. What is not written goes on waiting, ``last`` does not."""
        stamp, durable = _stamp(moment), durable or last is not None
        try:
            while group := self._waiting[:_PER_WRITE]:
                whole = len(group) == len(self._waiting)
                bodies = [*group, last] if whole and last else group
                self._store.append(bodies, stamp, (durable and whole) or _exposed(group))
                del self._waiting[: len(group)]
                last = None if whole else last
            if last:
                self._store.append([last], stamp, durable=True)
        except JournalError as error:
            self._trouble = str(error)
            raise
        self._trouble = ""


def _stamp(moment: Moment) -> dict[str, object]:
    return {"wall": round(moment.wall, 3), "trusted": moment.trusted, "boot": moment.boot_id}


def _what(event: NearMiss | Gap | Muted | Unmuted) -> str:
    return event.word if isinstance(event, NearMiss) else str(event.reason if isinstance(event, Gap) else event.by)


def _exposed(group: list[dict[str, object]]) -> bool:
    """Whether a group holds an exposure line: once a minute what was grouped is put on disk for good."""
    return any(line["kind"] == "exposure" for line in group)
