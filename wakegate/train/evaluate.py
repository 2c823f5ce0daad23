"""Evaluate: a model file to thresholds and operating points, on people and sound kept out of training.

Owns the measurement that goes into the manifest. It runs the shipped Scorer and Detector on streams, exactly as a
device would. Thresholds are chosen on one half of the kept-out background and measured on the other half; no threshold
ever sees a held-out speaker. A model that has learned from everybody has no misses of its own to show: it is given
those of its *fold*, the same training without the people who are kept out, at the fold's threshold for the same rate.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from ..events import SAMPLE_RATE
from ..rates import garwood, wilson
from ..wake import Candidate, Detection, Detector, Scorer, sweep
from ..wake import manifest as manifests
from ..wake.detector import WordTiming
from ..wake.manifest import OperatingPoint
from . import rooms
from .corpus import Clip, Corpus, share

EARLY = int(0.3 * SAMPLE_RATE)
LATE = int(1.0 * SAMPLE_RATE)
RATES = (0.1, 0.5, 1.0, 2.0)
DEFAULT_RATE = 0.5


@dataclass(frozen=True, slots=True)
class Trial:
    """One spoken wake word: the best score near its end (0 for none), and where that lay after its start and end."""

    word: str
    speaker: str
    clip: str
    score: float
    after_start: int
    after_end: int


def detector(scorer: Scorer) -> Detector:
    """Return a detector whose threshold is the floor: every candidate counts, and each is judged afterwards."""
    words = scorer.words
    timing = {w: WordTiming(lag=0, crossing_lag=0, duration=0) for w in words}
    config = scorer.manifest.detector_config(words, dict.fromkeys(words, scorer.manifest.floor))
    return Detector(replace(config, timing=timing))


def candidates(scorer: Scorer, stream: Iterable[NDArray[np.int16]]) -> Iterator[Candidate]:
    """Yield every candidate of a stream of (n,) int16 pieces."""
    return sweep.candidates(scorer, detector(scorer), stream)


def background_stream(clips: Sequence[Clip]) -> Iterator[NDArray[np.int16]]:
    """Yield clips end to end, with 0.3 s of near silence between them."""
    pause = np.random.default_rng(0).normal(0, 3, int(0.3 * SAMPLE_RATE)).astype(np.int16)
    for clip in clips:
        yield clip.samples
        yield pause


def in_noise(
    clip: Clip, noises: Sequence[Clip], snr_db: float, walls: Sequence[NDArray[np.float32]], rng: np.random.Generator
) -> tuple[NDArray[np.int16], int, int]:
    """Return a recording in noise, in one of the rooms if there are any, and the bounds of its word there.

    The noise runs from 2 s before the clip to 1 s after it; its RMS is ``snr_db`` below the word's, room included.
    """
    lead = 2 * SAMPLE_RATE
    signal = np.concatenate([np.zeros(lead), clip.samples, np.zeros(SAMPLE_RATE)]).astype(np.float32)
    if walls:
        signal = fftconvolve(signal, walls[int(rng.integers(len(walls)))])[: len(signal)]
    start, end = lead + clip.start, lead + clip.end
    loud = np.sqrt(np.square(signal[start:end]).mean())
    noise = _noise(noises, len(signal), rng)
    heard = max(1e-3, float(np.sqrt(np.square(noise).mean())))  # digital silence stays what it is
    mixed = signal + noise * (loud / heard * 10 ** (-snr_db / 20))
    samples = np.clip(mixed * min(1.0, 32000 / np.abs(mixed).max()), -32768, 32767).astype(np.int16)
    return samples, start, end


def trials(
    scorer: Scorer, corpus: Corpus, snr_db: float, walls: Sequence[NDArray[np.float32]], copies: int, seed: int
) -> list[Trial]:
    """Say every held-out recording ``copies`` times :func:`in_noise`."""
    rng = np.random.default_rng(seed)
    noises = [c for c in (*corpus.noise, *corpus.speech) if len(c.samples) > SAMPLE_RATE]
    done: list[Trial] = []
    recordings = {clip.group: clip for clip in corpus.positives}
    for clip in recordings.values():
        for _ in range(copies):
            samples, start, end = in_noise(clip, noises, snr_db, walls, rng)
            near = [
                c for c in candidates(scorer, [samples]) if c.word == clip.word and end - EARLY <= c.at <= end + LATE
            ]
            best = max(near, key=lambda c: c.score, default=None)
            speaker = clip.name.rsplit("/", 1)[-1].split("_")[0]
            score, at = (best.score, best.at) if best else (0.0, end)
            done.append(Trial(clip.word, speaker, clip.name, score, at - start, at - end))
    return done


def _noise(clips: Sequence[Clip], length: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """(length,) of one recorded noise, or of three voices at once in a third of the draws."""
    total = np.zeros(length, np.float32)
    for _ in range(3 if rng.random() < 1 / 3 else 1):
        piece = clips[int(rng.integers(len(clips)))].samples.astype(np.float32)
        piece = np.roll(np.resize(piece, length), int(rng.integers(length)))
        total += piece / (np.sqrt(np.square(piece).mean()) + 1.0)
    return total


def threshold_for(scores: Sequence[float], hours: float, rate: float, floor: float) -> float:
    """Return the lowest threshold with at most ``rate`` false accepts an hour among the candidates' scores."""
    allowed = int(rate * hours)
    ranked = sorted(scores, reverse=True)
    highest_refused = ranked[allowed] if allowed < len(ranked) else floor
    return round(min(0.999, max(floor, highest_refused + 0.002)), 3)


