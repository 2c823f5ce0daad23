"""Run: one engine over every recording of a corpus.

Owns what happens when a recording fails: it is set aside with its reason, and the run goes on. It counts nowhere then,
neither its hours nor its words.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ..errors import WakegateError
from ..events import SAMPLE_RATE
from .engines import Engine, Heard
from .recording import Recording
from .sound import Sound


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """What one engine heard in one recording; ``failure`` says why it counts nowhere, and is empty if all went well."""

    recording: Recording
    heard: tuple[Heard, ...] = ()
    failure: str = ""


def listen(engine: Engine, recordings: Iterable[Recording], done: Callable[[float], None]) -> tuple[Hearing, ...]:
    """Let an engine hear every recording, each as a fresh stream.

    Parameters
    ----------
    engine : Engine
        Who listens.
    recordings : iterable of Recording
        In the order of their corpus.
    done : callable
        Called with the seconds of each recording when it is over.
    """
    hearings = []
    with Sound() as sound:
        for recording in recordings:
            try:
                heard = tuple(engine.hear(sound.of(recording)))
                hearings.append(Hearing(recording=recording, heard=heard))
            except WakegateError as error:
                hearings.append(Hearing(recording=recording, failure=str(error)))
            done(recording.length / SAMPLE_RATE)
    return tuple(hearings)
