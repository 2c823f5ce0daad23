"""Porcupine's shape: programs written for pvporcupine (its version 4) switch by changing an import.

::

    import wakegate.plugins.porcupine as pvporcupine

    porcupine = pvporcupine.create(access_key="", keywords=["computer", "view glass"])
    index = porcupine.process(frame)  # frame_length samples; the keyword's index, or -1

Owns the names and shapes, and nothing of the hearing. ``access_key`` is accepted and ignored: no key is needed and no
network is spoken to; so are ``library_path`` and ``device``, since there is no other library and the CPU is enough.
Must never hear another word than the one asked for: what pvporcupine knows and the model does not is an error, and so
are Picovoice's own files (.ppn, .pv). A sensitivity becomes a threshold as :mod:`wakegate.plugins.sensitivity` says.

No gate stands here: the program owns the microphone, and what it does with its sound it does without wakegate.
"""

import importlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..audio.block import Samples
from ..ear import Ear
from ..errors import ConfigError, ModelError
from ..events import SAMPLE_RATE, Wake
from ..wake import catalogue, load, manifest
from .porcupine_errors import (
    PorcupineActivationError,
    PorcupineActivationLimitError,
    PorcupineActivationRefusedError,
    PorcupineActivationThrottledError,
    PorcupineError,
    PorcupineInvalidArgumentError,
    PorcupineInvalidStateError,
    PorcupineIOError,
    PorcupineKeyError,
    PorcupineMemoryError,
    PorcupineRuntimeError,
    PorcupineStopIterationError,
)
from .sensitivity import MIDDLE, threshold

__all__ = [
    "KEYWORDS",
    "KEYWORD_PATHS",
    "Porcupine",
    "PorcupineActivationError",
    "PorcupineActivationLimitError",
    "PorcupineActivationRefusedError",
    "PorcupineActivationThrottledError",
    "PorcupineError",
    "PorcupineIOError",
    "PorcupineInvalidArgumentError",
    "PorcupineInvalidStateError",
    "PorcupineKeyError",
    "PorcupineMemoryError",
    "PorcupineRuntimeError",
    "PorcupineStopIterationError",
    "available_devices",
    "create",
]

FRAME_LENGTH = 512

KEYWORDS: set[str]
"""The installed words as they are spoken, "view glass"."""
KEYWORD_PATHS: dict[str, str]
"""Each keyword's MODEL.onnx/WORD: what ``keyword_paths`` takes, and a name that ends in the word; it is no file."""


def __getattr__(name: str) -> object:
    """Read the catalogue when somebody asks, not when this is imported."""
    paths = {
        entry.word.replace("_", " "): f"{model.path}/{entry.word.replace('_', ' ')}"
        for model in (catalogue.installed() if name in ("KEYWORDS", "KEYWORD_PATHS") else ())
        for entry in model.words
    }
    if name == "KEYWORDS":
        return set(paths)
    if name == "KEYWORD_PATHS":
        return paths
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}: it has {', '.join(__all__)}")


class Porcupine:
    """Hears keywords in frames of 512 samples; made by :func:`create`.

    Attributes
    ----------
    thresholds : tuple of float
        What the sensitivities became, in the order of the keywords (pvporcupine has no such thing).
    """

    def __init__(self, ear: Ear, thresholds: tuple[float, ...]) -> None:
        self._ear: Ear | None = ear
        self.thresholds = thresholds

    def process(self, pcm: Sequence[int]) -> int:
        """Take the next frame and return the index of the keyword that was heard, or -1.

        Of two keywords within the same chunk of the model (160 ms) the first counts.

        Parameters
        ----------
        pcm : (512,) int16, or a sequence of 512 whole numbers
            The next samples of the stream: 16 kHz, mono.

        Raises
        ------
        PorcupineInvalidArgumentError
            For a frame of another length or kind.
        PorcupineInvalidStateError
            After :meth:`delete`.
        """
        if self._ear is None:
            raise PorcupineInvalidStateError("this Porcupine was deleted: create another one")
        heard = self._ear.hear(_frame(pcm))
        return next((self._ear.words.index(one.word) for one in heard if isinstance(one, Wake)), -1)

    def delete(self) -> None:
        """Overwrite the sound that is held and let the model go. Safe to call twice."""
        ear, self._ear = self._ear, None
        if ear is not None:
            ear.restart(0)

    @property
    def version(self) -> str:
        """Wakegate's version."""
        version: str = importlib.import_module("wakegate").__version__
        return version

    @property
    def frame_length(self) -> int:
        """Samples a frame."""
        return FRAME_LENGTH

    @property
    def sample_rate(self) -> int:
        """Samples a second."""
        return SAMPLE_RATE


