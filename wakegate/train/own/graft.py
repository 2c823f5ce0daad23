"""Graft: a word's two stages into a model file.

Owns the surgery: nodes, states and one more column of ``scores`` are added, and nothing that was there is changed, so
the other words' scores stay what they were, bit for bit (a test compares them). The result is one graph; whoever runs
it knows nothing of heads.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from ..branch import verified
from ..graph import Nodes, scores
from ..verifier import Verifier
from .head import DILATIONS, WIDTH, Head
from .twin import Twin


def grafted(
    model: onnx.ModelProto, twin: Twin, word: str, stages: tuple[Head, Verifier], gate: float
) -> onnx.ModelProto:
    """Return a copy of the model that knows one word more, in the last column; checked.

    Parameters
    ----------
    model : ModelProto
        Which knows some words, shipped or own.
    twin : Twin
        What was read from it.
    word : str
        The new word, as manifests spell it.
    stages : (Head, Verifier)
        Its first and its second.
    gate : float
        Logarithmic odds after the first from which the second is asked.
    """
    head, verifier = stages
    grown = onnx.ModelProto()
    grown.CopyFrom(model)
    graph, prefix = grown.graph, f"own/{word}/"
    before = _renamed(graph)
    nodes = Nodes(prefix)
    odds = _odds(graph, nodes, twin, head.eval(), prefix)
    best = nodes.node("ReduceMax", [odds], "best", keepdims=0)
    suspected = nodes.node("GreaterOrEqual", [best, nodes.constant("gate", np.array(gate, np.float32))], "suspected")
    nothing = Nodes(prefix)
    zeros = numpy_helper.from_array(np.zeros((1, twin.steps, 1), np.float32))
    nothing.node("Constant", [], "nothing", value=zeros)
    described = {name: scores(f"{prefix}{name}", 1, twin.steps) for name in ("verified", "nothing")}
    second = verified(verifier.eval(), odds, prefix)
    branches = {
        "then_branch": second.branch(f"{prefix}verify", described["verified"]),
        "else_branch": nothing.branch(f"{prefix}pass", described["nothing"]),
    }
    own = nodes.node("If", [suspected], "scores", **branches)
    added = nodes.branch(prefix, scores(own, 1, twin.steps))
    graph.node.extend(added.node)
    graph.initializer.extend(added.initializer)
    graph.node.append(helper.make_node("Concat", [before, own], ["scores"], name="scores", axis=2))
    graph.output[0].type.tensor_type.shape.dim[2].dim_value += 1
    onnx.checker.check_model(grown, full_check=True)
    return grown


def _renamed(graph: onnx.GraphProto) -> str:
    """Take the name ``scores`` from the node that has it, and return its new name."""
    count = graph.output[0].type.tensor_type.shape.dim[2].dim_value
    made = next(node for node in graph.node if "scores" in node.output)
    made.name = made.output[0] = "scores_of_trunk" if made.op_type == "If" else f"scores_of_{count}"
    return str(made.output[0])


def _odds(graph: onnx.GraphProto, nodes: Nodes, twin: Twin, head: Head, prefix: str) -> str:
    """Write the head, with its states: (1, 1, steps) logarithmic odds against none."""
    x = twin.last
    for index, (layer, dilation) in enumerate(zip(head.layers, DILATIONS, strict=True)):
        past, name = (WIDTH - 1) * dilation, f"{prefix}cache{index}"
        shape = [1, layer.in_channels, past]
        graph.input.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
        graph.output.append(helper.make_tensor_value_info(f"{name}_next", TensorProto.FLOAT, shape))
        seen = nodes.node("Concat", [name, x], f"seen{index}", axis=2)
        nodes.cut(seen, twin.steps, twin.steps + past, 2, f"cache{index}_next")
        weight = nodes.weights(f"weight{index}", layer.weight.detach().numpy())
        bias = nodes.constant(f"bias{index}", layer.bias.detach().numpy())
        x = nodes.node("Conv", [seen, weight, bias], f"conv{index}", dilations=[dilation])
        x = nodes.node("Relu", [x], f"relu{index}")
    constants = [("odds_weight", head.odds.weight), ("odds_bias", head.odds.bias)]
    named = [nodes.constant(name, value.detach().numpy()) for name, value in constants]
    return nodes.node("Conv", [x, *named], "odds")
