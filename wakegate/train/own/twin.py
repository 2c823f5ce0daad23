"""Twin: the weights of a shipped model file, back in torch modules.

Owns the reading. The file stores weights as halves with batch normalisation multiplied in, so the modules here have a
normalisation that does nothing. Must never write: no own word changes the trunk.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor, nn

from ...errors import ModelError
from ...wake import trunk as trunks
from ...wake.session import BEFORE
from ..causal import kernel
from ..network import BINS, HOP, MELS, CausalConv, Shape, Trunk, fourier, mel_bank
from ..verifier import Plane, Verifier, VerifierShape

Weights = Mapping[str, NDArray[np.generic]]

DEEP = (96, 96)
"""Convolutions in which a word of one's own is learned, over what the shipped verifier's planes hear. Those stay as
they are: taught further by the voices at hand, they forget people."""
ANSWERS = 4
"""How many learn the word beside each other: their mean misses less than any of them (``benchmarks/README.md``)."""
OWN_TRUST = 0.5
"""What the first stage of one's own word counts for: more than the shipped one's, for its verifier has learned less."""


@dataclass(frozen=True, slots=True, eq=False)
class Twin:
    """What a model file computes, as far as an own word builds on it.

    Parameters
    ----------
    trunk : Trunk
        The first stage, frozen; its head says nothing here.
    seen : mapping of str to Tensor
        The verifier's planes and mixing convolution, with which every other word's verifier hears.
    shape : VerifierShape
        Of that verifier.
    steps : int
        Scores a chunk.
    last : str
        The name of the trunk's last activations in the graph, (steps, channels).
    sha256 : str
        Of the trunk's weights, whatever words hang on it.
    """

    trunk: Trunk
    seen: Mapping[str, Tensor]
    shape: VerifierShape
    steps: int
    last: str
    sha256: str

    def verifier(self) -> Verifier:
        """Return a verifier of one word that hears as the shipped one does, for good, and has learned nothing else."""
        made = Verifier(2, replace(self.shape, deep=DEEP, answers=ANSWERS))
        made.load_state_dict(dict(self.seen), strict=False)
        for ear in (made.planes, made.mix, made.norm):
            ear.requires_grad_(False)
        made.trust.fill_(OWN_TRUST)
        return made


def read(model: onnx.ModelProto, name: str) -> Twin:
    """Return the twin of a model.

    Raises
    ------
    ModelError
        If it is not built as this wakegate builds models.
    """
    own = {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}
    try:
        trunk, last = _trunk(model, own)
        branch = _branch(model, "scores_of_trunk") or _branch(model, "scores")
        steps = model.graph.output[0].type.tensor_type.shape.dim[1].dim_value
        seen, shape = _seen(branch)
        heard = np.hstack([own["cosines"], own["sines"]]), own["mel_bank"][:, :-1]
    except (ArithmeticError, KeyError, IndexError, RuntimeError, ValueError, TypeError, StopIteration) as error:
        raise ModelError(
            f"{name} is built otherwise than this wakegate builds models (at {error}): begin with one of its own"
        ) from error
    if not (np.array_equal(heard[0], fourier()[:HOP]) and np.array_equal(heard[1], mel_bank()[: len(BINS)])):
        raise ModelError(f"{name} hears through another front end than this wakegate's: begin with one of its own")
    return Twin(trunk, seen, shape, steps, last, trunks.digest(own))


def _whole(weights: Weights, name: str) -> Tensor:
    return torch.from_numpy(weights[f"{name}_half"].astype(np.float32))


def _bypassed(norm: nn.BatchNorm1d | nn.BatchNorm2d, bias: Tensor, weights: dict[str, Tensor], name: str) -> None:
    """Set a normalisation that only adds a bias: it has been multiplied into the weights before it."""
    weights |= {
        f"{name}.weight": torch.ones_like(bias),
        f"{name}.bias": bias,
        f"{name}.running_mean": torch.zeros_like(bias),
        f"{name}.running_var": torch.full_like(bias, 1 - norm.eps),
    }


def _trunk(model: onnx.ModelProto, own: Weights) -> tuple[Trunk, str]:
    past = {one.name: one.type.tensor_type.shape.dim[0].dim_value for one in model.graph.input}
    first, second = (own[f"weight{index}_half"] for index in (0, 1))
    channels = first.shape[1]
    width = len(second) // channels
    depth = max(index for index in range(len(past)) if f"weight{index}_half" in own)
    dilations = tuple(past[f"sum{index - 1}{BEFORE}"] // (width - 1) for index in range(2, depth + 1))
    trunk = Trunk(2, Shape(channels=channels, dilations=dilations, first=len(first) // MELS, width=width))
    blocks = [(f"blocks.{n}", block) for n, block in enumerate(trunk.blocks)]
    weights: dict[str, Tensor] = {}
    for index, (name, layer) in enumerate([("first", trunk.first), ("second", trunk.second), *blocks]):
        assert isinstance(layer, CausalConv)
        stored = kernel(own[f"weight{index}_half"], layer.conv.in_channels)
        weights[f"{name}.conv.weight"] = torch.from_numpy(stored.astype(np.float32))
        _bypassed(layer.norm, torch.from_numpy(own[f"bias{index}"].copy()), weights, f"{name}.norm")
    trunk.load_state_dict(weights, strict=False)
    for parameter in trunk.parameters():
        parameter.requires_grad_(False)
    trunk.eval()
    return trunk, f"sum{depth}"


def _branch(model: onnx.ModelProto, name: str) -> Weights:
    """Return the weights of the branch that a node of this name runs; none where there is no such node."""
    for node in model.graph.node:
        if node.op_type == "If" and node.name == name:
            graph = next(a.g for a in node.attribute if a.name == "then_branch")
            return {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    return {}


def _seen(branch: Weights) -> tuple[Mapping[str, Tensor], VerifierShape]:
    planes = [_whole(branch, f"plane_weight{number}") for number in range(4)]
    mix = _whole(branch, "mix_weight")
    one, two, three, four = (plane.shape[0] for plane in planes)
    shape = VerifierShape(channels=(one, two, three, four), mixed=mix.shape[0])
    made = Verifier(2, shape)
    weights: dict[str, Tensor] = {"mix.weight": mix, "trust": torch.tensor(float(branch["trust"].ravel()[0]))}
    for number, (plane, weight) in enumerate(zip(made.planes, planes, strict=True)):
        assert isinstance(plane, Plane)
        weights[f"planes.{number}.conv.weight"] = weight
        _bypassed(plane.norm, torch.from_numpy(branch[f"plane_bias{number}"].copy()), weights, f"planes.{number}.norm")
    _bypassed(made.norm, torch.from_numpy(branch["mix_bias"].copy()), weights, "norm")
    made.load_state_dict({**made.state_dict(), **weights})  # says what does not fit
    return weights, shape
