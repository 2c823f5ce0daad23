"""The recordings of latency.py behind each other, and what was said of them when.

Owns the track, and the figures made of it: which event belongs to which word, and the quantiles of how late it came.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from latency_engines import OURS, PEERS, RATE, WORDS

GAP_S, LATE_S = 1.5, 1.5


@dataclass(frozen=True, slots=True)
class Spoken:
    """A word in the track: which, where, in samples, and of which recording."""

    word: str
    start: int
    end: int
    path: str = ""


@dataclass(slots=True)
class Track:
    """Recordings one after the other, (n,) int16."""

    samples: Any
    spoken: list[Spoken] = field(default_factory=list)


def track(data: Path, rows: Sequence[Mapping[str, str]], seed: int = 1) -> Track:
    """Put recordings behind each other; the gaps' lengths vary by a fifth of a second, so that steps fall anywhere."""
    import numpy as np
    import soundfile

    rng, pieces, at, spoken = np.random.default_rng(seed), [], 0, []

    def soft(seconds: float) -> None:
        nonlocal at
        pieces.append(np.round(rng.normal(0, 10, round(seconds * RATE))).astype(np.int16))
        at += len(pieces[-1])

    for row in rows:
        soft(GAP_S + 0.2 * rng.random())
        sound, rate = soundfile.read(data / row["path"], dtype="int16")
        assert rate == RATE and sound.ndim == 1, row["path"]
        begin, end = (at + round(float(row[key]) * RATE) for key in ("start_s", "end_s"))
        spoken.append(Spoken(row["wake_word"], begin, end, row["path"]))
        pieces.append(sound)
        at += len(sound)
    soft(2 * GAP_S)
    return Track(np.concatenate(pieces), spoken)


def chosen(rows: Sequence[Mapping[str, str]], each: int) -> list[Mapping[str, str]]:
    """Return so many recordings of each word, of other people where there are, and twice as many of alexa."""
    import random

    random.Random(1).shuffle(mixed := list(rows))
    mixed.sort(key=lambda row: sum(row["speaker"] == one["speaker"] for one in mixed))
    found = [
        row for word in WORDS for row in [r for r in mixed if r["wake_word"] == word][: each * (1 + (word == "alexa"))]
    ]
    random.Random(2).shuffle(found)
    return found


def matched(
    whole: Track, events: Sequence[tuple[float, dict[str, Any]]], ends: Sequence[float]
) -> list[dict[str, Any] | None]:
    """Return, for each word, the first event that belongs to it, with its latency; None for one that was missed.

    ``ends`` are the seconds at which each word ended, on the clock of the events.
    """
    found: list[dict[str, Any] | None] = []
    for one, end in zip(whole.spoken, ends, strict=True):
        first, last = end - (one.end - one.start) / RATE, end + LATE_S
        own = [(when, told) for when, told in events if told["word"] == one.word and first <= when <= last]
        found.append({**own[0][1], "latency_s": own[0][0] - end} if own else None)
    return found


def quantiles(values: Sequence[float]) -> dict[str, float]:
    """Return smallest, median, 99th percentile and largest."""
    ordered = sorted(values)

    def at(share: float) -> float:
        return round(ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))], 4)

    return {"min": at(0), "p50": at(0.5), "p99": at(0.99), "max": at(1)} if ordered else {}


def table(whole: Track, found: Mapping[str, Sequence[dict[str, Any] | None]]) -> dict[str, Any]:
    """Return each engine's latencies, by word and in all, and ours beside each peer's on the words that both heard."""
    engines = {}
    for name, events in found.items():
        own = [(one.word, told) for one, told in zip(whole.spoken, events, strict=True) if one.word in known(name)]
        rows = {word: [told["latency_s"] for w, told in own if w == word and told] for word in known(name)}
        engines[name] = {
            "words": len(own), "heard": sum(told is not None for _, told in own),
            "latency_s": quantiles([value for values in rows.values() for value in values]),
            "by_word": {word: {"heard": len(values), **quantiles(values)} for word, values in rows.items()},
        }  # fmt: skip
    beside = {}
    for name in found:
        pairs = [(a["latency_s"], b["latency_s"]) for a, b in zip(found[OURS], found[name], strict=True) if a and b]
        if name != OURS and pairs:
            mine, theirs = zip(*pairs, strict=True)
            sooner = sum(a < b for a, b in pairs)
            beside[name] = {
                "words": len(pairs),
                "ours": quantiles(mine),
                "theirs": quantiles(theirs),
                "ours_sooner": sooner,
            }
    return {"seconds": round(len(whole.samples) / RATE), "engines": engines, "on_the_same_words": beside}


def known(name: str) -> Sequence[str]:
    """Return an engine's words."""
    return WORDS if name == OURS else PEERS[name]
