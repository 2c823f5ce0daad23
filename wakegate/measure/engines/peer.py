"""A peer as an engine: one of ``peers/`` in a process of its own, which hears one recording after another.

Owns the agreement with it (``peers/__init__.py`` tells it), what stands for its events, and a new process where one
failed. Events are counted as ours are: scores by our detector, settings as :mod:`.settings` says. Must never import a
peer or its libraries here.
"""

import json
import os
import shutil
import sys
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...audio.block import Samples
from ...errors import ConfigError, EngineError
from ...events import SAMPLE_RATE
from ...wake import Candidate, Detection, Detector
from ...wake.catalogue import spelled
from ...wake.detector import DetectorConfig, WordTiming
from .engine import Heard
from .process import Process
from .said import LATE_S, check_count, heard
from .settings import SAME, strictest

NAMES = ("openwakeword", "pymicro-wakeword", "pvporcupine", "pocketsphinx", "snowboy")
TAIL = round(LATE_S * SAMPLE_RATE)
"""Silence after each recording, so that a word that ends with it is heard like any other."""
REFRACTORY, FALL = 2 * SAMPLE_RATE, 3 * SAMPLE_RATE // 10
"""Longest candidate, and how long a score stays below the floor to end one, in samples: as our models have them."""
START = "import sys; sys.path = [sys.argv[1], *filter(None, sys.path)]; import peers; del sys.path[0]; peers.main()"
"""Nothing of the folder that we are in is imported, and nothing of wakegate beside ``peers``."""
QUIET = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "ORT_DISABLE_TELEMETRY": "1"}
"""One core an engine, and onnxruntime writes no identity and sends nothing."""


def command(spec: str) -> list[str]:
    """Return what starts the peer of ``NAME[@PYTHON][:WORD,WORD]``; PYTHON is an interpreter or its environment."""
    whole, _, words = spec.partition(":")
    name, elsewhere, place = whole.partition("@")
    python = Path(place, "bin", "python") if Path(place).is_dir() else Path(place)
    if elsewhere and (not place or shutil.which(python) is None):
        raise ConfigError(f"{spec!r} names no Python that can be run: give an environment's folder, or its bin/python")
    named = [spelled(word) for word in words.split(",") if word.strip()]
    folder = str(Path(__file__).parent)
    return [str(python) if elsewhere else sys.executable, "-c", START, folder, name.replace("-", "_"), *named]


