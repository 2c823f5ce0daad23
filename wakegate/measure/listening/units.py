"""Units: the recordings of a run, cut into tasks for its processes.

Owns how much one task is: a file is decoded by one process and once, a long one is a task by itself, and short ones
share a task, so that what a task costs by itself is nothing beside the hearing. Answers never depend on the cut.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from ...events import SAMPLE_RATE
from ..conditions.made import Measured
from ..recording import Recording

SHORTEST, LONGEST = 120 * SAMPLE_RATE, 600 * SAMPLE_RATE
"""A task is closed once it has so much sound, in samples, or a whole long file."""
OVERHEAD = 2 * SAMPLE_RATE
"""What a recording costs beside its sound, as sound: its file is opened, its engine reset, and some silence follows."""
SHARES = 4
"""A process gets so many tasks, if there is sound enough, so that all end at about the same time."""


def cut(recordings: Iterable[Recording], processes: int) -> Iterator[tuple[Recording, ...]]:
    """Yield the recordings in their order, as those of one task each."""
    every = tuple(recordings)
    share = sum(one.length + OVERHEAD for one in every) / (processes * SHARES)
    goal = min(max(share, SHORTEST), LONGEST)
    begun: list[Recording] = []
    length = 0
    for one in every:
        if length >= goal and not _goes_on(begun[-1], one):
            yield tuple(begun)
            begun, length = [], 0
        begun.append(one)
        length += one.length + OVERHEAD
    if begun:
        yield tuple(begun)


def absolute(recording: Recording) -> Recording:
    """Return the recording with paths that mean the same in any folder, for processes elsewhere."""
    made = recording.made
    if made is not None:
        speech, noise = (tuple(replace(x, audio=_path(x.audio)) for x in part) for part in (made.speech, made.noise))
        room = replace(made.room, audio=_path(made.room.audio)) if isinstance(made.room, Measured) else made.room
        made = replace(made, speech=speech, noise=noise, room=room)
    return replace(recording, audio=_path(recording.audio), made=made)


def files(recording: Recording, sha256: str) -> Iterator[tuple[Path, str]]:
    """Yield every file that a recording's sound is made from, with its hash; ``sha256`` is that of its own."""
    yield recording.audio, sha256
    made = recording.made
    if made is not None:
        yield from ((one.audio, one.sha256) for one in (*made.speech, *made.noise))
        if isinstance(made.room, Measured):
            yield made.room.audio, made.room.sha256


def _path(path: Path) -> Path:
    return Path.cwd() / path


def _goes_on(before: Recording, after: Recording) -> bool:
    """Whether two stretches come from one pass over a file; what is made on the fly opens its files by itself."""
    return before.made is after.made is None and before.audio == after.audio and before.first < after.first
