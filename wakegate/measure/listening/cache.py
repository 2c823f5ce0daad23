"""Cache: what an engine has answered before, so that a run that was stopped goes on where it was.

Owns ``cache/ENGINE.jsonl`` of a result's folder: a line an answer, under the hash of all that it depends on: the
engine, this code, the file's content, the stretch of it, what was made of it. Must never believe a line that is torn,
changed or of another format: that recording is heard again. Failures are not kept, so they are tried again.
"""

import hashlib
import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from ...errors import ConfigError
from ..corpus import Corpus
from ..engines import Heard
from ..recording import Recording

FORMAT = 1
CODE = ("audio", "wake", "measure")
"""The parts of the package that answers depend on."""
ROOM = "make room on that disk, and run the same command again"
"""What to do where something cannot be written."""


class Cache:
    """The answers of one engine, in the folder of a result.

    Parameters
    ----------
    folder : Path
        Of the result.
    about : str
        The engine's :func:`worker.digest`.
    fresh : bool
        Forget what is there.

    Raises
    ------
    ConfigError
        If the folder cannot be used.
    """

    def __init__(self, folder: Path, about: str, *, fresh: bool = False) -> None:
        self._path = folder / "cache" / f"{about[:16]}.jsonl"
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if fresh:
                self._path.unlink(missing_ok=True)
            text = self._path.read_bytes() if self._path.exists() else b""
        except OSError as error:
            raise ConfigError(
                f"{self._path} cannot be used ({error.strerror}): remove it, or name another --out"
            ) from error
        self._known = dict(filter(None, map(_read, text.splitlines())))
        self._torn = bool(text) and not text.endswith(b"\n")

    def get(self, key: str) -> tuple[Heard, ...] | None:
        """Return what was heard under a key; None if nobody knows."""
        return self._known.get(key)

    def add(self, answers: Iterable[tuple[str, tuple[Heard, ...]]]) -> None:
        """Keep answers under their keys: on the disk when this returns, as far as a killed process goes.

        Raises
        ------
        ConfigError
            If they cannot be written to their end.
        """
        lines = b"".join(_line(key, heard) for key, heard in answers)
        if not lines:
            return
        whole = (b"\n" if self._torn else b"") + lines
        try:
            with self._path.open("ab", buffering=0) as file:
                self._torn = file.write(whole) != len(whole)
        except OSError as error:
            raise ConfigError(f"{self._path} cannot be written ({error.strerror}): {ROOM}") from error
        if self._torn:
            raise ConfigError(f"{self._path} was not written to its end: {ROOM}")


def keys(corpus: Corpus, about: str) -> dict[str, str]:
    """Return the key of each recording's answer, by the recording's name.

    Parameters
    ----------
    corpus : Corpus
        Whose hashes say what its files hold.
    about : str
        The engine's :func:`worker.digest`.
    """
    versions = () if corpus.conditions is None else corpus.conditions.versions
    shared = json.dumps([FORMAT, _code(), about, versions])
    files = corpus.sha256_of
    return {one.name: _key(shared, files[one.name], one) for one in corpus.recordings}


def _key(shared: str, file: str, one: Recording) -> str:
    # Labels decide nothing but the loudness of noise: those of a recording as it is may be mended.
    labels = [[r.word, r.start, r.end] for r in one.references] if one.made else []
    made = [one.made.key, labels, one.excluded] if one.made else []
    return hashlib.sha256(json.dumps([shared, file, one.first, one.length, made]).encode()).hexdigest()


def _line(key: str, heard: tuple[Heard, ...]) -> bytes:
    said = json.dumps([key, [[one.word, one.at, one.score] for one in heard]])
    return f"{_sum(said)} {said}\n".encode()


def _read(line: bytes) -> tuple[str, tuple[Heard, ...]] | None:
    """Return a line's key and what was heard; None if it is not as it was written."""
    try:
        check, said = line.decode().split(" ", 1)
        if check != _sum(said):
            return None
        key, heard = json.loads(said)
        return str(key), tuple(Heard(word=word, at=at, score=score) for word, at, score in heard)
    except (ValueError, TypeError):
        return None


def _sum(said: str) -> str:
    return hashlib.sha256(said.encode()).hexdigest()[:16]


@cache
def _code() -> str:
    """Return the hash of the code that hears."""
    package = Path(__file__).parents[2]
    sha = hashlib.sha256()
    for part in CODE:
        for path in sorted((package / part).rglob("*.py")):
            sha.update(f"{path.relative_to(package).as_posix()} ".encode() + path.read_bytes())
    return sha.hexdigest()
