"""Operators: what each ONNX operator of our models is in numpy.

Owns the meaning of the operators (onnx.ai, operator set 17), each only in the form that our models use: an attribute,
an element type or a shape outside it refuses the model. Nothing is computed here. An operator either returns a view of
what it reads, which costs nothing later, or writes down calls that fill an array made beforehand: running a model is
then nothing but these calls, and sound passes only through memory that can be overwritten.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from .numpy_tape import Array, Tape, spread
from .onnx_file import MOST_AXES, Node
from .session import MOST_VALUES

_MOST_GROUPS = 32
"""Of a convolution: each is a call of its own."""
_ZERO = np.zeros((), np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """How it is written down; how many arrays it reads, how many lists of whole numbers (and how long) behind them."""

    build: Callable[..., Array]
    arrays: tuple[int, ...] = (1,)
    numbers: tuple[int, ...] = (0,)
    longest: int = 2 * MOST_AXES
    attributes: frozenset[str] = frozenset()
    reads: tuple[type[np.generic], ...] = (np.float32,)


def write(node: Node, given: list[Array], tape: Tape) -> Array:
    """Write one node down and return what it makes; ValueError for one that is not known, or not in this form."""
    operator = OPERATORS[node.kind]
    # The numbers that say where and how come last, are whole, and only ever constants: nothing makes such numbers.
    lists = next((count for count in operator.numbers if len(given) - count in operator.arrays), None)
    if lists is None or not set(node.attributes) <= operator.attributes:
        raise ValueError(f"it has {len(given)} inputs and the attributes {sorted(node.attributes)}")
    values = given[: len(given) - lists]
    where = [_numbers(array, operator.longest) for array in given[len(values) :]]
    if any(array.dtype not in operator.reads for array in values):
        raise ValueError(f"it reads elements of types {[str(array.dtype) for array in values]}")
    return operator.build(tape, node, *values, *where)


def _numbers(array: Array, longest: int) -> tuple[int, ...]:
    if array.dtype != np.int64 or array.ndim != 1 or len(array) > longest:
        raise ValueError("its whole numbers are no short list")
    return tuple(array.tolist())


def _number(node: Node, name: str) -> int:
    value = node.attributes.get(name)
    if not isinstance(value, int):
        raise ValueError(f"it has no number {name!r}")
    return value


def _axis(node: Node, array: Array) -> int:
    axis = _number(node, "axis")
    if not 0 <= axis < array.ndim:
        raise ValueError(f"it has no axis {axis}")
    return axis


def _listed(node: Node, name: str, usual: tuple[int, ...]) -> tuple[int, ...]:
    """Return an attribute that is a list as long as the usual one."""
    value = node.attributes.get(name, usual)
    if not isinstance(value, tuple) or len(value) != len(usual) or not all(0 <= one <= MOST_VALUES for one in value):
        raise ValueError(f"its {name!r} is {value!r}")
    return value


# Views.


def _slice(_: Tape, __: Node, x: Array, *where: tuple[int, ...]) -> Array:
    firsts, lasts, axes, *steps = where
    cuts = [slice(None)] * x.ndim
    for first, last, axis, step in zip(firsts, lasts, axes, steps[0] if steps else (1,) * len(axes), strict=True):
        if not 0 <= axis < x.ndim or cuts[axis] != slice(None):
            raise ValueError(f"it has no axis {axis}, or cuts it twice")
        cuts[axis] = slice(first, last, step)
    return x[tuple(cuts)]


def _transpose(_: Tape, node: Node, x: Array) -> Array:
    return x.transpose(_listed(node, "perm", tuple(range(x.ndim))))


def _unsqueeze(_: Tape, __: Node, x: Array, axes: tuple[int, ...]) -> Array:
    return np.expand_dims(x, axes)


def _reshape(tape: Tape, _: Node, x: Array, shape: tuple[int, ...]) -> Array:
    if math.prod(shape) != x.size or any(size < 1 for size in shape):
        raise ValueError(f"it gives {x.shape} the shape {shape}")
    seen = x.reshape(shape)
    return seen if np.shares_memory(seen, x) else tape.copy(x).reshape(shape)


# Calls.


def _elementwise(function: Callable[..., object], dtype: type[np.generic] = np.float32) -> Callable[..., Array]:
    def build(tape: Tape, _: Node, *given: Array) -> Array:
        shape = np.broadcast_shapes(*(one.shape for one in given))
        out = tape.result(shape, dtype)
        tape.call(function, *(spread(one, shape) for one in given), out=out)
        return out

    return build


def _cast(tape: Tape, _: Node, x: Array) -> Array:
    return tape.copy(x)  # to float: the file says nothing else


def _relu(tape: Tape, _: Node, x: Array) -> Array:
    out = tape.result(x.shape)
    tape.call(np.maximum, x, _ZERO, out=out)
    return out


def _concat(tape: Tape, node: Node, *given: Array) -> Array:
    axis = _axis(node, given[0])
    if any(x.shape[:axis] + x.shape[axis + 1 :] != given[0].shape[:axis] + given[0].shape[axis + 1 :] for x in given):
        raise ValueError(f"it joins shapes {[x.shape for x in given]}")
    sizes = given[0].shape
    out = tape.new((*sizes[:axis], sum(x.shape[axis] for x in given), *sizes[axis + 1 :]))
    tape.call(np.concatenate, given, axis, out=out)
    return out


def _gather(tape: Tape, node: Node, x: Array, picked: tuple[int, ...]) -> Array:
    axis = _axis(node, x)
    if not all(0 <= one < x.shape[axis] for one in picked):
        raise ValueError(f"it picks {picked!r:.40} of {x.shape[axis]}")
    out = tape.new((*x.shape[:axis], len(picked), *x.shape[axis + 1 :]))
    x = x if x.flags.c_contiguous else tape.copy(x)  # else numpy would copy it, to where nothing is overwritten
    # The array's own method, and "clip", for speed: every row is there.
    tape.calls.append(partial(x.take, np.array(picked), axis, out, "clip"))
    return out


def _matmul(tape: Tape, _: Node, a: Array, b: Array) -> Array:
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[0]:
        raise ValueError(f"it multiplies {a.shape} by {b.shape}")
    out = tape.result((a.shape[0], b.shape[1]))
    # np.dot calls the same product with less around it, but copies what does not lie in order.
    ordered = all(one.flags.c_contiguous and min(one.strides) > 0 for one in (a, b, out))
    tape.call(np.dot if ordered else np.matmul, a, b, out=out)
    return out


def _gemm(tape: Tape, node: Node, a: Array, b: Array, c: Array) -> Array:
    out = _matmul(tape, node, a, b)
    if np.broadcast_shapes(out.shape, c.shape) != out.shape:
        raise ValueError(f"it adds {c.shape} to {out.shape}")
    tape.call(np.add, out, spread(c, out.shape), out=out)
    return out


def _padded(tape: Tape, x: Array, before: tuple[int, ...], after: tuple[int, ...]) -> Array:
    if not any(before + after):
        return x
    out = tape.new(tuple(b + size + a for b, size, a in zip(before, x.shape, after, strict=True)))
    tape.copy(x, out[tuple(slice(b, b + size) for b, size in zip(before, x.shape, strict=True))])
    return out


def _pad(tape: Tape, _: Node, x: Array, edges: tuple[int, ...]) -> Array:
    if len(edges) != 2 * x.ndim or not all(0 <= edge <= MOST_VALUES for edge in edges):
        raise ValueError(f"it pads {x.shape} by {edges}")
    return _padded(tape, x, edges[: x.ndim], edges[x.ndim :])


def _conv(tape: Tape, node: Node, x: Array, weight: Array, bias: Array) -> Array:
    """Every place's window becomes a column; the weights times these columns are the convolution, group by group."""
    axes, (made, channels, *kernel) = x.ndim - 2, weight.shape
    groups = _number(node, "group") if "group" in node.attributes else 1
    fits = 0 < groups <= _MOST_GROUPS and made % groups == 0 and x.shape[:2] == (1, groups * channels)
    if axes < 1 or not fits or len(kernel) != axes or bias.shape != (made,):
        raise ValueError(f"it convolves {x.shape} with {weight.shape} and adds {bias.shape}")
    strides, dilations = (_listed(node, name, (1,) * axes) for name in ("strides", "dilations"))
    pads = _listed(node, "pads", (0,) * 2 * axes)
    x = _padded(tape, x, (0, 0, *pads[:axes]), (0, 0, *pads[axes:]))
    spans = [(size - 1) * dilation + 1 for size, dilation in zip(kernel, dilations, strict=True)]
    if min(*strides, *dilations) < 1 or any(span > size for span, size in zip(spans, x.shape[2:], strict=True)):
        raise ValueError(f"its windows of {spans} in steps of {strides} do not fit into {x.shape}")
    along = tuple(range(1, axes + 1))
    every = tuple(slice(None, None, step) for step in (1, *strides, *dilations))
    windows = np.moveaxis(sliding_window_view(x[0], spans, along)[every], along, range(-axes, 0))
    places = windows.shape[-axes:]
    rows = channels * math.prod(kernel)
    columns = tape.copy(windows, tape.short_lived(windows.shape)).reshape(groups * rows, -1)
    out, every_weight, each = tape.new((made, math.prod(places))), weight.reshape(made, -1), made // groups
    for group in range(groups):
        own = slice(group * each, (group + 1) * each)
        tape.call(np.matmul, every_weight[own], columns[group * rows : (group + 1) * rows], out=out[own])
    tape.call(np.add, out, bias[:, None], out=out)
    return out.reshape(1, made, *places)


