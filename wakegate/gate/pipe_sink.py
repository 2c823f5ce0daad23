"""PipeSink: a live release to whoever reads a pipe.

Owns what it means that the reader of a pipe is gone: nobody can come back to it, as one can to a socket. What is
written, :class:`StreamSink` writes.
"""

import select
from collections.abc import Callable

from ..errors import ReaderGoneError
from .sinks import GONE, StreamSink


class PipeSink(StreamSink):
    """Writes frames to a pipe, until its reader is gone: noticed at the next write, and once a second between wakes.

    Parameters
    ----------
    fd : int
        As for :class:`StreamSink`.
    """

    def __init__(self, fd: int) -> None:
        super().__init__(fd)
        self._gone = False
        self._tell: Callable[[], None] = lambda: None
        self._poll = select.poll()
        self._poll.register(fd, 0)  # errors are told in any case: of a pipe, that nobody has its other end

    def when_gone(self, tell: Callable[[], None]) -> None:
        """Have this called, once, when the reader is gone."""
        self._tell = tell

    def check(self) -> None:
        """Raise ReaderGoneError if the reader was found gone."""
        if self._gone:
            raise ReaderGoneError(f"{GONE}, to which nobody can come back: start both again")

    def ready(self) -> bool:
        """Return False while the reader has not even taken the last end marker, or is gone."""
        if not self._gone and self._poll.poll(0):
            self._leave()
        return not self._gone and super().ready()

    def _put(self, *parts: bytes | memoryview) -> bool:
        try:
            return super()._put(*parts)
        except BrokenPipeError as error:
            self._leave()
            raise ReaderGoneError(GONE) from error

    def _leave(self) -> None:
        if not self._gone:
            self._gone = True
            self._tell()
