"""Voices: synthetic speakers behind one protocol, and folders of what they said.

A voice is a module of this folder: ``espeak`` (always there), ``piper`` (a file) and ``kokoro`` (a folder, whose
network ``knobs`` opens). It owns how its speakers sound and nothing else; must never measure anything: these are not
people.
"""

import csv
import io
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import soundfile
from numpy.typing import NDArray

from ...errors import ConfigError
from ...events import SAMPLE_RATE

Said = NDArray[np.float32]
Say = Callable[[str, str, np.random.Generator], Said]
"""Called with text, phonemes ("" to spell the text) and chance; gives (n,) float32 at 16 kHz."""
QUIET = 0.01
EDGE_S = 0.05


class Voice(Protocol):
    """A program or model that speaks.

    Attributes
    ----------
    name : str
        What people are told, with its version or file.
    speakers : tuple of str
        Whom it can speak as. Some are kept out of training, by name.
    """

    name: str
    speakers: tuple[str, ...]

    def say(self, text: str, among: Sequence[str], rng: np.random.Generator) -> Said:
        """Return English text as (n,) float32 at 16 kHz, said by one of ``among`` or a mixture of them.

        Speaker, speed and pitch are drawn: no two utterances are alike.
        """


def trimmed(samples: Said, rate: int) -> Said:
    """Cut the silence around (n,) float32 speech to 50 ms."""
    loud = np.flatnonzero(np.abs(samples) > QUIET)
    if not len(loud):
        return samples[:0]
    edge = round(EDGE_S * rate)
    return samples[max(0, loud[0] - edge) : loud[-1] + edge]


def made_by(session: Any, feed: Mapping[str, object], name: str) -> Said:
    """Return the sound (n,) float32 that a voice's network makes of its inputs.

    Raises
    ------
    ConfigError
        If it cannot: the file is another network than a voice.
    """
    try:
        made: Said = np.asarray(session.run(None, dict(feed))[0], np.float32).ravel()
    except Exception as error:  # onnxruntime has no common base for its errors
        reason = str(error).split("\n")[0]
        raise ConfigError(f"{name} cannot speak ({reason}): is it a voice of that kind, whole?") from error
    return made


def write(say: Say, lines: Sequence[tuple[str, str]], out: Path, count: int, seed: int) -> None:
    """Speak ``count`` utterances into a folder with an ``index.csv``, whole or not at all.

    Parameters
    ----------
    say : callable
        The voice.
    lines : sequence of (str, str)
        Text and phonemes ("" to spell the text), in turn.
    out : Path
        The folder, which does not exist yet.
    count, seed : int
        How many, and of what is drawn.
    """
    rng = np.random.default_rng(seed)
    part = out.with_name(f"{out.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    with (part / "index.csv").open("w", newline="", encoding="utf-8") as file:
        index = csv.writer(file)
        index.writerow(["file", "text", "phonemes"])
        for number in range(count):
            text, phonemes = lines[number % len(lines)]
            samples = say(text, phonemes, rng)
            if len(samples) < SAMPLE_RATE // 5 or not np.isfinite(samples).all():
                continue
            name = f"{number:05d}.flac"
            held = io.BytesIO()  # soundfile does not say which error of the disk there was
            soundfile.write(held, np.clip(samples, -1, 1), SAMPLE_RATE, subtype="PCM_16", format="FLAC")
            (part / name).write_bytes(held.getbuffer())
            index.writerow([name, text, phonemes])
    part.rename(out)
