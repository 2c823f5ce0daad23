"""Codec: what is left of sound after it has been coded and decoded.

Owns the time: a codec's delay is taken off, so a label stays true (a test measures it). Coding is libsndfile's, at its
own quality: Opus and MP3 with variable rate, near 30 and 60 kbit/s for wideband speech; G.711 is mu-law at 8 kHz, with
soxr on both ways. Long sound is coded in segments of a minute, each begun and ended a second beside what is kept of it,
so memory stays flat and no segment's start is heard; at a join only the coding noise changes.
"""

import io
from collections.abc import Iterable, Iterator
from itertools import chain, pairwise

import numpy as np
import soundfile
import soxr

from ...errors import ConfigError
from ...events import SAMPLE_RATE
from .excerpt import Float, blocks
from .made import Codec

SEGMENT = 60 * SAMPLE_RATE
BESIDE = SAMPLE_RATE
"""What is coded before and after what is kept, in samples."""
WAYS = {
    Codec.OPUS: ("OGG", "OPUS", SAMPLE_RATE),
    Codec.MP3: ("MP3", "MPEG_LAYER_III", SAMPLE_RATE),
    Codec.G711: ("WAV", "ULAW", 8_000),
}
"""libsndfile's container and coding, and the rate in it."""


def check(codec: Codec) -> None:
    """Refuse a codec that this libsndfile does not have.

    Raises
    ------
    ConfigError
        Naming what to install.
    """
    container, coding, _ = WAYS[codec]
    known = container in soundfile.available_formats() and coding in soundfile.available_subtypes(container)
    if not known:
        raise ConfigError(
            f"--codec {codec.value} needs libsndfile 1.1 or newer, and here is {soundfile.__libsndfile_version__}: "
            f"`pip install --upgrade soundfile` brings one, unless the system's own is used"
        )


def through(sound: Iterable[Float], codec: Codec) -> Iterator[Float]:
    """Yield the sound after the codec, exactly as long, each moment where it was.

    Parameters
    ----------
    sound : iterable of (n,) float32
        Clipped to full scale, as a coder's input is.
    codec : Codec
        One that :func:`check` has passed.
    """
    nothing = np.zeros(0, np.float32)
    before = nothing
    for segment, following in pairwise(chain(blocks(sound, SEGMENT), [nothing])):
        decoded = coded(np.concatenate([before, segment, following[:BESIDE]]), codec)
        yield decoded[len(before) : len(before) + len(segment)]
        before = segment[-BESIDE:]


def coded(samples: Float, codec: Codec) -> Float:
    """Return (n,) float32, coded and decoded in one go."""
    container, coding, rate = WAYS[codec]
    inside = samples if rate == SAMPLE_RATE else soxr.resample(samples, SAMPLE_RATE, rate)
    packed = io.BytesIO()
    with soundfile.SoundFile(packed, "w", rate, 1, coding, format=container) as file:
        file.write(np.clip(inside, -1, 1))
    packed.seek(0)
    outside, _ = soundfile.read(packed, dtype="float32")
    back: Float = outside if rate == SAMPLE_RATE else soxr.resample(outside, rate, SAMPLE_RATE)
    return np.pad(back[: len(samples)], (0, max(0, len(samples) - len(back))))
