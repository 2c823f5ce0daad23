"""The person at the terminal: asking for a typed yes, and opening what it is about.

Owns ``/dev/tty``. Must never read an answer from anywhere else, and anything but ``yes`` is a no.
"""

import os
import termios

from ..consent.clock import Clock
from ..consent.ledger import Ledger
from ..consent.witness import Witness
from ..errors import ConfigError, JournalError
from ..place import Place
from .terminal import plain, wrapped


def ask(shown: str, question: str) -> bool:
    """Show a text and a question on the terminal itself; whether the person typed ``yes`` and Enter.

    Its lines are broken as the terminal is wide, and nothing else of it is changed.

    Raises
    ------
    ConfigError
        If there is no terminal: a script, a service or a pipe cannot answer for a person.
    """
    try:
        fd = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError as error:
        raise ConfigError(
            "there is no terminal, and only a person at one can answer: run this yourself in a shell on the device "
            "(over ssh: `ssh -t`)"
        ) from error
    with os.fdopen(fd, "r+b", buffering=0) as terminal:
        width = os.get_terminal_size(fd).columns or 80  # a serial line does not say
        terminal.write(f"\n{wrapped(plain(shown), width)}\n\n".encode())
        # What was typed before the question was shown answers nothing.
        termios.tcflush(fd, termios.TCIFLUSH)
        terminal.write(question.encode())
        answer = terminal.readline(64)
    return answer.strip() == b"yes"


def open_ledger(clock: Clock, place: Place | None = None) -> Ledger:
    """Open this user's ledger with the journal as its witness, making nothing where nothing is yet."""
    place = place or Place.fixed()
    return Ledger.open(place, clock, _JournalOnDemand(place, clock))


class _JournalOnDemand:
    """The journal as a witness, opened when it is first asked and not made before something must be written."""

    def __init__(self, place: Place, clock: Clock) -> None:
        self._place, self._clock = place, clock
        self._journal: Witness | None = None

    def record_ledger(self, seq: int, hash: str) -> None:
        """Put a ledger entry on record."""
        self._open().record_ledger(seq, hash)

    def ledger_head(self) -> tuple[int, str] | None:
        """Return the head on record, without making a journal."""
        folder = self._place.path
        if not folder.exists() or not any(name.name.startswith("journal.") for name in folder.iterdir()):
            return None
        return self._open().ledger_head()

    def _open(self) -> Witness:
        if self._journal is None:
            from ..journal.journal import Journal

            try:
                self._journal = Journal.open(self._place, self._clock)
            except ConfigError as error:
                raise JournalError(str(error)) from error
        return self._journal
