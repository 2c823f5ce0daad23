"""Chain: a durable, append-only, hash-chained JSON Lines file and its rotated segments.

Owns the order of things: lock, verify what others appended, write once, fsync. The first line of a file is a header
that names the chain, its schema and whether it belongs to a test place. A file that would grow past ``max_bytes`` is
renamed to ``name.000001.jsonl`` and the next one's header links to its last line.

Must never skip damage in silence, acknowledge a record that is not on disk, or retry after a failed write or fsync
(what was cached may be lost: the file is verified anew before it is used again).

A hash chain does not see a cut at a line's end: that takes a witness (:mod:`wakegate.consent.ledger`).
"""

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..errors import BrokenError, ChainError, ForeignError, SchemaError, TornError
from .file import READ, append_once, cut, hold, number_file, open_own, signature_of, size_of, sync_folder, unused
from .record import Record, encode
from .scan import Header, Mark, scan, unread


@dataclass(slots=True, eq=False)
class Chain:
    """One hash-chained file and its rotated segments.

    Whatever reads or appends raises TornError, BrokenError, ForeignError or SchemaError where the file is damaged or
    not ours, and a plain ChainError where the disk or the folder refuses.

    Parameters
    ----------
    path : Path
        The current file. Its folder must exist before the first append.
    name : str
        What the header calls the chain ("wakegate-ledger").
    schema : int
        Version of what the records mean.
    test : bool
        Whether the header carries the test mark; a file with the other mark is foreign.
    max_bytes : int, optional
        Rotate before the current file would grow past this. None: never.
    keep : int, optional
        How many rotated segments stay; older ones are removed. None: all.
    """

    path: Path
    name: str
    schema: int
    test: bool = False
    max_bytes: int | None = None
    keep: int | None = None
    _mark: Mark = field(default=Mark(), init=False)
    _signature: tuple[int, ...] | None = field(default=None, init=False)
    _thread: threading.RLock = field(default_factory=threading.RLock, init=False)
    _depth: int = field(default=0, init=False)

    @property
    def _header(self) -> Header:
        return Header(self.name, self.schema, self.test)

    @property
    def head(self) -> tuple[int, str]:
        """Number and hash of the last line verified so far; ``(0, GENESIS)`` if there is none."""
        return max(0, self._mark.seq), self._mark.hash

    @property
    def segments(self) -> tuple[Path, ...]:
        """The rotated files, oldest first."""
        return tuple(
            sorted(self.path.parent.glob(f"{self.path.stem}.[0-9][0-9][0-9][0-9][0-9][0-9]{self.path.suffix}"))
        )

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file of the chain, oldest first, the current one last if it is there."""
        return (*self.segments, self.path) if os.path.lexists(self.path) else self.segments

    def changed(self) -> bool:
        """Whether the current file may differ from what was verified last (one ``stat``, a few microseconds)."""
        return self._signature is None or signature_of(self.path) != self._signature

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the chain: no other process or thread appends meanwhile. May be nested."""
        with self._thread:
            if self._depth:
                yield
                return
            lock = self.path.with_name(self.path.name + ".lock")
            try:
                fd = hold(lock, exclusive=True)
            except OSError as error:
                raise ChainError(f"{lock} cannot be locked ({error.strerror}): check its owner and the disk") from error
            try:
                self._depth = 1
                yield
            finally:
                self._depth = 0
                os.close(fd)

    def entries(self) -> Iterator[Record]:
        """Verify the whole chain from its oldest file on and yield its records, headers left out.

        At the first damage it raises, after everything before it was yielded.
        """
        if not self.files:
            return
        with ExitStack() as opened:
            # Opened under the lock: a later rotation renames files, but their bytes up to here never change.
            with self.locked():
                parts = []
                for path in self.files:
                    fd = open_own(path, READ)
                    opened.callback(os.close, fd)
                    parts.append((path, fd, os.fstat(fd).st_size))
            mark = Mark(seq=-1 if self.max_bytes else 0)
            for path, fd, size in parts:
                for record, after in scan(path, fd, mark, size, self._header):
                    mark = after
                    if "chain" not in record.values:
                        yield record
                mark = replace(mark, offset=0)

    def load(self) -> tuple[Record, ...]:
        """Verify the current file from its first line and return its records, header left out."""
        self.forget()
        return self.refresh()

    def refresh(self) -> tuple[Record, ...]:
        """Verify what was appended since the last look, by whichever process, and return it, headers left out.

        The first call, and the first after an error, starts at the current file's first line, not at older segments.
        """
        if self._signature is None and not self.files:
            return ()
        with self.locked():
            try:
                return tuple(record for record, _ in self._advance() if "chain" not in record.values)
            except ChainError:
                self.forget()
                raise

    def forget(self) -> None:
        """Trust nothing verified so far: the next look starts at the current file's first line."""
        self._mark, self._signature = Mark(), None

    def append(self, bodies: Sequence[Mapping[str, object]], durable: bool = True) -> tuple[Record, ...]:
        """Append records in one write and return them.

        Parameters
        ----------
        bodies : sequence of mappings
            Plain JSON values.
        durable : bool
            Return only after fsync. False leaves that to the next durable append or to :meth:`sync`.

        Raises
        ------
        TornError, BrokenError, ForeignError, SchemaError
            If the file was damaged before: nothing was appended. See :meth:`mend`.
        ChainError
            If the disk is full or fails. Whatever was acknowledged before still stands; this was not appended, or,
            where even the cut back failed, stands as a torn tail.
        """
        if not bodies:
            return ()
        with self.locked():
            self.refresh()
            lines, records = self._encoded(bodies)
            size = size_of(self.path)
            if self.max_bytes and size and size + len(lines) > self.max_bytes:
                self._rotate()
                lines, records = self._encoded(bodies)
            try:
                info = append_once(self.path, lines, durable)
            except OSError as error:
                self.forget()
                raise ChainError(f"{self.path} cannot be written ({error.strerror}): free or check the disk") from error
            self._mark = Mark((info.st_dev, info.st_ino), info.st_size, records[-1].seq, records[-1].hash)
            self._signature = signature_of(self.path)
            return records[-len(bodies) :]

    def sync(self) -> None:
        """Put everything appended so far on disk.

        Raises
        ------
        ChainError
            If that fails; the file is verified anew before its next use.
        """
        if not os.path.lexists(self.path):
            return
        fd = open_own(self.path, READ)
        try:
            os.fsync(fd)
        except OSError as error:
            self.forget()
            raise ChainError(f"{self.path} cannot be put on disk ({error.strerror}): check the disk") from error
        finally:
            os.close(fd)

    def rotate(self) -> None:
        """Give the current file its number now; the next append begins a new one. Segments beyond ``keep`` go."""
        with self.locked():
            self.refresh()
            if size_of(self.path):
                self._rotate()

    def mend(self) -> Path | None:
        """Move damage aside so that appending can go on, and return where it is now (``name.damaged-N``).

        A torn tail is cut off and kept; a file that is broken, foreign or of another schema is moved as a whole.
        None if nothing was wrong. The caller puts on record that this happened.
        """
        with self.locked():
            whole = 0
            self.forget()
            try:
                for _, mark in self._advance():
                    whole = mark.offset
                return None
            except TornError:
                aside = unused(self.path)
            except (BrokenError, ForeignError, SchemaError):
                return self.set_aside()
            try:
                cut(self.path, whole, aside)
                sync_folder(self.path.parent)
            except OSError as error:
                raise ChainError(f"{self.path} cannot be mended ({error.strerror}): check the disk") from error
            finally:
                self.forget()
            return aside

    def set_aside(self) -> Path:
        """Rename the current file to ``name.damaged-N`` whatever it holds, and return that."""
        with self.locked():
            aside = unused(self.path)
            try:
                self.path.rename(aside)
                sync_folder(self.path.parent)
            except OSError as error:
                raise ChainError(f"{self.path} cannot be moved aside ({error.strerror}): check the disk") from error
            finally:
                self.forget()
            return aside

    def _advance(self) -> Iterator[tuple[Record, Mark]]:
        """Verify and yield what stands behind the mark, moving it along. Called with the lock held."""
        signature = signature_of(self.path)
        files, mark = unread(self.path, self.files, self._mark, rotates=self.max_bytes is not None)
        for path in files:
            fd = open_own(path, READ)
            try:
                for record, after in scan(path, fd, mark, os.fstat(fd).st_size, self._header):
                    self._mark = mark = after
                    yield record, mark
            finally:
                os.close(fd)
            mark = replace(mark, offset=0)
        self._signature = signature

    def _encoded(self, bodies: Sequence[Mapping[str, object]]) -> tuple[bytes, tuple[Record, ...]]:
        """Return the bytes to write, a header first where the file is new, and the records among them."""
        seq, prev = self.head
        lines, records = b"", []
        for values in bodies if size_of(self.path) else (self._header.values, *bodies):
            line, record = encode(seq + 1, prev, values)
            seq, prev = record.seq, record.hash
            lines += line
            records.append(record)
        return lines, tuple(records)

    def _rotate(self) -> None:
        self.sync()
        try:
            number_file(self.path, self.segments, self.keep)
        except OSError as error:
            self.forget()
            raise ChainError(f"{self.path} cannot be rotated ({error.strerror}): check the disk") from error
