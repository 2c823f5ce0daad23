"""Memory for sound: one private, locked, undumped mapping that can be zeroed for good; and what libraries free.

Owns the reason why sound never lies in ordinary heap memory: what malloc frees keeps its contents and cannot be found
again, while a mapping is ours until it is unmapped. Never grows, and is never shared with a child process.
"""

import ctypes
import mmap
import threading
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

_MADV_WIPEONFORK = 18  # Linux 4.14; Python 3.11 has no name for it
_M_PERTURB = -6  # glibc's malloc.h: fill what is freed with this byte
_MALLOPT = getattr(ctypes.CDLL(None), "mallopt", None)


class _FreesOverwritten:
    """Has malloc overwrite what is freed while anybody is inside, for libraries whose buffers we cannot reach.

    The setting is the whole process's: it stays while the last thread that needs it does. Nothing where libc has none.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0

    def __enter__(self) -> None:
        with self._lock:
            self._inside += 1
            if self._inside == 1:
                _perturb(0xFF)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                _perturb(0)


def _perturb(byte: int) -> None:
    if _MALLOPT is not None:
        _MALLOPT(_M_PERTURB, byte)


frees_overwritten = _FreesOverwritten()


class PrivateMemory:
    """A private anonymous mapping, zero at birth.

    Parameters
    ----------
    size : int
        Bytes wanted (rounded up to whole pages).

    Attributes
    ----------
    locked : bool
        The system keeps it out of swap (``mlock``; refused beyond ``ulimit -l``).
    undumpable : bool
        The system keeps it out of core dumps (``MADV_DONTDUMP``).
    wiped_on_fork : bool
        A forked child finds zeros here (``MADV_WIPEONFORK``).
    """

    def __init__(self, size: int) -> None:
        # Python's own default is MAP_SHARED: a file in shmem, which children would inherit.
        self._map = mmap.mmap(-1, max(size, 1), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self._bytes = np.frombuffer(self._map, dtype=np.uint8)
        self.undumpable = self._advise(getattr(mmap, "MADV_DONTDUMP", None))
        self.wiped_on_fork = self._advise(_MADV_WIPEONFORK)
        self.locked = _lock(self._bytes.ctypes.data, len(self._bytes))

    def array(self, dtype: DTypeLike, count: int) -> NDArray[Any]:
        """Return the first ``count`` values as a writable (count,) array: a view, nothing is copied."""
        return np.frombuffer(self._map, dtype=dtype, count=count)

    def readonly(self, dtype: DTypeLike, count: int) -> NDArray[Any]:
        """Return the same as a read-only view, which nobody can turn writable again."""
        return np.frombuffer(memoryview(self._map).toreadonly(), dtype=dtype, count=count)

    def view(self) -> memoryview:
        """Return all of it as writable bytes."""
        return memoryview(self._map)

    def wipe(self) -> None:
        """Overwrite all of it with zeros."""
        self._bytes.fill(0)

    def close(self) -> None:
        """Wipe; the mapping itself goes when the last view of it goes."""
        self.wipe()

    def _advise(self, advice: int | None) -> bool:
        if advice is None:
            return False
        with suppress(OSError):
            self._map.madvise(advice)
            return True
        return False

    def __repr__(self) -> str:
        """Show the size, never the contents."""
        return f"PrivateMemory({len(self._bytes)} bytes)"


def _lock(address: int, size: int) -> bool:
    try:
        library = ctypes.CDLL(None)
        return bool(library.mlock(ctypes.c_void_p(address), ctypes.c_size_t(size)) == 0)
    except (OSError, AttributeError):
        return False
