"""Library: the folders that conditions are made from, read once and checked before an engine starts.

Owns which files can be drawn, their hashes, and how loud each noise file is at its highest sample.
"""

from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from ...errors import ConfigError, FormatError
from ...events import SAMPLE_RATE
from .. import corpus as corpora
from . import room
from .draw import fraction, one_of
from .excerpt import blocks, read
from .made import Excerpt, Measured

STEP = SAMPLE_RATE // 10
SILENT = 1e-3
"""Noise is silent where nothing in a step of 0.1 s reaches this share of its highest sample (-60 dB)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """A stretch of a file that can be drawn, in samples at 16 kHz; ``peak`` is its highest sample, 1.0 full scale."""

    audio: Path
    sha256: str
    first: int
    length: int
    peak: float = 1.0
    spoken: bool = False
    """Whether it is labelled: somebody says a wake word in it, or nobody knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """What one folder or manifest holds.

    Parameters
    ----------
    stock : tuple of Stock
        By file, then by where they begin in it.
    files : tuple of (str, str)
        Path from the folder and sha256 of every file.
    """

    stock: tuple[Stock, ...]
    files: tuple[tuple[str, str], ...]


def listed(option: str, path: Path, told: corpora.Told) -> Library:
    """Read a folder of sound (with all below it), or a manifest.

    Raises
    ------
    ConfigError
        If there is no sound; the message names the option.
    FormatError
        If a file cannot be read.
    """
    try:
        found = corpora.read(path, told=told)
    except ConfigError as error:
        raise ConfigError(f"{option}: {error}") from error
    hashes = found.sha256_of
    stock = tuple(
        Stock(
            audio=one.audio, sha256=hashes[one.name], first=one.first,
            length=one.length, spoken=bool(one.references or one.excluded),
        )
        for one in found.recordings
    )  # fmt: skip
    return Library(stock=stock, files=found.sha256)


def noises(path: Path, told: corpora.Told) -> Library:
    """Read a folder of noise: of each file its longest stretch that is not silent, and how high that goes.

    Many collections pad short sounds with digital silence, and nothing can be brought to an SNR there.

    Raises
    ------
    ConfigError
        If there is none, or one is digital silence.
    """
    found = listed("--noise", path, told)
    loud = []
    for number, one in enumerate(found.stock):
        told(f"levels of {path}", number / len(found.stock))
        loud.append(_audible(one))
    return Library(stock=tuple(loud), files=found.files)


def _audible(one: Stock) -> Stock:
    """Return the longest stretch that nowhere falls silent."""
    highs = [float(abs(step).max()) for step in blocks(read(one.audio, one.first, one.length), STEP)]
    peak = max(highs)
    if not peak:
        raise ConfigError(f"--noise: {one.audio} is digital silence, and cannot be brought to an SNR: remove it")
    runs = groupby(range(len(highs)), key=lambda step: highs[step] >= SILENT * peak)
    longest = max((list(run) for heard, run in runs if heard), key=len)
    first, end = longest[0] * STEP, min((longest[-1] + 1) * STEP, one.length)
    return replace(one, first=one.first + first, length=end - first, peak=peak)


def rooms(path: Path, told: corpora.Told) -> tuple[tuple[Measured, ...], Library]:
    """Read a folder of measured responses.

    Raises
    ------
    ConfigError
        If there is none, or one is silent or longer than any room rings.
    """
    found = listed("--rir", path, told)
    every = []
    for one in found.stock:
        if one.length > room.LONGEST_S * SAMPLE_RATE:
            raise ConfigError(
                f"--rir: {one.audio} is {one.length / SAMPLE_RATE:.1f} s long: an impulse response is at most "
                f"{room.LONGEST_S} s. Is it a recording? Name the folder that holds responses alone"
            )
        measured = Measured(audio=one.audio, sha256=one.sha256, first=one.first, length=one.length)
        try:
            room.response(measured)
        except FormatError as error:
            raise ConfigError(f"--rir: {error}") from error
        every.append(measured)
    return tuple(every), found


def drawn(stock: tuple[Stock, ...], length: int, seed: int, name: str) -> tuple[Excerpt, ...]:
    """Draw noise for a recording: files, each as likely, end to end, at one peak, as in the public six-word benchmark.

    There each begins at its start. Here, so that short clips do not all lie on the first seconds of a file, the first
    begins anywhere, if it is longer than what is wanted. The SNR is not drawn from: each SNR has the same noise.

    Parameters
    ----------
    stock : tuple of Stock
        Of :func:`noises`.
    length : int
        Samples.
    seed : int
        The user's.
    name : str
        The recording's.
    """
    excerpts: list[Excerpt] = []
    at = 0
    while at < length:
        one = one_of(stock, seed, name, "noise", len(excerpts))
        spare = 0 if excerpts else max(0, one.length - length)
        begins = int(fraction(seed, name, "noise begins") * (spare + 1))
        taken = min(one.length, length - at)
        excerpts.append(
            Excerpt(
                at=at, audio=one.audio, sha256=one.sha256, first=one.first + begins, length=taken, scale=1 / one.peak
            )
        )
        at += taken
    return tuple(excerpts)
