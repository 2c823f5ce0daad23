"""Room: the way from a mouth to a microphone, as an impulse response, and the streaming convolution with it.

Owns where a word is after the room: the direct sound comes when the dry sound did, so a label stays true. A response is
scaled to unit energy: a room changes the sound, and hardly its level. The convolution is overlap-add in float64, so its
rounding to float32 is the same on all machines but for a last bit.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ...errors import ConfigError, FormatError
from ...events import SAMPLE_RATE
from .draw import fraction
from .excerpt import BLOCK, Float, blocks, read
from .made import Measured, Simulated

LONGEST_S = 10
ROOMS = 8
"""Simulated rooms of one distance and reverberation, of which each recording draws one."""
ORDER = 60
"""Reflections at most; enough for an RT60 of 1.2 s in rooms of this size."""
ATTEMPTS, NEAR, FAR = 4, 0.05, 0.15
"""Sabine's formula is a fifth off in a shoebox: how often its walls are mended, until when, and what is refused."""
DRIEST, MENDED = 0.45, 0.85
"""Share of sound that walls take at most: by Sabine's formula, and once they are mended."""
EDGE_M = 0.3


@lru_cache(maxsize=64)
def response(room: Measured | Simulated) -> tuple[NDArray[np.float64], int]:
    """Return an impulse response (n,) of unit energy, and the index of its direct sound.

    The direct sound is the first sample that reaches half of the highest. What lies before it is kept: a measured or
    band-limited response rises before its peak.

    Raises
    ------
    FormatError
        If a measured one is silent or cannot be read.
    ConfigError
        If pyroomacoustics is not installed, or no such room can be had.
    """
    if isinstance(room, Simulated):
        raw = _simulated(room)
    else:
        raw = np.concatenate([*read(room.audio, room.first, room.length, channel=0)]).astype(np.float64)
    highest = np.abs(raw).max(initial=0.0)
    if highest == 0:
        raise FormatError(f"{room.audio if isinstance(room, Measured) else room} is silent: it is no room")
    direct = int(np.argmax(np.abs(raw) >= highest / 2))
    return raw / np.sqrt(np.square(raw).sum()), direct


def convolved(sound: Iterable[Float], room: Measured | Simulated) -> Iterator[Float]:
    """Yield the sound as it is heard in a room, in blocks, exactly as long as it was: what rings on is cut.

    Parameters
    ----------
    sound : iterable of (n,) float32
        In blocks of ``excerpt.BLOCK``.
    """
    return blocks(_overlap_add(sound, *response(room)))


def _overlap_add(sound: Iterable[Float], impulse: NDArray[np.float64], direct: int) -> Iterator[Float]:
    size = 1 << (BLOCK + len(impulse) - 2).bit_length()
    spectrum = np.fft.rfft(impulse, size)
    tail = np.zeros(size - BLOCK)
    early, owed = direct, 0  # samples to be dropped at the start; samples that are still to come
    for block in sound:
        whole = np.fft.irfft(np.fft.rfft(block.astype(np.float64), size) * spectrum, size)
        whole[: len(tail)] += tail
        out = whole[: len(block)]
        tail = np.zeros(size - BLOCK)
        rest = whole[len(block) :][: len(tail)]
        tail[: len(rest)] = rest
        dropped = min(early, len(out))
        early -= dropped
        owed += dropped
        yield out[dropped:].astype(np.float32)
    out = tail[early : early + owed]
    yield np.pad(out, (0, owed - len(out))).astype(np.float32)


@lru_cache(maxsize=64)
def _simulated(room: Simulated) -> NDArray[np.float64]:
    """Simulate a shoebox by image sources (Allen and Berkley 1979), its walls by Sabine's formula inverted."""
    try:
        import pyroomacoustics
    except ImportError as error:
        raise ConfigError(
            "simulated rooms need pyroomacoustics: `pip install 'wakegate[rooms]'`, or give measured ones by --rir"
        ) from error
    size, mouth, microphone = _laid_out(room)
    asked_s = room.rt60_s
    for _ in range(ATTEMPTS):
        absorption, order = pyroomacoustics.inverse_sabine(asked_s, size)
        box = pyroomacoustics.ShoeBox(
            size, fs=SAMPLE_RATE, materials=pyroomacoustics.Material(absorption), max_order=min(order, ORDER),
            ray_tracing=False, air_absorption=True,
        )  # fmt: skip
        box.add_source(mouth)
        box.add_microphone(microphone)
        box.compute_rir()
        impulse = np.asarray(box.rir[0][0], np.float64)
        off = _rt60_s(impulse) / room.rt60_s
        if abs(off - 1) < NEAR or _share_taken(asked_s / off, size) > MENDED:
            break
        asked_s /= off
    if abs(off - 1) > FAR:
        raise _no_such(room)
    return impulse


def _rt60_s(impulse: NDArray[np.float64]) -> float:
    """Return the reverberation time: twice the time from -5 to -35 dB of Schroeder's backward integral (ISO 3382)."""
    left_db = 10 * np.log10(np.cumsum(np.square(impulse)[::-1])[::-1] / np.square(impulse).sum() + 1e-12)
    return float(np.argmax(left_db < -35) - np.argmax(left_db < -5)) * 2 / SAMPLE_RATE


def _laid_out(room: Simulated) -> tuple[list[float], list[float], list[float]]:
    """Draw the room's size, and in it the places of mouth and microphone, all in metres."""

    def within(low: float, high: float, *what: str | int) -> float:
        return low + (high - low) * fraction(room.seed, room.key, *what)

    for attempt in range(1000):
        long = within(max(3.0, room.distance_m + 0.7), room.distance_m + 3.5, attempt, "long")
        size = [long, within(0.6 * long, 0.95 * long, attempt, "wide"), within(2.3, 3.2, attempt, "high")]
        place = [within(EDGE_M, side - EDGE_M, attempt, "place", number) for number, side in enumerate(size[:2])]
        microphone = [*place, within(0.6, 1.5, attempt, "table")]
        height = within(1.1, 1.8, attempt, "mouth")
        across = room.distance_m**2 - (height - microphone[2]) ** 2
        angle = within(0, 2 * np.pi, attempt, "angle")
        if across < 0 or _share_taken(room.rt60_s, size) > DRIEST:
            continue
        mouth = [microphone[0] + across**0.5 * np.cos(angle), microphone[1] + across**0.5 * np.sin(angle), height]
        if all(EDGE_M <= metres <= side - EDGE_M for metres, side in zip(mouth, size, strict=True)):
            return size, mouth, microphone
    raise _no_such(room)


def _no_such(room: Simulated) -> ConfigError:
    return ConfigError(
        f"no room has {room.distance_m:g} m between mouth and microphone and an RT60 of {room.rt60_s:g} s: rooms large "
        f"enough ring longer: give a longer RT60 or a shorter distance"
    )


def _share_taken(rt60_s: float, size: Sequence[float]) -> float:
    """Return how much of the sound walls must take: Sabine's RT60 is 0.161 V / (S a)."""
    long, wide, high = size
    return 0.161 * long * wide * high / (2 * (long * wide + long * high + wide * high) * rt60_s)
