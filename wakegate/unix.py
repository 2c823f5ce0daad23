"""Unix sockets for this user's own programs: listening, connecting, and who is at the other end.

Owns the file of a socket: its mode, its folder, a stale one of a process that is gone. Never reads or writes what goes
through, and never waits longer than :data:`PATIENCE_S`.
"""

import fcntl
import os
import socket
import stat
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import ConfigError

LONGEST = 107
"""Bytes of a path that the kernel takes."""
PATIENCE_S = 2.0
"""For other listeners that begin in the same folder; each takes microseconds."""
_PEERGROUPS = 59  # SO_PEERGROUPS of Linux 4.13, which Python does not name


def path_of(uri: str, option: str) -> Path:
    """Return the path in ``unix:PATH``; ConfigError, naming the option, where there is none."""
    kind, _, path = uri.partition(":")
    path = path.removeprefix("//")  # unix:///run/wakegate.sock is as good
    if kind != "unix" or not path:
        name = "wakegate-assist.sock" if option == "--assist" else "wakegate.sock"  # as in every example
        raise ConfigError(f"{option} {uri!r} is not unix:PATH: give, for example, unix:$XDG_RUNTIME_DIR/{name}")
    check_length(Path(path))
    return Path(path)


def check_length(path: Path) -> None:
    """Raise ConfigError for a path that the kernel does not take for a socket's."""
    if (size := len(os.fsencode(path))) > LONGEST:
        raise ConfigError(f"a unix socket's path has at most {LONGEST} bytes, {path} has {size}")


def listen(path: Path, *, backlog: int = 4, group: int | None = None) -> socket.socket:
    """Return a listening socket that does not block, taking the place of one whose process is gone.

    Parameters
    ----------
    path : Path
        Where, in a folder that no other user can write to ($XDG_RUNTIME_DIR is one).
    backlog : int
        Connections that wait to be accepted.
    group : int, optional
        A group whose members may connect too: mode 0660 instead of 0600.

    Raises
    ------
    ConfigError
        Where it cannot be made, its folder is open to others, or something is there already.
    """
    check_length(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _check(path.parent)
        # The file is born with this mode. A umask would do too, and be that of every other thread as well.
        os.fchmod(listener.fileno(), 0o600)
        with _alone(path.parent):
            remove(path)
            listener.bind(str(path))
            if group is not None:
                _share(path, group)
            listener.listen(backlog)
        listener.setblocking(False)
    except (OSError, ConfigError) as error:
        listener.close()
        if isinstance(error, ConfigError):
            raise
        absent = isinstance(error, FileNotFoundError)
        mend = f"make its folder, `mkdir -p -m 700 {path.parent}`" if absent else "choose another path"
        raise ConfigError(f"cannot listen on the socket {path}: {error.strerror or error}; {mend}") from error
    return listener


def remove(path: Path) -> None:
    """Remove a socket that nobody listens on, once ours is closed; one that somebody else has put there stays."""
    with suppress(OSError):
        if path.is_socket() and _deserted(path):
            path.unlink()


def trusted(peer: socket.socket, group: int | None = None) -> bool:
    """Return whether the process at the other end runs as this user, or in ``group`` (as it was when it connected)."""
    size = struct.calcsize("3i")
    _, user, main = struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    return user == os.getuid() or (group is not None and (group == main or group in _groups(peer)))


def _check(folder: Path) -> None:
    about = folder.stat()
    if about.st_mode & 0o022 and not about.st_mode & stat.S_ISVTX:
        raise ConfigError(f"{folder} can be written to by other users: choose a directory of your own")
    if about.st_uid not in (0, os.getuid()):
        raise ConfigError(f"{folder} belongs to user {about.st_uid}: choose a directory of your own")


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other listeners of this folder out: between bind and listen a socket looks like a dead process's."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() > until:
                    raise ConfigError(
                        f"{folder} is locked by another program: choose a directory of your own"
                    ) from error
                time.sleep(0.01)
        yield
    finally:
        os.close(descriptor)


def _groups(peer: socket.socket) -> tuple[int, ...]:
    """Return the further groups of a peer, as far as they fit; none where the kernel does not tell."""
    try:
        told = peer.getsockopt(socket.SOL_SOCKET, _PEERGROUPS, 1024)
    except OSError:
        return ()
    return struct.unpack(f"{len(told) // 4}I", told)


def _share(path: Path, group: int) -> None:
    try:
        os.chown(path, -1, group)
        path.chmod(0o660)
    except OSError as error:
        with suppress(OSError):
            path.unlink()
        raise ConfigError(
            f"{path} cannot be given to group {group} ({error.strerror}): this user must be a member of it"
        ) from error


def _deserted(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            return True
        except BlockingIOError:  # somebody listens who has a lot to do
            return False
        return False
