"""Gather: people's recordings and background of one's own, checked, and split so that nothing is on both sides.

Owns which recordings and which stretches of background are kept out. A file that cannot be used is named with its
reason and left out; must never guess where it could say.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import ConfigError
from ...events import SAMPLE_RATE
from ..corpus import Clip, read_sound, share, spoken_bounds

Float = NDArray[np.float32]
KEPT_BACKGROUND = 0.4
"""Share of the background that is kept out; half of that chooses the threshold, half measures."""
KEPT_SPEAKERS = 0.25
PIECE = 60 * SAMPLE_RATE
MOST_HOURS = 4.0
"""Of background to train on: what more there is makes a run longer and hardly better."""
SHORTEST_S, LONGEST_S = 0.25, 2.0
"""Of a spoken phrase."""
BELOW_DB = 30.0
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
        inside = path.relative_to(folder)
        try:
            clip = _spoken(path, str(inside), word)
        except (OSError, RuntimeError, ConfigError) as error:
            left_out.append(f"{inside}: {error}")
            continue
        clips.append(replace(clip, group=inside.parts[0] if len(inside.parts) > 1 else str(inside)))
    if not clips:
        raise ConfigError(f"--recordings {folder}: none of its files can be used. {left_out[0]}")
    groups = sorted({clip.group for clip in clips}, key=share)
    out = set(groups[: round(len(groups) * KEPT_SPEAKERS)] if len(groups) > 2 else ())
    kept = tuple(clip for clip in clips if clip.group in out)
    # The mixer draws a group as often as another: there, each recording is one.
    trains = tuple(replace(clip, group=clip.name) for clip in clips if clip.group not in out)
    return Sides(trains, kept, tuple(left_out))


def _spoken(path: Path, name: str, word: str) -> Clip:
    samples = read_sound(path)
    if len(samples) < SHORTEST_S * SAMPLE_RATE or not samples.any():
        raise ConfigError("it is shorter than a word, or silent")
    start, end = spoken_bounds(samples, BELOW_DB)
    length_s = (end - start) / SAMPLE_RATE
    if not SHORTEST_S <= length_s <= LONGEST_S:
        raise ConfigError(
            f"what is said in it lasts {length_s:.1f} s: record the phrase alone, once, {SHORTEST_S} to {LONGEST_S} s, "
            f"in quiet"
        )
    return Clip(samples, name, word, start, end, name)


def background(folder: Path) -> Sides:
    """Read background of any length, cut into minutes, the last part of each long file kept out, or some whole files.

    Raises
    ------
    ConfigError
        If there is nothing that can be used, or too little of it.
    """
    trains: list[Clip] = []
    kept: list[Clip] = []
    left_out: list[str] = []
    listed = files("--background", folder)
    for path in listed:
        name = str(path.relative_to(folder))
        try:
            samples = read_sound(path)
        except (OSError, RuntimeError) as error:
            left_out.append(f"{name}: {error}")
            continue
        if len(samples) < SAMPLE_RATE or not samples.any():
            left_out.append(f"{name}: it is shorter than a second, or silent")
            continue
        if len(samples) > 5 * PIECE or len(listed) < 10:
            border = round(len(samples) * (1 - KEPT_BACKGROUND))
            trains += _pieces(samples[:border], name, 0)
            kept += _pieces(samples[border:], name, border)
        else:
            (kept if share(name) < KEPT_BACKGROUND else trains).extend(_pieces(samples, name, 0))
    if not trains or len(kept) < 2:  # one half of them chooses, the other measures
        why = f" {left_out[0]}" if left_out else ""
        raise ConfigError(
            f"--background {folder} has too little sound: give five minutes or more, hours if you can.{why}"
        )
    return Sides(tuple(_at_most(trains, MOST_HOURS)), tuple(kept), tuple(left_out))


def _pieces(samples: NDArray[np.int16], name: str, begins: int) -> Iterator[Clip]:
    for at in range(0, len(samples), PIECE):
        piece = samples[at : at + PIECE].copy()
        if len(piece) >= SAMPLE_RATE and piece.any():
            called = f"{name} from {(begins + at) / SAMPLE_RATE:.0f} s"
            yield Clip(piece, called, "", 0, len(piece), called)


def _at_most(clips: Sequence[Clip], hours: float) -> list[Clip]:
    """Return so many hours of the clips, evenly over all of them."""
    every = sum(len(clip.samples) for clip in clips) / SAMPLE_RATE / 3600
    return [clip for clip in clips if every <= hours or share(f"train {clip.name}") < hours / every]


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
