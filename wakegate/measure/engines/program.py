"""Any program as an engine: PCM on its stdin, one JSON line on its stdout for each thing it hears.

Owns the agreement with it: a process per recording, 16 kHz mono s16le in, lines out, a score with all of them or with
none. Must never count a recording that the program did not hear to its end.
"""

import hashlib
import os
import shlex
import shutil
import weakref
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from ...audio.block import Samples
from ...errors import ConfigError, EngineError
from .engine import Heard
from .process import Process
from .said import check_count, heard


class Program:
    """A command line, split as a shell would and started without one.

    Parameters
    ----------
    name, command : str
        As on the command line, and what of it is to be run.
    limit_s : float
        How long it may take no sound, and how long it may take to end when the sound has ended.
    """

    def __init__(self, name: str, command: str, limit_s: float) -> None:
        try:
            self._words = shlex.split(command)
        except ValueError as error:
            raise ConfigError(f"the command of {name!r} cannot be split ({error}): check its quotes") from error
        if not self._words or shutil.which(self._words[0]) is None:
            raise ConfigError(f"{name!r} names no program that can be run: check its path, or install it")
        self.name = name
        self.thresholds: Mapping[str, float] | None = None
        self.about: Mapping[str, object] = {"command": self._words, "files_sha256": _files(self._words)}
        self._limit_s = limit_s

    def hear(self, sound: Iterable[Samples]) -> list[Heard]:
        """Let the program hear one recording; EngineError if it crashes, hangs or says what cannot be understood."""
        length = 0

        def bare() -> Iterator[bytes]:
            nonlocal length
            for piece in sound:
                length += len(piece)
                yield piece.astype("<i2").tobytes()

        process = Process(self._words, self._limit_s)
        end = weakref.finalize(self, process.end)  # also where a thread of ours is left behind
        lines: list[bytes] = []
        try:
            for line in process.lines(bare(), close=True):
                lines.append(line)
                check_count(len(lines), length)
        finally:
            end()
        found = [heard(line, length) for line in lines]
        if len({one.score is None for one in found}) > 1:
            raise EngineError("it gave a score with some of what it heard and not with the rest: always or never")
        return found


def _files(words: list[str]) -> dict[str, str]:
    """Return the hash of the program and of every file that its command line names, as --model=FILE too."""
    named = [shutil.which(words[0]) or words[0], *words[1:], *(word.partition("=")[2] for word in words[1:])]
    hashes: dict[str, str] = {}
    for name in named:
        if not os.path.isfile(name):  # noqa: PTH113  what is too long to be a name is no error here
            continue
        try:
            with Path(name).open("rb") as file:
                hashes[name] = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise ConfigError(f"{name} cannot be read: {error}") from error
    return hashes
