"""Knobs: what the Kokoro network makes up on its way (pitch, energy, durations), opened as inputs of its own.

Owns the nodes that are put in; no weight is changed.
"""

from collections.abc import Sequence

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

NUMBERS = ("f0_ref", "f0_scale", "f0_range", "energy_scale")
DURATIONS = "dur_mul"
FLOOR = 1e-3
"""Of the pitch in Hz, which is 0 where nothing is voiced."""


def opened(network: bytes) -> bytes:
    """Return the network with its knobs.

    Pitch becomes ``f0_ref * f0_scale * (pitch / f0_ref) ** f0_range`` (f0_ref in Hz), energy is multiplied by
    ``energy_scale``, the duration of each symbol by ``dur_mul`` (symbols,).

    Raises
    ------
    ValueError
        If it is not Kokoro-82M as kokoro-onnx exports it.
    """
    try:
        model = onnx.load_from_string(network)
    except Exception as error:  # protobuf's errors have no common base that is public
        raise ValueError("no ONNX file") from error
    graph = model.graph
    graph.initializer.append(numpy_helper.from_array(np.float32(FLOOR), "pitch_floor"))
    node = helper.make_node
    pitch, energy, length = "/encoder/Squeeze_output_0", "/encoder/Squeeze_1_output_0", "/encoder/Div_output_0"
    _after(graph, pitch, [
        node("Max", [pitch, "pitch_floor"], ["pitch_voiced"]), node("Div", ["pitch_voiced", "f0_ref"], ["pitch_over"]),
        node("Pow", ["pitch_over", "f0_range"], ["pitch_ranged"]), node("Mul", ["f0_ref", "f0_scale"], ["pitch_mean"]),
        node("Mul", ["pitch_ranged", "pitch_mean"], ["pitch_turned"]),
    ])  # fmt: skip
    _after(graph, energy, [node("Mul", [energy, "energy_scale"], ["energy_turned"])])
    _after(graph, length, [node("Mul", [length, DURATIONS], ["length_turned"])])
    for name in NUMBERS:
        graph.input.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]))
    graph.input.append(helper.make_tensor_value_info(DURATIONS, TensorProto.FLOAT, ["symbols"]))
    whole: bytes = model.SerializeToString()
    return whole


def _after(graph: onnx.GraphProto, value: str, nodes: Sequence[onnx.NodeProto]) -> None:
    """Put nodes after the one that makes a value; whoever read it reads the last node's output."""
    at = next((at for at, one in enumerate(graph.node) if value in one.output), None)
    if at is None:
        raise ValueError(f"it has no {value}")
    for one in graph.node:
        for place, name in enumerate(one.input):
            if name == value:
                one.input[place] = nodes[-1].output[0]
    for place, one in enumerate(nodes, at + 1):
        graph.node.insert(place, one)
