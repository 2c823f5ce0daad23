"""Sound from a numpy array: for programs that hold it already, and for tests.

Owns the reading position. Never changes or wipes the array, which is the caller's; holds only what is being resampled.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import FormatError
from ..events import SAMPLE_RATE
from .block import Reading, Samples
from .resample import Converter, check_format


class ArraySource:
    """Read an array as if it were a file.

    Parameters
    ----------
    samples : (n,) or (n, channels) int16, float32 or float64
        The sound; floats are full scale at 1.0. Kept by reference, not copied.
    rate : int
        Frames a second, 8000 to 192000.
    channel : int, optional
        The channel to take, counted from 1; without it all are mixed by their mean.

    Raises
    ------
    FormatError
        For another type or shape, no samples, NaN or infinity, a rate or channel that cannot be.
    """

    def __init__(self, samples: NDArray[Any], rate: int = SAMPLE_RATE, channel: int | None = None) -> None:
        frames = _frames(samples)
        check_format("this array", rate, frames.shape[1], channel)
        self._frames = frames
        self._at = 0
        direct = rate == SAMPLE_RATE and frames.shape[1] == 1 and frames.dtype == np.int16
        dtype = "int16" if frames.dtype == np.int16 else "float32"
        self._converter = None if direct else Converter(rate, frames.shape[1], dtype, channel)

    @property
    def name(self) -> str:
        """Words for people and the journal."""
        return "array"

    def read(self, out: Samples) -> Reading:
        """Fill ``out`` (n,) int16; fewer come only at the end."""
        if self._converter is None:
            piece = self._frames[self._at : self._at + len(out), 0]
            out[: len(piece)] = piece
            self._at += len(piece)
            return Reading(len(piece), ended=self._at == len(self._frames))
        filled = self._converter.take(out)
        while filled < len(out) and self._at < len(self._frames):
            piece = self._frames[self._at : self._at + len(self._converter.inlet)]
            np.copyto(self._converter.inlet[: len(piece)], piece, casting="same_kind")
            self._at += len(piece)
            self._converter.push(len(piece), last=self._at == len(self._frames))
            filled += self._converter.take(out[filled:])
        return Reading(filled, ended=self._at == len(self._frames) and self._converter.waiting == 0)

    def wipe(self) -> None:
        """Overwrite what is being resampled; its time comes as silence."""
        if self._converter is not None:
            self._converter.wipe()

    def close(self) -> None:
        """Wipe, and let go of the array."""
        self.wipe()
        self._frames = self._frames[:0]
        self._at = 0


def _frames(samples: NDArray[Any]) -> NDArray[Any]:
    """Return the array as (n, channels), checked."""
    if samples.dtype not in (np.int16, np.float32, np.float64):
        raise FormatError(f"samples of type {samples.dtype}: give int16, or float32/float64 with full scale at 1.0")
    if samples.ndim not in (1, 2):
        raise FormatError(f"samples of shape {samples.shape}: give (n,) for one channel or (n, channels)")
    if samples.size == 0:
        raise FormatError("the array holds no samples: give at least one")
    frames = samples.reshape(len(samples), -1)
    if frames.shape[1] > len(frames) and frames.shape[1] > 32:
        raise FormatError(f"samples of shape {samples.shape} are {frames.shape[1]} channels: did you mean samples.T?")
    if frames.dtype != np.int16 and not np.isfinite(frames).all():
        raise FormatError(
            "the array holds NaN or infinity: clean it with numpy.nan_to_num, or look where they come from"
        )
    return frames
