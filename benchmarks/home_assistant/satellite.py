"""Our gated microphone as a satellite of Home Assistant's: without a grant, with one, revoked, muted, started again.

Owns a person's sound at it, and where in that the sound is from that Home Assistant passed on to its speech-to-text.
"""

import asyncio
import time
from pathlib import Path
from typing import Any

import numpy as np
from core import RATE, HomeAssistant, Talk
from services import HOST, Request, Serving, consent, free_port, serving, soon
from sounds import TRUTH, cut, noise, six, speech

SATELLITE = "assist_satellite.wakegate"


class Kitchen:
    """A person's sound at our microphone, which is a satellite of Home Assistant's, and what came of it."""

    def __init__(self, house: HomeAssistant, talk: Talk, pipeline: str, requests: list[Request]) -> None:
        self._house, self._talk, self._pipeline, self._requests = house, talk, pipeline, requests

    @property
    def connected(self) -> int:
        """How often the satellite was reached, as Home Assistant's log says."""
        return self._house.log.read_text().count("Connected to satellite")

    async def runs(self) -> list[list[str]]:
        """Return the kinds of events of each pipeline run that Home Assistant has on record."""
        asked = {"pipeline_id": self._pipeline}
        kept = (await self._talk.ask("assist_pipeline/pipeline_debug/list", **asked))["pipeline_runs"]
        found = []
        for one in kept:
            run = {**asked, "pipeline_run_id": one["pipeline_run_id"]}
            events = (await self._talk.ask("assist_pipeline/pipeline_debug/get", **run))["events"]
            found.append([event["type"] for event in events])
        return found

    async def say(self, mic: Serving, sound: np.ndarray, end_s: float, revoke: Path | None = None) -> dict[str, Any]:
        """Say something (a word that ends at ``end_s``), and revoke consent in mid-sentence if told to."""
        runs, heard, told = len(await self.runs()), len(self._requests), len(mic.told)
        speaking = asyncio.create_task(mic.speak(sound))
        if revoke is not None:
            await asyncio.sleep(end_s + 2.0)
            await asyncio.to_thread(consent, revoke, "revoke")
        first = await speaking
        await asyncio.sleep(2)
        events = [one for _, one in mic.told[told:]]
        return {
            "wakegate": [one["kind"] + (f" {one['reason']}" if one.get("reason") else "") for one in events],
            "pipelines_run": (await self.runs())[runs:],
            "sound_at_home_assistant": [
                about(one, sound, first + end_s) for one in self._requests[heard:] if len(one.sound)
            ],
            "satellite": (await self._house.states())[SATELLITE],
        }


def about(one: Request, spoken: np.ndarray, word_ends: float) -> dict[str, Any]:
    """Return where in what was spoken a request's sound is from, sample by sample, and when it came."""
    windows = np.lib.stride_tricks.sliding_window_view(spoken, RATE // 4)
    found = np.flatnonzero((windows == one.sound[: RATE // 4]).all(axis=1))
    at = int(found[0]) if len(found) else 0
    return {
        "from_s": round(at / RATE, 2),
        "seconds": round(len(one.sound) / RATE, 2),
        "is_what_was_spoken": len(found) == 1 and np.array_equal(spoken[at : at + len(one.sound)], one.sound),
        "first_came_after_the_word_s": round(one.first_at - word_ends, 3),
    }


async def satellite(kitchen: Kitchen, house: HomeAssistant, data: Path, home: Path) -> dict[str, Any]:
    """Try the gated microphone: without a grant, with one, revoked in mid-sentence, muted, and started again."""
    port, told = free_port(), {}
    options = ("--mic-uri", f"tcp://{HOST}:{port}", "--input", "-", "--words", "computer")
    sound = np.concatenate([six(1)[: round(2.2 * RATE)], speech(data / "speech" / "librispeech", 4.0), noise(4)])
    asked = (sound, TRUTH[1]["end_s"] - cut(1))
    async with serving(home, *options) as mic:
        _, told["added"] = await house.add_wyoming(HOST, port)
        await house.soon_there(SATELLITE)
        await soon(lambda: kitchen.connected)
        told["entities"] = sorted(name for name in await house.states() if ".wakegate_" in name or name == SATELLITE)
        told["without_a_grant"] = await kitchen.say(mic, *asked)
        consent(home, "grant")
        told["under_a_grant"] = await kitchen.say(mic, *asked)
        told["once_more"] = await kitchen.say(mic, *asked)
        before, began = kitchen.connected, time.monotonic()
        back = asyncio.create_task(soon(lambda: kitchen.connected > before, 60))
        told["revoked_in_mid_sentence"] = await kitchen.say(mic, *asked, revoke=home)
        cut_at = next(at for at, one in mic.told if one["kind"] == "aborted")
        told["back_after_the_cut_s"] = round(began + await back - cut_at, 1)
        consent(home, "grant")
        told["granted_again"] = await kitchen.say(mic, *asked)
        await house.call("switch/turn_on", entity_id="switch.wakegate_mute")
        told["muted_in_home_assistant"] = await kitchen.say(mic, *asked)
        before = kitchen.connected
        await house.call("switch/turn_off", entity_id="switch.wakegate_mute")
        await soon(lambda: kitchen.connected > before)
        told["unmuted_there"] = await kitchen.say(mic, *asked)
        before = kitchen.connected
    async with serving(home, *options) as mic:
        told["back_after_a_restart_s"] = round(await soon(lambda: kitchen.connected > before), 1)
        told["after_a_restart"] = await kitchen.say(mic, *asked)
    return told