def _reduced(tape: Tape, ufunc: np.ufunc, x: Array, axes: tuple[int, ...], keep: bool) -> Array:
    if len(set(axes)) != len(axes) or not all(0 <= axis < x.ndim for axis in axes):
        raise ValueError(f"it reduces {x.shape} along {axes}")
    left = tuple(1 if axis in axes else size for axis, size in enumerate(x.shape) if keep or axis not in axes)
    out = tape.new(left)
    tape.calls.append(partial(ufunc.reduce, x, axes, None, out, keepdims=keep))
    return out


def _reduce(tape: Tape, node: Node, x: Array, axes: tuple[int, ...] | None = None) -> Array:
    """Reduce along some axes or all; they are an input of ReduceSum, and an attribute of the others."""
    keep = _number(node, "keepdims") if "keepdims" in node.attributes else 1
    named = node.attributes.get("axes", axes)
    along = tuple(range(x.ndim)) if named is None else named
    if keep not in (0, 1) or not isinstance(along, tuple) or not along:
        raise ValueError(f"it reduces along {along!r} and keeps {keep}")
    out = _reduced(tape, np.maximum if node.kind == "ReduceMax" else np.add, x, along, bool(keep))
    if node.kind == "ReduceMean":
        tape.call(np.divide, out, np.float32(math.prod(x.shape[axis] for axis in along)), out=out)
    return out


