"""Branch: the verifier as the branch of the graph that is run only where a word is suspected.

Owns its nodes: from the window of mel power, and the first stage's odds, to scores; and, in a branch of that branch,
the looks of all verifiers through all throats, where the first look did not dispel the suspicion. Must compute exactly
what ``ensemble.sure`` computes (a test compares them).
"""

from collections.abc import Sequence

import numpy as np
from torch.nn import Conv1d

from ..wake.session import BEFORE
from .ensemble import AGAIN, other_throats
from .graph import Nodes, scores
from .network import FLOOR, folded
from .verifier import BANDS, PLACES, Plane, Verifier


def verified(verifiers: Sequence[Verifier], odds: str, steps: int, prefix: str = "") -> Nodes:
    """Return the branch: the window once, the first stage a step. It reads ``bands`` and ``odds`` of the graph."""
    branch, words, trust = Nodes(prefix), verifiers[0].outputs - 1, verifiers[0].trust
    look, across = _Look(branch, verifiers[0]), _across(branch)
    second = look.at(branch, across)
    # "No word" has odds of one against itself.
    edges = branch.constant("edges", [0, 0, 0, 1])
    chances = branch.node("LogSoftmax", [branch.node("Pad", [odds, edges], "with_none")], "first", axis=1)
    first = branch.node("Mul", [chances, branch.constant("trust", trust.detach().numpy())], "trusted")
    once = _sure(branch, second, first, words)
    best = branch.node("ReduceMax", [once], "best_once", keepdims=0)
    doubtful = branch.node("GreaterOrEqual", [best, branch.constant("again", np.array(AGAIN, np.float32))], "doubtful")
    again, alone = Nodes(f"{prefix}again/"), Nodes(f"{prefix}once/")
    views = {f"{number}/": view for number, view in enumerate(_through_other_throats(again, across))}
    seconds = [second, *(look.at(again, view, named) for named, view in views.items())]
    for number, verifier in enumerate(verifiers[1:], 2):
        other = _Look(again, verifier, f"verifier{number}/")
        seconds += [other.at(again, view, f"verifier{number}/{named}") for named, view in {"": across, **views}.items()]
    mean = _mean(again, seconds)
    _batch(again, _sure(again, mean, first, words))
    _batch(alone, once)
    branches = {
        name: nodes.branch(f"{prefix}{name}", scores(f"{nodes.prefix}verified", words, steps))
        for name, nodes in (("then_branch", again), ("else_branch", alone))
    }
    branch.node("If", [doubtful], "verified", **branches)
    return branch


