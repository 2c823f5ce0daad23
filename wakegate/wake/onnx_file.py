"""ONNX file: bytes to nodes and constants, for where no ONNX library can be had.

Owns the protobuf wire format of the few messages that a model of ours is made of (onnx.proto, IR 8). Must never guess:
a field, a wire type, an element type or a size that it does not know refuses the file, and nothing is made that is
larger than the file says it holds.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

IR, OPSET = 8, 17
DTYPES: Mapping[int, type[np.generic]] = {1: np.float32, 5: np.int16, 7: np.int64, 10: np.float16}
"""TensorProto.DataType: all that a file of ours holds."""

KINDS = frozenset(
    """Add Cast Concat Constant Conv Div Gather Gemm GreaterOrEqual If Log LogSoftmax MatMul Min Mul Pad ReduceMax
    ReduceMean ReduceSum Relu Reshape Slice Softmax Sub Transpose Unsqueeze""".split()
)
"""Every operator that a model of ours may have, whatever runs it: none that loops, none that reads a file."""

MOST_AXES = 8
MOST_INPUTS, MOST_PARTS = 64, 5000
"""What goes in, states among it; nodes and constants, those of branches too. Each costs engines memory of its own, and
some of them look at every pair: thousands of tiny ones would take minutes to load. Ours has 9 and 324, and with as
many words of one's own as a manifest may name 61 and 4822."""
_VARINT, _BYTES = 0, 2  # wire types
_INT, _INTS, _TENSOR, _GRAPH = 2, 7, 4, 5  # AttributeProto.AttributeType


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """Element type and sizes of an input or output; a size that the file leaves open is None."""

    dtype: type[np.generic]
    shape: tuple[int | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Node:
    """One operation: its kind, the names it reads, the name it makes, its attributes."""

    kind: str
    inputs: tuple[str, ...]
    output: str
    attributes: Mapping[str, "int | tuple[int, ...] | NDArray[Any] | Graph"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Graph:
    """Nodes in the order in which they run, constants, and what goes in and out."""

    nodes: tuple[Node, ...]
    constants: Mapping[str, NDArray[Any]]
    inputs: Mapping[str, Form]
    outputs: Mapping[str, Form]


def parse(data: bytes) -> Graph:
    """Return the graph of a model.

    Parameters
    ----------
    data : bytes
        The file.

    Raises
    ------
    ValueError
        For whatever is not known, cut off or contradicts itself.
    """
    try:
        model = _message(
            memoryview(data),
            {1: ("ir", _VARINT, int), 2: ("producer", _BYTES, _text), 7: ("graph", _BYTES, _graph),
             8: ("opsets", _BYTES, _opset)},
        )  # fmt: skip
    except RecursionError as error:
        raise ValueError("messages lie too deep in one another") from error
    if model["ir"] != [IR] or model["opsets"] != [OPSET]:
        raise ValueError(f"IR version {model['ir']}, operator set {model['opsets']}: [{IR}] and [{OPSET}] are known")
    graph: Graph = _one(model, "graph")
    if len(graph.inputs) > MOST_INPUTS or _parts(graph) > MOST_PARTS:
        raise ValueError(
            f"it has {len(graph.inputs)} inputs, {_parts(graph)} nodes and constants: at most {MOST_INPUTS} and "
            f"{MOST_PARTS} are loaded"
        )
    return graph


def _parts(graph: Graph) -> int:
    """Return how many nodes and constants a graph has, with those of its branches."""
    inner = (value for node in graph.nodes for value in node.attributes.values() if isinstance(value, Graph))
    return len(graph.nodes) + len(graph.constants) + sum(map(_parts, inner))


_Fields = Mapping[int, tuple[str, int, Callable[[Any], Any]]]
"""By number: name, wire type, and what makes a value of it."""


def _message(data: memoryview, fields: _Fields) -> dict[str, list[Any]]:
    """Return every field's values, in the order in which they came."""
    found: dict[str, list[Any]] = {name: [] for name, _, _ in fields.values()}
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        if number not in fields:
            raise ValueError(f"a field of number {number} beside {', '.join(found)}")
        name, expected, value = fields[number]
        if wire == _VARINT == expected:
            raw, at = _varint(data, at)
            found[name].append(value(raw))
        elif wire == _BYTES:
            length, at = _varint(data, at)
            piece, at = data[at : at + length], at + length
            if at > len(data):
                raise ValueError(f"{name!r} is cut off")
            # Numbers that repeat may come packed into one piece.
            found[name].extend([value(piece)] if expected == wire else [value(one) for one in _packed(piece)])
        else:
            raise ValueError(f"{name!r} is of a wire type that it never has")
    return found


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    """Return an unsigned number and where the next byte is."""
    number = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise ValueError("a number is cut off")
        number |= (data[at] & 0x7F) << shift
        at += 1
        if data[at - 1] < 0x80:
            break
    else:
        raise ValueError("a number has no end")
    if number >= 1 << 64:
        raise ValueError("a number has more than 64 bits")
    return number, at


def _packed(data: memoryview) -> Iterator[int]:
    at = 0
    while at < len(data):
        number, at = _varint(data, at)
        yield number


def _signed(number: int) -> int:
    return number - (1 << 64) if number >= 1 << 63 else number


def _text(data: memoryview) -> str:
    return bytes(data).decode("utf-8")  # UnicodeDecodeError is a ValueError


def _one(found: Mapping[str, Sequence[Any]], name: str) -> Any:
    """Return the one value of a field that must be there once."""
    if len(found[name]) != 1:
        raise ValueError(f"{name!r} is there {len(found[name])} times, not once")
    return found[name][0]


def _opset(data: memoryview) -> int:
    found = _message(data, {1: ("domain", _BYTES, _text), 2: ("version", _VARINT, int)})
    if any(found["domain"]):
        raise ValueError(f"operators of {found['domain'][0]!r}")
    version: int = _one(found, "version")
    return version


def _graph(data: memoryview) -> Graph:
    found = _message(
        data,
        {1: ("nodes", _BYTES, _node), 2: ("name", _BYTES, _text), 5: ("constants", _BYTES, _tensor),
         11: ("inputs", _BYTES, _value), 12: ("outputs", _BYTES, _value)},
    )  # fmt: skip
    return Graph(
        nodes=tuple(found["nodes"]),
        constants=_unique(found["constants"]),
        inputs=_unique(found["inputs"]),
        outputs=_unique(found["outputs"]),
    )


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    named = dict(pairs)
    if len(named) != len(pairs) or "" in named:
        raise ValueError("a name is there twice, or is empty")
    return named


def _node(data: memoryview) -> Node:
    found = _message(
        data,
        {1: ("inputs", _BYTES, _text), 2: ("outputs", _BYTES, _text), 3: ("name", _BYTES, _text),
         4: ("kind", _BYTES, _text), 5: ("attributes", _BYTES, _attribute)},
    )  # fmt: skip
    kind = _one(found, "kind")
    if kind not in KINDS:
        raise ValueError(f"{kind!r} is no operator of wakegate's models")
    attributes = _unique(found["attributes"])
    if kind == "Cast" and attributes.get("to") != 1:  # whole numbers made of sound could be sizes
        raise ValueError("it casts to another type than float")
    return Node(kind=kind, inputs=tuple(found["inputs"]), output=_one(found, "outputs"), attributes=attributes)


def _attribute(data: memoryview) -> tuple[str, int | tuple[int, ...] | NDArray[Any] | Graph]:
    found = _message(
        data,
        {1: ("name", _BYTES, _text), 3: ("i", _VARINT, _signed), 5: ("t", _BYTES, _tensor), 6: ("g", _BYTES, _graph),
         8: ("ints", _VARINT, _signed), 20: ("type", _VARINT, int)},
    )  # fmt: skip
    kind, ints = _one(found, "type"), tuple(found["ints"])
    if kind not in (_INT, _INTS, _TENSOR, _GRAPH):
        raise ValueError(f"an attribute of type {kind}")
    field = {_INT: "i", _INTS: "ints", _TENSOR: "t", _GRAPH: "g"}[kind]
    if any(found[other] for other in ("i", "ints", "t", "g") if other != field):
        raise ValueError("an attribute holds more than its type says")
    if kind == _INTS:
        return _one(found, "name"), ints
    value = _one(found, field)
    return _one(found, "name"), value[1] if kind == _TENSOR else value


def _tensor(data: memoryview) -> tuple[str, NDArray[Any]]:
    found = _message(
        data,
        {1: ("dims", _VARINT, _signed), 2: ("dtype", _VARINT, _dtype), 8: ("name", _BYTES, _text),
         9: ("raw", _BYTES, memoryview)},
    )  # fmt: skip
    dims, dtype, raw = found["dims"], _one(found, "dtype"), _one(found, "raw")
    if len(dims) > MOST_AXES or any(size < 1 for size in dims):
        raise ValueError(f"a constant of shape {dims}")
    if math.prod(dims) * np.dtype(dtype).itemsize != len(raw):
        raise ValueError(f"a constant of shape {dims} in {len(raw)} bytes")
    little = np.dtype(dtype).newbyteorder("<")
    return (found["name"] or [""])[0], np.frombuffer(bytes(raw), little).reshape(dims).astype(dtype, copy=False)


def _dtype(number: int) -> type[np.generic]:
    if number not in DTYPES:
        raise ValueError(f"elements of type {number}")
    return DTYPES[number]


def _value(data: memoryview) -> tuple[str, Form]:
    found = _message(data, {1: ("name", _BYTES, _text), 2: ("type", _BYTES, _type)})
    return _one(found, "name"), _one(found, "type")


def _type(data: memoryview) -> Form:
    tensor = _one(_message(data, {1: ("tensor", _BYTES, _form)}), "tensor")
    assert isinstance(tensor, Form)
    return tensor


def _form(data: memoryview) -> Form:
    found = _message(data, {1: ("dtype", _VARINT, _dtype), 2: ("shape", _BYTES, _shape)})
    return Form(dtype=_one(found, "dtype"), shape=_one(found, "shape"))


def _shape(data: memoryview) -> tuple[int | None, ...]:
    sizes = tuple(_message(data, {1: ("sizes", _BYTES, _size)})["sizes"])
    if len(sizes) > MOST_AXES:
        raise ValueError(f"{len(sizes)} axes")
    return sizes


def _size(data: memoryview) -> int | None:
    found = _message(data, {1: ("number", _VARINT, _signed), 2: ("open", _BYTES, _text)})
    if len(found["number"]) + len(found["open"]) != 1:
        raise ValueError("a size is not said once")
    return found["number"][0] if found["number"] else None
