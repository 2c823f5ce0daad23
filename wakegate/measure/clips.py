"""Clips: two seconds of sound around each of the loudest mistakes, for the ears of whoever asked for them.

Owns which sound is cut out, and how much at most. It is the corpus's own, as the engine heard it, and goes into the
report alone. Nobody may call this unless a person asked for it: it is the only part of ``measure`` that keeps sound.
"""

import base64
import io
import wave
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..audio.block import Samples
from ..errors import WakegateError
from ..events import SAMPLE_RATE
from .recording import Recording
from .sound import Sound

EACH = 10
"""Clips of each kind, engine and made condition at most, the loudest first."""
MOST_BYTES = 6_000_000
"""Of a page's clips together, as text."""
BEFORE_S, AFTER_S = 1.5, 0.5
"""Around a detection, which comes when the word is over."""
MARGIN_S, LONGEST_S = 0.5, 3.0
"""Around a missed word, and its clip at most."""

Key = tuple[str, float]
"""A recording's name, and when the mistake happens in it, in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clips:
    """What can be played: a ``data:`` URI of a WAV for each mistake; ``wanted`` counts those left out too."""

    uris: Mapping[Key, str]
    seconds: float
    wanted: int

    def about(self) -> dict[str, object]:
        """Return what results.json says of them."""
        size = sum(map(len, self.uris.values()))
        return {"count": len(self.uris), "wanted": self.wanted, "seconds": self.seconds, "bytes": size}


def key(mistake: Mapping[str, Any]) -> Key:
    """Return what a mistake's clip is found by."""
    return mistake["recording"], mistake["at_s" if "at_s" in mistake else "start_s"]


def cut(document: Mapping[str, Any], recordings: Sequence[Recording]) -> Clips:
    """Cut the clips of a document's loudest mistakes out of its recordings.

    Parameters
    ----------
    document : mapping
        From :func:`~wakegate.measure.result.document`.
    recordings : sequence of Recording
        The same that were heard, in the order of their corpus: a file is read once.
    """
    wanted = dict(_wanted(document))
    spans: dict[str, list[tuple[int, int, Key]]] = {}
    for place, (start, end) in wanted.items():
        spans.setdefault(place[0], []).append((start, end, place))
    found: dict[Key, str] = {}
    room, samples = MOST_BYTES, 0
    with Sound() as sound:
        for recording in recordings:
            for place, clip in _of(recording, sound, spans.get(recording.name, ())):
                uri = f"data:audio/wav;base64,{base64.b64encode(_wav(clip)).decode('ascii')}"
                if len(uri) <= room:
                    found[place], room, samples = uri, room - len(uri), samples + len(clip)
    return Clips(uris=found, seconds=samples / SAMPLE_RATE, wanted=len(wanted))


def _wanted(document: Mapping[str, Any]) -> Iterator[tuple[Key, tuple[int, int]]]:
    """Yield the mistakes, and which samples of their recordings [start, end) to cut; end may lie past the end."""
    for mistakes in (one for engine in document["engines"] for one in engine["mistakes"]):
        for one in mistakes["false_accepts"]["loudest"][:EACH]:
            yield key(one), _span(one["at_s"] - BEFORE_S, one["at_s"] + AFTER_S)
        for one in mistakes["misses"]["loudest"][:EACH]:
            start_s = max(one["start_s"] - MARGIN_S, 0.0)
            yield key(one), _span(start_s, min(one["end_s"] + MARGIN_S, start_s + LONGEST_S))


def _span(start_s: float, end_s: float) -> tuple[int, int]:
    return max(round(start_s * SAMPLE_RATE), 0), round(end_s * SAMPLE_RATE)


def _of(recording: Recording, sound: Sound, spans: Sequence[tuple[int, int, Key]]) -> Iterator[tuple[Key, Samples]]:
    """Yield the clips of one recording, loudest first; none if it cannot be read again."""
    parts: dict[Key, list[Samples]] = {place: [] for *_, place in spans}
    at = 0
    try:
        for piece in sound.of(recording) if spans else ():
            for start, end, place in spans:
                if start < at + len(piece) and at < end:
                    parts[place].append(piece[max(start - at, 0) : end - at].copy())
            at += len(piece)
            if at >= max(end for _, end, _ in spans):
                break
    except WakegateError:
        return
    yield from ((place, np.concatenate(taken)) for place, taken in parts.items() if taken)


def _wav(samples: Samples) -> bytes:
    with io.BytesIO() as file:
        with wave.open(file, "wb") as written:
            written.setnchannels(1)
            written.setsampwidth(2)
            written.setframerate(SAMPLE_RATE)
            written.writeframes(samples.astype("<i2").tobytes())
        return file.getvalue()
