"""Rooms: impulse responses, measured ones from a folder and simulated shoeboxes.

Owns the distance between a mouth and a microphone. Every response starts at its direct sound, so that a room never
moves the end of a word.
"""

from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from ..events import SAMPLE_RATE

LONGEST_S = 0.8


def from_direct(response: NDArray[np.float64]) -> NDArray[np.float32]:
    """Cut what is before the direct sound, bound the length, and give unit energy."""
    first = int(np.argmax(np.abs(response) > 0.5 * np.abs(response).max()))
    cut = response[max(0, first - 8) :][: int(LONGEST_S * SAMPLE_RATE)]
    unit: NDArray[np.float32] = (cut / np.sqrt(np.square(cut).sum())).astype(np.float32)
    return unit


def measured(folder: Path) -> list[NDArray[np.float32]]:
    """Read every impulse response in a folder."""
    rooms = []
    for path in sorted(folder.glob("*.flac")):
        samples, rate = soundfile.read(path, always_2d=True)
        rooms.append(from_direct(soxr.resample(samples[:, 0], rate, SAMPLE_RATE)))
    return rooms


def simulated(count: int, seed: int) -> list[NDArray[np.float32]]:
    """Simulate shoebox rooms (image sources, Allen and Berkley 1979): 0.15 to 0.9 s RT60, 0.4 to 6 m away."""
    import pyroomacoustics

    rng = np.random.default_rng(seed)
    rooms: list[NDArray[np.float32]] = []
    while len(rooms) < count:
        size = np.array([rng.uniform(2.5, 9), rng.uniform(2.5, 7), rng.uniform(2.2, 3.5)])
        rt60 = rng.uniform(0.15, 0.9)
        try:
            absorption, order = pyroomacoustics.inverse_sabine(rt60, size)
        except ValueError:
            continue  # a room of this size cannot be that dry
        room = pyroomacoustics.ShoeBox(
            size, fs=SAMPLE_RATE, materials=pyroomacoustics.Material(absorption), max_order=min(order, 17),
            ray_tracing=False, air_absorption=True,
        )  # fmt: skip
        microphone = rng.uniform(0.3, size - 0.3)
        mouth = rng.uniform([0.3, 0.3, 0.9], [size[0] - 0.3, size[1] - 0.3, 1.9])
        if not 0.4 < np.linalg.norm(microphone - mouth) < 6:
            continue
        room.add_source(mouth)
        room.add_microphone(microphone)
        room.compute_rir()
        rooms.append(from_direct(np.asarray(room.rir[0][0], dtype=np.float64)))
    return rooms
