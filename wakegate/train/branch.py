"""Branch: the verifier as the branch of the graph that is run only where a word is suspected.

Owns its nodes: from the window of mel power, and the first stage's odds, to scores. Must compute exactly what
``verifier`` computes (a test compares them).
"""

import numpy as np

from .graph import Nodes
from .network import FLOOR, folded
from .verifier import BANDS, PLACES, Plane, Verifier


def verified(verifier: Verifier, odds: str = "odds", prefix: str = "") -> Nodes:
    """Return the branch: the window once, the first stage a step. It reads ``window`` and ``odds`` of the graph."""
    branch, words = Nodes(prefix), verifier.value.out_channels - 1
    second = _pooled(branch, verifier, _mixed(branch, verifier, _seen(branch, verifier)))
    # "No word" has odds of one against itself.
    edges = branch.constant("edges", [0, 0, 0, 1])
    chances = branch.node("LogSoftmax", [branch.node("Pad", [odds, edges], "with_none")], "first", axis=1)
    first = branch.node("Mul", [chances, branch.constant("trust", verifier.trust.detach().numpy())], "trusted")
    both = branch.node("Softmax", [branch.node("Add", [second, first], "both")], "sure", axis=1)
    branch.node("Unsqueeze", [branch.cut(both, 0, words, 1, "words"), branch.constant("batch", [0])], "verified")
    return branch


def _seen(branch: Nodes, verifier: Verifier) -> str:
    """Power (WINDOW, MELS) to planes (1, channels, BANDS, PLACES)."""
    floored = branch.node("Add", ["window", branch.constant("window_floor", np.array(FLOOR, np.float32))], "above")
    loud = branch.node("Log", [floored], "loud")
    level = branch.node("ReduceMean", [loud], "level", axes=[0])
    shape = branch.node("Sub", [loud, level], "shape")
    halved = branch.node("Mul", [shape, branch.constant("half", np.array(0.5, np.float32))], "halved")
    across = branch.node("Transpose", [halved], "across", perm=[1, 0])
    x = branch.node("Unsqueeze", [across, branch.constant("plane_axes", [0, 1])], "plane")
    for index, plane in enumerate(verifier.planes):
        assert isinstance(plane, Plane)
        weight, bias = folded(plane.conv, plane.norm)
        constants = [branch.weights(f"plane_weight{index}", weight), branch.constant(f"plane_bias{index}", bias)]
        rows, columns = plane.conv.kernel_size
        pads = [rows // 2, columns // 2] * 2
        x = branch.node("Conv", [x, *constants], f"plane_conv{index}", strides=plane.conv.stride, pads=pads)
        x = branch.node("Relu", [x], f"plane_relu{index}")
    return x


def _mixed(branch: Nodes, verifier: Verifier, planes: str) -> str:
    """Planes to (1, mixed, PLACES): bands and channels together, each place with its neighbours."""
    stacked = branch.constant("stacked_shape", [1, BANDS * verifier.shape.channels[-1], PLACES])
    x = branch.node("Reshape", [planes, stacked], "stacked")
    weight, bias = folded(verifier.mix, verifier.norm)
    constants = [branch.weights("mix_weight", weight), branch.constant("mix_bias", bias)]
    return branch.node("Relu", [branch.node("Conv", [x, *constants], "mix", pads=[1, 1])], "mixed")


def _pooled(branch: Nodes, verifier: Verifier, mixed: str) -> str:
    """Attention over the places: (1, words and none) logits."""
    said = {}
    for name, layer in (("value", verifier.value), ("attention", verifier.weight)):
        assert layer.bias is not None
        weight = branch.constant(f"{name}_weight", layer.weight.detach().numpy())
        bias = branch.constant(f"{name}_bias", layer.bias.detach().numpy())
        said[name] = branch.node("Conv", [mixed, weight, bias], name)
    place = branch.constant("place", verifier.place.detach().numpy()[None])
    weights = branch.node("Softmax", [branch.node("Add", [said["attention"], place], "placed")], "weights", axis=2)
    pooled = branch.node("Mul", [weights, said["value"]], "pooled")
    return branch.node("ReduceSum", [pooled, branch.constant("time_axis", [2])], "second", keepdims=0)
