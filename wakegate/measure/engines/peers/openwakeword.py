"""openWakeWord 0.5.1: a score for each word every 80 ms, with the ONNX models of its wheel.

Its intents (timer, weather) are left out. The first scores of a recording come from noise that it makes up; the noise
is the same for every recording here.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from . import Recording, chosen, frames, sha256, versions

STEP = 1280
WORDS = ("alexa", "hey_jarvis", "hey_mycroft", "hey_rhasspy")
FLOOR = 0.02
THRESHOLD = 0.5
"""Its README's."""


class Peer:
    """Its pre-trained models."""

    def __init__(self, words: list[str]) -> None:
        found = versions("openwakeword", "onnxruntime", "numpy", exactly="0.5.1", why="whose wheel has no models")
        self._words = list(chosen(words, {word: word for word in WORDS}, "openwakeword"))
        import numpy as np
        import openwakeword
        from openwakeword.model import Model

        folder = Path(openwakeword.__file__).parent / "resources" / "models"
        files = [folder / f"{name}.onnx" for name in ("melspectrogram", "embedding_model")]
        np.random.seed(0)  # noqa: NPY002, which it uses
        self._model = Model(wakeword_models=list(self._words), inference_framework="onnx")
        self._noise = self._model.preprocessor.feature_buffer.copy()
        self._array = np.frombuffer
        self.thresholds = dict.fromkeys(self._words, THRESHOLD)
        self.kind = {"step": STEP, "origin": 0, "floor": FLOOR}
        self.about = {
            "versions": found,
            "files_sha256": sha256(*files, *(folder / f"{word}_v0.1.onnx" for word in self._words)),
            "score": "its own, a step of 80 ms",
        }

    def hear(self, recording: Recording) -> Iterator[list[float]]:
        """Yield the scores of each step."""
        self._reset()
        for frame in frames(recording, STEP):
            scores = self._model.predict(self._array(frame, "int16"))
            yield [float(scores[word]) for word in self._words]

    def _reset(self) -> None:
        """Forget the last recording: its own reset (0.5.1) leaves sound and features behind."""
        self._model.reset()
        sound = self._model.preprocessor
        sound.raw_data_buffer.clear()
        sound.raw_data_remainder = sound.raw_data_remainder[:0]
        sound.accumulated_samples = 0
        sound.melspectrogram_buffer = 0 * sound.melspectrogram_buffer[:76] + 1
        sound.feature_buffer = self._noise.copy()
