"""Clip: what a sealed file holds, before it is sealed.

Owns which samples belong to a clip and the header that goes with them. Never holds samples.

Once decrypted, a clip is an ordinary WAV file::

    "RIFF" size "WAVE"
    "fmt "  16 bytes: PCM, mono, 16000 Hz, 16 bit
    "wkgt" 512 bytes: JSON padded with spaces: schema, purpose, word, score_bucket (0-7), model_sha256, samples (before
            padding), word_start, word_end (samples in this clip), delete_after (a day), may_train
    "data"  1.5, 2.5, 4 or 8 s of samples: the clip, then zeros

so that its size says nothing but the class. It names no device, person, event or time (invariant 8).
"""

import json
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ..consent.grant import Grant
from ..consent.purposes import KEEP_DAYS, RULES
from ..errors import SealError
from ..events import SAMPLE_RATE, SCHEMA, Purpose, Wake
from .limits import samples

CLASSES = tuple(samples(seconds) for seconds in (1.5, 2.5, 4.0, 8.0))
"""Lengths a clip is padded to, in samples."""
HEADER_BYTES = 512
SCORE_BUCKETS = 8
BEFORE_S, AFTER_S = 0.3, 0.5
"""What a clip of a suspected false wake holds around the word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """What is to be sealed, under which grant.

    Parameters
    ----------
    id : str
        The wake's event id; stays on the device.
    grant : Grant
        Gives the purpose and the only recipients.
    start, end : int
        The clip: samples [start, end) of the stream.
    word : str
        The wake word.
    word_start, word_end : int
        The word's estimated bounds in the stream.
    score : float
        The wake's score; leaves as one of eight buckets.
    model_sha256 : str
        The model that heard it; many devices have the same.
    delete_after : str
        Day (YYYY-MM-DD) after which the reviewer keeps it no more; counted from today, so that it is no device's own.
    may_train : bool
        ``improve`` is granted too.

    Raises
    ------
    SealError
        Where the clip is longer than the longest class, or shorter than one sample.
    """

    id: str
    grant: Grant
    start: int
    end: int
    word: str
    word_start: int
    word_end: int
    score: float
    model_sha256: str
    delete_after: str
    may_train: bool

    def __post_init__(self) -> None:
        """Check the length."""
        if not 0 < self.end - self.start <= CLASSES[-1]:
            raise SealError(f"a clip has 1 to {CLASSES[-1]} samples, got {self.end - self.start}")

    @property
    def samples(self) -> int:
        """True length in samples."""
        return self.end - self.start

    def prelude(self) -> bytes:
        """Return the WAV file up to the first sample."""
        held = next(length for length in CLASSES if self.samples <= length)
        about = json.dumps(
            {
                "schema": SCHEMA,
                "purpose": self.grant.purpose.value,
                "word": self.word,
                "score_bucket": max(0, min(int(self.score * SCORE_BUCKETS), SCORE_BUCKETS - 1)),
                "model_sha256": self.model_sha256,
                "samples": self.samples,
                "word_start": max(0, self.word_start - self.start),
                "word_end": min(self.samples, self.word_end - self.start),
                "delete_after": self.delete_after,
                "may_train": self.may_train,
            }
        ).encode()
        if len(about) > HEADER_BYTES:
            raise SealError(
                f"the clip's header has {len(about)} bytes, more than {HEADER_BYTES}: is the word too long?"
            )
        body = b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, SAMPLE_RATE, 2 * SAMPLE_RATE, 2, 16)
        body += b"wkgt" + struct.pack("<I", HEADER_BYTES) + about.ljust(HEADER_BYTES)
        body += b"data" + struct.pack("<I", 2 * held)
        return b"RIFF" + struct.pack("<I", len(body) + 2 * held) + body


def cut(grant: Grant, wake: Wake, first: int, end: int, *, model_sha256: str, wall: float, may_train: bool) -> Clip:
    """Choose what a clip of the utterance [first, end) holds: never more than that (invariant 7).

    Parameters
    ----------
    grant : Grant
        A request is kept whole up to its purpose's length; a suspected false wake only around the word.
    wake : Wake
        What opened the gate.
    first, end : int
        The utterance, as sample indices.
    model_sha256 : str
        The model that heard it.
    wall : float
        Unix time in seconds.
    may_train : bool
        ``improve`` is granted too.
    """
    start, purpose = first, grant.purpose
    if purpose is Purpose.FALSE_ACCEPT_REVIEW:
        start = max(first, wake.start - samples(BEFORE_S))
        end = min(end, wake.end + samples(AFTER_S))
    day = datetime.fromtimestamp(wall, UTC) + timedelta(days=KEEP_DAYS)
    return Clip(
        id=wake.id,
        grant=grant,
        start=start,
        end=min(end, start + samples(RULES[purpose].clip_s)),
        word=wake.word,
        word_start=wake.start,
        word_end=wake.end,
        score=wake.score,
        model_sha256=model_sha256,
        delete_after=f"{day:%Y-%m-%d}",
        may_train=may_train,
    )
