"""A real Home Assistant on ``wakegate serve``: its wake word stage on our wake service, our microphone its satellite.

    python benchmarks/home_assistant/run.py --root ROOT --data DATA [--out benchmarks/results/home_assistant.json]

ROOT is what ``root.sh`` made; needs root (chroot), and ``pip install aiohttp wyoming``. DATA is a folder with
``wake_words/index.csv`` (path, wake_word, speaker, start_s, end_s) and ``speech/librispeech``. Home Assistant runs as
it is, is set up through the dialogue that its users see, and hears sound as its pages send it: 16 kHz, as fast as it
is spoken, over its websocket. The microphone gets its sound over a pipe (``--input -``). Five minutes.

Owns who takes part, and what is written down. Judges nothing: who reads the result does.
"""

import argparse
import asyncio
import json
import os
import platform
import tempfile
import time
from contextlib import AsyncExitStack
from importlib.metadata import version
from pathlib import Path
from typing import Any

from core import running
from satellite import Kitchen, satellite
from services import HOST, free_port, speech_to_text
from wake_stage import wake_word_stage

import wakegate

HEARS = "stt.notes"


def versions(root: Path, house: str) -> dict[str, str]:
    """Return the versions of all that took part."""
    (packages,) = root.glob("opt/ha/lib/python3*/site-packages")
    (theirs,) = packages.glob("wyoming-*.dist-info")
    ours = {"wakegate": wakegate.__version__, "wyoming": version("wyoming"), "python": platform.python_version()}
    of_house = {"python": packages.parent.name.removeprefix("python"), "wyoming": theirs.stem.partition("-")[2]}
    return {"home_assistant": house} | ours | {f"{name}_of_home_assistant": of_house[name] for name in of_house}


async def all_of_it(root: Path, data: Path, each: int) -> dict[str, Any]:
    """Start everything, try everything."""
    async with AsyncExitStack() as stack:
        home, port = Path(stack.enter_context(tempfile.TemporaryDirectory())), free_port()
        requests = await stack.enter_async_context(speech_to_text(port))
        load = [round(one, 1) for one in os.getloadavg()]
        house = await stack.enter_async_context(running(root))
        async with house.talk() as talk:
            about = await talk.ask("get_config")
        told: dict[str, Any] = {
            "date": time.strftime("%Y-%m-%d"),
            "command": "python benchmarks/home_assistant/run.py --root ROOT --data DATA",
            "versions": versions(root, about["version"]),
            "load_average_before": load,
        }
        await house.add_wyoming(HOST, port)
        await house.soon_there(HEARS)
        told["wake_service"] = await wake_word_stage(house, HEARS, data, each, home / "wake")
        async with house.talk() as talk:  # one that says nothing for a minute is closed
            pipeline = await talk.make_pipeline("satellite", stt_engine=HEARS)
            await talk.ask("assist_pipeline/pipeline/set_preferred", pipeline_id=pipeline)
            told["satellite"] = await satellite(Kitchen(house, talk, pipeline, requests), house, data, home / "mic")
        return told


def main() -> None:
    """Try it, and write down what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--each", type=int, default=4, help="recordings of each word, of as many people")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    told = json.dumps(asyncio.run(all_of_it(args.root, args.data, args.each)), indent=1)
    print(told)
    if args.out is not None:
        args.out.write_text(told + "\n")


if __name__ == "__main__":
    main()
