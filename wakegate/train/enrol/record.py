"""Record: takes from a microphone, into private memory and nowhere else.

Owns that memory: it is overwritten when the booth closes, however that comes about. Must never write, and opens nothing
by itself: it is given the source.
"""

import time
from collections.abc import Callable

import numpy as np

from ...audio.block import Samples, Source
from ...audio.memory import PrivateMemory
from ...errors import ConfigError, DeviceError
from ...events import SAMPLE_RATE
from . import takes
from .takes import Take

SECONDS = 2.8
PIECE = SAMPLE_RATE // 10
PATIENCE_S = 5.0
"""How long nothing may come until the microphone is said to be dead."""
MOST = 50


class Booth:
    """Room for some takes.

    Parameters
    ----------
    count : int
        How many.
    now : callable
        Seconds of a clock that nobody sets.
    """

    def __init__(self, count: int, now: Callable[[], float] = time.monotonic) -> None:
        self._each = round(SECONDS * SAMPLE_RATE)
        self._memory = PrivateMemory(2 * count * self._each)
        self._sound: Samples = self._memory.array(np.int16, count * self._each)
        self._now = now
        self.takes: list[Take] = []

    def record(self, source: Source, told: Callable[[float, float], None]) -> Take:
        """Record one take and keep it.

        Parameters
        ----------
        source : Source
            A microphone; what it heard before is forgotten first.
        told : callable
            Called with the share that is done, 0 to 1, and the level just now, 0 to 1 of full scale.

        Raises
        ------
        ConfigError
            If it is not good enough; it is overwritten, and the message is the reason.
        DeviceError
            If nothing comes from the source.
        """
        first = len(self.takes) * self._each
        slot = self._sound[first : first + self._each]
        try:
            source.wipe()
            self._fill(source, slot, told)
            self.takes.append(takes.checked(slot, f"recording {len(self.takes) + 1}"))
        except (ConfigError, DeviceError):
            slot[:] = 0
            raise
        return self.takes[-1]

    def _fill(self, source: Source, slot: Samples, told: Callable[[float, float], None]) -> None:
        filled, last = 0, self._now()
        while filled < len(slot):
            reading = source.read(slot[filled : filled + PIECE])
            if reading.gap is not None:
                raise ConfigError(f"sound was lost ({reading.gap[2]})")
            if reading.count:
                last = self._now()
                piece = slot[filled : filled + reading.count]
                told(filled / len(slot), max(-int(piece.min()), int(piece.max())) / 32768)
                filled += reading.count
            elif reading.ended or self._now() - last > PATIENCE_S:
                raise DeviceError(f"nothing comes from {source.name}: try `wakegate doctor --mic`, or another --device")

    def close(self) -> None:
        """Overwrite everything."""
        self.takes.clear()
        self._memory.close()
