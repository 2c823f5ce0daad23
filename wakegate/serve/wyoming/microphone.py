"""The gated microphone: an assistant that speaks Wyoming hears what the gate releases, and never the microphone.

Owns the way of a live release to one Wyoming client, as a Sink of the gate: before a wake word and a grant there is
nothing in here to be read. The gate's thread calls the sink and writes straight from the Ring into the client's socket;
a thread of its own answers what clients ask. Never holds a sample, never asks for consent, and never lets a program of
another user, or of another device, come near: the grant speaks of the assistant on this device.

To a client an utterance is ``detection``, ``audio-start``, chunks from the pre-roll on as they are spoken, and
``audio-stop`` at the endpoint, or once it says that it has heard enough. One that is cut short (revoked, cancelled,
lost samples) has an ``error`` with the reason in place of ``audio-stop``, and the connection ends: throw away what was
received. Programs that run satellites (Home Assistant) say ``run-satellite`` and get ``run-pipeline`` as well.
"""

import asyncio
import os
import threading
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress

from ...audio.block import Samples
from ...errors import ConfigError
from ...events import SAMPLE_RATE, Purpose, Reason
from ...gate.frames import FRAME_SAMPLES, Info
from ...wake.manifest import Manifest
from . import messages
from .address import Address, Scheme
from .door import SLOW_S, Client, Door, Dropped

MOST_CLIENTS = 16
LEAVING_S = 5.0
"""Seconds that one whose utterance was cut short has to leave by itself."""
OPENED = "opened"
_MS = SAMPLE_RATE // 1000


class _Word:
    """What a client says of one utterance: another one has another, which no word of the one before can reach."""

    def __init__(self, at_it: bool) -> None:
        self.at_it, self.enough = at_it, False

    def said(self, kind: str) -> None:
        """Take its word that it has heard enough.

        Home Assistant says so by ``voice-stopped`` at its own end of speech, by ``transcript`` where it looks for none,
        and by ``error``. It says ``transcribe`` as it begins: what comes before that speaks of an utterance before.
        """
        self.at_it = self.at_it or kind == "transcribe"
        self.enough = self.enough or kind == "error" or (self.at_it and kind != "transcribe")


