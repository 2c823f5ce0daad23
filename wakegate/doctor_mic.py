"""Doctor at the microphone: three seconds of it, and whether they would do to be woken by.

Owns the recording, which lies in private memory only and is overwritten before anything is said, and the verdicts.
Must never write, send or keep sound; opens nothing by itself: it is given the source and the ear. A microphone that a
person has muted is not opened by the command at all; one that is muted meanwhile is not heard on, nor measured.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from .audio.block import Samples, Source
from .audio.memory import PrivateMemory
from .audio.quality import FRAME, QUIETEST_DB, Quality, measured
from .doctor import Finding, Health
from .events import SAMPLE_RATE
from .gate.limits import BLOCK
from .mute import UntilMuted, check
from .place import Place
from .wake import Candidate, Detector, Scorer, sweep

SECONDS = 3.0
PATIENCE_S = 5.0
"""How long nothing may come until that is the finding."""
SOFT_DB, QUIET_DB, CLEAR_DB = -50.0, 6.0, 10.0
"""Speech below is soft; so far above the noise it is there at all; so far above, as the model was measured in noise."""
CLIPPED = 0.0005
OFFSET = 0.01
SLOW, WRONG = 0.02, 0.08
"""How far from 16,000 a second is worth a word, and another rate altogether (44.1 kHz taken for 48 kHz is 8 %)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """What a recording was like, when nothing of it is left.

    Parameters
    ----------
    samples : int
        How many came.
    rate : float or None
        Samples a second of the monotonic clock; None where too few came to tell.
    gaps : tuple of str
        What was lost, in words.
    quality : Quality or None
        None where not even a frame came.
    candidates : tuple of Candidate
        What the ear took for a wake word, or nearly.
    """

    samples: int
    rate: float | None
    gaps: tuple[str, ...]
    quality: Quality | None
    candidates: tuple[Candidate, ...]


def record(
    source: Source, scorer: Scorer, detector: Detector, place: Place, now: Callable[[], float] = time.monotonic
) -> Recording:
    """Listen for three seconds, measure, and overwrite what was heard.

    Parameters
    ----------
    source : Source
        A microphone; the caller closes it.
    scorer, detector
        A fresh ear; it is reset afterwards.
    place : Place
        Where a person's mute is kept.
    now : callable
        Seconds of a clock that nobody sets.

    Raises
    ------
    ConfigError
        Where a person mutes the device meanwhile: what was heard is overwritten all the same, and not measured.
    """
    count = round(SECONDS * SAMPLE_RATE)
    memory = PrivateMemory(2 * count)
    try:
        sound: Samples = memory.array(np.int16, count)
        filled, arrivals, gaps = _fill(UntilMuted(source, place), sound, now)
        check(place)
        heard = memory.readonly(np.int16, filled) if filled else sound[:0]
        return Recording(
            samples=filled,
            rate=_rate(arrivals),
            gaps=tuple(gaps),
            quality=measured(heard) if filled >= FRAME else None,
            candidates=tuple(sweep.candidates(scorer, detector, [heard])),
        )
    finally:
        memory.close()
        scorer.reset()
        detector.reset()
        source.wipe()


def _fill(source: Source, sound: Samples, now: Callable[[], float]) -> tuple[int, list[tuple[float, int]], list[str]]:
    """Read until the memory is full or nothing comes; return how much, when each piece was there, and what was lost."""
    filled, gaps = 0, list[str]()
    arrivals: list[tuple[float, int]] = []
    last = now()
    while filled < len(sound) and now() - last < PATIENCE_S:
        reading = source.read(sound[filled : filled + BLOCK])
        if reading.gap is not None:
            gaps.append(reading.gap[2])
            arrivals.clear()  # what was lost is no sign of a slow clock
        if reading.count:
            filled += reading.count
            last = now()
            arrivals.append((last, filled))
        if reading.ended:
            break
    return filled, arrivals, gaps


def _rate(arrivals: Sequence[tuple[float, int]]) -> float | None:
    """Return the slope of samples over time, by least squares: single pieces come early or late."""
    if len(arrivals) < 10:
        return None
    times, counts = (np.array(column, np.float64) for column in zip(*arrivals, strict=True))
    times -= times.mean()
    spread = float(np.dot(times, times))
    return float(np.dot(times, counts - counts.mean())) / spread if spread > 0 else None


