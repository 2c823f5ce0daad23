"""Matching: which detection belongs to which reference, and which sound had no wake word in it.

Owns what counts as right. A detection may stand for a reference if it lies inside it, widened by the tolerance; each
stands for one reference and each reference for one detection, as many as can be. Whatever is left over is a false
accept: a second detection of the same word too. Pure functions of sample indices.

::

    reference            [alexa]        [alexa]
    widened            <<[alexa]>>    <<[alexa]>>
    detections   x         x  x                 x
                 false     hit false            hit
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..recording import Recording, Reference

Indices = NDArray[np.int64]
Spans = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Matching:
    """The largest one-to-one matching of detections and references of one word.

    Parameters
    ----------
    partner : (n,) int64
        The reference of each detection, -1 for a false accept.
    gained : (n,) int64
        The reference that was first covered when this detection joined the ones before it; -1 if it covered no more.
    """

    partner: Indices
    gained: Indices


def match(at: Sequence[int], references: Sequence[Reference], tolerance: int) -> Matching:
    """Match detections to references of the same word.

    Parameters
    ----------
    at : (n,) sequence of int
        Detections, in any order.
    references : sequence of Reference
        By start, none over another.
    tolerance : int
        Samples that a reference reaches further at both ends.

    Notes
    -----
    Detections join one by one, each by an augmenting path (C. Berge, 1957) where there is one. So the matching of the
    first k is as large as it can be for every k, and a reference once covered stays so: with detections ordered by
    falling score, ``gained`` is the exact result at every threshold at once. As ``mir_eval.util.match_events`` for
    points in time, where that has a window in place of the tolerance.
    """
    starts = np.array([one.start for one in references], np.int64) - tolerance
    ends = np.array([one.end for one in references], np.int64) + tolerance
    partner, gained = np.full(len(at), -1, np.int64), np.full(len(at), -1, np.int64)
    holder = np.full(len(references), -1, np.int64)
    near = [_near(one, references, starts, ends) for one in at]
    for joining in range(len(at)):
        gained[joining] = _augment(joining, near, partner, holder)
    return Matching(partner, gained)


def _near(at: int, references: Sequence[Reference], starts: Indices, ends: Indices) -> list[int]:
    """Return the references that a detection may stand for, the nearest first."""
    first, after = int(np.searchsorted(ends, at, "left")), int(np.searchsorted(starts, at, "right"))
    return sorted(range(first, after), key=lambda one: max(references[one].start - at, at - references[one].end, 0))


def _augment(joining: int, near: Sequence[Sequence[int]], partner: Indices, holder: Indices) -> int:
    """Cover one reference more, by handing references on along a shortest path; return it, or -1."""
    reached_by: dict[int, int] = {}
    waiting = deque([joining])
    while waiting:
        detection = waiting.popleft()
        for reference in near[detection]:
            if reference in reached_by:
                continue
            reached_by[reference] = detection
            if holder[reference] >= 0:
                waiting.append(int(holder[reference]))
                continue
            handed = reference
            while handed >= 0:
                taker = reached_by[handed]
                left = int(partner[taker])
                partner[taker], holder[handed] = handed, taker
                handed = left
            return reference
    return -1


def unscored(recording: Recording, tolerance: int) -> Spans:
    """Return the excluded regions [start, end) less the widened references, whose detections always count."""
    excluded = _union(recording.excluded)
    for start, end in _widened(recording, tolerance):
        excluded = tuple(
            (low, high)
            for one, two in excluded
            for low, high in ((one, min(two, start)), (max(one, end), two))
            if low < high
        )
    return excluded


def quiet(recording: Recording, tolerance: int) -> int:
    """Return how many samples hold no wake word: neither a widened reference of any word nor an excluded region."""
    taken = _union((*recording.excluded, *_widened(recording, tolerance)))
    return recording.length - sum(min(end, recording.length) - max(start, 0) for start, end in taken)


def _widened(recording: Recording, tolerance: int) -> Spans:
    """Return the references, tolerance and last sample included, inside the recording."""
    return _union(
        (max(one.start - tolerance, 0), min(one.end + tolerance + 1, recording.length)) for one in recording.references
    )


def _union(spans: Iterable[tuple[int, int]]) -> Spans:
    """Return the same samples as spans that do not touch, in order."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return tuple(joined)
