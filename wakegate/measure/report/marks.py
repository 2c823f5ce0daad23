"""Marks: the few shapes that pictures are made of, as SVG text.

Owns escaping: whatever a corpus or an engine calls itself, it stays text. Colours are classes, so that one style sheet
serves light, dark and paper; each engine has a shape of its own too, for whoever does not see the colours.
"""

import html
import re
from collections.abc import Iterable

Point = tuple[float, float]

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SHAPES = (
    "M-1 0a1 1 0 1 0 2 0a1 1 0 1 0-2 0z",
    "M-.9-.9h1.8v1.8h-1.8z",
    "M0-1.25L1.25 0L0 1.25L-1.25 0z",
    "M0-1.2L1.1.8H-1.1z",
    "M0 1.2L1.1-.8H-1.1z",
    "M-1-.4H-.4V-1H.4V-.4H1V.4H.4V1H-.4V.4H-1z",
)
COLOURS = len(_SHAPES)


class Markup(str):
    """HTML that was made here, and is no text of others."""

    __slots__ = ()


def safe(value: object) -> str:
    """Return a value as text for HTML and XML, what neither can hold replaced."""
    if isinstance(value, Markup):
        return value
    return html.escape(_NOT_XML.sub("\ufffd", str(value)))


def line(start: Point, end: Point, kind: str = "axis") -> str:
    """Return a straight line."""
    return f'<line class="{kind}" x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}"/>'


def text(at: Point, words: object, kind: str = "", anchor: str = "start") -> str:
    """Return words whose baseline's start, middle or end lies at a point."""
    return f'<text class="{kind}" x="{at[0]:.1f}" y="{at[1]:.1f}" text-anchor="{anchor}">{safe(words)}</text>'


def upright(at: Point, words: object) -> str:
    """Return words that read upwards, centred on a point."""
    return f'<text transform="translate({at[0]:.1f} {at[1]:.1f}) rotate(-90)" text-anchor="middle">{safe(words)}</text>'


def path(points: Iterable[Point], kind: str, title: str = "", *, closed: bool = False) -> str:
    """Return a line through points."""
    drawn = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return f'<path class="{kind}" d="M{drawn}{"z" if closed else ""}">{_titled(title)}</path>'


def box(corner: Point, width: float, height: float, kind: str, title: str = "") -> str:
    """Return a rectangle from its upper left corner."""
    place = f'x="{corner[0]:.1f}" y="{corner[1]:.1f}" width="{width:.1f}" height="{height:.1f}"'
    return f'<rect class="{kind}" {place}>{_titled(title)}</rect>'


def dot(at: Point, number: int, title: str, *, size: float = 5.0, hollow: bool = False, kind: str = "") -> str:
    """Return an engine's mark; a hollow one says that nothing was counted."""
    kind = f"{kind or f'c{number % COLOURS}'} {'hollow' if hollow else 'solid'}"
    place = f"translate({at[0]:.1f} {at[1]:.1f}) scale({size:g})"
    return f'<path class="{kind}" transform="{place}" d="{_SHAPES[number % COLOURS]}">{_titled(title)}</path>'


def picture(name: str, size: tuple[float, float], title: str, description: str, marks: Iterable[str]) -> str:
    """Return an SVG with its title and description for those who do not see it."""
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size[0]:.0f} {size[1]:.0f}" role="img"'
    return "\n".join((
        f'{head} aria-labelledby="{name}-title {name}-desc">',
        f'<title id="{name}-title">{safe(title)}</title><desc id="{name}-desc">{safe(description)}</desc>',
        *marks,
        "</svg>",
    ))  # fmt: skip


def _titled(title: str) -> str:
    return f"<title>{safe(title)}</title>" if title else ""