class _Look:
    """A verifier's weights, written into a branch once, for as many looks as are wanted there and further inside.

    Their names begin with ``named``.
    """

    def __init__(self, branch: Nodes, verifier: Verifier, named: str = "") -> None:
        self._planes = []
        for index, plane in enumerate(verifier.planes):
            assert isinstance(plane, Plane)
            weight, bias = folded(plane.conv, plane.norm)
            rows, columns = plane.conv.kernel_size
            kernel, added = f"{named}plane_weight{index}", f"{named}plane_bias{index}"
            layer = (branch.weights(kernel, weight), branch.constant(added, bias))
            self._planes.append((*layer, plane.conv.stride, [rows // 2, columns // 2] * 2))
        self._stacked = branch.constant(f"{named}stacked_shape", [1, BANDS * verifier.shape.channels[-1], PLACES])
        weight, bias = folded(verifier.mix, verifier.norm)
        self._mix = (branch.weights(f"{named}mix_weight", weight), branch.constant(f"{named}mix_bias", bias))
        self._deep = []
        for index, layer in enumerate(verifier.deep):
            assert isinstance(layer, Conv1d) and layer.bias is not None
            kernel, added = (value.detach().numpy() for value in (layer.weight, layer.bias))
            names = (f"{named}deep_weight{index}", f"{named}deep_bias{index}")
            written = (branch.weights(names[0], kernel), branch.constant(names[1], added))
            self._deep.append((written, {"group": layer.groups} if layer.groups > 1 else {}))
        self._said = {}
        for name, said in (("value", verifier.value), ("attention", verifier.weight)):
            assert said.bias is not None
            values = (("weight", said.weight), ("bias", said.bias))
            self._said[name] = [branch.constant(f"{named}{name}_{k}", v.detach().numpy()) for k, v in values]
        groups = verifier.value.groups
        self._apart = {"group": groups} if groups > 1 else {}
        self._answers = None
        if verifier.shape.answers > 1:
            self._answers = branch.constant(f"{named}answers", [verifier.shape.answers, verifier.outputs])
        self._place = branch.constant(f"{named}place", verifier.place.detach().numpy()[None])
        self._plane_axes = branch.constant(f"{named}plane_axes", [0, 1])
        self._time_axis = branch.constant(f"{named}time_axis", [2])

    def at(self, nodes: Nodes, across: str, named: str = "") -> str:
        """Return the (1, words and none) logits of (MELS, WINDOW) features; new names begin with ``named``."""
        x = nodes.node("Unsqueeze", [across, self._plane_axes], f"{named}plane")
        for index, (weight, bias, strides, pads) in enumerate(self._planes):
            x = nodes.node("Conv", [x, weight, bias], f"{named}plane_conv{index}", strides=strides, pads=pads)
            x = nodes.node("Relu", [x], f"{named}plane_relu{index}")
        x = nodes.node("Reshape", [x, self._stacked], f"{named}stacked")
        x = nodes.node("Conv", [x, *self._mix], f"{named}mix", pads=[1, 1])
        x = nodes.node("Relu", [x], f"{named}mixed")
        for index, (layer, apart) in enumerate(self._deep):
            x = nodes.node("Conv", [x, *layer], f"{named}deep_conv{index}", pads=[1, 1], **apart)
            x = nodes.node("Relu", [x], f"{named}deep_relu{index}")
        said = {
            name: nodes.node("Conv", [x, *self._said[name]], f"{named}{name}", **self._apart) for name in self._said
        }
        placed = nodes.node("Add", [said["attention"], self._place], f"{named}placed")
        weights = nodes.node("Softmax", [placed], f"{named}weights", axis=2)
        pooled = nodes.node("Mul", [weights, said["value"]], f"{named}pooled")
        second = nodes.node("ReduceSum", [pooled, self._time_axis], f"{named}second", keepdims=0)
        if self._answers is None:
            return second
        each = nodes.node("Reshape", [second, self._answers], f"{named}each")
        return nodes.node("ReduceMean", [each], f"{named}agreed", axes=[0], keepdims=1)


def _across(branch: Nodes) -> str:
    """Power of this chunk and before it, (WINDOW, MELS), to the verifier's features, bands first."""
    window = branch.node("Concat", [f"bands{BEFORE}", "bands"], "window", axis=0)
    floored = branch.node("Add", [window, branch.constant("window_floor", np.array(FLOOR, np.float32))], "above")
    loud = branch.node("Log", [floored], "loud")
    level = branch.node("ReduceMean", [loud], "level", axes=[0])
    shape = branch.node("Sub", [loud, level], "shape")
    halved = branch.node("Mul", [shape, branch.constant("half", np.array(0.5, np.float32))], "halved")
    return branch.node("Transpose", [halved], "across", perm=[1, 0])


def _through_other_throats(nodes: Nodes, across: str) -> list[str]:
    """Write the same features with the mel axis stretched."""
    return [
        nodes.node("MatMul", [nodes.constant(f"throat{number}", throat.T), across], f"{number}/said")
        for number, throat in enumerate(other_throats().numpy())
    ]


def _mean(nodes: Nodes, values: list[str]) -> str:
    total = values[0]
    for number, value in enumerate(values[1:]):
        total = nodes.node("Add", [total, value], f"total{number}")
    return nodes.node("Mul", [total, nodes.constant("share", np.array(1 / len(values), np.float32))], "mean")


def _sure(nodes: Nodes, second: str, first: str, words: int) -> str:
    """Both stages' logits to (steps, words) chances."""
    both = nodes.node("Softmax", [nodes.node("Add", [second, first], "both")], "sure", axis=1)
    return nodes.cut(both, 0, words, 1, "words")


def _batch(nodes: Nodes, chances: str) -> None:
    nodes.node("Unsqueeze", [chances, nodes.constant("batch", [0])], "verified")
