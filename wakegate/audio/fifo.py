"""The bounded queue between PortAudio's thread and ours, in private memory.

Owns sound for the moments between its arrival and its reading: slots are zeroed as they are taken. One thread puts, one
takes; each changes only its own counter, so neither ever waits for the other. Never grows and never allocates.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .memory import PrivateMemory


class Fifo:
    """Queue bytes of whole frames.

    Parameters
    ----------
    size : int
        Bytes it can hold.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        memory = PrivateMemory(size)
        self._bytes: NDArray[np.uint8] = memory.array(np.uint8, size)
        self._view = memory.view()
        self._put = 0
        self._taken = 0

    @property
    def waiting(self) -> int:
        """Bytes that are there to be taken."""
        return self._put - self._taken

    def put(self, data: Any) -> bool:
        """Queue all bytes of a buffer, or none where there is no room (then False)."""
        count = len(data)
        if count > self._size - self.waiting:
            return False
        at = self._put % self._size
        first = min(count, self._size - at)
        source = memoryview(data)
        self._view[at : at + first] = source[:first]
        self._view[: count - first] = source[first:]
        self._put += count
        return True

    def take(self, out: NDArray[np.uint8]) -> int:
        """Move bytes into ``out`` (n,) uint8, zero their slots and return how many."""
        count = min(len(out), self.waiting)
        at = self._taken % self._size
        first = min(count, self._size - at)
        out[:first] = self._bytes[at : at + first]
        out[first:count] = self._bytes[: count - first]
        self._zero(self._taken, count)
        self._taken += count
        return count

    def silence(self) -> None:
        """Zero what is waiting and keep its place in time."""
        self._zero(self._taken, self.waiting)

    def _zero(self, start: int, count: int) -> None:
        at = start % self._size
        first = min(count, self._size - at)
        self._bytes[at : at + first] = 0
        self._bytes[: count - first] = 0
