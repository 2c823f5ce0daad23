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
    """Write the matched filter: (1, 1, STEPS) squared cosines.

    Its state is no activations, but what each segment makes of them and their power: a twentieth as much to move.
    """
    past, tempi = template.longest - 1, len(template.edges)
    centred = nodes.node("Sub", [last, nodes.constant("mean", scale.mean[None, :, None])], "centred")
    scaled = nodes.node("Div", [centred, nodes.constant("spread", scale.spread[None, :, None])], "scaled")
    none = [nodes.constant(f"none{count}", np.zeros(count, np.float32)) for count in (SEGMENTS, 2 * tempi)]
    along = nodes.node("Conv", [scaled, nodes.constant("parts", template.parts[:, :, None]), none[0]], "along")
    squares = nodes.node("Mul", [scaled, scaled], "squares")
    power = nodes.node("ReduceSum", [squares, nodes.constant("channels", [1])], "power", keepdims=1)
    now = nodes.node("Concat", [along, power], "now", axis=1)
    seen = nodes.node("Concat", [nodes.state("past", [1, SEGMENTS + 1, past]), now], "seen", axis=2)
    nodes.cut(seen, STEPS, STEPS + past, 2, "past_next")
    each = nodes.node("Conv", [seen, nodes.constant("filters", _filters(template)), none[1]], "filtered")
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
