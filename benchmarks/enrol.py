"""Words from five recordings, measured on people: what `wakegate enrol` does, for those who record and for others.

    python benchmarks/enrol.py --data DATA --background MORE --fold FOLD/six.json \
        --results benchmarks/results/enrol.json --most 16

The model is the fold: it has never met the people who enrol and are tested here. Five of somebody's recordings are
drawn, and the word is tested on the rest and on everybody else's. Two kinds of word:

* *unknown*: the six words with their halves swapped at the quietest place in the middle ("glass view", "boy snow"). A
  model has met neither these words nor, with these people, the voices: but it has met the halves, so a word of
  other sounds may do worse. Cutting leaves an edge that every take shares.
* *known*: the six words as they are. The trunk has learned to tell them; no new word can hope for that.

Thresholds: the command's own (0.5, set by talk of espeak-ng alone), and the lowest for one false accept an hour on the
kept-out background itself, as in the other benchmarks. False accepts are counted on that background, which does not set
the score. Misses: 95 % by bootstrap over people (Efron 1979).
"""

import argparse
import itertools
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wakegate.rates import garwood
from wakegate.train import corpus
from wakegate.train.__main__ import DROPPED
from wakegate.train.corpus import Clip, share
from wakegate.train.enrol import hearing, talk
from wakegate.train.enrol.hearing import Activations, Hearing
from wakegate.train.enrol.tail import SMOOTH
from wakegate.train.enrol.takes import Take
from wakegate.train.enrol.template import Scale, scale_of
from wakegate.train.enrol.word import Word, candidates, said, word_of
from wakegate.train.evaluate import in_noise, threshold_for
from wakegate.train.voices.espeak import Espeak
from wakegate.wake import manifest
from wakegate.wake.detector import DetectorConfig, WordTiming

CONDITIONS = {"quiet": 35.0, "noise 10 dB": 10.0}
RATE = 16_000
EARLY, LATE = round(0.3 * RATE), RATE


@dataclass(frozen=True, eq=False)
class Spoken:
    """A recording by somebody, and what the trunk makes of it in each condition: activations, where the word ends."""

    speaker: str
    take: Take
    heard: dict[str, tuple[Activations, int]]


def swapped(clip: Clip) -> Clip:
    """Return a clip whose word has its halves swapped."""
    word = clip.samples[clip.start : clip.end].astype(np.float32)
    count = len(word) // 160
    power = np.convolve(np.square(word[: count * 160].reshape(count, 160)).mean(axis=1), np.ones(5) / 5, "same")
    first, last = int(count * 0.35), int(count * 0.65)
    cut = (first + int(np.argmin(power[first:last]))) * 160
    halves = [word[:cut].copy(), word[cut:].copy()]
    for half in halves:
        half[:80] *= np.linspace(0, 1, 80)
        half[-80:] *= np.linspace(1, 0, 80)
    samples = clip.samples.copy()
    samples[clip.start : clip.end] = np.concatenate(halves[::-1]).astype(np.int16)
    return replace(clip, samples=samples)


def spoken(ear: Hearing, clips: Sequence[Clip], noises: Sequence[Clip], seed: int) -> dict[str, list[Spoken]]:
    """Return everybody's recordings, by word."""
    rng = np.random.default_rng(seed)
    found: dict[str, list[Spoken]] = defaultdict(list)
    for clip in clips:
        heard = {}
        for condition, snr_db in CONDITIONS.items():
            samples, _, end = in_noise(clip, noises, snr_db, (), rng)
            heard[condition] = (ear.activations(samples), end)
        take = Take(clip.samples, clip.start, clip.end, clip.name)
        found[clip.word].append(Spoken(clip.name.rsplit("/", 1)[-1].split("_")[0], take, heard))
    return found


def streams(clips: Sequence[Clip], hours: float) -> list[NDArray[np.int16]]:
    """Return minutes of clips end to end, with near silence between them."""
    pause = np.random.default_rng(0).normal(0, 3, 4800).astype(np.int16)
    pieces = [one for clip in sorted(clips, key=lambda clip: share(f"e{clip.name}")) for one in (clip.samples, pause)]
    whole = np.concatenate(pieces)[: round(hours * 3600 * RATE)]
    return [whole[at : at + 600 * RATE] for at in range(0, len(whole), 600 * RATE)]


class Trial:
    """One enrolment."""

    def __init__(self, ear: Hearing, scale: Scale, without: Sequence[Activations], takes: Sequence[Take]) -> None:
        self.word: Word = word_of([said(ear, take, scale, seed) for seed, take in enumerate(takes)], scale, without)
        none = WordTiming(lag=0, crossing_lag=0, duration=0)
        self._config = DetectorConfig(
            thresholds={"w": 0.5},
            timing={"w": none},
            floor=0.1,
            step=talk.STEP,
            smoothing=SMOOTH,
            refractory=2 * RATE,
            fall=4800,
        )

    def false(self, behind: Sequence[Activations]) -> list[float]:
        """Return the score of every candidate in sound without the word."""
        return [one.score for heard in behind for one in candidates(self.word.scores(heard), self._config)]

    def best(self, one: Spoken, condition: str) -> float:
        """Return the best score near the end of the word."""
        heard, end = one.heard[condition]
        found = candidates(self.word.scores(heard), self._config)
        return max((c.score for c in found if end - EARLY <= c.at <= end + LATE), default=0.0)


