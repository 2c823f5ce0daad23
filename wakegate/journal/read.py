"""Reading the journal: verified entries for reports, and the word whether all of it can be trusted.

Changes nothing, so it works beside a listener. Must never skip a damaged line: what stands before it is given, then
the damage is an error.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ..errors import ChainError, JournalError
from ..place import Place
from .lines import Entry
from .store import SMALLEST, chain_of, told


@dataclass(frozen=True, slots=True)
class Verification:
    """A journal that holds together.

    Parameters
    ----------
    lines, files : int
        How many lines were checked, in how many files (headers not counted).
    seq, hash : int, str
        Number and hash of the last line; 0 and zeros for an empty journal.
    """

    lines: int
    files: int
    seq: int
    hash: str


def verify(place: Place) -> Verification:
    """Verify every line of a place's journal.

    Raises
    ------
    JournalError
        At the first damage; the message names the file and the place in it.
    """
    lines, seq, digest = 0, 0, "0" * 64
    chain = chain_of(place, SMALLEST)
    if not chain.files:
        return Verification(0, 0, seq, digest)
    files = len(chain.files)
    try:
        for record in chain.entries():
            lines, seq, digest = lines + 1, Entry.of(record).seq, record.hash
    except ChainError as error:
        raise JournalError(f"{error} (the {lines} lines before it are whole, up to number {seq})") from error
    return Verification(lines, files, seq, digest)


def read(place: Place) -> Iterator[Entry]:
    """Yield the entries of a place's journal, oldest first: the carried totals, then every line they do not cover.

    Raises
    ------
    JournalError
        At the first damage, after everything before it was yielded.
    """
    chain = chain_of(place, SMALLEST)
    if not chain.files:
        return
    newest = _carried(place)
    if newest:
        yield newest
    through = newest.number("through") if newest else 0
    with told():
        for record in chain.entries():
            entry = Entry.of(record)
            if entry.seq > through and entry.kind != "carried":
                yield entry


def follow(place: Place, after: int, pause: Callable[[], None]) -> Iterator[Entry]:
    """Yield the entries behind number ``after`` as they are written, for ever; ``pause`` waits between two looks.

    Raises
    ------
    JournalError
        At the first damage.
    """
    chain = chain_of(place, SMALLEST)
    with told():
        while True:
            for record in chain.refresh() if chain.changed() else ():
                if record.seq > after:
                    yield Entry.of(record)
            pause()


def _carried(place: Place) -> Entry | None:
    """Return the newest carried line before any damage."""
    newest = None
    try:
        with told():
            for record in chain_of(place, SMALLEST).entries():
                if record.values.get("kind") == "carried":
                    newest = Entry.of(record)
    except JournalError:
        pass  # told by whoever reads on to it
    return newest
