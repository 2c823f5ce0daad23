"""Seal: a clip of the Ring goes to a one-shot process that encrypts it to the keys of its grant.

Owns the clip's clear form on its way: a memfd (memory without a name) that holds a WAV file with a header chunk, padded
to one of four lengths, overwritten as soon as the sealer has ended. Never waits for the sealer, never writes a clear
byte to disk, and never decides whether a clip may be published (:mod:`wakegate.gate.outbox` does).

The memfd can reach swap where swap is on; ``wakegate doctor`` says so.
"""

import fcntl
import os
import secrets
import struct
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from ..audio.block import Samples
from ..consent import sealing
from ..errors import SealError
from .clip import Clip

PATIENCE_S = 30.0
"""A sealer that has not ended by then is killed."""

_SEALER = Path(__file__).with_name("sealer.py")


class Sealing:
    """One clip on its way through the sealer.

    Parameters
    ----------
    clip : Clip
        What to seal.
    pieces : sequence of (n,) int16
        Its samples: views of the Ring, read before this returns.
    folder : Path
        Where the ciphertext appears under a random name ending in ``.part``.
    now : float
        Seconds since boot, for :data:`PATIENCE_S`.

    Raises
    ------
    SealError
        Where memory, a file or a process cannot be had.
    """

    def __init__(self, clip: Clip, pieces: Sequence[Samples], folder: Path, now: float) -> None:
        self.clip = clip
        self.part = folder / f"{secrets.token_hex(16)}.part"
        self._give_up = now + PATIENCE_S
        self._clear = -1
        try:
            self._clear = os.memfd_create("wakegate", os.MFD_CLOEXEC)
            _fill(self._clear, clip, pieces)
            self._process = self._spawn()
        except (OSError, SealError) as error:
            self._scrub()
            self.part.unlink(missing_ok=True)
            raise SealError(f"a clip could not be sealed: {error}") from error

    def done(self, now: float) -> bool:
        """Return whether the ciphertext is complete and on disk; False while the sealer works.

        Raises
        ------
        SealError
            Where the sealer failed or took too long. Call :meth:`drop` then.
        """
        code = self._process.poll()
        if code is None:
            if now > self._give_up:
                raise SealError(f"the sealer did not end within {PATIENCE_S:g} s")
            return False
        self._scrub()
        if code != 0:
            raise SealError(f"the sealer ended with code {code}: is the grant's key valid, and pyrage or age whole?")
        return True

    def wait(self, seconds: float) -> None:
        """Give the sealer ``seconds`` to end. Only for when listening has stopped."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return

    def drop(self) -> None:
        """Kill and reap the sealer, overwrite the clear clip, remove what it wrote. Safe to call twice."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._scrub()
        self.part.unlink(missing_ok=True)

    def _spawn(self) -> subprocess.Popen[bytes]:
        """Start the sealer: our interpreter, isolated, no environment, no descriptor but these."""
        if (tool := sealing.tool()) is None:
            raise SealError(sealing.MISSING)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        out = os.open(self.part, flags, 0o600)
        try:
            fcntl.flock(out, fcntl.LOCK_EX)  # held by the child too: whoever cleans up sees that it is alive
            return subprocess.Popen(
                [sys.executable, "-I", str(_SEALER), tool],
                stdin=self._clear,
                stdout=out,
                stderr=subprocess.DEVNULL,
                close_fds=True,
                env={},
                cwd="/",
            )
        finally:
            os.close(out)

    def _scrub(self) -> None:
        """Overwrite the clear clip."""
        if self._clear < 0:
            return
        left = os.fstat(self._clear).st_size
        os.lseek(self._clear, 0, os.SEEK_SET)
        while left > 0:
            left -= os.write(self._clear, bytes(min(left, 65536)))
        os.close(self._clear)
        self._clear = -1


def _fill(fd: int, clip: Clip, pieces: Sequence[Samples]) -> None:
    """Write the recipients and the padded WAV file, and go back to the front."""
    keys = " ".join(clip.grant.keys)  # invariant 9: the keys of the grant, from nowhere else
    prelude = clip.prelude()
    _write(fd, memoryview(keys.encode() + b"\n" + prelude))
    for piece in pieces:
        _write(fd, piece.data.cast("B"))
    total = struct.unpack_from("<I", prelude, 4)[0] + 8
    os.ftruncate(fd, len(keys.encode()) + 1 + total)  # the padding: a memfd grows by zeros
    os.lseek(fd, 0, os.SEEK_SET)


def _write(fd: int, data: memoryview) -> None:
    while data:
        data = data[os.write(fd, data) :]
