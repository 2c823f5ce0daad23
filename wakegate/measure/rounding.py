"""Rounding: how numbers are written for people, in the terminal and in the report.

Owns two figures, since no interval here is known to three. results.json is never rounded.
"""

import math


def figure(value: float) -> str:
    """Return two figures: 0, 0.0047, 1.0, 30, 1771."""
    if value == 0:
        return "0"
    return f"{value:.{max(0, 1 - math.floor(math.log10(abs(value))))}f}"


def duration(hours: float) -> str:
    """Return hours in the largest unit of which there is one."""
    for unit, seconds in (("h", 3600), ("min", 60)):
        if hours * 3600 >= seconds:
            return f"{figure(hours * 3600 / seconds)} {unit}"
    return f"{figure(hours * 3600)} s"


def chance(p: float) -> str:
    """Return a test's p, small ones as "under 0.0001"."""
    return "under 0.0001" if p < 1e-4 else figure(p)
