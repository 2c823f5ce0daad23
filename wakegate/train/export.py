"""Export: weights to one ONNX file, PCM in and scores out, and its manifest.

Owns the graph's layout. It is written node by node, because the always-on cost is dispatch: every node here is paid
12.5 times a second for ever. Must compute exactly what ``network`` computes (a test compares them).
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from ..events import SAMPLE_RATE
from ..wake.manifest import FORMAT
from .corpus import WORDS
from .fit import load_network
from .network import CEILING, FLOOR, FRAME, HOP, MEAN_RATE, MELS, STRIDE, Trunk, fourier, mel_bank

CHUNK = 1280
FRAMES = CHUNK // HOP
STEPS = FRAMES // STRIDE


class Graph:
    """Collects the nodes, constants and streaming states of one ONNX graph."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        self._inputs = [helper.make_tensor_value_info("pcm", TensorProto.INT16, [1, CHUNK])]
        self._outputs: list[onnx.ValueInfoProto] = []

    def constant(self, name: str, value: NDArray[np.generic] | Sequence[int]) -> str:
        """Add a constant and return its name."""
        array = np.asarray(value, np.int64) if not isinstance(value, np.ndarray) else value
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def node(self, kind: str, inputs: Sequence[str], output: str, **attributes: object) -> str:
        """Add a node and return its output's name."""
        self._nodes.append(helper.make_node(kind, list(inputs), [output], name=output, **attributes))
        return output

    def cut(self, value: str, first: int, last: int, axis: int, output: str) -> str:
        """Add a slice [first, last) along an axis."""
        edges = [self.constant(f"{output}_{k}", [v]) for k, v in (("from", first), ("to", last), ("axis", axis))]
        return self.node("Slice", [value, *edges], output)

    def state(self, name: str, shape: Sequence[int]) -> str:
        """Add a state: an input NAME, and an output NAME_next of the same shape that some node must make."""
        self._inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
        self._outputs.append(helper.make_tensor_value_info(f"{name}_next", TensorProto.FLOAT, shape))
        return name

    def model(self) -> onnx.ModelProto:
        """Return the checked model."""
        scores = helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, STEPS, len(WORDS)])
        graph = helper.make_graph(self._nodes, "wakegate", self._inputs, [scores, *self._outputs], self._constants)
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], producer_name="wakegate")
        made.ir_version = 8
        onnx.checker.check_model(made, full_check=True)
        return made


def _front_end(graph: Graph) -> str:
    """PCM to features (1, MELS, FRAMES). The frame is two hops, so framing is a reshape."""
    samples = graph.node("Cast", ["pcm"], "samples", to=TensorProto.FLOAT)
    joined = graph.node("Concat", [graph.state("tail", [1, HOP]), samples], "joined", axis=1)
    graph.cut(joined, CHUNK, CHUNK + HOP, 1, "tail_next")
    hops = graph.node("Reshape", [joined, graph.constant("hops_shape", [FRAMES + 1, HOP])], "hops")
    halves = [graph.cut(hops, 0, FRAMES, 0, "left"), graph.cut(hops, 1, FRAMES + 1, 0, "right")]
    frames = graph.node("Concat", halves, "frames", axis=1)
    assert FRAME == 2 * HOP
    spectrum = graph.node("MatMul", [frames, graph.constant("fourier", fourier())], "spectrum")
    squares = graph.node("Mul", [spectrum, spectrum], "squares")
    # A last column of ones rides along: its running mean is the weight that takes the bias out of the others.
    bank = np.hstack([mel_bank(), np.zeros((len(mel_bank()), 1), np.float32)])
    ones = np.eye(1, MELS + 1, MELS, dtype=np.float32)[0]
    power = graph.node("Gemm", [squares, graph.constant("mel_bank", bank), graph.constant("ones", ones)], "power")
    past = graph.node("Concat", [graph.state("mean", [1, MELS + 1]), power], "past", axis=0)
    means = graph.node("MatMul", [graph.constant("averaging", _averaging()), past], "means")
    graph.cut(means, FRAMES - 1, FRAMES, 0, "mean_next")
    biased = graph.cut(means, 0, MELS, 1, "biased")
    weight = graph.cut(means, MELS, MELS + 1, 1, "weight")
    mean = graph.node("Div", [biased, weight], "mean_of_bands")
    floored = graph.node("Add", [mean, graph.constant("floor", np.array(FLOOR, np.float32))], "floored")
    ratio = graph.node("Div", [graph.cut(power, 0, MELS, 1, "bands"), floored], "ratio")
    raised = graph.node("Add", [ratio, graph.constant("one", np.array(1, np.float32))], "raised")
    least = graph.constant("least", np.array(1, np.float32))
    most = graph.constant("most", np.array(np.exp(CEILING), np.float32))
    logged = graph.node("Log", [graph.node("Clip", [raised, least, most], "clipped")], "logged")
    batched = graph.node("Reshape", [logged, graph.constant("batched_shape", [1, FRAMES, MELS])], "batched")
    return graph.node("Transpose", [batched], "features", perm=[0, 2, 1])


