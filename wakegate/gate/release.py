"""Live: one release of live sound, a cursor that moves through the Ring.

Owns how far the sink has got. The Ring is the only queue: what the sink has not taken stays there, and nowhere else.
Cannot exist without a Grant. Never asks whether it may go on: the gate does, before each step.
"""

from contextlib import suppress

from ..audio.ring import Ring
from ..consent.grant import Grant
from ..events import Reason
from .frames import Info
from .sinks import Sink


class Live:
    """One live release.

    Parameters
    ----------
    grant : Grant
        What permits it; the gate compares it with what the ledger says now.
    sink : Sink
        Where it goes.
    ring : Ring
        Where the sound is.
    info : Info
        What the sink is told first.
    first : int
        Index of the first sample that may leave.
    """

    def __init__(self, grant: Grant, sink: Sink, ring: Ring, info: Info, first: int) -> None:
        self.grant = grant
        self.first = first
        self.cursor = first
        self._sink = sink
        self._ring = ring
        self._info = info
        self._begun = self._sated = False

    @property
    def sent(self) -> int:
        """Samples that have left."""
        return self.cursor - self.first

    def step(self, upto: int) -> None:
        """Offer the sink one run of samples up to index ``upto``; what it does not take now is offered again.

        One run, not two where the Ring wraps around: the gate asks consent before each, so that not even a sink that
        revokes gets another.
        """
        if not self._begun:
            self._begun = True
            self._sink.open(self._info)
        run = self._ring.pieces(self.cursor, upto)[0]
        if len(run):
            self.cursor += self._sink.write(run)

    def enough(self) -> bool:
        """Return whether the sink wants no more of what it has begun to get: said once, that stays so."""
        self._sated = self._sated or (self._begun and self._sink.enough())
        return self._sated

    def close(self, reason: Reason) -> bool:
        """End it; False while the sink has no room to say so."""
        return self._sink.close(reason)

    def abort(self, reason: Reason) -> None:
        """Cut it short; says nothing to a sink that never heard of it."""
        if self._begun:
            self._sink.abort(reason)

    def told(self) -> bool:
        """Return whether the sink has said that it was cut short: asked whether it is ready, it says what it owes."""
        return ready(self._sink)


def ready(sink: Sink) -> bool:
    """Ask a sink whether it is ready, where nothing hangs on it; one that breaks then is asked no more."""
    with suppress(Exception):  # a sink is not ours
        return sink.ready()
    return True
