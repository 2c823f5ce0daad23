"""A word that no model knows, of real sound: "mirror smart", cut from the test data, said faster and slower."""

import json
from pathlib import Path

import numpy as np
import soundfile
import soxr

ROOT = Path(__file__).parents[3]
RATE = 16_000
SIX_WORDS = soundfile.read(ROOT / "tests" / "data" / "six_words.flac", dtype="int16")[0]
TRUTH = {one["word"]: one for one in json.loads((ROOT / "tests" / "data" / "six_words.json").read_text())}
SCENE = soundfile.read(ROOT / "wakegate" / "cli" / "scene.flac", dtype="float32")[0]


def utterance(pace, word="smart_mirror"):
    """A recording as people make them: three quarters of a second of a room around the word, halves swapped."""
    first, last = (round(RATE * TRUTH[word][key]) for key in ("start_s", "end_s"))
    said = SIX_WORDS[first:last].astype(np.float32)
    half = len(said) // 2
    said = np.concatenate([said[half:], said[:half]])
    said = soxr.resample(said, RATE * pace, RATE)
    rng = np.random.default_rng(round(1000 * pace))
    room = rng.normal(0, 0.02 * said.std(), len(said) + 3 * RATE // 2)
    room[3 * RATE // 4 : 3 * RATE // 4 + len(said)] += said
    return (room * rng.uniform(0.3, 1)).astype(np.int16)


class Scene:
    """A voice that speaks in pieces of the demo's kitchen talk, each at a pace of its own."""

    name = "the demo's kitchen"
    speakers = ("early", "late")

    def say(self, text, among, rng):
        half = SCENE[: len(SCENE) // 2] if "early" in among else SCENE[len(SCENE) // 2 :]
        at = int(rng.integers(len(half) - 2 * RATE))
        return soxr.resample(half[at : at + 2 * RATE], RATE * rng.uniform(0.85, 1.15), RATE)
