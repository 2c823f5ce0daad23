"""Usage: what stands on the command line, apart from what this device has.

Owns the border between exit code 2 and 1. 2 is what was typed: a value that cannot be, or a word that no model knows.
It is wrong at every start, and a service manager leaves it. 1 is what the device lacks or holds: a microphone, a model,
a file, a package, a record, an address, a user or a group (who knows their names may come up after us), what is written
in ``wakegate.toml``. Somebody may mend that while a service is started again and again, and it comes up by itself.
"""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import ConfigError, ModelError, UsageError


@contextmanager
def typed() -> Iterator[None]:
    """Take what a setting or a word is found wrong with in here for wrong usage: somebody typed it."""
    try:
        yield
    except (ConfigError, ModelError) as error:
        raise UsageError(str(error)) from error


def channel(text: str) -> int:
    """Read a channel; ArgumentTypeError for what no device and no file has."""
    if not text.isascii() or not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no channel: give a whole number, from 1")
    return int(text)


class Once(argparse.Action):
    """Takes one, and refuses another: the last of two would win in silence."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, value: object, option: str | None = None
    ) -> None:
        """Take it."""
        if getattr(namespace, self.dest) is not None:
            parser.error(f"{option} is given more than once: this command takes one")
        setattr(namespace, self.dest, value)
