"""What these tests stand on: a real service in the test's own loop, real sound, and the protocol's own client.

``talk(coroutine)`` runs a test; ``serving()`` gives it a wake service on a port or a socket of its own.
"""

import asyncio
import json
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import soundfile

wyoming = pytest.importorskip("wyoming", reason="the extra `wyoming` is not installed")

from wyoming.audio import AudioChunk, AudioStart, AudioStop  # noqa: E402
from wyoming.client import AsyncClient  # noqa: E402
from wyoming.event import Event, async_read_event  # noqa: E402, F401
from wyoming.wake import Detect, Detection  # noqa: E402

from wakegate.serve.wyoming import address  # noqa: E402
from wakegate.serve.wyoming.door import Door  # noqa: E402
from wakegate.serve.wyoming.wake import MOST_CLIENTS, WakeService  # noqa: E402
from wakegate.serve.wyoming.words import Words  # noqa: E402
from wakegate.wake import catalogue  # noqa: E402

ROOT = Path(__file__).parents[3]
RATE = 16_000
SIX_WORDS = ROOT / "tests" / "data" / "six_words.flac"
TRUTH = json.loads(SIX_WORDS.with_suffix(".json").read_text())
WORDS = [entry["word"] for entry in TRUTH]
LIMIT_S = 30


def talk(coroutine):
    """Run a test's coroutine; nothing here takes long."""
    return asyncio.run(asyncio.wait_for(coroutine, LIMIT_S))


def six_words():
    """(n,) int16."""
    return soundfile.read(SIX_WORDS, dtype="int16")[0]


def words(offered=None, thresholds=None):
    return Words(catalogue.installed(), offered, thresholds or {})


class Service:
    """A service that is running."""

    def __init__(self):
        self.uri, self.words, self.told, self.dropped = "", None, [], []

    def client(self):
        return AsyncClient.from_uri(self.uri)

    async def raw(self):
        """A connection without a protocol: (reader, writer)."""
        where = address.parse(self.uri)
        if where.path is not None:
            return await asyncio.open_unix_connection(where.path)
        return await asyncio.open_connection(where.host, where.port)

    async def is_well(self):
        """Whether a new client is served as it should be."""
        async with self.client() as client:
            return [one.name for one in await heard(client, six_words()[: 3 * RATE])] == ["alexa"]


@asynccontextmanager
async def serving(uri="tcp://127.0.0.1:0", offered=None, thresholds=None, most=MOST_CLIENTS):
    """Run a wake service."""
    service = Service()
    service.words = words(offered, thresholds)
    wake = WakeService(service.words, service.told.append)
    door = Door(address.parse(uri), wake.serve, most=most, dropped=service.dropped.append, storms=wake.storms)
    found = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(door.run(found.set_result))
    service.uri = await found
    try:
        yield service
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def chunks(sound, size=1024, rate=RATE, width=2, channels=1, first_ms=0, stamped=True):
    """Cut bytes into audio-chunk events of ``size`` frames."""
    step = size * width * channels
    for at in range(0, len(sound), step):
        stamp = first_ms + at // (width * channels) * 1000 // rate if stamped else None
        yield AudioChunk(rate, width, channels, sound[at : at + step], timestamp=stamp).event()


async def send(client, samples, names=None, **more):
    """Ask for words and send (n,) int16."""
    await client.write_event(Detect(names=names).event())
    await client.write_event(AudioStart(RATE, 2, 1).event())
    for chunk in chunks(samples.tobytes(), **more):
        await client.write_event(chunk)


async def until(client, *types):
    """Read events up to the first of these types; return all of them."""
    events = []
    while (event := await client.read_event()) is not None:
        events.append(event)
        if event.type in types:
            break
    return events


async def heard(client, samples, names=None, **more):
    """Send whole sound and return the detections; the answer to a ping comes after everything before it."""
    await send(client, samples, names, **more)
    await client.write_event(AudioStop().event())
    await client.write_event(Event("ping", {"text": "done"}))
    return [Detection.from_event(event) for event in await until(client, "pong") if Detection.is_type(event.type)]