def _averaging() -> NDArray[np.float32]:
    """(FRAMES, 1 + FRAMES): the running mean after each frame from the mean before the chunk and its frames."""
    keep = 1.0 - MEAN_RATE
    steps = np.arange(FRAMES)
    lag = steps[:, None] - steps[None, :]
    new = np.where(lag >= 0, MEAN_RATE * keep ** np.maximum(lag, 0), 0)
    return np.hstack([keep ** (steps + 1)[:, None], new]).astype(np.float32)


def build(trunk: Trunk) -> onnx.ModelProto:
    """Return the streaming graph of a trained trunk."""
    graph = Graph()
    x, count = _front_end(graph), FRAMES
    for index, layer in enumerate([trunk.first, *trunk.blocks]):
        weight, bias = layer.folded()
        past, stride, dilation = layer.past, layer.conv.stride, layer.conv.dilation
        cache = graph.state(f"cache{index}", [1, weight.shape[1], past])
        seen = graph.node("Concat", [cache, x], f"seen{index}", axis=2)
        graph.cut(seen, count, count + past, 2, f"cache{index}_next")
        constants = [graph.constant(f"weight{index}", weight), graph.constant(f"bias{index}", bias)]
        convolved = graph.node("Conv", [seen, *constants], f"conv{index}", strides=stride, dilations=dilation)
        active = graph.node("Relu", [convolved], f"relu{index}")
        x = active if index == 0 else graph.node("Add", [x, active], f"sum{index}")
        count = STEPS
    head = trunk.head.weight.detach().numpy()[:, :, 0].T
    frames = graph.node("Transpose", [x], "frames_first", perm=[0, 2, 1])
    logits = graph.node("MatMul", [frames, graph.constant("head", head)], "matched")
    assert trunk.head.bias is not None
    biased = graph.node("Add", [logits, graph.constant("head_bias", trunk.head.bias.detach().numpy())], "logits")
    graph.cut(graph.node("Softmax", [biased], "chances", axis=2), 0, len(WORDS), 2, "scores")
    return graph.model()


def context(trunk: Trunk) -> int:
    """Return the samples of past that a score depends on, the running mean apart."""
    steps = sum((trunk.shape.width - 1) * d for d in trunk.shape.dilations)
    return (steps * STRIDE + trunk.shape.first) * HOP + FRAME - HOP


def run(checkpoint: Path, out: Path, name: str) -> None:
    """Write NAME.onnx and NAME.json from a checkpoint; ``evaluate`` fills in thresholds, timing, operating points."""
    trunk = load_network(checkpoint)
    data = build(trunk).SerializeToString()
    manifest = {
        "format": FORMAT,
        "name": name,
        "sample_rate": SAMPLE_RATE,
        "sha256": hashlib.sha256(data).hexdigest(),
        "chunk": CHUNK,
        "step": HOP * STRIDE,
        "context": context(trunk),
        "floor": 0.1,
        "smoothing": 5,
        "refractory": 2 * SAMPLE_RATE,
        "fall": SAMPLE_RATE * 3 // 10,
        "words": [
            {"word": word, "threshold": 0.5, "lag": 0, "crossing_lag": 0, "duration": SAMPLE_RATE} for word in WORDS
        ],
        "operating_points": [],
    }
    out.mkdir(parents=True, exist_ok=True)
    (out / f"{name}.onnx").write_bytes(data)
    (out / f"{name}.json").write_text(json.dumps(manifest, indent=1) + "\n")