class _Listener:
    """A client that may be given the next utterance."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.asked = self.satellite = self.paused = self.gone = False
        self.word = _Word(at_it=False)

    @property
    def waits(self) -> bool:
        """Whether it waits for sound. Who only asked what we are does not: Home Assistant asks anew every 30 s."""
        return (self.satellite or not self.asked) and not self.paused and not self.gone


class GatedMicrophone:
    """A Sink for the pipeline, and the service that clients see. Use it in a ``with`` statement.

    One client hears an utterance: whoever runs a satellite before others, then whoever came first; never one that only
    asked what we are (``describe``).

    Parameters
    ----------
    address : Address
        Where clients come; on this device.
    words : callable
        Gives the words listened for now, each with its model; asked whenever a client asks.
    dropped : callable
        Told of each client that was sent away.
    users : frozenset of int
        User ids besides ours whose programs may listen.

    Attributes
    ----------
    found_at : str
        The address, with the port that the system chose.

    Raises
    ------
    ConfigError
        For an address that others than this device can reach.
    """

    purpose = Purpose.ASSIST

    def __init__(
        self,
        address: Address,
        words: Callable[[], Mapping[str, Manifest]],
        dropped: Callable[[Dropped], None],
        *,
        users: frozenset[int] = frozenset(),
    ) -> None:
        checked(address)
        self._words = words
        self._door = Door(address, self._serve, most=MOST_CLIENTS, dropped=dropped, users=users | {os.getuid()})
        self._on_stdio = address.scheme is Scheme.STDIO
        self._over = False
        self._when_over: Callable[[], None] = lambda: None
        self._lock = threading.Lock()
        self._listeners: list[_Listener] = []
        self._hearing: _Listener | None = None
        self._partings: deque[Future[None]] = deque(maxlen=MOST_CLIENTS)
        self._sent = 0
        self._thread = threading.Thread(target=self._run, name="wyoming microphone", daemon=True)
        self._up = threading.Event()
        self._trouble: Exception | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self.found_at = ""

    # The service.

    def __enter__(self) -> "GatedMicrophone":
        self._thread.start()
        self._up.wait()
        if self._trouble is not None:
            raise self._trouble
        return self

    def __exit__(self, *_: object) -> None:
        for parting in self._partings:
            with suppress(Exception):
                parting.result(SLOW_S)
        if self._loop is not None and self._task is not None:
            with suppress(RuntimeError):  # it has ended by itself
                self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(5)
        if self._trouble is not None:
            raise self._trouble

    def when_over(self, call: Callable[[], None]) -> None:
        """Have ``call`` called, in any thread, when nobody can come any more: stdio has ended."""
        with self._lock:
            self._when_over, over = call, self._over
        if over:
            call()

    def _run(self) -> None:
        try:
            asyncio.run(self._open())
        except Exception as error:
            self._trouble = error
        finally:
            self._up.set()
            with self._lock:
                self._over, call = True, self._when_over
            call()

    async def _open(self) -> None:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        with suppress(asyncio.CancelledError):
            await self._door.run(self._opened)

    def _opened(self, found_at: str) -> None:
        self.found_at = found_at
        self._up.set()

    async def _serve(self, client: Client) -> None:
        mine = _Listener(client)
        with self._lock:
            self._listeners.append(mine)
        try:
            while (event := await client.event()) is not None:
                match event.type:
                    case "describe":
                        mine.asked = not self._on_stdio  # where nobody else can come
                        await client.say(messages.gated_microphone(self._words()))
                    case "run-satellite":
                        mine.satellite, mine.paused = True, False
                    case "pause-satellite":
                        mine.paused = True
                    case "transcribe" | "voice-stopped" | "transcript" | "error":
                        mine.word.said(event.type)
                    # What the assistant says aloud or shows is not for a microphone: passed over.
        finally:
            with self._lock:
                self._listeners.remove(mine)

    # The sink, called by the gate in the pipeline's thread.

    def ready(self) -> bool:
        """Choose who would hear an utterance now; return whether there is anybody."""
        with self._lock:
            able = [one for one in self._listeners if one.waits]
        able.sort(key=lambda one: not one.satellite)  # the order of coming within both
        self._hearing = next((one for one in able if _is_there(one)), None)
        return self._hearing is not None

    def open(self, info: Info) -> None:
        """Say which word was heard, and that sound follows."""
        listener = self._chosen()
        context = {
            "event": info.id,
            "score": info.score,
            "threshold": info.threshold,
            "word_start_ms": info.word_start // _MS,
            "word_end_ms": info.word_end // _MS,
            "gate": OPENED,
        }
        words = [messages.detection(info.word, info.word_end // _MS, context)]
        words += [messages.run_pipeline(info.word)] if listener.satellite else []
        self._sent = 0
        listener.word = _Word(at_it=not listener.satellite)
        listener.client.line.owe(b"".join([*words, messages.audio_start()]))

    def write(self, samples: Samples) -> int:
        """Send as many whole chunks as there is room for."""
        line, taken = self._chosen().client.line, 0
        while taken < len(samples):
            part = samples[taken : taken + FRAME_SAMPLES]
            words = messages.audio_chunk(len(part), (self._sent + taken) // _MS)
            if not line.put(words, part.data.cast("B")):
                break
            taken += len(part)
        self._sent += taken
        return taken

    def enough(self) -> bool:
        """Return whether the one client that hears this utterance has said that it has heard enough."""
        return self._hearing is not None and self._hearing.word.enough

    def close(self, reason: Reason) -> bool:
        """End a whole utterance, once there is room to say so: what is owed now, nobody would send before the next.

        Who said that it has heard enough may have left upon that.
        """
        listener = self._chosen()
        try:
            if not listener.client.line.put(messages.audio_stop(self._sent // _MS), memoryview(b"")):
                return False
        except OSError:
            if not listener.word.enough:
                raise
        self._hearing = None
        return True

    def abort(self, reason: Reason) -> None:
        """Say why it is cut short, and hang up; nothing more of it leaves."""
        listener, self._hearing = self._hearing, None
        if listener is not None:
            listener.gone = not self._on_stdio
            with suppress(Exception):  # a client that is gone, or reads nothing, is not told
                words = messages.error(reason.value, f"this utterance was cut short ({reason}): throw it away")
                listener.client.line.owe(words)
                assert self._loop is not None
                self._partings.append(asyncio.run_coroutine_threadsafe(_part(listener.client), self._loop))

    def _chosen(self) -> _Listener:
        if self._hearing is None or self._hearing.paused:
            raise OSError("nobody is listening any more")
        return self._hearing


def checked(address: Address) -> Address:
    """Return an address; ConfigError where others than this device can reach it."""
    if not address.on_this_device:
        raise ConfigError(
            f"{address} can be reached from other devices, and the grant speaks of the assistant on this one: use "
            "tcp://127.0.0.1:10700 or unix:///path, and a tunnel (ssh -R) to an assistant elsewhere"
        )
    return address


async def _part(client: Client) -> None:
    """Let a client read why it ends, hang up, and hear it out.

    Home Assistant takes 3 s to leave and says ``ping`` meanwhile: were it not heard, that would be a broken connection
    in its eyes, and it would come back after 13 s.
    """
    try:
        await client.say()
    finally:
        client.line.hang_up(still_listening=True)
        asyncio.get_running_loop().call_later(LEAVING_S, client.line.hang_up)


def _is_there(listener: _Listener) -> bool:
    try:
        return listener.client.line.settle()
    except OSError:
        return False
