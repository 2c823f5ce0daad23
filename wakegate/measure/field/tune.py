"""Tune: the lowest threshold that keeps a word's false accepts within a budget, shown on the user's own sound.

Owns the choice from the scores of sound without wake words. Pure. Never answers where the hours cannot show the budget.

Why no correction for choosing on the same sound: the rate of false accepts never rises with the threshold, so whether
a threshold is allowed (at most k events, k the most whose upper limit meets the budget) can be asked from the top down
and stops at the first that is not. Let t be the threshold where the true rate just reaches the budget. A threshold
below t is chosen only if at most k events score t or more, and of these the budget's worth or more were due: that has a
probability of at most 1 - confidence, by the limit's own definition. So "the rate at the chosen threshold is within the
budget" holds at its full confidence (S. Bates et al., "Distribution-free, risk-controlling prediction sets", Journal of
the ACM 68, 2021, theorem 1). What would be too bold is the tighter limit that the count *at* the chosen threshold
gives: it is not reported. The budget and the hours have to be fixed before the scores are seen, and events have to come
one by one (a Poisson process): a programme that says a word twenty times is twenty events of one cause.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ...errors import ConfigError
from ...rates import garwood

DIGITS = 4
"""Decimals of a chosen threshold. It is rounded up, which can only lower the rate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What is to be shown: at most ``per_hour`` false accepts of a word, with this confidence (one-sided).

    Raises
    ------
    ConfigError
        For a rate that is not a finite number above 0, or a confidence outside (0.5, 1).
    """

    per_hour: float
    confidence: float

    def __post_init__(self) -> None:
        """Refuse what cannot be shown."""
        if not (math.isfinite(self.per_hour) and self.per_hour > 0):
            raise ConfigError(f"the budget is {self.per_hour:g} false accepts an hour: give a number above 0, as 0.1/h")
        if not 0.5 < self.confidence < 1:
            raise ConfigError(f"the confidence is {self.confidence:g}: give a number between 0.5 and 1, such as 0.9")

    @property
    def hours_needed(self) -> float:
        """Hours below which not even sound without any event shows it: -ln(1 - confidence) / per_hour."""
        return -math.log(1 - self.confidence) / self.per_hour

    def check(self, hours: float) -> None:
        """Refuse hours that cannot show it; the message says how many are needed."""
        if self.most_events(hours) < 0:
            raise ConfigError(
                f"{hours:.3g} h are too few: to show at most {self.per_hour:g} false accepts an hour with "
                f"{self.confidence * 100:g} % confidence takes {self.hours_needed:.3g} h, if a word never fires in "
                f"them; listen for longer, or allow more"
            )

    def most_events(self, hours: float) -> int:
        """Return how many events so many hours may hold for the budget to be shown; -1 if not even none."""
        if hours <= 0 or self._limit(0, hours) > self.per_hour:
            return -1
        low, high = 0, 1
        while self._limit(high, hours) <= self.per_hour:
            low, high = high, 2 * high
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._limit(middle, hours) <= self.per_hour else (low, middle)
        return low

    def _limit(self, events: int, hours: float) -> float:
        """Return the one-sided upper limit: the upper end of Garwood's interval with half the tails."""
        return garwood(events, hours, 2 * self.confidence - 1)[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What was chosen for a word: its threshold, and how many of the heard events reach it."""

    threshold: float
    false_accepts: int


def choose(scores: Sequence[float], hours: float, budget: Budget, floor: float) -> Choice | None:
    """Return the lowest threshold of a word that meets the budget; None if none up to 1 does.

    Parameters
    ----------
    scores : sequence of float
        Of every event in sound without wake words, each its highest.
    hours : float
        Of that sound.
    budget : Budget
        Fixed before anybody saw the scores.
    floor : float
        The model's: nothing below it is an event, so nothing below it can be chosen.

    Raises
    ------
    ConfigError
        If there are too few hours; the message says how many are needed.
    """
    budget.check(hours)
    most = budget.most_events(hours)
    falling = sorted(scores, reverse=True)
    threshold = _above(falling[most]) if len(falling) > most else floor
    threshold = max(threshold, floor)
    if threshold > 1:
        return None
    return Choice(threshold=threshold, false_accepts=sum(score >= threshold for score in falling))


def _above(score: float) -> float:
    """Return the next number of few digits above a score."""
    scale = 10.0**DIGITS
    steps = math.floor(score * scale)
    while steps / scale <= score:
        steps += 1
    return steps / scale
