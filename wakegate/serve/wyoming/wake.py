"""The wake service: clients send sound, and are told when a wake word is in it.

Owns one client's talk. The sound is the client's own and stays so: nothing of it is released, kept or put on record
here, and it is overwritten when the client goes. So the gate has nothing to decide, and says so: ``gate`` in the
context of a detection is ``not_asked``. The journal does not hear of it either: it is the record of this device's
microphone, behind its rates of false wakes, and a stranger's sound must neither count there nor be able to push what is
there out of it.

Every error is one ``error`` event, and the end of the connection.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ...errors import ClientError
from ...events import NearMiss, Wake
from . import messages
from .door import Client
from .fairness import giving_way, told
from .hearing import Heard, Hearing
from .inbox import MOST_DATA, Event
from .pcm import Format
from .storm import Storm
from .words import Lent, Words

MOST_CLIENTS = 64
QUIET_S = 60.0
"""A client that says nothing for so long is not listened to until it goes on."""
NOT_ASKED = "not_asked"
_MOST_STAMP = 1 << 62


@dataclass(frozen=True, slots=True)
class Told:
    """A client was told of a wake word; or had nearly said one, of which people are told alone."""

    client: int
    heard: Heard


class WakeService:
    """Serves any number of clients.

    Parameters
    ----------
    words : Words
        What it offers.
    tell : callable
        Told of detections and near misses, for people to know; of a storm of them, of some.
    each : callable, optional
        Given the event of each of them, whose samples are those of the client's sound, and the device that the client
        is on ("" for this one); must not wait.

    Attributes
    ----------
    storms : sequence of Storm
        Of both; for the door, which tells what was left out.
    """

    def __init__(
        self,
        words: Words,
        tell: Callable[[Told], None],
        each: Callable[[Wake | NearMiss, str], None] = lambda *_: None,
    ) -> None:
        self._words, self._say, self._each = words, tell, each
        self._wakes, self._near = Storm("detections"), Storm("near misses")
        self.storms = (self._wakes, self._near)
        self._talks: dict[Client, _Talk] = {}

    async def serve(self, client: Client) -> None:
        """Talk with one client until it is done; ClientError for what cannot be done."""
        talk = self._talks[client] = _Talk(self._words, self._make_room, self._tell, client)
        try:
            await talk.run()
        finally:
            del self._talks[client]

    def _make_room(self, device: str) -> None:
        """Take the place of one that is heard, or waits for its ears, if somebody has to give way."""
        heard = [client for client, talk in self._talks.items() if talk.is_heard]
        if (loser := giving_way(heard, device)) is not None:
            loser.dismiss(told())
            self._talks[loser].forget()  # wherever it is, it does not go on from there

    def _tell(self, told: Told, device: str) -> None:
        self._each(told.heard.event, device)
        # Near misses apart: there are more of them, and none is worth a detection's line.
        if (self._wakes if isinstance(told.heard.event, Wake) else self._near).passes():
            self._say(told)


class _Talk:
    """One client's talk."""

    def __init__(
        self,
        words: Words,
        make_room: Callable[[str], None],
        told: Callable[[Told, str], None],
        client: Client,
    ) -> None:
        self._words, self._make_room, self._told, self._client = words, make_room, told, client
        self._lent: Lent | None = None
        self._hearing: Hearing | None = None
        self._asked: object = None
        self._theirs: Mapping[str, object] = {}
        self._busy = False
        self._watch: asyncio.TimerHandle | None = None

    @property
    def is_heard(self) -> bool:
        """Whether it has one of the places, with ears or waiting for them."""
        return self._lent is not None

    async def run(self) -> None:
        try:
            self._look()
            while (event := await self._client.event()) is not None:
                self._busy = True
                await self._answer(event)
                self._busy = False
        finally:
            if self._watch is not None:
                self._watch.cancel()
            self.forget()

    def _look(self) -> None:
        """Look now and then whether the client has fallen silent: its sound is overwritten, its ears are for others."""
        loop = asyncio.get_running_loop()
        if not self._busy and loop.time() - self._client.heard_at >= QUIET_S:
            self.forget()
        self._watch = loop.call_later(QUIET_S / 2, self._look)

    async def _answer(self, event: Event) -> None:
        match event.type:
            case "describe":
                await self._client.say(messages.wake_service(self._words.offered))
            case "detect":
                await self._detect(event)
            case "audio-start":
                (await self._ears()).begin(_format(event), _stamp(event))
            case "audio-chunk":
                await self._chunk(event)
            case "audio-stop":
                await self._stop()
            # Others are not for us: the protocol wants them passed over.

    async def _detect(self, event: Event) -> None:
        """Listen for other words, or for the same ones again: satellites ask anew after every request."""
        theirs = _theirs(event)
        names, hearing = event.data.get("names"), self._hearing
        if hearing is not None and (names, self._words.called(names)) == (hearing.lent.asked, hearing.lent.names):
            self._theirs = theirs
            hearing.listen_anew()
            return
        self.forget()
        self._asked, self._theirs = names, theirs
        await self._ears()

    def forget(self) -> None:
        """Overwrite what was heard, and give the place back, and what is to be said back: up to 350 KB of objects."""
        self._theirs = {}
        hearing, self._hearing = self._hearing, None
        if hearing is not None:
            hearing.wipe()
        lent, self._lent = self._lent, None
        if lent is not None:
            self._words.give_back(lent)

    async def _ears(self) -> Hearing:
        """Return what listens: for what was asked, for every word where nothing was."""
        if self._hearing is None:
            self._lent = self._words.lend(self._asked, lambda: self._make_room(self._client.device))
            await self._words.fill(self._lent)
            self._hearing = Hearing(self._lent)
        return self._hearing

    async def _chunk(self, event: Event) -> None:
        form, hearing = _format(event), await self._ears()
        if event.payload % form.frame:
            raise ClientError("bad-audio", f"{event.payload} bytes are no whole number of {form.frame}-byte frames")
        room = hearing.chunk(form, _stamp(event))
        while left := self._client.inbox.left:
            size = min(left, len(room))
            await self._client.inbox.take(room[:size])
            await self._tell(hearing.push(size))

    async def _stop(self) -> None:
        if self._hearing is None:
            return
        await self._tell(self._hearing.finish())
        if not self._hearing.heard_any:
            await self._client.say(messages.not_detected(self._theirs))

    async def _tell(self, found: list[Heard]) -> None:
        for heard in found:
            if isinstance(heard.event, Wake):  # never a near miss: there is no message but one that wakes
                context = {**self._theirs, **_ours(heard, heard.event)}
                await self._client.say(messages.detection(heard.name, heard.at_ms, context))
            self._told(Told(self._client.number, heard), self._client.device)


