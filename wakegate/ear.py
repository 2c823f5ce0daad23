"""Ear: a scorer and a detector as one, from sound to what was heard in it.

Owns the way from a detection to an event. Never decides what may leave, and never keeps a sample.
"""

import secrets
from collections.abc import Mapping, Sequence

from .audio.block import Samples
from .errors import ConfigError
from .events import NearMiss, Wake
from .wake import Candidate, Detection, Detector, Scorer, load
from .wake.catalogue import by_word
from .wake.levels import Threshold


class Ear:
    """Listens for the words of one model.

    Parameters
    ----------
    scorer : Scorer
        Samples to scores.
    detector : Detector
        Scores to detections.

    Attributes
    ----------
    model_sha256 : str
        The model's.
    """

    def __init__(self, scorer: Scorer, detector: Detector) -> None:
        self.model_sha256 = scorer.manifest.sha256
        self._scorer = scorer
        self._detector = detector

    @classmethod
    def open(
        cls, words: Sequence[str] | None, thresholds: Mapping[str, Threshold] | None, scorer: Scorer | None = None
    ) -> "Ear":
        """Return an ear for words at thresholds, or for those of a model that is loaded.

        Raises
        ------
        WakegateError
            For what :meth:`retune` refuses; for words beside a scorer, and a threshold of none of the words.
        """
        if words is not None and scorer is not None:
            raise ConfigError("words beside a scorer would be passed over: give them to it, wakegate.load(words)")
        scorer = scorer or load(words)
        # Beside a scorer they may be a config's, which speaks of other words too.
        chosen = by_word(thresholds or {}, None if words is None else scorer.words)
        return cls(scorer, Detector(scorer.manifest.detector_config(scorer.words, chosen)))

    @property
    def words(self) -> tuple[str, ...]:
        """The wake words."""
        return self._scorer.words

    @property
    def needs(self) -> int:
        """Samples that are still to come before anything new can be heard: less is not worth looking at."""
        return self._scorer.needs

    def retune(self, words: Sequence[str], thresholds: Mapping[str, Threshold]) -> None:
        """Listen for other words of the same model, or at other thresholds, without a break in the stream.

        Raises
        ------
        WakegateError
            For a word that the model does not know, or a threshold that it does not allow: nothing is changed then.
        """
        config = self._scorer.manifest.detector_config(words, by_word(thresholds))
        self._scorer.retune(words)
        self._detector.retune(config)

    def hear(self, samples: Samples) -> list[NearMiss | Wake]:
        """Listen to samples (n,) int16; return what was heard up to the first wake, which makes the others void."""
        heard: list[NearMiss | Wake] = []
        for found in self._detector.push(self._scorer.push(samples)):
            if isinstance(found, Detection):
                return [*heard, self._wake(found)]
            heard += self._near_miss(found)
        return heard

    def finish(self) -> list[NearMiss]:
        """Return what a candidate that the end of the sound cut off was."""
        return [event for found in self._detector.finish() for event in self._near_miss(found)]

    def restart(self, at: int) -> None:
        """Forget everything that was heard, and start anew at sample ``at``."""
        self._scorer.reset()
        self._detector.reset(at)

    def _wake(self, found: Detection) -> Wake:
        return Wake(
            at=found.at,
            id=secrets.token_hex(8),
            word=found.word,
            score=found.score,
            threshold=self._detector.config.thresholds[found.word],
            start=found.start,
            end=found.end,
        )

    def _near_miss(self, found: Detection | Candidate) -> list[NearMiss]:
        if not isinstance(found, Candidate) or found.detected:
            return []
        threshold = self._detector.config.thresholds[found.word]
        return [
            NearMiss(
                at=found.at, word=found.word, score=found.score, threshold=threshold, start=found.start, end=found.end
            )
        ]