class Peer:
    """Somebody else's engine.

    Parameters
    ----------
    name : str
        As on the command line.
    words : sequence of str
        What starts it.
    limit_s : float
        How long it may take no sound; how long it may take to start, and to answer when the sound has ended.

    Raises
    ------
    ConfigError
        If it is not installed, or cannot be used.
    """

    def __init__(self, name: str, words: Sequence[str], limit_s: float) -> None:
        self.name = name
        self._words, self._limit_s = tuple(words), limit_s
        self._crossed: dict[str, int] = {}
        self._process: Process | None = None
        try:
            _, self._first = self._start()
            told = json.loads(self._first)
            if "unusable" in told:
                raise EngineError(told["unusable"])
            self._kind: Mapping[str, Any] = told["kind"]
            self.thresholds: Mapping[str, float] | None = dict(told["thresholds"])
            self._detector = _detector(self._kind, told["thresholds"]) if "step" in self._kind else None
            self.about: Mapping[str, object] = {**told["about"], **_counting(self._kind)}
        except (EngineError, ValueError, KeyError, TypeError) as error:
            raise ConfigError(f"{name} cannot be used: {error}") from error
        finally:
            self._stop()

    def hear(self, sound: Iterable[Samples]) -> list[Heard]:
        """Let it hear one recording; EngineError if it crashes, hangs or says what cannot be understood."""
        length = 0
        found: list[Heard] = []

        def framed() -> Iterator[bytes]:
            nonlocal length
            for piece in sound:
                length += len(piece)
                yield _framed(piece)
            yield _framed(np.zeros(TAIL, np.int16)) + bytes(4)

        if self._detector:
            self._detector.reset(self._kind["origin"])
        try:
            for line in self._running().lines(framed(), close=False):
                if line.startswith(b'{"heard"'):
                    _check_heard(line, length + TAIL)
                    break
                found += self._scored(line, length) if self._detector else [heard(line, length)]
                check_count(len(found), length)
            else:
                raise EngineError("it ended before it had answered")
        except BaseException:  # also what the sound raises: the next recording finds no half of this one
            self._stop()
            raise
        if self._detector:
            found += self._settled(self._detector.finish(), length)
        return strictest(found) if "settings" in self._kind else found

    def _scored(self, line: bytes, length: int) -> list[Heard]:
        """Return the candidates that a line of scores closes."""
        assert self._detector and self.thresholds
        try:
            scores = np.array(json.loads(line)["scores"], np.float32)
        except (ValueError, KeyError, TypeError) as error:
            raise EngineError(f"it said {line[:200]!r} where scores were expected") from error
        if scores.ndim != 2 or scores.shape[1] != len(self.thresholds) or not np.isfinite(scores).all():
            raise EngineError(f"it said {line[:200]!r}: a finite score for each word is expected, step by step")
        return self._settled(self._detector.push(scores), length)

    def _settled(self, events: Iterable[Detection | Candidate], length: int) -> list[Heard]:
        """Return the candidates: each when it reached its own threshold, as its users hear it, or else was highest."""
        found = []
        for one in events:
            if isinstance(one, Detection):
                self._crossed[one.word] = one.at
            else:
                at = self._crossed[one.word] if one.detected else one.at
                found.append(Heard(word=one.word, at=min(at, length), score=one.score))
        return found

    def _running(self) -> Process:
        """Return its process, a new one if there is none, as it was when it was asked about itself."""
        if self._process is not None:
            return self._process
        process, first = self._start()
        if first != self._first:
            raise EngineError("it tells another version or model of itself than at the start of this run")
        return process

    def _start(self) -> tuple[Process, bytes]:
        """Start it and return it with its first line."""
        self._process = process = Process(self._words, self._limit_s, {**os.environ, **QUIET})
        self._end = weakref.finalize(self, process.end)
        for line in process.lines(iter(()), close=False):
            return process, line
        raise EngineError("it ended at once and said nothing")

    def _stop(self) -> None:
        if self._process is not None:
            self._end()
            self._process = None


def _framed(piece: Samples) -> bytes:
    data = piece.astype("<i2").tobytes()
    return len(data).to_bytes(4, "little") + data if data else b""


def _check_heard(line: bytes, expected: int) -> None:
    """Refuse an answer about another length of sound than was given."""
    try:
        count = json.loads(line)["heard"]
    except (ValueError, KeyError, TypeError) as error:
        raise EngineError(f"it said {line[:200]!r} at the end of the sound") from error
    if count != expected:
        raise EngineError(f"it heard {count} of {expected} samples")


def _detector(kind: Mapping[str, Any], thresholds: Mapping[str, float]) -> Detector:
    nothing = WordTiming(lag=0, crossing_lag=0, duration=0)
    return Detector(
        DetectorConfig(
            thresholds=thresholds,
            timing=dict.fromkeys(thresholds, nothing),
            floor=kind["floor"],
            step=kind["step"],
            smoothing=1,
            refractory=REFRACTORY,
            fall=FALL,
        )
    )


def _counting(kind: Mapping[str, Any]) -> dict[str, object]:
    """Return how its events are counted, for the result."""
    if "step" in kind:
        return {"floor": kind["floor"], "refractory_s": REFRACTORY / SAMPLE_RATE, "fall_s": FALL / SAMPLE_RATE}
    return {"same_event_s": SAME / SAMPLE_RATE} if "settings" in kind else {}
