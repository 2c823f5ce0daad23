"""Draw: examples to shards, all of them or those worth learning from.

Owns which examples of a draw are kept. Must never see a corpus's other side.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from .augment import Example, Mixer, Mixture
from .fit import losses, targets
from .network import FrontEnd, Trunk
from .shards import Shard, half_decibels, write
from .teacher import Teacher

SIZE = 2048
"""Examples a shard, at least."""
BATCH = 96
MINED = Mixture(positives=0.25, near_misses=0.3, half_words=0.1)
"""What is drawn where only the hardest third is kept."""
SUSPECTS = Mixture(
    positives=0.36, synthetic=0.62, room=0.55, noise=0.8, snr_db=(-3.0, 28.0), hard=0.6, half_words=0.06,
)  # fmt: skip
"""What is drawn for the second stage."""
SUSPICION = 0.03
"""Chance of a word, after the first stage, from which an example without that word teaches the second stage."""

Keep = Callable[[Tensor, NDArray[np.int8], NDArray[np.int32]], NDArray[np.intp]]
"""(n, frames, bands) power, words and ends to the rows that are kept."""


def everything(heard: Tensor, words: NDArray[np.int8], ends: NDArray[np.int32]) -> NDArray[np.intp]:
    """Keep all examples."""
    return np.arange(len(words))


def hardest(trunk: Trunk) -> Keep:
    """Keep the third that a first stage finds hardest."""

    def rows(heard: Tensor, words: NDArray[np.int8], ends: NDArray[np.int32]) -> NDArray[np.intp]:
        loss = losses(trunk(FrontEnd().normalised(heard)), targets(words, ends), 1.0, 1.0).mean(dim=1).numpy()
        return np.argsort(-loss)[: len(loss) // 3]

    return rows


def suspected(first: nn.Module) -> Keep:
    """Keep every spoken word, and what a first stage suspects to be one and is not; "none" is its last class."""

    def rows(heard: Tensor, words: NDArray[np.int8], ends: NDArray[np.int32]) -> NDArray[np.intp]:
        chances = torch.softmax(first(FrontEnd().normalised(heard)), dim=2)
        none, last = chances[:, :, -1].numpy(), chances.shape[2] - 1
        elsewhere = targets(words, ends, none=last).numpy() == last
        suspicion = np.where(elsewhere, 1 - none, 0).max(axis=1)
        return np.flatnonzero((words >= 0) | (suspicion > SUSPICION))

    return rows


def shard(path: Path, mixer: Mixer, keep: Keep = everything, size: int = SIZE, teacher: Teacher | None = None) -> None:
    """Write one shard of at least ``size`` examples; one that is there already is left as it is.

    A teacher, if there is one, describes each example that is kept.
    """
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    front_end = FrontEnd()
    kept: list[Shard] = []
    while sum(len(part.words) for part in kept) < size:
        kept.append(_part([mixer.example() for _ in range(BATCH)], front_end, keep, teacher))
    write(path, kept)


def _part(examples: list[Example], front_end: FrontEnd, keep: Keep, teacher: Teacher | None) -> Shard:
    words = np.array([e.word for e in examples], np.int8)
    ends = np.array([e.end for e in examples], np.int32)
    samples = np.stack([e.samples for e in examples])
    with torch.no_grad():
        heard = front_end.power(torch.from_numpy(samples).float())
        rows = keep(heard, words, ends)
    described = None if teacher is None else teacher.describe(samples[rows])
    return Shard(half_decibels(heard[torch.from_numpy(rows)]), words[rows], ends[rows], described)
