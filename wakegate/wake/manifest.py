"""Manifest: what a model file says of itself, checked before it is believed.

Owns NAME.json beside NAME.onnx. Must never repair or guess: a field that is missing, of the wrong type or out of range
refuses the model.
"""

import errno
import hashlib
import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ..errors import ModelError, ModelMismatchError
from ..events import SAMPLE_RATE
from . import onnx_file, trunk
from .detector import DetectorConfig, WordTiming
from .levels import Thresholds, resolved

FORMAT = 2
"""1 had states that came out whole; here rows follow rows."""
MOST_WORDS, WORDS_BYTES = 32, 2000
"""How many words a model may know, and their length together: every line of the journal names all of them."""
MOST_SMOOTHING = 1000
MOST_BYTES = 1 << 26
"""Of either file; ours have a hundredth."""
LONGEST = 3 * SAMPLE_RATE
"""No word lasts longer or is heard later: what a clip holds begins where the word does."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingPoint:
    """What a threshold does, measured on people and sound kept out of training.

    Parameters
    ----------
    false_accepts : int
        Events in ``hours`` of sound without wake words; ``per_hour`` is their exact 95 % Poisson interval.
    missed, trials : int
        Of the word, in ``condition``; ``frr`` is its 95 % Wilson interval.
    """

    word: str
    threshold: float
    condition: str
    false_accepts: int
    hours: float
    per_hour: tuple[float, float]
    missed: int
    trials: int
    frr: tuple[float, float]

    def __post_init__(self) -> None:
        """Refuse what no measurement can give."""
        counted = 0 < self.hours < math.inf and self.false_accepts >= 0 and 0 <= self.missed <= self.trials
        (low, high), (least, most) = self.per_hour, self.frr
        if not (counted and 0 < self.threshold <= 1 and 0 <= low <= high < math.inf and 0 <= least <= most <= 1):
            raise ValueError(f"'operating_points': {self.word!r} at {self.threshold!r} is out of range")


@dataclass(frozen=True, slots=True, kw_only=True)
class WordEntry:
    """One word of a model: its threshold and where it lies before its score's peak, in samples."""

    word: str
    threshold: float
    timing: WordTiming


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a model is.

    Parameters
    ----------
    path : Path
        The model file.
    sha256 : str
        Of the model file.
    words : tuple of WordEntry
        In the order of the model's outputs.
    chunk, step, context : int
        Samples a call takes, samples between two scores, samples of past that a score depends on.
    floor : float
        Score that delimits candidates.
    smoothing : int
        Scores averaged.
    refractory, fall : int
        Longest candidate; how long a score stays below the floor to end one, in samples.
    trunk : str
        sha256 of the weights that all its words share (:func:`wakegate.wake.trunk.digest`): the installed model's,
        for a word of one's own made of it. Empty where the manifest does not say.
    """

    name: str
    path: Path
    sha256: str
    words: tuple[WordEntry, ...]
    chunk: int
    step: int
    context: int
    floor: float
    smoothing: int
    refractory: int
    fall: int
    operating_points: tuple[OperatingPoint, ...] = ()
    trunk: str = ""

    def __post_init__(self) -> None:
        """Refuse what no detector and no scorer can work with."""
        words = [entry.word for entry in self.words]
        ranges = {
            "'words': none, or one twice": bool(words) and len(set(words)) == len(words),
            "'words': too many or too long for a line of the journal": (
                len(words) <= MOST_WORDS and len(json.dumps(words)) <= WORDS_BYTES
            ),
            "'words': one holds what cannot be printed": all(word.isprintable() for word in words),
            "'words': one is empty, or has capitals or spaces, so that nobody can ask for it": all(
                word and word == "_".join(word.lower().split()) for word in words
            ),
            "'floor': not inside (0, 1)": 0 < self.floor < 1,
            "'threshold': below the floor or above 1": all(self.floor <= e.threshold <= 1 for e in self.words),
            "'duration': negative, or longer than a word": all(0 <= e.timing.duration <= LONGEST for e in self.words),
            "'lag', 'crossing_lag': longer than a word": all(
                max(abs(e.timing.lag), abs(e.timing.crossing_lag)) <= LONGEST for e in self.words
            ),
            "'step', 'fall', 'refractory': not 0 < step <= fall <= refractory": (
                0 < self.step <= self.fall <= self.refractory
            ),
            "'chunk': not a whole number of steps, or longer than a second": (
                0 < self.chunk <= SAMPLE_RATE and self.chunk % max(self.step, 1) == 0
            ),
            f"'smoothing': not 1 to {MOST_SMOOTHING}": 1 <= self.smoothing <= MOST_SMOOTHING,
            "'operating_points': of a word it does not know": {p.word for p in self.operating_points} <= set(words),
        }
        for wrong, right in ranges.items():
            if not right:
                raise ValueError(wrong)

    def entry(self, word: str) -> WordEntry:
        """Return one word's entry; ModelError naming the known ones if there is none."""
        for entry in self.words:
            if entry.word == word:
                return entry
        known = ", ".join(e.word for e in self.words)
        raise ModelError(f"model {self.name!r} does not know the word {word!r}: it knows {known}")

    def detector_config(self, words: Sequence[str], thresholds: Thresholds | None = None) -> DetectorConfig:
        """Return the detector's settings for some of the words, with other thresholds where given."""
        entries, points = [self.entry(word) for word in words], self.operating_points
        given = {word: resolved(value, self.entry(word).word, points) for word, value in (thresholds or {}).items()}
        return DetectorConfig(
            thresholds={e.word: given.get(e.word, e.threshold) for e in entries},
            timing={e.word: e.timing for e in entries},
            floor=self.floor,
            step=self.step,
            smoothing=self.smoothing,
            refractory=self.refractory,
            fall=self.fall,
        )

    def verified_bytes(self) -> bytes:
        """Return the model file, :meth:`verified`."""
        return self.verified()[0]

    def verified(self) -> tuple[bytes, onnx_file.Graph]:
        """Read the model file and check it, so that what is checked is what is loaded, by whatever engine.

        Raises
        ------
        ModelMismatchError
            If the file is not the one the manifest names, or hangs on another trunk.
        ModelError
            If it cannot be read, or is not of the known form: some engines would read further files for it, or run for
            ever.
        """
        try:
            data = _bounded(self.path)
        except OSError as error:
            raise ModelError(f"the model file {self.path} cannot be read ({error.strerror}): reinstall it") from error
        found = hashlib.sha256(data).hexdigest()
        if found != self.sha256:
            raise ModelMismatchError(
                f"{self.path} has sha256 {found[:12]}..., its manifest says {self.sha256[:12]}...: it is damaged or "
                f"another model; reinstall it"
            )
        try:
            graph = onnx_file.parse(data)
        except ValueError as error:
            raise ModelError(f"{self.path} is no model that wakegate loads: {error}") from error
        named = trunk.digest(graph.constants)
        if self.trunk and self.trunk != named:
            raise ModelMismatchError(
                f"{self.path} hangs on the trunk {named[:12]}..., its manifest says {self.trunk[:12]}...: what was "
                f"measured was another model; train or install it again"
            )
        return data, graph


