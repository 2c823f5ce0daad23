"""Kokoro: a neural voice whose speakers can be mixed, no two alike.

Owns the mixing of Kokoro-82M's speakers (Apache-2.0): each utterance draws its own timbre, prosody, speed, pitch, range
and rhythm. Needs ``hibari-tts`` for pronunciation and a folder with ``model.onnx`` (as kokoro-onnx exports it),
``vocab.json`` and ``speakers/*.bin``: ``wakegate/train/README.md`` says where they come from.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from ...errors import ConfigError
from ...events import SAMPLE_RATE
from ...wake.onnxruntime_session import import_onnxruntime
from . import Said, espeak, made_by, trimmed

VOICE_RATE = 24_000
ROWS = 510
HALF = 128
BY_ESPEAK, BRITISH = 0.3, 0.3
"""Shares of utterances by espeak-ng's pronunciation and by the British one; the others are by the American one."""


class Kokoro:
    """A folder with the voice.

    Parameters
    ----------
    folder : Path
        As described above.
    threads : int
        That an utterance may use.

    Raises
    ------
    ConfigError
        If the folder does not hold the voice, or ``hibari-tts`` is not installed.
    """

    def __init__(self, folder: Path, threads: int = 1) -> None:
        try:
            from hibari.g2p import G2P

            from . import knobs
        except ImportError as error:
            raise ConfigError(f"the voices in {folder} need {error.name}: pip install 'wakegate[train]'") from error
        ort = import_onnxruntime()
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        try:
            told = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))["vocab"]
            self._symbols = {str(symbol): int(number) for symbol, number in told.items()}
            self._styles = {
                path.stem: np.fromfile(path, np.float32).reshape(ROWS, 2 * HALF)
                for path in sorted((folder / "speakers").glob("*.bin"))
            }
            model = (folder / "model.onnx").read_bytes()
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ConfigError(
                f"{folder} does not hold the Kokoro voice: it should have model.onnx, vocab.json and "
                f"speakers/*.bin ({error})"
            ) from error
        self.speakers = tuple(self._styles)
        if not any(name[0] in "ab" for name in self.speakers):
            raise ConfigError(f"{folder / 'speakers'} has no speaker of English (af_*, am_*, bf_*, bm_*.bin)")
        try:
            self._session: Any = ort.InferenceSession(knobs.opened(model), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime has no common base for its errors
            reason = str(error).split("\n")[0]
            raise ConfigError(
                f"{folder / 'model.onnx'} is no Kokoro-82M as kokoro-onnx exports it ({reason}): copy it again"
            ) from error
        self._spell = {british: G2P(british=british) for british in (False, True)}
        self.name = "Kokoro-82M"

    def phonemes(self, text: str, british: bool) -> str:
        """Return the pronunciation of English text."""
        said = self._spell[british](text)
        return said if isinstance(said, str) else " ".join(said) if isinstance(said, list) else str(said[0])

    def say(self, text: str, among: Sequence[str], rng: np.random.Generator) -> Said:
        """Speak as a mixture of some of ``among``, by one of three pronunciations.

        Each dictionary guesses the names that it lacks, and guesses wrong at times ("uh-THEE-nee" for "athena"): where
        all are asked, no mistake of one becomes the word.
        """
        ending = str(rng.choice(list(".!?,")))
        source = rng.random()
        if source < BY_ESPEAK:
            told = _spelt(espeak.phonemes(text)) + ending
        else:
            told = self.phonemes(text + ending, bool(source < BY_ESPEAK + BRITISH))
        return self.speak(told, among, rng)

    def style(self, among: Sequence[str], rng: np.random.Generator) -> NDArray[np.float32]:
        """Draw a speaker: one mixture for the timbre, another for the prosody, of any first languages."""
        english = [name for name in among if name[0] in "ab"] or list(among)
        others = [name for name in among if name[0] not in "ab"] or english
        halves = []
        for half in (slice(0, HALF), slice(HALF, None)):
            foreign = float(rng.choice([0.1, 0.5, 0.9]))
            weights = rng.dirichlet(np.ones(int(rng.integers(1, 4))))
            names = [str(rng.choice(others if rng.random() < foreign else english)) for _ in weights]
            halves.append(sum(self._styles[n][:, half] * w for n, w in zip(names, weights, strict=True)))
        return np.concatenate(halves, axis=1).astype(np.float32)

    def speak(self, phonemes: str, among: Sequence[str], rng: np.random.Generator) -> Said:
        """Return (n,) float32 at 16 kHz of the voice's own symbols, said by a speaker of its own."""

        def one(value: float) -> NDArray[np.float32]:
            return np.array([value], np.float32)

        tokens = [self._symbols[symbol] for symbol in phonemes if symbol in self._symbols]
        rhythm = np.exp(rng.normal(0, rng.uniform(0, 0.3), len(tokens) + 2)).astype(np.float32)
        feed = {
            "tokens": np.array([[0, *tokens, 0]], np.int64),
            "style": self.style(among, rng)[int(rng.integers(4, 120))][None],
            "speed": one(rng.uniform(0.65, 1.45)),
            "f0_scale": one(rng.uniform(0.6, 1.7)),
            "f0_range": one(rng.uniform(0.5, 1.8)),
            "f0_ref": one(160),
            "energy_scale": one(rng.uniform(0.8, 1.2)),
            "dur_mul": rhythm,
        }
        spoken = trimmed(made_by(self._session, feed, self.name), VOICE_RATE)
        said: Said = soxr.resample(spoken, VOICE_RATE, SAMPLE_RATE).astype(np.float32)
        return said


def _spelt(ipa: str) -> str:
    """Return espeak-ng's IPA in the symbols that this voice learned: a diphthong or an affricate is one."""
    for two, one in (
        ("eɪ", "A"), ("oʊ", "O"), ("aɪ", "I"), ("aʊ", "W"), ("ɔɪ", "Y"), ("tʃ", "ʧ"), ("dʒ", "ʤ")
    ):  # fmt: skip
        ipa = ipa.replace(two, one)
    return ipa
