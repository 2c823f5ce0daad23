"""Shadow: several engines hear the same live sound at once, each in a thread of its own.

Owns the handing over: a bounded queue an engine, in private memory, zeroed as it is taken. Keeps what was heard and
never sound. A live engine that lags fails its stretch in plain words: nothing is dropped in silence. What fails for one
engine counts for none, so that all are judged on the same sound.
"""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ...audio.block import Samples
from ...audio.fifo import Fifo
from ...audio.memory import PrivateMemory
from ...errors import EngineError, WakegateError
from ...events import SAMPLE_RATE
from ..engines import Engine, Heard
from .live import PIECE, Live

QUEUE_S = 30
"""How far an engine may lag behind live sound: loading a large model takes as long."""
STRETCH = 600 * SAMPLE_RATE
"""Live sound is heard in stretches of so many samples: what was heard in one is safe when it ends."""
MOST_FAILURES = 3
"""Stretches in a row that may fail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Unbroken sound and what each engine heard in it.

    Parameters
    ----------
    start, samples : int
        Where it begins in all the sound that was heard, and how long it is.
    heard : tuple of tuple of Heard
        By engine; ``at`` counts from the stretch's start.
    failure : str
        Why it counts for no engine; empty if all went well.
    """

    start: int
    samples: int
    heard: tuple[tuple[Heard, ...], ...] = ()
    failure: str = ""


def shadow(engines: Sequence[Engine], live: Live, *, in_time: bool) -> Iterator[Stretch]:
    """Yield each stretch when all engines have heard it.

    Parameters
    ----------
    engines : sequence of Engine
        Each its own object: they run at the same time.
    live : Live
        The sound.
    in_time : bool
        Whether it comes in its own time. If not (a file), the engines set the pace, and it is one stretch.

    Raises
    ------
    EngineError
        When three stretches in a row have failed.
    """
    failures = 0
    for sound in live.stretches(STRETCH if in_time else None):
        start = live.heard
        ears = [_Ear(engine) for engine in engines]
        try:
            failure = _hand_over(sound, ears, in_time=in_time)
            for ear in ears:
                ear.queue.end()
            for ear in ears:
                ear.join()
        finally:  # whoever breaks it off waits for nobody, and nobody hears what still waits
            for ear in ears:
                ear.queue.drop()
        for ear in ears:
            if ear.broke is not None:
                raise ear.broke
        failure = failure or next(filter(None, (ear.failure for ear in ears)), "")
        heard = () if failure else tuple(ear.heard for ear in ears)
        yield Stretch(start=start, samples=live.heard - start, heard=heard, failure=failure)
        failures = failures + 1 if failure else 0
        if failures == MOST_FAILURES:
            raise EngineError(f"{failures} stretches in a row failed, the last because {failure}")


def _hand_over(sound: Iterator[Samples], ears: Sequence["_Ear"], *, in_time: bool) -> str:
    """Give every piece to every engine; return why that ended early, or nothing."""
    for ear in ears:
        ear.start()
    for piece in sound:
        for ear in ears:
            if not ear.queue.put(piece, patient=not in_time):
                for other in ears:
                    other.queue.drop()
                ear.join()
                return ear.failure or f"{ear.engine.name} lagged more than {QUEUE_S} s behind: this machine is too slow"
    return ""


class _Ear(threading.Thread):
    """One engine and its queue, for one stretch."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(daemon=True, name=f"ear of {engine.name}")
        self.engine = engine
        self.queue = _Queue()
        self.heard: tuple[Heard, ...] = ()
        self.failure = ""
        self.broke: Exception | None = None

    def run(self) -> None:
        """Hear until the queue ends."""
        try:
            self.heard = tuple(self.engine.hear(self.queue.pieces()))
        except WakegateError as error:
            self.failure = f"{self.engine.name}: {error}"
        except Exception as error:  # raised again where somebody reads it
            self.broke = error
        finally:
            self.queue.leave()


class _Queue:
    """Sound on its way from one thread to another."""

    def __init__(self) -> None:
        self._fifo = Fifo(2 * QUEUE_S * SAMPLE_RATE)
        self._changed = threading.Condition()
        self._ended = self._left = False

    def put(self, piece: Samples, *, patient: bool) -> bool:
        """Copy a piece in; False if nobody takes it, or there is no room and no patience."""
        data = piece.view(np.uint8).data
        with self._changed:
            while not self._left:
                if self._fifo.put(data):
                    self._changed.notify_all()
                    return True
                if not patient:
                    return False
                self._changed.wait()
        return False

    def end(self) -> None:
        """No more will come."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def drop(self) -> None:
        """End, and let nobody hear what still waits."""
        self.leave()
        self.end()

    def leave(self) -> None:
        """Nobody will take more; what waits is wiped."""
        with self._changed:
            self._left = True
            self._fifo.silence()
            self._changed.notify_all()

    def pieces(self) -> Iterator[Samples]:
        """Yield what comes as (n,) int16 in private memory, each valid until the next; wiped at the end."""
        memory = PrivateMemory(2 * PIECE)
        buffer: Samples = memory.array(np.int16, PIECE)
        try:
            while size := self._take(buffer):
                yield buffer[:size]
        finally:
            memory.wipe()

    def _take(self, buffer: Samples) -> int:
        """Wait for sound and return how many samples there are; 0 at the end."""
        with self._changed:
            while not (self._left or self._ended or self._fifo.waiting):
                self._changed.wait()
            size = 0 if self._left else self._fifo.take(buffer.view(np.uint8)) // 2
            self._changed.notify_all()
            return size