def _theirs(event: Event) -> Mapping[str, object]:
    """Return what a client wants to have said back with each answer; it is not looked into."""
    context = event.data.get("context")
    if not isinstance(context, dict | None):
        raise ClientError("bad-event", "context in detect must be a JSON object, or null")
    if len(messages.not_detected(context or {})) > MOST_DATA:  # said back in ASCII, it may be longer than it came
        raise ClientError("bad-event", f"context in detect is longer than {MOST_DATA} bytes in ASCII")
    return context or {}


def _ours(heard: Heard, wake: Wake) -> Mapping[str, object]:
    return {
        "event": wake.id,
        "score": heard.score,
        "threshold": wake.threshold,
        "word_start_ms": heard.start_ms,
        "word_end_ms": heard.end_ms,
        "gate": NOT_ASKED,
    }


def _format(event: Event) -> Format:
    return Format(**{name: event.data.get(name, 0) for name in ("rate", "width", "channels")})


def _stamp(event: Event) -> int | None:
    """Return the timestamp in ms, None where there is none."""
    stamp = event.data.get("timestamp")
    if stamp is not None and (type(stamp) is not int or abs(stamp) > _MOST_STAMP):
        raise ClientError("bad-event", "a timestamp must be a whole number of milliseconds")
    return stamp
