"""Our engine, by the same scorer and detector as a device runs.

Owns nothing but the adapting. Every candidate above the model's floor is said, so one pass serves every threshold.
"""

import hashlib
from collections.abc import Iterable, Mapping

from ...audio.block import Samples
from ...events import SAMPLE_RATE
from ...wake import Detector, load, sweep
from .engine import Heard


class Own:
    """The installed model, or the one at ``path``; its words at its own thresholds, or all at ``threshold``."""

    def __init__(self, name: str, path: str | None, threshold: float | None) -> None:
        self._scorer = load(path=path)
        manifest = self._scorer.manifest
        words = self._scorer.words
        config = manifest.detector_config(words, None if threshold is None else dict.fromkeys(words, threshold))
        self._detector = Detector(config)
        self.name = name
        self.thresholds: Mapping[str, float] | None = dict(config.thresholds)
        self.about: Mapping[str, object] = {
            "model": manifest.name,
            "model_sha256": manifest.sha256,
            # What it says of smoothing and of where a candidate ends decides the answers too.
            "manifest_sha256": hashlib.sha256(manifest.path.with_suffix(".json").read_bytes()).hexdigest(),
            "floor": manifest.floor,
            "refractory_s": manifest.refractory / SAMPLE_RATE,
            "runs_on": self._scorer.engine,
        }

    def hear(self, sound: Iterable[Samples]) -> list[Heard]:
        """Return every candidate."""
        found = sweep.candidates(self._scorer, self._detector, sound)
        return [Heard(word=one.word, at=one.at, score=one.score) for one in found]
