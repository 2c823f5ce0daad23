"""Live: a source's sound as unbroken stretches, counted, for engines that hear one stream at a time.

Owns the one buffer that the sound passes through, and the count behind every rate. Keeps no sound: the buffer is wiped
when the listening ends. A gap ends a stretch, and so does a source that has been still for some seconds.
"""

from collections.abc import Iterator

import numpy as np

from ...audio.block import Reading, Samples, Source
from ...audio.memory import PrivateMemory
from ...events import SAMPLE_RATE

PIECE = SAMPLE_RATE // 5
STILL_READS = 25
"""Empty readings in a row, each some 0.2 s, after which the stream counts as broken off."""


class Live:
    """Listens to a source until it ends, enough was heard, or :meth:`stop` is called.

    Parameters
    ----------
    source : Source
        Closed and wiped by :meth:`close`.
    most : int, optional
        Samples to hear; all that come if not given.

    Attributes
    ----------
    heard : int
        Samples given so far, what was lost not counted.
    gaps : int
        How often samples were lost.
    """

    def __init__(self, source: Source, most: int | None = None) -> None:
        self.heard = 0
        self.gaps = 0
        self._source = source
        self._most = most
        self._over = False
        self._memory = PrivateMemory(2 * PIECE)
        self._buffer: Samples = self._memory.array(np.int16, PIECE)

    def __enter__(self) -> "Live":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def name(self) -> str:
        """Words for people."""
        return self._source.name

    @property
    def hours(self) -> float:
        """Hours heard so far."""
        return self.heard / SAMPLE_RATE / 3600

    def stop(self) -> None:
        """End all stretches after the current piece. Safe from any thread and from a signal handler."""
        self._over = True

    def close(self) -> None:
        """Wipe, and give the source back. Safe to call twice."""
        self._over = True
        self._memory.wipe()
        self._source.close()

    def stretches(self, longest: int | None = None) -> Iterator[Iterator[Samples]]:
        """Yield unbroken stretches, each an iterator of (n,) int16 pieces that are valid until the next.

        Parameters
        ----------
        longest : int, optional
            Samples after which a stretch is ended although the sound goes on.

        Notes
        -----
        A stretch must be used up, or left for good, before the next is asked for. One begins when its first sound is
        there, never before.
        """
        while (first := self._next()) is not None:
            if first.count:
                yield self._stretch(first.count, longest)

    def _stretch(self, count: int, longest: int | None) -> Iterator[Samples]:
        """Yield the piece that is there, and on until something ends the stretch."""
        given = still = 0
        while True:
            if count:
                still = 0
                given += count
                self.heard += count
                yield self._buffer[:count]
            if longest is not None and given >= longest:
                return
            reading = self._next()
            if reading is None or reading.gap is not None:
                return
            count = reading.count
            still += not count
            if still >= STILL_READS:
                return

    def _next(self) -> Reading | None:
        """Read once; None when it is over."""
        if self._over or (self._most is not None and self.heard >= self._most):
            return None
        room = PIECE if self._most is None else min(PIECE, self._most - self.heard)
        reading = self._source.read(self._buffer[:room])
        self._over = self._over or reading.ended
        self.gaps += reading.gap is not None
        return reading
