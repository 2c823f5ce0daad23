"""Measured: what one engine heard in a whole corpus, and the thresholds at which that is read.

Owns which words count for an engine, and at which threshold.
"""

import math
from dataclasses import dataclass

from .engines import Engine
from .listening.run import Hearing


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one engine did in a whole corpus.

    Parameters
    ----------
    engine : Engine
        Who listened.
    hearings : tuple of Hearing
        One a recording, in the corpus's order.
    threshold : float, optional
        One for all words, in place of the engine's own; left aside where the engine has no scores.
    """

    engine: Engine
    hearings: tuple[Hearing, ...]
    threshold: float | None = None

    @property
    def whole(self) -> tuple[Hearing, ...]:
        """Those that did not fail."""
        return tuple(one for one in self.hearings if not one.failure)

    @property
    def has_scores(self) -> bool:
        """Whether what it heard can be compared with a threshold."""
        return all(heard.score is not None for one in self.whole for heard in one.heard)

    @property
    def words(self) -> tuple[str, ...]:
        """Its words: those it knows, or, where it does not say, those it said and those of the corpus."""
        if self.engine.thresholds is not None:
            return tuple(self.engine.thresholds)
        said = {heard.word for one in self.whole for heard in one.heard}
        return tuple(sorted(said | {r.word for one in self.hearings for r in one.recording.references}))

    def threshold_of(self, word: str) -> float:
        """Return the threshold asked for, or the engine's own; -inf (all it says) where it names none."""
        if self.threshold is not None and self.has_scores:
            return self.threshold
        return (self.engine.thresholds or {}).get(word, -math.inf)
