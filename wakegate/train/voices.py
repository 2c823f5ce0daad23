"""Voices: synthetic speakers, no two alike.

Owns the mixing of Kokoro-82M's speakers (Apache-2.0): each utterance draws its own timbre, prosody, speed, pitch, range
and rhythm. Needs ``hibari-tts`` for pronunciation and a folder with ``model_knobs.onnx`` (the voice with pitch, energy
and durations as inputs), ``vocab.json`` and ``speakers/*.bin``. Must never measure anything: these are not people.
"""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from ..events import SAMPLE_RATE
from ..wake.scorer import import_onnxruntime

VOICE_RATE = 24_000
ROWS = 510
HALF = 128


class Kokoro:
    """A folder with the voice.

    Parameters
    ----------
    folder : Path
        As described above.
    """

    def __init__(self, folder: Path) -> None:
        ort = import_onnxruntime()
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        self._session: Any = ort.InferenceSession(
            str(folder / "model_knobs.onnx"), options, providers=["CPUExecutionProvider"]
        )
        self._symbols: dict[str, int] = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))["vocab"]
        self.speakers = {
            path.stem: np.fromfile(path, np.float32).reshape(ROWS, 2 * HALF)
            for path in sorted((folder / "speakers").glob("*.bin"))
        }
        from hibari.g2p import G2P

        self._spell = {british: G2P(british=british) for british in (False, True)}

    def phonemes(self, text: str, british: bool) -> str:
        """Return the pronunciation of English text."""
        said = self._spell[british](text)
        return said if isinstance(said, str) else " ".join(said) if isinstance(said, list) else str(said[0])

    def style(self, rng: np.random.Generator) -> NDArray[np.float32]:
        """Draw a speaker: one mixture for the timbre, another for the prosody, of any first languages."""
        english = [name for name in self.speakers if name[0] in "ab"]
        others = [name for name in self.speakers if name[0] not in "ab"]
        halves = []
        for half in (slice(0, HALF), slice(HALF, None)):
            foreign = float(rng.choice([0.1, 0.5, 0.9]))
            weights = rng.dirichlet(np.ones(int(rng.integers(1, 4))))
            names = [str(rng.choice(others if rng.random() < foreign else english)) for _ in weights]
            halves.append(sum(self.speakers[n][:, half] * w for n, w in zip(names, weights, strict=True)))
        return np.concatenate(halves, axis=1).astype(np.float32)

    def speak(self, phonemes: str, rng: np.random.Generator) -> NDArray[np.float32]:
        """Return (n,) float32 at 16 kHz, said by a speaker of its own, silence cut to 50 ms."""

        def one(value: float) -> NDArray[np.float32]:
            return np.array([value], np.float32)

        tokens = [self._symbols[symbol] for symbol in phonemes if symbol in self._symbols]
        rhythm = np.exp(rng.normal(0, rng.uniform(0, 0.3), len(tokens) + 2)).astype(np.float32)
        feed = {
            "tokens": np.array([[0, *tokens, 0]], np.int64),
            "style": self.style(rng)[int(rng.integers(4, 120))][None],
            "speed": one(rng.uniform(0.65, 1.45)),
            "f0_scale": one(rng.uniform(0.6, 1.7)),
            "f0_range": one(rng.uniform(0.5, 1.8)),
            "f0_ref": one(160),
            "energy_scale": one(rng.uniform(0.8, 1.2)),
            "dur_mul": rhythm,
        }
        samples = self._session.run(None, feed)[0].ravel()
        loud = np.flatnonzero(np.abs(samples) > 0.01)
        if len(loud):
            samples = samples[max(0, loud[0] - VOICE_RATE // 20) : loud[-1] + VOICE_RATE // 20]
        said: NDArray[np.float32] = soxr.resample(samples, VOICE_RATE, SAMPLE_RATE).astype(np.float32)
        return said


def write(voice: Kokoro, lines: Sequence[tuple[str, str]], out: Path, count: int, seed: int) -> None:
    """Speak ``count`` utterances into a folder with an ``index.csv``; a line is text and phonemes ("" to spell it)."""
    rng = np.random.default_rng(seed)
    out.mkdir(parents=True, exist_ok=True)
    with (out / "index.csv").open("w", newline="", encoding="utf-8") as file:
        index = csv.writer(file)
        index.writerow(["file", "text", "phonemes"])
        for number in range(count):
            text, phonemes = lines[number % len(lines)]
            ending = str(rng.choice(list(".!?,")))
            said = phonemes + ending if phonemes else voice.phonemes(text + ending, bool(rng.random() < 0.4))
            samples = voice.speak(said, rng)
            if len(samples) < SAMPLE_RATE // 5 or not np.isfinite(samples).all():
                continue
            name = f"{seed:03d}_{number:05d}.flac"
            soundfile.write(out / name, np.clip(samples, -1, 1), SAMPLE_RATE, subtype="PCM_16")
            index.writerow([name, text, said])
