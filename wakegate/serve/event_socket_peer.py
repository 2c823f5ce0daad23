"""Peer: one program on the event socket, and the bounded buffers between it and us.

Owns what came from it and was not read yet (one line), what is owed to it (:data:`MOST_OWED` bytes), and when it has to
go. Never waits, and never looks into a line.
"""

import json
import socket

from ..events import SCHEMA

LONGEST_LINE = 1024
"""Bytes of a command, its newline apart."""
MOST_OWED = 64 * 1024
"""Bytes that wait for a program to read them, beside what the kernel holds. One that lets more pile up is dropped."""
LINGER_S = 2.0
"""How long a program that was dropped has to read why."""


class Peer:
    """One connection.

    Parameters
    ----------
    connection : socket
        Connected. It is made non-blocking.
    """

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self._connection = connection
        self._came = bytearray()
        self._owed = bytearray()
        self._ended = self._broken = False
        self._leaves_at: float | None = None

    def fileno(self) -> int:
        """Return the descriptor, for a selector."""
        return self._connection.fileno()

    @property
    def owes(self) -> bool:
        """Whether something is still to be sent."""
        return bool(self._owed)

    @property
    def leaving(self) -> bool:
        """Whether nothing more is taken from it."""
        return self._leaves_at is not None

    @property
    def waiting(self) -> bool:
        """Whether a whole line waits to be answered."""
        return not self.leaving and b"\n" in self._came

    def receive(self, now: float) -> None:
        """Take what came, at most a line's length; nothing while a whole line still waits."""
        if self.waiting or self.leaving:
            return
        try:
            came = self._connection.recv(LONGEST_LINE + 1 - len(self._came))
        except BlockingIOError:
            return
        except OSError:
            self._broken = True
            return
        self._ended = not came
        self._came += came
        if len(self._came) > LONGEST_LINE and b"\n" not in self._came:
            self.dismiss(f"a command has at most {LONGEST_LINE} bytes", now)

    def line(self) -> bytes | None:
        """Take the next whole line, without its end; None if there is none."""
        if not self.waiting:
            return None
        line, _, rest = self._came.partition(b"\n")
        self._came = rest
        return bytes(line)

    def say(self, line: str, now: float) -> None:
        """Owe it a line; if it has let too many pile up, drop it, and owe it that word instead."""
        if self.leaving:
            return
        self._owed += line.encode() + b"\n"
        if len(self._owed) > MOST_OWED:
            self.send()
        if len(self._owed) > MOST_OWED:
            # What is left of the line that is on its way must go first.
            del self._owed[self._owed.find(b"\n") + 1 :]
            self.dismiss(f"you read too slowly: more than {MOST_OWED} bytes were waiting. Connect again", now)

    def dismiss(self, why: str, now: float) -> None:
        """Say why it is dropped, and take nothing more from it."""
        self._owed += refusal(why)
        self._leaves_at = now + LINGER_S

    def send(self) -> None:
        """Send what there is room for."""
        try:
            while self._owed:
                del self._owed[: self._connection.send(self._owed)]
        except BlockingIOError:
            return
        except OSError:
            self._broken = True

    def over(self, now: float) -> bool:
        """Whether it can be closed: it is gone, or was dropped and knows why, or had its time."""
        if self._ended and not self.waiting and not self.leaving:
            self._leaves_at = now + LINGER_S
        return self._broken or (self._leaves_at is not None and (not self._owed or now > self._leaves_at))

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


def refusal(why: str) -> bytes:
    """Return the last line that a program gets which is dropped."""
    return json.dumps({"schema": SCHEMA, "kind": "dropped", "error": why}).encode() + b"\n"
