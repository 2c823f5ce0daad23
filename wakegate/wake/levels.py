"""Levels: a threshold named by what it was measured to cost, in false accepts an hour of its word.

Owns which of a model's operating points that is: the lowest threshold that kept within the rate, so the one that misses
least. Must never go beyond what was measured: no event in six hours is not fewer than one in six hours, and between two
points nothing is guessed.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import ConfigError
from ..rates import per_hour

if TYPE_CHECKING:
    from .manifest import OperatingPoint


@dataclass(frozen=True, slots=True)
class Level:
    """At most so many false accepts an hour, above 0; ConfigError for what is not."""

    per_hour: float

    def __post_init__(self) -> None:
        """Refuse what no sound can show."""
        if not 0 < self.per_hour < math.inf:
            raise ConfigError(f"{self.per_hour:g} false accepts an hour is no level: give a number above 0, as 0.5/h")

    def __str__(self) -> str:
        """Return it as it is written."""
        return f"{self.per_hour:g}/h"


Threshold = float | Level
"""A score, or what it was measured to cost."""
Thresholds = Mapping[str, Threshold]
"""By word."""


def read(text: str) -> Threshold:
    """Return the threshold that a text is: ``0.7``, ``0.5/h`` or ``4/day``; ValueError where it is none."""
    return Level(per_hour(text)) if "/" in text else float(text)


def resolved(threshold: Threshold, word: str, points: Iterable["OperatingPoint"]) -> float:
    """Return a threshold as a score.

    Parameters
    ----------
    threshold : float or Level
        A score is itself.
    word : str
        Whose.
    points : iterable of OperatingPoint
        What the model was measured to do.

    Raises
    ------
    ConfigError
        For a level that no operating point of the word keeps within; the message has those that there are.
    """
    if not isinstance(threshold, Level):
        return threshold
    costs: dict[float, float] = {}
    for point in points:
        if point.word == word:
            costs[point.threshold] = max(costs.get(point.threshold, 0), max(point.false_accepts, 1) / point.hours)
    # As `wakegate models` prints them: who names a rate that it shows gets that point.
    within = [score for score, cost in costs.items() if threshold.per_hour >= min(cost, _shown(cost))]
    if not within:
        known = ", ".join(dict.fromkeys(f"{_shown(cost):g}" for cost in sorted(costs.values())))
        measured = f"at {known} an hour: name one of these, or more" if known else "at no rate at all: give a number"
        raise ConfigError(f"no threshold of {word!r} was measured at {threshold} or less: its model was, {measured}")
    return min(within)


def _shown(cost: float) -> float:
    """Return a rate with two decimals, or with two digits where it would be 0 then."""
    return round(cost, 2) or float(f"{cost:.2g}")
