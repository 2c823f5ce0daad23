"""Talk: sound without the word, to set a score by and to measure with.

Owns which sound does which; nothing does both. Without a folder of the user's own it is ordinary sentences by
espeak-ng's voices and coloured noise: no person, so what it says of false wakes is a beginning.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...events import SAMPLE_RATE
from ..graph import CHUNK, STEPS
from ..own.gather import Sides, coloured
from ..own.near import SENTENCES, common
from ..voices import Voice

STEP = CHUNK // STEPS
PIECE_S = 60
MINUTES = 30
"""Of talk on each side: ten seconds of one core."""
PAUSE_S = 0.4
SENSE = 0.2
"""The share of sentences that mean something; random words are more kinds of sound."""


@dataclass(frozen=True, slots=True, eq=False)
class Sound:
    """Sound without the word.

    Parameters
    ----------
    chooses, measures : tuple of (n,) int16
        To set the score by, and to measure with.
    told : str
        What it is.
    """

    chooses: tuple[NDArray[np.int16], ...]
    measures: tuple[NDArray[np.int16], ...]
    told: str

    @property
    def hours(self) -> tuple[float, float]:
        """Hours of each side."""
        one, two = (sum(map(len, side)) / SAMPLE_RATE / 3600 for side in (self.chooses, self.measures))
        return one, two


def made(voice: Voice, background: Sides | None, seed: int, minutes: int) -> Sound:
    """Return a folder's sound and made sound; the folder's later part, and other speakers, measure."""
    speakers = voice.speakers
    half = len(speakers) // 2
    sides = []
    for number, among in enumerate((speakers[:half], speakers[half:])):
        noises = coloured(6, 20.0, seed * 2 + number)
        talk = [_minute(voice, among, np.random.default_rng((seed, number, minute))) for minute in range(minutes)]
        sides.append([*talk, *(noise.samples for noise in noises)])
    told = f"talk by {voice.name} and coloured noise"
    if background is None:
        return Sound(tuple(sides[0]), tuple(sides[1]), told)
    given = [[clip.samples for clip in side] for side in (background.trains, background.kept)]
    # What measures is the folder's alone: made sound would thin out its false wakes.
    return Sound((*sides[0], *given[0]), tuple(given[1]), "your own sound")


def _line(rng: np.random.Generator) -> str:
    words = common()
    if rng.random() < SENSE:
        return SENTENCES[int(rng.integers(len(SENTENCES)))]
    return " ".join(words[int(one)] for one in rng.integers(len(words), size=int(rng.integers(4, 9))))


def _minute(voice: Voice, among: tuple[str, ...], rng: np.random.Generator) -> NDArray[np.int16]:
    """Return sentences with pauses between them, in faint noise, each sentence at a level of its own.

    Each minute has its own chance: espeak-ng never says a sentence at quite the same length, and one sentence more in
    one minute must not make all that follows another talk.
    """
    said: list[NDArray[np.float32]] = []
    while sum(map(len, said)) < PIECE_S * SAMPLE_RATE:
        spoken = voice.say(_line(rng), among, rng)
        said += [spoken * 10 ** rng.uniform(-1, 0), np.zeros(round(PAUSE_S * SAMPLE_RATE), np.float32)]
    talk = np.concatenate(said)
    whole = talk + rng.standard_normal(len(talk)) * 10 ** rng.uniform(-4, -2.5)
    return (np.clip(whole, -1, 1) * 32767).astype(np.int16)
