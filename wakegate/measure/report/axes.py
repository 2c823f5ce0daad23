"""Axes: where a value lies on the page.

Owns the two scales. A rate's is logarithmic and has a gutter at its left for the zero that a logarithm has not.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .marks import box, line, text

GUTTER = 46.0
"""Pixels left of the logarithmic part, with zero in their middle."""


@dataclass(frozen=True, slots=True)
class Linear:
    """Values from ``low`` to ``high`` on pixels from ``start`` to ``end``."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Return the pixel of a value, at the edge if it lies beyond."""
        share = (value - self.low) / (self.high - self.low)
        return self.start + (self.end - self.start) * min(max(share, 0.0), 1.0)

    def ticks(self, most: int = 6) -> list[float]:
        """Return round values, ``most`` at most."""
        raw = (self.high - self.low) / most
        size = 10 ** math.floor(math.log10(raw))
        step = size * next(one for one in (1, 2, 5, 10) if one * size >= raw * (1 - 1e-9))
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [round(n * step, 12) for n in range(first, last + 1)]


@dataclass(frozen=True, slots=True)
class Rate:
    """Rates from 10^``low`` to 10^``high`` on pixels from ``start`` to ``end``; zero in the gutter left of ``edge``."""

    low: int
    high: int
    start: float
    end: float

    @property
    def edge(self) -> float:
        """Where the logarithmic part begins."""
        return self.start + GUTTER

    def at(self, value: float) -> float:
        """Return the pixel of a rate."""
        if value <= 0:
            return self.start + GUTTER / 2
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return self.edge + (self.end - self.edge) * min(max(share, 0.0), 1.0)

    def ticks(self) -> list[float]:
        """Return zero and the decades."""
        return [0.0, *(10.0**n for n in range(self.low, self.high + 1))]

    def marks(self, top: float, bottom: float) -> Iterator[str]:
        """Yield the grid, its numbers below it, and the gutter."""
        yield box((self.start, top), GUTTER, bottom - top, "gutter")
        every = 1 + (self.high - self.low) // max(1, int((self.end - self.edge) / 40))
        for number, value in enumerate(self.ticks()):
            yield line((self.at(value), top), (self.at(value), bottom), "grid")
            if value == 0 or (number - 1) % every == 0:
                shown = f"{value:g}" if value < 1e4 else f"{value:.0e}".replace("e+0", "e")
                yield text((self.at(value), bottom + 15), shown, "tick", "middle")


def rate_axis(rates: Iterable[float], start: float, end: float) -> Rate:
    """Return the decades that hold all rates above zero; one of two decades about 1 if there is none."""
    above = [one for one in rates if one > 0]
    low = math.floor(math.log10(min(above, default=0.1)) + 1e-9)
    high = math.ceil(math.log10(max(above, default=10.0)) - 1e-9)
    return Rate(low, max(high, low + 1), start, end)