def findings(found: Recording, thresholds: dict[str, float]) -> tuple[Finding, ...]:
    """Return the verdicts: what was seen, and what to do."""
    quality = found.quality
    if quality is None:
        seen = "no sound came" if not found.samples else "next to no sound came"
        return (_bad("sound", seen, "plug it in anew, try another program (`arecord`), or another --device"),)
    if quality.silent:
        seen = "every sample is the same: no microphone is behind it"
        return (_bad("sound", seen, "unmute it (alsamixer, pavucontrol), look at its switch, or try another --device"),)
    lost = [
        Finding("lost sound", Health.WEAK, "; ".join(found.gaps), "make the machine less busy, or try another port")
    ]
    return (
        _level(quality), _noise(quality), _clipping(quality, found.samples), _offset(quality), _delivery(found.rate),
        *(lost if found.gaps else ()), _word(found, thresholds),
    )  # fmt: skip


def _bad(name: str, seen: str, mend: str) -> Finding:
    return Finding(name, Health.BAD, seen, mend)


def _level(quality: Quality) -> Finding:
    seen = f"{quality.speech_db:.0f} dBFS where it is loud, peak {quality.peak_db:.0f} dBFS"
    if quality.speech_db - quality.noise_db < QUIET_DB:
        health, mend = Health.WEAK, "nobody spoke, or it hears little: speak while it listens, and raise its gain"
    elif quality.speech_db < SOFT_DB:
        health, mend = Health.WEAK, "that is soft: come nearer or raise its gain (alsamixer, pavucontrol)"
    else:
        health, mend = Health.GOOD, ""
    return Finding("level", health, seen, mend, value=_tenth(quality.speech_db), unit="dBFS")


def _noise(quality: Quality) -> Finding:
    over = quality.speech_db - quality.noise_db
    deep = "digital silence" if quality.noise_db == QUIETEST_DB else f"{quality.noise_db:.0f} dBFS"
    seen = f"{deep}; the loud parts are {over:.0f} dB above it"
    if QUIET_DB <= over < CLEAR_DB:
        mend = (
            "more words are missed in noise than `wakegate models` tells: move it away from what hums, or come nearer"
        )
        return Finding("noise floor", Health.WEAK, seen, mend, value=_tenth(quality.noise_db), unit="dBFS")
    return Finding("noise floor", Health.GOOD, seen, value=_tenth(quality.noise_db), unit="dBFS")


def _clipping(quality: Quality, samples: int) -> Finding:
    share = quality.clipped / samples
    if share > CLIPPED:
        seen = f"{100 * share:.2g} % of the samples are cut off at the top"
        return Finding("clipping", Health.WEAK, seen, "lower its gain, or go further away", value=share, unit="share")
    return Finding("clipping", Health.GOOD, "none worth a word", value=share, unit="share")


def _offset(quality: Quality) -> Finding:
    seen = f"{100 * quality.offset:z.2f} % of full scale"
    weak = abs(quality.offset) > OFFSET
    mend = "its electronics are off; a high-pass in the sound server mends it, or another sound card" if weak else ""
    health = Health.WEAK if weak else Health.GOOD
    return Finding("offset (DC)", health, seen, mend, value=round(quality.offset, 5), unit="share")


def _delivery(rate: float | None) -> Finding:
    name = "sample rate"
    if rate is None:
        return Finding(name, Health.WEAK, "too little came without a break to tell", "listen again")
    seen = f"{rate:,.0f} samples a second by this machine's clock, 16,000 promised"
    off = abs(rate / SAMPLE_RATE - 1)
    value = round(rate, 1)
    if off > WRONG:
        mend = "voices come too fast or too slow: set the card's own rate in the sound server, or use another device"
        return Finding(name, Health.BAD, seen, mend, value=value, unit="Hz")
    if off > SLOW:
        mend = "a busy machine looks like that too: listen again; if it stays, the card's clock is off"
        return Finding(name, Health.WEAK, seen, mend, value=value, unit="Hz")
    return Finding(name, Health.GOOD, seen, value=value, unit="Hz")


def _word(found: Recording, thresholds: dict[str, float]) -> Finding:
    name = "wake word"
    best = max(found.candidates, key=lambda one: (one.detected, one.score), default=None)
    if best is None:
        words = ", ".join(thresholds)
        return Finding(name, Health.WEAK, "none was heard", f"say one of {words} while it listens", unit="score")
    seen = f"{best.word!r}, score {best.score:.3f}, threshold {thresholds[best.word]:g}"
    value = round(best.score, 4)
    if best.detected:
        return Finding(name, Health.GOOD, f"heard {seen}", value=value, unit="score")
    mend = "say it again, nearer; if it stays so, `wakegate measure tune` finds a threshold for this room"
    return Finding(name, Health.WEAK, f"nearly {seen}", mend, value=value, unit="score")


def _tenth(value: float) -> float:
    return round(value, 1)
