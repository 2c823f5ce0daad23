"""Made: how a recording's sound is made, as a value that can be compared, pickled and hashed.

Owns the description alone: it holds no samples, and says by content hash which files go in. Never opens anything.
"""

import hashlib
import math
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from ...errors import ConfigError


class Codec(Enum):
    """What the sound has been through before the engine hears it."""

    OPUS = "opus"
    MP3 = "mp3"
    G711 = "g711"
    """Telephone: 8 kHz, mu-law."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """A stretch of a file, put somewhere.

    Parameters
    ----------
    at : int
        Where it begins in the recording. This, ``first`` and ``length`` are samples at 16 kHz.
    audio : Path
        The file, and its ``sha256``.
    first, length : int
        The stretch of the file.
    scale : float
        What its samples are multiplied by.
    """

    at: int
    audio: Path
    sha256: str
    first: int
    length: int
    scale: float = 1.0

    @property
    def key(self) -> str:
        """What it sounds like, in words: no path in it."""
        return f"{self.at} {self.sha256} {self.first} {self.length} {self.scale!r}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A room as it was measured: a stretch of a file whose first channel is an impulse response; samples at 16 kHz."""

    audio: Path
    sha256: str
    first: int
    length: int

    @property
    def key(self) -> str:
        """What it sounds like, in words."""
        return f"rir {self.sha256} {self.first} {self.length}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """One of several shoebox rooms with a mouth ``distance_m`` from the microphone and a reverberation ``rt60_s``."""

    distance_m: float
    rt60_s: float
    seed: int = 0
    number: int = 0

    def __post_init__(self) -> None:
        """Refuse what is no room."""
        if not (0.2 <= self.distance_m <= 10 and 0.15 <= self.rt60_s <= 1.2):  # nan too
            raise ConfigError(
                f"a room of {self.distance_m:g} m and {self.rt60_s:g} s cannot be simulated: give 0.2 to 10 m between "
                f"mouth and microphone, and a reverberation (RT60) of 0.15 to 1.2 s"
            )

    @property
    def key(self) -> str:
        """What it sounds like, in words."""
        return f"room {self.distance_m!r} {self.rt60_s!r} {self.seed} {self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """How the sound of a recording is made, in this order: speech, room, noise, gain, codec.

    Parameters
    ----------
    speech : tuple of Excerpt
        Put one after the other, each brought to the SNR by itself; empty means the recording's own file as it is.
    room : Measured or Simulated, optional
        What the speech sounds in. The noise is where the microphone is, and no room is put on it.
    noise : tuple of Excerpt
        End to end from 0 to the recording's length; empty for none.
    snr_db : float, optional
        Given with noise.
    gain_db : float
        After the noise; what is too loud is clipped, as a converter does.
    codec : Codec, optional
        Last.
    """

    speech: tuple[Excerpt, ...] = ()
    room: Measured | Simulated | None = None
    noise: tuple[Excerpt, ...] = ()
    snr_db: float | None = None
    gain_db: float = 0.0
    codec: Codec | None = None

    def __post_init__(self) -> None:
        """Refuse noise without a level."""
        if bool(self.noise) != (self.snr_db is not None) or not math.isfinite((self.snr_db or 0.0) + self.gain_db):
            raise ConfigError(f"noise needs an SNR and an SNR noise; gains are numbers: got {self.snr_db} dB")

    @property
    def key(self) -> str:
        """One hash of all that decides the samples, beside the recording's own file and labels; no path is in it."""
        parts = (
            *("speech " + one.key for one in self.speech),
            *("noise " + one.key for one in self.noise),
            "" if self.room is None else self.room.key,
            f"{self.snr_db!r} {self.gain_db!r} {self.codec}",
        )
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What a result says of the conditions in it.

    Parameters
    ----------
    names : tuple of str
        Of each condition, without what the corpus itself says.
    files : tuple of (str, str, str)
        What for (noise, rir, background), path and sha256 of every file that could be drawn.
    versions : tuple of (str, str)
        Of the libraries that the samples depend on.
    """

    names: tuple[str, ...]
    files: tuple[tuple[str, str, str], ...] = ()
    versions: tuple[tuple[str, str], ...] = ()
