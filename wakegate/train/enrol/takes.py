"""Takes: recordings of a word, each checked, and where the word lies in it.

Owns what is good enough to learn from. Must never keep or write sound: what is refused is refused with a reason and
forgotten.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...audio.quality import FRAME, Quality, measured
from ...errors import ConfigError, WakegateError
from ...events import SAMPLE_RATE
from ..bounds import SHORTEST_S, stretches, utterances
from ..own.gather import LONGEST_S, check_length, files, named, sound

FEWEST = 3
SOFT_DB, CLEAR_DB = -50.0, 10.0
"""Speech below is too quiet to tell from the microphone's own noise; so far above the noise it can be told at all."""
CLIPPED = 0.002


@dataclass(frozen=True, slots=True, eq=False)
class Take:
    """One recording of the word.

    Parameters
    ----------
    samples : (n,) int16
        16 kHz mono.
    start, end : int
        Bounds of the word, in samples.
    name : str
        What a person calls it.
    """

    samples: NDArray[np.int16]
    start: int
    end: int
    name: str

    @property
    def seconds(self) -> float:
        """Length of the word."""
        return (self.end - self.start) / SAMPLE_RATE

    @property
    def level_db(self) -> float:
        """Level of the word in dBFS."""
        return measured(self.samples[self.start : self.end]).speech_db

    def __repr__(self) -> str:
        """Show the bounds, never the samples."""
        return f"Take({self.name!r}, {self.start}, {self.end})"


def checked(samples: NDArray[np.int16], name: str) -> Take:
    """Return a recording (n,) int16 as a take.

    Raises
    ------
    ConfigError
        If no word can be told in it, or more than one; the message is the reason.
    """
    if len(samples) < SHORTEST_S * SAMPLE_RATE:
        raise ConfigError("it is shorter than a word")
    check_length(len(samples) / SAMPLE_RATE)
    quality = measured(samples)
    if quality.silent:
        raise ConfigError("it is silent: is the microphone muted?")
    spans = stretches(samples)
    start, end = spans[0][0], spans[-1][1]
    _refuse_bad_sound(quality, samples[start:end], start == 0 and end >= len(samples) - FRAME)
    if len(utterances(spans)) > 1:
        raise ConfigError("there is a pause in it, as between two words: say the word once, in one go")
    seconds = (end - start) / SAMPLE_RATE
    if not SHORTEST_S <= seconds <= LONGEST_S:
        raise ConfigError(
            f"what is said in it lasts {seconds:.1f} s: say the word once, {SHORTEST_S:g} to {LONGEST_S:g} s, in quiet"
        )
    return Take(samples, start, end, name)


def _refuse_bad_sound(quality: Quality, said: NDArray[np.int16], everywhere: bool) -> None:
    clipped = quality.clipped / len(said)
    if quality.speech_db < SOFT_DB:
        raise ConfigError(f"it is too quiet ({quality.speech_db:.0f} dBFS): come nearer, or turn the microphone up")
    if clipped > CLIPPED:
        raise ConfigError(f"it is too loud: {100 * clipped:.1f} % is clipped: go back a little, or turn it down")
    if everywhere and quality.speech_db - quality.noise_db < CLEAR_DB:
        raise ConfigError("nothing stands out of the noise: leave a moment of quiet before and after the word")


def read(folder: Path) -> tuple[tuple[Take, ...], tuple[str, ...]]:
    """Read every recording below a folder; return the takes, and why the others are none.

    Raises
    ------
    ConfigError
        If fewer than three are left.
    """
    takes: list[Take] = []
    left_out: list[str] = []
    for path in files("--recordings", folder):
        name = named(path, folder)
        try:
            takes.append(checked(sound(path), name))
        except (OSError, WakegateError) as error:
            left_out.append(f"{name}: {error}")
    if len(takes) < FEWEST:
        why = "".join(f"\n  {reason}" for reason in left_out)
        raise ConfigError(
            f"--recordings {folder} has {len(takes)} recordings that can be used: {FEWEST} are the fewest, 5 to 10 do "
            f"better{why}"
        )
    return tuple(takes), tuple(left_out)
