"""Stream: wake words spaced in one continuous stream, as in the public six-word benchmark.

Owns the recipe (Picovoice/wake-word-benchmark, ``mixer.py``): words in a drawn order, each whole clip once; before,
between and after them a gap or a little more, made of background files drawn with equal odds, end to end and whole, of
which one in five is heard (probability 0.2) and the others are as long a silence; noise under all of it, end to end;
each clip and each utterance brought to the SNR against the noise under it; at the end all turned to full scale.

Where this differs, and why: the benchmark makes one file of 24 h a word, we cut after each hour, so that memory stays
flat and cores share the work (full scale is reached in each hour). Its gap follows from 24 h and the number of clips,
(24 h) / (clips + 1); here it is asked for. It draws by numpy's generator, seed 778; we by names, so the same draw
cannot be had. It means to leave out LibriSpeech utterances that hold the word, and by a slip compares with the name
of an argument, so leaves out none; here a background file is left out if it is labelled. Its reference is the clip, and
half a second; here it is the label in the clip, and ``--tolerance``.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ...events import SAMPLE_RATE
from ..recording import Recording
from .draw import fraction, one_of
from .library import Stock
from .made import Excerpt, Made

HEARD = 0.2
LONG = 3600 * SAMPLE_RATE
"""A stream ends with the first gap after this, in samples."""


def streams(
    recordings: Sequence[Recording], sha256: dict[str, str], gap: int, background: Sequence[Stock], seed: int
) -> Iterator[Recording]:
    """Yield recordings that hold every labelled recording once; those of different conditions never share one.

    Parameters
    ----------
    recordings : sequence of Recording
        Those without a wake word are left out.
    sha256 : mapping
        Of each recording's file, by the recording's name.
    gap : int
        Samples between words, at least.
    background : sequence of Stock
        Speech for the gaps; none leaves them silent, and exactly so long.
    seed : int
        The user's.
    """
    by_condition = defaultdict(list)
    for one in recordings:
        if one.references:
            by_condition[one.condition].append(one)
    for condition, words in sorted(by_condition.items()):
        words.sort(key=lambda one: fraction(seed, one.name, "order"))
        making = _Stream(condition, gap, background, seed)
        number = 0
        for word in words:
            making.put(word, sha256[word.name])
            if making.at >= LONG or word is words[-1]:
                number += 1
                yield making.finished(f"stream {number}")


class _Stream:
    """A stream as it grows; begins anew when it is finished."""

    def __init__(self, condition: str, gap: int, background: Sequence[Stock], seed: int) -> None:
        self._condition, self._gap, self._background, self._seed = condition, gap, background, seed
        self._drawn = 0
        self._begin()

    def _begin(self) -> None:
        self.at = 0
        self._speech: list[Excerpt] = []
        self._words: list[tuple[int, Recording]] = []
        self._space()

    def put(self, word: Recording, sha256: str) -> None:
        """Add a word and the gap after it."""
        self._words.append((self.at, word))
        self._speech.append(Excerpt(at=self.at, audio=word.audio, sha256=sha256, first=word.first, length=word.length))
        self.at += word.length
        self._space()

    def _space(self) -> None:
        end = self.at + self._gap
        if not self._background:
            self.at = end
        while self.at < end:
            key = (self._condition, "background", self._drawn)
            one = one_of(self._background, self._seed, *key)
            if fraction(self._seed, *key, "heard") < HEARD:
                self._speech.append(
                    Excerpt(at=self.at, audio=one.audio, sha256=one.sha256, first=one.first, length=one.length)
                )
            self.at += one.length
            self._drawn += 1

    def finished(self, name: str) -> Recording:
        """Return the stream so far, and begin the next."""
        made = Recording(
            name=" ".join(filter(None, (self._condition, name))),
            audio=self._words[0][1].audio,
            first=0,
            length=self.at,
            references=tuple(
                replace(one, start=one.start + at, end=one.end + at)
                for at, word in self._words
                for one in word.references
            ),
            excluded=tuple((start + at, end + at) for at, word in self._words for start, end in word.excluded),
            condition=self._condition,
            made=Made(speech=tuple(self._speech)),
        )
        self._begin()
        return made
