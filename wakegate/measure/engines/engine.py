"""Engine: sound in, what was heard out.

Owns the seam that every engine is measured through: a whole recording, piece by piece, as a fresh stream.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from ...audio.block import Samples


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What an engine heard: a word, the sample at which it says so, and its score where it has one.

    An engine with scores says every candidate, also those that it would not report at its own threshold. One that has
    none but can be set is heard at several settings: its score is the strictest that still says this.
    """

    word: str
    at: int
    score: float | None = None


class Engine(Protocol):
    """Whoever detects wake words.

    Attributes
    ----------
    name : str
        As on the command line.
    thresholds : mapping of str to float, or None
        Its words and their own thresholds; None if it does not say before it is asked.
    about : mapping of str to object
        Versions and hashes, for the result: it changes whenever the answers may. ``swept_by`` in it names the setting
        that stands for a score.
    """

    name: str
    thresholds: Mapping[str, float] | None
    about: Mapping[str, object]

    def hear(self, sound: Iterable[Samples]) -> list[Heard]:
        """Return what is heard in one recording: pieces of (n,) int16, 16 kHz mono, each valid until the next.

        Raises
        ------
        EngineError
            If this recording could not be heard to its end. The next one may be tried.
        """
