"""Block and Source: how sound enters.

Owns the shape of sound as it is delivered. A Source fills memory that the Ring lends, so that the Ring stays the only
holder of past audio; it must never keep samples it has handed over.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..events import Reason

Samples = NDArray[np.int16]


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Audio as delivered.

    Parameters
    ----------
    samples : (n,) int16
        A read-only view into the Ring, valid until the next block is lent.
    start : int
        Index of the first sample since the stream began.
    """

    samples: Samples
    start: int

    @property
    def end(self) -> int:
        """Index after the last sample."""
        return self.start + len(self.samples)

    def __repr__(self) -> str:
        """Show the bounds, never the samples."""
        return f"Block(start={self.start}, end={self.end})"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a source did with the memory it was lent.

    Parameters
    ----------
    count : int
        Samples written, from the front of the slice. 0 means nothing yet (a device that is waited for, a silent pipe).
    gap : tuple of (Reason, int lost, str detail), optional
        Samples were lost here. A gap comes alone (count 0): what came before it was delivered, what follows is next.
    ended : bool
        No more will come.
    """

    count: int
    gap: tuple[Reason, int, str] | None = None
    ended: bool = False


class Source(Protocol):
    """Where sound comes from: 16 kHz mono int16 whatever the origin."""

    @property
    def name(self) -> str:
        """Words for people and the journal ("file kitchen.wav", "microphone USB Audio")."""
        ...

    def read(self, out: Samples) -> Reading:
        """Fill ``out`` (n,) int16 as far as sound is at hand, blocking until at least something happens.

        Fewer than n samples come only at the end, at a gap, or from a live source that would otherwise wait for
        more than a block. A device that is gone returns ``Reading(0, gap=...)`` once, then ``Reading(0)`` after
        each pause.
        """
        ...

    def wipe(self) -> None:
        """Overwrite every sample that this source still holds in memory of ours (queues, resamplers, scratch)."""
        ...

    def close(self) -> None:
        """Give the device or file back and wipe. Safe to call twice."""
        ...


__all__ = ["Block", "Reading", "Samples", "Source"]
