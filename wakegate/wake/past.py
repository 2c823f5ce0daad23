"""Past: the last rows of what a graph gave out, there where its next run reads them.

Owns the memory between two runs of a stream. Rows are written once, behind those before them, and the next run reads a
window that ends with them: nothing is moved but once in a few turns. Must never hold more than those turns and the
window, and is all zeros before a stream begins.
"""

import numpy as np
from numpy.typing import NDArray

from ..audio.memory import PrivateMemory

Rows = NDArray[np.float32]


class Past:
    """Memory of ``before`` rows, and of ``turns`` times ``new`` rows behind them.

    Parameters
    ----------
    before, new, width : int
        Rows that a run reads, rows that it gives out, and values a row.
    turns : int
        Runs until the last rows are moved to the front.
    """

    def __init__(self, before: int, new: int, width: int, turns: int) -> None:
        self._memory = PrivateMemory(4 * (before + turns * new) * width)
        seen, moved, begins = self._memory.view(), 4 * before * width, 4 * turns * new * width
        # A memoryview moves what overlaps in place; numpy would copy it to memory that is not ours.
        self._first, self._last = seen[:moved], seen[begins : begins + moved]
        self._rows: Rows = self._memory.array(np.float32, (before + turns * new) * width).reshape(-1, width)
        self._before, self._new = before, new

    def before(self, turn: int = 0) -> Rows:
        """Return (before, width): what the run of this turn reads."""
        return self._rows[turn * self._new :][: self._before]

    def new(self, turn: int = 0) -> Rows:
        """Return (new, width): where the run of this turn writes; the next turn's ``before`` ends with it."""
        return self._rows[self._before + turn * self._new :][: self._new]

    def both(self) -> Rows:
        """Return (before + new, width): what the run of turn 0 reads, and behind it what it gives out."""
        return self._rows[: self._before + self._new]

    def begin_again(self) -> None:
        """Move the last rows to the front, after the last turn: the next one is turn 0."""
        self._first[:] = self._last

    def wipe(self) -> None:
        """Overwrite everything with zeros."""
        self._memory.wipe()
