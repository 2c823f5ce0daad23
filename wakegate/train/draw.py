"""Draw: examples to shards, the hard ones more often.

Owns the mining: every third shard keeps what the network of the moment finds hardest. Must never see a corpus's other
side.
"""

import itertools
from pathlib import Path

import numpy as np
import torch

from .augment import Example, Mixer, Mixture
from .fit import load_network, losses, targets
from .network import FrontEnd
from .shards import Shard, half_decibels, write

SIZE = 2048
"""Examples a shard, at least."""


def draw(mixer: Mixer, network: Path, folder: Path, shards: int) -> None:
    """Write shards of examples until there are ``shards``.

    Every third shard, once there is a checkpoint at ``network``, draws three times as many examples and keeps what
    that network finds hardest.
    """
    folder.mkdir(parents=True, exist_ok=True)
    front_end = FrontEnd()
    plain, heavy = mixer.mixture, Mixture(positives=0.25, near_misses=0.3, half_words=0.1)
    for number in itertools.count():
        path = folder / f"{number:05d}.npz"
        if number >= shards:
            return
        if path.exists():
            continue
        mining = number % 3 == 2 and network.exists()
        mixer.mixture = heavy if mining else plain
        trunk = load_network(network) if mining else None
        kept: list[Shard] = []
        while sum(len(part.words) for part in kept) < SIZE:
            kept.append(_part([mixer.example() for _ in range(96)], front_end, trunk))
        write(path, kept)


def _part(examples: list[Example], front_end: FrontEnd, trunk: torch.nn.Module | None) -> Shard:
    """Return examples as a shard: all of them, or the third that a network finds hardest."""
    words = np.array([e.word for e in examples], np.int8)
    ends = np.array([e.end for e in examples], np.int32)
    with torch.no_grad():
        heard = front_end.power(torch.from_numpy(np.stack([e.samples for e in examples])).float())
        rows = np.arange(len(words))
        if trunk is not None:
            loss = losses(trunk(front_end.normalised(heard)), targets(words, ends), 1.0, 1.0).mean(dim=1).numpy()
            rows = np.argsort(-loss)[: len(loss) // 3]
    return Shard(half_decibels(heard[torch.from_numpy(rows)]), words[rows], ends[rows])
