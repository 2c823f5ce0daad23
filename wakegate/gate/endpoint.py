"""Endpoint: where the utterance ends.

Owns a small voice activity detector (webrtcvad) that exists only while the gate is open. Reads 30 ms views of the Ring;
where a view would wrap around, its two pieces meet in a scratch of 480 samples that is overwritten at once. Never
decides on consent, and never looks at sound before the word.
"""

import numpy as np
import webrtcvad

from ..audio.ring import Ring
from ..events import SAMPLE_RATE, Reason
from .limits import Limits, samples

FRAME = 480
"""30 ms: the longest frame webrtcvad takes."""
AGGRESSIVENESS = 3
"""The strictest of webrtcvad's modes: noise taken for speech keeps the gate open, which is the costlier mistake."""
GUARD_S = 0.35
"""Speech this soon after the word may be its own tail: its end is estimated, and webrtcvad lets go 120 ms late."""
ONSET_FRAMES = 6
"""Frames of speech in a row that count as somebody talking (180 ms, webrtcvad's late 90 ms among them). Measured on 40
single spoken words after the wake: all heard with 3, 6 and 9; short noises taken for speech fall from 23 to 14 to 8."""


class Endpointer:
    """Finds the end of one utterance.

    Parameters
    ----------
    ring : Ring
        Where the sound is.
    limits : Limits
        Trailing silence, no speech, longest utterance.
    first : int
        Index of the first sample of the utterance (pre-roll included).
    word_end : int
        Estimated end of the wake word.
    """

    def __init__(self, ring: Ring, limits: Limits, first: int, word_end: int) -> None:
        self._ring = ring
        self._vad = webrtcvad.Vad(AGGRESSIVENESS)
        self._cursor = max(word_end, ring.start)
        self._listen_from = word_end + samples(GUARD_S)
        self._no_speech_at = word_end + samples(limits.no_speech_s)
        self._last = first + samples(limits.max_utterance_s)
        self._silence_limit = samples(limits.trailing_silence_s)
        self._scratch = np.zeros(FRAME, np.int16)
        self._run = 0
        self._silence = 0
        self._spoke = False

    def advance(self, end: int) -> tuple[int, Reason] | None:
        """Listen up to sample ``end``; return the endpoint and its reason once there is one.

        Returns
        -------
        tuple of (int, Reason) or None
            The index after the utterance's last sample, and ENDPOINT, NO_SPEECH or MAX_LENGTH. Ask no more after it.
        """
        while self._cursor + FRAME <= min(end, self._last):
            talking = self._is_speech(self._cursor)
            self._cursor += FRAME
            reason = self._judge(talking)
            if reason is not None:
                return self._cursor, reason
        return (self._last, Reason.MAX_LENGTH) if end >= self._last else None

    def _judge(self, talking: bool) -> Reason | None:
        if talking and self._cursor > self._listen_from:
            self._run += 1
            self._silence = 0
            self._spoke = self._spoke or self._run >= ONSET_FRAMES
            return None
        self._run = 0
        self._silence += FRAME
        if self._spoke and self._silence >= self._silence_limit:
            return Reason.ENDPOINT
        if not self._spoke and self._cursor >= self._no_speech_at:
            return Reason.NO_SPEECH
        return None

    def _is_speech(self, start: int) -> bool:
        pieces = self._ring.pieces(start, start + FRAME)
        if len(pieces) == 1:  # webrtcvad reads any buffer of bytes in place: no copy
            return bool(self._vad.is_speech(pieces[0].data.cast("B"), SAMPLE_RATE))
        np.concatenate(pieces, out=self._scratch)
        try:
            return bool(self._vad.is_speech(self._scratch.data.cast("B"), SAMPLE_RATE))
        finally:
            self._scratch.fill(0)
