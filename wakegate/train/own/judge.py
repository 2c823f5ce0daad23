"""Judge: a grown model to thresholds, operating points and a page, on sound kept out of training.

Owns which sound chooses and which measures: half of the kept-out background each. The listening is the device's own,
the counting and the page are those of ``wakegate measure``. What synthetic voices say proves little of people: the
conditions say who spoke.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...audio.block import Samples
from ...events import SAMPLE_RATE
from ...measure import result
from ...measure.conditions.made import Conditions
from ...measure.corpus import Corpus
from ...measure.counts.tally import Tally, counted, hours
from ...measure.engines import Heard
from ...measure.listening.run import Hearing
from ...measure.measured import Measured
from ...measure.recording import Recording, Reference
from ...measure.report import page
from ...wake import Detection, Detector, Scorer, load, sweep
from ...wake.detector import WordTiming
from ...wake.manifest import OperatingPoint
from ..corpus import Clip, share
from ..evaluate import RATES, in_noise, threshold_for

OWN_RATE = 1.0
"""False accepts an hour that an own word's threshold is chosen for: it has learned less than the shipped six."""

TOLERANCE = SAMPLE_RATE // 2
LEAST = 0.3
"""No threshold is lower: little kept-out sound proves little."""
Rooms = Sequence[NDArray[np.float32]]
Told = Callable[[float], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptOut:
    """What a model is judged on: nothing of it was trained on.

    Parameters
    ----------
    spoken : tuple of Clip
        The phrase; ``group`` is who says it.
    who : str
        What they are, for the conditions: "recordings", "synthetic voices".
    background : tuple of Clip
        Without the phrase.
    rooms : sequence of (n,) float32
        Impulse responses.
    """

    spoken: tuple[Clip, ...]
    who: str
    background: tuple[Clip, ...]
    rooms: Rooms


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a manifest and a page say of a word."""

    threshold: float
    timing: WordTiming
    points: tuple[OperatingPoint, ...]
    html: str


class OneWord:
    """An engine of ``wakegate measure`` that knows the new word alone."""

    def __init__(self, model: Path, word: str) -> None:
        self.scorer = load([word], model)
        manifest = self.scorer.manifest
        self.name = f"wakegate:{model.name}"
        self.thresholds: Mapping[str, float] | None = {word: manifest.entry(word).threshold}
        self.about: Mapping[str, object] = {"model": manifest.name, "model_sha256": manifest.sha256}
        self._detector = Detector(manifest.detector_config([word]))

    def hear(self, sound: Iterable[Samples]) -> list[Heard]:
        """Return every candidate of one recording."""
        found = sweep.candidates(self.scorer, self._detector, sound)
        return [Heard(word=one.word, at=one.at, score=one.score) for one in found]


def judged(model: Path, word: str, kept: KeptOut, seed: int, told: Told) -> Judgement:
    """Measure one word of a model file, whose manifest stands beside it with any timing and threshold."""
    engine = OneWord(model, word)
    shuffled = sorted(kept.background, key=lambda clip: share(f"half {clip.name}"))
    chooses, measures = shuffled[::2], shuffled[1::2]
    conditions: dict[str, tuple[float, Rooms]] = {
        f"{kept.who}, quiet": (35.0, ()),
        f"{kept.who}, noise 10 dB": (10.0, ()),
        f"{kept.who}, far: simulated rooms, 10 dB": (10.0, kept.rooms),
    }
    all_told = len(kept.background) + len(conditions) * len(kept.spoken)
    done = 0

    def hear(clip: Clip, samples: Samples, spoken: tuple[int, int] | None) -> Hearing:
        nonlocal done
        done += 1
        told(done / all_told)
        said = () if spoken is None else (Reference(word=word, start=spoken[0], end=spoken[1], speaker=clip.group),)
        name = clip.name if spoken is None else f"{clip.name} #{done}"
        recording = Recording(name=name, audio=Path(clip.name), first=0, length=len(samples), references=said)
        return Hearing(recording=recording, heard=tuple(engine.hear([samples])))

    chosen = [hear(clip, clip.samples, None) for clip in chooses]
    behind = [hear(clip, clip.samples, None) for clip in measures]
    said: dict[str, list[Hearing]] = {}
    for number, (condition, (snr_db, walls)) in enumerate(conditions.items()):
        rng = np.random.default_rng((seed, number))
        mixed = [(clip, *in_noise(clip, kept.background, snr_db, walls, rng)) for clip in kept.spoken]
        said[condition] = [hear(clip, samples, (start, end)) for clip, samples, start, end in mixed]
    quiet = next(iter(said.values()))
    thresholds = _thresholds(chosen, word)
    threshold = thresholds[OWN_RATE]
    wholes = {condition: (*behind, *heard) for condition, heard in said.items()}
    return Judgement(
        threshold=threshold,
        timing=_timing(engine.scorer, word, threshold, quiet, kept.spoken),
        points=tuple(_points(word, thresholds, wholes)),
        html=_page(engine, {word: threshold}, wholes, kept, (model, seed)),
    )


def _tally(word: str, hearings: Sequence[Hearing]) -> Tally:
    return counted(word, hearings, TOLERANCE, hours(hearings, TOLERANCE))


def _thresholds(chosen: Sequence[Hearing], word: str) -> dict[float, float]:
    """Return the threshold for each rate of false accepts, by the half that chooses."""
    tally = _tally(word, chosen)
    return {rate: max(LEAST, threshold_for(list(tally.false), tally.hours, rate, LEAST)) for rate in RATES}


def _points(
    word: str, thresholds: Mapping[float, float], wholes: Mapping[str, Sequence[Hearing]]
) -> Iterable[OperatingPoint]:
    for threshold in dict.fromkeys(thresholds.values()):
        for condition, hearings in wholes.items():
            rates = _tally(word, hearings).rates(threshold)
            assert rates.per_hour_95 is not None and rates.frr_95 is not None
            yield OperatingPoint(
                word=word, threshold=threshold, condition=condition,
                false_accepts=rates.false_accepts, hours=round(rates.hours, 4), per_hour=_rounded(rates.per_hour_95),
                missed=rates.missed, trials=rates.trials, frr=_rounded(rates.frr_95),
            )  # fmt: skip


def _rounded(interval: tuple[float, float]) -> tuple[float, float]:
    return round(interval[0], 4), round(interval[1], 4)


def _timing(scorer: Scorer, word: str, threshold: float, quiet: Sequence[Hearing], clips: Sequence[Clip]) -> WordTiming:
    """Return the medians of its lags and a duration that covers the start of 95 % of the words."""
    peaks = []
    for hearing in quiet:
        (reference,) = hearing.recording.references
        near = [one for one in hearing.heard if abs(one.at - reference.end) < SAMPLE_RATE]
        if near:
            at = max(near, key=lambda one: one.score or 0.0).at
            peaks.append((at - reference.end, at - reference.start))
    none = WordTiming(lag=0, crossing_lag=0, duration=0)
    config = replace(scorer.manifest.detector_config([word], {word: threshold}), timing={word: none})
    crossings = []
    for clip in clips:
        scorer.reset()
        said = np.concatenate([clip.samples, np.zeros(SAMPLE_RATE // 2, np.int16)])
        events = Detector(config).push(scorer.push(said))
        crossings += [event.at - clip.end for event in events if isinstance(event, Detection)][:1]
    if not peaks:
        return WordTiming(lag=0, crossing_lag=0, duration=SAMPLE_RATE)
    lag = int(np.median([after for after, _ in peaks]))
    return WordTiming(
        lag=lag,
        crossing_lag=int(np.median(crossings)) if crossings else lag,
        duration=max(0, int(np.quantile([whole for _, whole in peaks], 0.95)) - lag),
    )


def _page(
    engine: OneWord, thresholds: Mapping[str, float], wholes: Mapping[str, Sequence[Hearing]], kept: KeptOut,
    made: tuple[Path, int],
) -> str:  # fmt: skip
    """Return the report of ``wakegate measure`` on the half that measures, each condition with its own curve."""
    hearings = [
        replace(
            one,
            recording=replace(
                one.recording, name=f"{one.recording.name} [{condition}]", condition=condition, made_condition=condition
            ),
        )
        for condition, whole in wholes.items()
        for one in whole
    ]
    clips = (*kept.spoken, *kept.background)
    corpus = Corpus(
        path=Path("kept out of training"),
        recordings=tuple(one.recording for one in hearings),
        sha256=tuple((clip.name, hashlib.sha256(clip.samples.tobytes()).hexdigest()) for clip in clips),
        notes=("kept out by `wakegate train`: the threshold was chosen on one half of the background, and what is "
               "told here was counted on the other",),
        conditions=Conditions(names=tuple(wholes), versions=(("numpy", np.__version__),)),
    )  # fmt: skip
    engine.thresholds = thresholds
    measured = Measured(engine=engine, hearings=tuple(hearings))
    model, seed = made
    command = ["wakegate", "train", *thresholds, "--out", str(model.parent.parent), "--seed", str(seed)]
    return page(result.document(corpus, [measured], tolerance=TOLERANCE, seed=seed, command=command), None)
