"""An event as it happens, in one line for people or one JSON line for programs."""

import json
from typing import TextIO

from ..events import SAMPLE_RATE, SCHEMA, Event
from . import journald
from .terminal import plain


def line(event: Event, out: TextIO, *, as_json: bool) -> str:
    """Return an event's line, for people or for programs."""
    if as_json:
        return event.to_json()
    told = f"{event.at / SAMPLE_RATE:9.2f} s  {plain(str(event))}"
    return journald.lines(told, journald.priority(event.kind), out)


def lost(count: int, out: TextIO, *, as_json: bool) -> str:
    """Return the line in place of so many that nobody read in time."""
    if as_json:
        return json.dumps({"schema": SCHEMA, "kind": "lost", "count": count})
    return journald.lines(f"{count} lines were left out: nobody read them in time", journald.Priority.WARNING, out)
