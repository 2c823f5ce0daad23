"""SocketSink: a live release to whoever is connected to a unix socket.

Owns who that is, and what the other side's end of a connection means. What is written, :class:`StreamSink` writes;
never lets a program of another user read it.
"""

import socket
from pathlib import Path

from ..audio.block import Samples
from ..events import Purpose, Reason
from ..unix import listen, remove, trusted
from .frames import Info
from .sinks import StreamSink

_WAITING = 128
"""Readers that may come, and go again, between two looks of the gate, which are a second of sound apart."""


class SocketSink:
    """Listens on a unix socket; the assistant connects, stays connected and reads frames.

    wakegate is the side that is always there; assistants come and go. The socket is 0600 and a peer of another user is
    hung up on. The newest connection hears the next utterance; one under way keeps its reader. With nobody connected,
    a wake is refused with NOWHERE_TO_GO. A reader that closes in the middle, or shuts down its sending side and reads
    on, has heard enough.

    Parameters
    ----------
    path : Path
        Where to make the socket, in a directory that only this user can write to ($XDG_RUNTIME_DIR is one).

    Raises
    ------
    ConfigError
        Where the socket cannot be made, its directory is open to others, or something is there already.
    """

    purpose = Purpose.ASSIST

    def __init__(self, path: Path) -> None:
        self._path = path
        self._peer: socket.socket | None = None
        self._stream: StreamSink | None = None
        self._listener = listen(path, backlog=_WAITING)

    def ready(self) -> bool:
        """Take in who has connected; return whether a reader is there."""
        for _ in range(_WAITING + 1):  # all who waited; who comes while they are taken in holds nobody up
            if (peer := self._accept()) is None:
                break
            if _gone(peer):  # somebody only looked whether we are here
                peer.close()
                continue
            self._hang_up()
            self._peer, self._stream = peer, StreamSink(peer.fileno())
        if self._peer is not None and _gone(self._peer):
            self._hang_up()
        return self._stream is not None and self._stream.ready()

    def open(self, info: Info) -> None:
        """Write the header line to the reader."""
        self._reader().open(info)

    def write(self, samples: Samples) -> int:
        """Write as many whole blocks as there is room for."""
        return self._reader().write(samples)

    def enough(self) -> bool:
        """Return whether the reader has ended its side; one that breaks off with sound unread is an OSError."""
        return self._peer is not None and _ended(self._peer)

    def close(self, reason: Reason) -> bool:
        """Write the end marker, if there is still somebody to read it."""
        try:
            return self._reader().close(reason)
        except BrokenPipeError:
            if not self.enough():
                raise
            return True

    def abort(self, reason: Reason) -> None:
        """Write the end marker if there is still a reader."""
        if self._stream is not None:
            try:
                self._stream.abort(reason)
            except OSError:
                self._hang_up()

    def shut(self) -> None:
        """Hang up and remove the socket. Safe to call twice."""
        self._hang_up()
        if self._listener.fileno() >= 0:
            while (peer := self._accept()) is not None:  # else it would read a broken connection, not an end
                peer.close()
            self._listener.close()
            remove(self._path)

    def _reader(self) -> StreamSink:
        if self._stream is None:
            raise OSError("nobody is connected")
        return self._stream

    def _accept(self) -> socket.socket | None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:  # nobody more; or no descriptors are left, and who waits goes on waiting
                return None
            if trusted(peer):
                return peer
            peer.close()

    def _hang_up(self) -> None:
        if self._peer is not None:
            self._peer.close()
        self._peer = self._stream = None


def _gone(peer: socket.socket) -> bool:
    try:
        return _ended(peer)
    except OSError:
        return True


def _ended(peer: socket.socket) -> bool:
    """Whether the other side says no more; what it said is passed over, or its end would never be seen behind it."""
    try:
        return peer.recv(4096, socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
