r"""Inbox: a client's bytes as events, one at a time, within bounds.

Owns the reading of Wyoming's framing: a line of JSON ``{"type", "data"?, "data_length"?, "payload_length"?}``, then
``data_length`` bytes of JSON, then ``payload_length`` bytes. Everything that is too long, of the wrong kind or never
completed ends the connection. Sound passes through private memory only: a payload is not gathered here but taken piece
by piece into memory that the caller lends, and what was read of it by the way is overwritten.
"""

import asyncio
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...audio.memory import PrivateMemory
from ...errors import ClientError
from .line import Line

MOST_HEADER = 8_192
MOST_DATA = 16_384
MOST_PAYLOAD = 1 << 24
"""Bytes of an event's three parts; a payload is never held as a whole."""
MOST_TYPE = 100
STALL_S = 10.0
"""Seconds within which the next bytes of an event that has begun must come."""
_SIZE = MOST_DATA + MOST_HEADER
_NEWLINE = 0x0A


@dataclass(frozen=True, slots=True)
class Event:
    """What a client said: its type, its data, and how many bytes of payload follow."""

    type: str
    data: Mapping[str, Any]
    payload: int


class Inbox:
    """One client's events.

    Parameters
    ----------
    line : Line
        Where its bytes come from.

    Attributes
    ----------
    left : int
        Bytes of the last event's payload that have not been taken.
    """

    def __init__(self, line: Line) -> None:
        self.left = 0
        self._line = line
        self._memory = PrivateMemory(_SIZE)
        self._bytes = self._memory.array(np.uint8, _SIZE)
        self._view = self._memory.view()
        self._start = self._end = 0

    @property
    def scratch(self) -> memoryview:
        """Memory to read into what nobody wants; what is held there is lost."""
        return self._view

    async def event(self, within_s: float | None = None) -> Event | None:
        """Return the next event, or None when the client is done; what is left of the last payload is passed over.

        Parameters
        ----------
        within_s : float, optional
            Seconds that the client may take to begin; as long as it likes if not given.

        Raises
        ------
        ClientError
            For what is no event, is too large, or does not come in time.
        OSError
            Where the connection broke.
        """
        while self.left:
            await self.take(self._view[: min(self.left, _SIZE)])
        line = await self._line_of_json(within_s)
        if line is None:
            return None
        header = _object(line)
        kind, data = header.get("type"), header.get("data")
        if not isinstance(kind, str) or not 1 <= len(kind) <= MOST_TYPE:
            raise ClientError("bad-event", "an event has no type: send Wyoming events")
        if not isinstance(data, dict | None):
            raise ClientError("bad-event", f"the data of {kind!r} is no JSON object")
        more, payload = _length(header, "data_length", MOST_DATA), _length(header, "payload_length", MOST_PAYLOAD)
        if more:
            data = (data or {}) | _object(await self._exactly(more))
        self.left = payload
        return Event(kind, data or {}, payload)

    async def take(self, room: memoryview) -> None:
        """Fill ``room`` with the next bytes of the payload (no more than are left). Errors as for :meth:`event`."""
        count = min(len(room), self._end - self._start)
        held = self._view[self._start : self._start + count]
        room[:count] = held
        if room.obj is not held.obj:
            self._bytes[self._start : self._start + count] = 0
        self._start += count
        while count < len(room):
            count += await self._receive(room[count:], STALL_S)
        self.left -= len(room)

    def wipe(self) -> None:
        """Overwrite what was read and not taken."""
        self._memory.wipe()
        self._start = self._end = 0

    async def _line_of_json(self, within_s: float | None) -> bytes | None:
        known = 0
        while True:
            seen = self._bytes[self._start + known : min(self._end, self._start + MOST_HEADER)]
            (ends,) = np.nonzero(seen == _NEWLINE)
            if len(ends):
                return self._pop(known + int(ends[0]) + 1)
            known += len(seen)
            if known == MOST_HEADER:
                raise ClientError("bad-event", f"a header is longer than {MOST_HEADER} bytes: send Wyoming events")
            try:
                await self._more(within_s if known == 0 else STALL_S)
            except EOFError:
                if known:
                    raise
                return None

    async def _exactly(self, count: int) -> bytes:
        while self._end - self._start < count:
            await self._more(STALL_S)
        return self._pop(count)

    def _pop(self, count: int) -> bytes:
        """Return bytes that hold words; never called on a payload."""
        words = bytes(self._view[self._start : self._start + count])
        self._start += count
        return words

    async def _more(self, within_s: float | None) -> None:
        """Read on behind what is held, which is moved to the front first."""
        held = self._end - self._start
        if self._start:
            self._view[:held] = self._view[self._start : self._end]
            self._start, self._end = 0, held
        self._end += await self._receive(self._view[held:], within_s)

    async def _receive(self, room: memoryview, within_s: float | None) -> int:
        try:
            async with asyncio.timeout(within_s):
                count = await self._line.receive(room)
        except TimeoutError as error:
            raise ClientError(
                "stalled", f"nothing came for {within_s:g} s where more was due: send whole events"
            ) from error
        if not count:
            raise EOFError("the client is gone")
        return count


def _object(text: bytes) -> dict[str, Any]:
    try:
        value = json.loads(text, parse_constant=_finite, parse_float=_finite)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ClientError("bad-event", "what came is no JSON object: send Wyoming events")
    return value


def _finite(text: str) -> float:
    """Read a number; ValueError for NaN and what is infinite, which is no JSON, and none when it is said back."""
    if not math.isfinite(value := float(text)):
        raise ValueError(text)
    return value


def _length(header: Mapping[str, Any], name: str, most: int) -> int:
    value = header.get(name)
    if value is None:
        return 0
    if type(value) is not int or not 0 <= value <= most:
        raise ClientError("bad-event", f"{name} must be a whole number from 0 to {most}")
    return value
