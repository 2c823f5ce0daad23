"""Detections: each one with the reference it stands for, and each reference that was missed.

Owns the rows of events.csv, at the thresholds of the rates, so that every number can be checked by ear.
"""

from collections.abc import Iterator, Sequence

from ..events import SAMPLE_RATE
from .counts.matching import match
from .counts.tally import score, scored
from .listening.run import Hearing
from .measured import Measured
from .recording import Reference

COLUMNS = ("engine", "recording", "condition", "outcome", "word", "at_s", "score", "start_s", "end_s", "speaker")
Row = dict[str, object]


def rows(measured: Sequence[Measured], tolerance: int) -> Iterator[Row]:
    """Yield a row for every detection and every miss, by engine, recording and time.

    ``outcome`` is hit, miss or false accept; ``start_s``, ``end_s`` and ``speaker`` are the reference's, where there is
    one. Times are seconds from the recording's start.
    """
    for one in measured:
        for hearing in one.whole:
            yield from heard(one, hearing, tolerance)


def heard(one: Measured, hearing: Hearing, tolerance: int) -> Iterator[Row]:
    """Yield the rows of one recording, which did not fail, by time."""
    found = [row for word in one.words for row in _matched(one, word, hearing, tolerance)]
    recording = hearing.recording
    about = {"engine": one.engine.name, "recording": recording.name, "condition": recording.condition}
    yield from ({**about, **row} for _, row in sorted(found, key=lambda timed: timed[0]))


def _matched(one: Measured, word: str, hearing: Hearing, tolerance: int) -> Iterator[tuple[int, Row]]:
    """Yield when and what, for each detection and each miss of a word."""
    said = [h for h in scored(word, hearing, tolerance) if score(h) >= one.threshold_of(word)]
    references = [r for r in hearing.recording.references if r.word == word]
    partner = match([h.at for h in said], references, tolerance).partner.tolist()
    for detection, index in zip(said, partner, strict=True):
        row: Row = {"word": word, "at_s": _seconds(detection.at)}
        row["score"] = "" if detection.score is None else round(detection.score, 4)
        yield (
            detection.at,
            {"outcome": "false accept", **row} if index < 0 else {**row, **_said(references[index], "hit")},
        )
    for index in sorted(set(range(len(references))) - set(partner)):
        yield references[index].end, {"word": word, **_said(references[index], "miss")}


def _said(reference: Reference, outcome: str) -> Row:
    bounds = {"start_s": _seconds(reference.start), "end_s": _seconds(reference.end)}
    return {"outcome": outcome, **bounds, "speaker": reference.speaker}


def _seconds(samples: int) -> float:
    return round(samples / SAMPLE_RATE, 3)