def measured(
    ear: Hearing, by_word: dict[str, list[Spoken]], without: Sequence[Activations], behind: Sequence[Activations],
    people: int, each: int, most: int,
) -> dict[str, object]:  # fmt: skip
    """Enrol by ``people`` at a time with ``each`` recordings, and return what was missed and what woke falsely."""
    scale, rng = scale_of(without), np.random.default_rng(5)
    hours = sum(map(len, behind)) * talk.STEP / RATE / 3600
    drawn = []
    for word, every in by_word.items():
        able = sorted({one.speaker for one in every if sum(o.speaker == one.speaker for o in every) >= each + 3})
        if len({one.speaker for one in every}) > people:
            drawn += [(word, group) for group in itertools.combinations(able, people)]
    drawn = [drawn[index] for index in rng.permutation(len(drawn))[:most]]
    rows = []
    for word, group in drawn:
        every = by_word[word]
        own = {who: [one for one in every if one.speaker == who] for who in group}
        enrols = [one for many in own.values() for one in np.array(many, object)[rng.permutation(len(many))[:each]]]
        trial = Trial(ear, scale, without, [one.take for one in enrols])
        false = trial.false(behind)
        thresholds = {"own": 0.5, "1 an hour": threshold_for(false, hours, 1.0, 0.1)}
        tested = {
            "the same people": [one for many in own.values() for one in many if one not in enrols],
            "others": [one for one in every if one.speaker not in group],
        }
        scores = {
            (who, condition): [trial.best(one, condition) for one in ones]
            for who, ones in tested.items()
            for condition in CONDITIONS
        }
        rows.append((group, false, thresholds, scores))
    return summary(rows, hours)


def summary(rows: Sequence[tuple], hours: float) -> dict[str, object]:  # type: ignore[type-arg]
    """Return means over enrolments, and their intervals by bootstrap over the people who enrolled."""
    found: dict[str, object] = {"enrolments": len(rows), "people": len({who for row in rows for who in row[0]})}
    for name in ("own", "1 an hour"):
        counts = [sum(score >= row[2][name] for score in row[1]) for row in rows]
        low, high = garwood(sum(counts), hours * len(rows))
        missed = {
            f"{who}, {condition}": interval(rows, name, (who, condition))
            for who in ("the same people", "others")
            for condition in CONDITIONS
        }
        found[f"threshold {name}"] = {
            "false accepts an hour": round(sum(counts) / hours / len(rows), 2),
            "95 % of the mean, Poisson": [round(low, 2), round(high, 2)],
            "worst word": round(max(counts) / hours, 2), "missed": missed,
        }  # fmt: skip
    return found


def interval(rows: Sequence[tuple], name: str, what: tuple[str, str]) -> dict[str, object]:  # type: ignore[type-arg]
    """Return the mean of the enrolments' shares of missed words, and its interval."""
    groups = sorted({row[0] for row in rows})
    shares = {g: [np.mean([s < r[2][name] for s in r[3][what]]) for r in rows if r[0] == g] for g in groups}
    rng = np.random.default_rng(0)
    means = [
        np.mean([one for index in rng.integers(len(groups), size=len(groups)) for one in shares[groups[index]]])
        for _ in range(2000)
    ]
    every = [one for many in shares.values() for one in many]
    spread = [round(float(np.quantile(means, q)), 3) for q in (0.025, 0.975)]
    return {"mean": round(float(np.mean(every)), 3), "95 %": spread, "trials": sum(len(row[3][what]) for row in rows)}


def main() -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--data", "--background", "--fold", "--results"):
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument("--most", type=int, default=40, help="enrolments of each kind at most")
    args = parser.parse_args()
    base = manifest.read(args.fold)
    ear = hearing.opened(base)
    dropped = frozenset(DROPPED.read_text(encoding="utf-8").split("\n"))
    every = list(corpus.background(args.data, args.background, True, dropped))
    noises = [clip for _, clip in every if len(clip.samples) > RATE]
    behind = [
        ear.activations(one)
        for kinds, hours in ((("speech",), 1.6), (("noise", "music"), 0.4))
        for one in streams([clip for kind, clip in every if kind in kinds], hours)
    ]
    without = [ear.activations(one) for one in talk.made(Espeak(), None, 1, talk.MINUTES).chooses]
    clips = list({clip.group: clip for clip in corpus.people(args.data, True)}.values())
    results: dict[str, object] = {
        "model_sha256": base.sha256,
        "background": f"{sum(map(len, behind)) * talk.STEP / RATE / 3600:.2f} h of kept-out talk, music and noise",
    }
    kinds = {"unknown": [swapped(clip) for clip in clips], "known": clips}
    for kind, ones in kinds.items():
        by_word = spoken(ear, ones, noises, 1)
        for people, each in ((1, 5), (1, 3), (2, 5)) if kind == "unknown" else ((1, 5),):
            name = f"{kind} words, {people} {'person' if people == 1 else 'people'}, {each} recordings each"
            results[name] = measured(ear, by_word, without, behind, people, each, args.most)
            print(name, json.dumps(results[name], indent=1), flush=True)
    args.results.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
