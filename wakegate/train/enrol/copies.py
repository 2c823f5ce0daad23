"""Copies: a take as a device would hear it.

Owns what is added: faint noise from two seconds before, so that no stream begins with the word, and a noise gate's
digital silence teaches nothing. Copies stay in memory. (Copies in loud noise made a word that is missed less in noise
and more by others.)
"""

import numpy as np
from numpy.typing import NDArray

from ...events import SAMPLE_RATE
from .takes import Take

LEAD, AROUND, AFTER = 2 * SAMPLE_RATE, SAMPLE_RATE // 3, SAMPLE_RATE // 2
SNR_DB = 35.0


def quiet(take: Take, rng: np.random.Generator, snr_db: float = SNR_DB) -> tuple[NDArray[np.int16], int, int]:
    """Return a take in noise so far below it, and the bounds of its word there, in samples."""
    first, last = max(0, take.start - AROUND), min(len(take.samples), take.end + AROUND)
    sound = take.samples[first:last].astype(np.float32)
    said = sound[take.start - first : take.end - first]
    level = float(np.sqrt(np.square(said).mean())) * 10 ** (-snr_db / 20)
    spectrum = np.fft.rfft(rng.standard_normal(LEAD + len(sound) + AFTER))
    falling = spectrum / np.sqrt(np.maximum(np.arange(len(spectrum)), 1))  # as a room's noise does
    noise = np.fft.irfft(falling, LEAD + len(sound) + AFTER)
    mixed = noise / noise.std() * level
    mixed[LEAD : LEAD + len(sound)] += sound
    loudest = max(1.0, float(np.abs(mixed).max()) / 32000)
    start = LEAD + take.start - first
    return (mixed / loudest).astype(np.int16), start, start + take.end - take.start
