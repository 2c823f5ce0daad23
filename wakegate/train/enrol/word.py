"""Word: some takes, and sound without them, to what scores any moment.

Owns how the parts of an enrolment go together, for all takes and for all but one alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...wake import Candidate, Detector
from ...wake.detector import DetectorConfig
from . import copies, tail
from .hearing import Activations, Hearing
from .tail import Logistic
from .takes import Take
from .talk import STEP
from .template import Scale, Template, likeness, parts_of, template_of


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """A take as the trunk hears it.

    Parameters
    ----------
    heard : (steps, channels) float32
        Activations.
    start, end : int
        Where the word begins and ends, in samples.
    parts : (SEGMENTS, channels) float32
        Averages over its segments, scaled.
    """

    heard: Activations
    start: int
    end: int
    parts: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Word:
    """What scores a stream: the numbers that ``hang`` writes into a model."""

    template: Template
    scale: Scale
    logistic: Logistic

    def scores(self, heard: Activations) -> NDArray[np.float32]:
        """Return the scores (steps,) of a stream's activations (steps, channels), in [0, 1]."""
        return self.logistic(likeness(self.template, self.scale, heard))


def said(ear: Hearing, take: Take, scale: Scale, seed: int) -> Said:
    """Hear a take, in faint noise that the seed draws."""
    sound, start, end = copies.quiet(take, np.random.default_rng(seed))
    heard = ear.activations(sound)
    return Said(heard, start, end, parts_of(scale(heard), round(start / STEP), round(end / STEP)))


def word_of(takes: Sequence[Said], scale: Scale, without: Sequence[Activations]) -> Word:
    """Return what takes have in common, its score set by activations of sound without the word."""
    template = template_of([one.parts for one in takes], [round((one.end - one.start) / STEP) for one in takes])
    peaks = [peak for one in without for peak in tail.peaks(likeness(template, scale, one))]
    return Word(template, scale, tail.calibrated(peaks))


def candidates(scores: NDArray[np.float32], config: DetectorConfig) -> list[Candidate]:
    """Return the candidates of a whole stream, as the device's detector finds them."""
    detector = Detector(config)
    found = (*detector.push(scores[:, None]), *detector.finish())
    return [one for one in found if isinstance(one, Candidate)]
