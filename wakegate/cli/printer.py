"""Printer: lines for a reader who may pause, written by a thread of its own.

Owns the bounded queue between whoever listens and whoever reads. A pipe that nobody reads, a terminal that was stopped
and a disk that hangs hold a write up for as long as they like, and no flag is ours to set on them: other programs have
them too. So the listening only puts a line into the queue; what has no room there is left out, counted, and told as
soon as there is room. Writes past Python's buffer, whose lock a thread that is held up would keep for ever.
"""

import errno
import os
import queue
import select
import sys
import threading
from collections.abc import Callable, Iterator
from typing import TextIO

from .journald import Priority
from .terminal import say

MOST = 1000
"""Lines that wait for the reader."""
WAIT_S = 2.0
"""How long a reader is waited for at the end."""


class Printer:
    """Prints lines on one stream, from one thread, until :meth:`close`.

    Parameters
    ----------
    out : TextIO
        Where; others may write whole lines there too.
    lost : callable
        Gives the line that says how many were left out.
    gone : callable, optional
        Called in the printer's thread when the reader is gone.
    most, wait_s : int, float
        Lines that wait, and seconds at the end.
    """

    def __init__(
        self,
        out: TextIO,
        lost: Callable[[int], str],
        gone: Callable[[], None] = lambda: None,
        *,
        most: int = MOST,
        wait_s: float = WAIT_S,
    ) -> None:
        out.flush()
        self._out, self._lost, self._gone, self._wait_s = out, lost, gone, wait_s
        # A finalizer that runs within a put may put something in itself: a queue.Queue would wait for itself for ever.
        self._waiting: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._most = most
        self._left_out = 0
        self._trouble: OSError | None = None
        self._thread = threading.Thread(target=self._run, name="printer", daemon=True)
        self._thread.start()

    def put(self, line: str) -> None:
        """Have a line printed, or leave it out where too many wait; OSError where nobody can read any more."""
        if self._trouble is not None:
            raise self._trouble.with_traceback(None)  # which would grow with every line
        self._tell_lost()
        if self._left_out or not self._takes(line):
            self._left_out += 1

    def close(self) -> None:
        """Wait a little until all is read, say on stderr what was not; OSError where nobody could read any more."""
        self._waiting.put(None)
        self._thread.join(self._wait_s)
        if self._trouble is not None:
            raise self._trouble
        if self._thread.is_alive() and _has_room(sys.stderr):  # which the same reader may hold up
            unread = self._left_out + self._waiting.qsize()  # the None stands for the line in the thread's hands
            say(f"wakegate: {unread} lines were left out at the end: nobody read them", Priority.WARNING)

    def _tell_lost(self) -> None:
        """Have the count of what was left out printed, if there is any and room for it."""
        if self._left_out and self._takes(self._lost(self._left_out)):
            self._left_out = 0

    def _takes(self, line: str) -> bool:
        if room := self._waiting.qsize() < self._most:
            self._waiting.put(line)
        return room

    def _lines(self) -> Iterator[str]:
        """Yield what is to be printed, as it comes; at the end how much was left out."""
        yield from iter(self._waiting.get, None)
        if self._left_out:
            yield self._lost(self._left_out)

    def _run(self) -> None:
        for line in self._lines():
            try:
                self._write(f"{line}\n")
            except OSError as error:
                if error.errno not in (errno.ENOSPC, errno.EDQUOT):  # a full disk is no reason to stop listening
                    self._trouble = error
                    self._gone()
                    return

    def _write(self, text: str) -> None:
        try:
            descriptor = self._out.fileno()
        except (OSError, ValueError):  # no file of the system's, which could hold anybody up
            self._out.write(text)
            return
        left = text.encode(self._out.encoding, self._out.errors or "strict")
        while left:
            try:
                left = left[os.write(descriptor, left) :]
            except BlockingIOError:  # another program's flag
                _room(descriptor, None)


def _has_room(stream: TextIO) -> bool:
    """Whether a stream takes a line at once."""
    try:
        return _room(stream.fileno(), 0)
    except (OSError, ValueError):  # no file of the system's
        return True


def _room(descriptor: int, wait_ms: int | None) -> bool:
    """Wait until a descriptor takes a line, as long as it takes if None; return whether it does."""
    asked = select.poll()
    asked.register(descriptor, select.POLLOUT)
    return bool(asked.poll(wait_ms))
