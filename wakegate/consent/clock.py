"""What time it is, and whether that can be believed.

Owns the only clock that consent reads. Must never call a clock trusted that nobody has set since the machine started: a
Raspberry Pi without a battery clock starts in the past.
"""

import ctypes
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

_TIMESYNC = Path("/run/systemd/timesync/synchronized")
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_TIME_ERROR = 5
_STA_UNSYNC = 0x0040


@dataclass(frozen=True, slots=True)
class Moment:
    """A reading of the clocks.

    Parameters
    ----------
    wall : float
        Unix time in seconds.
    trusted : bool
        Whether a time server (or the like) has set the wall clock.
    boot : float
        Seconds since the machine started, sleep included.
    boot_id : str
        Which start that was.
    """

    wall: float
    trusted: bool
    boot: float
    boot_id: str


class Clock(Protocol):
    """Where moments come from."""

    def now(self) -> Moment:
        """Read the clocks; a few microseconds."""
        ...

    def boot(self) -> float:
        """Return the seconds since the machine started alone: for whoever looks with every block of sound."""
        ...


class _Timex(ctypes.Structure):
    """The front of Linux's ``struct timex``; the rest is room for what the kernel writes behind it."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_long * 64),
    )


class SystemClock:
    """The machine's clocks. The wall clock is trusted once the kernel or systemd-timesyncd says it is synchronised."""

    def __init__(self) -> None:
        self._adjtimex = getattr(ctypes.CDLL(None), "adjtimex", None)
        self._timex = _Timex()
        try:
            self._boot_id = _BOOT_ID.read_text("ascii").strip()
        except OSError:
            self._boot_id = "unknown"

    def now(self) -> Moment:
        """Read the clocks; a few microseconds."""
        # Without a boot id nobody can tell one start from the next, so nothing that expires can be counted.
        trusted = self._boot_id != "unknown" and self._synchronised()
        return Moment(time.time(), trusted, self.boot(), self._boot_id)

    def boot(self) -> float:
        """Return the seconds since the machine started, sleep included."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def _synchronised(self) -> bool:
        if self._adjtimex is not None:
            self._timex.modes = 0
            state = self._adjtimex(ctypes.byref(self._timex))
            if state >= 0 and state != _TIME_ERROR and not self._timex.status & _STA_UNSYNC:
                return True
        return _TIMESYNC.exists()
