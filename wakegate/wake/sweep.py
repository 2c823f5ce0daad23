"""Sweep: a whole stream through scorer and detector, piece by piece, at flat memory.

Owns how a recording ends: half a second of silence follows it, so that a word that ends with the file is heard like any
other. Used by whatever works on files; the live loop is :mod:`wakegate.pipeline`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from ..audio.block import Samples, Source
from ..events import SAMPLE_RATE
from .detector import Candidate, Detector, Scores
from .scorer import Scorer

PIECE = SAMPLE_RATE
TAIL = SAMPLE_RATE // 2


def pieces(source: Source) -> Iterator[Samples]:
    """Yield a source's sound as (n,) int16 views of one buffer, each valid until the next."""
    buffer = np.zeros(PIECE, np.int16)
    ended = False
    while not ended:
        reading = source.read(buffer)
        ended = reading.ended
        if reading.count:
            yield buffer[: reading.count]


def scores(scorer: Scorer, sound: Iterable[Samples]) -> Iterator[Scores]:
    """Yield (steps, words) float32 scores of a fresh stream, its tail included."""
    scorer.reset()
    for piece in sound:
        yield scorer.push(piece)
    yield scorer.push(np.zeros(TAIL, np.int16))


def candidates(scorer: Scorer, detector: Detector, sound: Iterable[Samples]) -> Iterator[Candidate]:
    """Yield every candidate of a fresh stream, as each closes; none lies behind the end of the sound."""
    detector.reset()
    heard = 0

    def counted() -> Iterator[Samples]:
        nonlocal heard
        for piece in sound:
            heard += len(piece)
            yield piece

    for piece_scores in scores(scorer, counted()):
        for event in detector.push(piece_scores):
            if isinstance(event, Candidate):
                yield _inside(event, heard)
    for event in detector.finish():
        yield _inside(event, heard)


def _inside(found: Candidate, end: int) -> Candidate:
    return replace(found, at=min(found.at, end), start=min(found.start, end), end=min(found.end, end))
