"""From any rate, channel count and sample type to 16 kHz mono int16, as a stream.

Owns the one conversion that all sources share: pick or mix channels, resample by soxr, round. Works in private memory;
the arrays that soxr returns lie in the heap and are overwritten before they are dropped. Never changes a sample that
needs no change: int16 at 16 kHz in one channel does not come here at all.

Why soxr is fed float32 in int16 units: its int16 output adds dither, and the same sound must give the same samples.
"""

import math
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from ..errors import FormatError
from ..events import SAMPLE_RATE
from .block import Samples
from .memory import PrivateMemory, frees_overwritten

LOWEST_RATE = 8_000
HIGHEST_RATE = 192_000
MOST_CHANNELS = 1024  # as many as libsndfile takes; memory is set aside for each
_CHUNK_S = 0.08
_SPARE = SAMPLE_RATE  # soxr delivers in bursts: room for one second more than the chunk


def check_format(what: str, rate: int, channels: int, channel: int | None) -> None:
    """Say what is wrong with a stream's format.

    Raises
    ------
    FormatError
        For a rate outside 8 to 192 kHz, too many channels, or a channel (from 1) that the stream does not have.
    """
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise FormatError(
            f"{what} has {rate} samples a second, outside {LOWEST_RATE} to {HIGHEST_RATE}: record it at 16000 or more"
        )
    if not 1 <= channels <= MOST_CHANNELS:
        raise FormatError(f"{what} has {channels} channels: sound has at least one, and {MOST_CHANNELS} at most here")
    if channel is not None and not 1 <= channel <= channels:
        raise FormatError(f"{what} has no channel {channel}: choose 1 to {channels}, or none to mix them all")


class Converter:
    """Turn frames into 16 kHz mono int16, whatever the size in which they come.

    Fill the front of :attr:`inlet`, call :meth:`push`, then :meth:`take` until :attr:`waiting` is 0.

    Parameters
    ----------
    rate : int
        Frames a second that come in.
    channels : int
        Values in a frame.
    dtype : {"int16", "float32"}
        Their type; float32 is full scale at 1.0 and is clipped beyond.
    channel : int, optional
        The channel to take, counted from 1; without it all are mixed by their mean.

    Attributes
    ----------
    inlet : (n, channels) int16 or float32
        80 ms of private memory to be filled by the source.
    """

    def __init__(self, rate: int, channels: int, dtype: str, channel: int | None = None) -> None:
        frames = math.ceil(rate * _CHUNK_S)
        self._scale = np.float32(1.0 if dtype == "int16" else 32768.0)
        self._channel = channel
        self._inlet_memory = PrivateMemory(frames * channels * np.dtype(dtype).itemsize)
        self.inlet: NDArray[Any] = self._inlet_memory.array(dtype, frames * channels).reshape(frames, channels)
        self._frame_memory = PrivateMemory(4 * frames * channels)
        self._floats: NDArray[np.float32] = self._frame_memory.array(np.float32, frames * channels)
        self._mono_memory = PrivateMemory(4 * frames)
        self._mono: NDArray[np.float32] = self._mono_memory.array(np.float32, frames)
        self._soxr = None if rate == SAMPLE_RATE else soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype="float32")
        room = math.ceil(frames * SAMPLE_RATE / rate) + _SPARE
        self._out_memory = PrivateMemory(2 * room)
        self._out: Samples = self._out_memory.array(np.int16, room)
        self._first = 0
        self._last = 0

    @property
    def waiting(self) -> int:
        """Samples that are ready to be taken."""
        return self._last - self._first

    def push(self, count: int, *, last: bool = False) -> None:
        """Convert the first ``count`` frames of the inlet; ``last`` flushes what the resampler still holds.

        All earlier samples must have been taken.
        """
        mono = self._mix(count)
        self._first = self._last = 0
        if self._soxr is None:
            self._store(mono)
        else:
            with frees_overwritten:  # soxr outgrows its buffers, and frees them as they are
                made = self._soxr.resample_chunk(mono, last=last)
                self._store(made)
                made.fill(0)
                if last:
                    # soxr takes nothing more until it is cleared, not even the silence that overwrites its buffers.
                    self._soxr.clear()
                    self._flush(self._soxr)
        mono.fill(0)

    def take(self, out: Samples) -> int:
        """Move ready samples into ``out`` (n,) int16 and zero them here; return how many."""
        count = min(len(out), self.waiting)
        ready = self._out[self._first : self._first + count]
        out[:count] = ready
        ready.fill(0)
        self._first += count
        return count

    def wipe(self) -> None:
        """Overwrite all sound held here. Its place in time is kept: what was waiting will come as silence."""
        owed = self.waiting
        if self._soxr is not None:
            owed += round(self._soxr.delay())
            self._flush(self._soxr)
        for memory in (self._inlet_memory, self._frame_memory, self._mono_memory, self._out_memory):
            memory.wipe()
        self._first, self._last = 0, min(owed, len(self._out))

    def restart(self) -> None:
        """Overwrite all sound held here and begin a new stream: nothing is owed."""
        self.wipe()
        self._last = 0

    def _flush(self, stream: soxr.ResampleStream) -> None:
        # Where malloc does not overwrite what clear() frees, silence went through it first.
        self._mono.fill(0)
        with frees_overwritten:
            for _ in range(round(1 / _CHUNK_S)):
                stream.resample_chunk(self._mono).fill(0)
            stream.clear()

    def _mix(self, count: int) -> NDArray[np.float32]:
        """Return (count,) float32 in int16 units, in scratch of ours."""
        frames, channels = self.inlet[:count], self.inlet.shape[1]
        mono = self._mono[:count]
        if channels == 1 or self._channel is not None:
            np.copyto(mono, frames[:, (self._channel or 1) - 1])
        else:
            # Cast first: numpy's reductions cast through heap buffers that would keep the sound.
            floats = self._floats[: count * channels].reshape(count, channels)
            np.copyto(floats, frames)
            np.add.reduce(floats, axis=1, out=mono)
            floats.fill(0)
            # Not np.mean: it divides by an integer, in float64, through such a buffer.
            np.divide(mono, np.float32(channels), out=mono)
        frames.fill(0)
        np.multiply(mono, self._scale, out=mono)
        return mono

    def _store(self, values: NDArray[np.float32]) -> None:
        np.rint(values, out=values)
        np.clip(values, -32768, 32767, out=values)
        np.copyto(self._out[: len(values)], values, casting="unsafe")
        self._last = len(values)