def measure(
    model: Path, corpus: Corpus, walls: Sequence[NDArray[np.float32]], fold: Path | None = None
) -> dict[str, object]:
    """Measure a model on the held-out side and return everything, ready for JSON; the misses are the fold's, if any."""
    scorer, people = _scorer(model), _scorer(fold or model)
    behind = (*corpus.speech, *corpus.noise)
    halves = [[c for c in behind if (share(f"half {c.name}") < 0.5) is side] for side in (True, False)]
    hours = [sum(len(c.samples) for c in half) / SAMPLE_RATE / 3600 for half in halves]
    heard = [list(candidates(scorer, background_stream(half))) for half in halves]
    fold_heard = [list(candidates(people, background_stream(half))) for half in halves] if fold else heard
    note = " (fold)" if fold else ""
    said = {
        f"quiet, 35 dB SNR{note}": trials(people, corpus, 35.0, (), 1, 1),
        f"noise, 10 dB SNR{note}": trials(people, corpus, 10.0, (), 4, 2),
        f"far: rooms kept out, 10 dB SNR{note}": trials(people, corpus, 10.0, walls, 4, 3),
    }
    quiet = next(iter(said.values()))
    floor = scorer.manifest.floor
    chosen = _chosen(scorer.words, heard[0], hours[0], floor)
    of_fold = _chosen(scorer.words, fold_heard[0], hours[0], floor) if fold else chosen
    thresholds = {word: chosen[word, DEFAULT_RATE] for word in scorer.words}
    return {
        "thresholds": thresholds,
        "timing": _timing(scorer, corpus, thresholds, quiet),
        "operating_points": [asdict(point) for point in _points(chosen, of_fold, heard[1], hours[1], said)],
        "pooled": _pooled(fold_heard, sum(hours), said),
        "background_hours": {"choosing": round(hours[0], 3), "measuring": round(hours[1], 3)},
        "speakers": len({t.speaker for t in quiet}),
        "model_sha256": scorer.manifest.sha256,
        "misses_and_pooled_of_sha256": people.manifest.sha256,
        "best_false_accepts": _worst(scorer, halves),
    }


def _points(
    chosen: Mapping[tuple[str, float], float],
    of_fold: Mapping[tuple[str, float], float],
    heard: Sequence[Candidate],
    hours: float,
    said: Mapping[str, Sequence[Trial]],
) -> list[OperatingPoint]:
    """Count false accepts at each threshold, and misses at the fold's for the same rate."""
    points: list[OperatingPoint] = []
    for (word, rate), threshold in chosen.items():
        if any((p.word, p.threshold) == (word, threshold) for p in points):
            continue  # few hours: two rates may allow the same number of events
        count = sum(c.word == word and c.score >= threshold for c in heard)
        for condition, spoken in said.items():
            own = [t for t in spoken if t.word == word]
            missed = sum(t.score < of_fold[word, rate] for t in own)
            points.append(
                OperatingPoint(
                    word=word, threshold=threshold, condition=condition,
                    false_accepts=count, hours=round(hours, 3), per_hour=_rounded(garwood(count, hours)),
                    missed=missed, trials=len(own), frr=_rounded(wilson(missed, len(own))),
                )
            )  # fmt: skip
    return points


def _chosen(
    words: Sequence[str], heard: Sequence[Candidate], hours: float, floor: float
) -> dict[tuple[str, float], float]:
    """Return the threshold of each word and rate."""
    scores = {word: [c.score for c in heard if c.word == word] for word in words}
    return {(word, rate): threshold_for(scores[word], hours, rate, floor) for word in words for rate in RATES}


def _scorer(model: Path) -> Scorer:
    manifest = manifests.read(model)
    return Scorer(manifest, [entry.word for entry in manifest.words])


