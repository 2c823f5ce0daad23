"""Sound from a pipe: raw PCM, 16-bit little-endian, as ``arecord -t raw`` and ``ffmpeg -f s16le`` write it.

Owns reading a live stream without waiting longer than needed. Reads straight from the descriptor: Python's buffered
readers would keep a copy of the sound in a buffer that nobody can wipe. Never guesses a format: a WAV header in the
pipe is an error that says so.
"""

import os
import select
from time import monotonic
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ..errors import FormatError
from ..events import SAMPLE_RATE
from .block import Reading, Samples
from .memory import PrivateMemory
from .resample import Converter, check_format

_WAIT_S = 0.2  # for the first piece, then for the rest: long enough to sleep well, short enough for revocation, Ctrl-C
_HEADERS = {b"RIFF": "a WAV file", b"fLaC": "a FLAC file", b"OggS": "an OGG file"}


class RawSource:
    """Read interleaved int16 little-endian PCM from a binary stream.

    Parameters
    ----------
    stream : BinaryIO
        Opened for reading, for example ``sys.stdin.buffer``; nothing may have been read from it. Left open by
        :meth:`close`: it belongs to the caller.
    rate : int
        Frames a second, 8000 to 192000.
    channels : int
        Values in a frame; all are mixed by their mean.
    name : str
        Words for people and the journal.
    channel : int, optional
        The channel to take instead, counted from 1.

    Raises
    ------
    FormatError
        For a rate or channel count that cannot be, and for a terminal.
    """

    def __init__(
        self,
        stream: BinaryIO,
        rate: int = SAMPLE_RATE,
        channels: int = 1,
        name: str = "stdin",
        channel: int | None = None,
    ) -> None:
        check_format(name, rate, channels, channel)
        self._stream: Any = getattr(stream, "raw", stream)
        self._fd = _descriptor(self._stream)
        if self._fd is not None and os.isatty(self._fd):
            raise FormatError(f"{name} is a terminal, not sound: pipe into it, or name a file")
        self._name = name
        self._frame = 2 * channels
        direct = rate == SAMPLE_RATE and channels == 1
        self._converter = None if direct else Converter(rate, channels, "int16", channel)
        self._carry = PrivateMemory(self._frame).array(np.uint8, self._frame)  # a frame that came in part
        self._carried = 0
        self._total = 0
        self._eof = False

    @property
    def name(self) -> str:
        """Words for people and the journal."""
        return self._name

    def read(self, out: Samples) -> Reading:
        """Fill ``out`` (n,) int16 with what the pipe has, waiting 200 ms for any, and once more for the rest.

        Raises
        ------
        FormatError
            Where the stream ends without any sound or inside a sample, or begins with a file's header.
        """
        filled = self._receive(out) if self._converter is None else self._convert(self._converter, out)
        waiting = 0 if self._converter is None else self._converter.waiting
        if self._eof and filled == 0:  # what came whole was delivered first
            self._check_end()
        return Reading(filled, ended=self._eof and self._carried == 0 and waiting == 0)

    def wipe(self) -> None:
        """Overwrite what is being resampled, and a sample that came in part."""
        self._carry.fill(0)
        if self._converter is not None:
            self._converter.wipe()

    def close(self) -> None:
        """Wipe; the stream stays the caller's."""
        self.wipe()
        self._eof = True

    def _convert(self, converter: Converter, out: Samples) -> int:
        filled = converter.take(out)
        while filled < len(out) and not self._eof:
            count = self._receive(converter.inlet)
            if count == 0 and not self._eof:
                break
            converter.push(count, last=self._eof)
            filled += converter.take(out[filled:])
        return filled

    def _receive(self, frames: NDArray[Any]) -> int:
        """Read whole frames into the front of ``frames`` (contiguous int16); return how many."""
        room = frames.reshape(-1).view(np.uint8)
        have = self._carried
        room[:have] = self._carry[:have]
        deadline = monotonic() + _WAIT_S
        while have < len(room) and not self._eof and self._ready(deadline):
            got = self._stream.readinto(room[have:])
            if have == self._carried:
                deadline = monotonic() + _WAIT_S
            self._eof = got == 0
            have += got or 0
            self._total += got or 0
        self._check_start(room, have)
        whole = have // self._frame
        self._carried = have - whole * self._frame
        rest = room[whole * self._frame : have]
        self._carry[: self._carried] = rest
        rest.fill(0)
        return whole

    def _ready(self, deadline: float) -> bool:
        if self._fd is None:
            return True
        return bool(select.select([self._fd], [], [], max(0.0, deadline - monotonic()))[0])

    def _check_start(self, room: NDArray[np.uint8], have: int) -> None:
        if self._total == have >= 4 and (kind := _HEADERS.get(bytes(room[:4]))):
            raise FormatError(
                f"{self._name} carries {kind}, not raw samples: give the file's name instead of -, "
                "or send raw PCM (`arecord -t raw`, `ffmpeg -f s16le`)"
            )

    def _check_end(self) -> None:
        if self._total == 0:
            raise FormatError(
                f"{self._name} gave no sound (0 bytes): pipe into it, for example "
                "`arecord -q -f S16_LE -r 16000 -c 1 -t raw | wakegate listen --input -`"
            )
        if self._carried:
            raise FormatError(
                f"{self._name} ended inside a sample ({self._carried} of {self._frame} bytes, {self._total} in all): "
                "send 16-bit little-endian samples and say how many channels there are"
            )


def _descriptor(stream: Any) -> int | None:
    try:
        return int(stream.fileno())
    except (OSError, AttributeError):  # io.BytesIO and the like
        return None
