"""Session: what the Scorer asks of an engine, and what every engine checks before it runs a model.

Owns the seam between samples and scores. Must know no engine: :mod:`wakegate.wake.engine` chooses one.
"""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ..audio.memory import PrivateMemory
from ..errors import ModelMismatchError
from .manifest import Manifest

BEFORE = "_before"
TURNS = 8
"""Runs of a session until its state is moved: its memory holds at most as many chunks more than a run reads."""
MOST_VALUES = 1 << 22
"""An array of more is no wake word model's."""
Form = tuple[str, *tuple[object, ...]]
"""Element type as ONNX names it, then the sizes; what is no whole number is a size that the graph leaves open."""


class Sizes(NamedTuple):
    """Of a state: rows that a run reads, rows that it makes, values a row."""

    before: int
    new: int
    width: int


class Session(Protocol):
    """A model, loaded by some engine, and its state: samples are written into it, and scores are read out of it."""

    @property
    def pcm(self) -> NDArray[np.int16]:
        """(1, chunk) int16: the caller's to write."""

    @property
    def scores(self) -> NDArray[np.float32]:
        """(1, steps, words) float32 of the chunk that was run last."""

    @property
    def version(self) -> str:
        """The engine's name and version."""

    def run(self) -> None:
        """Turn ``pcm`` and the state into ``scores`` and the next state."""

    def forget(self) -> None:
        """Begin a new stream: overwrite samples, scores, state and whatever else came of them with zeros."""


def state_of(manifest: Manifest, inputs: Mapping[str, Form], outputs: Mapping[str, Form]) -> dict[str, Sizes]:
    """Return the sizes of every state by the output that it is made of, after checking the whole graph.

    An input X_before holds the last rows of the output X, however many runs they are of. ``pcm`` may begin with samples
    of the chunk before: frames overlap.

    Raises
    ------
    ModelMismatchError
        If the graph is not what the manifest says.
    """
    forms = {**inputs, **outputs}
    both, strange = inputs.keys() & outputs.keys(), [n for n in inputs if n != "pcm" and not n.endswith(BEFORE)]
    for name in sorted(both) + strange:
        raise ModelMismatchError(f"{manifest.path} has an input {name!r} that is no state of its graph: reinstall it")

    def check(name: str, meant: Form) -> None:
        if forms.get(name) != meant:
            raise ModelMismatchError(
                f"{manifest.path} has {name!r} as {forms.get(name)}, its manifest means {meant}: reinstall it"
            )

    _, length = _sizes(inputs.get("pcm", ("nothing",)))
    check("pcm", ("tensor(int16)", 1, min(max(length, manifest.chunk), 2 * manifest.chunk)))
    check("scores", ("tensor(float)", 1, manifest.chunk // manifest.step, len(manifest.words)))
    state = {}
    for name in sorted(inputs.keys() - {"pcm"}):
        made = name.removesuffix(BEFORE)
        before, width = _sizes(inputs[name])
        new, _ = _sizes(outputs.get(made, ("nothing",)))
        check(made + BEFORE, ("tensor(float)", before, width))
        check(made, ("tensor(float)", new, width))
        state[made] = Sizes(before, new, width)
    if sum((size.before + TURNS * size.new) * size.width for size in state.values()) > MOST_VALUES:
        raise ModelMismatchError(f"{manifest.path} has a state that is absurdly large: reinstall it")
    return state


def _sizes(form: Form) -> tuple[int, int]:
    """Return rows and width: one where there is no such size, so that no form is what was meant."""
    sizes = [size if isinstance(size, int) and size > 0 else 1 for size in form[1:]]
    return (sizes[0], sizes[1]) if len(sizes) == 2 else (1, 1)


class Pcm:
    """Samples of a chunk, and of the one before as far as frames overlap; in memory of our own.

    Attributes
    ----------
    whole : (1, overlap + chunk) int16
        What the graph reads.
    chunk : (1, chunk) int16
        The caller's to write.
    """

    def __init__(self, length: int, chunk: int) -> None:
        self.whole: NDArray[np.int16] = private((1, length), np.int16)
        self.chunk = self.whole[:, length - chunk :]
        self._first, self._last = self.whole[0, : length - chunk], self.whole[0, chunk:]

    def keep(self) -> None:
        """Keep the chunk's end for the next run."""
        self._first[:] = self._last


def private(shape: tuple[int, ...], dtype: type[np.generic] = np.float32) -> NDArray[Any]:
    """Zeros in memory of our own, locked and kept out of core dumps where the OS allows: samples pass through it."""
    count = math.prod(shape)
    return PrivateMemory(count * np.dtype(dtype).itemsize).array(dtype, count).reshape(shape)
