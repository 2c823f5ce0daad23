"""Utterance: what is open between a wake and the wipe.

Owns the state of one opening: which releases go on, since which sample, where it ended, and whether the wake looks like
a false accept. Never asks for consent and never holds samples.
"""

from dataclasses import dataclass, field

from ..consent.grant import Grant
from ..events import Purpose, Reason, Wake
from .endpoint import Endpointer
from .limits import Limits, samples
from .release import Live


@dataclass(slots=True)
class Utterance:
    """One opening of the gate.

    Parameters
    ----------
    wake : Wake
        What opened it.
    first : int
        Index of the first sample that may leave.
    endpointer : Endpointer
        Finds where it ends.
    live : Live or None
        The live release, while it goes on.
    clips : dict of Purpose to Grant
        Clips that may be sealed at the end.
    ended : tuple of (int, Reason) or None
        The endpoint, once known.
    suspected : bool
        No speech followed, or the person took it back soon.
    """

    wake: Wake
    first: int
    endpointer: Endpointer
    live: Live | None = None
    clips: dict[Purpose, Grant] = field(default_factory=dict)
    ended: tuple[int, Reason] | None = None
    suspected: bool = False

    @property
    def empty(self) -> bool:
        """Whether nothing is left to release."""
        return self.live is None and not self.clips

    def end(self, at: int, reason: Reason, limits: Limits) -> None:
        """Set the endpoint and, with it, the suspicion: decided here and never later."""
        soon = at - self.wake.end <= samples(limits.cancel_s)
        self.ended = at, reason
        self.suspected = reason is Reason.NO_SPEECH or (reason is Reason.CANCELLED and soon)

    def withheld(self, purpose: Purpose) -> Reason | None:
        """Say why this ending does not allow a clip for a purpose, or None if it does."""
        if purpose is Purpose.FALSE_ACCEPT_REVIEW:
            return None if self.suspected else Reason.NOT_SUSPECTED
        if self.suspected:
            return Reason.SUSPECTED
        # What a person took back is not for another person to hear, however late they did.
        return Reason.CANCELLED if self.ended is not None and self.ended[1] is Reason.CANCELLED else None
