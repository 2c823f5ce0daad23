"""Standalone: the report's curves and rates as one SVG file, for a README or a paper.

Owns how they are put together; they are the page's own, with its style sheet, for light and dark.
"""

import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from .det import det
from .marks import safe
from .rates import legend, rates
from .words import headline

Found = Mapping[str, Any]

WIDTH, MARGIN, GAP = 860.0, 16.0, 18.0


def standalone(document: Found) -> str:
    """Return misses against false accepts, and both by condition or word, below each other as one SVG."""
    down, parts = MARGIN, []
    for drawn in (*([legend(document)] if len(document["engines"]) > 1 else []), *det(document), rates(document)):
        head, *body, _ = drawn.split("\n")
        parts.append("\n".join([f'<g transform="translate({MARGIN:g} {down:.0f})">', *body, "</g>"]))
        down += float(re.search(r'viewBox="0 0 \d+ (\d+)"', head)[1]) + GAP  # type: ignore[index]  # marks.picture's
    told = " ".join(headline(document, one) for one in document["engines"])
    wide, high = WIDTH + 2 * MARGIN, down - GAP + MARGIN
    style = files(__package__).joinpath("report.css").read_text(encoding="utf-8")
    return "\n".join((
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide:.0f} {high:.0f}" role="img">',
        f"<title>False wakes and misses</title><desc>{safe(told)}</desc>",
        f"<style>{style}</style>",
        f'<rect class="paper" width="{wide:.0f}" height="{high:.0f}"/>',
        *parts,
        "</svg>\n",
    ))  # fmt: skip
