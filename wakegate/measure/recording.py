"""Recording: a stretch of a sound file, the wake words said in it, and what of it is not scored.

Owns the checks of labels against sound: a label that lies past the end or over another of its word refuses the corpus,
since a wrong label counts as a false accept and as a miss. All times inside are samples at 16 kHz from the recording's
start; only labels and messages are in seconds.
"""

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from ..errors import ConfigError
from ..events import SAMPLE_RATE
from ..wake.catalogue import spelled
from .conditions.made import Made

EXCLUDED = ("?", "exclude")
"""Labels that are no word: nobody knows what is said there, so nothing there is scored."""
SLACK = SAMPLE_RATE // 50
"""How far a label may reach past the end, in samples: editors round."""


def written(text: str) -> bool:
    """Whether a name can be written to every result: no half of a surrogate pair, and no control character."""
    return not any(unicodedata.category(sign) in ("Cc", "Cs") for sign in text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """One label as written, in seconds: a word or an :data:`EXCLUDED` mark. Start and end may be equal."""

    word: str
    start_s: float
    end_s: float
    speaker: str = ""

    def __post_init__(self) -> None:
        """Refuse what lies nowhere."""
        if not (math.isfinite(self.start_s) and math.isfinite(self.end_s) and 0 <= self.start_s <= self.end_s):
            raise ConfigError(f"{self}: give a start at 0 s or later, and an end not before it")
        if not spelled(self.word):
            raise ConfigError(f"{self} has no word: name the word, or `?` where nobody knows")
        for name in (self.word, self.speaker):
            if not written(name):
                raise ConfigError(f"{name!r} cannot be written as UTF-8 in one line: spell the word or speaker anew")

    def __str__(self) -> str:
        return f"the label {self.word!r} from {self.start_s:g} to {self.end_s:g} s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A wake word that was said: samples [start, end] of its recording; ``speaker`` is empty where nobody knows."""

    word: str
    start: int
    end: int
    speaker: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """Sound that is scored as one stream.

    Parameters
    ----------
    name : str
        What results call it.
    audio : Path
        The sound file; ``first`` its first sample that counts, ``length`` how many do (at 16 kHz).
    references : tuple of Reference
        By start; two of one word never overlap.
    excluded : tuple of (int, int)
        Regions [start, end) that are not scored.
    condition : str
        What the corpus says of it ("far", "tv"), and what was made of it ("noise 10 dB"); empty if nothing.
    made : Made, optional
        How its sound is made; None where it is the file as it is.
    made_condition : str, optional
        What was made of it, alone: the same sound is there once in each. None where nothing is made of the corpus.
    """

    name: str
    audio: Path
    first: int
    length: int
    references: tuple[Reference, ...] = ()
    excluded: tuple[tuple[int, int], ...] = ()
    condition: str = ""
    made: Made | None = None
    made_condition: str | None = None


def labelled(bare: Recording, labels: Sequence[Label], where: str | Path) -> Recording:
    """Return the recording with its labels, checked.

    Parameters
    ----------
    bare : Recording
        Without references.
    labels : sequence of Label
        In seconds from the recording's start.
    where : str or Path
        The file or line that holds them, for messages.

    Raises
    ------
    ConfigError
        For a label past the end of the sound, two of one word that overlap, or a word inside an excluded region.
    """
    references, excluded = [], []
    for label in sorted(labels, key=lambda one: (one.start_s, one.end_s)):
        start, end = round(label.start_s * SAMPLE_RATE), round(label.end_s * SAMPLE_RATE)
        if end > bare.length + SLACK:
            raise ConfigError(
                f"{where}: {label} lies past the end of {bare.name}, which is {bare.length / SAMPLE_RATE:.2f} s long: "
                f"labels are in seconds from its start; or the sound was cut after it was labelled"
            )
        start, end = min(start, bare.length), min(end, bare.length)
        word = spelled(label.word)
        if word in EXCLUDED:
            excluded.append((start, end))
        else:
            references.append(Reference(word=word, start=start, end=end, speaker=label.speaker))
    for word in {one.word for one in references}:
        for one, two in pairwise(r for r in references if r.word == word):
            if two.start < one.end or (one.start, one.end) == (two.start, two.end):
                raise ConfigError(f"{where}: two labels of {_at(one)} and {_at(two)} overlap: remove or shorten one")
    for one in references:
        if any(one.start < end and start < one.end for start, end in excluded):
            raise ConfigError(
                f"{where}: {_at(one)} lies in a region marked `?`: remove the label or shorten the region"
            )
    return replace(bare, references=tuple(references), excluded=tuple(excluded))


def _at(one: Reference) -> str:
    return f"{one.word!r} at {one.start / SAMPLE_RATE:.2f} s"
