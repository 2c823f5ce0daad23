"""Home Assistant itself: a real one, in a root that ``root.sh`` made, with an owner and a home that begin empty.

Owns its process, and the words of its REST and websocket API: what its own pages and satellites say to it, and nothing
else. Never knows what is measured.
"""

import asyncio
import os
import socket
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np

RATE = 16_000
CHUNK = 512
"""Samples in a message: 32 ms."""
UP_S = 120
"""Seconds within which it is up; what it lacks, it tries to install for as long as that."""
CONFIGURATION = """\
homeassistant:
  name: Kitchen
  unit_system: metric
  time_zone: UTC
http:
  server_host: 127.0.0.1
  server_port: {port}
onboarding:
config:
api:
websocket_api:
conversation:
assist_pipeline:
logger:
  default: warning
  logs:
    homeassistant.components.wyoming: debug
    homeassistant.components.assist_pipeline: debug
"""
INSIDE = 'mount --bind /proc "$0/proc" && mount --bind /dev "$0/dev" && exec chroot "$0" /usr/bin/env -i "$@"'
SURROUNDINGS = ("HOME=/root", "PATH=/opt/ha/bin:/usr/bin:/bin", "LANG=C.UTF-8")
CLIENT = "http://127.0.0.1/"


@dataclass(slots=True, kw_only=True)
class Run:
    """What a pipeline said: its events with the seconds since the first sample, and how long the sound had gone on."""

    events: list[tuple[float, str, dict[str, Any]]] = field(default_factory=list)

    @property
    def word(self) -> str | None:
        """The wake word's id, None where none was heard."""
        return next((told["wake_word_output"].get("wake_word_id") for _, told in self._of("wake_word-end")), None)

    @property
    def heard_s(self) -> float | None:
        """Seconds from the first sample to the event that says so."""
        return next((at for at, _ in self._of("wake_word-end")), None)

    @property
    def stamp_ms(self) -> int | None:
        """When the word was, as the wake service says it."""
        return next((told["wake_word_output"].get("timestamp") for _, told in self._of("wake_word-end")), None)

    @property
    def error(self) -> str | None:
        """Its error's code."""
        return next((told["code"] for _, told in self._of("error")), None)

    def _of(self, kind: str) -> list[tuple[float, dict[str, Any]]]:
        return [(at, told) for at, name, told in self.events if name == kind]


