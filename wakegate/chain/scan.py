"""Reading a chain's file: every line verified against the one before.

Owns what makes a line follow another and what a header must say. Must never yield a record behind damage.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import BrokenError, ForeignError, SchemaError
from .file import damage, lines_of, signature_of, size_of
from .record import GENESIS, Record, decode


@dataclass(frozen=True, slots=True)
class Header:
    """What a file's first line says: the chain's name, its schema, and whether it belongs to a test place."""

    chain: str
    schema: int
    test: bool

    @property
    def values(self) -> dict[str, object]:
        """The header as a record's values."""
        return {"chain": self.chain, "schema": self.schema, "test": self.test}

    def check(self, path: Path, record: Record) -> None:
        """Refuse a first line that says something else."""
        values = record.values
        if (values.get("chain"), values.get("schema")) != (self.chain, self.schema):
            raise SchemaError(
                f"{path} is {values.get('chain')!r} schema {values.get('schema')!r}, this program reads "
                f"{self.chain!r} schema {self.schema}: use the wakegate that wrote it, or move it away"
            )
        if values.get("test") is not self.test:
            kind = "a test place" if values.get("test") else "a real place"
            raise ForeignError(f"{path} belongs to {kind}, this program runs in the other kind: move it away")


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a file is verified.

    Parameters
    ----------
    file : tuple of int or None
        Its identity (device, inode).
    offset : int
        Bytes up to and with the last good line.
    seq, hash : int, str
        That line's number and hash; number -1 where the next line may be any header.
    """

    file: tuple[int, int] | None = None
    offset: int = 0
    seq: int = 0
    hash: str = GENESIS


def scan(path: Path, fd: int, mark: Mark, size: int, header: Header) -> Iterator[tuple[Record, Mark]]:
    """Verify one file from the mark's offset up to ``size`` and yield each record with the mark after it.

    Raises
    ------
    TornError, BrokenError, ForeignError, SchemaError
        At the first line that is not whole or does not follow.
    """
    info, offset = os.fstat(fd), mark.offset
    for line in lines_of(fd, offset, size):
        record = decode(line)
        if record is None:
            raise damage(path, fd, offset, size)
        if offset == 0:
            header.check(path, record)
        if mark.seq >= 0 and (record.seq, record.prev) != (mark.seq + 1, mark.hash):
            raise BrokenError(
                f"{path}: line {record.seq} does not follow line {mark.seq}: lines were removed or changed"
            )
        offset += len(line)
        mark = Mark((info.st_dev, info.st_ino), offset, record.seq, record.hash)
        yield record, mark


def unread(path: Path, files: Sequence[Path], mark: Mark, rotates: bool) -> tuple[list[Path], Mark]:
    """Return the files still to be verified, oldest first, and the mark to begin at.

    Raises
    ------
    BrokenError
        If the file of the mark is gone or shorter than it was.
    """
    held = [one for one in files if size_of(one)]
    if mark.file is None:
        # Only a chain that rotates may begin in the middle of its numbers.
        return held[-1:], Mark(seq=-1 if rotates else 0)
    for place, one in enumerate(held):
        if signature_of(one)[:2] == mark.file and size_of(one) >= mark.offset:
            return held[place:], mark
    raise BrokenError(f"{path} was replaced, cut or removed while it was in use: look who did that")
