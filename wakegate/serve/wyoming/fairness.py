"""Fairness: who gives way to a newcomer when everything is taken.

Owns that choice. A newcomer from a device with fewer clients than another takes the place of one of those of the device
with most, where that leaves it no worse off than the newcomer's. So a few hostile devices keep nobody out: not before
each place belongs to another one. A program on this device takes another device's place as long as there is one: of the
network, one machine may look like many. Never chooses a program on this device, and never sends anybody away itself.
"""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...errors import ClientError

if TYPE_CHECKING:
    from .door import Client


def giving_way(clients: "Sequence[Client]", device: str) -> "Client | None":
    """Return which of those who have a place gives way to a newcomer from a device; None where nobody has to.

    Of the device that has most it is whoever has been silent for longest: who is in use talks.
    """
    held = Counter(one.device for one in clients)
    others = [one for one in clients if one.device]
    loser = min(others, key=lambda one: (-held[one.device], one.heard_at), default=None)
    return loser if loser is not None and (not device or held[loser.device] - held[device] >= 2) else None


def told() -> ClientError:
    """Return what whoever gives way is told."""
    return ClientError("gave-way", "all places are taken, and of your device's one went to another device")