class Talk:
    """A websocket connection, as a page has one; for one command at a time."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._number = 0

    async def ask(self, kind: str, **fields: Any) -> Any:
        """Return the result of a command; RuntimeError where it has none."""
        number = await self._say(kind, **fields)
        while (told := await self._socket.receive_json())["id"] != number or told["type"] != "result":
            pass
        if not told["success"]:
            raise RuntimeError(f"{kind}: {told['error']}")
        return told["result"]

    async def make_pipeline(self, name: str, **fields: Any) -> str:
        """Make a pipeline, in English, with some fields (``wake_word_id``, ``stt_engine``); return its id."""
        empty = dict.fromkeys(
            ("stt_engine", "tts_engine", "tts_language", "tts_voice", "wake_word_entity", "wake_word_id")
        )
        agent = {"conversation_engine": "conversation.home_assistant", "conversation_language": "en"}
        made = await self.ask(
            "assist_pipeline/pipeline/create", name=name, language="en", stt_language="en", **empty | agent | fields
        )
        return str(made["id"])

    async def listen(self, pipeline: str, sound: np.ndarray, timeout_s: float = 3.0) -> Run:
        """Run a pipeline's wake word stage on (n,) int16 sound, sent as fast as it is spoken; return what was said.

        ``timeout_s`` is Home Assistant's own: of silence, before it gives up.
        """
        asked = {"sample_rate": RATE, "timeout": timeout_s}
        number = await self._say(
            "assist_pipeline/run", start_stage="wake_word", end_stage="wake_word", pipeline=pipeline, input=asked
        )
        run, speaking, first = Run(), None, time.monotonic()
        try:
            while True:
                told = await self._socket.receive_json()
                if told["id"] != number:
                    continue
                if told["type"] == "result":
                    if not told["success"]:
                        run.events.append((0.0, "error", told["error"]))
                        return run
                    continue
                event = told["event"]
                if event["type"] == "run-start":
                    first = time.monotonic()
                    handler = event["data"]["runner_data"]["stt_binary_handler_id"]
                    speaking = asyncio.create_task(self._speak(handler, sound, first))
                run.events.append((time.monotonic() - first, event["type"], event["data"] or {}))
                if event["type"] == "run-end":
                    return run
        finally:
            if speaking is not None:
                speaking.cancel()
                await asyncio.gather(speaking, return_exceptions=True)

    async def _speak(self, handler: int, sound: np.ndarray, first: float) -> None:
        """Send each chunk when its last sample would have been spoken; then say that there is no more."""
        for at in range(0, len(sound), CHUNK):
            part = sound[at : at + CHUNK]
            await asyncio.sleep(max(0.0, first + (at + len(part)) / RATE - time.monotonic()))
            await self._socket.send_bytes(bytes([handler]) + part.tobytes())
        await self._socket.send_bytes(bytes([handler]))

    async def _say(self, kind: str, **fields: Any) -> int:
        self._number += 1
        await self._socket.send_json({"id": self._number, "type": kind, **fields})
        return self._number


class HomeAssistant:
    """A running Home Assistant.

    Parameters
    ----------
    url, token : str
        Where it is, and its owner's access.
    log : Path
        What it has said so far.
    session : ClientSession
        For everything that is asked of it.
    """

    def __init__(self, url: str, token: str, log: Path, session: aiohttp.ClientSession) -> None:
        self._url, self._token, self.log, self._session = url, token, log, session

    @asynccontextmanager
    async def talk(self) -> AsyncIterator[Talk]:
        """Open a websocket connection."""
        async with self._session.ws_connect(self._url + "/api/websocket") as socket:
            await socket.receive_json()
            await socket.send_json({"type": "auth", "access_token": self._token})
            assert (await socket.receive_json())["type"] == "auth_ok"
            yield Talk(socket)

    async def add_wyoming(self, host: str, port: int) -> tuple[str, str]:
        """Go through the integration's dialogue as a user does; return the entry's id and its title."""
        flows = "/api/config/config_entries/flow"
        form = await self._post(flows, {"handler": "wyoming", "show_advanced_options": False})
        ended = await self._post(f"{flows}/{form['flow_id']}", {"host": host, "port": port})
        return ended["result"]["entry_id"], ended["title"]

    async def reload(self, entry: str) -> None:
        """Set an entry of an integration up anew, as a start does."""
        await self._post(f"/api/config/config_entries/entry/{entry}/reload", {})

    async def states(self) -> dict[str, str]:
        """Return every entity's state."""
        async with self._session.get(self._url + "/api/states", headers=self._access) as answer:
            return {one["entity_id"]: one["state"] for one in await answer.json()}

    async def soon_there(self, entity: str) -> float:
        """Wait until an entity is there and can be used; return after how many seconds."""
        first = time.monotonic()
        async with asyncio.timeout(UP_S):
            while (await self.states()).get(entity, "unavailable") == "unavailable":
                await asyncio.sleep(0.1)
        return round(time.monotonic() - first, 1)

    async def call(self, service: str, **fields: Any) -> None:
        """Call a service, ``switch/turn_on``."""
        await self._post(f"/api/services/{service}", fields)

    @property
    def _access(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"}

    async def _post(self, path: str, body: dict[str, Any]) -> Any:
        async with self._session.post(self._url + path, json=body, headers=self._access) as answer:
            answer.raise_for_status()
            return await answer.json()


@asynccontextmanager
async def running(root: Path) -> AsyncIterator[HomeAssistant]:
    """Start Home Assistant in ``root`` with a new home there, where its log stays, and make its owner."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    home = Path("opt", f"home-{os.getpid()}")
    (root / home).mkdir()
    log = root / home / "said.log"
    (root / home / "configuration.yaml").write_text(CONFIGURATION.format(port=port))
    command = ["unshare", "-m", "sh", "-c", INSIDE, str(root), *SURROUNDINGS, "hass", "--config", f"/{home}"]
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out) as process:
        try:
            async with aiohttp.ClientSession() as session:
                url = f"http://127.0.0.1:{port}"
                yield HomeAssistant(url, await _owner(session, url, process), log, session)
        finally:
            process.terminate()


async def _owner(session: aiohttp.ClientSession, url: str, process: "subprocess.Popen[bytes]") -> str:
    """Wait until Home Assistant is up, make its owner as its first page does, and return the access token."""
    async with asyncio.timeout(UP_S):
        while not await _is_up(session, url):
            if process.poll() is not None:
                raise RuntimeError("Home Assistant has ended: see its log")
            await asyncio.sleep(1)
    owner = {"name": "owner", "username": "owner", "password": "of-a-test", "language": "en", "client_id": CLIENT}
    async with session.post(url + "/api/onboarding/users", json=owner) as answer:
        code = (await answer.json())["auth_code"]
    form = {"grant_type": "authorization_code", "code": code, "client_id": CLIENT}
    async with session.post(url + "/auth/token", data=form) as answer:
        return str((await answer.json())["access_token"])


async def _is_up(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url + "/api/onboarding") as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False
