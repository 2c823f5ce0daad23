"""One line of a chain: how a record becomes bytes and how bytes prove to be a record.

Owns the line's form: ``{"seq":7,"prev":"<hash of line 6>",...,"hash":"<sha256>"}`` in ASCII with one newline, where the
hash is taken over the line itself without its ``,"hash":"..."`` member, so every bit of it counts. Must never accept a
line whose hash does not match, nor parse one before that.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import ChainError

MAX_LINE = 4096
"""Longest line in bytes, newline included."""
GENESIS = "0" * 64
"""What the very first line links to."""

_HASH = re.compile(rb',"hash":"([0-9a-f]{64})"\}\n\Z')
_RESERVED = frozenset({"seq", "prev", "hash"})


@dataclass(frozen=True, slots=True)
class Record:
    """One verified line.

    Parameters
    ----------
    seq : int
        Its number, 1 for the very first line (a header).
    prev, hash : str
        Hash of the line before, and its own (64 hex digits).
    values : Mapping
        What was appended, without ``seq``, ``prev`` and ``hash``.
    """

    seq: int
    prev: str
    hash: str
    values: Mapping[str, object]


def encode(seq: int, prev: str, values: Mapping[str, object]) -> tuple[bytes, Record]:
    """Return the line of a record and the record.

    Raises
    ------
    ChainError
        If the values use a reserved name, are no JSON, or make a line longer than ``MAX_LINE``.
    """
    if not _RESERVED.isdisjoint(values):
        raise ChainError(f"a record may not carry {sorted(_RESERVED & values.keys())}: the chain writes these itself")
    try:
        text = json.dumps({"seq": seq, "prev": prev, **values}, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ChainError(f"a record must be plain JSON values: {error}") from error
    body = text.encode("ascii")
    digest = hashlib.sha256(body).hexdigest()
    line = body[:-1] + b',"hash":"' + digest.encode("ascii") + b'"}\n'
    if len(line) > MAX_LINE:
        raise ChainError(f"a record takes {len(line)} bytes, {MAX_LINE} is the most: shorten its text")
    return line, Record(seq, prev, digest, dict(values))


def decode(line: bytes) -> Record | None:
    """Return the record of a whole line, or None if it is not one."""
    found = _HASH.search(line)
    if found is None or len(line) > MAX_LINE:
        return None
    body = line[: found.start()] + b"}"
    digest = hashlib.sha256(body).hexdigest()
    if digest.encode("ascii") != found[1]:
        return None
    try:
        values = json.loads(body)
        seq, prev = values.pop("seq"), values.pop("prev")
    except (ValueError, KeyError, AttributeError, RecursionError):
        return None
    return Record(seq, prev, digest, values) if type(seq) is int and type(prev) is str else None
