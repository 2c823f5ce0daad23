"""Ambient: sound in which nobody says a wake word, so that all that an engine hears in it is a false accept.

Owns finding the files and adding up scores and hours. A file that cannot be heard counts nowhere, neither its hours nor
its scores. Memory stays flat: a file is streamed, its scores alone are kept.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from ...audio.block import Samples
from ...audio.files import FileSource
from ...errors import ConfigError, WakegateError
from ...events import SAMPLE_RATE
from ...wake import sweep
from ..corpus import SOUND, below
from ..engines import Engine, Heard

Showing = Callable[[FileSource, Iterator[Samples]], Iterator[Samples]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ambient:
    """What an engine heard.

    Parameters
    ----------
    heard : tuple of Heard
        All of it; where is of no use, the scores are.
    hours : float
        Of sound that was heard to its end.
    failures : tuple of str
        Why some files count nowhere.
    """

    heard: tuple[Heard, ...]
    hours: float
    failures: tuple[str, ...] = ()

    def scores(self, word: str) -> list[float]:
        """Return the scores of a word."""
        return [one.score for one in self.heard if one.word == word and one.score is not None]


def files(paths: Iterable[Path]) -> list[Path]:
    """Return the sound files that are named or lie below a folder that is.

    Raises
    ------
    ConfigError
        For what does not exist, a folder without sound, and a file that is named twice: its hours would count twice.
    """
    found: dict[Path, Path] = {}
    for path in paths:
        inside = [path]
        if not path.exists():
            raise ConfigError(f"{path} does not exist: check the name")
        if path.is_dir():
            inside = [one for one in below(path)[0] if one.suffix.lower() in SOUND]
            if not inside:
                raise ConfigError(f"{path} holds no sound ({', '.join(SOUND)}): name the folder that does")
        for file in inside:
            if file.resolve() in found:
                raise ConfigError(f"{file} is named twice: its hours would count twice")
            found[file.resolve()] = file
    return list(found.values())


def hours(paths: Iterable[Path]) -> float | None:
    """Return the hours that the files' headers promise; None where one does not say. A bad file promises none."""
    seconds = 0.0
    for path in paths:
        try:
            with closing(FileSource(path)) as source:
                if source.seconds is None:
                    return None
                seconds += source.seconds
        except WakegateError:  # `hear` tells why
            continue
    return seconds / 3600


def hear(engine: Engine, paths: Sequence[Path], showing: Showing) -> Ambient:
    """Let an engine hear files, each as a fresh stream; ``showing`` passes the pieces on and may show how far it is."""
    heard: list[Heard] = []
    failures: list[str] = []
    samples = 0
    for path in paths:
        lengths: list[int] = []
        try:
            with closing(FileSource(path)) as source:
                heard += engine.hear(_counted(showing(source, sweep.pieces(source)), lengths))
            samples += sum(lengths)
        except WakegateError as error:  # one bad file of a thousand must not cost the others
            failures.append(str(error))
    return Ambient(heard=tuple(heard), hours=samples / SAMPLE_RATE / 3600, failures=tuple(failures))


def _counted(pieces: Iterator[Samples], lengths: list[int]) -> Iterator[Samples]:
    for piece in pieces:
        lengths.append(len(piece))
        yield piece
