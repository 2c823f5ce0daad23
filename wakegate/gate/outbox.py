"""Outbox: sealed clips appear here, or do not appear at all.

Owns publishing: under the release lock consent is asked a last time, the intent goes durably on record, and
only then does a ciphertext get its name. Owns the clips being sealed until that moment. Never sees a key, never waits
while listening, and never touches a clip once it is published (revoking does: :mod:`wakegate.consent.ledger`).
"""

import fcntl
import os
import secrets
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from ..audio.block import Samples
from ..chain.file import sync_folder
from ..consent.clock import Clock
from ..consent.ledger import Ledger
from ..errors import SealError
from ..events import Aborted, Event, Purpose, Reason, Released
from ..journal.journal import Journal
from ..place import Place
from .admission import Admission, No
from .clip import Clip
from .note import note, promise
from .seal import Sealing

STOP_S = 5.0
"""How long all clips together may still take once listening has stopped."""


class Outbox:
    """Seals clips and publishes them.

    Parameters
    ----------
    place : Place
        Where the outbox folders are.
    ledger, admission
        Lock and question before a clip appears.
    journal, clock
        Told when it does; patience.
    """

    def __init__(self, *, place: Place, ledger: Ledger, admission: Admission, journal: Journal, clock: Clock) -> None:
        self._place = place
        self._ledger = ledger
        self._admission = admission
        self._journal = journal
        self._clock = clock
        self._under_way: list[Sealing] = []

    @property
    def busy(self) -> bool:
        """Whether a clip is being sealed."""
        return bool(self._under_way)

    def clean(self) -> None:
        """Remove what a process that died left half sealed. A clip that a living process is sealing stays."""
        for purpose in Purpose:
            for part in self._place.outbox(purpose).glob("*.part"):
                with suppress(OSError):
                    _remove_if_dead(part)

    def begin(self, clip: Clip, pieces: Sequence[Samples], at: int) -> tuple[Event, ...]:
        """Start to seal a clip; its samples are read from the Ring before this returns."""
        try:
            folder = _folder(self._place, clip.grant.purpose)
            self._under_way.append(Sealing(clip, pieces, folder, self._clock.now().boot))
        except (OSError, SealError) as error:
            return (self._aborted(clip, No(Reason.SEAL_FAILED, str(error)), at),)
        return ()

    def poll(self, at: int) -> tuple[Event, ...]:
        """Drop clips that lost their consent, publish those that are sealed. Never waits."""
        return tuple(event for sealing in tuple(self._under_way) for event in self._step(sealing, at))

    def stop(self, at: int) -> tuple[Event, ...]:
        """Give clips a last bounded time, then drop the rest."""
        until = self._clock.now().boot + STOP_S
        for sealing in self._under_way:
            sealing.wait(max(0.0, until - self._clock.now().boot))
        events = self.poll(at)
        return events + tuple(self._drop(sealing, No(Reason.STOPPED), at) for sealing in tuple(self._under_way))

    def _step(self, sealing: Sealing, at: int) -> tuple[Event, ...]:
        no = self._refusal(sealing.clip)
        try:
            if no is None and not sealing.done(self._clock.now().boot):
                return ()
            if no is None:
                return (self._publish(sealing, at),)
        except (OSError, SealError) as error:
            no = No(Reason.SEAL_FAILED, str(error))
        return (self._drop(sealing, no, at),)

    def _publish(self, sealing: Sealing, at: int) -> Event:
        clip = sealing.clip
        with self._ledger.releasing():  # invariant 4: revoke waits for this, or this sees the revoke
            no = self._refusal(clip)
            if no is not None:
                return self._drop(sealing, no, at)
            name = secrets.token_hex(16) + ".age"  # invariant 8: 128 random bits, used once
            purpose = clip.grant.purpose
            released = Released(at=at, id=clip.id, purpose=purpose, start=clip.start, end=clip.end, clip=name)
            os.utime(sealing.part, (0, 0))
            broken = promise(self._journal, released)  # invariant 6
            if broken:
                return self._drop(sealing, No(Reason.JOURNAL_UNWRITABLE, broken), at)
            sealing.part.rename(sealing.part.with_name(name))
            sync_folder(sealing.part.parent)
        self._under_way.remove(sealing)
        return released

    def _refusal(self, clip: Clip) -> No | None:
        no = self._admission.withdrawn(clip.grant)
        if no is None and clip.may_train and not self._admission.may_train():
            return No(Reason.REVOKED, "the clip says that it may train models, and that is no longer granted")
        return no

    def _drop(self, sealing: Sealing, no: No, at: int) -> Event:
        sealing.drop()
        self._under_way.remove(sealing)
        return self._aborted(sealing.clip, no, at)

    def _aborted(self, clip: Clip, no: No, at: int) -> Event:
        event = Aborted(at=at, id=clip.id, purpose=clip.grant.purpose, reason=no.reason, sent=0, detail=no.detail)
        return note(self._journal, event)


def _folder(place: Place, purpose: Purpose) -> Path:
    """Make and check the outbox of a purpose: a directory of ours that nobody else can enter."""
    folder = place.outbox(purpose)
    for path in (folder.parent, folder):
        path.mkdir(mode=0o700, exist_ok=True)
        about = path.lstat()
        if path.is_symlink() or about.st_uid != os.getuid() or about.st_mode & 0o077:
            raise SealError(f"{path} is not a directory that only this user can enter: remove it, or chmod 700 it")
    return folder


def _remove_if_dead(part: Path) -> None:
    fd = os.open(part, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)  # refused while a sealer holds it
        part.unlink()
    finally:
        os.close(fd)
