"""pymicro-wakeword: microWakeWord's models, a probability for each word every 30 ms, averaged over five as it does."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path

from . import RATE, Recording, Unusable, chosen, sha256, versions

FEATURE = RATE // 100
WINDOW = 3 * FEATURE
"""Samples behind the first feature; each further one is 10 ms later."""
FLOOR = 0.05


class Peer:
    """The models of its wheel."""

    def __init__(self, words: list[str]) -> None:
        found = versions("pymicro-wakeword", "pymicro-features", "numpy")
        import pymicro_wakeword as package

        self._words = list(chosen(words, {one.value: one.value for one in package.Model}, "pymicro-wakeword"))
        self._models = [package.MicroWakeWord.from_builtin(package.Model(word)) for word in self._words]
        self._features = package.MicroWakeWordFeatures()
        strides = {model.stride for model in self._models}
        if len(strides) > 1:
            raise Unusable(f"its models step by {strides} features: name words of one step")
        self._stride = strides.pop()
        folder = Path(package.__file__).parent / "models"
        settings = [json.loads((folder / f"{word}.json").read_text())["micro"] for word in self._words]
        # It wants more than its cutoff, not as much.
        cutoffs = [math.nextafter(one["probability_cutoff"], 2) for one in settings]
        self.thresholds = dict(zip(self._words, cutoffs))  # noqa: B905, for Python 3.9
        step = self._stride * FEATURE
        self.kind = {"step": step, "origin": WINDOW - FEATURE, "floor": FLOOR}
        self.about = {
            "versions": found,
            "files_sha256": sha256(*(folder / f"{word}.{end}" for word in self._words for end in ("tflite", "json"))),
            "score": f"the mean of its last {settings[0]['sliding_window_size']} probabilities, a step of "
            f"{1000 * step // RATE} ms",
        }

    def hear(self, recording: Recording) -> Iterator[list[float]]:
        """Yield the mean probabilities of each step."""
        self._features.reset()
        for model in self._models:
            model.reset()
        count = 0
        for piece in recording:
            for feature in self._features.process_streaming(piece):
                count += 1
                scores = [model.process_streaming_prob(feature) for model in self._models]
                if count % self._stride == 0:
                    yield scores
