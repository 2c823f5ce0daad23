"""Door: who may come in, how many at once, and how each of them leaves.

Owns connections from the first byte to the last: a bounded number of them, of which another device has a share, a place
for a newcomer only where somebody has been silent for long or another device has more (:mod:`.fairness`), one ``error``
event for whoever cannot be served, and the overwriting of what was read. What goes wrong with one client ends that
client and nothing else. Never knows what is said.
"""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from ... import unix
from ...errors import ClientError
from . import messages, peers
from .address import Address, Scheme
from .fairness import giving_way, told
from .inbox import Event, Inbox
from .line import Line, readable
from .storm import Storm

FIRST_S = 30.0
"""Seconds within which a newcomer says its first words."""
IDLE_S = 60.0
"""A client that has been silent for so long gives up its place to a newcomer when there is no other."""
SLOW_S = 5.0
"""Seconds that a client may take to read what it is told."""
SHARE = 8
"""Clients from one other device: it cannot take every place. Programs on this device have no such limit."""
_FAREWELL_S = 1.0
"""Seconds that one who is sent away has to read what it is owed, and as many to hear it out."""
_LOOK_S = 0.02
_AT_ONCE = 64

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Dropped:
    """A client was sent away, for people to know."""

    client: int
    code: str
    why: str


class Client:
    """Somebody connected.

    Parameters
    ----------
    number : int
        Counted from 1; nothing else of a client is told, and nothing kept when it has gone.
    line : Line
        Its bytes.
    device : str
        The other device that it is on; "" for this one.

    Attributes
    ----------
    leaving : ClientError or None
        Why it was dismissed.
    task : Task or None
        Who attends to it.
    """

    def __init__(self, number: int, line: Line, device: str = "") -> None:
        self.number = number
        self.line = line
        self.device = device
        self.inbox = Inbox(line)
        self.heard_at = asyncio.get_running_loop().time()
        self.leaving: ClientError | None = None
        self._within_s: float | None = FIRST_S
        self.task: asyncio.Task[None] | None = None

    def dismiss(self, error: ClientError) -> None:
        """Have its talk ended wherever it is, and the client told why."""
        self.leaving = error
        if self.task is not None:
            self.task.cancel()

    async def event(self) -> Event | None:
        """Return what it says next, or None when it is done. Pings are answered here."""
        while (event := await self.inbox.event(self._within_s)) is not None:
            self._within_s, self.heard_at = None, asyncio.get_running_loop().time()
            await asyncio.sleep(0)  # hundreds may have come at once, some 30 ms each: the others have their turn
            if event.type != "ping":
                return event
            await self.say(messages.pong(event.data.get("text")))
        return None

    async def say(self, *words: bytes) -> None:
        """Tell it something; ClientError where it does not read, OSError where it is gone."""
        self.line.owe(b"".join(words))
        try:
            async with asyncio.timeout(SLOW_S):
                while not self.line.settle():
                    await asyncio.sleep(_LOOK_S)
        except TimeoutError as error:
            raise ClientError("slow", "this client does not read what it is told: it is dropped") from error

    async def part(self, error: ClientError) -> None:
        """Say why it ends, give it a moment to read that, and hear it out: a close on unread bytes would drop our own.

        What it has not read yet comes before the reason, and may be why it ends. Until then it has its place, or had it
        taken: so many part at once, and no more.
        """
        with suppress(OSError, EOFError, ClientError, TimeoutError):
            self.line.owe(messages.error(error.code, str(error)))
            async with asyncio.timeout(_FAREWELL_S):
                while not self.line.settle():
                    await self._hear_out(_LOOK_S)  # it may read only once it has said what it is saying
                    await asyncio.sleep(_LOOK_S)
            self.line.hang_up(still_listening=True)
            await self._hear_out(_FAREWELL_S)

    async def _hear_out(self, within_s: float) -> None:
        """Throw away what it says, for so long or to its end."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while await self.line.receive(self.inbox.scratch):
                    pass


class Door:
    """A service's door.

    Parameters
    ----------
    address : Address
        Where it is.
    serve : callable
        Talks with one client until it is done; called once for each.
    most : int
        Clients at once.
    dropped : callable
        Told of clients that were sent away.
    users : frozenset of int, optional
        The user ids whose programs may come in, root's aside; everybody's if not given.
    storms : sequence of Storm
        Of whoever serves; what they left out is told at the end.
    """

    def __init__(
        self,
        address: Address,
        serve: Callable[[Client], Awaitable[None]],
        *,
        most: int,
        dropped: Callable[[Dropped], None],
        users: frozenset[int] | None = None,
        storms: Sequence[Storm] = (),
    ) -> None:
        self._address, self._serve, self._most, self._dropped, self._users = address, serve, most, dropped, users
        self._inside: dict[asyncio.Task[None], Client] = {}
        self._count = 0
        self._listener: socket.socket | None = None
        self._storm, self._own = Storm("clients that were sent away"), Storm("errors of ours")
        self._storms = (self._storm, self._own, *storms)

    async def run(self, opened: Callable[[str], None]) -> None:
        """Let clients in until cancelled, or until stdio ends; ``opened`` is told the address once it can be used.

        Raises
        ------
        ConfigError
            Where the address cannot be opened.
        """
        try:
            if self._address.scheme is Scheme.STDIO:
                opened(str(self._address))
                await self._attend(self._client(Line(0, 1)))
            else:
                await self._listen(opened)
        finally:
            for storm in self._storms:
                storm.tell()

    def shut(self) -> None:
        """Let nobody else in, and take the socket's file away. Safe to call twice, and in a signal handler."""
        if self._listener is not None:
            self._listener.close()
            if self._address.path is not None:
                unix.remove(self._address.path)
        self._listener = None

    async def _listen(self, opened: Callable[[str], None]) -> None:
        listener = self._listener = self._address.listen()
        try:
            opened(str(self._address.found_at(listener)))
            while True:
                await self._welcome(listener)
        finally:
            self.shut()
            left = dict(self._inside)
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)
            for client in left.values():  # one that came this very moment was never attended to
                client.line.close()

    async def _welcome(self, listener: socket.socket) -> None:
        """Let in those who wait outside. Not by sock_accept: cancelled in the wrong moment, it loses a connection."""
        await readable(listener.fileno())
        for _ in range(_AT_ONCE):
            try:
                peer, _ = listener.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError as error:
                if self._own.passes():
                    _log.warning("no client can come in (%s): trying again", error)
                await asyncio.sleep(1)
                return
            try:
                self._enter(peer)
            except OSError:  # gone already
                peer.close()
            await asyncio.sleep(0)  # it is attended to before it can be dismissed

    def _enter(self, peer: socket.socket) -> None:
        line, device = Line.of(peer), peers.device(peer)
        inside = [client for client in self._inside.values() if client.leaving is None]
        theirs = [client for client in inside if client.device == device != ""]
        crowd, most, whose = (theirs, SHARE, " of your device") if len(theirs) >= SHARE else (inside, self._most, "")
        if self._users is not None and peers.user(peer) not in self._users | {0}:
            self._refuse(line, ClientError("other-user", "this service is for programs of the user who set it up"))
        elif len(crowd) >= most and not self._make_room(crowd, device):
            self._refuse(line, ClientError("busy", f"{most} clients{whose} are here already: come back later"))
        else:
            client = self._client(line, device)
            task = asyncio.create_task(self._attend(client))
            self._inside[task] = client
            task.add_done_callback(self._inside.pop)

    def _client(self, line: Line, device: str = "") -> Client:
        self._count += 1
        return Client(self._count, line, device)

    def _refuse(self, line: Line, error: ClientError) -> None:
        self._count += 1
        self._tell(self._count, error)
        with suppress(OSError):
            line.owe(messages.error(error.code, str(error)))
        line.close()

    def _make_room(self, among: list[Client], device: str) -> bool:
        """Dismiss one of these: who has been silent for long, else who gives way; a program here for another here."""
        if device and len(self._inside) >= 2 * self._most:  # so many on the way out that they are too many themselves
            return False
        loser = min((one for one in among if one.device or not device), key=lambda one: one.heard_at, default=None)
        error = ClientError("idle", "this client was silent and another one came: it is dropped")
        if loser is not None and asyncio.get_running_loop().time() - loser.heard_at < IDLE_S:
            loser, error = giving_way(among, device), told()
        if loser is not None:
            loser.dismiss(error)
        return loser is not None

    def _tell(self, number: int, error: ClientError) -> None:
        """Tell people of a client that is sent away, unless there is a storm of them."""
        if self._storm.passes():
            self._dropped(Dropped(number, error.code, str(error)))

    async def _attend(self, client: Client) -> None:
        client.task = asyncio.current_task()
        try:
            try:
                await self._serve(client)
            except asyncio.CancelledError:
                if client.leaving is None:
                    raise
                raise client.leaving from None
        except ClientError as error:
            self._tell(client.number, error)
            await client.part(error)
        except (OSError, EOFError):
            pass  # gone in the middle of something: nobody is left to tell
        except Exception:
            if self._own.passes():
                _log.exception("client %d is dropped: an error of ours", client.number)
        finally:
            client.line.close()
            client.inbox.wipe()
