"""What a device is asked to deliver, the cheapest to hear first.

Owns the order. Must never open a device.
"""

from dataclasses import dataclass

import numpy as np

from ..errors import DeviceError, FormatError
from ..events import SAMPLE_RATE
from .devices import Device
from .resample import check_format


@dataclass(frozen=True, slots=True)
class Format:
    """How a device is asked to deliver: frames a second, values in a frame, "int16" or "float32"."""

    rate: int
    channels: int
    dtype: str

    @property
    def frame_size(self) -> int:
        """Bytes in a frame."""
        return self.channels * np.dtype(self.dtype).itemsize


def formats_to_try(device: Device, channel: int | None) -> tuple[Format, ...]:
    """Return what to ask a device for, the cheapest first."""
    if channel is None:
        widths: tuple[int, ...] = (1, min(device.channels, 2)) if device.channels > 8 else (1, device.channels)
    else:
        # A real device gives all its channels; one that offers more than 8 is a sound server, which would mix them
        # into any layout asked for: take the smallest usual layout that has the channel.
        usual = (2, 4, 6, 8, 16, 32) if device.channels > 8 else (device.channels,)
        widths = (next((width for width in usual if width >= channel), device.channels),)
    rates = dict.fromkeys((SAMPLE_RATE, device.rate, 48_000, 44_100))
    return tuple(
        dict.fromkeys(
            Format(rate, width, dtype) for rate in rates for width in widths for dtype in ("int16", "float32")
        )
    )


def check_channel(device: Device, form: Format, channel: int | None) -> None:
    """Refuse, as a DeviceError, a channel that the device does not give in this format."""
    try:
        check_format(f"input {device}", form.rate, form.channels, channel)
    except FormatError as error:
        raise DeviceError(str(error)) from error