def _softmax(tape: Tape, node: Node, x: Array) -> Array:
    """Less the highest first, so that nothing overflows; LogSoftmax is the same without leaving the logarithm."""
    axis, chances = _axis(node, x), tape.new(x.shape)
    tape.call(np.subtract, x, _reduced(tape, np.maximum, x, (axis,), True), out=chances)
    shares = tape.new(x.shape)
    tape.call(np.exp, chances, out=shares)
    total = _reduced(tape, np.add, shares, (axis,), True)
    if node.kind == "Softmax":
        tape.call(np.divide, shares, total, out=shares)
        return shares
    tape.call(np.log, total, out=total)
    tape.call(np.subtract, chances, total, out=chances)
    return chances


OPERATORS: Mapping[str, Operator] = {
    "Add": Operator(build=_elementwise(np.add), arrays=(2,)),
    "Cast": Operator(build=_cast, attributes=frozenset({"to"}), reads=(np.int16, np.float16, np.float32)),
    "Concat": Operator(build=_concat, arrays=(2, 3, 4), attributes=frozenset({"axis"})),
    "Conv": Operator(build=_conv, arrays=(3,), attributes=frozenset({"dilations", "group", "pads", "strides"})),
    "Div": Operator(build=_elementwise(np.divide), arrays=(2,)),
    "Gather": Operator(build=_gather, numbers=(1,), longest=1024, attributes=frozenset({"axis"})),
    "Gemm": Operator(build=_gemm, arrays=(3,)),
    "GreaterOrEqual": Operator(build=_elementwise(np.greater_equal, np.bool_), arrays=(2,)),
    "Log": Operator(build=_elementwise(np.log)),
    "LogSoftmax": Operator(build=_softmax, attributes=frozenset({"axis"})),
    "MatMul": Operator(build=_matmul, arrays=(2,)),
    "Min": Operator(build=_elementwise(np.minimum), arrays=(2,)),
    "Mul": Operator(build=_elementwise(np.multiply), arrays=(2,)),
    "Pad": Operator(build=_pad, numbers=(1,)),
    "ReduceMax": Operator(build=_reduce, attributes=frozenset({"axes", "keepdims"})),
    "ReduceMean": Operator(build=_reduce, attributes=frozenset({"axes", "keepdims"})),
    "ReduceSum": Operator(build=_reduce, numbers=(1,), attributes=frozenset({"keepdims"})),
    "Relu": Operator(build=_relu),
    "Reshape": Operator(build=_reshape, numbers=(1,)),
    "Slice": Operator(build=_slice, numbers=(3, 4)),
    "Softmax": Operator(build=_softmax, attributes=frozenset({"axis"})),
    "Sub": Operator(build=_elementwise(np.subtract), arrays=(2,)),
    "Transpose": Operator(build=_transpose, attributes=frozenset({"perm"})),
    "Unsqueeze": Operator(build=_unsqueeze, numbers=(1,)),
}
"""All that a file may hold but Constant and If, which :mod:`wakegate.wake.numpy_session` sees to."""
