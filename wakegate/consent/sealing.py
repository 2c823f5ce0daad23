"""Sealing: what on this device can encrypt to age keys.

Owns the choice: pyrage where it is installed, the ``age`` command where it is not (32-bit ARM has no wheel of pyrage).
The command is taken from the system's folders alone, never from PATH. Must never encrypt a clip:
:mod:`wakegate.gate.sealer` does, in a process of its own.
"""

import importlib.util
import os
import re
import subprocess
from pathlib import Path

from ..errors import ConfigError

COMMANDS = (Path("/usr/bin/age"), Path("/usr/local/bin/age"))
PYRAGE = "pyrage"
PATIENCE_S = 30.0
"""For the command to say whether a key is one."""
MISSING = "nothing here can seal clips: `sudo apt install age`, or `pip install pyrage`"


def tool() -> str | None:
    """Return ``pyrage``, the path of the ``age`` command, or None where there is neither."""
    if importlib.util.find_spec("pyrage") is not None:
        return PYRAGE
    return next((str(path) for path in COMMANDS if os.access(path, os.X_OK)), None)


def has_form(key: str) -> bool:
    """Whether a text has the form of an age public key; no program is asked."""
    return re.fullmatch("age1[0-9a-z]{58}", key) is not None


def canonical(key: str, by: str) -> str:
    """Return an age public key as age writes it.

    Parameters
    ----------
    key : str
        What somebody gave.
    by : str
        A tool.

    Raises
    ------
    ValueError
        If it is none. The key is not repeated.
    ConfigError
        If the tool does not run, or does not end.
    """
    if by == PYRAGE:
        import pyrage

        try:
            return str(pyrage.x25519.Recipient.from_str(key.strip()))
        except pyrage.RecipientError:
            raise ValueError("pyrage refuses it") from None
    plain = key.strip()
    if not has_form(plain):  # the command takes more: other kinds of keys, comments
        raise ValueError("it has not the form")
    # Its checksum: nothing is encrypted, to nowhere.
    tried = [by, "-R", "-", "-o", os.devnull, os.devnull]
    try:
        done = subprocess.run(
            tried, input=plain.encode(), capture_output=True, env={}, cwd="/", timeout=PATIENCE_S, check=False
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ConfigError(f"{by} does not do what it should ({error}): install it anew") from error
    if done.returncode != 0:
        raise ValueError("age refuses it")
    return plain