def read(path: Path) -> Manifest:
    """Read and check a manifest file (NAME.json).

    Raises
    ------
    ModelError
        If it is missing, is not JSON, or lacks a field or has one of the wrong kind.
    """
    try:
        raw = json.loads(_bounded(path).decode("utf-8"))
    except OSError as error:
        raise ModelError(
            f"there is no manifest {path} ({error.strerror}): a model is NAME.onnx and NAME.json"
        ) from error
    except (ValueError, RecursionError) as error:
        raise ModelError(f"the manifest {path} is not JSON: reinstall the model") from error
    try:
        return _parse(path, raw)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise ModelError(f"the manifest {path} is wrong at {error}: reinstall the model") from error


def _bounded(path: Path) -> bytes:
    """Read a file; OSError if it is absurdly large."""
    with path.open("rb") as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
    return data


def _get(kind: type[T], key: str, source: Mapping[str, object]) -> T:
    """Return a field of exactly this kind; a whole number may stand where a float is meant."""
    value = source[key]
    if kind is float and type(value) is int:
        value = float(value)
    if type(value) is not kind:
        raise TypeError(f"{key!r}: {value!r} should be {kind.__name__}")
    return value


def _pair(key: str, source: Mapping[str, object]) -> tuple[float, float]:
    low, high = (_get(float, key, {key: value}) for value in _get(list, key, source))
    return low, high


def _point(raw: Mapping[str, object]) -> OperatingPoint:
    return OperatingPoint(
        word=_get(str, "word", raw),
        threshold=_get(float, "threshold", raw),
        condition=_get(str, "condition", raw),
        false_accepts=_get(int, "false_accepts", raw),
        hours=_get(float, "hours", raw),
        per_hour=_pair("per_hour", raw),
        missed=_get(int, "missed", raw),
        trials=_get(int, "trials", raw),
        frr=_pair("frr", raw),
    )


def _parse(path: Path, raw: dict[str, object]) -> Manifest:
    def get(kind: type[T], key: str, source: Mapping[str, object] = raw) -> T:
        return _get(kind, key, source)

    if get(int, "format") != FORMAT or get(int, "sample_rate") != SAMPLE_RATE:
        raise ValueError(
            f"'format' and 'sample_rate': this wakegate reads format {FORMAT} at {SAMPLE_RATE} Hz; a word of your "
            f"own is to be made anew"
        )
    words = tuple(
        WordEntry(
            word=get(str, "word", w),
            threshold=get(float, "threshold", w),
            timing=WordTiming(
                lag=get(int, "lag", w),
                crossing_lag=get(int, "crossing_lag", w),
                duration=get(int, "duration", w),
            ),
        )
        for w in get(list, "words")
    )
    return Manifest(
        name=get(str, "name"),
        path=path.with_suffix(".onnx"),
        sha256=get(str, "sha256"),
        words=words,
        chunk=get(int, "chunk"),
        step=get(int, "step"),
        context=get(int, "context"),
        floor=get(float, "floor"),
        smoothing=get(int, "smoothing"),
        refractory=get(int, "refractory"),
        fall=get(int, "fall"),
        operating_points=tuple(_point(p) for p in get(list, "operating_points")),
        trunk=get(str, "trunk") if "trunk" in raw else "",
    )
