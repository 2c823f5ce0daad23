"""Paced: a file that comes as fast as it was spoken, for whoever must hear it live.

Owns the waiting between blocks. Never holds a sample.
"""

import time
from collections.abc import Callable

from ..events import SAMPLE_RATE
from .block import Reading, Samples, Source


class Paced:
    """Give a source's sound no earlier than a microphone would.

    Parameters
    ----------
    source : Source
        What to slow down.
    now, pause : callable
        Seconds that pass, and how to wait for them.
    """

    def __init__(
        self, source: Source, now: Callable[[], float] = time.monotonic, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._source, self._now, self._pause = source, now, pause
        self._began: float | None = None
        self._at = 0

    @property
    def name(self) -> str:
        """Words for people and the journal."""
        return self._source.name

    def read(self, out: Samples) -> Reading:
        """Read, then wait until the last sample would have been spoken."""
        if self._began is None:
            self._began = self._now()
        reading = self._source.read(out)
        self._at += reading.count
        early = self._began + self._at / SAMPLE_RATE - self._now()
        if early > 0:
            self._pause(early)
        return reading

    def wipe(self) -> None:
        """Overwrite what the source still holds."""
        self._source.wipe()

    def close(self) -> None:
        """Close the source."""
        self._source.close()