def create(
    access_key: str | None = None,
    library_path: str | None = None,
    model_path: str | None = None,
    device: str | None = None,
    keyword_paths: Sequence[str] | None = None,
    keywords: Sequence[str] | None = None,
    sensitivities: Sequence[float] | None = None,
) -> Porcupine:
    """Make an engine.

    Parameters
    ----------
    access_key, library_path, device : str, optional
        Accepted and ignored.
    model_path : str, optional
        A wakegate model, NAME.onnx; by default the installed one that knows the keywords.
    keyword_paths : sequence of str, optional
        MODEL.onnx/WORD each, as in ``KEYWORD_PATHS``, or a MODEL.onnx that knows one word; all of one model. Goes
        before ``keywords``, as in pvporcupine.
    keywords : sequence of str, optional
        Words, of ``KEYWORDS`` or of the model named.
    sensitivities : sequence of float, optional
        One a keyword, from 0 to 1; 0.5 each if not given.

    Raises
    ------
    PorcupineInvalidArgumentError
        For an unknown keyword, a sensitivity that cannot be mapped, or a file of Picovoice's.
    PorcupineIOError
        If the model cannot be read.
    """
    del access_key, library_path, device
    models = set() if model_path is None else {_model(Path(model_path))}
    if keyword_paths is not None:
        named = [_named(path) for path in _listed("keyword_paths", keyword_paths)]
        models |= {path for path, _ in named}
        wanted = [word for _, word in named]
    elif keywords is not None:
        wanted = _listed("keywords", keywords)
    else:
        raise PorcupineInvalidArgumentError("either `keywords` or `keyword_paths` must be set")
    if len(models) > 1:
        raise PorcupineInvalidArgumentError(
            f"one Porcupine hears with one model, these are {len(models)}: create one for each"
        )
    chosen = [MIDDLE] * len(wanted) if sensitivities is None else list(sensitivities)
    if len(chosen) != len(wanted):
        raise PorcupineInvalidArgumentError(
            f"{len(wanted)} keywords, but {len(chosen)} sensitivities: give one a keyword"
        )
    return _loaded(wanted, next(iter(models), None), chosen)


def available_devices(library_path: str | None = None) -> list[str]:
    """Return what the model can run on."""
    del library_path
    return ["cpu"]


def _loaded(wanted: list[str], path: Path | None, sensitivities: list[float]) -> Porcupine:
    """Load a model for these words, after checking that it has them."""
    try:
        models = catalogue.installed() if path is None else (manifest.read(path.with_suffix(".json")),)
        known = {entry.word for model in models for entry in model.words}
        for word in wanted:
            if catalogue.spelled(word) not in known:
                raise PorcupineInvalidArgumentError(
                    f"the keyword {word!r} is not known, and no other is taken for it: known are "
                    f"{', '.join(sorted(w.replace('_', ' ') for w in known))}"
                )
        scorer = load(wanted, path)
        values = zip(scorer.words, sensitivities, strict=True)
        thresholds = {word: threshold(scorer.manifest, word, value) for word, value in values}
        return Porcupine(Ear.open(None, thresholds, scorer), tuple(thresholds.values()))
    except ConfigError as error:
        raise PorcupineInvalidArgumentError(str(error)) from error
    except ModelError as error:
        raise PorcupineIOError(str(error)) from error


def _listed(name: str, given: Sequence[str]) -> list[str]:
    """Return a list of words or paths, each once."""
    listed = [] if isinstance(given, str) else [str(one) for one in given]
    if not listed or len({catalogue.spelled(one) for one in listed}) != len(listed):
        raise PorcupineInvalidArgumentError(f"`{name}` is {given!r}: give a list with each one once")
    return listed


def _model(path: Path) -> Path:
    """Return a model's file; Picovoice's own files are another engine's."""
    if path.suffix not in (".onnx", ".json"):
        raise PorcupineInvalidArgumentError(
            f"{str(path)!r} is no wakegate model (NAME.onnx): .ppn and .pv are files of Picovoice's engine alone; "
            f"leave them out and name keywords"
        )
    return path.expanduser().with_suffix(".onnx")


def _named(given: str) -> tuple[Path, str]:
    """Return model and word of one of ``keyword_paths``."""
    path = Path(given)
    if path.parent.suffix in (".onnx", ".json"):
        return _model(path.parent), path.name
    model = _model(path)
    try:
        words = manifest.read(model.with_suffix(".json")).words
    except ModelError as error:
        raise PorcupineIOError(str(error)) from error
    if len(words) != 1:
        raise PorcupineInvalidArgumentError(
            f"{given} knows {len(words)} words: name one of them, {given}/{words[0].word}"
        )
    return model, words[0].word


def _frame(pcm: Sequence[int]) -> Samples:
    """Return a frame as (512,) int16; numbers that int16 cannot hold are refused, not wrapped."""
    try:
        samples = np.asarray(pcm)
    except ValueError as error:
        raise PorcupineInvalidArgumentError("a frame is a row of numbers, got rows of different lengths") from error
    if samples.shape != (FRAME_LENGTH,) or samples.dtype.kind not in "iu":
        raise PorcupineInvalidArgumentError(
            f"a frame is {FRAME_LENGTH} whole numbers (16-bit samples), got {samples.dtype} of shape {samples.shape}"
        )
    if samples.dtype != np.int16 and (samples.min() < -(1 << 15) or samples.max() >= 1 << 15):
        raise PorcupineInvalidArgumentError("a frame holds numbers that are no 16-bit samples: give -32768 to 32767")
    return samples.astype(np.int16, copy=False)