def _rounded(interval: tuple[float, float]) -> tuple[float, float]:
    return round(interval[0], 4), round(interval[1], 4)


def _timing(
    scorer: Scorer, corpus: Corpus, thresholds: Mapping[str, float], quiet: Sequence[Trial]
) -> dict[str, dict[str, int]]:
    """Return each word's lags (medians) and a duration that covers the start of 95 % of the words."""
    timing = dict.fromkeys(scorer.words, WordTiming(lag=0, crossing_lag=0, duration=0))
    config = replace(scorer.manifest.detector_config(scorer.words, thresholds), timing=timing)
    crossing: dict[str, list[int]] = {word: [] for word in scorer.words}
    for clip in {clip.group: clip for clip in corpus.positives}.values():
        scorer.reset()
        for event in Detector(config).push(scorer.push(np.concatenate([clip.samples, np.zeros(8000, np.int16)]))):
            if isinstance(event, Detection) and event.word == clip.word:
                crossing[clip.word].append(event.at - clip.end)
    found: dict[str, dict[str, int]] = {}
    for word in scorer.words:
        heard = [t for t in quiet if t.word == word and t.score > 0]
        lag = int(np.median([t.after_end for t in heard]))
        duration = int(np.quantile([t.after_start for t in heard], 0.95)) - lag
        found[word] = {"lag": lag, "crossing_lag": int(np.median(crossing[word])), "duration": duration}
    return found


def _pooled(
    heard: Sequence[Sequence[Candidate]], hours: float, said: dict[str, list[Trial]]
) -> list[dict[str, object]]:
    """Mean miss of the words where each meets a rate on all the kept-out background (chosen and measured alike)."""
    rows: list[dict[str, object]] = []
    every = [c for half in heard for c in half]
    for rate in RATES:
        row: dict[str, object] = {"false_accepts_per_hour_a_word": rate, "hours": round(hours, 3)}
        for condition, spoken in said.items():
            words = sorted({t.word for t in spoken})
            threshold = {w: threshold_for([c.score for c in every if c.word == w], hours, rate, 0.0) for w in words}
            missed = [(t.word, t.speaker, t.score < threshold[t.word]) for t in spoken]
            by_word = {w: round(float(np.mean([m for word, _, m in missed if word == w])), 4) for w in words}
            mean = round(float(np.mean(list(by_word.values()))), 4)
            row[condition] = {"mean": mean, "by_speaker_95": _by_speaker(missed), **by_word}
        rows.append(row)
    return rows


def _by_speaker(missed: Sequence[tuple[str, str, bool]], draws: int = 2000) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of the words' mean miss when other speakers might have come (Efron 1979)."""
    rng = np.random.default_rng(0)
    speakers = sorted({speaker for _, speaker, _ in missed})
    words = sorted({word for word, _, _ in missed})
    counts = np.zeros((2, len(speakers), len(words)))
    for word, speaker, miss in missed:
        counts[:, speakers.index(speaker), words.index(word)] += (miss, 1)
    picks = rng.integers(len(speakers), size=(draws, len(speakers)))
    lost, said = counts[0][picks].sum(axis=1), counts[1][picks].sum(axis=1)
    means = np.nanmean(np.where(said > 0, lost / np.maximum(said, 1), np.nan), axis=1)
    return _rounded((float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975))))


def _worst(scorer: Scorer, halves: Sequence[Sequence[Clip]], most: int = 40) -> list[dict[str, object]]:
    """Name the files behind the highest false scores: somebody should listen to them."""
    found = []
    for clip in (c for half in halves for c in half):
        for heard in candidates(scorer, [clip.samples]):
            found.append(
                {"score": round(heard.score, 3), "word": heard.word, "at_s": heard.at / SAMPLE_RATE, "file": clip.name}
            )
    return sorted(found, key=lambda f: -float(str(f["score"])))[:most]


def run(model: Path, corpus: Corpus, folder: Path, results: Path, fold: Path | None = None) -> None:
    """Measure NAME.onnx, write the thresholds and operating points into NAME.json, and everything to ``results``."""
    walls = rooms.measured(folder / "rir")[-2:] + rooms.simulated(20, 10_001)
    found = measure(model.with_suffix(".json"), corpus, walls, fold)
    results.write_text(json.dumps(found, indent=1) + "\n")
    raw = json.loads(model.with_suffix(".json").read_text())
    thresholds, timing = found["thresholds"], found["timing"]
    assert isinstance(thresholds, dict) and isinstance(timing, dict)
    for entry in raw["words"]:
        entry |= {"threshold": thresholds[entry["word"]], **timing[entry["word"]]}
    raw["operating_points"] = found["operating_points"]
    model.with_suffix(".json").write_text(json.dumps(raw, indent=1) + "\n")
