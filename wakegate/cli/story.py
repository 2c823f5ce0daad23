"""An event as it happens, in one line for people or one JSON line for programs."""

import sys
from typing import TextIO

from ..events import SAMPLE_RATE, Event
from ..journal.explain import expected, explain
from ..journal.lines import Entry
from . import journald
from .terminal import plain, put


def sentence(event: Event) -> str:
    """Return what happened, in words."""
    return explain(_entry(event))


def tell(event: Event, *, as_json: bool, out: TextIO = sys.stdout) -> None:
    """Print an event at once; for people without the refusals that they expect (the journal has them)."""
    if not as_json and expected(_entry(event)):
        return
    told = f"{event.at / SAMPLE_RATE:9.2f} s  {plain(sentence(event))}"
    line = event.to_json() if as_json else journald.lines(told, journald.priority(event.kind), out)
    put(line, out)


def _entry(event: Event) -> Entry:
    return Entry(0, "", 0.0, False, "", event.kind, event.to_dict())
