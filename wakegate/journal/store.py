"""The journal's files: appending in order, taking up what others wrote, rotating without forgetting what matters.

Owns the chain and the index over it. Keeps at most ``max_bytes`` in 16 segments. When the oldest goes, its totals
(wakes, labels, near misses, hours, releases, refusals), the releases of the last 25 hours and the ledger's head are
first written into the newest, so the daily caps, the rates and the witness outlive it. Lost are its single lines: a
wake in them can no longer be labelled or shown.

A torn tail that can be our own unfinished write, never acknowledged, is moved aside and put on record. Any other damage
is refused, for writing too: a line that nobody can read may have been a release that a cap must count, or the ledger
entry that shows a revocation, and a journal begun anew in silence would forget both. A person mends it
(:mod:`wakegate.journal.mend`), which then counts the caps as reached for a day.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from ..chain import Chain
from ..chain.record import MAX_LINE, decode
from ..errors import ChainError, ConfigError, JournalError, TornError
from ..events import SCHEMA
from ..place import Place
from .index import Index
from .lines import Entry, Mended, body
from .tally import Tally

SEGMENTS = 16
SMALLEST = SEGMENTS * 32 * 1024
"""Fewest bytes to keep: a segment must hold its own carried lines many times over."""
_ROOM = 4 * MAX_LINE
_FRAME = 400
"""Bytes that time, links and hash add to an event, at most."""

Stamp = Mapping[str, object]
"""Wall time, its trust and the boot id, as every line begins."""


def chain_of(place: Place, max_bytes: int) -> Chain:
    """Return the chain of a place's journal."""
    return Chain(
        place.journal,
        name="wakegate-journal",
        schema=SCHEMA,
        test=place.test,
        max_bytes=max_bytes // SEGMENTS,
        keep=SEGMENTS - 1,
    )


@contextmanager
def told() -> Iterator[None]:
    """Turn the chain's errors into the journal's, and say how to go on."""
    try:
        yield
    except JournalError:
        raise
    except ChainError as error:
        raise JournalError(f"{error}. Nothing is released until the journal can be trusted and written") from error


class Store:
    """The verified files of one journal, open for appending.

    Parameters
    ----------
    place : Place
        Where the journal lives; made if it is not there.
    max_bytes : int
        Bytes kept on disk.
    stamp : mapping
        Time of the opening, for the record of a torn tail.

    Raises
    ------
    JournalError
        If the journal is damaged, foreign, or the place cannot be used.
    """

    def __init__(self, place: Place, max_bytes: int, stamp: Stamp) -> None:
        if max_bytes < SMALLEST:
            raise JournalError(f"a journal needs at least {SMALLEST} bytes, got {max_bytes}")
        try:
            place.prepare()
        except ConfigError as error:
            raise JournalError(str(error)) from error
        self._chain = chain_of(place, max_bytes)
        self._segment = max_bytes // SEGMENTS
        self.index = Index()
        self._stale = True
        with told(), self._chain.locked():
            try:
                self._read_all()
            except TornError:
                self._set_aside(stamp)
                self._read_all()

    @property
    def head(self) -> tuple[int, str]:
        """Number and hash of the last line."""
        return self._chain.head

    def catch_up(self) -> None:
        """Take up what other processes appended; one ``stat`` where they did not.

        Raises
        ------
        JournalError
            If what they left cannot be trusted.
        """
        if self._stale or self._chain.changed():
            with told(), self._chain.locked():
                self._take_up()

    def append(self, bodies: Sequence[Mapping[str, object]], stamp: Stamp, durable: bool) -> None:
        """Write lines, all or none of them; with ``durable`` return only when they are on disk.

        Raises
        ------
        JournalError
            If they cannot be written. The files are verified anew before the next try.
        """
        with told(), self._chain.locked():
            try:
                self._take_up()
            except TornError:
                self._set_aside(stamp)
                self._take_up()
            self._make_room(bodies, stamp)
            self._add(bodies, durable)

    def _read_all(self) -> None:
        index = Index()
        for record in self._chain.entries():
            index.add(Entry.of(record))
        for record in self._chain.refresh():
            index.add(Entry.of(record))
        if index.seq < self.index.seq and not index.clips.blind:
            # Removed, cut or put back under us, and nobody mended it: its caps and its witness would be forgotten.
            self._chain.forget()
            raise JournalError(
                f"{self._chain.path} lost lines that were on record while it was in use: look who did that, then start "
                "this program anew. Nothing is released until then"
            )
        self.index, self._stale = index, False

    def _take_up(self) -> None:
        if self._stale:
            self._read_all()
            return
        self._stale = True
        for record in self._chain.refresh():
            if 0 < self.index.seq < record.seq - 2:
                # After a failed write the chain looks at the current file alone, and others may have rotated since. (A
                # header stands between two segments.)
                self._read_all()
                return
            self.index.add(Entry.of(record))
        self._stale = False

    def _add(self, bodies: Sequence[Mapping[str, object]], durable: bool) -> None:
        for record in self._chain.append(bodies, durable):
            self.index.add(Entry.of(record))

    def _set_aside(self, stamp: Stamp) -> None:
        """Move a torn tail aside if it can be our own unfinished write, and put that on record."""
        path, trouble = self._chain.path, ""
        try:
            self._chain.load()
            trouble = f"an older part of {path} is damaged"
        except TornError:
            if _last_byte(path) == b"\n":  # our unfinished write would lack its end
                trouble = f"the last line of {path} was changed after it was written"
        aside = None if trouble else self._chain.mend()
        if aside is None:
            raise JournalError(
                f"{trouble}: see `wakegate journal verify`, then let `wakegate journal mend` set it aside"
            )
        note = Mended(aside=aside.name, detail="torn tail: a write that was never acknowledged", torn=True)
        self._add([{**stamp, **body(note)}], durable=True)

    def _make_room(self, bodies: Sequence[Mapping[str, object]], stamp: Stamp) -> None:
        """Rotate before the chain would, so that what the oldest segment knew is written down before it goes."""
        size = sum(len(json.dumps(one)) + _FRAME for one in bodies)
        if not self._chain.path.exists() or self._chain.path.stat().st_size + size + _ROOM <= self._segment:
            return
        files = self._chain.files
        if len(files) >= SEGMENTS:
            through = _first_seq(files[1 - SEGMENTS]) - 1
            carried = {**self._fold(through), "through": through}
            lines = [carried, self.index.clips.carried(through)]
            if self.index.ledger:
                number, digest = self.index.ledger
                lines.append({"kind": "ledger", "entry": number, "entry_hash": digest})
            self._add([{**stamp, **line} for line in lines], durable=True)
        self._chain.rotate()

    def _fold(self, through: int) -> dict[str, object]:
        """Add up the lines up to ``through``, with what was said of their wakes later."""
        tally = Tally()
        if self.index.carried:
            tally.add(self.index.carried)
        for record in self._chain.entries():
            if record.seq > through:
                break
            if record.seq > self.index.through:
                entry = Entry.of(record)
                if entry.kind not in ("carried", "label", "suspected"):
                    tally.add(entry)
        for wake, mark in self.index.marks.items():
            tally.judge(wake, mark)
        return tally.carried()


def _first_seq(path: Path) -> int:
    """Return the number of a file's first line, verified before."""
    with path.open("rb") as lines:
        record = decode(lines.readline(MAX_LINE + 1))
    if record is None:
        raise JournalError(f"{path} was changed while it was in use: see `wakegate journal verify`")
    return record.seq


def _last_byte(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - 1))
        return file.read(1)
