"""The release lock: shared while a block leaves, exclusive while a purpose is revoked.

Owns one flock on one file. Must never let a release go on without the lock: where it cannot be had, ``failed`` says so
and consent denies.
"""

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..chain.file import hold


class ReleaseLock:
    """The lock of one place, for all threads and processes.

    Parameters
    ----------
    path : Path
        The lock file; its folder must exist for a release to be possible.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._here = threading.local()

    @property
    def failed(self) -> bool:
        """Whether this thread is inside :meth:`shared` without holding the lock."""
        return getattr(self._here, "failed", False)

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Hold the lock beside other releases. May be nested."""
        if self._inside:
            yield
            return
        fd = self._take(exclusive=False)
        self._here.failed, self._here.inside, self._here.fd = fd is None, True, fd
        try:
            yield
        finally:
            self._here.failed, self._here.inside, self._here.fd = False, False, None
            if fd is not None:
                os.close(fd)

    @contextmanager
    def exclusive(self) -> Iterator[bool]:
        """Wait until no release is going on, and hold that; yields whether it could be had.

        Inside a release of this very thread (a sink that revokes) its own hold does not count.
        """
        own = self._here.fd if self._inside else None
        if own is not None:
            fcntl.flock(own, fcntl.LOCK_EX)
            try:
                yield True
            finally:
                fcntl.flock(own, fcntl.LOCK_SH)
            return
        fd = self._take(exclusive=True)
        try:
            yield fd is not None or not self._path.parent.exists()
        finally:
            if fd is not None:
                os.close(fd)

    @property
    def _inside(self) -> bool:
        return getattr(self._here, "inside", False)

    def _take(self, exclusive: bool) -> int | None:
        """Return a locked descriptor, None if the lock cannot be had."""
        try:
            return hold(self._path, exclusive)
        except OSError:
            return None
