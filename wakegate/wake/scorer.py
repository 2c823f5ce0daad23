"""Scorer: samples to scores, streaming.

Owns the samples of a chunk that is not complete yet; the network's state is its session's, and ``reset`` overwrites
both. The network always runs in the same step, so the scores do not depend on how the samples came. Must never hold
more audio than one chunk and the overlap of frames before it.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..errors import FormatError
from . import engine as engines
from .manifest import Manifest


class Scorer:
    """A loaded model and its streaming state.

    Parameters
    ----------
    manifest : Manifest
        What to load; its sha256 is checked.
    words : sequence of str
        Words to score, in the order of the score's columns.
    engine : str, optional
        ``onnxruntime`` or ``numpy``; by default the first where it is installed.

    Attributes
    ----------
    chunks : int
        Chunks of sound scored since it was made: that it grows shows that the ear works.

    Raises
    ------
    ModelError
        If a word or the engine is unknown, or the model cannot be run.
    ModelMismatchError
        If the file is not what its manifest says.
    """

    def __init__(self, manifest: Manifest, words: Sequence[str], engine: str | None = None) -> None:
        self.manifest = manifest
        self.chunks = 0
        self.retune(words)
        self._session = engines.session(manifest, engine)
        self._pcm, self._scores = self._session.pcm[0], self._session.scores[0]  # views, made once
        self._held = 0

    @property
    def step(self) -> int:
        """Samples between two scores."""
        return self.manifest.step

    @property
    def engine(self) -> str:
        """The engine that runs the model, and its version."""
        return self._session.version

    @property
    def needs(self) -> int:
        """Samples to the next score."""
        return self.manifest.chunk - self._held

    def retune(self, words: Sequence[str]) -> None:
        """Score other words of the model from the next chunk on; the stream goes on. ModelError for an unknown one."""
        found = tuple(self.manifest.entry(word).word for word in words)
        known = [entry.word for entry in self.manifest.words]
        self._columns = np.array([known.index(word) for word in found])
        self.words = found

    def push(self, samples: NDArray[np.int16]) -> NDArray[np.float32]:
        """Take samples and return the scores of every step they complete.

        Parameters
        ----------
        samples : (n,) int16
            16 kHz mono, any n.

        Returns
        -------
        (steps, words) float32
            In [0, 1]. Scores come in whole chunks (``manifest.chunk`` samples): often 0 steps for short blocks.

        Raises
        ------
        FormatError
            If the samples are not (n,) int16.
        """
        if not isinstance(samples, np.ndarray) or samples.dtype != np.int16 or samples.ndim != 1:
            kind, shape = getattr(samples, "dtype", type(samples).__name__), np.shape(samples)
            raise FormatError(
                f"samples are {kind} of shape {shape}: give (n,) int16 at 16 kHz "
                f"(for floats: (x * 32767).astype(numpy.int16))"
            )
        chunk = self.manifest.chunk
        runs = (self._held + len(samples)) // chunk
        steps = chunk // self.manifest.step
        out = np.empty((runs * steps, len(self.words)), np.float32)
        at = 0
        for run in range(runs):
            need = chunk - self._held
            self._pcm[self._held :] = samples[at : at + need]
            at += need
            self._held = 0
            self._session.run()
            self.chunks += 1
            # "clip" for speed: every column is there.
            self._scores.take(self._columns, 1, out[run * steps : (run + 1) * steps], "clip")
        rest = len(samples) - at
        self._pcm[self._held : self._held + rest] = samples[at:]
        self._held += rest
        return out

    def reset(self) -> None:
        """Begin a new stream: overwrite the state and every sample held with zeros."""
        self._session.forget()
        self._held = 0
