"""Corpus: folders of sound to clips with word, speaker and word bounds, split so that nobody stands on both sides.

Owns which recordings train and which measure. Must never let a speaker, a recording or a background file be in both.
"""

import csv
import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from ..errors import ConfigError, FormatError
from ..events import SAMPLE_RATE
from .bounds import SHORTEST_S

WORDS = ("alexa", "computer", "jarvis", "smart_mirror", "snowboy", "view_glass")
LONGEST_WORD_S = 1.3
HELD_OUT_SPEAKERS = 0.25
HELD_OUT_BACKGROUND = 0.3
QUIET_DB = 35.0
"""What is so far below a synthetic voice's peak is no speech."""


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """One recording.

    Parameters
    ----------
    samples : (n,) int16
        16 kHz mono.
    name : str
        Path relative to its folder: what a model card and a list of mistakes name.
    word : str
        The wake word in it, or "" for none.
    start, end : int
        Bounds of the word in samples (the whole clip where there is no word).
    group : str
        Copies of one recording share it: they weigh as one.
    synthetic : bool
        Spoken by a synthetic voice.
    """

    samples: NDArray[np.int16]
    name: str
    word: str
    start: int
    end: int
    group: str
    synthetic: bool = False


@dataclass(frozen=True, slots=True)
class Corpus:
    """Clips for one side of the split."""

    positives: tuple[Clip, ...]
    near_misses: tuple[Clip, ...]
    speech: tuple[Clip, ...]
    noise: tuple[Clip, ...]

    @property
    def background_hours(self) -> float:
        """Hours of people's speech, music and noise without wake words."""
        return sum(len(c.samples) for c in (*self.speech, *self.noise)) / SAMPLE_RATE / 3600


def read_sound(path: Path) -> NDArray[np.int16]:
    """Read a file of a corpus as (n,) int16 at 16 kHz mono; FormatError if it is damaged."""
    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except soundfile.SoundFileError as error:
        raise FormatError(
            f"{path} is no sound, or damaged ({error}): remove it, and run the same command again"
        ) from error
    mono = samples.mean(axis=1)
    if rate != SAMPLE_RATE:
        mono = soxr.resample(mono, rate, SAMPLE_RATE)
    whole: NDArray[np.int16] = np.round(np.clip(mono, -1, 1) * 32767).astype(np.int16)
    return whole


def share(key: str) -> float:
    """Map a name to [0, 1), the same on every machine: who is held out depends on names alone."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") / 2**32


def _bounds(samples: NDArray[np.int16]) -> tuple[int, int]:
    """Bounds in 10 ms steps of what is not so far below the peak: for synthetic voices, which speak in quiet."""
    power = np.square(samples[: len(samples) // 160 * 160].reshape(-1, 160).astype(np.float32)).mean(axis=1)
    loud = np.flatnonzero(power > power.max() * 10 ** (-QUIET_DB / 10))
    return int(loud[0]) * 160, int(loud[-1] + 1) * 160


def people(data: Path, held_out: bool) -> Iterator[Clip]:
    """Yield people's wake words of one side; speakers are held out whole."""
    with (data / "wake_words" / "index.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    speakers = sorted({row["speaker"] for row in rows}, key=share)
    out = set(speakers[: round(len(speakers) * HELD_OUT_SPEAKERS)])
    for row in rows:
        start, end = float(row["start_s"]), float(row["end_s"])
        if (row["speaker"] in out) is not held_out or end - start > LONGEST_WORD_S:
            continue
        yield Clip(
            read_sound(data / row["path"]), row["path"], row["wake_word"],
            round(start * SAMPLE_RATE), round(end * SAMPLE_RATE), row["recording"],
        )  # fmt: skip


def synthetic(folder: Path, words: Collection[str] = WORDS, longest_s: float = LONGEST_WORD_S) -> Iterator[Clip]:
    """Yield synthetic speech: folders with an ``index.csv`` of file and text. It measures nothing: never held out."""
    for index in sorted(folder.glob("*/index.csv")):
        with index.open(newline="") as file:
            for row in csv.DictReader(file):
                path = index.parent / row["file"]
                if not path.is_file():
                    continue
                samples = read_sound(path)
                start, end = _bounds(samples)
                word = row["text"].replace(" ", "_") if row["text"].replace(" ", "_") in words else ""
                if word and not SHORTEST_S < (end - start) / SAMPLE_RATE < longest_s:
                    continue
                name = f"{index.parent.name}/{path.name}"
                yield Clip(samples, name, word, start, end, name, synthetic=True)


def background(data: Path, more: Path, held_out: bool, dropped: frozenset[str]) -> Iterator[tuple[str, Clip]]:
    """Yield (kind, clip) of sound without wake words: the data folder's list and every FLAC file below ``more``."""
    with (data / "background.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["kind"] != "rir"]
    # A named voice is held out whole; a class of noise or a nameless crowd is split by file.
    listed = [
        (
            row["kind"],
            data / row["path"],
            row["path"],
            f"{row['source']} {row['speaker_or_class']}" if row["speaker_or_class"].startswith("ls") else row["path"],
        )
        for row in rows
    ]
    for path in sorted(more.rglob("*.flac")):
        name = str(path.relative_to(more))
        listed.append((name.split("/")[0], path, name, name))
    for kind, path, name, key in listed:
        if (share(key) < HELD_OUT_BACKGROUND) is held_out and name not in dropped:
            samples = read_sound(path)
            if len(samples) >= SAMPLE_RATE // 5:
                yield kind, Clip(samples, name, "", 0, len(samples), name)


def read(data: Path, voices: Path, more: Path, *, held_out: bool, dropped: frozenset[str] = frozenset()) -> Corpus:
    """Read one side of the corpus.

    Parameters
    ----------
    data, voices, more : Path
        People and background with their index files; folders of synthetic speech; folder of further background.
    held_out : bool
        The side that measures (True) or the side that trains.
    dropped : frozenset of str
        Names of background files in which somebody does say a wake word.

    Raises
    ------
    ConfigError
        Where a folder has no sound of the kind it should have.
    """
    said = [] if held_out else list(synthetic(voices))
    positives = (*people(data, held_out), *(c for c in said if c.word))
    behind = list(background(data, more, held_out, dropped))
    if not positives or not behind:
        raise ConfigError(f"no wake words or no background below {data}: is it the folder with wake_words/index.csv?")
    return Corpus(
        tuple(positives),
        tuple(c for c in said if not c.word),
        tuple(c for kind, c in behind if kind == "speech"),
        tuple(c for kind, c in behind if kind != "speech"),
    )
