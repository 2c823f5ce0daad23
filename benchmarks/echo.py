"""What echo cancellers from PyPI do for wake words that are said while the device itself talks.

    python benchmarks/echo.py --data DATA [--words 40] [--out benchmarks/results/echo.json]

Needs ``pip install pyaec pywebrtc-audio``. DATA is a folder with ``wake_words/index.csv`` (path, wake_word, start_s,
end_s), ``speech/librispeech`` and ``rir`` (room responses at 16 kHz). A loudspeaker reads English into a room; the
microphone hears it 60 ms late, with somebody's wake word every five seconds, so many dB louder or quieter than the echo
under it, and a little noise. ``drift`` lets the microphone's clock run 50 millionths slower than the loudspeaker's;
``own`` has the loudspeaker itself say the words: hearing those is a mistake. Everything else is ideal (one clock, no
distortion, nothing moves), so what fails here fails in a kitchen. A word is heard if it is detected from 0.3 s before
to 1 s after its end; the model is the shipped one, which has learned from these people: compare rows with each other.
"""

import argparse
import csv
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

from wakegate.wake import Detection, Detector, load

RATE = 16_000
EVERY, FIRST, LATE = 5 * RATE, 10 * RATE, round(0.06 * RATE)  # the canceller has ten seconds to learn the room
ROOMS = ("kitchen-true-stereo", "omni-35-10")
CASES = {"0 dB": (0, 0), "-5 dB": (-5, 0), "-10 dB": (-10, 0), "-5 dB, drift": (-5, 50e-6), "own": (None, 0)}
FRAME = 160


def nothing(heard: np.ndarray, played: np.ndarray) -> np.ndarray:
    """Leave it as it is."""
    return heard


def speex(heard: np.ndarray, played: np.ndarray) -> np.ndarray:
    """Speex' linear canceller, 200 ms of room."""
    from pyaec import Aec

    canceller, out = Aec(FRAME, 3200, RATE, False), heard.copy()
    for at in range(0, len(heard) - FRAME + 1, FRAME):
        part = slice(at, at + FRAME)
        out[part] = canceller.cancel_echo(heard[part].tolist(), played[part].tolist())
    return out


def webrtc(heard: np.ndarray, played: np.ndarray) -> np.ndarray:
    """WebRTC's AEC3, which also suppresses what its filter leaves."""
    from pywebrtc_audio import EchoCanceller

    canceller, out = EchoCanceller(RATE, 1), heard.copy()
    for at in range(0, len(heard) - FRAME + 1, FRAME):
        out[at : at + FRAME] = canceller.process(heard[at : at + FRAME], played[at : at + FRAME])
    return out


WAYS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "nothing": nothing, "pyaec 1.0.1 (Speex)": speex, "pywebrtc-audio 0.2.0 (AEC3)": webrtc
}  # fmt: skip


def level(sound: np.ndarray) -> float:
    """Return the RMS."""
    return float(np.sqrt(np.mean(sound**2)))


def words(data: Path, count: int, rng: np.random.Generator) -> list[tuple[str, np.ndarray, float]]:
    """Draw recordings: the word, (n,) float32 with the word's RMS at 0.03, and where it ends in seconds."""
    with (data / "wake_words" / "index.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if 0.3 < float(row["end_s"]) - float(row["start_s"]) < 1.5]
    drawn = []
    for row in rng.choice(np.array(rows, object), count, replace=False):
        sound = soundfile.read(data / row["path"], dtype="float32")[0][:EVERY]
        spoken = sound[round(float(row["start_s"]) * RATE) : round(float(row["end_s"]) * RATE)]
        drawn.append((row["wake_word"], sound * (0.03 / level(spoken)), float(row["end_s"])))
    return drawn


def talk(data: Path, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return what the loudspeaker reads, (count,) float32."""
    parts, files = [], sorted((data / "speech" / "librispeech").rglob("*.flac"))
    for path in rng.permutation(np.array(files, object)):
        sound = soundfile.read(path, dtype="float32")[0]
        parts.append(sound * (0.06 / level(sound)))
        if sum(map(len, parts)) >= count:
            break
    return np.concatenate(parts)[:count]


def in_room(played: np.ndarray, response: np.ndarray) -> np.ndarray:
    """Return what the room makes of it, late."""
    size = len(played) + len(response)
    made = np.fft.irfft(np.fft.rfft(played, size) * np.fft.rfft(response, size), size)
    return np.concatenate([np.zeros(LATE), made])[: len(played)]


def scene(spoken: list[tuple[str, np.ndarray, float]], played: np.ndarray, response: np.ndarray, case: str,
          rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Return what the microphone hears and what was played, both (n,) int16."""
    over_db, drift = CASES[case]
    near, played = rng.standard_normal(len(played)) * 6e-4, played.copy()
    for number, (_, sound, _) in enumerate(spoken):
        at = FIRST + number * EVERY
        if over_db is None:
            played[at : at + EVERY] *= 0.02
        (played if over_db is None else near)[at : at + len(sound)] += sound * (2 if over_db is None else 1)
    echo = in_room(played, response)
    if drift:
        echo = np.interp(np.arange(len(echo)) * (1 + drift), np.arange(len(echo)), echo)
    echo *= (0.06 if over_db is None else 0.03 / 10 ** (over_db / 20)) / level(echo)
    heard = near + echo
    heard *= min(1, 0.95 / np.abs(heard).max())
    return (heard * 32767).astype(np.int16), (np.clip(played, -1, 1) * 32767).astype(np.int16)


def count(spoken: list[tuple[str, np.ndarray, float]], sound: np.ndarray) -> tuple[int, int]:
    """Return how many words were heard, and how many detections were none."""
    scorer = load()
    detector = Detector(scorer.manifest.detector_config(scorer.words))
    found = [one for at in range(0, len(sound), RATE) for one in detector.push(scorer.push(sound[at : at + RATE]))]
    left = [one for one in found if isinstance(one, Detection)]
    heard = 0
    for number, (word, _, end_s) in enumerate(spoken):
        end = FIRST + number * EVERY + end_s * RATE
        mine = [one for one in left if one.word == word and -0.3 * RATE <= one.at - end <= RATE]
        heard += bool(mine)
        left = [one for one in left if one not in mine]
    return heard, len(left)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--words", type=int, default=40)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    rng, rows = np.random.default_rng(5), []
    spoken = words(args.data, args.words, rng)
    played = talk(args.data, FIRST + args.words * EVERY, rng)
    for room in ROOMS:
        response = soundfile.read(args.data / "rir" / f"{room}.flac", dtype="float32", always_2d=True)[0][:, 0]
        for case in CASES:
            heard, told = scene(spoken, played, response, case, rng)
            for way, cancel in WAYS.items():
                begun = time.process_time()
                left = cancel(heard, told)
                cpu_s = (time.process_time() - begun) / len(heard) * RATE * 3600
                words_heard, others = count(spoken, left)
                rows.append(
                    {"room": room, "case": case, "canceller": way, "words": len(spoken), "heard": words_heard,
                     "other_detections": others, "cpu_s_per_hour": round(cpu_s, 1)}
                )  # fmt: skip
                print(*rows[-1].values(), flush=True)
    if args.out:
        about = {
            "command": "python benchmarks/echo.py --data DATA",
            "words": args.words,
            "model": load().manifest.sha256,
        }
        args.out.write_text(json.dumps({"conditions": about, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
