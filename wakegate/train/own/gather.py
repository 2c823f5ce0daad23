"""Gather: people's recordings and background of one's own, checked, and split so that nothing is on both sides.

Owns which recordings and which stretches of background are kept out. A file that cannot be used is named with its
reason and left out; must never guess where it could say.
"""

import heapq
import math
import os
from collections.abc import Collection, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...audio.files import FileSource
from ...errors import ConfigError, WakegateError
from ...events import SAMPLE_RATE
from ..bounds import SHORTEST_S, spoken
from ..corpus import Clip, share

Float = NDArray[np.float32]
KEPT_BACKGROUND = 0.4
"""Share of the background that is kept out; half of that chooses the threshold, half measures."""
KEPT_SPEAKERS = 0.25
PIECE = 60 * SAMPLE_RATE
MOST_HOURS, MOST_KEPT_HOURS = 4.0, 8.0
"""Of background to train on, and to choose and measure with: more makes a run longer and hardly better."""
LONGEST_S = 2.0
"""Of a spoken phrase."""
LONGEST_FILE_S = 10.0
"""Of a recording of one: a longer one is of something else, and its loudest word perhaps not the one that is meant."""
SOUND = (".wav", ".flac", ".ogg", ".mp3", ".aiff", ".aif", ".w64", ".caf", ".opus")


@dataclass(frozen=True, slots=True)
class Sides:
    """Clips that train, clips that are kept out, and what was left out with its reason."""

    trains: tuple[Clip, ...]
    kept: tuple[Clip, ...]
    left_out: tuple[str, ...] = ()

    @property
    def hours(self) -> tuple[float, float]:
        """Hours of each side."""
        trains, kept = (sum(len(c.samples) for c in side) / SAMPLE_RATE / 3600 for side in (self.trains, self.kept))
        return trains, kept


def files(option: str, folder: Path) -> list[Path]:
    """Return every sound file below a folder, in order.

    Raises
    ------
    ConfigError
        If there is none.
    """
    if not folder.is_dir():
        raise ConfigError(f"{option} {folder} is no folder: name the one that holds the sound")
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SOUND and path.name[0] != ".")
    if not found:
        raise ConfigError(f"{option} {folder} holds no sound ({', '.join(SOUND)})")
    return found


def recordings(folder: Path, word: str) -> Sides:
    """Read people's recordings of the phrase: one a file, in a folder a speaker or all in one.

    Speakers are kept out whole where there are three or more, else single recordings.

    Raises
    ------
    ConfigError
        If none of them can be used.
    """
    clips: list[Clip] = []
    left_out: list[str] = []
    for path in files("--recordings", folder):
        inside = named(path, folder)
        try:
            clip = _spoken(path, inside, word)
        except (OSError, WakegateError) as error:
            left_out.append(f"{inside}: {error}")
            continue
        clips.append(replace(clip, group=inside.split("/")[0]))
    if not clips:
        raise ConfigError(f"--recordings {folder}: none of its files can be used. {left_out[0]}")
    groups = sorted({clip.group for clip in clips}, key=share)
    out = set(groups[: round(len(groups) * KEPT_SPEAKERS)] if len(groups) > 2 else ())
    kept = tuple(clip for clip in clips if clip.group in out)
    # The mixer draws a group as often as another: there, each recording is one.
    trains = tuple(replace(clip, group=clip.name) for clip in clips if clip.group not in out)
    return Sides(trains, kept, tuple(left_out))


def sound(path: Path) -> NDArray[np.int16]:
    """Read a short file as (n,) int16 at 16 kHz mono.

    Raises
    ------
    FormatError, ConfigError
        For what is no sound file, is damaged, or is too long to be one phrase.
    """
    with closing(FileSource(path)) as source:
        if source.seconds is None:
            raise ConfigError("it does not say how long it is: write it anew, as WAV or FLAC")
        check_length(source.seconds)
        samples = np.zeros(math.ceil((source.seconds + 1) * SAMPLE_RATE), np.int16)
        return samples[: source.read(samples).count]


def check_length(seconds: float) -> None:
    """Raise ConfigError for a recording that is too long to be one of a word alone."""
    if seconds > LONGEST_FILE_S:
        raise ConfigError(
            f"it lasts {seconds:.0f} s: give the word alone, once a recording, {LONGEST_FILE_S:g} s at most"
        )


def named(path: Path, folder: Path) -> str:
    """Return what a file below a folder is called, whatever bytes its name has."""
    return os.fsencode(path.relative_to(folder)).decode("utf-8", "backslashreplace")


