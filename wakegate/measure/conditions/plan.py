"""Plan: which conditions there are, and a corpus in each of them.

Owns the product of the options and the names of its members. Everything is drawn here, by seed and recording, so that
an engine in another process makes the same samples; what is wrong is refused here, before an engine starts.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from itertools import product
from pathlib import Path

import numpy as np
import soundfile
import soxr

from ...errors import ConfigError
from ...events import SAMPLE_RATE
from ..corpus import Corpus, Told, silent
from ..recording import Recording
from . import codec, library
from .draw import one_of
from .made import Codec, Conditions, Excerpt, Made, Measured, Simulated
from .room import ROOMS, response
from .stream import streams

CLEAN = "clean"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What was asked for. Each tuple is one factor of the product; an empty one leaves the sound as it is.

    Parameters
    ----------
    noise : Path, optional
        A folder of noise, with ``snr_db``.
    rir : Path, optional
        A folder of measured responses: one room condition, beside each of ``rooms``.
    gain_db : tuple of float
    codecs : tuple of Codec
    gap_s : float, optional
        Make one stream with so much between the words, and ``background`` there.
    clean : bool
        Measure the corpus as it is, too.
    seed : int
        Of all draws.
    """

    noise: Path | None = None
    snr_db: tuple[float, ...] = ()
    rir: Path | None = None
    rooms: tuple[Simulated, ...] = ()
    gain_db: tuple[float, ...] = ()
    codecs: tuple[Codec, ...] = ()
    gap_s: float | None = None
    background: Path | None = None
    clean: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what does not go together."""
        if (self.noise is None) != (not self.snr_db):
            raise ConfigError("--noise DIR and --snr DB[,DB...] belong together: give both, or neither")
        if self.background is not None and self.gap_s is None:
            raise ConfigError("--background is what lies between the words of --stream: give --stream too")
        if self.gap_s is not None and not 0 <= self.gap_s <= 3600:
            raise ConfigError(f"--gap is {self.gap_s:g}: give seconds, from 0 to 3600")
        for option, values, low, high in (("--snr", self.snr_db, -40, 80), ("--gain", self.gain_db, -80, 80)):
            for value in values:
                if not (math.isfinite(value) and low <= value <= high):
                    raise ConfigError(f"{option}: {value:g} dB: give {low} to {high}")
        for option, given in (("--snr", self.snr_db), ("--gain", self.gain_db), ("--room", self.rooms),
                              ("--codec", self.codecs)):  # fmt: skip
            if len(set(given)) < len(given):
                raise ConfigError(f"{option}: one value is given twice: name each once")

    @property
    def asked(self) -> bool:
        """Whether there is anything to make."""
        return bool(self.noise or self.rir or self.rooms or self.gain_db or self.codecs or self.gap_s is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Condition:
    """One member of the product; ``rooms`` are those a recording draws from."""

    name: str
    snr_db: float | None
    rooms: tuple[Measured | Simulated, ...]
    gain_db: float
    codec: Codec | None


def conditioned(corpus: Corpus, options: Options, told: Told = silent) -> Corpus:
    """Return the corpus in every condition, by condition; the very same one where none was asked for.

    Parameters
    ----------
    corpus : Corpus
        As read.
    options : Options
        What to make.
    told : callable
        Called with what is being read and the share that is done.

    Raises
    ------
    ConfigError
        If a folder holds nothing to draw or something that cannot be, a library is missing, or there is no word to
        put into a stream.
    FormatError
        If a file cannot be read.
    """
    if not options.asked:
        return corpus
    for one in options.codecs:
        codec.check(one)
    noise = library.noises(options.noise, told) if options.noise else None
    measured, responses = library.rooms(options.rir, told) if options.rir else ((), None)
    background = library.listed("--background", options.background, told) if options.background else None
    conditions = [*_product(options, measured)]
    _check_names([one.name for one in conditions])
    recordings, notes = _spaced(corpus, options, background)
    beds = [library.drawn(noise.stock, one.length, options.seed, one.name) if noise else () for one in recordings]
    made = [
        _in(one, condition, bed, options.seed)
        for condition in conditions
        for one, bed in zip(recordings, beds, strict=True)
    ]
    clean = [_named(one, CLEAN) for one in corpus.recordings if options.clean]
    files = (("noise", noise), ("rir", responses), ("background", background))
    return replace(
        corpus,
        recordings=(*clean, *made),
        notes=(*corpus.notes, *notes),
        conditions=Conditions(
            names=(*([CLEAN] if clean else []), *(one.name for one in conditions)),
            files=tuple((kind, *file) for kind, found in files if found for file in found.files),
            versions=(*versions(), *_simulators()),
        ),
    )


def _product(options: Options, measured: tuple[Measured, ...]) -> Sequence[_Condition]:
    """Return every combination, named by what is done in it."""
    snrs: list[tuple[str, float | None]] = [(f"noise {value:g} dB", value) for value in options.snr_db] or [("", None)]
    rooms: list[tuple[str, tuple[Measured | Simulated, ...]]] = [("rir", measured)] if measured else []
    for one in options.rooms:
        several = tuple(replace(one, seed=options.seed, number=number) for number in range(ROOMS))
        for room in several:
            response(room)  # says what is missing, or that there is no such room
        rooms.append((f"room {one.distance_m:g} m {one.rt60_s:g} s", several))
    gains = [(f"gain {value:+g} dB", value) for value in options.gain_db] or [("", 0.0)]
    codecs: list[tuple[str, Codec | None]] = [(one.value, one) for one in options.codecs] or [("", None)]
    spacing = "" if options.gap_s is None else f"stream {options.gap_s:g} s"
    return [
        _Condition(
            name=_joined(spacing, snr_name, room_name, gain_name, codec_name),
            snr_db=snr, rooms=several, gain_db=gain, codec=coded,
        )
        for (room_name, several), (snr_name, snr), (gain_name, gain), (codec_name, coded) in product(
            rooms or [("", ())], snrs, gains, codecs
        )
    ]  # fmt: skip


def _check_names(names: Sequence[str]) -> None:
    """Refuse two conditions of one name: their rows could not be told apart."""
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(f"two conditions are called {twice[0]!r}: give values that differ in six digits")


def _spaced(
    corpus: Corpus, options: Options, background: library.Library | None
) -> tuple[Sequence[Recording], tuple[str, ...]]:
    """Return the recordings to be put into conditions, and what a reader should know of them."""
    if options.gap_s is None:
        return corpus.recordings, ()
    spoken = [one for one in background.stock if one.spoken] if background else []
    speech = [one for one in background.stock if not one.spoken] if background else []
    if background and not speech:
        raise ConfigError(
            f"--background: every file in {options.background} is labelled: give speech without wake words"
        )
    silence = sum(not one.references for one in corpus.recordings)
    if silence == len(corpus.recordings):
        raise ConfigError(f"--stream: {corpus.path} has no labelled wake word to put into a stream: label some")
    notes = [f"{silence} recordings without a wake word are not in the stream: it has --background instead"]
    notes += [f"{len(spoken)} labelled files of {options.background} are left out of the background"]
    gap = round((options.gap_s or 0) * SAMPLE_RATE)
    made = streams(corpus.recordings, corpus.sha256_of, gap, speech, options.seed)
    return tuple(made), tuple(note for note, count in zip(notes, (silence, len(spoken)), strict=True) if count)


def _in(one: Recording, condition: _Condition, bed: tuple[Excerpt, ...], seed: int) -> Recording:
    """Return a recording in a condition. Noise and room do not depend on SNR, gain or codec: rows can be paired."""
    made = replace(
        one.made or Made(),
        room=one_of(condition.rooms, seed, one.name, "room") if condition.rooms else None,
        noise=bed,
        snr_db=condition.snr_db if bed else None,
        gain_db=condition.gain_db,
        codec=condition.codec,
    )
    return _named(replace(one, name=f"{one.name} [{condition.name}]", made=made), condition.name)


def _named(one: Recording, name: str) -> Recording:
    return replace(one, condition=_joined(one.condition, name), made_condition=name)


def _joined(*names: str) -> str:
    return ", ".join(filter(None, names))


def versions() -> tuple[tuple[str, str], ...]:
    """Return the libraries that all samples depend on, each with its version: they decode and resample."""
    return (
        ("libsndfile", str(soundfile.__libsndfile_version__)),
        ("numpy", np.__version__),
        ("soxr", str(soxr.__libsoxr_version__)),
    )


def _simulators() -> tuple[tuple[str, str], ...]:
    try:
        return (("pyroomacoustics", version("pyroomacoustics")),)
    except PackageNotFoundError:
        return ()
