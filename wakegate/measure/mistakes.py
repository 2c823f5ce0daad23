"""Mistakes: the false accepts and misses of one engine that lie furthest on the wrong side of their thresholds.

Owns which are worth a researcher's ears first. They are rows of events.csv, with what lies near them; a miss also has
the best score that was heard inside its widened label, None where nothing was; a false accept says whether it is a
second detection of a word that was found. Pure.
"""

import heapq
import math
from collections.abc import Sequence

from ..events import SAMPLE_RATE
from . import detections
from .counts.tally import score, scored
from .listening.run import Hearing
from .measured import Measured
from .recording import Reference

KEPT = 20
"""Of each kind."""

Row = dict[str, object]


def loudest(one: Measured, hearings: Sequence[Hearing], tolerance: int) -> Row:
    """Return the false accepts with the highest scores and the misses with the lowest, each against its threshold.

    ``hearings`` are some of the engine's, of which none failed.
    """
    ranked: dict[str, list[tuple[float, int, Row]]] = {"false accept": [], "miss": []}
    every = ((hearing, row) for hearing in hearings for row in detections.heard(one, hearing, tolerance))
    for number, (hearing, row) in enumerate(every):
        if row["outcome"] == "hit":
            continue
        word = str(row["word"])
        threshold = one.threshold_of(word)
        told: Row = {key: value for key, value in row.items() if key not in ("engine", "outcome")}
        told["length_s"] = hearing.recording.length / SAMPLE_RATE
        if row["outcome"] == "miss":
            best = _best(word, float(str(row["start_s"])), float(str(row["end_s"])), hearing, tolerance, threshold)
            told["score"] = best if math.isfinite(best) else None
            away = threshold - best if math.isfinite(best) else math.inf
        else:
            away = float(str(row["score"])) if one.has_scores else 0.0
            away -= threshold if math.isfinite(threshold) else 0.0
            told["score"] = row["score"] if one.has_scores else None
            references, at_s = hearing.recording.references, float(str(row["at_s"]))
            told["nearest"] = _nearest(at_s, references)
            own = _nearest(at_s, [one for one in references if one.word == word])
            # Whatever lies within the tolerance of its own word and is no hit came beside one that is.
            told["duplicate"] = own is not None and float(str(own["away_s"])) <= tolerance / SAMPLE_RATE
        ranked[str(row["outcome"])].append((away, -number, told))
    return {
        name: {"count": len(found), "loudest": [told for *_, told in heapq.nlargest(KEPT, found, key=lambda r: r[:2])]}
        for name, found in (("false_accepts", ranked["false accept"]), ("misses", ranked["miss"]))
    }


def _best(word: str, start_s: float, end_s: float, hearing: Hearing, tolerance: int, threshold: float) -> float:
    """Return the highest score under the threshold inside a widened label, -inf if nothing was heard."""
    low, high = start_s * SAMPLE_RATE - tolerance, end_s * SAMPLE_RATE + tolerance
    near = (score(one) for one in scored(word, hearing, tolerance) if low <= one.at <= high)
    return max((one for one in near if one < threshold), default=-math.inf)


def _nearest(at_s: float, references: Sequence[Reference]) -> Row | None:
    """Return the wake word said closest to a time, of any word."""
    found = [
        (max(one.start / SAMPLE_RATE - at_s, at_s - one.end / SAMPLE_RATE, 0.0), one.start, one.word)
        for one in references
    ]
    if not found:
        return None
    away, start, word = min(found)
    return {"word": word, "start_s": round(start / SAMPLE_RATE, 3), "away_s": round(away, 3)}
