"""Session: what the Scorer asks of an engine, and what every engine checks before it runs a model.

Owns the seam between samples and scores. Must know no engine: :mod:`wakegate.wake.engine` chooses one.
"""

import math
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..audio.memory import PrivateMemory
from ..errors import ModelMismatchError
from .manifest import Manifest

MOST_VALUES = 1 << 22
"""An array of more is no wake word model's."""
Form = tuple[str, *tuple[object, ...]]
"""Element type as ONNX names it, then the sizes; what is no whole number is a size that the graph leaves open."""


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


def state_of(manifest: Manifest, inputs: Mapping[str, Form], outputs: Mapping[str, Form]) -> dict[str, tuple[int, ...]]:
    """Return the shape of every state tensor, after checking that the graph is what the manifest says.

    Raises
    ------
    ModelMismatchError
        If it is not. Each state NAME goes in as that, and comes out as NAME_next in the same form.
    """
    steps = manifest.chunk // manifest.step
    state = {name: form[1:] for name, form in inputs.items() if name != "pcm"}
    expected: dict[str, Form] = {
        "pcm": ("tensor(int16)", 1, manifest.chunk),
        "scores": ("tensor(float)", 1, steps, len(manifest.words)),
    }
    for name, shape in state.items():
        # A size that the graph leaves open has no number here: no array could be made for it.
        whole = tuple(size if isinstance(size, int) else "a number" for size in shape)
        expected |= {name: ("tensor(float)", *whole), f"{name}_next": ("tensor(float)", *whole)}
    found = {**inputs, **outputs}
    for name, meant in expected.items():
        if found.get(name) != meant:
            raise ModelMismatchError(
                f"{manifest.path} has {name!r} as {found.get(name)}, its manifest means {meant}: reinstall it"
            )
    shapes = {name: tuple(size for size in shape if isinstance(size, int)) for name, shape in state.items()}
    some = all(size > 0 for shape in shapes.values() for size in shape)
    if not some or sum(map(math.prod, shapes.values())) > MOST_VALUES:
        raise ModelMismatchError(f"{manifest.path} has a state that is empty or absurdly large: reinstall it")
    return shapes


def private(shape: tuple[int, ...], dtype: type[np.generic] = np.float32) -> NDArray[Any]:
    """Zeros in memory of our own, locked and kept out of core dumps where the OS allows: samples pass through it."""
    count = math.prod(shape)
    return PrivateMemory(count * np.dtype(dtype).itemsize).array(dtype, count).reshape(shape)
