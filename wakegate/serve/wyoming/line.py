"""Line: the two descriptors of one client; whatever they are, nobody ever waits for them inside a call.

Owns bytes in and out. Never holds a sample: sound comes straight into memory that the caller lends and goes straight
out of memory that the caller owns. Only words wait here, and not many: a client that does not take them is too slow.
What is written may come from another thread than what is read.
"""

import asyncio
import os
import select
import socket
import threading
from contextlib import suppress

from ...errors import ClientError

MOST_OWED = 65_536
"""Bytes of words that a client may leave unread beyond what the kernel holds."""
_AT_ONCE = select.PIPE_BUF
"""Bytes that a descriptor which is ready takes at once, even a pipe that blocks."""


class Line:
    """One client's descriptors.

    Parameters
    ----------
    inward, outward : int
        Where its bytes come from and go to.
    peer : socket, optional
        The socket they belong to, closed with the line; stdio has none and stays open.
    """

    def __init__(self, inward: int, outward: int, peer: socket.socket | None = None) -> None:
        self._in, self._out, self._peer = inward, outward, peer
        self._lock = threading.Lock()
        self._owed = b""
        self._open = True

    @classmethod
    def of(cls, peer: socket.socket) -> "Line":
        """Return the line of a connected socket; a peer that vanished is noticed within a minute."""
        peer.setblocking(False)
        if peer.family != socket.AF_UNIX:
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for name, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)):
                if hasattr(socket, name):
                    peer.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
        return cls(peer.fileno(), peer.fileno(), peer)

    # In.

    async def receive(self, room: memoryview) -> int:
        """Wait for bytes, read some into the front of ``room`` and return how many; 0 at the end of the stream.

        Raises
        ------
        OSError
            Where the connection broke.
        """
        await asyncio.sleep(0)  # whoever sends without a pause lets the others have their turn
        while self._open:
            if not _ready(self._in, select.POLLIN):
                await readable(self._in)
                continue
            with suppress(BlockingIOError):
                return os.readv(self._in, [room])
        return 0

    # Out.

    def owe(self, words: bytes) -> None:
        """Write words, or keep them until there is room.

        Raises
        ------
        ClientError
            Where too many wait already.
        OSError
            Where the client is gone.
        """
        with self._lock:
            if len(self._owed) + len(words) > MOST_OWED:
                raise ClientError("slow", "this client does not read what it is told: it is dropped")
            self._owed += words
            self._settle()

    def settle(self) -> bool:
        """Write the words still owed; return whether none are left. OSError where the client is gone."""
        with self._lock:
            return self._settle()

    def put(self, words: bytes, sound: memoryview) -> bool:
        """Write words and the sound after them, both together at most 4096 bytes; False, and nothing, without room.

        Raises
        ------
        OSError
            Where the client is gone.
        """
        with self._lock:
            if not self._settle() or not _ready(self._out, select.POLLOUT):
                return False
            try:
                count = os.writev(self._out, (words, sound))
            except BlockingIOError:
                return False
            if count != len(words) + len(sound):
                raise OSError("the client took only part of a message")
            return True

    def _settle(self) -> bool:
        if not self._open:
            raise BrokenPipeError("the client is gone")
        while self._owed and _ready(self._out, select.POLLOUT):
            try:
                count = os.write(self._out, self._owed[:_AT_ONCE])
            except BlockingIOError:
                break
            self._owed = self._owed[count:]
        return not self._owed

    # The end.

    def hang_up(self, *, still_listening: bool = False) -> None:
        """Say no more, and hear no more unless ``still_listening``. From any thread; stdio cannot be hung up."""
        with self._lock, suppress(OSError):
            if self._peer is not None and self._open:
                self._peer.shutdown(socket.SHUT_WR if still_listening else socket.SHUT_RDWR)

    def close(self) -> None:
        """Give the descriptors back, from the thread that reads. Safe to call twice."""
        with self._lock:
            self._open = False
            if self._peer is not None:
                self._peer.close()


async def readable(descriptor: int) -> None:
    """Wait until a descriptor can be read."""
    loop, came = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(descriptor, came.set)
    try:
        await came.wait()
    finally:
        loop.remove_reader(descriptor)


def _ready(descriptor: int, for_what: int) -> bool:
    """Say whether a descriptor can be read or written at once; one that is broken can, and will say so."""
    poll = select.poll()
    poll.register(descriptor, for_what)
    return bool(poll.poll(0))
