"""Telling the service manager how it goes, as ``sd_notify(3)`` describes it: text in a datagram, by hand.

Owns one socket to ``$NOTIFY_SOCKET``, which is systemd's. Says what we are doing and nothing of what is heard, never
waits, and never fails: what a busy manager cannot take is told with the next word. Takes its variables out of the
environment, so that no child speaks in our name.
"""

import os
import socket
import time
from collections import deque
from collections.abc import MutableMapping
from contextlib import suppress

LONGEST = 500
"""Characters of a status."""
_UNTOLD = 8
_ALIVE = "WATCHDOG=1"


class Notify:
    """The service manager's ear; tells nobody where there is none.

    Parameters
    ----------
    address : str
        A socket's path, or ``@NAME``; nobody if empty.
    watchdog_s : float, optional
        How long it waits for a sign of life.
    """

    def __init__(self, address: str = "", watchdog_s: float | None = None) -> None:
        self.watchdog_s = watchdog_s
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._untold: deque[str] = deque(maxlen=_UNTOLD)
        self._socket: socket.socket | None = None
        if address:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self._socket.setblocking(False)

    @classmethod
    def take(cls, environment: MutableMapping[str, str] = os.environ) -> "Notify":
        """Return what the environment names, and take it out of there."""
        address = environment.pop("NOTIFY_SOCKET", "")
        pid, period = environment.pop("WATCHDOG_PID", ""), environment.pop("WATCHDOG_USEC", "")
        ours = pid in ("", str(os.getpid())) and period.isdecimal() and int(period) > 0
        return cls(address if address[:1] in ("/", "@") else "", int(period) / 1e6 if ours else None)

    def ready(self) -> None:
        """Say that we have begun, or that a reload is over."""
        self._tell("READY=1")

    def reloading(self) -> None:
        """Say that the config is being read again."""
        self._tell(f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def status(self, text: str) -> None:
        """Say what we are doing, for ``systemctl status``."""
        self._tell(f"STATUS={' '.join(text.split())[:LONGEST]}")

    def alive(self) -> None:
        """Give the watchdog a sign of life."""
        self._tell(_ALIVE)

    def stopping(self) -> None:
        """Say that we end."""
        self._tell("STOPPING=1")

    def close(self) -> None:
        """Say nothing more."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _tell(self, text: str) -> None:
        if self._socket is None:
            return
        if text != _ALIVE or _ALIVE not in self._untold:
            self._untold.append(text)
        with suppress(OSError):  # a manager that is gone, or busy: nothing of ours depends on it
            while self._untold:
                self._socket.sendto(self._untold[0].encode("utf-8", "replace"), self._address)
                self._untold.popleft()
