"""Hang: a template into a model file, beside the words that it knows.

Owns the nodes and one state; nothing that was there is changed, so the other words' scores stay what they were, bit for
bit (a test compares them). Every node here is paid 6 times a second for ever: one small convolution, and no second
stage.
"""

from itertools import pairwise

import numpy as np
import onnx
from numpy.typing import NDArray

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
    edges = grown.constant("edges", [0, 0, 0, 0, 1, 0])  # against odds of 0
    both = grown.node("Softmax", [grown.node("Pad", [odds, edges], "with_none")], "sure", axis=1)
    return grown.model(grown.node("Transpose", [grown.cut(both, 0, 1, 1, "first")], "scores", perm=[0, 2, 1]))


def _likeness(nodes: Grown, last: str, template: Template, scale: Scale) -> str:
    """Write the matched filter, with its state: (1, 1, STEPS) squared cosines."""
    past, channels = template.longest - 1, len(scale.mean)
    seen = nodes.node("Concat", [nodes.state("past", [1, channels, past]), last], "seen", axis=2)
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
