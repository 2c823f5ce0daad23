"""Service: listening for weeks, under somebody who starts it again.

Owns what is looked after between two readings of the sound, in the listening thread itself: a reload that was asked
for, signs of life for the watchdog, a line about the state, and the log's word on a microphone that came back, one
that gives nothing but zeros, and a journal that cannot be written. Never changes or keeps sound, and never lets what
it looks after stop the listening.

Zeros are how a sound server hides a loss: in place of a microphone that was pulled out, PipeWire gives the silence of a
sink that it makes up, and the microphone again when that is back.

A sign of life means that sound was really scored since the last one. Where none is to be scored the reason counts in
its place, since starting anew would mend none of them: the gate is open, somebody has muted, the microphone is gone.
"""

import logging
import time
from collections.abc import Callable

from .audio.block import Reading, Samples, Source
from .events import SAMPLE_RATE, Muter, Reason
from .notify import Notify
from .pipeline import Pipeline

SIGNS = 4
"""Signs of life in the time that the watchdog waits for one."""

ZEROS_S = 10.0
"""Nothing but zeros for so long is worth a word: a microphone hears itself at least, but where a gate of its own or of
a sound server's shuts out what is quiet."""

_ZEROS = (
    "gives nothing but zeros: it is unplugged or muted behind a sound server, or a noise gate takes away what is quiet"
)
_log = logging.getLogger(__name__)


class Service:
    """A source as it is, with somebody who looks after the service each time it is read.

    Parameters
    ----------
    source : Source
        Where sound comes from.
    notify : Notify
        The service manager.
    scored : callable
        How many chunks were scored so far, ``lambda: scorer.chunks``.
    now : callable
        Seconds that pass.
    """

    def __init__(
        self, source: Source, notify: Notify, scored: Callable[[], int], now: Callable[[], float] = time.monotonic
    ) -> None:
        self._source, self._notify, self._scored, self._now = source, notify, scored, now
        self._pipeline: Pipeline | None = None
        self._reload: Callable[[], None] | None = None
        self._last: Reading | None = None
        self._asked = self._away = self._silent = self._closed = False
        self._seen = self._zeros = 0
        self._due = now()
        self._status = self._trouble = ""

    @property
    def name(self) -> str:
        """Words for people and the journal."""
        return self._source.name

    def attend(self, pipeline: Pipeline, reload: Callable[[], None]) -> None:
        """Look after a pipeline, which reads from here; ``reload`` reads the config again and never raises."""
        self._pipeline, self._reload = pipeline, reload

    def ask_reload(self) -> None:
        """Have the config read again before the next block. Safe from any thread and from a signal handler."""
        self._asked = True

    def read(self, out: Samples) -> Reading:
        """Say how it goes with what was read last, reload if that was asked for, and read."""
        if self._last is not None:
            self._look(self._last)
        if self._asked and self._reload is not None:
            self._asked = False
            self._notify.reloading()
            self._reload()
            self._notify.ready()
        self._last = self._source.read(out)
        if self._last.count and not self._muted:
            self._zeros = 0 if out[: self._last.count].any() else self._zeros + self._last.count
        return self._last

    def wipe(self) -> None:
        """Overwrite what the source still holds."""
        self._source.wipe()

    def close(self) -> None:
        """Say that it ends, and close the source."""
        if not self._closed:
            self._closed = True
            self._notify.stopping()
            self._notify.close()
        self._source.close()

    def _look(self, reading: Reading) -> None:
        if reading.gap is not None and reading.gap[0] is Reason.DEVICE_LOST:
            self._away = True
        elif self._away and reading.count:
            self._away = False
            _log.warning("%s is back", self._source.name)
        zeros = self._zeros >= ZEROS_S * SAMPLE_RATE
        if zeros != self._silent:
            self._silent = zeros
            _log.warning("%s %s", self._source.name, _ZEROS if zeros else "gives sound again")
        resting = self._resting()
        listening = f"listening for {', '.join(self._pipeline.words if self._pipeline else ())}"
        self._tell(resting or (f"{listening}; {self._source.name} {_ZEROS}" if zeros else listening))
        now, scored = self._now(), self._scored()
        if self._notify.watchdog_s is not None and now >= self._due and (resting or scored != self._seen):
            self._notify.alive()
            self._seen, self._due = scored, now + self._notify.watchdog_s / SIGNS

    @property
    def _muted(self) -> Muter | None:
        return self._pipeline.unheard if self._pipeline else None

    def _resting(self) -> str:
        """Return why nothing is to be scored now; "" if something is."""
        pipeline = self._pipeline
        if self._away:
            return f"waiting for {self._source.name}, which is gone"
        if self._muted:
            return f"muted ({self._muted})"
        return "the gate is open" if pipeline is not None and pipeline.is_open else ""

    def _tell(self, doing: str) -> None:
        """Say what is new: the first time also that the service has begun."""
        trouble = self._pipeline.journal.trouble if self._pipeline else ""
        if trouble != self._trouble:
            if trouble and not self._trouble:
                _log.error("nothing can be released, the journal cannot be written: %s", trouble)
            if not trouble:
                _log.warning("the journal can be written again")
            self._trouble = trouble
        status = f"{doing}; nothing can be released, the journal cannot be written: {trouble}" if trouble else doing
        if status == self._status:
            return
        if not self._status:
            self._notify.ready()
        self._status = status
        self._notify.status(status)
