"""Sequential: whether it is under so many false accepts an hour yet, and if not, how much longer it takes to know.

Owns two answers. ``one look`` is for hours that were fixed beforehand: the exact upper limit. ``any look`` is for
whoever looks again and again and stops when it comes out right; that needs more hours, and its error holds for all the
looks together. Pure.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from ...errors import ConfigError
from ...rates import garwood

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a proof has come: hours still to be listened to with no further false accept, 0 if it is there.

    Parameters
    ----------
    per_hour : float
        What the rate is to be below, with 95 % confidence.
    one_look_hours, any_look_hours : float
        If the hours were fixed beforehand, and if somebody looks as they go.
    """

    per_hour: float
    one_look_hours: float
    any_look_hours: float

    @property
    def proven(self) -> bool:
        """Under it, whoever looked how often."""
        return self.any_look_hours == 0


def progress(false_accepts: int, hours: float, per_hour: float) -> Progress:
    """Return how far the proof has come that the rate lies below ``per_hour``."""
    if not (math.isfinite(per_hour) and per_hour > 0):
        raise ConfigError(f"a rate to stay under is a finite number above 0 an hour, got {per_hour!r}")

    def one_look(total: float) -> bool:
        return garwood(false_accepts, total, 2 * CONFIDENCE - 1)[1] < per_hour

    def any_look(total: float) -> bool:
        return refuted(false_accepts, per_hour * total)

    return Progress(per_hour=per_hour, one_look_hours=_until(one_look, hours), any_look_hours=_until(any_look, hours))


def refuted(events: int, expected: float) -> bool:
    """Return whether so few events refute, at 95 % and whenever one looks, that ``expected`` or more were due.

    Notes
    -----
    The likelihood ratio of a rate u times the one to refute, for u drawn evenly from 0 to 1, is a supermartingale under
    every rate that is not below it: it exceeds 20 with probability 1/20 at most, ever (J. Ville, 1939; H. Robbins,
    1970). With k events where x were due it is the integral of u^k e^(x (1 - u)), which is the sum over j of
    x^j / ((k + 1) ... (k + 1 + j)).
    """
    term = total = 1 / (events + 1)
    step = events + 1
    while total < 1 / (1 - CONFIDENCE) and term > 1e-12 * total:
        step += 1
        term *= expected / step
        total += term
    return total >= 1 / (1 - CONFIDENCE)


def _until(shown: Callable[[float], bool], hours: float) -> float:
    """Return how many hours more it takes, to a second."""
    if hours > 0 and shown(hours):
        return 0.0
    low, high = hours, hours + 1.0
    while not shown(high):
        low, high = high, 2 * high
    while high - low > 1 / 3600:
        middle = (low + high) / 2
        low, high = (low, middle) if shown(middle) else (middle, high)
    return high - hours
