"""The file under a chain: opening only what is ours, reading lines, cutting a torn tail.

Owns every system call that touches one file, none of the meaning. Must never follow a symbolic link or use a file that
another user owns or can write.
"""

import errno
import fcntl
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from ..errors import BrokenError, ChainError, ForeignError, TornError
from .record import MAX_LINE, decode

READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
APPEND = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


def open_own(path: Path, flags: int) -> int:
    """Open one of our files, refusing what is not ours."""
    try:
        fd = os.open(path, flags, 0o600)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise ForeignError(f"{path} is a symbolic link: remove it, the file must stand there itself") from error
        raise ChainError(f"{path} cannot be opened ({error.strerror}): check its owner and permissions") from error
    info = os.fstat(fd)
    trouble = ""
    if not stat.S_ISREG(info.st_mode):
        trouble = "is no plain file: move it away"
    elif info.st_uid != os.getuid():
        trouble = f"belongs to user {info.st_uid}, this program runs as {os.getuid()}: run as its owner or move it away"
    elif info.st_mode & 0o022:
        trouble = f"can be written by others (mode {info.st_mode & 0o777:o}): look who did, then chmod 600"
    if trouble:
        os.close(fd)
        raise ForeignError(f"{path} {trouble}")
    return fd


def hold(path: Path, exclusive: bool) -> int:
    """Wait for a lock file and return its locked descriptor: closing it gives the lock back.

    Raises
    ------
    OSError
        If the file cannot be opened.
    """
    while True:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH)
            info = os.fstat(fd)
            # While we waited someone may have removed the file: a lock on a nameless file keeps nobody out.
            if signature_of(path)[:2] == (info.st_dev, info.st_ino):
                return fd
        except OSError:
            os.close(fd)
            raise
        os.close(fd)


def append_once(path: Path, data: bytes, durable: bool) -> os.stat_result:
    """Append in one write, with fsync if ``durable`` or the file is new, and return the file's state after it.

    Raises
    ------
    OSError
        If that fails; the file was cut back to where it was, if that was possible.
    """
    fresh = not size_of(path)
    fd = open_own(path, APPEND)
    try:
        before = os.fstat(fd).st_size
        try:
            if os.write(fd, data) != len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            if durable or fresh:
                os.fsync(fd)
            if fresh:
                sync_folder(path.parent)
        except OSError:
            with suppress(OSError):
                os.ftruncate(fd, before)
                os.fsync(fd)
            raise
        return os.fstat(fd)
    finally:
        os.close(fd)


def number_file(path: Path, segments: Sequence[Path], keep: int | None) -> None:
    """Rename the current file to the number after its segments', and remove segments beyond ``keep``."""
    number = int(segments[-1].stem.rpartition(".")[2]) + 1 if segments else 1
    numbered = path.with_name(f"{path.stem}.{number:06d}{path.suffix}")
    path.rename(numbered)
    if keep is not None:
        for old in [*segments, numbered][: -keep or None]:
            old.unlink()
    sync_folder(path.parent)


def lines_of(fd: int, offset: int, size: int) -> Iterator[bytes]:
    """Yield the lines between two offsets; the last lacks its newline if the file does. Never holds much."""
    rest = b""
    while offset < size and (chunk := os.pread(fd, min(65536, size - offset), offset)):
        offset += len(chunk)
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line + b"\n"
        if len(rest) > MAX_LINE:
            break
    if rest:
        yield rest


def damage(path: Path, fd: int, offset: int, size: int) -> ChainError:
    """Name the damage at ``offset``: torn if no whole record comes after it, else broken."""
    if any(decode(line) for line in lines_of(fd, offset, size)):
        return BrokenError(f"{path} is damaged at byte {offset}, before records that are whole: see who changed it")
    return TornError(f"{path} is torn at byte {offset} of {size}: its last record was cut off or damaged")


def signature_of(path: Path) -> tuple[int, ...]:
    """Return what changes when a file does; its first two values are the file's identity, () if it is not there."""
    try:
        info = os.lstat(path)
    except OSError:
        return ()
    return (
        info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns, info.st_uid, info.st_mode,
    )  # fmt: skip


def size_of(path: Path) -> int:
    """Size in bytes, 0 for a file that is not there. A symbolic link has one too."""
    try:
        return os.lstat(path).st_size
    except OSError:
        return 0


def unused(path: Path) -> Path:
    """Return the first name for damaged bytes that is still free."""
    number = 1
    while os.path.lexists(aside := path.with_name(f"{path.name}.damaged-{number}")):
        number += 1
    return aside


def cut(path: Path, whole: int, aside: Path) -> None:
    """Copy what stands behind ``whole`` to another file, on disk, then cut it off."""
    fd = open_own(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        kept = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(kept, "wb") as out:
            os.lseek(fd, whole, os.SEEK_SET)
            while chunk := os.read(fd, 65536):
                out.write(chunk)
            out.flush()
            os.fsync(out.fileno())
        os.ftruncate(fd, whole)
        os.fsync(fd)
    finally:
        os.close(fd)


def sync_folder(path: Path) -> None:
    """Put a folder's names on disk."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