def _spoken(path: Path, name: str, word: str) -> Clip:
    samples = sound(path)
    if len(samples) < SHORTEST_S * SAMPLE_RATE or not samples.any():
        raise ConfigError("it is shorter than a word, or silent")
    start, end = spoken(samples)
    length_s = (end - start) / SAMPLE_RATE
    if not SHORTEST_S <= length_s <= LONGEST_S:
        raise ConfigError(
            f"what is said in it lasts {length_s:.1f} s: record the phrase alone, once, {SHORTEST_S} to {LONGEST_S} s, "
            f"in quiet"
        )
    return Clip(samples, name, word, start, end, name)


def background(folder: Path) -> Sides:
    """Read background of any length, cut into minutes, the last part of each long file kept out, or some whole files.

    No more than :data:`MOST_HOURS` and :data:`MOST_KEPT_HOURS` are held, evenly over all of it.

    Raises
    ------
    ConfigError
        If there is nothing that can be used, or too little of it.
    """
    listed = files("--background", folder)
    held = _Held(MOST_HOURS), _Held(MOST_KEPT_HOURS)
    left_out: dict[str, str] = {}
    for path in listed:
        name = named(path, folder)
        try:
            for side, clip in _pieces(path, name, len(listed) < 10):
                held[side].add(clip)
        except (OSError, WakegateError) as error:
            left_out[name] = f"{name}: {error}"
    trains, kept = (side.clips(without=left_out) for side in held)
    if not trains or len(kept) < 2:  # one half of them chooses, the other measures
        why = f" {next(iter(left_out.values()))}" if left_out else ""
        raise ConfigError(
            f"--background {folder} has too little sound: give five minutes or more, hours if you can.{why}"
        )
    return Sides(trains, kept, tuple(left_out.values()))


class _Held:
    """One side's pieces: no more than so many hours, evenly over all that come. No header is believed for it."""

    def __init__(self, hours: float) -> None:
        self._room = round(hours * 3600 * SAMPLE_RATE)
        self._heap: list[tuple[float, int, Clip]] = []
        self._count = 0

    def add(self, clip: Clip) -> None:
        """Take a piece, and let go of what was drawn last where there is too much."""
        self._count += 1
        self._room -= len(clip.samples)
        heapq.heappush(self._heap, (-share(f"held {clip.name}"), self._count, clip))
        while self._room < 0:
            self._room += len(heapq.heappop(self._heap)[2].samples)

    def clips(self, without: Collection[str]) -> tuple[Clip, ...]:
        """Return them in the order in which they came, without those of some files."""
        came = sorted(self._heap, key=lambda one: one[1])
        return tuple(replace(clip, group=clip.name) for _, _, clip in came if clip.group not in without)


def _pieces(path: Path, name: str, few: bool) -> Iterator[tuple[int, Clip]]:
    """Yield minutes of a file with the side that each is for (0 trains, 1 is kept out); ``group`` is the file."""
    with closing(FileSource(path)) as source:
        if source.seconds is None or source.seconds < 1:
            raise ConfigError("it is shorter than a second, or does not say how long it is")
        length, silent = int(source.seconds * SAMPLE_RATE), True
        if few or length > 5 * PIECE:
            border = round(length * (1 - KEPT_BACKGROUND))
        else:
            border = 0 if share(name) < KEPT_BACKGROUND else length
        for side, first, last in ((0, 0, border), (1, border, length)):
            for at in range(first, last, PIECE):
                piece = np.zeros(min(PIECE, last - at), np.int16)
                piece = piece[: source.read(piece).count]
                some = bool(piece.any())
                silent = silent and not some
                if some and len(piece) >= SAMPLE_RATE:
                    yield side, Clip(piece, f"{name} from {at / SAMPLE_RATE:.0f} s", "", 0, len(piece), name)
        if silent:
            raise ConfigError("it is silent")


def coloured(count: int, seconds: float, seed: int) -> list[Clip]:
    """Make noise where nobody gave any: fans and traffic (spectra that fall 0 to 9 dB an octave), swelling, humming."""
    rng = np.random.default_rng(seed)
    made = []
    length = round(seconds * SAMPLE_RATE)
    frequencies = np.maximum(np.fft.rfftfreq(length, 1 / SAMPLE_RATE), 40.0)
    moments = np.arange(length) / SAMPLE_RATE
    for number in range(count):
        white = np.fft.rfft(rng.standard_normal(length))
        noise: Float = np.fft.irfft(white * frequencies ** -rng.uniform(0, 1.5), length).astype(np.float32)
        swell = 1 + rng.uniform(0, 0.9) * np.sin(2 * np.pi * rng.uniform(0.1, 6) * moments + rng.uniform(0, 6))
        hum = np.sin(2 * np.pi * rng.choice([50, 60, 100, 120, 400]) * moments) * noise.std() * rng.uniform(0, 1)
        loud = (noise * swell + hum) / (np.abs(noise).max() * 2.5)
        samples = np.clip(loud * 20_000, -32768, 32767).astype(np.int16)
        name = f"coloured noise {number}"
        made.append(Clip(samples, name, "", 0, length, name, synthetic=True))
    return made
