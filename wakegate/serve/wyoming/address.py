"""Address: where a service is found, as people write it: ``tcp://127.0.0.1:10400``, ``unix:///path``, ``stdio://``.

Owns reading it and opening the socket. Must never listen to the network unless the address itself says so, and never
take away another program's socket.
"""

import ipaddress
import socket
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from ... import unix
from ...errors import ConfigError

BUFFER_BYTES = 65_536
"""What the kernel may hold of a client's bytes each way: some two seconds of sound."""
_BACKLOG = 64


class Scheme(StrEnum):
    """Ways to reach a service."""

    TCP = "tcp"
    UNIX = "unix"
    STDIO = "stdio"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a service is found.

    Parameters
    ----------
    scheme : Scheme
        How it is reached.
    host, port : str, int
        For TCP; port 0 lets the system choose.
    path : Path or None
        For a unix socket.
    """

    scheme: Scheme
    host: str = ""
    port: int = 0
    path: Path | None = None

    def __str__(self) -> str:
        """Return it as people write it."""
        if self.scheme is Scheme.TCP:
            return f"tcp://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"
        return f"{self.scheme}://{self.path or ''}"

    @property
    def on_this_device(self) -> bool:
        """Whether nobody beyond this device can reach it."""
        if self.scheme is not Scheme.TCP or self.host == "localhost":
            return True
        with suppress(ValueError):
            return ipaddress.ip_address(self.host).is_loopback
        return False

    def listen(self) -> socket.socket:
        """Open the socket, listening and non-blocking; a unix socket is this user's alone.

        Raises
        ------
        ConfigError
            Where it cannot be opened.
        """
        try:
            listener = unix.listen(self.path) if self.path is not None else _tcp(self.host, self.port)
        except (OSError, UnicodeError) as error:
            raise ConfigError(f"cannot listen at {self} ({error}): choose another address") from error
        listener.setblocking(False)
        # Taken over by every connection that is accepted.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
        listener.listen(_BACKLOG)
        return listener

    def found_at(self, listener: socket.socket) -> "Address":
        """Return the address of an open socket, with the port that the system chose."""
        return replace(self, port=listener.getsockname()[1]) if self.scheme is Scheme.TCP else self


def parse(text: str) -> Address:
    """Return the address that a text names.

    Raises
    ------
    ConfigError
        For anything but ``tcp://HOST:PORT``, ``unix:///PATH`` and ``stdio://``.
    """
    scheme, _, rest = text.partition("://")
    host, _, port = rest.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    if scheme == "stdio" and not rest:
        return Address(scheme=Scheme.STDIO)
    if scheme == "unix" and rest.startswith("/") and "\0" not in rest:
        return Address(scheme=Scheme.UNIX, path=Path(rest))
    named = host and not set(host) & set("[]\0")  # an empty one would be every network there is
    if scheme == "tcp" and named and port.isascii() and port.isdecimal() and len(port) < 6 and int(port) < 65_536:
        return Address(scheme=Scheme.TCP, host=host, port=int(port))
    raise ConfigError(f"{text!r} is no address: write tcp://127.0.0.1:10400, unix:///whole/path or stdio://")


def _tcp(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except BaseException:
        listener.close()
        raise
    return listener
