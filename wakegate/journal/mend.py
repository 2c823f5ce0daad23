"""Setting a broken journal aside so that a new one can begin: a person's decision, never the program's.

Owns what is saved from a damaged journal: the totals of the lines that are whole, and the newest ledger entry among
them. What was released lately cannot be known any more, so every daily cap counts as reached for a day. The damaged
files are kept beside the new one.
"""

import contextlib
from pathlib import Path

from ..chain.file import sync_folder, unused
from ..chain.record import MAX_LINE, decode
from ..consent.clock import Clock
from ..errors import BrokenError, JournalError, TornError
from ..events import SCHEMA
from ..place import Place
from .index import Index
from .lines import Entry, Mended, body
from .store import SMALLEST, chain_of, told
from .tally import Tally


def mend(place: Place, clock: Clock) -> tuple[Path, ...]:
    """Move a damaged journal aside and begin a new one that says so.

    Returns
    -------
    tuple of Path
        Where the damaged files are now; empty if nothing was wrong.

    Raises
    ------
    JournalError
        If the files are not ours to move, or the disk does not allow it.
    """
    chain = chain_of(place, SMALLEST)
    with told(), chain.locked():
        try:
            for _ in chain.entries():
                pass
            return ()
        except (TornError, BrokenError) as error:
            detail = str(error)
        tally, ledger = _salvage(chain.files)
        moved = []
        try:
            for path in chain.files:
                aside = unused(place.journal)
                path.rename(aside)
                moved.append(aside)
            sync_folder(place.path)
        except OSError as error:
            raise JournalError(f"{place.journal} cannot be moved aside ({error.strerror}): check the disk") from error
        chain.forget()
        moment = clock.now()
        stamp = {"wall": round(moment.wall, 3), "trusted": moment.trusted, "boot": moment.boot_id}
        names = moved[0].name if len(moved) == 1 else f"{moved[0].name} to {moved[-1].name}"
        lines = [body(Mended(aside=names, detail=detail, torn=False)), {**tally.carried(), "through": 0}]
        if ledger:
            lines.append({"kind": "ledger", "schema": SCHEMA, "entry": ledger[0], "entry_hash": ledger[1]})
        chain.append([{**stamp, **line} for line in lines], durable=True)
        return tuple(moved)


def _salvage(files: tuple[Path, ...]) -> tuple[Tally, tuple[int, str] | None]:
    """Return totals and the newest ledger entry of the lines that are whole by themselves."""
    entries: list[Entry] = []
    for path in files:
        with path.open("rb") as lines:
            while line := lines.readline(MAX_LINE + 1):
                record = decode(line)
                # A line of another kind of file is no entry: leave it where it is kept.
                with contextlib.suppress(JournalError):
                    if record is not None and "chain" not in record.values:
                        entries.append(Entry.of(record))
    index, tally = Index(), Tally()
    for entry in entries:
        index.add(entry)
    if index.carried:
        tally.add(index.carried)
    for entry in entries:
        if entry.seq > index.through and entry.kind != "carried":
            tally.add(entry)
    return tally, index.ledger
