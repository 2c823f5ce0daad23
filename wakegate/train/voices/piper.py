"""Piper: a neural voice in one file (``NAME.onnx`` with ``NAME.onnx.json`` beside it), VITS of the Piper project.

Owns the reading of its settings and the run. Its phonemes are espeak-ng's; each symbol stands between two pads, as it
was trained.
"""

import json
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soxr

from ...errors import ConfigError
from ...events import SAMPLE_RATE
from ...wake.onnxruntime_session import import_onnxruntime
from . import Said, made_by, trimmed
from .espeak import phonemes

PAD, FIRST, LAST = "_", "^", "$"
MOST_SPEAKERS = 10_000


class Piper:
    """One voice file, of one speaker or many.

    Raises
    ------
    ConfigError
        If the file or its settings are missing, or are no such voice.
    """

    def __init__(self, path: Path) -> None:
        settings = path.with_name(f"{path.name}.json")
        try:
            told = json.loads(settings.read_text(encoding="utf-8"))
            self._symbols = {str(one): [int(n) for n in numbers] for one, numbers in told["phoneme_id_map"].items()}
            self._rate = int(told["audio"]["sample_rate"])
            count, language = int(told["num_speakers"]), str(told["espeak"]["voice"])
            if not (8000 <= self._rate <= 96_000 and 1 <= count <= MOST_SPEAKERS):
                raise ValueError(f"{self._rate} Hz, {count} speakers")
            if not {PAD, FIRST, LAST} <= self._symbols.keys():
                raise ValueError(f"no symbols {PAD} {FIRST} {LAST}")
        except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise ConfigError(
                f"{settings} is missing or no settings of a Piper voice ({error}): --voice takes NAME.onnx, with "
                f"NAME.onnx.json beside it"
            ) from error
        if not language.startswith("en"):
            raise ConfigError(f"{path} speaks {language!r}: give a voice that speaks English")
        ort = import_onnxruntime()
        options = ort.SessionOptions()
        options.log_severity_level = 3
        try:
            self._session: Any = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime has no common base for its errors
            raise ConfigError(f"{path} is no voice that can be run: copy it again") from error
        self.name = f"Piper {path.stem}"
        self.speakers = tuple(f"{path.stem} {number}" for number in range(count))

    def say(self, text: str, among: Sequence[str], rng: np.random.Generator) -> Said:
        """Speak, at any pace, more or less lively."""
        said = unicodedata.normalize("NFD", phonemes(text)) + str(rng.choice(list(".!?,")))
        ids = [*self._symbols[FIRST], *self._symbols[PAD]]
        for symbol in said:
            if symbol in self._symbols:
                ids += [*self._symbols[symbol], *self._symbols[PAD]]
        tokens = np.array([[*ids, *self._symbols[LAST]]], np.int64)
        scales = [rng.uniform(0.4, 1.0), rng.uniform(0.8, 1.4), rng.uniform(0.6, 1.1)]
        feed: dict[str, object] = {
            "input": tokens,
            "input_lengths": np.array([tokens.shape[1]], np.int64),
            "scales": np.array(scales, np.float32),
        }
        if len(self.speakers) > 1:
            feed["sid"] = np.array([self.speakers.index(str(rng.choice(list(among))))], np.int64)
        # Pitch and tempo together, within what throats differ by: one file has few speakers.
        throat = float(np.exp(rng.uniform(np.log(0.85), np.log(1.18))))
        spoken = trimmed(made_by(self._session, feed, self.name), self._rate)
        heard: Said = soxr.resample(spoken, self._rate * throat, SAMPLE_RATE).astype(np.float32)
        return heard
