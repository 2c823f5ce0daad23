"""What the gate's tests stand on: an ear and a source of our own; ledger, journal, ring, sealer are real.

A scene is drawn with quiet(), word(), almost() and speech(); every sample is noise at the bottom, so that a piece of it
is found at one place only.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyrage

from wakegate import testing
from wakegate.audio.block import Reading, Samples
from wakegate.consent.grant import Act, Grant, Surface
from wakegate.consent.ledger import Ledger
from wakegate.events import Event, Purpose
from wakegate.gate.frames import Info
from wakegate.journal.journal import Journal
from wakegate.wake.detector import WordTiming
from wakegate.wake.manifest import Manifest, WordEntry

RATE = 16_000
WORD_S = 0.6
MARK, ALMOST = 31_111, 30_222
MODEL = "c0ffee" * 10 + "beef"
KEY, SECRET = testing.reviewer()
IDENTITY = pyrage.x25519.Identity.from_str(SECRET)
ACT = Act(Surface.TEST, "a test said so")
_noise = np.random.default_rng(20261121)


class FakeEar:
    """Hears the word where samples carry its mark: score 1 for a step that ends it, 0.4 for the almost-word."""

    words = ("alexa",)
    step = 320
    needs = 1280

    def __init__(self) -> None:
        self.manifest = Manifest(
            name="fake",
            path=Path("/nowhere"),
            sha256=MODEL,
            words=(
                WordEntry(
                    word="alexa", threshold=0.5, timing=WordTiming(lag=0, crossing_lag=0, duration=round(WORD_S * RATE))
                ),
            ),
            chunk=320,
            step=320,
            context=320,
            floor=0.1,
            smoothing=1,
            refractory=16_000,
            fall=640,
        )
        self.heard = 0
        self._held = np.zeros(320, np.int16)
        self._count = 0

    def push(self, samples: Samples) -> np.ndarray:
        self.heard += len(samples)
        scores, at = [], 0
        while at < len(samples):
            piece = samples[at : at + 320 - self._count]
            self._held[self._count : self._count + len(piece)] = piece
            self._count += len(piece)
            at += len(piece)
            if self._count == 320:
                self._count = 0
                scores.append([1.0 if MARK in self._held else 0.4 if ALMOST in self._held else 0.0])
        return np.array(scores, np.float32).reshape(-1, 1)

    def reset(self) -> None:
        self._held[:] = 0
        self._count = 0


class Scene(list):
    """Pieces of sound, one after the other."""

    def quiet(self, seconds: float) -> "Scene":
        self.append(_noise.integers(-30, 31, round(seconds * RATE)))
        return self

    def word(self, mark: int = MARK) -> "Scene":
        sound = _noise.integers(-3000, 3001, round(WORD_S * RATE))
        sound[-1] = mark
        self.append(sound)
        return self

    def almost(self) -> "Scene":
        return self.word(ALMOST)

    def speech(self, seconds: float) -> "Scene":
        t = np.arange(round(seconds * RATE)) / RATE
        phase = 2 * np.pi * np.cumsum(120 * (1 + 0.1 * np.sin(2 * np.pi * 3 * t))) / RATE
        gains = [sum(np.exp(-(((120 * k - c) / b) ** 2)) for c, b in ((600, 150), (1200, 200))) for k in range(1, 25)]
        buzz = sum(gain * np.sin(k * phase) for k, gain in enumerate(gains, 1))
        self.append(6000 * buzz / np.abs(buzz).max() + _noise.integers(-30, 31, len(t)))
        return self

    def samples(self) -> np.ndarray:
        return np.concatenate(self).astype(np.int16)


class ScriptSource:
    """Plays samples; at given indices it first calls a function, which may return a gap."""

    name = "script"

    def __init__(self, samples: np.ndarray, script: dict[int, Callable[[], tuple | None]] | None = None) -> None:
        self.samples, self.at, self.wipes = samples, 0, 0
        self.script = dict(sorted((script or {}).items()))

    def read(self, out: Samples) -> Reading:
        for index in [index for index in self.script if index <= self.at]:
            gap = self.script.pop(index)()
            if gap is not None:
                return Reading(0, gap=gap)
        piece = self.samples[self.at : self.at + len(out)]
        out[: len(piece)] = piece
        self.at += len(piece)
        return Reading(len(piece), ended=self.at >= len(self.samples))

    def wipe(self) -> None:
        self.wipes += 1

    def close(self) -> None:
        pass


class Listener:
    """An assistant: keeps what it is given, by utterance."""

    def __init__(self) -> None:
        self.infos: list[Info] = []
        self.pieces: list[list[np.ndarray]] = []
        self.ends: list[object] = []

    def __call__(self, samples: Samples, info: Info) -> None:
        if info.reason is not None:
            self.ends.append(info.reason)
            return
        if not self.infos or self.infos[-1].id != info.id:
            self.infos.append(info)
            self.pieces.append([])
        self.pieces[-1].append(samples)

    def heard(self) -> list[np.ndarray]:
        return [np.concatenate(pieces) for pieces in self.pieces]


class World:
    """A place with its ledger and journal, and a clock that the test moves."""

    def __init__(self, path: Path) -> None:
        self.clock = testing.StillClock()
        self.place = testing.place(path / "state")

    def ledger(self) -> Ledger:
        return Ledger.open(self.place, self.clock, Journal.open(self.place, self.clock))

    def grant(self, *purposes: Purpose) -> list[Grant]:
        ledger = self.ledger()
        keyed = (Purpose.REVIEW, Purpose.FALSE_ACCEPT_REVIEW)
        return [ledger.grant(p, act=ACT, keys=(KEY,) if p in keyed else ()) for p in purposes]

    def journal_entries(self) -> list:
        return [entry for entry in Journal.open(self.place, self.clock).entries() if entry.kind != "ledger"]

    def clips(self, purpose: Purpose) -> list[Path]:
        return sorted(self.place.outbox(purpose).glob("*"))


def kinds(events: list[Event]) -> list[str]:
    """Return the events in short: kind, purpose and reason where there are."""
    return [
        " ".join(str(part) for part in (e.kind, getattr(e, "purpose", ""), getattr(e, "reason", "")) if part)
        for e in events
    ]


def find(piece: np.ndarray, whole: np.ndarray) -> int:
    """Return where ``piece`` lies in ``whole``; -1 if nowhere."""
    data, part = whole.tobytes(), piece.tobytes()
    at = data.find(part)
    while at % 2 == 1:
        at = data.find(part, at + 1)
    return at // 2 if at >= 0 else -1
