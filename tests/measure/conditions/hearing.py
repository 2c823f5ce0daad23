"""Sound for these tests, and what comes out of a recording."""

import numpy as np
import soundfile

from wakegate.measure.sound import Sound

RATE = 16_000


def noise(seconds, seed=1, level=0.1):
    """(n,) float32 that rises and falls, within a telephone's band."""
    rng = np.random.default_rng(seed)
    samples = np.convolve(rng.standard_normal(round(seconds * RATE) + 6), np.hanning(7), "valid")
    swell = 0.6 + 0.4 * np.sin(np.arange(len(samples)) / 3000 + seed)
    return (level * swell * samples / np.sqrt(np.mean(samples**2))).astype(np.float32)


def written(path, samples, rate=RATE, subtype=None):
    """Write a file; without a subtype, the values that a 16-bit file can hold."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate, subtype=subtype)
    return path


def heard(recording):
    """(n,) int16: a recording as an engine gets it."""
    with Sound() as sound:
        return np.concatenate([piece.copy() for piece in sound.of(recording)])


def delay(one, two):
    """By how many samples two is later than one: the peak of their cross-correlation."""
    size = 1 << (len(one) + len(two)).bit_length()
    against = np.fft.rfft(np.asarray(one, float), size).conj()
    product = np.fft.irfft(against * np.fft.rfft(np.asarray(two, float), size), size)
    at = int(np.argmax(product))
    return at if at < size // 2 else at - size


def loudest(samples, start=0, end=None):
    """The largest energy of a frame of 512, as the six-word benchmark counts it."""
    part = np.asarray(samples[start:end], float)
    frames = part[: len(part) // 512 * 512].reshape(-1, 512)
    return (frames**2).sum(axis=1).max()
