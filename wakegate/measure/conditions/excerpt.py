"""Excerpt: sound from anywhere in a file, and excerpts put one after the other.

Owns seeking: a second of a long file costs a second. 16 kHz mono float32, full scale at 1.0, in blocks of
:data:`BLOCK` samples counted from the recording's start, so that what is computed on blocks never depends on how a file
was read. Memory stays flat.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from ...audio.files import Forward
from ...errors import FormatError
from ...events import SAMPLE_RATE
from .made import Excerpt

BLOCK = 16_384
SLACK = SAMPLE_RATE // 50
"""What a resampled file may lack at its end, in samples."""
Float = NDArray[np.float32]


def read(audio: Path, first: int, length: int, *, channel: int | None = None) -> Iterator[Float]:
    """Yield a stretch of a file as (n,) float32 arrays, together ``length`` long.

    Parameters
    ----------
    audio : Path
        A file of any rate.
    first, length : int
        Samples at 16 kHz.
    channel : int, optional
        Counted from 0; without it all are mixed by their mean.

    Raises
    ------
    FormatError
        If it is missing, damaged, holds NaN, or has become shorter.
    """
    wanted = length
    try:
        with Forward(os.fsencode(audio)) as file:
            file.seek(round(first * file.samplerate / SAMPLE_RATE))
            for piece in _resampled(file, channel):
                if not np.isfinite(piece).all():
                    raise FormatError(f"{audio} holds NaN or infinity: repair the program that wrote it")
                yield piece[:wanted]
                wanted -= min(wanted, len(piece))
                if not wanted:
                    return
    except soundfile.SoundFileError as error:
        raise FormatError(f"{audio} cannot be read: {error}") from error
    if wanted > SLACK:
        raise FormatError(f"{audio} ends {wanted / SAMPLE_RATE:.2f} s earlier than it did: copy it again")
    yield np.zeros(wanted, np.float32)


def _resampled(file: Any, channel: int | None) -> Iterator[Float]:
    stream = None
    if file.samplerate != SAMPLE_RATE:
        stream = soxr.ResampleStream(file.samplerate, SAMPLE_RATE, 1, dtype="float32")
    ended = False
    while not ended:
        frames = file.read(BLOCK, dtype="float32", always_2d=True)
        ended = len(frames) < BLOCK
        mono: Float = frames.mean(axis=1) if channel is None else frames[:, channel].copy()
        yield mono if stream is None else stream.resample_chunk(mono, last=ended)


def placed(excerpts: Sequence[Excerpt], length: int) -> Iterator[Float]:
    """Yield excerpts at their places and silence between them, in blocks, together ``length`` long.

    Parameters
    ----------
    excerpts : sequence of Excerpt
        In order; none overlaps another.
    length : int
        Samples.
    """
    return blocks(_one_after_the_other(excerpts, length))


def _one_after_the_other(excerpts: Sequence[Excerpt], length: int) -> Iterator[Float]:
    at = 0
    for one in excerpts:
        yield from _silence(one.at - at)
        for piece in read(one.audio, one.first, one.length):
            yield piece if one.scale == 1 else piece * np.float32(one.scale)
        at = one.at + one.length
    yield from _silence(length - at)


def _silence(length: int) -> Iterator[Float]:
    for start in range(0, length, BLOCK):
        yield np.zeros(min(BLOCK, length - start), np.float32)


def blocks(pieces: Iterable[Float], size: int = BLOCK) -> Iterator[Float]:
    """Yield the same sound in blocks of ``size`` samples; only the last is shorter."""
    held: list[Float] = []
    count = 0
    for piece in pieces:
        held.append(piece)
        count += len(piece)
        if count < size:
            continue
        whole = np.concatenate(held)
        end = count - count % size
        yield from (whole[start : start + size] for start in range(0, end, size))
        held, count = [whole[end:].copy()], count - end
    if count:
        yield np.concatenate(held)
