r"""The live stream's frame: what a consumer of stdout or of the unix socket reads.

Owns the bytes. Never touches a file descriptor and never keeps samples.

One utterance after the other::

    header   one line of JSON, ended by "\n":
             {"schema": 1, "event": "<id>", "word": "alexa", "score": 0.912, "threshold": 0.381,
              "sample_rate": 16000, "format": "s16le", "channels": 1, "word_start": 8000, "word_end": 17600}
    block    4 bytes: n, unsigned, little endian, n > 0; then n bytes of PCM (16 bit signed, little endian, mono)
    block    ...
    end      4 bytes of zero, then one line of JSON: {"reason": "endpoint", "complete": true, "samples": 51200}

``word_start`` and ``word_end`` count samples from the first one sent. ``complete`` is true where the utterance ended by
itself (endpoint, no_speech, max_length) or the reader had heard enough (heard_enough), and false where it was cut short
(revoked, expired, cancelled, gap, overflow, stopped, ...): throw away what was received. A stream that ends without an
end marker was cut short as well. After the marker the next header may follow on the same stream. n is even and at most
2560.

``schema`` counts up when a field goes or means something else. Fields may be added without that: pass over what you do
not know.
"""

import json
import struct
from dataclasses import dataclass

from ..events import SAMPLE_RATE, SCHEMA, Reason, Wake

FRAME_SAMPLES = 1280
"""Most samples in one block: block and prefix stay below PIPE_BUF (4096), so a pipe takes all of it or nothing."""

PREFIX = struct.Struct("<I")


@dataclass(frozen=True, slots=True, kw_only=True)
class Info:
    """What a consumer is told about an utterance before the first sample.

    Parameters
    ----------
    id : str
        The wake's event id, as in the journal (random, new for each wake).
    word : str
        The wake word.
    score, threshold : float
        What the model said, in [0, 1], and what it had to reach.
    word_start, word_end : int
        Estimated bounds of the word, in samples from the first one released.
    reason : Reason, optional
        Why it ended; None while it goes on. Only :class:`~wakegate.gate.sinks.CallbackSink` uses it.
    """

    id: str
    word: str
    score: float
    threshold: float
    word_start: int
    word_end: int
    reason: Reason | None = None

    @classmethod
    def of(cls, wake: Wake, first: int) -> "Info":
        """Return what is told of a wake whose release begins with sample ``first``."""
        return cls(
            id=wake.id,
            word=wake.word,
            score=wake.score,
            threshold=wake.threshold,
            word_start=max(0, wake.start - first),
            word_end=wake.end - first,
        )


def header(info: Info) -> bytes:
    """Return the header line for ``info``."""
    return _line(
        {
            "schema": SCHEMA,
            "event": info.id,
            "word": info.word,
            "score": info.score,
            "threshold": info.threshold,
            "sample_rate": SAMPLE_RATE,
            "format": "s16le",
            "channels": 1,
            "word_start": info.word_start,
            "word_end": info.word_end,
        }
    )


def prefix(count: int) -> bytes:
    """Return the four bytes before a block of ``count`` samples."""
    return PREFIX.pack(2 * count)


def end(reason: Reason, complete: bool, sent: int) -> bytes:
    """Return the end marker after ``sent`` samples."""
    return PREFIX.pack(0) + _line({"reason": reason.value, "complete": complete, "samples": sent})


def _line(values: dict[str, object]) -> bytes:
    return json.dumps(values, separators=(",", ":")).encode() + b"\n"
