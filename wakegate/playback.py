"""Playback: what the device itself plays, so that its own voice does not wake it.

Owns one question: how loud is that? While it is loud, and for a moment after, wakes are held off
(:meth:`wakegate.pipeline.Pipeline.hold_off`): told, recorded and wiped as every mute. What is open already goes on, so
that a sound that answers the wake does not cut the request short. Looks at the level and at nothing else, keeps no
sample, and takes no echo out of anything.

A program that plays sound itself hands over what it plays, :meth:`Playback.played`; of all that a device plays a
command tells (:class:`PlaybackCommand`), such as a sound server's monitor.
"""

import logging
import os
import shlex
import signal
import subprocess
import threading
from contextlib import suppress
from io import FileIO
from types import TracebackType

from .audio.block import Samples
from .audio.memory import PrivateMemory
from .errors import ConfigError
from .mute import checked
from .pipeline import Pipeline

FLOOR_DB = -50.0
"""A peak that is lower than this is silence, dB below full scale: a monitor of nothing gives zeros."""
TAIL_S = 0.5
"""How long the room, and the microphone's queue, still hold what was played, seconds."""
_LOOKED_AT = 2048  # samples: 20 ms to 130 ms, by the format
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 30.0

_log = logging.getLogger(__name__)


def words_of(command: str) -> list[str]:
    """Split a playback command as a shell would, without any of a shell's powers; ConfigError where it is none."""
    try:
        if words := shlex.split(command):
            return words
    except ValueError as error:
        raise ConfigError(f"the playback command cannot be run ({error}): {command!r:.80}") from error
    raise ConfigError("the playback command cannot be empty: give one, or leave it out")


class Playback:
    """Holds wakes off while what the device plays is loud.

    Parameters
    ----------
    pipeline : Pipeline
        What listens.
    floor_db : float
        The lowest peak that counts, in dB below full scale, -90 to 0.
    tail_s : float
        How long wakes are held off after it, seconds, over 0 and at most 60.

    Raises
    ------
    ConfigError
        For another floor or tail.
    """

    def __init__(self, pipeline: Pipeline, *, floor_db: float = FLOOR_DB, tail_s: float = TAIL_S) -> None:
        if not -90 <= floor_db <= 0:
            raise ConfigError(f"a floor of {floor_db:g} dB is outside -90 to 0: it is a peak below full scale")
        self._pipeline, self._tail_s = pipeline, checked(tail_s)
        self._floor = 32768 * 10 ** (floor_db / 20)

    def played(self, samples: Samples) -> None:
        """Say what is being played now, block by block; from any thread.

        Parameters
        ----------
        samples : (n,) or (n, channels) int16
            At any rate: only the peak counts.
        """
        loud = samples.size and max(int(samples.max()), -int(samples.min())) >= self._floor
        if loud and not self._pipeline.is_open:
            self._pipeline.hold_off(self._tail_s)


class PlaybackCommand:
    """A program whose stdout is what the device plays; it is started again, after a pause, when it ends.

    Without it, and while it says nothing, nothing is held off: a warning says so.

    Parameters
    ----------
    command : str
        As one would type it; run without a shell. It writes 16-bit PCM, of any rate and number of channels.
    playback : Playback
        What is told.

    Raises
    ------
    ConfigError
        For a command that cannot be run.
    """

    def __init__(self, command: str, playback: Playback) -> None:
        self._playback = playback
        self._memory = PrivateMemory(2 * _LOOKED_AT)
        self._closing = threading.Event()
        self._words = words_of(command)
        try:
            self._child = self._start()
        except (OSError, ValueError) as error:
            raise ConfigError(f"the playback command cannot be run ({error}): {command!r:.80}") from error
        self._thread = threading.Thread(target=self._work, name="playback", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the program. Safe to call twice."""
        self._closing.set()
        self._end()
        self._thread.join(timeout=2)

    def __enter__(self) -> "PlaybackCommand":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _start(self) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            self._words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, bufsize=0, start_new_session=True
        )

    def _end(self) -> None:
        if self._child.returncode is None:  # not waited for yet: the number is still its own
            # What we may not kill (sudo), or what hangs in the kernel, is left behind: the listening goes on.
            with suppress(OSError, subprocess.TimeoutExpired):
                os.killpg(self._child.pid, signal.SIGKILL)
                self._child.wait(1)

    def _work(self) -> None:
        pause_s, told = _FIRST_PAUSE_S, False
        while True:
            came = self._follow()
            self._end()
            pause_s = _FIRST_PAUSE_S if came else min(2 * pause_s, _LONGEST_PAUSE_S)
            if not self._closing.is_set() and (came or not told):
                told = True
                _log.warning("the playback ended: the device's own voice may wake it until it is back")
            if self._closing.wait(pause_s):
                return
            with suppress(OSError):  # the program may be back later
                self._child = self._start()
            if self._closing.is_set():  # close() has ended the one before
                self._end()

    def _follow(self) -> bool:
        """Look at what is said to its end; return whether there was anything. What was looked at is overwritten."""
        said = self._child.stdout
        assert isinstance(said, FileIO)  # bufsize=0
        if said.closed:  # it could not be started again
            return False
        samples, view = self._memory.array("<i2", _LOOKED_AT), self._memory.view()[: 2 * _LOOKED_AT]
        came, filled = False, 0
        with said:
            while count := said.readinto(view[filled:]):
                filled += count
                if filled == len(view):
                    self._playback.played(samples)
                    came, filled = True, 0
        samples.fill(0)
        return came
