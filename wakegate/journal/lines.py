"""What one line of the journal may say: the events, and the few notes that only the journal itself writes.

Owns the check that keeps audio out: a value is a word, a number, an enum or a tuple of short words, and nothing else
gets in. Never reads a file or a clock.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import ClassVar

from ..chain import Record
from ..errors import JournalError
from ..events import KINDS, SCHEMA, Cause, Event, Verdict

LONGEST_TEXT = 200
"""Characters of a value. Longer text is no name of anything; a ``detail`` or ``source``, for people, is cut instead."""
MOST_WORDS = 32
LONGEST_BODY = 3600
"""Bytes of one event: with its time and links it must fit a line of the chain."""

Plain = str | int | float | tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A person's verdict on a wake. The last one of a wake counts."""

    kind: ClassVar[str] = "label"
    id: str
    verdict: Verdict
    cause: Cause | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """Number and hash of an entry of the consent ledger: the witness against an old ledger put back."""

    kind: ClassVar[str] = "ledger"
    entry: int
    entry_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Coalesced:
    """``count`` events of one kind that came too fast to get a line each. ``what`` is their word or reason."""

    kind: ClassVar[str] = "coalesced"
    of: str
    what: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Mended:
    """Damage was moved aside so that writing could go on. ``aside`` is the file that holds it now."""

    kind: ClassVar[str] = "mended"
    aside: str
    detail: str
    torn: bool


Note = Label | LedgerEntry | Coalesced | Mended


@dataclass(frozen=True, slots=True)
class Entry:
    """One line as read back.

    Parameters
    ----------
    seq : int
        Its number in the chain.
    hash : str
        Its hash.
    wall : float
        Unix seconds when it was recorded, and ``trusted``: whether that clock was known to be right.
    boot : str
        Boot id of the machine then.
    kind : str
        One of :data:`wakegate.events.KINDS`, or label, ledger, coalesced, mended, carried.
    values : Mapping
        The event's own fields.
    """

    seq: int
    hash: str
    wall: float
    trusted: bool
    boot: str
    kind: str
    values: Mapping[str, object]

    @classmethod
    def of(cls, record: Record) -> "Entry":
        """Return the entry of a verified record.

        Raises
        ------
        JournalError
            If a whole and linked record does not say what every line of a journal says.
        """
        values = dict(record.values)
        wall, trusted, boot, kind = (values.pop(name, None) for name in ("wall", "trusted", "boot", "kind"))
        if not isinstance(wall, int | float) or not isinstance(boot, str) or not isinstance(kind, str):
            raise JournalError(
                f"line {record.seq} of the journal has no time, boot id or kind: another program wrote it"
            )
        return cls(record.seq, record.hash, float(wall), trusted is True, boot, kind, values)

    def text(self, name: str) -> str:
        """Return a field as text, empty if it is not there."""
        value = self.values.get(name)
        return value if isinstance(value, str) else ""

    def number(self, name: str) -> int:
        """Return a field as a whole number, 0 if it is not there."""
        value = self.values.get(name)
        return value if isinstance(value, int) else 0

    def words(self) -> tuple[str, ...]:
        """Return the words that an exposure or a start names."""
        value = self.values.get("words")
        return tuple(str(word) for word in value) if isinstance(value, list | tuple) else ()


def body(said: Event | Note) -> dict[str, object]:
    """Return the plain values of an event or note for the chain.

    Raises
    ------
    JournalError
        If it is of no known kind, or a field holds anything but a number, a short text, an enum or a tuple of words.
        The message names the field and the type, never the value.
    """
    if isinstance(said, Event) and KINDS.get(said.kind) is not type(said):
        raise JournalError(
            f"{type(said).__name__} is no kind of event that the journal knows: see wakegate.events.KINDS"
        )
    if not isinstance(said, Event | Note):
        raise JournalError(f"the journal records events, got {type(said).__name__}")
    values: dict[str, object] = {"schema": SCHEMA, "kind": said.kind}
    for field in fields(said):
        value = getattr(said, field.name)
        if value is not None:
            values[field.name] = _plain(f"{type(said).__name__}.{field.name}", value)
    if len(json.dumps(values)) > LONGEST_BODY:
        raise JournalError(f"{type(said).__name__} takes more than {LONGEST_BODY} bytes: fewer or shorter words fit")
    return values


def _plain(name: str, value: object) -> Plain:
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise JournalError(f"{name} is not a finite number")
        return round(float(value), 6)
    if isinstance(value, str):
        if name.endswith((".detail", ".source")):
            return value if len(value) <= LONGEST_TEXT else value[: LONGEST_TEXT - 1] + "…"
        if len(value) <= LONGEST_TEXT:
            return str(value)
        raise JournalError(f"{name} has {len(value)} characters, the journal keeps {LONGEST_TEXT} at most")
    if isinstance(value, tuple) and len(value) <= MOST_WORDS and all(isinstance(word, str) for word in value):
        return tuple(str(_plain(name, word)) for word in value)
    raise JournalError(f"{name} holds {type(value).__name__}: the journal keeps numbers, words and enums, nothing else")
