"""Sounds that every model must bear, and how it is asked about them; no score is pinned."""

import numpy as np

from wakegate.wake import Detector, sweep

RATE = 16_000
_RNG = np.random.default_rng(7)
_N = 4 * RATE
NOTHING = {
    "silence": np.zeros(_N),
    "dc offset": np.full(_N, 8000),
    "dc at the top": np.full(_N, 32767),
    "dc at the bottom": np.full(_N, -32768),
    "full-scale square wave": np.where(np.arange(_N) // 40 % 2, 32767, -32768),
    "full-scale at half the rate": np.where(np.arange(_N) % 2, 32767, -32768),
    "white noise": _RNG.normal(0, 3000, _N),
    "clipped white noise": np.clip(_RNG.normal(0, 60_000, _N), -32768, 32767),
    "one bit of noise": _RNG.integers(-1, 2, _N),
    "clicks": np.where(np.arange(_N) % 4000 == 0, 32767, 0),
}


def in_blocks(scorer, samples, size):
    scorer.reset()
    scores = [scorer.push(samples[at : at + size]) for at in range(0, len(samples), size)]
    return np.concatenate([np.empty((0, len(scorer.words)), np.float32), *scores])


def detected(scorer, samples):
    detector = Detector(scorer.manifest.detector_config(scorer.words))
    return [found for found in sweep.candidates(scorer, detector, [samples]) if found.detected]


def scaled(samples, dbfs):
    peak = np.abs(samples.astype(np.float64)).max()
    return np.round(samples * (10 ** (dbfs / 20) * 32767 / peak)).astype(np.int16)


def clipped(samples):
    return np.clip(samples.astype(np.int32) * 200, -32768, 32767).astype(np.int16)
