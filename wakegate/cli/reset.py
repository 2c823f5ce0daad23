"""``wakegate reset``: the factory reset.

Owns the order: a typed yes, revoke everything (so that running programs stop and the outbox is emptied), then remove
ledger, journal and all that was kept beside them. The release lock stays: a running program may hold it. A person's
mute stays too: that yes was to another question, and a device that was handed on must not listen for it.
"""

import argparse
from pathlib import Path
from typing import Any

from ..chain.file import sync_folder
from ..consent.clock import Clock, SystemClock
from ..consent.outbox import empty
from ..errors import LedgerError
from ..events import Purpose
from ..mute import kept
from ..place import Place
from .person import ask, open_ledger
from .terminal import say

_NOTICE = """\
This removes from {place}:
  - every grant (all purposes are revoked first, so running programs stop at once)
  - every sealed recording that still waits there
  - the consent ledger and its history
  - the journal: every wake, label and count, and with it the record behind your rates

Models, configuration and what already left this device are not touched. \
A mute stays until `wakegate mute off`. It cannot be undone.
If you want to keep the journal's numbers, export it first: wakegate journal export
Restart `wakegate listen` afterwards if it runs."""


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "reset",
        help="factory reset: revoke everything, remove ledger, journal and waiting recordings",
        description="Factory reset: revokes every purpose, empties the outbox, removes the ledger and the journal. "
        "Wants a typed yes on the terminal.",
        epilog="example: wakegate reset",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, clock: Clock | None = None) -> int:
    """Ask, then reset this user's place."""
    place = Place.fixed()
    if not place.path.exists():
        say(f"There is nothing to reset: {place.path} does not exist.")
        return 0
    if not ask(_NOTICE.format(place=place.path), "Type yes to reset this device, anything else to leave it: "):
        say("Nothing was changed.")
        return 0
    problems = reset(place, clock or SystemClock())
    if problems:
        raise LedgerError(f"the reset is not complete: {'; '.join(problems)}")
    print("This device is reset: nobody has opted in to anything, and no record is kept.")
    if kept(place):
        print("It stays muted until `wakegate mute off`.")
    return 0


def reset(place: Place, clock: Clock) -> list[str]:
    """Revoke everything in a place and remove its records; return what is left to do, in words."""
    ledger = open_ledger(clock, place)
    for purpose in Purpose:
        try:
            ledger.revoke(purpose)
        except LedgerError as error:
            # The files go in a moment; what counts is whether that works.
            say(f"wakegate: {error}")
    problems = [problem for purpose in Purpose for problem in empty(place.outbox(purpose))]
    for path in sorted(place.path.iterdir()):
        if path.name.startswith(("ledger.", "journal.")):
            problems += _remove(path)
    try:
        sync_folder(place.path)
    except OSError as error:
        problems.append(f"{place.path} could not be put on disk ({error.strerror}): check the disk")
    return problems


def _remove(path: Path) -> list[str]:
    try:
        path.unlink()
    except OSError as error:
        return [f"{path} could not be removed ({error.strerror}): remove it yourself"]
    return []
