"""Hang: a template into a model file, beside the words that it knows.

Owns the nodes and one state; nothing that was there is changed, so the other words' scores stay what they were, bit for
bit (a test compares them). Every node here is paid 6 times a second for ever: one small convolution, and no second
stage.
"""

from itertools import pairwise

import numpy as np
import onnx
from numpy.typing import NDArray

from ..causal import matrix, windows
from ..graph import STEPS, Grown
from .hearing import Hearing
from .tail import Logistic
from .template import SEGMENTS, TINY, Scale, Template


def hung(hearing: Hearing, word: str, template: Template, scale: Scale, logistic: Logistic) -> onnx.ModelProto:
    """Return a copy of the model that knows one word more, in the last column; checked."""
    grown = Grown(hearing.model, word)
    like = _likeness(grown, hearing.last, template, scale)
    sloped = grown.node("Mul", [like, grown.constant("slope", _number(logistic.slope))], "sloped")
    odds = grown.node("Add", [sloped, grown.constant("offset", _number(logistic.offset))], "odds")
    edges = grown.constant("edges", [0, 0, 0, 1])  # against odds of 0
    both = grown.node("Softmax", [grown.node("Pad", [odds, edges], "with_none")], "sure", axis=1)
    batch = grown.constant("batch", [0])
    return grown.model(grown.node("Unsqueeze", [grown.cut(both, 0, 1, 1, "first"), batch], "scores"))


def _likeness(nodes: Grown, last: str, template: Template, scale: Scale) -> str:
    """Write the matched filter: (STEPS, 1) squared cosines.

    Its state is no activations, but what each segment makes of them and their power: a twentieth as much to move.
    """
    tempi = len(template.edges)
    centred = nodes.node("Sub", [last, nodes.constant("mean", scale.mean[None])], "centred")
    scaled = nodes.node("Div", [centred, nodes.constant("spread", scale.spread[None])], "scaled")
    along = nodes.node("MatMul", [scaled, nodes.constant("parts", template.parts.T)], "along")
    squares = nodes.node("Mul", [scaled, scaled], "squares")
    power = nodes.node("ReduceSum", [squares, nodes.constant("channels", [1])], "power", keepdims=1)
    now = nodes.node("Concat", [along, power], "now", axis=1)
    seen = windows(nodes, now, STEPS, SEGMENTS + 1, "", width=template.longest)
    each = nodes.node("MatMul", [seen, nodes.constant("filters", matrix(_filters(template)))], "filtered")
    alike = nodes.node("Relu", [nodes.cut(each, 0, tempi, 1, "dot")], "alike")
    squared = nodes.node("Mul", [alike, alike], "squared")
    energy = nodes.cut(each, tempi, 2 * tempi, 1, "energy")
    some = nodes.node("Add", [energy, nodes.constant("tiny", _number(TINY))], "some_energy")
    return nodes.node("ReduceMax", [nodes.node("Div", [squared, some], "each")], "likeness", axes=[1], keepdims=1)


def _filters(template: Template) -> NDArray[np.float32]:
    """Return (tempi dot products, then tempi powers; segments and power; longest); each ends with the last step."""
    tempi, longest = len(template.edges), template.longest
    filters = np.zeros((2 * tempi, SEGMENTS + 1, longest), np.float32)
    for tempo, edges in enumerate(template.edges):
        first = longest - int(edges[-1])
        filters[tempi + tempo, SEGMENTS, first:] = 1 / edges[-1]
        for part, (a, b) in enumerate(pairwise(edges)):
            filters[tempo, part, first + a : first + b] = 1 / (b - a) / SEGMENTS
    return filters


def _number(value: float) -> NDArray[np.float32]:
    return np.array(value, np.float32)
