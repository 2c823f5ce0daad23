"""Sound: the recordings of a corpus, one after the other, finished for an engine.

Owns the position in an open file, so that a long file of many stretches is not decoded anew for each. What is made on
the fly comes from :mod:`conditions.make`, and an engine cannot tell. Memory stays flat.
"""

from collections.abc import Iterator

from ..audio.block import Samples
from ..audio.files import FileSource
from ..errors import FormatError
from ..events import SAMPLE_RATE
from ..wake import sweep
from .conditions import make
from .recording import Recording


class Sound:
    """Streams recordings; quickest in the order of a corpus. Use as a context manager."""

    def __init__(self) -> None:
        self._source: FileSource | None = None
        self._pieces: Iterator[Samples] = iter(())
        self._path: object = None
        self._rest: Samples | None = None
        self._at = 0

    def __enter__(self) -> "Sound":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the open file, if any."""
        if self._source is not None:
            self._source.close()
        self._source = self._path = self._rest = None

    def of(self, recording: Recording) -> Iterator[Samples]:
        """Yield a recording as (n,) int16 views, each valid until the next.

        Raises
        ------
        FormatError
            If the file is damaged, or has become shorter than its header said.
        """
        return self._as_it_is(recording) if recording.made is None else make.samples(recording)

    def _as_it_is(self, recording: Recording) -> Iterator[Samples]:
        if self._path != recording.audio or self._at > recording.first:
            self.close()
            self._source = FileSource(recording.audio)
            self._pieces = sweep.pieces(self._source)
            self._path, self._at = recording.audio, 0
        end = recording.first + recording.length
        while self._at < end:
            piece = self._rest if self._rest is not None else next(self._pieces, None)
            if piece is None:
                # A resampled file may end a few samples beside what its header says.
                if end - self._at > SAMPLE_RATE // 50:
                    raise FormatError(f"{recording.audio} ends after {self._at / SAMPLE_RATE:.2f} s: copy it again")
                return
            goal = recording.first if self._at < recording.first else end
            taken = min(len(piece), goal - self._at)
            self._rest = piece[taken:] if taken < len(piece) else None
            self._at += taken
            if goal == end:
                yield piece[:taken]
