"""What the journal's lines add up to: false accepts per hour of each word, releases, refusals.

Pure: entries in, numbers out. Never reads a file or a clock, and never gives a rate without the hours behind it.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from ..events import SAMPLE_RATE
from ..rates import garwood
from .lines import Entry
from .tally import Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class WordRates:
    """How one word did on one model.

    Parameters
    ----------
    word, model : str
        The word, and the first 12 digits of the model's sha256 (empty if a journal never said).
    hours : float
        Hours listened for it with the gate closed.
    wakes : int
        How often it fired; ``true`` and ``false_accepts`` of them are labelled so, ``unlabelled`` are not.
    suspected : int
        The unlabelled ones that look like false accepts: nobody spoke, or the user cancelled.
    near_misses : int
        Candidates that stayed below the threshold.
    """

    word: str
    model: str
    hours: float
    wakes: int
    true: int
    false_accepts: int
    unlabelled: int
    suspected: int
    near_misses: int

    @property
    def per_hour(self) -> float | None:
        """Labelled false accepts per hour; None without exposure."""
        return self.false_accepts / self.hours if self.hours else None

    def interval(self, confidence: float = 0.95) -> tuple[float, float] | None:
        """Return the exact Poisson interval of the labelled false accepts per hour; None without exposure."""
        return garwood(self.false_accepts, self.hours, confidence) if self.hours else None

    def worst(self, confidence: float = 0.95) -> float | None:
        """Return the upper bound per hour if every unlabelled wake was a false accept; None without exposure."""
        return garwood(self.false_accepts + self.unlabelled, self.hours, confidence)[1] if self.hours else None


@dataclass(frozen=True, slots=True, kw_only=True)
class PurposeCounts:
    """What left for one purpose: releases begun, completed and ended early, and the seconds of audio."""

    purpose: str
    opened: int
    released: int
    aborted: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything the journal adds up to.

    Parameters
    ----------
    since, until : float or None
        Unix seconds of the first and last line counted; None for an empty journal.
    words : tuple of WordRates
        By word, then by model.
    purposes : tuple of PurposeCounts
        Only those that were ever opened.
    refusals : tuple of (str, int)
        Reason and count, most frequent first.
    gaps : int
        How often samples were lost.
    """

    since: float | None
    until: float | None
    words: tuple[WordRates, ...]
    purposes: tuple[PurposeCounts, ...]
    refusals: tuple[tuple[str, int], ...]
    gaps: int


def report(entries: Iterable[Entry]) -> Report:
    """Add up the entries of a journal, oldest first, as :func:`wakegate.journal.read` yields them."""
    tally = Tally()
    for entry in entries:
        tally.add(entry)
    return Report(
        since=tally.since,
        until=tally.until,
        words=tuple(_rates(word, model, tally.words[word, model]) for word, model in sorted(tally.words)),
        purposes=tuple(_counts(purpose, tally.purposes[purpose]) for purpose in sorted(tally.purposes)),
        refusals=tuple(sorted(tally.refusals.items(), key=lambda item: (-item[1], item[0]))),
        gaps=tally.gaps,
    )


def _rates(word: str, model: str, n: Counter[str]) -> WordRates:
    return WordRates(
        word=word,
        model=model,
        hours=n["samples"] / SAMPLE_RATE / 3600,
        wakes=n["wakes"],
        true=n["true"],
        false_accepts=n["false"],
        unlabelled=n["wakes"] - n["true"] - n["false"],
        suspected=n["suspected"],
        near_misses=n["near"],
    )


def _counts(purpose: str, n: Counter[str]) -> PurposeCounts:
    return PurposeCounts(
        purpose=purpose,
        opened=n["opened"],
        released=n["released"],
        aborted=n["aborted"],
        seconds=round(n["samples"] / SAMPLE_RATE, 3),
    )
