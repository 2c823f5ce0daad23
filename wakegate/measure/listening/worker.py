"""Worker: what a process of a run does with the task it is given.

Owns the engine of its process: built from its specification once, since no engine can travel, and kept until another is
asked for. Owns what happens when a recording fails: its answer says why, and the next one is heard. Must never answer
on another machine with an engine that is not the one the run names in its results.
"""

import hashlib
import json
import platform
import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ...errors import ConfigError, WakegateError
from ..conditions.plan import versions
from ..engines import Engine, Heard, named
from ..recording import Recording
from ..sound import Sound

REASON = 500
"""Characters of other people's error messages that a result keeps."""
_kept = threading.local()  # a dask worker runs its tasks in threads


@dataclass(frozen=True, slots=True, kw_only=True)
class Maker:
    """What an engine is made from, in whichever process.

    Parameters
    ----------
    spec : str
        As on the command line.
    threshold : float, optional
        One for all words.
    limit_s : float
        How long a program may take no sound.
    """

    spec: str
    threshold: float | None = None
    limit_s: float = 60.0

    def engine(self) -> Engine:
        """Return a new engine."""
        return named(self.spec, self.threshold, self.limit_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Recordings that one process hears, one after the other.

    Parameters
    ----------
    maker : Maker
        Of the engine that hears them.
    about : str
        :func:`digest` of the engine that the results will name.
    recordings : tuple of Recording
        Files follow each other as in the corpus.
    elsewhere : bool
        Whether another machine may be given it: a file that is missing or another there, or another engine, stops the
        run.
    files : tuple of (Path, str)
        What is to be looked at there: the path and sha256 of every file that its sound is made from.
    """

    maker: Maker
    about: str
    recordings: tuple[Recording, ...]
    elsewhere: bool = False
    files: tuple[tuple[Path, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was heard in one recording; ``failure`` says why it counts nowhere, and is empty if all went well."""

    heard: tuple[Heard, ...] = ()
    failure: str = ""


def digest(engine: Engine) -> str:
    """Return the hash of what an engine says about itself, of wakegate's version, and of what gives it its sound."""
    import wakegate

    about = [wakegate.__version__, versions(), engine.name, dict(engine.about)]
    text = json.dumps(about, sort_keys=True, default=str)
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()


def hear(task: Task) -> tuple[Answer, ...]:
    """Hear a task's recordings, each as a fresh stream; one answer each.

    Raises
    ------
    ConfigError
        If this machine cannot do what the run's own machine can: another engine, another version, no such files.
    """
    engine = _engine(task)
    for path, sha256 in task.files:
        _check(path, sha256)
    with Sound() as sound:
        return tuple(_answer(engine, sound, one) for one in task.recordings)


@cache
def _check(path: Path, sha256: str) -> None:
    """Refuse a file that is not here, or not the same; once a process."""
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ConfigError(
            f"{platform.node()} has no {path} ({error.strerror}): all sound must lie under the same path on every "
            f"machine of the cluster (a shared disk does that)"
        ) from error
    if found != sha256:
        raise ConfigError(f"{platform.node()} has another {path} than this run: copy it there anew")


def _answer(engine: Engine, sound: Sound, recording: Recording) -> Answer:
    try:
        return Answer(heard=tuple(engine.hear(sound.of(recording))))
    except WakegateError as error:
        return Answer(failure=str(error))
    except Exception as error:  # engines are other people's code: whatever they throw fails this recording alone
        return Answer(failure=f"{type(error).__name__}: {error}"[:REASON])


def _engine(task: Task) -> Engine:
    if getattr(_kept, "key", None) != (task.maker, task.about):
        _kept.key = _kept.engine = None
        try:
            engine = task.maker.engine()
        except WakegateError as error:
            raise ConfigError(f"{platform.node()} cannot run {task.maker.spec!r}: {error}") from error
        if task.elsewhere and digest(engine) != task.about:
            raise ConfigError(
                f"{platform.node()} has another {task.maker.spec!r} than this run, or another wakegate: install the "
                f"same versions and files on every machine (a file that the command names may not change meanwhile)"
            )
        _kept.key, _kept.engine = (task.maker, task.about), engine
    kept: Engine = _kept.engine
    return kept
