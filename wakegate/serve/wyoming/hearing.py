"""Hearing: one client's sound, from its bytes to what was heard in it and when, in the client's own time.

Owns one stream at a time: its format, its clock and its ears. Holds 80 ms of sound and the ears' state, overwritten at
every new beginning and at the end. Reads no clock: time is what the client stamped on its chunks.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...audio.block import Samples
from ...audio.memory import PrivateMemory
from ...events import SAMPLE_RATE, NearMiss, Wake
from ...wake.sweep import TAIL
from .pcm import Format, Inlet
from .words import Lent

_BLOCK = 1280


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What was heard in a client's sound.

    Parameters
    ----------
    event : Wake or NearMiss
        A word, or nearly one; its samples are those of the client's sound at 16 kHz.
    name : str
        What the client calls the word.
    at_ms, start_ms, end_ms : int
        When its score reached the threshold, or was highest, and the estimated word, in the client's time.
    """

    event: Wake | NearMiss
    name: str
    at_ms: int
    start_ms: int
    end_ms: int

    @property
    def score(self) -> float:
        """Its score, as it is told."""
        return round(self.event.score, 4)


class Hearing:
    """One client's stream.

    Parameters
    ----------
    lent : Lent
        What listens.

    Attributes
    ----------
    lent : Lent
        What listens.
    heard_any : bool
        Whether a word was heard since the sound began.
    """

    def __init__(self, lent: Lent) -> None:
        self.lent = lent
        self.heard_any = False
        self._inlet: Inlet | None = None
        self._memory = PrivateMemory(2 * _BLOCK)
        self._block = self._memory.array(np.int16, _BLOCK)
        self._frames = 0  # of the client's sound
        self._pushed = 0  # samples at 16 kHz
        self._stamp = (0.0, 0)  # seconds since the sound began, and what the client's clock said there

    def begin(self, form: Format, stamp: int | None) -> None:
        """Begin a stream: forget all sound, and take the client's clock for its first sample (0 if it has none)."""
        if self._inlet is not None:
            self._inlet.wipe()
        if self._inlet is None or self._inlet.form != form:
            self._inlet = Inlet(form)
        self.lent.restart(0)
        self.heard_any = False
        self._frames = self._pushed = 0
        self._stamp = (0.0, stamp or 0)

    def listen_anew(self) -> None:
        """Forget what was heard, and listen from the next sample on; the clock runs on."""
        self.lent.restart(self._pushed)
        self.heard_any = False

    def chunk(self, form: Format, stamp: int | None) -> memoryview:
        """Note that a chunk begins; return the room for its bytes. A chunk of another format begins a stream."""
        if self._inlet is None or self._inlet.form != form:
            self.begin(form, stamp)
        assert self._inlet is not None
        if stamp is not None:
            self._stamp = (self._frames / form.rate, stamp)
        return self._inlet.room

    def push(self, size: int) -> list[Heard]:
        """Listen to the first ``size`` bytes of the room, whole frames."""
        assert self._inlet is not None
        self._frames += size // self._inlet.form.frame
        self._inlet.push(size)
        return self._listen(self._inlet)

    def finish(self) -> list[Heard]:
        """Listen to the end: what is being resampled, and silence behind it, as a file ends."""
        if self._inlet is None:
            return []
        self._inlet.push(0, last=True)
        heard = self._listen(self._inlet)
        self._inlet.wipe()
        end, self._inlet = self._pushed, None
        heard += self._found(np.zeros(TAIL, np.int16), end)
        return heard + self._in_their_words([one for ear in self.lent.ears for one in ear.finish()], end)

    def wipe(self) -> None:
        """Overwrite all sound but what the ears hold, which go back to where they came from."""
        if self._inlet is not None:
            self._inlet.wipe()
        self._memory.wipe()

    def _listen(self, inlet: Inlet) -> list[Heard]:
        heard: list[Heard] = []
        while count := inlet.take(self._block):
            self._pushed += count
            heard += self._found(self._block[:count], self._pushed)
            self._block.fill(0)
        return heard

    def _found(self, samples: Samples, end: int) -> list[Heard]:
        """Listen to samples; nothing that is heard in them lies behind sample ``end``."""
        return self._in_their_words([one for ear in self.lent.ears for one in ear.hear(samples)], end)

    def _in_their_words(self, found: Sequence[Wake | NearMiss], end: int) -> list[Heard]:
        self.heard_any = self.heard_any or any(isinstance(one, Wake) for one in found)
        return [
            Heard(
                event=one,
                name=self.lent.names[one.word],
                at_ms=self._in_their_time(min(one.at, end)),
                start_ms=self._in_their_time(one.start),
                end_ms=self._in_their_time(min(one.end, end)),
            )
            for one in sorted(found, key=lambda one: one.at)
        ]

    def _in_their_time(self, at: int) -> int:
        """Return when sample ``at`` was, counted from the newest stamp: no sum of rounded chunks, so no drift."""
        seconds, stamp = self._stamp
        return stamp + round(1000 * (at / SAMPLE_RATE - seconds))
