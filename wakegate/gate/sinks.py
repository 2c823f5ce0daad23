"""Sinks: where a live release goes.

Owns the way out of this process for ``assist``. A sink takes what it can at once and says how much: the Ring is the
queue, so a sink never holds samples, never waits and never starts a thread. Never decides what may leave.
"""

import os
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from ..audio.block import Samples
from ..errors import ConfigError, ReaderGoneError
from ..events import Purpose, Reason
from .frames import FRAME_SAMPLES, Info, end, header, prefix


@runtime_checkable
class Sink(Protocol):
    """Where a live release goes. No method ever blocks; any exception ends the release (SINK_FAILED)."""

    @property
    def purpose(self) -> Purpose:
        """What the audio is for. Live sinks serve ``assist`` alone."""
        ...

    def ready(self) -> bool:
        """Return whether somebody is there to take an utterance now.

        Asked at a wake, and once a second of sound while the gate is shut: whoever comes is taken in, and whoever is
        gone noticed. After an utterance that was cut short, asked with each block until it is so: what ``abort`` had no
        room for can be said then.
        """
        ...

    def open(self, info: Info) -> None:
        """Begin an utterance."""
        ...

    def write(self, samples: Samples) -> int:
        """Take samples (n,) int16 from the front of a read-only view; return how many, 0 when there is no room now."""
        ...

    def enough(self) -> bool:
        """Return whether whoever takes this utterance has heard enough: asked before each block, and ends it there."""
        ...

    def close(self, reason: Reason) -> bool:
        """End a whole utterance; False when there is no room to say so now (asked again with the next block)."""
        ...

    def abort(self, reason: Reason) -> None:
        """End an utterance that is cut short, as well as can be done at once."""
        ...


GONE = "the assistant closed its end of the pipe"


def failed_at(error: Exception) -> str:
    """Return an exception's type and where it was raised: never its text, which might hold samples."""
    if isinstance(error, ReaderGoneError):
        return GONE
    *_, (frame, line) = traceback.walk_tb(error.__traceback__)
    return f"{type(error).__name__} at {Path(frame.f_code.co_filename).name}:{line}"


class CallbackSink:
    """Hands released audio to a Python function.

    Parameters
    ----------
    function : callable
        ``function(samples, info)`` with samples (n,) int16 that are the function's own (a copy: a view of the Ring
        would later show sound that was never released), and an :class:`~wakegate.gate.frames.Info`. At the end it is
        called once with no samples and ``info.reason`` set. It runs in the listening loop and must be quick.

    Raises
    ------
    ConfigError
        For what cannot be called.
    """

    purpose = Purpose.ASSIST

    def __init__(self, function: Callable[[Samples, Info], None]) -> None:
        if not callable(function):
            raise ConfigError(f"assist is {type(function).__name__}: give function(samples, info), a Sink, or None")
        self._function = function
        self._info: Info | None = None

    def ready(self) -> bool:
        """Return True: a function is always there."""
        return True

    def open(self, info: Info) -> None:
        """Remember what is being said to whom."""
        self._info = info

    def write(self, samples: Samples) -> int:
        """Call the function with a copy of the samples; all are taken."""
        if self._info is not None:
            self._function(samples.copy(), self._info)
        return len(samples)

    def enough(self) -> bool:
        """Return False: a function takes what it is given."""
        return False

    def close(self, reason: Reason) -> bool:
        """Call the function a last time, with the reason."""
        info, self._info = self._info, None
        if info is not None:
            self._function(np.empty(0, np.int16), replace(info, reason=reason))
        return True

    def abort(self, reason: Reason) -> None:
        """Call the function a last time, with the reason."""
        self.close(reason)


class StreamSink:
    """Writes frames (:mod:`~wakegate.gate.frames`) to a descriptor: a pipe, stdout, a socket.

    A block and its prefix are one write of less than PIPE_BUF, which a pipe takes whole or not at all; what was not
    taken is offered again with the next block. Only headers and end markers are ever kept back, never samples.

    Parameters
    ----------
    fd : int
        An open descriptor. It is made non-blocking and is not closed by the sink.
    """

    purpose = Purpose.ASSIST

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._owed = b""
        self._sent = 0
        os.set_blocking(fd, False)

    def ready(self) -> bool:
        """Return False while the reader has not even taken the last end marker, or is gone."""
        try:
            return self._settle()
        except OSError:
            return False

    def open(self, info: Info) -> None:
        """Write the header line."""
        self._sent = 0
        self._owe(header(info))

    def write(self, samples: Samples) -> int:
        """Write as many whole blocks as there is room for."""
        taken = 0
        while taken < len(samples) and self._settle():
            part = samples[taken : taken + FRAME_SAMPLES]
            if not self._put(prefix(len(part)), part.data.cast("B")):
                break
            taken += len(part)
        self._sent += taken
        return taken

    def enough(self) -> bool:
        """Return False: nothing comes back through a pipe."""
        return False

    def close(self, reason: Reason) -> bool:
        """Write the end marker once everything before it has gone: owed now, it would wait for the next wake."""
        return self._settle() and self._put(end(reason, True, self._sent))

    def abort(self, reason: Reason) -> None:
        """Write the end marker, or owe it to a reader that has stopped reading: ``ready`` writes it, once it reads."""
        self._owe(end(reason, False, self._sent))

    def _owe(self, words: bytes) -> None:
        self._owed += words
        self._settle()

    def _settle(self) -> bool:
        """Write the words still owed; True when none are left."""
        if self._owed and self._put(self._owed):
            self._owed = b""
        return not self._owed

    def _put(self, *parts: bytes | memoryview) -> bool:
        try:
            count = os.writev(self._fd, parts)
        except BlockingIOError:
            return False
        if count != sum(len(part) for part in parts):
            raise OSError("the stream took only part of a block")
        return True
