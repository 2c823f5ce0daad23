"""Home Assistant's wake word stage on our wake service: what it lists, hears, and makes of a stop and a change.

``heard_after_s`` is from the word's end, as the recording's own file says it (good to some 50 ms), to its event
``wake_word-end``. The stage after that, which nobody asks for, is not run.
"""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from core import HomeAssistant, Run, Talk
from services import HOST, free_port, serving
from sounds import TRUTH, clips, cut, noise, six, speech, whole


def in_short(run: Run, end_s: float | None = None) -> dict[str, Any]:
    """Return what a run came to."""
    told: dict[str, Any] = {"heard": run.word, "error": run.error, "ended_after_s": round(run.events[-1][0], 2)}
    if end_s is not None and run.heard_s is not None:
        told |= {"heard_after_s": round(run.heard_s - end_s, 3), "timestamp_ms": run.stamp_ms}
    return told


class WakeStage:
    """Home Assistant's wake word stage on our wake service; a pipeline must be able to understand speech even so."""

    def __init__(self, house: HomeAssistant, talk: Talk, wakes: str, hears: str) -> None:
        self._house, self._talk, self._wakes, self._hears = house, talk, wakes, hears
        self._pipelines: dict[str | None, str] = {}

    async def offered(self) -> list[str]:
        """Return the ids of the words that Home Assistant lists."""
        return [one["id"] for one in (await self._talk.ask("wake_word/info", entity_id=self._wakes))["wake_words"]]

    async def hear(self, word: str | None, sound: np.ndarray, talk: Talk | None = None) -> Run:
        """Run a pipeline that waits for a word (None: for any) on a sound."""
        return await (talk or self._talk).listen(await self._for(word), sound)

    async def two_at_once(self, asked: Sequence[str], sounds: Sequence[np.ndarray]) -> list[Run]:
        """Run two, each over a connection of its own."""
        for word in asked:
            await self._for(word)
        async with self._house.talk() as one, self._house.talk() as other:
            pairs = zip(asked, sounds, (one, other), strict=True)
            return list(await asyncio.gather(*(self.hear(word, sound, talk) for word, sound, talk in pairs)))

    async def _for(self, word: str | None) -> str:
        if word not in self._pipelines:
            fields = {"wake_word_entity": self._wakes, "wake_word_id": word, "stt_engine": self._hears}
            self._pipelines[word] = await self._talk.make_pipeline(f"waits for {word}", **fields)
        return self._pipelines[word]


async def wake_word_stage(house: HomeAssistant, hears: str, data: Path, each: int, home: Path) -> dict[str, Any]:
    """Try the wake service: what Home Assistant lists, hears and does not hear, and what a stop and a change do."""
    port, told = free_port(), {}
    uri = ("--uri", f"tcp://{HOST}:{port}")
    async with house.talk() as talk:
        stage = WakeStage(house, talk, "wake_word.wakegate", hears)
        async with serving(home, *uri):
            entry, told["added"] = await house.add_wyoming(HOST, port)
            await house.soon_there("wake_word.wakegate")
            told["words_listed"] = await stage.offered()
            told["recordings"] = [
                {"said": word, "file": path, **in_short(await stage.hear(word, sound), end_s)}
                for word, path, end_s, sound in clips(data, each)
            ]
            told |= await what_is_asked_for(stage, data)
        told["stopped"] = in_short(await stage.hear("alexa", six(0)))
        async with serving(home, *uri, "--words", "alexa,view glass"):
            told["started_again"] = in_short(await stage.hear("alexa", six(0)), TRUTH[0]["end_s"])
            told["a_word_that_is_gone"] = in_short(await stage.hear("jarvis", six(2)))
            changed = time.monotonic()
            while len(words := await stage.offered()) != 2 and time.monotonic() - changed < 60:
                await asyncio.sleep(1)
            told["words_listed_then"], told["listed_after_s"] = words, round(time.monotonic() - changed)
        await house.reload(entry)  # as it starts where we are not
        told["started_without_it"] = (await house.states())["wake_word.wakegate"]
        async with serving(home, *uri):
            told["back_after_s"] = await house.soon_there("wake_word.wakegate")
    return told


async def what_is_asked_for(stage: WakeStage, data: Path) -> dict[str, Any]:
    """Try the tests' own six words, one of them asked for; talk; several runs; two at once."""
    talk = np.concatenate([speech(data / "speech" / "librispeech", 8.0), noise(6)])
    said = lambda at, run: in_short(run, TRUTH[at]["end_s"] - cut(at))  # noqa: E731
    two = await stage.two_at_once(["snowboy", "computer"], [six(4), six(1)])
    return {
        "six_in_a_row": [said(at, await stage.hear(one["word"], six(at))) for at, one in enumerate(TRUTH)],
        "third_of_six_asked_for": in_short(await stage.hear(TRUTH[2]["word"], whole()), TRUTH[2]["end_s"]),
        "any_of_six_asked_for": in_short(await stage.hear(None, whole()), TRUTH[0]["end_s"]),
        "another_word_said": in_short(await stage.hear("computer", six(0))),
        "talk_without_a_word": in_short(await stage.hear("computer", talk)),
        "two_at_once": [said(4, two[0]), said(1, two[1])],
        "the_same_word_twice_at_once": [
            said(3, run) for run in await stage.two_at_once(["smart_mirror"] * 2, [six(3)] * 2)
        ],
    }
