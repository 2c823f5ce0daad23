"""Detector: scores to candidates and detections.

Owns the counting of events. A *candidate* begins when a word's smoothed score reaches the model's floor and ends when
it has stayed below the floor for a moment, at most one refractory later; its score is its maximum. The threshold only
selects candidates: one pass gives every threshold, and raising it only removes detections. A word re-arms only after
its score has stayed below the floor for as long as ends a candidate. Must never read a clock: everything is counted in
samples.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..errors import ConfigError, ModelError

Scores = NDArray[np.float32]
MOST = 1.001
"""A score that is 1 may be rounded up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WordTiming:
    """Where a word lies before its score, in samples; measured, from the manifest.

    Parameters
    ----------
    lag : int
        From the end of the word to the highest score.
    crossing_lag : int
        From the end of the word to the first score at or above the default threshold.
    duration : int
        From the start of the word to its end; a long one, so that the first syllable is inside.
    """

    lag: int
    crossing_lag: int
    duration: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """A smoothed score reached its threshold: said at once, while the candidate is still open.

    ``score`` is the score then; ``at`` the sample after the step; ``start`` and ``end`` the estimated word.
    """

    word: str
    score: float
    at: int
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A candidate that has closed: its highest score, the sample ``at`` which that was, and the estimated word."""

    word: str
    score: float
    at: int
    start: int
    end: int
    detected: bool


@dataclass(slots=True)
class _Open:
    """A candidate that is still open: when it began, its best step so far, how long it has been below the floor."""

    began: int
    best: float
    best_at: int
    below: int = 0
    detected: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorConfig:
    """What turns scores into events.

    Parameters
    ----------
    thresholds : mapping of str to float
        One per word, in the order of the score's columns; not below the floor.
    timing : mapping of str to WordTiming
        One per word.
    floor : float
        Score that delimits candidates.
    step : int
        Samples between two scores.
    smoothing : int
        Scores averaged before they are compared.
    refractory, fall : int
        Longest candidate, and how long a score must stay below the floor to end one, in samples.

    Raises
    ------
    ConfigError
        If a threshold lies outside [floor, 1].
    """

    thresholds: Mapping[str, float]
    timing: Mapping[str, WordTiming]
    floor: float
    step: int
    smoothing: int
    refractory: int
    fall: int

    def __post_init__(self) -> None:
        """Check the thresholds."""
        for word, threshold in self.thresholds.items():
            if not self.floor <= threshold <= 1:
                raise ConfigError(
                    f"the threshold for {word!r} is {threshold:g}: give one from {self.floor:g} "
                    f"(the model's floor, below which nothing is a candidate) to 1"
                )


@dataclass(slots=True)
class Detector:
    """Streams scores to events; the same events for scores pushed whole or in pieces.

    Parameters
    ----------
    config : DetectorConfig
        Immutable settings.
    """

    config: DetectorConfig
    _words: tuple[str, ...] = field(init=False)
    _recent: Scores = field(init=False)
    _open: list[_Open | None] = field(init=False)
    _fallen: list[int] = field(init=False)
    _steps: int = field(init=False, default=0)
    _origin: int = field(init=False, default=0)
    _idle: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        """Start fresh."""
        self._words = tuple(self.config.thresholds)
        self.reset()

    def reset(self, at: int = 0) -> None:
        """Forget everything; the next score belongs to the step that begins at sample ``at``."""
        self._recent = np.zeros((self.config.smoothing - 1, len(self._words)), np.float32)
        self._open = [None] * len(self._words)
        self._fallen = [self.config.fall // self.config.step + 1] * len(self._words)
        self._steps = 0
        self._origin = at
        self._idle = False

    def retune(self, config: DetectorConfig) -> None:
        """Go on with other words or thresholds; what is under way of a word that stays goes on with it.

        Parameters
        ----------
        config : DetectorConfig
            Of the same model: step and smoothing are as they were.
        """
        words = tuple(config.thresholds)
        kept = [self._words.index(word) if word in self._words else None for word in words]
        recent = np.zeros((len(self._recent), len(words)), np.float32)
        for column, was in enumerate(kept):
            if was is not None:
                recent[:, column] = self._recent[:, was]
        long = config.fall // config.step + 1
        self._open = [None if was is None else self._open[was] for was in kept]
        self._fallen = [long if was is None else self._fallen[was] for was in kept]
        self._recent, self._words, self.config = recent, words, config
        self._idle = False

    def push(self, scores: Scores) -> tuple[Detection | Candidate, ...]:
        """Take scores and return what they settle, in the order in which it is settled.

        Parameters
        ----------
        scores : (steps, words) float32
            In [0, 1], columns in the order of ``config.thresholds``.

        Raises
        ------
        ModelError
            If they are not: a model that gives NaN has gone deaf for good, and nobody would notice.
        """
        if not len(scores):
            return ()
        peak = np.maximum.reduce(scores, None)
        if not peak <= MOST:
            raise ModelError(f"the model gave the score {peak}, which is none: it is damaged; install another")
        first, self._steps = self._steps, self._steps + len(scores)
        # No average is above the highest score, but for its rounding.
        low = peak < 0.99 * self.config.floor
        if low and self._idle and len(scores) >= len(self._recent):
            self._recent[:] = scores[len(scores) - len(self._recent) :]
            return ()
        joined = np.concatenate([self._recent, scores])
        self._recent = joined[len(scores) :]
        armed = min(self._fallen) * self.config.step >= self.config.fall
        self._idle = bool(low and armed and joined.max() < 0.99 * self.config.floor and not any(self._open))
        if self._idle:
            return ()
        events: list[Detection | Candidate] = []
        for step, row in enumerate(self._smooth(joined).tolist(), first):
            for column, score in enumerate(row):
                events.extend(self._advance(column, step, score))
        return tuple(events)

    def finish(self) -> tuple[Candidate, ...]:
        """Close every open candidate: the stream has ended."""
        open_now = [(column, state) for column, state in enumerate(self._open) if state]
        self._open = [None] * len(self._words)
        return tuple(self._candidate(column, state) for column, state in open_now)

    def _smooth(self, joined: Scores) -> Scores:
        """Average each ``smoothing`` scores in a row, in an order that does not depend on how they came."""
        count = len(joined) - self.config.smoothing + 1
        total: Scores = joined[:count].copy()
        for shift in range(1, self.config.smoothing):
            total += joined[shift : shift + count]
        total /= np.float32(self.config.smoothing)
        return total

    def _advance(self, column: int, step: int, score: float) -> list[Detection | Candidate]:
        config, state = self.config, self._open[column]
        if state is None:
            if score < config.floor:
                self._fallen[column] += 1
                return []
            armed = self._fallen[column] * config.step >= config.fall
            self._fallen[column] = 0
            if not armed:
                return []
            state = self._open[column] = _Open(step, score, step)
        events: list[Detection | Candidate] = []
        if score > state.best:
            state.best, state.best_at = score, step
        if score >= config.thresholds[self._words[column]] and not state.detected:
            state.detected = True
            at, start, end = self._bounds(column, step, crossing=True)
            events.append(Detection(word=self._words[column], score=score, at=at, start=start, end=end))
        state.below = state.below + 1 if score < config.floor else 0
        if state.below * config.step >= config.fall or (step + 1 - state.began) * config.step >= config.refractory:
            self._open[column] = None
            self._fallen[column] = state.below
            events.append(self._candidate(column, state))
        return events

    def _candidate(self, column: int, state: _Open) -> Candidate:
        at, start, end = self._bounds(column, state.best_at)
        return Candidate(
            word=self._words[column], score=state.best, at=at, start=start, end=end, detected=state.detected
        )

    def _bounds(self, column: int, step: int, *, crossing: bool = False) -> tuple[int, int, int]:
        """Sample after a step, and the estimated start and end of the word heard then."""
        timing = self.config.timing[self._words[column]]
        at = self._origin + (step + 1) * self.config.step
        end = max(self._origin, at - (timing.crossing_lag if crossing else timing.lag))
        return at, max(self._origin, end - timing.duration), end
