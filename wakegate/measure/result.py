"""Result: everything that was measured, as one document that can be written, read back and repeated.

Owns the shape of results.json. No clock and no machine's name is in it: the same corpus, engines and command give the
same bytes.
"""

import csv
import json
import math
import platform
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from itertools import combinations
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from ..errors import ConfigError
from ..events import SAMPLE_RATE
from . import detections
from .clips import Clips
from .conditions.plan import versions
from .corpus import Corpus
from .counts.bootstrap import by_speaker
from .counts.compare import compare
from .counts.curve import at_rate, curve
from .counts.part import Part, parts, wholes
from .counts.sequential import progress
from .counts.tally import Rates, Tally, counted, hours
from .listening.cache import ROOM
from .listening.run import Hearing
from .measured import Measured
from .mistakes import loudest
from .report import page
from .report.words import short

FORMAT = 1
RATES = (0.1, 0.5, 1.0)
"""False accepts an hour at which misses are read off the curve."""
BUDGET = 0.1
"""False accepts an hour that a device should stay under."""
SUM = "all words"

Row = dict[str, object]


def document(corpus: Corpus, measured: Sequence[Measured], *, tolerance: int, seed: int, command: Sequence[str]) -> Row:
    """Return everything as plain values, ready for JSON.

    Parameters
    ----------
    corpus : Corpus
        What was measured on.
    measured : sequence of Measured
        One an engine, over the same recordings.
    tolerance : int
        Samples.
    seed : int
        Of the bootstrap.
    command : sequence of str
        What was asked for.
    """
    import wakegate

    engines = [_engine(one, tolerance, seed) for one in measured]
    names = short({"engines": engines})
    return {
        "format": FORMAT,
        "command": list(command),
        "seed": seed,
        "tolerance_s": tolerance / SAMPLE_RATE,
        "versions": {"wakegate": wakegate.__version__, "python": platform.python_version(), **dict(versions())},
        # The short name is the one of events.csv.
        "engines": [{"engine": one["engine"], "name": names[str(one["engine"])], **one} for one in engines],
        "comparisons": [
            row
            for pair in combinations(measured, 2)
            for part in zip(*(wholes(side.hearings) for side in pair), strict=True)
            for row in _compared(pair, part, tolerance)
        ],
        # At the end: a hash a file may be a very long list.
        "corpus": {**_corpus(corpus, tolerance), "files": dict(corpus.sha256)},
    }


def write(folder: Path, found: Row, measured: Sequence[Measured], tolerance: int, clips: Clips | None = None) -> None:
    """Write results.json, events.csv and report.html; ``clips`` is the sound that a person asked to have in it.

    Raises
    ------
    ConfigError
        If there is no room; what stood there before is left as it was.
    """
    with _writing(folder / "results.json") as file:
        file.write(json.dumps(found, indent=1, allow_nan=False) + "\n")
    # A file's name need not be UTF-8: there it stands as it is.
    with _writing(folder / "events.csv", errors="surrogateescape") as file:
        table = csv.DictWriter(file, detections.COLUMNS, restval="")
        table.writeheader()
        names = short(found)
        table.writerows({**row, "engine": names[str(row["engine"])]} for row in detections.rows(measured, tolerance))
    with _writing(folder / "report.html") as file:
        file.write(page(found, clips))


@contextmanager
def _writing(path: Path, errors: str = "strict") -> Iterator[TextIO]:
    """Give a file that takes the place of another once it is whole: what was there before stays until then."""
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("w", newline="", encoding="utf-8", errors=errors) as file:
            yield file
        part.replace(path)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written ({error.strerror}): {ROOM}") from error
    finally:
        with suppress(OSError):
            part.unlink()


def _corpus(corpus: Corpus, tolerance: int) -> Row:
    # Of one condition: the others hold the same words again. A stream has more hours than the words it is made of.
    every = wholes([Hearing(recording=one) for one in corpus.recordings])
    whole = max(every, key=lambda part: hours(part.hearings, tolerance))
    recordings = [one.recording for one in whole.hearings]
    references = [r for one in recordings for r in one.references]
    return {
        "path": str(corpus.path),
        "sha256": corpus.digest,
        "recordings": len(recordings),
        "hours": sum(one.length for one in recordings) / SAMPLE_RATE / 3600,
        "hours_without_wake_words": hours(whole.hearings, tolerance),
        "hours_in_all_conditions": sum(one.length for one in corpus.recordings) / SAMPLE_RATE / 3600,
        "references": len(references),
        "speakers": len({r.speaker for r in references if r.speaker}),
        "notes": list(corpus.notes),
        "conditions": asdict(corpus.conditions) if corpus.conditions else None,
    }


