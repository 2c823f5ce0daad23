"""Hang: a template into a model file, beside the words that it knows.

Owns the nodes, one state and one more column of ``scores``; nothing that was there is changed, so the other words'
scores stay what they were, bit for bit (a test compares them). Every node here is paid 6 times a second for ever: one
small convolution, and no second stage.
"""

from itertools import pairwise

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from ..graph import STEPS, Nodes
from .hearing import Hearing
from .tail import Logistic
from .template import SEGMENTS, TINY, Scale, Template


def hung(hearing: Hearing, word: str, template: Template, scale: Scale, logistic: Logistic) -> onnx.ModelProto:
    """Return a copy of the model that knows one word more, in the last column; checked."""
    grown = onnx.ModelProto()
    grown.CopyFrom(hearing.model)
    graph, prefix = grown.graph, f"own/{word}/"
    nodes = Nodes(prefix)
    like = _likeness(graph, nodes, prefix, hearing.last, template, scale)
    sloped = nodes.node("Mul", [like, nodes.constant("slope", _number(logistic.slope))], "sloped")
    odds = nodes.node("Add", [sloped, nodes.constant("offset", _number(logistic.offset))], "odds")
    edges = nodes.constant("edges", [0, 0, 0, 0, 1, 0])  # against odds of 0
    both = nodes.node("Softmax", [nodes.node("Pad", [odds, edges], "with_none")], "sure", axis=1)
    own = nodes.node("Transpose", [nodes.cut(both, 0, 1, 1, "first")], "scores", perm=[0, 2, 1])
    before = _renamed(graph)
    shape = helper.make_tensor_value_info(own, TensorProto.FLOAT, [1, STEPS, 1])
    added = nodes.branch(prefix, shape)
    graph.node.extend(added.node)
    graph.initializer.extend(added.initializer)
    graph.node.append(helper.make_node("Concat", [before, own], ["scores"], name="scores", axis=2))
    graph.output[0].type.tensor_type.shape.dim[2].dim_value += 1
    onnx.checker.check_model(grown, full_check=True)
    return grown


def _renamed(graph: onnx.GraphProto) -> str:
    """Take the name ``scores`` from the node that has it, and return its new name, as ``wakegate train`` does."""
    count = graph.output[0].type.tensor_type.shape.dim[2].dim_value
    made = next(node for node in graph.node if "scores" in node.output)
    made.name = made.output[0] = "scores_of_trunk" if made.op_type == "If" else f"scores_of_{count}"
    return str(made.output[0])


def _likeness(graph: onnx.GraphProto, nodes: Nodes, prefix: str, last: str, template: Template, scale: Scale) -> str:
    """Write the matched filter, with its state: (1, 1, STEPS) squared cosines."""
    past, channels = template.longest - 1, len(scale.mean)
    name = f"{prefix}past"
    for values, called in ((graph.input, name), (graph.output, f"{name}_next")):
        values.append(helper.make_tensor_value_info(called, TensorProto.FLOAT, [1, channels, past]))
    seen = nodes.node("Concat", [name, last], "seen", axis=2)
    nodes.cut(seen, STEPS, STEPS + past, 2, "past_next")
    centred = nodes.node("Sub", [seen, nodes.constant("mean", scale.mean[None, :, None])], "centred")
    scaled = nodes.node("Div", [centred, nodes.constant("spread", scale.spread[None, :, None])], "scaled")
    filters, windows = _kernels(template)
    none = nodes.constant("no_bias", np.zeros(len(filters), np.float32))
    along = nodes.node("Conv", [scaled, nodes.constant("filters", filters), none], "along")
    squares = nodes.node("Mul", [scaled, scaled], "squares")
    power = nodes.node("ReduceSum", [squares, nodes.constant("channels", [1])], "power", keepdims=1)
    energy = nodes.node("Conv", [power, nodes.constant("windows", windows), none], "energy")
    alike = nodes.node("Relu", [along], "alike")
    squared = nodes.node("Mul", [alike, alike], "squared")
    some = nodes.node("Add", [energy, nodes.constant("tiny", _number(TINY))], "some_energy")
    return nodes.node("ReduceMax", [nodes.node("Div", [squared, some], "each")], "likeness", axes=[1], keepdims=1)


def _kernels(template: Template) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return filters (tempi, channels, longest) and windows (tempi, 1, longest); each ends with the last step."""
    channels, longest = template.parts.shape[1], template.longest
    filters = np.zeros((len(template.edges), channels, longest), np.float32)
    windows = np.zeros((len(template.edges), 1, longest), np.float32)
    for tempo, edges in enumerate(template.edges):
        first = longest - int(edges[-1])
        windows[tempo, 0, first:] = 1 / edges[-1]
        for part, (a, b) in enumerate(pairwise(edges)):
            filters[tempo, :, first + a : first + b] = (template.parts[part] / (b - a) / SEGMENTS)[:, None]
    return filters, windows


def _number(value: float) -> NDArray[np.float32]:
    return np.array(value, np.float32)
