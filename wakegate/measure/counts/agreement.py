"""Agreement: what two engines heard in the same unlabelled sound, found by both or by one alone.

Owns the counting, one-to-one by the same matching as everywhere. Without labels nobody knows who was right: these are
events, not false accepts. Pure.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ..engines import Engine, Heard
from ..recording import Reference
from .compare import even
from .matching import match


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """One word: events of the first and the second engine, and how many of them are one and the same.

    ``known`` is False where an engine says which words it knows, and this is none of them.
    """

    word: str
    first: int
    second: int
    both: int
    known: bool = True

    @property
    def only_first(self) -> int:
        """Events of the first alone."""
        return self.first - self.both

    @property
    def only_second(self) -> int:
        """Events of the second alone."""
        return self.second - self.both

    @property
    def p(self) -> float | None:
        """Exact two-sided probability of such a split if each were as likely to be the one that wakes alone."""
        return even(self.only_first, self.only_second) if self.known else None


class Agreements:
    """Adds stretches up.

    Parameters
    ----------
    first, second : Engine
        Who listened.
    tolerance : int
        Samples between two events that are still one.
    """

    def __init__(self, first: Engine, second: Engine, tolerance: int) -> None:
        self._engines = first, second
        self._tolerance = tolerance
        self._counts = {word: Counter[str]() for engine in self._engines for word in engine.thresholds or ()}

    def add(self, heard: Sequence[Sequence[Heard]]) -> None:
        """Count what both heard in one stretch."""
        first, second = (
            [one for one in said if fires(engine, one)] for engine, said in zip(self._engines, heard, strict=True)
        )
        for word in {one.word for one in (*first, *second)}:
            at = sorted(one.at for one in first if one.word == word)
            other = sorted(one.at for one in second if one.word == word)
            points = [Reference(word=word, start=one, end=one) for one in other]
            both = int((match(at, points, self._tolerance).partner >= 0).sum())
            self._counts.setdefault(word, Counter()).update(first=len(at), second=len(other), both=both)

    def words(self) -> tuple[Agreement, ...]:
        """Return the counts, by word."""
        lists = [engine.thresholds for engine in self._engines if engine.thresholds is not None]
        return tuple(
            Agreement(
                word=word, first=n["first"], second=n["second"], both=n["both"], known=all(word in one for one in lists)
            )
            for word, n in sorted(self._counts.items())
        )


def fires(engine: Engine, heard: Heard) -> bool:
    """Return whether an engine would wake there: at its own threshold, or because it says so and has no scores."""
    return heard.score is None or heard.score >= (engine.thresholds or {}).get(heard.word, -math.inf)
