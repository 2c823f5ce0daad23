"""Sound from a file: WAV, FLAC, OGG, MP3 and whatever else libsndfile knows, at flat memory.

Owns opening, checking and streaming. Never reads a whole file, never writes one, and never resumes past damage: a file
that ends before its header says so is an error, not a shorter recording. libsndfile and libFLAC keep decoded audio of
their own for a moment; it is on the disk anyway.
"""

import os
import struct
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from ..errors import AudioError, FormatError
from ..events import SAMPLE_RATE
from .block import Reading, Samples
from .resample import Converter, check_format

_UNKNOWN_FRAMES = 2**62  # libsndfile's count for a stream that does not say how long it is
_UNKNOWN_BYTES = (0, 0xFFFFFFFF)  # what recorders that were piped, or died, leave in a WAV header


class FileSource:
    """Read a sound file of any length, rate (8 to 192 kHz) and channel count.

    Mono 16-bit files at 16 kHz pass bit for bit, straight into the lent slice; all others go through soxr.

    Parameters
    ----------
    path : str or Path
        The file.
    channel : int, optional
        The channel to take, counted from 1; without it all are mixed by their mean.

    Attributes
    ----------
    seconds : float or None
        Length of the file, where it says.
    rate : int
        Samples a second in the file.

    Raises
    ------
    FormatError
        For what is missing, a directory, empty, not sound, cut short, or of a format we do not take.
    """

    def __init__(self, path: str | Path, channel: int | None = None) -> None:
        self._path = Path(path)
        _check_path(self._path)
        _check_wav_whole(self._path)
        self._file = _open(self._path)
        rate, channels, frames = self._file.samplerate, self._file.channels, self._file.frames
        try:
            check_format(str(self._path), rate, channels, channel)
            if frames == 0:
                raise FormatError(f"{self._path} holds no sound (a header and 0 samples): record it again")
        except FormatError:
            self._file.close()
            raise
        self.seconds: float | None = frames / rate if frames < _UNKNOWN_FRAMES else None
        self.rate: int = rate
        self._ended = False
        self._at = 0
        direct = rate == SAMPLE_RATE and channels == 1 and self._file.subtype == "PCM_16"
        # libsndfile's float32 holds 16-bit values exactly, so one type serves every other file.
        self._dtype = "int16" if direct else "float32"
        self._converter = None if direct else Converter(rate, channels, self._dtype, channel)

    @property
    def name(self) -> str:
        """Words for people and the journal."""
        return f"file {self._path.name}"

    def read(self, out: Samples) -> Reading:
        """Fill ``out`` (n,) int16, contiguous; fewer come only at the end.

        Raises
        ------
        FormatError
            For NaN or infinity, naming the second, and for a file that breaks off.
        AudioError
            After :meth:`close`.
        """
        if self._file.closed:
            raise AudioError(f"{self._path} was closed: open it again")
        if self._converter is None:
            count = self._decode(out)
            return Reading(count, ended=self._ended)
        filled = self._converter.take(out)
        while filled < len(out) and not self._ended:
            inlet = self._converter.inlet
            count = self._decode(inlet)
            self._check_finite(inlet[:count])
            self._converter.push(count, last=self._ended)
            filled += self._converter.take(out[filled:])
        return Reading(filled, ended=self._ended and self._converter.waiting == 0)

    def wipe(self) -> None:
        """Overwrite what is being resampled; its time comes as silence."""
        if self._converter is not None:
            self._converter.wipe()

    def close(self) -> None:
        """Close the file and wipe. Safe to call twice."""
        self.wipe()
        self._file.close()

    def _decode(self, into: NDArray[Any]) -> int:
        """Let libsndfile write frames into ``into``; note the end."""
        try:
            count: int = self._file.buffer_read_into(into, self._dtype)
        except soundfile.SoundFileError as error:
            raise FormatError(f"{self._path} is damaged after {self._second()} s: {error}") from error
        self._at += count
        self._ended = count < len(into) or self._at == self._file.frames
        if self._ended and self._file.format == "FLAC" and self._at < self._file.frames < _UNKNOWN_FRAMES:
            raise FormatError(
                f"{self._path} breaks off after {self._second()} s where its header promises "
                f"{self._file.frames / self._file.samplerate:.1f} s: copy or record it again"
            )
        return count

    def _check_finite(self, frames: NDArray[Any]) -> None:
        finite = np.isfinite(frames)
        if finite.all():
            return
        bad = int(np.argmin(finite.all(axis=1)))
        second = (self._at - len(frames) + bad) / self._file.samplerate
        raise FormatError(f"{self._path} holds NaN or infinity at {second:.2f} s: repair the program that wrote it")

    def _second(self) -> str:
        return f"{self._at / self._file.samplerate:.1f}"


class Forward(soundfile.SoundFile):  # type: ignore[misc]
    """A file that is only read on.

    soundfile makes what can seek do so after every block, to where it is already. Decoders begin anew there: FLAC takes
    three times as long, and an MP3 may come out broken.
    """

    def seekable(self) -> bool:
        """Return that nobody seeks here."""
        return False


def _check_path(path: Path) -> None:
    if not path.exists():
        raise FormatError(f"{path} does not exist: check the name")
    if path.is_dir():
        raise FormatError(f"{path} is a folder: name the sound files in it, for example {path}/*.wav")
    if not path.is_file():
        raise FormatError(f"{path} is not an ordinary file: pipe raw sound through stdin instead (--input -)")
    if path.stat().st_size == 0:
        raise FormatError(f"{path} is empty (0 bytes): record or copy it again")


def _open(path: Path) -> Forward:
    try:
        return Forward(os.fsencode(path))  # as bytes: soundfile cannot encode a name that is not UTF-8
    except (soundfile.SoundFileError, TypeError) as error:  # TypeError: soundfile's word for a name ending in .raw
        raise FormatError(
            f"{path} is not a sound file we can read ({error}): give WAV, FLAC, OGG or MP3 "
            "(`ffmpeg -i IN out.wav` converts), or pipe raw 16-bit samples through stdin"
        ) from error


def _check_wav_whole(path: Path) -> None:
    """Compare the length that a RIFF header promises with the bytes that are there."""
    size = path.stat().st_size
    try:
        # Unbuffered: Python's buffer would read ahead into the sound, and leave it in the heap.
        with path.open("rb", buffering=0) as stream:
            header = stream.read(12)
            if header[:4] != b"RIFF" or header[8:12] != b"WAVE":
                return
            promised, there = _data_chunk(stream, size)
    except OSError as error:
        raise FormatError(f"{path} cannot be read: {error.strerror}") from error
    if promised not in _UNKNOWN_BYTES and there < promised:
        raise FormatError(
            f"{path} is cut short: its header promises {promised} bytes of sound and {there} are there. "
            f"Copy it again, or keep what is left: `ffmpeg -i {path.name} whole.wav`"
        )


def _data_chunk(stream: FileIO, size: int) -> tuple[int, int]:
    """Walk to the data chunk; return (bytes promised, bytes there), or (1, 0) where there is none."""
    while len(head := stream.read(8)) == 8:
        name, length = struct.unpack("<4sI", head)
        if name == b"data":
            return length, size - stream.tell()
        stream.seek(length + length % 2, 1)
    return 1, 0
