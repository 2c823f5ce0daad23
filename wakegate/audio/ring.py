"""The Ring: the only holder of past audio, bounded, locked in memory and wiped on demand.

Owns where a sample lies and for how long. Sources write into the slice that :meth:`Ring.lend` gives them, so that no
second copy of the sound is ever made. Never hands out writable past audio, and never copies it.
"""

import numpy as np

from ..errors import AudioError, ConfigError
from .block import Block, Samples
from .memory import PrivateMemory


class Ring:
    """Hold the last samples of a stream in private memory.

    Sample ``i`` of the stream lies at ``i % capacity``. It is held from :meth:`commit` until :meth:`forget`,
    :meth:`skip` or :meth:`wipe`, or until the ring laps.

    Parameters
    ----------
    capacity : int
        Samples it can hold, at 16 kHz. A multiple of the block length keeps every lent slice whole.

    Raises
    ------
    ConfigError
        Where the capacity is below 1.
    """

    def __init__(self, capacity: int) -> None:
        if capacity < 1:
            raise ConfigError(f"a ring holds at least 1 sample, got {capacity}: give its length in samples")
        self.capacity = capacity
        self._memory = PrivateMemory(2 * capacity)
        self._samples: Samples = self._memory.array(np.int16, capacity)
        self._readable: Samples = self._memory.readonly(np.int16, capacity)
        self._start = 0
        self._end = 0
        self._lent = 0
        self._closed = False

    @property
    def start(self) -> int:
        """Index of the oldest sample held."""
        return self._start

    @property
    def end(self) -> int:
        """Index of the next sample to come."""
        return self._end

    @property
    def coming(self) -> int:
        """Index after what is lent: whatever is said now ends no earlier."""
        return self._end + self._lent

    @property
    def locked(self) -> bool:
        """Whether the system keeps the ring out of swap."""
        return self._memory.locked

    @property
    def undumpable(self) -> bool:
        """Whether the system keeps the ring out of core dumps."""
        return self._memory.undumpable

    def lend(self, n: int) -> Samples:
        """Lend a slice to be filled; what lay there is no longer held.

        Parameters
        ----------
        n : int
            Samples wanted, at least 1.

        Returns
        -------
        (<=n,) int16
            A writable view, shorter than ``n`` only where the ring wraps.

        Raises
        ------
        AudioError
            After :meth:`close`, or for ``n`` below 1.
        """
        if self._closed or n < 1:
            raise AudioError("this ring is closed: make a new one" if self._closed else f"cannot lend {n} samples")
        at = self._end % self.capacity
        count = min(n, self.capacity - at)
        self._lent = max(self._lent, count)
        self._start = max(self._start, self._end + self._lent - self.capacity)
        return self._samples[at : at + count]

    def commit(self, count: int) -> Block:
        """Take the first ``count`` samples of the lent slice into the stream, and zero the rest of the slice.

        Returns
        -------
        Block
            A read-only view of them, valid until the next slice is lent.

        Raises
        ------
        AudioError
            Where more is committed than was lent.
        """
        if not 0 <= count <= self._lent:
            raise AudioError(f"{count} samples committed where {self._lent} were lent: lend() comes before commit()")
        start, at = self._end, self._end % self.capacity
        if count < self._lent:
            self._samples[at + count : at + self._lent] = 0
        self._lent = 0
        self._end += count
        return Block(self._readable[at : at + count], start)

    def pieces(self, start: int, end: int) -> tuple[Samples, ...]:
        """Return samples [start, end) as one or two read-only views, in order.

        Raises
        ------
        AudioError
            Where the ring does not hold all of them.
        """
        if not self._start <= start <= end <= self._end:
            raise AudioError(
                f"samples {start} to {end} are not held: the ring has {self._start} to {self._end} "
                "(read them sooner, or make the ring longer)"
            )
        first = start % self.capacity
        last = first + end - start
        if last <= self.capacity:
            return (self._readable[first:last],)
        return self._readable[first:], self._readable[: last - self.capacity]

    def forget(self, before: int) -> None:
        """Zero every sample older than index ``before``; costs only what newly fell out."""
        before = min(before, self._end)
        if before <= self._start:
            return
        first = self._start % self.capacity
        last = first + before - self._start
        self._samples[first:last] = 0
        if last > self.capacity:
            self._samples[: last - self.capacity] = 0
        self._start = before

    def skip(self, n: int) -> None:
        """Count ``n`` lost samples (>= 0): zero everything and go on ``n`` indices later.

        Raises
        ------
        AudioError
            For a negative ``n``: indices never go back.
        """
        if n < 0:
            raise AudioError(f"cannot skip {n} samples: indices never go back")
        self.wipe()
        self._end += n
        self._start = self._end

    def wipe(self) -> None:
        """Zero everything, the lent slice included; indices go on."""
        self._memory.wipe()
        self._lent = 0
        self._start = self._end

    def close(self) -> None:
        """Wipe and lend no more. Safe to call twice."""
        self.wipe()
        self._memory.close()
        self._closed = True

    def __repr__(self) -> str:
        """Show the bounds, never the samples."""
        return f"Ring(capacity={self.capacity}, start={self._start}, end={self._end})"
