"""The numpy session lays a state down where its past is; whatever a graph does with it, onnxruntime says the same."""

from types import SimpleNamespace

import numpy as np
import pytest

from tests.wake.model import WITHOUT_ONNXRUNTIME, copy
from wakegate.errors import ModelError
from wakegate.wake import load, onnx_file
from wakegate.wake.numpy_session import NumpySession

onnx = pytest.importorskip("onnx", reason="in the extra train")
pytestmark = pytest.mark.skipif(WITHOUT_ONNXRUNTIME, reason="nothing to compare with")


def node(graph, name):
    return next(one for one in graph.node if name in one.output)


def put_before(graph, name, *nodes):
    """Put nodes before the one that makes a name."""
    at = list(graph.node).index(node(graph, name))
    rest = list(graph.node)[at:]
    del graph.node[at:]
    graph.node.extend([*nodes, *rest])


def as_it_is(graph):
    return None


def joined_the_other_way_round(graph):
    both = node(graph, "seen3").input
    both[0], both[1] = both[1], both[0]


def joined_twice(graph):
    put_before(graph, "picked5", onnx.helper.make_node("Concat", ["sum4_before", "sum4"], ["second_time"], axis=0))
    node(graph, "picked5").input[0] = "second_time"


def made_of_a_view(graph):
    made = node(graph, "sum2")
    made.output[0] = "sum2_flat"
    made_again = [
        onnx.helper.make_node("Transpose", ["sum2_flat"], ["turned"], perm=[1, 0]),
        onnx.helper.make_node("Transpose", ["turned"], ["sum2"], perm=[1, 0]),
    ]
    put_before(graph, "seen3", *made_again)


def made_of_its_own_past(graph):
    """Add to what a state is made of the rows that the run before left: 8 of them are kept, 4 are made."""
    made = node(graph, "sum3")
    made.output[0] = "sum3_alone"
    constants = {"oldest_from": [0], "oldest_to": [4], "oldest_axis": [0]}
    for name, value in constants.items():
        graph.initializer.append(onnx.numpy_helper.from_array(np.array(value), name))
    nodes = [
        onnx.helper.make_node("Slice", ["sum3_before", *constants], ["oldest"]),
        onnx.helper.make_node("Min", ["oldest", "sum3_alone"], ["least"]),
        onnx.helper.make_node("Add", ["least", "sum3_alone"], ["sum3"]),
    ]
    put_before(graph, "seen4", *nodes)


def test_what_only_a_branch_makes_is_no_state(tmp_path):
    """A branch that is not run would leave the state of long ago."""
    helper, sizes = onnx.helper, (8, 8)

    def value(name, kind=onnx.TensorProto.FLOAT, shape=sizes):
        return helper.make_tensor_value_info(name, kind, list(shape))

    def branch(*nodes):
        return helper.make_graph([helper.make_node(*one) for one in nodes], "branch", [], [value(nodes[-1][2][0])])

    branches = {
        "then_branch": branch(("Relu", ["x"], ["s"]), ("Relu", ["s"], ["loud"])),
        "else_branch": branch(("Add", ["x", "x"], ["soft"])),
    }
    nodes = [
        helper.make_node("Cast", ["pcm"], ["samples"], to=onnx.TensorProto.FLOAT),
        helper.make_node("Reshape", ["samples", "shape"], ["x"]),
        helper.make_node("ReduceMax", ["x"], ["best"]),
        helper.make_node("GreaterOrEqual", ["best", "edge"], ["asked"]),
        helper.make_node("If", ["asked"], ["chosen"], **branches),
        helper.make_node("Add", ["chosen", "s"], ["both"]),
        helper.make_node("Reshape", ["both", "scored"], ["scores"]),
    ]
    constants = {"shape": [8, 8], "scored": [1, 1, 64], "edge": np.full((1, 1), 1000, np.float32)}
    graph = helper.make_graph(
        nodes, "graph", [value("pcm", onnx.TensorProto.INT16, (1, 64)), value("s_before")],
        [value("scores", shape=(1, 1, 64)), value("s")],
        [onnx.numpy_helper.from_array(np.array(one), name) for name, one in constants.items()],
    )  # fmt: skip
    data = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()
    manifest = SimpleNamespace(
        path=tmp_path, chunk=64, step=64, words=[1] * 64, verified=lambda: (b"", onnx_file.parse(data))
    )
    with pytest.raises(ModelError, match="it reads 's', which nothing makes before"):
        NumpySession(manifest)


@pytest.mark.parametrize(
    "change",
    [as_it_is, joined_the_other_way_round, joined_twice, made_of_a_view, made_of_its_own_past],
)
def test_a_state_that_lies_behind_its_past_says_what_onnxruntime_says(tmp_path, change):
    def rewritten(data):
        model = onnx.load_from_string(data)
        change(model.graph)
        return model.SerializeToString()

    path = copy(tmp_path, graph=rewritten)
    sound = (np.random.default_rng(5).standard_normal(16_000 * 4) * 2000).astype(np.int16)
    sound[16_000:32_000] //= 50
    heard = [load(path=path, engine=engine) for engine in ("numpy", "onnxruntime")]
    scores = [np.array([one.copy() for one in scorer.push(sound)]) for scorer in heard]
    assert scores[0].size and np.abs(scores[0] - scores[1]).max() < 1e-5
    for scorer in heard:
        scorer.reset()
    again = [np.array([one.copy() for one in scorer.push(sound)]) for scorer in heard]
    assert np.array_equal(again[0], scores[0]), "and nothing of it outlives a reset"
