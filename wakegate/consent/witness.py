"""The witness: who else remembers where the ledger ended.

Owns the comparison of a ledger with that memory. What only a witness outside the device can see is ledger and journal
rolled back together.
"""

from collections.abc import Sequence
from typing import Protocol

from ..chain import Record

Head = tuple[int, str]
"""Number and hash of a ledger's last entry; number 0 where there is none."""


class Witness(Protocol):
    """Who else remembers the ledger's head: the journal.

    It must keep the head through its own rotation, and answer with the one recorded last, by whichever process.
    """

    def record_ledger(self, seq: int, hash: str) -> None:
        """Put a ledger entry's number and hash on disk; return only then."""
        ...

    def ledger_head(self) -> Head | None:
        """Return the number and hash recorded last, None if there never was one."""
        ...


def rolled_back(records: Sequence[Record], seen: Head, ahead: int | None) -> str:
    """Say how a ledger contradicts the head that was seen before, "" if it does not.

    Parameters
    ----------
    records : sequence of Record
        The ledger, verified.
    seen : Head
        What was remembered.
    ahead : int or None
        How many entries it may be ahead of that; None is any number.
    """
    number, digest = seen
    if number and not any((record.seq, record.hash) == seen for record in records):
        end = records[-1].seq if records else 0
        return f"it ends at entry {end} and does not hold entry {number} ({digest[:8]}), which was on record"
    more = sum(record.seq > number for record in records)
    if ahead is not None and more > ahead:
        return f"it holds {more} entries that the journal never saw; a crash explains {ahead}"
    return ""
