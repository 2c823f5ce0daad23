"""Mute: who has silenced the sound that is listened to, a microphone's or a file's, and until when.

Owns that answer. Any thread may change it; the listening loop asks it with every block and overwrites what it reads
while anybody is on the list. Time is counted in samples of the stream: no clock is read.

A person's mute at the device is a file in the place, so that it outlives a crash and a restart: what a person silenced
must not listen again because a service manager started it anew. Every listener of the place obeys it. What a program
asked for ends with the listener; the program sees that it is gone, and asks again.

Must never let a program end a person's mute, and must take every doubt about the file for a mute: who takes it back
renames it, so one that is just gone (a disk that is taken off, a folder that is removed) was taken back by nobody.
"""

import logging
import math
import os
from contextlib import suppress

from .audio.block import Reading, Samples, Source
from .chain.file import sync_folder
from .errors import ConfigError
from .events import SAMPLE_RATE, Muter
from .place import Place

LONGEST_S = 60.0
"""The longest mute with an end, seconds: one that was forgotten is over soon."""

_log = logging.getLogger(__name__)


class Mute:
    """Who has silenced the microphone of one pipeline.

    Parameters
    ----------
    place : Place
        Where a person's mute is kept.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self._file = str(place.muted)  # looked for with every block
        self._taken_back = str(place.unmuted)
        self._stands = self._lost = False  # a person's mute; whether it went without being taken back
        self._until: dict[Muter, float] = dict.fromkeys(Muter, 0)

    def on(self, by: Muter, at: int, seconds: float | None = None) -> None:
        """Silence the microphone from sample ``at`` on; a mute that lasts longer already is not shortened.

        Parameters
        ----------
        by : Muter
            Who wants it. A person's is written to disk before this returns.
        at : int
            The stream's sample now.
        seconds : float, optional
            When it ends by itself, over 0 and at most :data:`LONGEST_S`; a person's never does.

        Raises
        ------
        ConfigError
            For other seconds.
        """
        if by is Muter.DEVICE:
            if not keep(self._place):
                self._until[by] = math.inf
            return
        end = math.inf if seconds is None else at + round(checked(seconds) * SAMPLE_RATE)
        self._until[by] = max(self._until[by], end)

    def off(self, by: Muter) -> None:
        """Take a mute back: a person everybody's, a program its own.

        Raises
        ------
        ConfigError
            Where a person's mute cannot be taken off the disk: it stays.
        """
        if by is Muter.DEVICE:
            forget(self._place)
            self._stands = self._lost = False
            self._until = dict.fromkeys(Muter, 0)
        self._until[by] = 0

    def by(self, at: int) -> Muter | None:
        """Return the strongest who has silenced the microphone at sample ``at``; None if nobody has."""
        if self._by_person():
            return Muter.DEVICE
        for muter, until in self._until.items():  # in the order of Muter: the strongest first
            if until > at:
                return muter
        return None

    def left_s(self, at: int) -> float | None:
        """Return the seconds until it ends by itself; 0 where nobody has muted, None where only a word ends it."""
        end = math.inf if self._by_person() else max(self._until.values())
        return None if math.isinf(end) else max(0.0, (end - at) / SAMPLE_RATE)

    def _by_person(self) -> bool:
        """Return whether a person's mute stands, or might: one look at the disk, and another where it has changed."""
        there = _is_there(self._file)
        if there:
            self._stands, self._lost = True, False
        elif there is False and self._stands and not self._lost:
            self._stands = not _is_there(self._taken_back)
            self._lost = self._stands
            if self._lost:
                _log.warning(
                    "a person's mute went from %s and nobody took it back: this stays muted. To listen again: "
                    "`wakegate mute`, then `wakegate mute off`", self._place.path,
                )  # fmt: skip
        return self._stands or there is None


def checked(seconds: float) -> float:
    """Return the length of a mute that ends by itself; ConfigError where it cannot be one."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds <= LONGEST_S:
        raise ConfigError(f"a mute with an end lasts over 0 and at most {LONGEST_S:g} seconds, got {seconds!r:.40}")
    return float(seconds)


def keep(place: Place) -> bool:
    """Put a person's mute on disk; False, and a warning, where it stands in no file because the disk refuses."""
    try:
        os.close(os.open(place.muted, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
        place.unmuted.unlink(missing_ok=True)
        sync_folder(place.path)
    except OSError as error:
        _log.warning("muted, but a restart may not know of it: %s cannot be written (%s)", place.muted, error.strerror)
    return kept(place)


def forget(place: Place) -> None:
    """Take a person's mute off the disk.

    Raises
    ------
    ConfigError
        Where that cannot be done: the device stays muted.
    """
    try:
        with suppress(FileNotFoundError):
            place.muted.rename(place.unmuted)
            sync_folder(place.path)
    except OSError as error:
        raise ConfigError(
            f"{place.muted} cannot be removed ({error.strerror}), so the device stays muted: check the disk"
        ) from error


def kept(place: Place) -> bool:
    """Return whether a person has muted the device; a doubt is a mute."""
    return _is_there(str(place.muted)) is not False


def check(place: Place) -> None:
    """Raise ConfigError while a person's mute stands: what listens for itself opens no microphone then."""
    if kept(place):
        raise ConfigError("a person has muted this device: nothing listens before `wakegate mute off`")


class UntilMuted:
    """A source that ends when a person mutes the device, for what listens without a pipeline.

    What came with it is overwritten; :func:`check` says then why it ended.

    Parameters
    ----------
    source : Source
        The microphone.
    place : Place
        Where a person's mute is kept.
    """

    def __init__(self, source: Source, place: Place) -> None:
        self._source, self._place = source, place

    @property
    def name(self) -> str:
        """Words for people."""
        return self._source.name

    def read(self, out: Samples) -> Reading:
        """Read, or overwrite what came and end."""
        reading = self._source.read(out)
        if not kept(self._place):
            return reading
        out.fill(0)
        self._source.wipe()
        return Reading(0, ended=True)

    def wipe(self) -> None:
        """Overwrite what the source still holds."""
        self._source.wipe()

    def close(self) -> None:
        """Close the source."""
        self._source.close()


def _is_there(file: str) -> bool | None:
    """Return whether a file is there; None where nobody can tell."""
    try:
        os.lstat(file)
    except FileNotFoundError:
        return False
    except OSError:
        return None
    return True
