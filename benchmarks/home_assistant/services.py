"""What stands around Home Assistant: ``wakegate serve`` as a process, its consent, and a speech-to-text service.

The speech-to-text is no real one: it notes which sound reached it and when, and answers with one sentence, always. Owns
no sound beyond a run, and writes none to a disk.
"""

import asyncio
import json
import os
import pty
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from wyoming.asr import Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event
from wyoming.info import AsrModel, AsrProgram, Attribution, Describe, Info
from wyoming.server import AsyncEventHandler, AsyncServer

RATE = 16_000
HOST = "127.0.0.1"
SAID = "turn on the lamp"
BLOCK = 320
WAKEGATE = (sys.executable, "-c", "import sys; from wakegate.cli import main; sys.exit(main())")


def free_port() -> int:
    """Return a port that nobody uses now."""
    with socket.create_server((HOST, 0)) as one:
        return int(one.getsockname()[1])


def surroundings(home: Path) -> dict[str, str]:
    """Return an environment in which everything of this user lies below ``home``."""
    own = {"HOME": str(home), "XDG_STATE_HOME": str(home / "state"), "XDG_CONFIG_HOME": str(home / "config")}
    return os.environ | own


@dataclass(slots=True, kw_only=True)
class Serving:
    """A running ``wakegate serve``: what it said, each line with the time (``time.monotonic``) at which it came."""

    process: asyncio.subprocess.Process
    told: list[tuple[float, dict[str, Any]]] = field(default_factory=list)

    def of(self, *kinds: str) -> list[dict[str, Any]]:
        """Return what it said of these kinds."""
        return [one for _, one in self.told if one["kind"] in kinds]

    async def until(self, *kinds: str, within_s: float = 30, count: int = 1) -> dict[str, Any]:
        """Wait until it has said so; return the newest."""
        await soon(lambda: len(self.of(*kinds)) >= count, within_s)
        return self.of(*kinds)[-1]

    async def speak(self, sound: np.ndarray) -> float:
        """Say (n,) int16 into its microphone (``--input -``), as fast as it is spoken; return when it began."""
        assert self.process.stdin is not None
        first = time.monotonic()
        for at in range(0, len(sound), BLOCK):
            part = sound[at : at + BLOCK]
            await asyncio.sleep(max(0.0, first + (at + len(part)) / RATE - time.monotonic()))
            self.process.stdin.write(part.tobytes())
        return first

    async def hear(self) -> None:
        """Note what it says until it ends."""
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.told.append((time.monotonic(), json.loads(line)))


@asynccontextmanager
async def serving(home: Path, *options: str) -> AsyncIterator[Serving]:
    """Run ``wakegate serve`` with a home of its own, as a service manager runs and ends it."""
    home.mkdir(exist_ok=True)
    pipes = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE}
    process = await asyncio.create_subprocess_exec(
        *WAKEGATE, "serve", *options, "--json", env=surroundings(home), **pipes
    )
    one = Serving(process=process)
    hears = asyncio.create_task(one.hear())
    try:
        await one.until("serving")
        yield one
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await process.wait()
        await hears


def consent(home: Path, action: str) -> None:
    """Grant or revoke ``assist`` by the real command on a terminal, with the yes that a person would type."""
    home.mkdir(exist_ok=True)
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(sys.executable, [*WAKEGATE, "consent", action, "assist"], surroundings(home))
    shown = b""
    while True:
        try:
            more = os.read(terminal, 65_536)
        except OSError:
            break
        shown += more
        if not more:
            break
        if b"anything else" in shown and action == "grant":
            os.write(terminal, b"yes\n")
            action = "granted"
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.close(terminal)
    if code:
        raise RuntimeError(shown.decode())


async def soon(true: Callable[[], object], within_s: float = 30) -> float:
    """Wait until something is true; return after how many seconds. TimeoutError where it does not come."""
    first = time.monotonic()
    async with asyncio.timeout(within_s):
        while not true():
            await asyncio.sleep(0.02)
    return time.monotonic() - first


@dataclass(slots=True, kw_only=True)
class Request:
    """Sound that reached the speech-to-text: (n,) int16, and when its first chunk came (``time.monotonic``)."""

    sound: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int16))
    first_at: float = 0.0


class SpeechToText(AsyncEventHandler):
    """One connection of it."""

    def __init__(self, requests: list[Request], *of_a_server: Any) -> None:
        super().__init__(*of_a_server)
        self._requests = requests

    async def handle_event(self, event: Event) -> bool:
        """Answer one event."""
        if Describe.is_type(event.type):
            about = {"attribution": Attribution(name="none", url=""), "installed": True, "version": "1"}
            model = AsrModel(name="one sentence", description="one sentence", languages=["en"], **about)
            program = AsrProgram(name="notes", description="notes what comes", models=[model], **about)
            await self.write_event(Info(asr=[program]).event())
        elif AudioStart.is_type(event.type):
            self._requests.append(Request())
        elif AudioChunk.is_type(event.type):
            one = self._requests[-1]
            one.first_at = one.first_at or time.monotonic()
            one.sound = np.concatenate([one.sound, np.frombuffer(AudioChunk.from_event(event).audio, "<i2")])
        elif AudioStop.is_type(event.type):
            await self.write_event(Transcript(text=SAID).event())
        return True


@asynccontextmanager
async def speech_to_text(port: int) -> AsyncIterator[list[Request]]:
    """Run the service; yields the list in which what reaches it stands."""
    requests: list[Request] = []
    server = AsyncServer.from_uri(f"tcp://{HOST}:{port}")
    await server.start(partial(SpeechToText, requests))
    try:
        yield requests
    finally:
        await server.stop()
