"""How much was released lately, from the intents on record: what the daily caps are asked against.

Owns the last 25 hours of releases. An intent counts from the moment it was written, at its purpose's full length until
a later line says what really left: a crash between the two must not give the day a clip too many. Reads no file, no
clock.
"""

import math
from dataclasses import dataclass

from ..consent.purposes import RULES
from ..events import SAMPLE_RATE, Purpose
from .lines import Entry

KEPT_S = 25 * 3600
"""How far back releases are known, seconds."""
FULL_S = {purpose.value: rule.clip_s or 30.0 for purpose, rule in RULES.items()}
"""Seconds that an intent without an end counts: the longest clip, or the longest utterance where none is kept."""


@dataclass(frozen=True, slots=True)
class _Release:
    """Releases of one purpose at one time: one intent, or an hour of them carried over."""

    seq: int
    purpose: str
    wall: float
    count: int
    seconds: float


class Clips:
    """Releases by purpose and wake, of the last 25 hours on record."""

    def __init__(self) -> None:
        self._releases: dict[tuple[str, str], _Release] = {}
        self._blind: float | None = None
        self._wall = 0.0

    @property
    def blind(self) -> bool:
        """Whether a broken journal was mended, so that a time is on record whose releases nobody knows."""
        return self._blind is not None

    def add(self, entry: Entry) -> None:
        """Take up one entry, in the order of the journal."""
        self._wall = entry.wall
        purpose = entry.text("purpose")
        key = purpose, entry.text("id")
        if entry.kind == "opened":
            seconds = FULL_S.get(purpose, 30.0)
            self._releases[key] = _Release(entry.seq, purpose, entry.wall, 1, seconds)
        elif entry.kind == "released":
            seconds = (entry.number("end") - entry.number("start")) / SAMPLE_RATE
            self._releases[key] = _Release(entry.seq, purpose, entry.wall, 1, seconds)
        elif entry.kind == "aborted":
            sent = entry.number("sent")
            self._releases[key] = _Release(entry.seq, purpose, entry.wall, int(sent > 0), sent / SAMPLE_RATE)
        elif entry.kind == "clips":
            self._take_up(entry)
        elif entry.kind == "mended" and entry.values.get("torn") is not True:
            self._blind = entry.wall

    def since(self, purpose: Purpose, wall: float) -> tuple[int, float]:
        """Return count and seconds released for a purpose at or after a wall time.

        Where a broken journal hides what was released, no number would be safe: the answer is more than any cap.
        """
        if self._blind is not None and self._blind >= wall:
            return 10**9, math.inf
        # A copy first: a label from another thread may bring lines of another process in meanwhile.
        found = [one for one in tuple(self._releases.values()) if one.purpose == purpose.value and one.wall >= wall]
        return sum(one.count for one in found), sum(one.seconds for one in found)

    def carried(self, through: int) -> dict[str, object]:
        """Return what lines up to ``through`` say about the last 25 hours, added up by hour, as one line's values."""
        # Counted back from the last line, not from the latest time: a clock that was wrong once would drop the others.
        self._releases = {key: one for key, one in self._releases.items() if one.wall >= self._wall - KEPT_S}
        hours: dict[tuple[str, int], _Release] = {}
        for one in self._releases.values():
            if one.seq <= through and one.count:
                place = one.purpose, int(one.wall // 3600)
                more = hours.get(place, _Release(0, one.purpose, 0.0, 0, 0.0))
                # The latest time of the hour stands for all of it, so that none is forgotten too early.
                hours[place] = _Release(
                    0, one.purpose, max(more.wall, one.wall), more.count + one.count, more.seconds + one.seconds
                )
        rows = [[one.purpose, math.ceil(one.wall), one.count, round(one.seconds, 2)] for one in hours.values()]
        return {"kind": "clips", "through": through, "rows": rows, "blind": self._blind}

    def _take_up(self, entry: Entry) -> None:
        through, rows, blind = entry.number("through"), entry.values.get("rows"), entry.values.get("blind")
        if isinstance(blind, int | float):
            self._blind = float(blind)
        self._releases = {key: one for key, one in self._releases.items() if one.seq > through}
        for place, row in enumerate(rows if isinstance(rows, list) else []):
            purpose, wall, count, seconds = row
            # seq 0: carried over again when the next segment goes.
            self._releases[str(purpose), f"carried {place}"] = _Release(0, str(purpose), wall, count, seconds)
