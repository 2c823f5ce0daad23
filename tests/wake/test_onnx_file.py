"""What the numpy engine reads of a model file, and that it refuses all else. Around 10 s."""

import numpy as np
import pytest

from tests.wake.model import ORIGINAL, copy
from wakegate.errors import ModelError
from wakegate.wake import Scorer, load, onnx_file
from wakegate.wake.numpy_operators import OPERATORS, Tape, write

DATA = ORIGINAL.read_bytes()


@pytest.fixture(scope="module")
def graph():
    return onnx_file.parse(DATA)


def test_the_installed_model_is_read_as_onnx_reads_it(graph):
    onnx = pytest.importorskip("onnx", reason="in the extra train")
    theirs = onnx.load_from_string(DATA).graph
    assert [node.kind for node in graph.nodes] == [node.op_type for node in theirs.node]
    assert [node.inputs for node in graph.nodes] == [tuple(node.input) for node in theirs.node]
    assert [node.output for node in graph.nodes] == [node.output[0] for node in theirs.node]
    assert list(graph.inputs) == [one.name for one in theirs.input]
    assert list(graph.outputs) == [one.name for one in theirs.output]
    assert set(graph.constants) == {one.name for one in theirs.initializer}
    for one in theirs.initializer:
        mine, meant = graph.constants[one.name], onnx.numpy_helper.to_array(one)
        assert mine.dtype == meant.dtype and np.array_equal(mine, meant)
    for mine, node in zip(graph.nodes, theirs.node, strict=True):
        for name, value in mine.attributes.items():
            if not isinstance(value, onnx_file.Graph):
                (meant,) = [onnx.helper.get_attribute_value(a) for a in node.attribute if a.name == name]
                assert value == (tuple(meant) if isinstance(value, tuple) else meant)


# By hand: a message is (number << 3 | wire type), then a number or a length and as many bytes.

NUMBER, BYTES = 0, 2


def field(number, value):
    if isinstance(value, int):
        return bytes([number << 3 | NUMBER]) + varint(value)
    return varint(number << 3 | BYTES) + varint(len(value)) + value


def varint(value):
    value %= 1 << 64
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def tensor(dims=(2, 1), kind=1, raw=b"\0\0\x80\x3f\0\0\0\x40", name=b"c"):
    return b"".join(field(1, size) for size in dims) + field(2, kind) + field(8, name) + field(9, raw)


OPSET = field(2, 17)


def model(*parts, ir=8, opset=OPSET):
    return field(1, ir) + field(7, b"".join(parts)) + field(8, opset)


def test_a_model_by_hand():
    node = field(1, b"c") + field(2, b"y") + field(4, b"Relu")
    attribute = field(1, b"strides") + field(8, 3) + field(8, -1) + varint(20 << 3) + varint(7)
    read = onnx_file.parse(model(field(5, tensor()), field(1, node + field(5, attribute))))
    assert read.constants["c"].tolist() == [[1.0], [2.0]] and read.constants["c"].dtype == np.float32
    assert [(n.kind, n.inputs, n.output, dict(n.attributes)) for n in read.nodes] == [
        ("Relu", ("c",), "y", {"strides": (3, -1)})
    ]


def test_packed_numbers_are_the_same():
    dims = field(1, bytes([2, 1])) + field(2, 1) + field(8, b"c") + field(9, bytes(8))
    assert onnx_file.parse(model(field(5, dims))).constants["c"].shape == (2, 1)


