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
    slope = np.array([[logistic.slope, 0]], np.float32)
    offset = np.array([logistic.offset, 0], np.float32)
    odds = grown.node("Gemm", [like, grown.constant("slope", slope), grown.constant("offset", offset)], "odds")
    sure = grown.node("Softmax", [odds], "sure", axis=1)  # against odds of 0
    batch = grown.constant("batch", [0])
    return grown.model(grown.node("Unsqueeze", [grown.cut(sure, 0, 1, 1, "first"), batch], "scores"))


def _likeness(nodes: Grown, last: str, template: Template, scale: Scale) -> str:
    """Write the matched filter: (STEPS, 1) squared cosines.

    Its state is no activations, but what each segment makes of them and their power: a twentieth as much to move.
    """
    centred = nodes.node("Sub", [last, nodes.constant("mean", scale.mean[None])], "centred")
    squares = nodes.node("Mul", [centred, centred], "squares")
    both = nodes.node("Concat", [centred, squares], "both", axis=1)
    now = nodes.node("MatMul", [both, nodes.constant("looks", _looks(template, scale))], "now")
    seen = windows(nodes, now, STEPS, SEGMENTS + 1, "", width=template.longest)
    tempi = len(template.edges)
    least = np.repeat(np.array([0, TINY], np.float32), tempi)
    filters = [nodes.constant("filters", matrix(_filters(template))), nodes.constant("least", least)]
    summed = nodes.node("Gemm", [seen, *filters], "summed")
    alike = nodes.node("Relu", [nodes.cut(summed, 0, tempi, 1, "dot")], "alike")
    squared = nodes.node("Mul", [alike, alike], "squared")
    each = nodes.node("Div", [squared, nodes.cut(summed, tempi, 2 * tempi, 1, "energy")], "each")
    return nodes.node("ReduceMax", [each], "likeness", axes=[1], keepdims=1)


def _looks(template: Template, scale: Scale) -> NDArray[np.float32]:
    """Return (activations, then their squares; what each segment makes of them, then their power), the spread in it."""
    channels = len(scale.spread)
    looks = np.zeros((2 * channels, SEGMENTS + 1), np.float32)
    looks[:channels, :SEGMENTS] = (template.parts / scale.spread).T
    looks[channels:, SEGMENTS] = 1 / np.square(scale.spread)
    return looks


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
