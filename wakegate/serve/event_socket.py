"""Event socket: what happens, as JSON Lines on a unix socket, for firmware in any language.

Owns the thread that serves it. A program connects, gets a line with the state of things, and from then on every
event, in the very words of ``wakegate listen --json``; what it may say is in
:mod:`~wakegate.serve.event_socket_commands`. No audio goes through here, and no command can grant.

The listening loop only appends to a bounded queue and rings a bell. The thread's work is bounded too: at most
:data:`MOST_PEERS` programs, a line each in a round, a pause after every round. Who reads too slowly, or says a line
that is too long, is told so and dropped. Never lets a program of another user in, but for a group that was named.
"""

import json
import logging
import os
import selectors
import threading
import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from ..events import SCHEMA, Event
from ..pipeline import Pipeline
from ..unix import listen, remove, trusted
from .event_socket_commands import Commands
from .event_socket_peer import Peer, refusal

MOST_PEERS = 64
"""Programs at once: descriptors that the listener needs itself must not run out."""
MOST_EVENTS = 1000
"""Events that wait for the thread; they come a few a second, so that is minutes of a disk that hangs."""
PAUSE_S = 0.01
"""Between two rounds: however much is said, the listening loop gets its time."""
_ACCEPTS, _BACKLOG = 16, 128

_log = logging.getLogger(__name__)


class EventSocket:
    """Serves one pipeline's events, from its making until :meth:`close`.

    Parameters
    ----------
    path : Path
        Where, in a folder that no other user can write to; mode 0600.
    pipeline : Pipeline
        Whose state is told, and who is spoken to.
    group : int, optional
        A group whose members may connect too (mode 0660): they can mute, cancel and label.

    Raises
    ------
    ConfigError
        Where the socket cannot be made.
    """

    def __init__(self, path: Path, pipeline: Pipeline, *, group: int | None = None) -> None:
        self._path, self._group = path, group
        self._commands = Commands(pipeline)
        self._listener = listen(path, backlog=_BACKLOG, group=group)
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._waiting: deque[str] = deque(maxlen=MOST_EVENTS)
        self._lost = self._lost_told = 0
        self._peers: set[Peer] = set()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._bell, selectors.EVENT_READ)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="event socket", daemon=True)
        self._thread.start()

    def tell(self, event: Event) -> None:
        """Tell everybody who is connected; costs the caller some microseconds, whoever reads. Nothing after close."""
        if self._closing.is_set():
            return
        if len(self._waiting) == MOST_EVENTS:
            self._lost += 1
        self._waiting.append(event.to_json())
        os.eventfd_write(self._bell, 1)

    def close(self) -> None:
        """Send what was told as far as there is room, hang up and remove the socket. Safe to call twice."""
        if self._closing.is_set():
            return
        self._closing.set()
        os.eventfd_write(self._bell, 1)
        self._thread.join(timeout=2)
        if not self._thread.is_alive():
            os.close(self._bell)

    def __enter__(self) -> "EventSocket":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # In the thread

    def _serve(self) -> None:
        try:
            while not self._closing.is_set():
                soon = any(peer.waiting or peer.leaving for peer in self._peers)
                self._round({key.fileobj for key, _ in self._selector.select(PAUSE_S if soon else None)})
                self._closing.wait(PAUSE_S)
            self._round(set())
        finally:
            self._listener.close()
            remove(self._path)
            for peer in self._peers:
                peer.close()
            self._selector.close()

    def _round(self, ready: set[object]) -> None:
        """Take in who connected and one line of each, answer, tell what happened, and let go of who is done."""
        now = time.monotonic()
        with suppress(BlockingIOError):
            os.eventfd_read(self._bell)
        if self._listener in ready:
            self._accept(now)
        for peer in self._peers:
            if peer in ready:
                peer.receive(now)
            if (line := peer.line()) is not None:
                self._answer(peer, line, now)
        self._broadcast(now)
        for peer in tuple(self._peers):
            self._settle(peer, now)

    def _accept(self, now: float) -> None:
        for _ in range(_ACCEPTS):
            try:
                connection, _ = self._listener.accept()
            except OSError:  # nobody more; or no descriptors are left, and who waits goes on waiting
                return
            if not trusted(connection, self._group):
                connection.close()
            elif len(self._peers) == MOST_PEERS:
                connection.setblocking(False)
                with suppress(OSError):
                    connection.send(refusal(f"{MOST_PEERS} programs are connected already"))
                connection.close()
            else:
                peer = Peer(connection)
                self._peers.add(peer)
                self._selector.register(peer, selectors.EVENT_READ)
                peer.say(self._commands.status(), now)

    def _answer(self, peer: Peer, line: bytes, now: float) -> None:
        try:
            peer.say(self._commands.answer(line, now), now)
        except Exception as error:  # one program's words must not end the others' service
            _log.warning("a command on the event socket failed: %s", type(error).__name__)
            peer.dismiss("the command failed", now)

    def _broadcast(self, now: float) -> None:
        lines = []
        while self._waiting:
            lines.append(self._waiting.popleft())
        if (lost := self._lost - self._lost_told) > 0:
            self._lost_told += lost
            lines.insert(0, json.dumps({"schema": SCHEMA, "kind": "lost", "count": lost}))
        for peer in self._peers:
            for line in lines:
                peer.say(line, now)

    def _settle(self, peer: Peer, now: float) -> None:
        """Send what there is room for; watch for more room, or hang up."""
        peer.send()
        if peer.over(now):
            self._selector.unregister(peer)
            self._peers.remove(peer)
            peer.close()
            return
        wanted = (0 if peer.leaving else selectors.EVENT_READ) | (selectors.EVENT_WRITE if peer.owes else 0)
        self._selector.modify(peer, wanted)
