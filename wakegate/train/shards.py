"""Shards: drawn examples on disk, as mel power in half decibels, and the pool that batches are drawn from.

Owns the format, a byte a band and frame, so that both stages learn from the same files: the first from power over its
running mean, the verifier from its logarithm.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..errors import ConfigError
from .network import FLOOR

FLOOR_DB = 10 * np.log10(FLOOR)


@dataclass(frozen=True, slots=True, eq=False)
class Shard:
    """Examples.

    Parameters
    ----------
    loudness : (n, frames, bands) uint8
        Half decibels above the floor.
    words, ends : (n,)
        Word (-1 for none) and its last sample.
    described : (n, frames // 8, width) float16, optional
        What a teacher makes of each 80 ms.
    """

    loudness: NDArray[np.uint8]
    words: NDArray[np.int8]
    ends: NDArray[np.int32]
    described: NDArray[np.float16] | None = None


def half_decibels(power: Tensor) -> NDArray[np.uint8]:
    """Return power as half decibels above the front end's floor, 0 to 127.5 dB."""
    decibels = 10 * torch.log10(power + FLOOR) - FLOOR_DB
    halves: NDArray[np.uint8] = (2 * decibels).round().clamp(0, 255).to(torch.uint8).numpy()
    return halves


def power(loudness: NDArray[np.uint8]) -> Tensor:
    """Return what :func:`half_decibels` was made of, to a quarter of a decibel."""
    decibels = torch.from_numpy(loudness).float() / 2 + FLOOR_DB
    return torch.clamp(10 ** (decibels / 10) - FLOOR, min=0)


def read(path: Path) -> Shard:
    """Read a shard; ConfigError if it is damaged."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as saved:
            described = saved["described"] if "described" in saved.files else None
            return Shard(saved["loudness"], saved["words"], saved["ends"], described)
    except (ValueError, KeyError, TypeError, EOFError, BadZipFile) as error:
        raise ConfigError(f"{path} is damaged: remove it, and run the same command again") from error


def write(path: Path, parts: Sequence[Shard]) -> None:
    """Write parts as one shard, whole or not at all."""
    described = [part.described for part in parts if part.described is not None]
    columns: dict[str, NDArray[np.generic]] = {
        "loudness": np.concatenate([part.loudness for part in parts]),
        "words": np.concatenate([part.words for part in parts]),
        "ends": np.concatenate([part.ends for part in parts]),
    }
    if described:
        columns["described"] = np.concatenate(described)
    half_written = path.with_suffix(".part")
    with half_written.open("wb") as file:
        np.savez(file, allow_pickle=False, **columns)
    half_written.rename(path)


class Pool:
    """The newest shards in memory; drawn from at random."""

    def __init__(self, folder: Path, newest: int, rng: np.random.Generator) -> None:
        self._folder, self._newest, self._rng = folder, newest, rng
        self._held: dict[Path, Shard] = {}

    def refresh(self) -> int:
        """Read what is new, drop what is old, and return how many examples there are."""
        paths = sorted(self._folder.glob("*.npz"), key=lambda p: p.stat().st_mtime)[-self._newest :]
        self._held = {p: self._held[p] if p in self._held else read(p) for p in paths}
        return sum(len(shard.words) for shard in self._held.values())

    def batch(self, size: int) -> tuple[Tensor, NDArray[np.int8], NDArray[np.int32]]:
        """Draw a batch, each example from any of eight shards, as (size, frames, bands) power."""
        shards = list(self._held.values())
        picks = [shards[i] for i in self._rng.integers(len(shards), size=8)]
        rows = [self._rng.integers(len(shard.words), size=size // 8) for shard in picks]
        loudness = np.concatenate([s.loudness[r] for s, r in zip(picks, rows, strict=True)])
        words = np.concatenate([s.words[r] for s, r in zip(picks, rows, strict=True)])
        ends = np.concatenate([s.ends[r] for s, r in zip(picks, rows, strict=True)])
        return power(loudness), words, ends
