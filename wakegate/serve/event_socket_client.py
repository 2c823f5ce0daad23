"""A program's side of the event socket, in Python: say one command and read the answer.

Owns one connection for one question. Who wants events reads the socket's lines for himself: they are JSON.
"""

import json
import socket
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from ..errors import ConfigError

ANSWER_S = 5.0
"""How long a listener has to answer, seconds."""
LONGEST_LINE = 64 * 1024
"""Bytes of a line that are read: no listener has longer ones."""


def ask(path: Path, command: Mapping[str, object]) -> dict[str, object]:
    """Say a command to the listener behind a socket and return its reply, or its ``status`` line for that command.

    Parameters
    ----------
    path : Path
        The socket.
    command : mapping
        As :mod:`~wakegate.serve.event_socket_commands` lists them.

    Raises
    ------
    ConfigError
        Where nobody listens there, or the listener refuses; the message says why.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(ANSWER_S)
        try:
            connection.connect(str(path))
            connection.sendall(json.dumps(command).encode() + b"\n")
            for said in _lines(connection, time.monotonic() + ANSWER_S):
                if said.get("kind") == "dropped" or (said.get("kind") == "reply" and said.get("error")):
                    raise ConfigError(f"the listener refuses: {said.get('error')}")
                if said.get("kind") == "reply":
                    return said
        except OSError as error:
            raise ConfigError(
                f"no listener answers on {path} ({error.strerror or error}): is `wakegate listen --events unix:{path}` "
                "running, as this user?"
            ) from error
        except (ValueError, RecursionError) as error:
            if isinstance(error, ConfigError):
                raise
            raise ConfigError(f"what answers on {path} is no listener of wakegate") from error
    raise ConfigError(f"the listener on {path} hung up without an answer: does it run as this user?")


def _lines(connection: socket.socket, until: float) -> Iterator[dict[str, object]]:
    with connection.makefile("rb") as stream:
        while line := stream.readline(LONGEST_LINE):
            said = json.loads(line)
            if not isinstance(said, dict):
                raise ValueError("not an object")
            yield said
            if time.monotonic() > until:
                raise TimeoutError("events came, and no answer")
