"""Storm: how many lines clients can make us say.

Owns the count. Whoever connects, or says the wake word, has a line written about it, and may do so without a pause: a
log must not fill a disk, nor a line that matters be lost among thousands. So there are so many at once, from then on a
few a minute, and a word on how many were left out. Never knows what a line says.
"""

import asyncio
import logging
import time
from collections.abc import Callable

MOST = 30
"""Lines at once."""
EVERY_S = 10.0
"""While a storm lasts, one line in so many seconds."""

_log = logging.getLogger(__name__)


def later(seconds: float, call: Callable[[], None]) -> None:
    """Call something after so many seconds, if the loop that runs now is there then."""
    asyncio.get_running_loop().call_later(seconds, call)


class Storm:
    """The lines about one kind of thing.

    Parameters
    ----------
    about : str
        What they are about, in words.
    later : callable
        Calls something after so many seconds.
    now : callable
        Seconds that pass.
    """

    def __init__(
        self,
        about: str,
        later: Callable[[float, Callable[[], None]], object] = later,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._about, self._later, self._now = about, later, now
        self._room, self._at = float(MOST), now()
        self._left_out = 0

    def passes(self) -> bool:
        """Return whether a line may be said; as soon as one may be again, it is said how many were not."""
        now = self._now()
        self._room = min(MOST, self._room + (now - self._at) / EVERY_S)
        self._at = now
        if self._room < 1:
            if not self._left_out:
                self._later((1 - self._room) * EVERY_S, self.tell)
            self._left_out += 1
            return False
        self._room -= 1
        return True

    def tell(self) -> None:
        """Say how many lines were left out, if any; to be called at the end too, when nothing comes later any more."""
        if self._left_out:
            _log.warning("lines about %s were left out: %d", self._about, self._left_out)
        self._left_out = 0
