"""Level: how loud speech and noise are, and the rule that sets one against the other.

Owns the SNR. It is the rule of the public six-word benchmark (Picovoice/wake-word-benchmark, ``mixer.py``)::

    E(x) = the largest sum of squares over the frames of 512 samples of x, counted from the part's start
    SNR  = 10 log10( E(speech of a part) / E(noise under that part) )

A part there is one clip or one utterance of background, and each is scaled by itself. Here a part is

- in a stream (``--stream``), the same, and each is scaled by itself;
- in any other recording, each labelled wake word (the last second before its end at least); without labels, each 10 s.
  Such a recording is heard at its own level: one factor is put on the noise, so that the *median* part has the SNR.
  With one labelled word that is the benchmark's rule. Parts that are silence would pull the median down; they are left
  out by the two gates of ITU-R BS.1770: below -60 dBFS, or 10 dB below the mean of the rest.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import FormatError
from ...events import SAMPLE_RATE
from .excerpt import Float

FRAME = 512
STRETCH = 10 * SAMPLE_RATE
"""A part of a recording without labels, in samples."""
AT_LEAST = SAMPLE_RATE
"""A labelled part, in samples: a label may mark an instant."""
SILENCE = FRAME * 1e-6
"""E of a frame at -60 dBFS, where 0 dBFS is a mean square of 1."""
RELATIVE = 0.1
Part = tuple[int, int]


def parts(length: int, words: Sequence[Part]) -> tuple[Part, ...]:
    """Return the parts [start, end) of a recording of ``length`` samples, by start; ``words`` are its labels."""
    if not words:
        return tuple((start, min(start + STRETCH, length)) for start in range(0, length, STRETCH))
    return tuple(sorted((max(0, min(start, end - AT_LEAST)), max(end, min(AT_LEAST, length))) for start, end in words))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Levels:
    """How loud a sound is: ``energy`` (parts,) and ``peak`` (parts,) float64, and the ``highest`` sample of all."""

    energy: NDArray[np.float64]
    peak: NDArray[np.float64]
    highest: float


class _Part:
    """Takes the sound of one part, piece by piece."""

    def __init__(self, bounds: Part) -> None:
        self.start, self.end = bounds
        self.energy = self.peak = 0.0
        self._rest: Float = np.zeros(0, np.float32)
        self._framed = False

    def push(self, piece: Float) -> None:
        if not len(piece):
            return
        self.peak = max(self.peak, float(np.abs(piece).max()))
        joined = np.concatenate([self._rest, piece])
        count = len(joined) // FRAME
        self._rest = joined[count * FRAME :].copy()
        if count:
            self._framed = True
            frames = joined[: count * FRAME].reshape(count, FRAME).astype(np.float64)
            self.energy = max(self.energy, float(np.square(frames).sum(axis=1).max()))

    def close(self) -> None:
        """Count a part that is shorter than a frame as one."""
        if not self._framed:
            self.energy = float(np.square(self._rest.astype(np.float64)).sum())


def measure(sound: Iterable[Float], bounds: Sequence[Part]) -> Levels:
    """Measure each part of a sound, which is streamed.

    Parameters
    ----------
    sound : iterable of (n,) float32
        From the recording's start.
    bounds : sequence of (int, int)
        By start; they may overlap.
    """
    every = [_Part(one) for one in bounds]
    waiting, running = deque(every), list[_Part]()
    at, highest = 0, 0.0
    for block in sound:
        highest = max(highest, float(np.abs(block).max(initial=0.0)))
        while waiting and waiting[0].start < at + len(block):
            running.append(waiting.popleft())
        for part in running:
            part.push(block[max(0, part.start - at) : max(0, part.end - at)])
        at += len(block)
        running = [part for part in running if part.end > at]
    for part in every:
        part.close()
    return Levels(
        energy=np.array([one.energy for one in every]), peak=np.array([one.peak for one in every]), highest=highest
    )


def noise_scale(speech: Levels, noise: Levels, snr_db: float) -> float:
    """Return the factor for the noise that gives the median part its SNR; 0 where all speech is digital silence.

    Raises
    ------
    FormatError
        If the noise is silent wherever there is speech.
    """
    loud = speech.energy > 0
    if not loud.any():
        return 0.0  # no level to be set against
    if not (noise.energy[loud] > 0).any():
        raise FormatError("the noise drawn here is digital silence under all speech: remove such files from the noise")
    kept = loud & (noise.energy > 0)
    for gate in (lambda energy: SILENCE, lambda energy: RELATIVE * energy.mean()):
        above = kept & (speech.energy >= gate(speech.energy[kept]))
        kept = above if above.any() else kept
    ratio_db = float(np.median(10 * np.log10(speech.energy[kept] / noise.energy[kept])))
    return float(10 ** ((ratio_db - snr_db) / 20))


def speech_scales(speech: Levels, noise: Levels, snr_db: float) -> NDArray[np.float64]:
    """Return the factor for each part of the speech; 0 for a part that is digital silence.

    Raises
    ------
    FormatError
        If the noise is silent under a part: no factor would give it the SNR.
    """
    if (noise.energy[speech.energy > 0] == 0).any():
        raise FormatError("the noise drawn here is digital silence under some speech: remove such files from the noise")
    energy = np.where(speech.energy > 0, speech.energy, np.inf)
    scales: NDArray[np.float64] = np.sqrt(noise.energy * 10 ** (snr_db / 10) / energy)
    return scales
