"""Broker: which MQTT broker, and how it is spoken to.

Owns the address, the login and the certificates, checked before anything is sent. A login comes from a file that only
its owner can read: a command line is seen in ``ps``, and an environment is handed to every child. Must never send a
login in the clear to another machine, and never show one.
"""

import ipaddress
import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from ..chain.file import READ, open_own
from ..errors import ConfigError

_URL = re.compile(r"(?P<scheme>mqtts?)://(?P<host>[\w.-]+|\[[0-9A-Fa-f:.]+\])(:(?P<port>\d{1,5}))?/?")
_PORTS = {"mqtt": 1883, "mqtts": 8883}
LOGIN_BYTES = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """A broker to speak to; made by :func:`broker`.

    Parameters
    ----------
    host : str
        Name or address.
    port : int
        From 1 to 65535.
    tls : bool
        Whether it must show a certificate for its name.
    ca : Path or None
        The certificates it is checked against; the system's if None.
    login : tuple of str or None
        User name and password; never shown.

    Raises
    ------
    ConfigError
        For a port out of range, certificates without TLS, or a login that would travel in the clear.
    """

    host: str
    port: int
    tls: bool
    ca: Path | None = None
    login: tuple[str, str] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Check what belongs together."""
        if not 0 < self.port < 1 << 16:
            raise ConfigError(f"the broker's port is {self.port}: give one from 1 to 65535")
        if self.ca is not None and not self.tls:
            raise ConfigError("certificates were given for mqtt://, which has no encryption: write mqtts://")
        if self.login is not None and not self.tls and not _is_here(self.host):
            raise ConfigError(
                f"a login to {self.host} over mqtt:// could be read by the whole network: use mqtts://, "
                f"or a broker on this machine"
            )


def broker(url: str, login: Path | None = None, ca: Path | None = None) -> Broker:
    """Read an address, ``mqtt://HOST[:PORT]`` or ``mqtts://HOST[:PORT]``, and the files that belong to it.

    Parameters
    ----------
    url : str
        The ports are 1883 and 8883 if not given.
    login : Path, optional
        A file of two lines, user name and password, that only its owner can read.
    ca : Path, optional
        Certificates (PEM) to check the broker against.

    Raises
    ------
    ConfigError
        For an address or a login that is none, or a login file that others can read.
    ForeignError, ChainError
        For a login file that is not this user's, or cannot be opened.
    """
    found = _URL.fullmatch(url)
    if found is None:
        if "@" in url:
            raise ConfigError("a login in the broker's address would be seen in `ps`: put it into a file, --mqtt-login")
        raise ConfigError(f"the broker {url!r} is no address: write mqtt://HOST:PORT or mqtts://HOST:PORT")
    return Broker(
        host=found["host"].strip("[]"),
        port=int(found["port"] or _PORTS[found["scheme"]]),
        tls=found["scheme"] == "mqtts",
        ca=ca,
        login=None if login is None else read_login(login),
    )


def read_login(path: Path) -> tuple[str, str]:
    """Return user name and password from a file of two lines; what is in it is never told."""
    with os.fdopen(open_own(path, READ), "rb") as file:
        mode, raw = os.fstat(file.fileno()).st_mode & 0o777, file.read(LOGIN_BYTES)
    if mode & 0o077:
        raise ConfigError(f"{path} can be read by others (mode {mode:o}): chmod 600 it, and change the password")
    try:
        lines = raw.decode().splitlines()
    except UnicodeDecodeError:
        lines = []
    if len(lines) != 2 or not all(lines):
        raise ConfigError(f"{path} is no login: two lines, the user name and the password")
    return lines[0], lines[1]


def _is_here(host: str) -> bool:
    """Whether a host is this machine for certain."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
