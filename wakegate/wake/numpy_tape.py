"""Tape: what a graph comes to in numpy, calls and the arrays that they fill.

Owns where arrays lie: all of them are made beforehand, in memory of our own, so that sound passes through nothing that
cannot be overwritten. Must know no operator.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .onnx_file import MOST_AXES
from .session import MOST_VALUES, private

Array = NDArray[Any]
MUCH = 1 << 10
"""Values: the time that more of them take is no call's overhead any longer."""


@dataclass(slots=True)
class Tape:
    """The calls of a graph, in order, and the arrays that they fill, all in ``memory``; ``spare`` ones are shared.

    ``place`` is where the node that is written down next is asked to leave what it makes. Arrays that cannot be written
    to are constants.
    """

    memory: Callable[[tuple[int, ...], type[np.generic]], Array] = private
    calls: list[Callable[[], object]] = field(default_factory=list)
    arrays: list[Array] = field(default_factory=list)
    spare: list[Array] = field(default_factory=list)
    place: Array | None = None

    def new(self, shape: tuple[int, ...], dtype: type[np.generic] = np.float32) -> Array:
        """Make an array of zeros; ValueError if it is empty or absurdly large."""
        if len(shape) > MOST_AXES or not 1 <= math.prod(shape) <= MOST_VALUES:
            raise ValueError(f"it makes an array of shape {shape}")
        self.arrays.append(self.memory(shape, dtype))
        return self.arrays[-1]

    def result(self, shape: tuple[int, ...], dtype: type[np.generic] = np.float32) -> Array:
        """Return an array for what a node makes: there where it was asked to lie, if it fits."""
        place, self.place = self.place, None
        fits = place is not None and place.shape == shape and place.dtype == dtype
        return place if place is not None and fits else self.new(shape, dtype)

    def short_lived(self, shape: tuple[int, ...]) -> Array:
        """Return an array that holds what is put there only until the next one is asked for: most share memory."""
        if not self.spare or self.spare[-1].size < math.prod(shape):
            self.spare.append(self.new((math.prod(shape),)))
        return self.spare[-1][: math.prod(shape)].reshape(shape)

    def call(self, function: Callable[..., object], *given: object, out: Array) -> None:
        """Write down a call that fills ``out``; named, this argument would cost a third of a small call."""
        named = function in (np.maximum, np.minimum)  # numpy wants it so, from 2.3 on
        self.calls.append(partial(function, *given, out=out) if named else partial(function, *given, out))

    def copy(self, source: Array, out: Array | None = None) -> Array:
        """Write down that an array, a new one in C order if none is given, is filled with this one."""
        out = self.new(source.shape) if out is None else out
        self.calls.append(partial(np.copyto, out, source))
        return out


def spread(x: Array, shape: tuple[int, ...]) -> Array:
    """Return a constant as large as what it is added to, unless that is much: numpy takes half the time for it."""
    if x.flags.writeable or x.shape == shape or math.prod(shape) > MUCH:
        return x
    return x.reshape(()) if x.size == 1 else np.broadcast_to(x, shape).copy()
