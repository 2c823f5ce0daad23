"""Run: one engine over every recording of a corpus, over as many processes as there are.

Owns the order of what comes back: the corpus's, whoever heard what and when, so that results do not depend on it. A
recording that fails is set aside with its reason, and the run goes on: it counts nowhere, neither its hours nor its
words.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from ...errors import ConfigError
from ...events import SAMPLE_RATE
from ..corpus import Corpus
from ..engines import Heard
from ..recording import Recording
from . import units
from .cache import Cache, keys
from .pool import Pool
from .worker import Maker, Task

MIXED = "it gave scores in one recording and none in another: always or never"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """What one engine heard in one recording; ``failure`` says why it counts nowhere, and is empty if all went well."""

    recording: Recording
    heard: tuple[Heard, ...] = ()
    failure: str = ""


def listen(
    maker: Maker, about: str, corpus: Corpus, pool: Pool, cache: Cache, done: Callable[[float, bool], None]
) -> tuple[Hearing, ...]:
    """Let an engine hear every recording, each as a fresh stream, unless it is known what it hears there.

    Parameters
    ----------
    maker : Maker
        What processes make the engine from.
    about : str
        Its :func:`worker.digest`: no other is believed.
    corpus : Corpus
        What is heard, in its order.
    pool : Pool
        Who hears it.
    cache : Cache
        What is known, and where that is kept.
    done : callable
        Called with seconds of sound that are over, and whether they were known before.

    Raises
    ------
    ConfigError
        If a machine of the pool cannot do what is asked of it, or two recordings have one name.
    """
    twice = next((name for name, count in Counter(one.name for one in corpus.recordings).items() if count > 1), None)
    if twice is not None:
        raise ConfigError(f"two recordings are called {twice!r}, and one would count for both: rename a file")
    key_of = keys(corpus, about)
    found: dict[str, Hearing] = {}
    for one in corpus.recordings:
        heard = cache.get(key_of[one.name])
        if heard is not None:
            found[one.name] = Hearing(recording=one, heard=heard)
    done(sum(one.recording.length for one in found.values()) / SAMPLE_RATE, True)
    own = {one.name: one for one in corpus.recordings if one.name not in found}
    tasks = [Task(maker=maker, about=about, recordings=group) for group in units.cut(own.values(), pool.processes)]
    if pool.elsewhere:
        tasks = [_elsewhere(task, corpus.sha256_of) for task in tasks]
    for task, answers in pool.hear(tasks):
        names = [one.name for one in task.recordings]
        cache.add((key_of[n], a.heard) for n, a in zip(names, answers, strict=True) if not a.failure)
        for name, answer in zip(names, answers, strict=True):
            found[name] = Hearing(recording=own[name], heard=answer.heard, failure=answer.failure)
        done(sum(one.length for one in task.recordings) / SAMPLE_RATE, False)
    return _alike([found[one.name] for one in corpus.recordings])


def _elsewhere(task: Task, sha256: Mapping[str, str]) -> Task:
    """Return a task for any machine, which looks at its files before it believes them."""
    recordings = tuple(map(units.absolute, task.recordings))
    files = dict.fromkeys(file for one in recordings for file in units.files(one, sha256[one.name]))
    return replace(task, recordings=recordings, elsewhere=True, files=tuple(files))


def _alike(hearings: Sequence[Hearing]) -> tuple[Hearing, ...]:
    """Set aside what has scores where the first that was heard has none, or the reverse: they cannot be compared."""
    kinds = [{heard.score is not None for heard in one.heard} for one in hearings]
    first = next((min(kind) for kind in kinds if kind), None)
    return tuple(
        Hearing(recording=one.recording, failure=MIXED) if kind - {first} else one
        for one, kind in zip(hearings, kinds, strict=True)
    )
