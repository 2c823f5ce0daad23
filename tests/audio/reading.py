"""Read a whole source, in blocks of one size, the way the pipeline would."""

import numpy as np

from wakegate.audio.block import Source

BLOCKS = (1, 17, 160, 1280, 4001)


def whole(source: Source, block: int = 1280) -> np.ndarray:
    """Return all samples of a source that ends."""
    pieces, out = [], np.empty(block, dtype=np.int16)
    while True:
        reading = source.read(out)
        pieces.append(out[: reading.count].copy())
        if reading.ended:
            return np.concatenate(pieces)


def tone(hertz: float, seconds: float, rate: int, level: float = 0.3) -> np.ndarray:
    """Return a sine, (n,) float64."""
    return level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


def loudest_hertz(samples: np.ndarray, rate: int = 16_000) -> float:
    """Return the frequency of the loudest line of the spectrum."""
    centred = samples - samples.mean()
    spectrum = np.abs(np.fft.rfft(centred * np.hanning(len(samples))))
    return float(np.argmax(spectrum)) * rate / len(samples)
