"""Make: from a recording's description to its samples.

Owns the order of things: speech, room, noise, gain, codec, int16. Where noise is mixed in, the sound is read twice:
first to know its levels (:mod:`level`), then to mix. Clipping: a mixture that could leave the full scale is turned down
as a whole, speech and noise alike, so no SNR is changed by it; ``gain`` and what a room or a codec adds to a peak clip
as a converter does. Memory stays flat.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ...audio.block import Samples
from . import codec, level
from .excerpt import Float, placed
from .made import Excerpt, Made
from .room import convolved

if TYPE_CHECKING:
    from ..recording import Recording  # it holds a Made

FULL = 32768.0


def samples(recording: "Recording") -> Iterator[Samples]:
    """Yield a recording as (n,) int16, as its ``made`` says.

    Raises
    ------
    FormatError
        If a file cannot be read, or noise is silent where it should be heard.
    ConfigError
        If what a room or codec needs is not installed.
    """
    made, length = recording.made or Made(), recording.length
    speech, factor = _balanced(made, recording)
    sound = _in_room(speech, made, length)
    if made.noise:
        noise = placed(made.noise, length)
        sound = (one + other * factor for one, other in zip(sound, noise, strict=True))
    if made.gain_db:
        sound = _louder(sound, np.float32(10 ** (made.gain_db / 20)))
    if made.codec is not None:
        sound = codec.through(sound, made.codec)
    for block in sound:
        yield np.clip(np.rint(block * np.float32(FULL)), -FULL, FULL - 1).astype(np.int16)


def _louder(sound: Iterable[Float], factor: np.float32) -> Iterator[Float]:
    """Multiply and clip: what is beyond full scale is lost here, before a codec."""
    return (np.clip(block * factor, np.float32(-1), np.float32(1 - 1 / FULL)) for block in sound)


def _in_room(speech: Sequence[Excerpt], made: Made, length: int) -> Iterator[Float]:
    dry = placed(speech, length)
    return dry if made.room is None else convolved(dry, made.room)


def _balanced(made: Made, recording: "Recording") -> tuple[Sequence[Excerpt], np.float32]:
    """Return the speech, scaled, and the factor for the noise."""
    one, length = np.float32(1), recording.length
    if made.speech:
        bounds = tuple((part.at, part.at + part.length) for part in made.speech)
        heard = level.measure(_in_room(made.speech, made, length), bounds)
        if made.snr_db is None:
            return _scaled(made.speech, 1 / np.where(heard.peak > 0, heard.peak, np.inf)), one
        under = level.measure(placed(made.noise, length), bounds)
        scales = level.speech_scales(heard, under, made.snr_db)
        down = 1 / (under.highest + float((scales * heard.peak).max(initial=0)))
        return _scaled(made.speech, scales * down), np.float32(down)
    # Read here, it needs no hash: the corpus has it.
    whole = Excerpt(at=0, audio=recording.audio, sha256="", first=recording.first, length=length)
    if made.snr_db is None:
        return (whole,), one
    bounds = level.parts(length, [(said.start, said.end) for said in recording.references])
    heard = level.measure(_in_room((whole,), made, length), bounds)
    under = level.measure(placed(made.noise, length), bounds)
    factor = level.noise_scale(heard, under, made.snr_db)
    down = 1 / max(1.0, heard.highest + factor * under.highest)
    return _scaled((whole,), [down]), np.float32(factor * down)


def _scaled(speech: Sequence[Excerpt], scales: Iterable[float]) -> tuple[Excerpt, ...]:
    return tuple(replace(part, scale=float(scale)) for part, scale in zip(speech, scales, strict=True))
