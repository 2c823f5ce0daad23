"""Graph: ONNX nodes, written one by one.

Owns the sizes of a chunk and how names become a checked model. Must know nothing of what the nodes compute.
"""

from collections.abc import MutableSequence, Sequence

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from ..wake.session import BEFORE
from .corpus import WORDS
from .sizes import HOP, STRIDE

CHUNK = 2560
FRAMES = CHUNK // HOP
STEPS = FRAMES // STRIDE


class Nodes:
    """Collects the nodes and constants of a graph, or of a branch of one; ``prefix`` begins every name it makes."""

    def __init__(self, prefix: str = "") -> None:
        self.prefix = prefix
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def constant(self, name: str, value: NDArray[np.generic] | Sequence[int]) -> str:
        """Add a constant and return its name."""
        array = np.asarray(value, np.int64) if not isinstance(value, np.ndarray) else value
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(array), self.prefix + name))
        return self.prefix + name

    def weights(self, name: str, value: NDArray[np.float32]) -> str:
        """Add learned weights: halves in the file, made whole once when the model is loaded."""
        stored = self.constant(f"{name}_half", value.astype(np.float16))
        return self.node("Cast", [stored], name, to=TensorProto.FLOAT)

    def node(self, kind: str, inputs: Sequence[str], output: str, **attributes: object) -> str:
        """Add a node and return its output's name."""
        named = self.prefix + output
        self._nodes.append(helper.make_node(kind, list(inputs), [named], name=named, **attributes))
        return named

    def cut(self, value: str, first: int, last: int, axis: int, output: str) -> str:
        """Add a slice [first, last) along an axis."""
        edges = [self.constant(f"{output}_{k}", [v]) for k, v in (("from", first), ("to", last), ("axis", axis))]
        return self.node("Slice", [value, *edges], output)

    def branch(self, name: str, output: onnx.ValueInfoProto) -> onnx.GraphProto:
        """Return them as a branch, which may use every name of the graph that it hangs in."""
        return helper.make_graph(self._nodes, name, [], [output], self._constants)


class Graph(Nodes):
    """Adds the streaming states: the whole of one ONNX graph."""

    def __init__(self) -> None:
        super().__init__()
        self._inputs = [helper.make_tensor_value_info("pcm", TensorProto.INT16, [1, HOP + CHUNK])]
        self._outputs: list[onnx.ValueInfoProto] = []

    def before(self, rows: str, sizes: tuple[int, int, int]) -> str:
        """Add a state, the last rows that a node made before this chunk, and return its name.

        Parameters
        ----------
        rows : str
            What some node makes.
        sizes : (int, int, int)
            Rows before the chunk, rows of the chunk, values a row.
        """
        return _before(self._inputs, self._outputs, rows, sizes)

    def model(self) -> onnx.ModelProto:
        """Return the checked model."""
        graph = helper.make_graph(
            self._nodes, "wakegate", self._inputs, [scores("scores"), *self._outputs], self._constants
        )
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], producer_name="wakegate")
        made.ir_version = 8
        onnx.checker.check_model(made, full_check=True)
        return made


class Grown(Nodes):
    """Adds nodes, states and one more column of scores to a copy of a model; what was there stays as it was.

    Parameters
    ----------
    model : ModelProto
        What to begin with.
    word : str
        The column's, which all new names begin with.
    """

    def __init__(self, model: onnx.ModelProto, word: str) -> None:
        super().__init__(f"own/{word}/")
        self._model = onnx.ModelProto()
        self._model.CopyFrom(model)

    def before(self, rows: str, sizes: tuple[int, int, int]) -> str:
        """As :meth:`Graph.before`; words that look back equally far at the same rows share one state."""
        inputs = self._model.graph.input
        known = {one.name: one.type.tensor_type.shape.dim[0].dim_value for one in inputs}
        if known.get(rows + BEFORE) == sizes[0]:
            return rows + BEFORE
        return _before(inputs, self._model.graph.output, rows, sizes)

    def model(self, column: str) -> onnx.ModelProto:
        """Return the checked model, with (1, steps, 1) of this name as the last column of its scores."""
        graph = self._model.graph
        _, steps, words = (size.dim_value for size in graph.output[0].type.tensor_type.shape.dim)
        before = next(node for node in graph.node if "scores" in node.output)
        before.name = before.output[0] = "scores_of_trunk" if before.op_type == "If" else f"scores_of_{words}"
        added = self.branch(self.prefix, scores(column, 1, steps))
        graph.node.extend(added.node)
        graph.initializer.extend(added.initializer)
        graph.node.append(helper.make_node("Concat", [before.name, column], ["scores"], name="scores", axis=2))
        graph.output[0].type.tensor_type.shape.dim[2].dim_value = words + 1
        onnx.checker.check_model(self._model, full_check=True)
        return self._model


def _before(
    inputs: MutableSequence[onnx.ValueInfoProto],
    outputs: MutableSequence[onnx.ValueInfoProto],
    rows: str,
    sizes: tuple[int, int, int],
) -> str:
    before, new, width = sizes
    outputs.append(helper.make_tensor_value_info(rows, TensorProto.FLOAT, [new, width]))
    inputs.append(helper.make_tensor_value_info(rows + BEFORE, TensorProto.FLOAT, [before, width]))
    return rows + BEFORE


def scores(name: str, words: int = len(WORDS), steps: int = STEPS) -> onnx.ValueInfoProto:
    """Describe the scores of one chunk."""
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, steps, words])