def _engine(one: Measured, tolerance: int, seed: int) -> Row:
    said = Counter(heard.word for h in one.whole for heard in h.heard)
    every = wholes(one.hearings)
    return {
        "engine": one.engine.name,
        "about": dict(one.engine.about),
        "knows": None if one.engine.thresholds is None else list(one.engine.thresholds),
        "has_scores": one.has_scores,
        "said": dict(sorted(said.items())),
        "failures": [{"recording": h.recording.name, "reason": h.failure} for h in one.hearings if h.failure],
        "rates": [row for part in parts(one.hearings) for row in _rows(one, part, tolerance, seed)],
        "sweep": [row for part in every for row in _swept(one, part, tolerance)] if one.has_scores else [],
        "mistakes": [{"condition": part.condition, **loudest(one, part.heard, tolerance)} for part in every],
    }


def _tallies(one: Measured, hearings: Sequence[Hearing], tolerance: int) -> dict[str, Tally]:
    exposure = hours(hearings, tolerance)
    return {word: counted(word, hearings, tolerance, exposure) for word in one.words}


def _rows(one: Measured, part: Part, tolerance: int, seed: int) -> Iterator[Row]:
    """Yield the rates of each word and, over the same hours, of all together."""
    every: list[Rates] = []
    missed: list[NDArray[np.bool_]] = [np.zeros(0, np.bool_)]
    speakers: list[str] = []
    for word, tally in _tallies(one, part.heard, tolerance).items():
        threshold = one.threshold_of(word)
        every.append(tally.rates(threshold))
        missed.append(tally.missed(threshold))
        speakers += tally.speakers
        interval = by_speaker(missed[-1], tally.speakers, seed)
        about = {"word": word, "condition": part.condition, "threshold": _finite(threshold)}
        yield {**about, **_rated(every[-1], interval), "speakers": _named(tally.speakers)}
    if len(every) == 1:
        return
    together = Rates(
        false_accepts=sum(one.false_accepts for one in every),
        hours=hours(part.heard, tolerance),
        missed=sum(one.missed for one in every),
        trials=sum(one.trials for one in every),
    )
    interval = by_speaker(np.concatenate(missed), speakers, seed)
    about = {"word": SUM, "condition": part.condition, "threshold": None}
    yield {**about, **_rated(together, interval), "speakers": _named(speakers)}


def _named(speakers: Sequence[str]) -> int:
    """Return how many people are named."""
    return len(set(speakers) - {""})


def _rated(rates: Rates, by_speaker_95: tuple[float, float] | None) -> Row:
    under = asdict(progress(rates.false_accepts, rates.hours, BUDGET)) if rates.hours else None
    return {
        **asdict(rates),
        "per_hour": rates.per_hour,
        "per_hour_95": rates.per_hour_95,
        "frr": rates.frr,
        "frr_95": rates.frr_95,
        "frr_95_by_speaker": by_speaker_95,
        "under": under,
    }


def _swept(one: Measured, part: Part, tolerance: int) -> Iterator[Row]:
    """Yield each word's whole curve, and the misses at the rates people ask for."""
    for word, tally in _tallies(one, part.heard, tolerance).items():
        points = [(_finite(p.threshold), p.false_accepts, p.missed) for p in curve(tally)]
        at: list[Row] = []
        for rate in RATES if tally.hours else ():
            threshold, rates = at_rate(tally, rate)
            at.append({"allowed_per_hour": rate, "threshold": _finite(threshold), **_rated(rates, None)})
        columns = ("threshold", "false_accepts", "missed")
        yield {"word": word, "condition": part.condition, "columns": columns, "curve": points, "at": at}


def _compared(sides: tuple[Measured, ...], part: tuple[Part, ...], tolerance: int) -> Iterator[Row]:
    """Yield a comparison for each word that both know, and for all of them, where both heard to the end."""
    one, two = sides
    both = [pair for pair in zip(*(side.hearings for side in part), strict=True) if not any(h.failure for h in pair)]
    tallies = [_tallies(side, [pair[n] for pair in both], tolerance) for n, side in enumerate(sides)]
    exposure = hours([a for a, *_ in both], tolerance)

    def missed(n: int, words: Sequence[str]) -> NDArray[np.bool_]:
        return np.concatenate([tallies[n][word].missed(sides[n].threshold_of(word)) for word in words])

    def accepted(n: int, words: Sequence[str]) -> int:
        return sum(tallies[n][word].rates(sides[n].threshold_of(word)).false_accepts for word in words)

    common = [word for word in one.words if word in two.words]
    for words in (*([word] for word in common), *([common] if len(common) > 1 else [])):
        pair = compare((missed(0, words), missed(1, words)), (accepted(0, words), accepted(1, words)), exposure)
        about = {"first": one.engine.name, "second": two.engine.name, "condition": part[0].condition}
        yield {**about, "word": words[0] if len(words) == 1 else SUM, **asdict(pair)}


def _finite(threshold: float) -> float | None:
    return threshold if math.isfinite(threshold) else None
