"""Putting events on record, from inside the gate.

Owns what a journal that fails means: a step that only tells what happened goes on without its line; a step that
releases something does not happen (invariant 6).
"""

import logging
from typing import TypeVar

from ..errors import ChainError
from ..events import Event
from ..journal.journal import Journal

_log = logging.getLogger(__name__)

E = TypeVar("E", bound=Event)


def note(journal: Journal, event: E) -> E:
    """Record that something happened; never stops what makes the gate safer."""
    try:
        journal.record(event)
    except (ChainError, OSError) as error:
        _log.warning("the journal misses a line (%s): %s", event.kind, error)
    return event


def promise(journal: Journal, *intents: Event) -> str:
    """Record intents durably, with one wait for the disk; return "" or why it could not be done.

    Anything but an empty string means that nothing may leave.
    """
    try:
        for place, intent in enumerate(intents, 1):
            journal.record(intent, durable=place == len(intents))
    except (ChainError, OSError) as error:
        return str(error) or type(error).__name__
    return ""
