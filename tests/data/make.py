"""Makes the project's own sound: the demo's scene and the tests' recordings, from synthetic voices alone.

    python tests/data/make.py --voices DIR --tools DIR

``--voices`` is a folder with the Kokoro-82M voice (Apache-2.0) and its speakers; ``--tools`` holds ``synthesise.py``,
which speaks with it. Every voice is a mixture, so it belongs to nobody. Same folders, same files: the seeds are fixed.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import soundfile

RATE = 16_000
HERE = Path(__file__).parent
SCENE = HERE.parents[1] / "wakegate" / "cli" / "scene.flac"
KITCHEN = (
    # seconds into the scene, what is said, speaker mixture, level
    (1.0, "Did you remember to buy bread?", {"af_heart": 1.0}, 0.5),
    (3.6, "Computer!", {"bm_george": 0.7, "am_michael": 0.3}, 0.7),
    (4.7, "What is the weather like tomorrow?", {"bm_george": 0.7, "am_michael": 0.3}, 0.7),
    (10.0, "It was a commuter train, not a bus.", {"bf_emma": 1.0}, 0.35),
    (14.0, "Computer!", {"af_heart": 0.6, "bf_emma": 0.4}, 0.7),
    (15.1, "Set a timer for ten minutes.", {"af_heart": 0.6, "bf_emma": 0.4}, 0.7),
    (22.0, "Computer!", {"bm_george": 0.7, "am_michael": 0.3}, 0.7),
    (
        23.1,
        "Call my mother and tell her that I will be late, because the train is not coming.",
        {"bm_george": 1.0},
        0.7,
    ),
)
WORDS = ("alexa", "computer", "jarvis", "smart mirror", "snowboy", "view glass")


def say(voice: object, text: str, mixture: dict[str, float], seed: int) -> np.ndarray:
    """(n,) float32 at 16 kHz."""
    style = voice.style(mixture, mixture)
    british = next(iter(mixture)).startswith("b")
    return voice.speak(voice.phonemes(text, british), style, np.random.default_rng(seed))


def noise(samples: int, rng: np.random.Generator, level: float) -> np.ndarray:
    """Room noise that falls with frequency, like a fan two rooms away."""
    spectrum = np.fft.rfft(rng.standard_normal(samples))
    frequencies = np.maximum(np.fft.rfftfreq(samples, 1 / RATE), 60.0)
    shaped = np.fft.irfft(spectrum / frequencies**0.8, samples)
    return (level * shaped / shaped.std()).astype(np.float32)


def room(signal: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A small room: the direct sound and a decaying tail."""
    tail = rng.standard_normal(RATE // 4) * np.exp(-np.arange(RATE // 4) / (0.05 * RATE)) * 0.04
    tail[0] = 1.0
    return np.convolve(signal, tail)[: len(signal)].astype(np.float32)


def write(path: Path, signal: np.ndarray) -> None:
    """Write 16-bit FLAC."""
    soundfile.write(path, np.round(np.clip(signal, -1, 1) * 32767).astype(np.int16), RATE, subtype="PCM_16")
    print(path, f"{len(signal) / RATE:.1f} s")


def main() -> None:
    """Make everything."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--voices", required=True)
    parser.add_argument("--tools", required=True)
    args = parser.parse_args()
    sys.path.insert(0, args.tools)
    from synthesise import Voice

    voice, rng = Voice(args.voices), np.random.default_rng(2019)
    scene = np.zeros(30 * RATE, np.float32)
    for index, (at_s, text, mixture, level) in enumerate(KITCHEN):
        spoken = say(voice, text, mixture, index) * level
        at = round(at_s * RATE)
        scene[at : at + len(spoken)] += spoken[: len(scene) - at]
    lines = [{"at_s": at_s, "said": text} for at_s, text, _, _ in KITCHEN]
    SCENE.with_suffix(".json").write_text(json.dumps(lines, indent=1) + "\n")
    write(SCENE, room(scene, rng) + noise(len(scene), rng, 0.002))
    words = np.zeros(3 * len(WORDS) * RATE, np.float32)
    truth = []
    for index, word in enumerate(WORDS):
        spoken = say(voice, f"{word}.", {"af_bella": 0.5, "am_michael": 0.5}, 100 + index) * 0.6
        at = (3 * index + 1) * RATE
        words[at : at + len(spoken)] += spoken
        truth.append(
            {"word": word.replace(" ", "_"), "start_s": at / RATE, "end_s": round((at + len(spoken)) / RATE, 2)}
        )
    write(HERE / "six_words.flac", room(words, rng) + noise(len(words), rng, 0.002))
    (HERE / "six_words.json").write_text(json.dumps(truth, indent=1) + "\n")


if __name__ == "__main__":
    main()
