"""Graft: a word's two stages into a model file.

Owns the nodes of both. Nothing that was there is changed, so the other words' scores stay what they were, bit for bit
(a test compares them). The result is one graph; whoever runs it knows nothing of heads.
"""

import numpy as np
import onnx
from onnx import numpy_helper

from ..branch import verified
from ..causal import convolved, windows
from ..graph import Grown, Nodes, scores
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
    grown = Grown(model, word)
    odds = _odds(grown, twin, head.eval())
    best = grown.node("ReduceMax", [odds], "best", keepdims=0)
    suspected = grown.node("GreaterOrEqual", [best, grown.constant("gate", np.array(gate, np.float32))], "suspected")
    nothing = Nodes(grown.prefix)
    zeros = numpy_helper.from_array(np.zeros((1, twin.steps, 1), np.float32))
    nothing.node("Constant", [], "nothing", value=zeros)
    described = {name: scores(f"{grown.prefix}{name}", 1, twin.steps) for name in ("verified", "nothing")}
    second = verified([verifier.eval()], odds, twin.steps, grown.prefix)
    branches = {
        "then_branch": second.branch(f"{grown.prefix}verify", described["verified"]),
        "else_branch": nothing.branch(f"{grown.prefix}pass", described["nothing"]),
    }
    return grown.model(grown.node("If", [suspected], "scores", **branches))


def _odds(nodes: Grown, twin: Twin, head: Head) -> str:
    """Write the head, with its states: (steps, 1) logarithmic odds against none."""
    x = twin.last
    for index, (layer, dilation) in enumerate(zip(head.layers, DILATIONS, strict=True)):
        weight, bias = (value.detach().numpy() for value in (layer.weight, layer.bias))
        seen = windows(nodes, x, twin.steps, layer.in_channels, f"{index}", width=WIDTH, dilation=dilation)
        x = convolved(nodes, seen, weight, bias, f"{index}")
    constants = [("odds_weight", head.odds.weight[:, :, 0].T), ("odds_bias", head.odds.bias)]
    named = [nodes.constant(name, value.detach().numpy()) for name, value in constants]
    return nodes.node("Gemm", [x, *named], "odds")
