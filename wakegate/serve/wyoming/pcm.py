"""PCM of any rate, width and channel count to 16 kHz mono int16.

Owns the widths: 8 bit unsigned, 16, 24 and 32 bit signed, little endian. The rest is :mod:`wakegate.audio.resample`'s.
Works in private memory, and keeps nothing that was handed over.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...audio.block import Samples
from ...audio.memory import PrivateMemory
from ...audio.resample import HIGHEST_RATE, LOWEST_RATE, Converter
from ...errors import ClientError

MOST_CHANNELS = 32
MOST_WIDTH = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A client's sound: frames a second, bytes in a sample, samples in a frame.

    Raises
    ------
    ClientError
        Where one is no whole number or out of bounds.
    """

    rate: int
    width: int
    channels: int

    def __post_init__(self) -> None:
        """Hold every value to its bounds."""
        bounds = {"rate": (LOWEST_RATE, HIGHEST_RATE), "width": (1, MOST_WIDTH), "channels": (1, MOST_CHANNELS)}
        for name, (low, high) in bounds.items():
            value = getattr(self, name)
            if type(value) is not int or not low <= value <= high:
                raise ClientError("bad-audio", f"{name} must be a whole number from {low} to {high}")

    @property
    def frame(self) -> int:
        """Bytes in a frame."""
        return self.width * self.channels


class Inlet:
    """Turn a client's bytes into samples: fill the front of :attr:`room`, :meth:`push`, then :meth:`take` them all.

    Parameters
    ----------
    form : Format
        What the bytes are.

    Attributes
    ----------
    room : memoryview
        80 ms of private memory, whole frames.
    """

    def __init__(self, form: Format) -> None:
        self.form = form
        self._converter = Converter(form.rate, form.channels, "int16" if form.width == 2 else "float32")
        self._values = self._converter.inlet.reshape(-1)
        count = len(self._values)
        self._raw_memory = PrivateMemory(form.width * count)
        self._raw: NDArray[np.uint8] = self._raw_memory.array(np.uint8, form.width * count)
        self._wide_memory = PrivateMemory(4 * count)
        self._wide: NDArray[np.int32] = self._wide_memory.array(np.int32, count)
        # 16 bit is what the converter takes: it is filled in place.
        self.room = self._values.data.cast("B") if form.width == 2 else self._raw.data

    def push(self, size: int, *, last: bool = False) -> None:
        """Convert the first ``size`` bytes of the room, whole frames; ``last`` flushes what is being resampled."""
        count = size // self.form.width
        if self.form.width != 2:
            self._widen(count)
        self._converter.push(count // self.form.channels, last=last)

    def take(self, out: Samples) -> int:
        """Move ready samples into ``out`` (n,) int16; return how many."""
        return self._converter.take(out)

    def wipe(self) -> None:
        """Overwrite all sound held here."""
        self._converter.restart()
        self._raw_memory.wipe()
        self._wide_memory.wipe()

    def _widen(self, count: int) -> None:
        """Turn raw samples into float32, full scale at 1.0: copies and arithmetic in place, never through the heap."""
        values, raw = self._values[:count], self._raw[: count * self.form.width]
        if self.form.width == 1:
            np.copyto(values, raw, casting="unsafe")
            np.subtract(values, np.float32(128), out=values)
            np.multiply(values, np.float32(2**-7), out=values)
        else:
            wide = self._wide[:count]
            # The high bytes of 32 bits; the low one of 24 is zero.
            wide.view(np.uint8).reshape(count, 4)[:, 4 - self.form.width :] = raw.reshape(count, self.form.width)
            np.copyto(values, wide, casting="unsafe")
            np.multiply(values, np.float32(2**-31), out=values)
            wide.fill(0)
        raw.fill(0)
