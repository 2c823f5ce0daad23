"""What is said to Home Assistant: recordings of people, talk, and a quiet room around them.

Owns the cutting. All of it is 16 kHz, mono, (n,) int16; nothing is written.
"""

import csv
import json
from pathlib import Path

import numpy as np
import soundfile
from core import RATE

SIX_WORDS = Path(__file__).parents[2] / "tests" / "data" / "six_words.flac"
TRUTH = json.loads(SIX_WORDS.with_suffix(".json").read_text())
LEAD_S, TAIL_S = 1.0, 3.0


def whole() -> np.ndarray:
    """Return the tests' six words, (n,) int16."""
    return soundfile.read(SIX_WORDS, dtype="int16")[0]


def noise(seconds: float) -> np.ndarray:
    """Return a quiet room, an rms of about -70 dBFS."""
    return np.random.default_rng(1).normal(0, 10, round(seconds * RATE)).astype(np.int16)


def in_a_room(sound: np.ndarray) -> np.ndarray:
    """Return a sound with a quiet room before, under and behind it."""
    room = noise(LEAD_S + len(sound) / RATE + TAIL_S)
    first = round(LEAD_S * RATE)
    room[first : first + len(sound)] += sound
    return room


def clips(data: Path, each: int) -> list[tuple[str, str, float, np.ndarray]]:
    """Return ``each`` recordings of every word, of as many people: (word, path, the word's end in s, sound)."""
    with (data / "wake_words" / "index.csv").open(newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: (row["wake_word"], row["speaker"], row["path"]))
    chosen: list[tuple[str, str, float, np.ndarray]] = []
    for word in sorted({row["wake_word"] for row in rows}):
        people = {row["speaker"]: row for row in rows if row["wake_word"] == word}
        for row in list(people.values())[:: len(people) // each][:each]:
            sound = soundfile.read(data / row["path"], dtype="int16")[0]
            chosen.append((word, row["path"], LEAD_S + float(row["end_s"]), in_a_room(sound)))
    return chosen


def cut(at: int) -> float:
    """Return where the tests' recording is cut before its word number ``at``, in s."""
    return max(0.0, TRUTH[at]["start_s"] - LEAD_S)


def six(at: int) -> np.ndarray:
    """Return one word of the tests' recording, with what is before it, and a quiet room behind."""
    end = round((TRUTH[at]["end_s"] + 0.5) * RATE)
    return np.concatenate([whole()[round(cut(at) * RATE) : end], noise(6)])


def speech(folder: Path, seconds: float) -> np.ndarray:
    """Return the beginning of the first recording of a folder."""
    return soundfile.read(sorted(folder.rglob("*.flac"))[0], dtype="int16")[0][: round(seconds * RATE)]
