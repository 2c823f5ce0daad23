"""Lines for systemd's journal: each with its priority in front, where what we write to is the journal.

Owns the priorities of syslog(3) and the question whether somebody reads them. A terminal, a file and a pipe get plain
lines; so do JSON Lines everywhere.
"""

import logging
import os
import sys
from enum import IntEnum
from typing import TextIO


class Priority(IntEnum):
    """How urgent a line is."""

    ERROR = 3
    WARNING = 4
    NOTICE = 5
    INFO = 6
    DEBUG = 7


_KINDS = {
    "gap": Priority.WARNING,
    "aborted": Priority.WARNING,
    "started": Priority.NOTICE,
    "stopped": Priority.NOTICE,
    "muted": Priority.NOTICE,
    "unmuted": Priority.NOTICE,
    "near_miss": Priority.DEBUG,
    "wiped": Priority.DEBUG,
}


def priority(kind: str) -> Priority:
    """Return how urgent an event's line is."""
    return _KINDS.get(kind, Priority.INFO)


def lines(text: str, urgent: Priority, stream: TextIO) -> str:
    """Return a text as it is written to a stream: with the priority before each line in the journal, else as it is."""
    if not _is_journal(stream):
        return text
    return "\n".join(f"<{urgent.value}>{line}" for line in text.split("\n"))


def log() -> None:
    """Let the package's log go to the journal with priorities, where stderr is the journal."""
    logger = logging.getLogger("wakegate")
    if _is_journal(sys.stderr) and not logger.handlers:
        handler = _ToStderr(sys.stderr)
        handler.setFormatter(_Prefixed())
        logger.addHandler(handler)
        logger.propagate = False


class _ToStderr(logging.StreamHandler[TextIO]):
    """Writes to what stderr is by then: another stream while something listens, and not for longer."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        self.stream = sys.stderr
        super().emit(record)


class _Prefixed(logging.Formatter):
    """A message with its priority."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the message, a line each."""
        urgent = Priority.ERROR if record.levelno >= logging.ERROR else Priority.WARNING
        return lines(f"wakegate: {super().format(record)}", urgent, sys.stderr)


def _is_journal(stream: TextIO) -> bool:
    """Whether a stream is the journal, as systemd.exec(5) says that one finds out."""
    told = os.environ.get("JOURNAL_STREAM", "")
    try:
        about = os.fstat(stream.fileno())
    except (OSError, ValueError, AttributeError):
        return False
    return told == f"{about.st_dev}:{about.st_ino}"
