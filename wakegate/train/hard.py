"""Hard: the moments of the background at which the first stage suspects a word.

Owns the search. Drawn at random, a moment that the second stage will be asked about comes up a few times in a whole
training; drawn from this list, it comes up as often as it should. Must never see a corpus's other side.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ..events import SAMPLE_RATE
from .corpus import Clip
from .network import HOP, STRIDE, FrontEnd

PIECE = 20 * SAMPLE_RATE
OVERLAP = 2 * SAMPLE_RATE
APART = SAMPLE_RATE // 2


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """A sample of a clip, and the chance of any word that the first stage gave it."""

    clip: Clip
    at: int
    chance: float


def moments(clips: Sequence[Clip], trunk: nn.Module, least: float = 0.05) -> list[Moment]:
    """Return the highest chance of each half second where it is ``least`` or more."""
    found: list[Moment] = []
    front_end = FrontEnd()
    for clip in clips:
        best: dict[int, Moment] = {}
        for begin in range(0, len(clip.samples), PIECE - OVERLAP):
            # The overlap gives the running mean and the network a past; what is said there has been looked at.
            chances = _suspicion(clip.samples[begin : begin + PIECE], front_end, trunk)
            for step in np.flatnonzero(chances >= least):
                at = begin + (int(step) + 1) * STRIDE * HOP
                if begin and at < begin + OVERLAP:
                    continue
                half_second = at // APART
                if half_second not in best or best[half_second].chance < chances[step]:
                    best[half_second] = Moment(clip, at, float(chances[step]))
        found += best.values()
    return found


def _suspicion(samples: NDArray[np.int16], front_end: FrontEnd, trunk: nn.Module) -> NDArray[np.float32]:
    """(n,) samples to the chance of any word at each step."""
    whole = len(samples) // (HOP * STRIDE) * HOP * STRIDE
    if not whole:
        return np.zeros(0, np.float32)
    with torch.no_grad():
        logits = trunk(front_end(torch.from_numpy(samples[None, :whole].astype(np.float32))))
        none = torch.softmax(logits[0], dim=1)[:, -1]
    suspicion: NDArray[np.float32] = 1 - none.numpy()
    return suspicion
