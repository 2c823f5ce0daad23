"""Export: weights to one ONNX file, PCM in and scores out, and its manifest.

Owns the always-on graph, node by node, because its cost is dispatch: every node here is paid 12.5 times a second for
ever. The verifier hangs in it as a branch that is run only where the first stage suspects a word. Must compute exactly
what ``network`` computes (a test compares them).
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, numpy_helper

from ..events import SAMPLE_RATE
from ..wake import onnx_file
from ..wake import trunk as trunks
from ..wake.manifest import FORMAT
from .branch import verified
from .causal import convolved, windows
from .corpus import WORDS
from .fit import load_network
from .graph import CHUNK, FRAMES, STEPS, Graph, Nodes, scores
from .network import BINS, CEILING, FLOOR, FRAME, HOP, MEAN_RATE, MELS, STRIDE, Trunk, fourier, mel_bank
from .verifier import WINDOW, Verifier
from .verify import found, load_verifier

GATE = 0.1
"""Odds of a word against none, after the first stage, from which the verifier is asked."""


def _front_end(graph: Graph) -> tuple[str, str]:
    """PCM to mel power and features, (FRAMES, MELS) both. The frame is two hops: framing is a reshape."""
    samples = graph.node("Cast", ["pcm"], "samples", to=TensorProto.FLOAT)
    hops = graph.node("Reshape", [samples, graph.constant("hops_shape", [FRAMES + 1, HOP])], "hops")
    squares = _squares(graph, graph.cut(hops, 0, FRAMES, 0, "left"), _mirrored(graph, hops))
    # A last column of ones rides along: its running mean is the weight that takes the bias out of the others.
    bank = np.hstack([mel_bank()[: len(BINS)], np.zeros((len(BINS), 1), np.float32)])
    ones = np.eye(1, MELS + 1, MELS, dtype=np.float32)[0]
    power = graph.node("Gemm", [squares, graph.constant("mel_bank", bank), graph.constant("ones", ones)], "power")
    past = graph.node("Concat", [graph.before("means", (1, FRAMES, MELS + 1)), power], "past", axis=0)
    means = graph.node("MatMul", [graph.constant("averaging", _averaging()), past], "means")
    weight = graph.cut(means, MELS, MELS + 1, 1, "weight")
    mean = graph.node("Div", [graph.cut(means, 0, MELS, 1, "biased"), weight], "mean_of_bands")
    floored = graph.node("Add", [mean, graph.constant("floor", np.array(FLOOR, np.float32))], "floored")
    bands = graph.cut(power, 0, MELS, 1, "bands")
    ratio = graph.node("Div", [bands, floored], "ratio")
    raised = graph.node("Add", [ratio, graph.constant("one", np.array(1, np.float32))], "raised")
    most = graph.constant("most", np.array(np.exp(CEILING), np.float32))
    return bands, graph.node("Log", [graph.node("Min", [raised, most], "clipped")], "features")


def _mirrored(graph: Graph, hops: str) -> str:
    """All hops but the first, each backwards: the right halves of the frames, as they meet the left ones."""
    edges = (("from", [1, HOP - 1]), ("to", [FRAMES + 1, -HOP - 1]), ("axes", [0, 1]), ("steps", [1, -1]))
    return graph.node("Slice", [hops, *(graph.constant(f"right_{name}", value) for name, value in edges)], "right")


def _squares(graph: Graph, left: str, right: str) -> str:
    """Power of each frequency, (FRAMES, bins). Half of the products: see ``network.fourier``."""
    assert FRAME == 2 * HOP
    waves, bins = fourier()[:HOP], len(BINS)
    parts = []
    for kind, name, half in (("Add", "cosines", waves[:, :bins]), ("Sub", "sines", waves[:, bins:])):
        met = graph.node(kind, [left, right], f"{name}_halves")
        part = graph.node("MatMul", [met, graph.constant(name, half)], f"{name}_part")
        parts.append(graph.node("Mul", [part, part], f"{name}_squares"))
    return graph.node("Add", parts, "squares")


def _averaging() -> NDArray[np.float32]:
    """(FRAMES, 1 + FRAMES): the running mean after each frame from the mean before the chunk and its frames."""
    keep = 1.0 - MEAN_RATE
    steps = np.arange(FRAMES)
    lag = steps[:, None] - steps[None, :]
    new = np.where(lag >= 0, MEAN_RATE * keep ** np.maximum(lag, 0), 0)
    return np.hstack([keep ** (steps + 1)[:, None], new]).astype(np.float32)


def build(trunk: Trunk, verifiers: Sequence[Verifier]) -> onnx.ModelProto:
    """Return the streaming graph of a trained trunk and of the verifiers behind it."""
    graph = Graph()
    bands, x = _front_end(graph)
    rows, channels = FRAMES, MELS
    for index, layer in enumerate([trunk.first, trunk.second, *trunk.blocks]):
        weight, bias = layer.folded()
        (stride,), (dilation,), width = layer.conv.stride, layer.conv.dilation, weight.shape[2]
        named = f"{index}"
        seen = windows(graph, x, rows, channels, named, width=width, dilation=dilation, stride=stride)
        active = convolved(graph, seen, weight, bias, named)
        if stride > 1 and index:  # what goes past it is the newest row of each window
            x = graph.cut(seen, (width - 1) * channels, width * channels, 1, f"newest{index}")
        x = graph.node("Add", [x, active], f"sum{index}") if index else active
        rows, channels = rows // stride, len(weight)
    graph.node("Gemm", [x, *_odds(graph, trunk)], "odds")
    graph.before(bands, (WINDOW - FRAMES, FRAMES, MELS))
    best = graph.node("ReduceMax", ["odds"], "best", keepdims=0)
    graph.node("GreaterOrEqual", [best, graph.constant("gate", np.array(np.log(GATE), np.float32))], "suspected")
    none = Nodes()
    none.node("Constant", [], "nothing", value=numpy_helper.from_array(np.zeros((1, STEPS, len(WORDS)), np.float32)))
    branches = {
        "then_branch": verified(verifiers, "odds", STEPS).branch("verify", scores("verified")),
        "else_branch": none.branch("pass", scores("nothing")),
    }
    graph.node("If", ["suspected"], "scores", **branches)
    return graph.model()


def _odds(graph: Graph, trunk: Trunk) -> list[str]:
    """Return weight and bias of the head, each word's less those of "no word": its logarithmic odds against none."""
    assert trunk.head.bias is not None
    weight, bias = trunk.head.weight.detach().numpy(), trunk.head.bias.detach().numpy()
    against = (weight[:-1] - weight[-1:])[:, :, 0].T
    return [graph.constant("head", against), graph.constant("head_bias", bias[:-1] - bias[-1:])]


def context(trunk: Trunk) -> int:
    """Return the samples of past that a score depends on, the running mean apart."""
    shape = trunk.shape
    steps = sum((shape.width - 1) * d for d in shape.dilations)
    return (steps * STRIDE + (shape.width - 1) * STRIDE // 2 + shape.first) * HOP + FRAME - HOP


def run(checkpoint: Path, out: Path, name: str) -> None:
    """Write NAME.onnx and NAME.json from a checkpoint; ``evaluate`` fills in thresholds, timing, operating points."""
    trunk, verifiers = load_network(checkpoint), [load_verifier(path) for path in found(checkpoint.parent)]
    data = build(trunk, verifiers).SerializeToString()
    manifest = {
        "format": FORMAT,
        "name": name,
        "sample_rate": SAMPLE_RATE,
        "sha256": hashlib.sha256(data).hexdigest(),
        "trunk": trunks.digest(onnx_file.parse(data).constants),
        "chunk": CHUNK,
        "step": HOP * STRIDE,
        "context": max(context(trunk), WINDOW * HOP + FRAME - HOP),
        "floor": 0.1,
        "smoothing": 3,
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