REFUSED = {
    "a field nobody knows": (model() + field(14, b"x"), "a field of number 14"),
    "a newer IR": (model(ir=11), "IR version"),
    "a newer operator set": (model(opset=field(2, 21)), "IR version"),
    "operators of somebody": (model(opset=field(1, b"com.x") + field(2, 1)), "operators of"),
    "no graph": (field(1, 8) + field(8, field(2, 17)), "'graph' is there 0 times"),
    "two graphs": (model() + field(7, b""), "'graph' is there 2 times"),
    "a wire type of groups": (b"\x0b", "wire type"),
    "a text as a number": (field(2, 5) + model(), "wire type"),
    "a number with no end": (b"\x08" + b"\xff" * 10, "no end"),
    "a number of 70 bits": (b"\x08" + b"\xff" * 9 + b"\x7f", "64 bits"),
    "a cut number": (b"\x08\xff", "cut off"),
    "a cut graph": (b"\x3a\x7f\x0a", "cut off"),
    "a length beyond all memory": (b"\x3a" + varint(1 << 62), "cut off"),
    "a name that is no text": (model(field(2, b"\xff\xfe")), "utf-8"),
    "a constant larger than its bytes": (model(field(5, tensor(dims=(1 << 40, 1)))), "a constant of shape"),
    "a constant of negative size": (model(field(5, tensor(dims=(-2, -1)))), "a constant of shape"),
    "a constant with many axes": (model(field(5, tensor(dims=(1,) * 9))), "a constant of shape"),
    "a constant of strings": (model(field(5, tensor(kind=8))), "elements of type 8"),
    "a constant twice": (model(field(5, tensor()), field(5, tensor())), "there twice"),
    "a constant in another file": (model(field(5, tensor() + field(13, b"x"))), "a field of number 13"),
    "an operator that nobody knows": (model(field(1, field(2, b"y") + field(4, b"Relo"))), "'Relo' is no operator"),
    "an operator that may never end": (model(field(1, field(2, b"y") + field(4, b"Loop"))), "'Loop' is no operator"),
    "a node with two outputs": (model(field(1, field(2, b"y") + field(2, b"z") + field(4, b"Relu"))), "2 times"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_known_is_refused(name):
    data, said = REFUSED[name]
    with pytest.raises(ValueError, match=said):
        onnx_file.parse(data)


def test_graphs_in_graphs_without_end_are_refused():
    inner = b""
    for _ in range(5000):
        attribute = field(1, b"then_branch") + field(6, inner) + varint(20 << 3) + varint(5)
        inner = field(1, field(2, b"y") + field(4, b"If") + field(5, attribute))
    with pytest.raises(ValueError, match="too deep"):
        onnx_file.parse(model(inner))


# A whole model, changed. Its hash follows, so that only the reader and the operators stand in the way.


def numpy_loads(folder, change):
    return load(path=copy(folder, graph=change), engine="numpy")


CHANGED = {
    "an unknown attribute": (b"\x0a\x07strides", b"\x0a\x07stridez", "attributes"),
    "a name that nothing makes": (b"\x0a\x05relu3", b"\x0a\x05relv3", "which nothing makes before"),
    "a name made twice": (b"\x12\x05relu3", b"\x12\x05relu2", "there twice"),
    "a convolution in steps of none": (b"\x0a\x07strides@\x02", b"\x0a\x07strides@\x00", "do not fit"),
    "an axis too far": (b"\x0a\x04axis\x18\x02", b"\x0a\x04axis\x18\x09", "no axis 9"),
}


@pytest.mark.parametrize(("kind", "most"), [("Reshape", 16), ("Slice", 16), ("Gather", 1024)])
def test_a_list_of_numbers_is_as_long_as_its_operator_ever_needs(kind, most):
    lists = OPERATORS[kind].numbers[0]
    node = onnx_file.Node(kind=kind, inputs=(), output="y", attributes={})
    with pytest.raises(ValueError, match="no short list"):
        write(node, [np.ones((2, 2), np.float32), *[np.ones(most + 1, np.int64)] * lists], Tape())


def test_an_output_that_nothing_makes_refuses_the_model(tmp_path):
    old = b"\x12\x05means"
    assert DATA.count(old) == 1
    with pytest.raises(ModelError, match=r"nothing makes 'means'|which nothing makes before"):
        numpy_loads(tmp_path, lambda data: data.replace(old, b"\x12\x05meant"))


def test_a_state_that_goes_round_unchanged_or_into_another_is_read_before_it_is_written(tmp_path):
    """Two states of one form, each the next of the other: what was in one is in the other a chunk later."""
    onnx = pytest.importorskip("onnx", reason="in the extra train")

    def swapped(data):
        changed = onnx.load_from_string(data)
        for first, second in (("left_state", "right_state"), ("right_state", "left_state")):
            for values, name in ((changed.graph.input, f"{first}_before"), (changed.graph.output, first)):
                values.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [2, 1]))
            perm = onnx.helper.make_node("Transpose", [f"{second}_before"], [first], perm=[0, 1])
            changed.graph.node.append(perm)
        return changed.SerializeToString()

    scorer = numpy_loads(tmp_path, swapped)
    session = scorer._session
    left, right = (session._state[name].before() for name in ("left_state", "right_state"))
    left[:], right[:] = 1, 2
    scorer.push(np.zeros(scorer.manifest.chunk, np.int16))
    assert left.tolist() == [[2], [2]] and right.tolist() == [[1], [1]]


@pytest.mark.parametrize("name", CHANGED)
def test_an_operator_that_is_not_known_wholly_refuses_the_model(tmp_path, name):
    old, new, said = CHANGED[name]
    assert old in DATA
    with pytest.raises(ModelError, match=rf"cannot be loaded by numpy .*at '\w+' \(\w+\).*{said}"):
        numpy_loads(tmp_path, lambda data: data.replace(old, new, 1))


def test_a_cast_to_whole_numbers_refuses_the_model_whatever_runs_it(tmp_path):
    old, new = b"\x0a\x02to\x18\x01", b"\x0a\x02to\x18\x05"
    assert old in DATA
    with pytest.raises(ModelError, match="no model that wakegate loads: it casts to another type than float"):
        numpy_loads(tmp_path, lambda data: data.replace(old, new, 1))


def structure(graph):
    """Return where the bytes lie that are no weights."""
    inside = np.ones(len(DATA), bool)
    for constants in (
        graph.constants,
        *(b.constants for n in graph.nodes for b in n.attributes.values() if is_graph(b)),
    ):
        for array in constants.values():
            if array.nbytes > 64:
                at = DATA.index(array.tobytes())
                inside[at : at + array.nbytes] = False
    return np.flatnonzero(inside)


def is_graph(value):
    return isinstance(value, onnx_file.Graph)


@pytest.mark.parametrize("seed", range(60))
def test_a_damaged_file_is_refused_or_gives_scores(tmp_path, graph, seed):
    rng = np.random.default_rng(seed)
    data = bytearray(DATA)
    for at in rng.choice(structure(graph), rng.integers(1, 4)):
        data[at] = rng.integers(256)
    at = int(rng.choice(structure(graph)))
    if seed % 4 == 1:
        del data[at : at + int(rng.integers(1, 9))]
    elif seed % 4 == 2:
        data[at:at] = rng.bytes(int(rng.integers(1, 9)))
    try:
        scorer = numpy_loads(tmp_path, lambda _: bytes(data))
    except ModelError as error:
        assert any(said in str(error) for said in ("loaded by numpy", "that wakegate loads", "its manifest means"))
    else:
        assert isinstance(scorer, Scorer) and scorer.push(np.zeros(16_000, np.int16)).dtype == np.float32
