"""Admission: the questions before sound leaves.

Owns whether a purpose may open now, and whether it may go on: consent, caps, and whether somebody is there to take it.
Every doubt is a No (invariant 2). Never releases anything, and never remembers an answer.
"""

from collections import deque
from dataclasses import dataclass

from ..consent.clock import Clock
from ..consent.grant import Grant
from ..consent.ledger import Ledger
from ..consent.purposes import DAY_S, RULES
from ..errors import ChainError
from ..events import SAMPLE_RATE, Purpose, Reason
from ..journal.journal import Journal
from .limits import Limits
from .sinks import Sink

_MINUTE = 60 * SAMPLE_RATE


@dataclass(frozen=True, slots=True)
class No:
    """Why something may not leave, in the words of an event."""

    reason: Reason
    detail: str = ""


class Admission:
    """Asks for one purpose at a time.

    Parameters
    ----------
    ledger, journal, clock
        Consent; what left already; what day it is.
    sink : Sink or None
        Who takes live sound.
    limits : Limits
        Openings a minute and a day.
    """

    def __init__(self, ledger: Ledger, journal: Journal, clock: Clock, sink: Sink | None, limits: Limits) -> None:
        self._ledger = ledger
        self._journal = journal
        self._clock = clock
        self._sink = sink
        self._limits = limits
        self._openings: deque[int] = deque(maxlen=limits.openings_a_minute)

    def opened(self, at: int) -> None:
        """Count an opening."""
        self._openings.append(at)

    def ask(self, purpose: Purpose, at: int) -> Grant | No:
        """Return the grant under which ``purpose`` may open at sample ``at``, or why not."""
        answer = self._ledger.decide(purpose)  # invariants 1, 2, 11
        if not isinstance(answer, Grant):
            return No(answer.reason, answer.detail)
        if len(self._openings) == self._limits.openings_a_minute and at - self._openings[0] < _MINUTE:
            return No(Reason.CAP_REACHED, f"{len(self._openings)} openings in the last minute: wait for a minute")
        try:
            return self._capped(purpose) or self._nobody(purpose) or answer
        except (ChainError, OSError) as error:
            return No(Reason.JOURNAL_UNWRITABLE, str(error))

    def withdrawn(self, grant: Grant) -> No | None:
        """Return why what began under ``grant`` may not go on, or None. Binding inside ``ledger.releasing()``."""
        answer = self._ledger.decide(grant.purpose)
        if not isinstance(answer, Grant):
            return No(answer.reason, answer.detail)
        if answer.id != grant.id:
            return No(Reason.REVOKED, "another grant has taken the place of the one this began under")
        return None

    def may_train(self) -> bool:
        """Return whether clips sealed now may say that models may be trained on them (invariant 11)."""
        return isinstance(self._ledger.decide(Purpose.IMPROVE), Grant)

    def _capped(self, purpose: Purpose) -> No | None:
        """Ask the day's caps (invariant 7). Opening counts at full length: a crash gives no clip too many."""
        rule = RULES[purpose]
        count, seconds = self._journal.clips_since(purpose, self._clock.now().wall - DAY_S)
        most = rule.clips_a_day or self._limits.openings_a_day
        if count + 1 > most or (rule.clip_s and seconds + rule.clip_s > rule.seconds_a_day):
            return No(Reason.CAP_REACHED, f"{count} in the last 24 hours ({seconds:.0f} s): more only later")
        return None

    def _nobody(self, purpose: Purpose) -> No | None:
        if purpose is not Purpose.ASSIST or (self._sink is not None and self._sink.ready()):
            return None
        unnamed = "nothing says where to send it: give `wakegate listen --assist unix:PATH`, or assist= in Python"
        return No(Reason.NOWHERE_TO_GO, unnamed if self._sink is None else "no assistant is connected")
