"""Which sound card is which, whatever number it has now: by what it says of itself, and by where it is plugged in.

Owns the looks at /dev/snd, /sys and this process's own open files, all of them Linux's; elsewhere nothing is known.
Never opens a card, and never takes two of a kind for the same one where their plugs tell them apart.
"""

import re
from dataclasses import dataclass
from pathlib import Path

_NODES = Path("/dev/snd")
_CLASS = Path("/sys/class/sound")
_FILES = Path("/proc/self/fd")
_SAYS = ("idVendor", "idProduct", "serial")


@dataclass(frozen=True, slots=True)
class Card:
    """A sound card.

    Parameters
    ----------
    kind : tuple of str
        What it says of itself: of USB maker, product, serial number (which many makers leave out, or give to all
        alike) and interface. Of others nothing: where it sits is all there is to know.
    place : str
        Where it is plugged in.
    """

    kind: tuple[str, ...]
    place: str

    def may_be(self, other: "Card | None") -> bool:
        """Whether another look saw this card: one of USB may be plugged in somewhere else by now."""
        return other is not None and self.kind == other.kind and (bool(self.kind) or self == other)


def nodes() -> frozenset[str]:
    """Return what the kernel has of sound: it changes when a card comes or goes, and is cheap to ask."""
    try:
        return frozenset(one.name for one in _NODES.iterdir())
    except OSError:
        return frozenset()


def card(number: int) -> Card | None:
    """Return the card that has this number now; None where nobody can tell."""
    try:
        place = (_CLASS / f"card{number}" / "device").resolve(strict=True)
        said = tuple(_read(place.parent / name) for name in _SAYS)
        place.stat()  # else it went while it was looked at, and said half of what it says
    except OSError:
        return None
    if not said[0]:
        return Card((), str(place))
    # A card of USB is an interface, one of perhaps several, of a device: what that is plugged into is one folder up.
    return Card((*said, place.name.partition(":")[2]), place.parent.name)


def cards() -> tuple[Card, ...]:
    """Return all that there are."""
    numbers = sorted(int(name[8:]) for name in nodes() if re.fullmatch(r"controlC\d+", name))
    return tuple(found for found in map(card, numbers) if found is not None)


def twinned(one: Card | None) -> bool:
    """Whether a card somewhere else says the same of itself."""
    return one is not None and any(one.may_be(other) and one != other for other in cards())


def recorded() -> frozenset[int]:
    """Return the numbers of the cards that this process records from now; none where nobody can tell."""
    found = set()
    try:
        files = tuple(_FILES.iterdir())
    except OSError:  # another system than Linux, or no descriptor is left to look with
        return frozenset()
    for file in files:
        try:
            name = str(file.readlink())
        except OSError:  # closed meanwhile
            continue
        if match := re.fullmatch(rf"{_NODES}/pcmC(\d+)D\d+c", name):
            found.add(int(match[1]))
    return frozenset(found)


def _read(path: Path) -> str:
    """Return what a file says, "" where it is not there; OSError where it cannot be read."""
    try:
        return path.read_text("utf-8", "replace").strip()
    except FileNotFoundError:
        return ""


__all__ = ["Card", "card", "cards", "nodes", "recorded", "twinned"]
