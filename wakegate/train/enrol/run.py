"""Run: takes to NAME.onnx and NAME.json, measured with each take left out in turn.

Owns the order of things and the two files, which appear together, whole, and readable by their owner alone, or not at
all. What they hold of the takes is one average; no recording is written here.
"""

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import ConfigError
from ...events import SAMPLE_RATE
from ...rates import garwood, wilson
from ...wake import Candidate, Detection, Detector, Scorer
from ...wake import manifest as manifests
from ...wake.detector import DetectorConfig, WordTiming
from ...wake.manifest import Manifest, OperatingPoint
from . import copies, hang, hearing, talk
from .hearing import Activations, Hearing
from .takes import FEWEST, Take
from .template import Scale, scale_of
from .word import Said, Word, candidates, said, word_of

NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
THRESHOLD = 0.5
THRESHOLDS = (0.3, THRESHOLD, 0.7)
NEAR = SAMPLE_RATE // 2
Tell = Callable[[str, float], None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Order:
    """What an enrolment depends on.

    Parameters
    ----------
    word : str
        What to call it.
    takes : tuple of Take
        Recordings of it, three or more.
    onto : Path
        NAME.json of the model it is added to.
    sound : Sound
        Without the word: one part to set the score by, another to measure with.
    out : Path
        Folder of the result.
    """

    word: str
    takes: tuple[Take, ...]
    onto: Path
    sound: talk.Sound
    out: Path

    def __post_init__(self) -> None:
        """Refuse too few takes."""
        if len(self.takes) < FEWEST:
            raise ConfigError(f"{len(self.takes)} recordings are too few: give {FEWEST} or more, 5 to 10 do better")


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    """What came of it.

    Parameters
    ----------
    path : Path
        NAME.json.
    threshold : float
        The word's own.
    names, scores : tuple of str, of float
        Each take, and its score by the average of the others.
    points : tuple of OperatingPoint
        Of the new word.
    alike : mapping of str to int
        How many takes other words of the model take for their own.
    sound : str
        What false wakes were counted on.
    seconds : float
        The median length of the word.
    """

    path: Path
    threshold: float
    names: tuple[str, ...]
    scores: tuple[float, ...]
    points: tuple[OperatingPoint, ...]
    alike: dict[str, int]
    sound: str
    seconds: float


def named(name: str, known: Manifest, out: Path) -> str:
    """Return a name as models spell it.

    Raises
    ------
    ConfigError
        If it is none, the model knows it, or there is a file of that name.
    """
    word = name.strip().lower().replace(" ", "_").replace("-", "_")
    if not NAME.fullmatch(word):
        raise ConfigError(f"the name {name!r} is no word: up to 40 letters a to z, digits and _, a letter first")
    if word in [entry.word for entry in known.words]:
        raise ConfigError(f"the model already knows {word!r}: call yours otherwise, such as my_{word}")
    for path in (out / f"{word}.onnx", out / f"{word}.json"):
        if path.exists() or path.is_symlink():
            raise ConfigError(f"{path} is there already: remove it, or name another folder with --out")
    return word


def enrolled(order: Order, tell: Tell) -> Enrolled:
    """Make the word, measure it, and write it.

    Raises
    ------
    ConfigError
        If the folder cannot be written.
    ModelError
        If the model is none of this wakegate's.
    """
    base = manifests.read(order.onto)
    ear = hearing.opened(base)
    chooses = _all_heard(ear, order.sound.chooses, lambda share: tell("listening to talk without the word", share))
    measures = _all_heard(ear, order.sound.measures, lambda share: tell("listening to more of it", share))
    tell("comparing the recordings", 0.0)
    scale = scale_of(chooses)
    takes = [said(ear, take, scale, seed) for seed, take in enumerate(order.takes)]
    word = word_of(takes, scale, chooses)
    detector = _detector(base, order.word)
    scores = tuple(_left_out(takes, number, scale, chooses, detector) for number in range(len(takes)))
    false = [one.score for heard in measures for one in candidates(word.scores(heard), detector)]
    hours = sum(map(len, measures)) * base.step / SAMPLE_RATE / 3600
    points = _points(order.word, scores, false, hours)
    timing = _timing(word, takes, detector)
    path = _written(order, base, ear, word, timing, points)
    return Enrolled(
        path=path, threshold=THRESHOLD, names=tuple(take.name for take in order.takes), scores=scores, points=points,
        alike=_alike(base, order.takes), sound=order.sound.told,
        seconds=float(np.median([take.seconds for take in order.takes])),
    )  # fmt: skip


def _all_heard(ear: Hearing, sounds: Sequence[NDArray[np.int16]], told: Callable[[float], None]) -> list[Activations]:
    heard = []
    for number, sound in enumerate(sounds):
        told(number / len(sounds))
        heard.append(ear.activations(sound))
    return heard


def _left_out(
    takes: Sequence[Said], number: int, scale: Scale, without: Sequence[Activations], detector: DetectorConfig
) -> float:
    """Return the score of one take by all that the others alone would have made."""
    others = word_of([one for other, one in enumerate(takes) if other != number], scale, without)
    return _best(candidates(others.scores(takes[number].heard), detector), takes[number].end)


def _best(found: Sequence[Candidate], end: int) -> float:
    return max((one.score for one in found if abs(one.at - end) < NEAR), default=0.0)


def _detector(base: Manifest, word: str) -> DetectorConfig:
    none = WordTiming(lag=0, crossing_lag=0, duration=0)
    return DetectorConfig(
        thresholds={word: THRESHOLD}, timing={word: none}, floor=base.floor, step=base.step, smoothing=base.smoothing,
        refractory=base.refractory, fall=base.fall,
    )  # fmt: skip


def _points(word: str, scores: Sequence[float], false: Sequence[float], hours: float) -> tuple[OperatingPoint, ...]:
    points = []
    for threshold in THRESHOLDS:
        missed, count = sum(one < threshold for one in scores), sum(one >= threshold for one in false)
        frr, rate = wilson(missed, len(scores)), garwood(count, hours)
        points.append(
            OperatingPoint(
                word=word, threshold=threshold, condition="own recordings, each by the others, quiet",
                false_accepts=count, hours=round(hours, 4), per_hour=(round(rate[0], 4), round(rate[1], 4)),
                missed=missed, trials=len(scores), frr=(round(frr[0], 4), round(frr[1], 4)),
            )
        )  # fmt: skip
    return tuple(points)


def _timing(word: Word, takes: Sequence[Said], config: DetectorConfig) -> WordTiming:
    """Return the medians of the lags, and the longest duration, of the takes."""
    peaks, crossings = [], []
    for one in takes:
        values = word.scores(one.heard)
        near = [found for found in candidates(values, config) if abs(found.at - one.end) < NEAR]
        peaks += [max(near, key=lambda found: found.score).at - one.end] if near else []
        events = Detector(config).push(values[:, None])
        crossings += [found.at - one.end for found in events if isinstance(found, Detection)][:1]
    lag = int(np.median(peaks)) if peaks else 0
    return WordTiming(
        lag=lag,
        crossing_lag=int(np.median(crossings)) if crossings else lag,
        duration=max(one.end - one.start for one in takes),
    )


def _alike(base: Manifest, takes: Sequence[Take]) -> dict[str, int]:
    """Count for each word of the model how many takes it takes for its own."""
    words = [entry.word for entry in base.words]
    scorer, counts = Scorer(base, words), dict.fromkeys(words, 0)
    for seed, take in enumerate(takes):
        scorer.reset()
        sound, _, _ = copies.quiet(take, np.random.default_rng(seed))
        for event in Detector(base.detector_config(words)).push(scorer.push(sound)):
            if isinstance(event, Detection):
                counts[event.word] += 1
    scorer.reset()
    return {word: count for word, count in counts.items() if count}


def _written(
    order: Order, base: Manifest, ear: Hearing, word: Word, timing: WordTiming, points: Sequence[OperatingPoint]
) -> Path:
    data = hang.hung(ear, order.word, word.template, word.scale, word.logistic).SerializeToString()
    raw = json.loads(order.onto.read_text(encoding="utf-8"))
    entry = {"word": order.word, "threshold": THRESHOLD, **asdict(timing)}
    raw |= {
        "name": order.word,
        "sha256": hashlib.sha256(data).hexdigest(),
        "context": base.context + word.template.longest * base.step,
        "words": [*raw["words"], entry],
        "operating_points": [*raw["operating_points"], *map(asdict, points)],
    }
    try:
        order.out.mkdir(parents=True, exist_ok=True)
        return _placed(order, data, json.dumps(raw, indent=1) + "\n")
    except OSError as error:
        raise ConfigError(
            f"--out {order.out} cannot be written ({error.strerror}): nothing was left there; make room, or name "
            f"another folder"
        ) from error


def _placed(order: Order, data: bytes, manifest: str) -> Path:
    """Write both files beside their place, read them back, and put them into it; the manifest last."""
    work = Path(tempfile.mkdtemp(prefix=f".{order.word}-", dir=order.out))  # 0700
    draft = work / f"{order.word}.json"
    try:
        for path, content in ((draft.with_suffix(".onnx"), data), (draft, manifest.encode())):
            with open(path, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        manifests.read(draft).verified_bytes()
        for kind in (".onnx", ".json"):
            draft.with_suffix(kind).replace(order.out / f"{order.word}{kind}")
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return order.out / f"{order.word}.json"
