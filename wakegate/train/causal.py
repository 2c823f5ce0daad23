"""Causal: a convolution over time, as nodes of a stream.

Owns the layout, rows of time by columns of channels: the windows of a chunk are rows picked from what came before and
what came now, and the convolution is one product of them with the weights. A few rows, as here, are multiplied several
times faster so than by a convolution's own node. Must never read a row that is not there yet.
"""

import numpy as np
from numpy.typing import NDArray

from .graph import Graph, Grown
from .sizes import past


def windows(
    nodes: Graph | Grown,
    x: str,
    rows: int,
    channels: int,
    index: str,
    *,
    width: int,
    dilation: int = 1,
    stride: int = 1,
) -> str:
    """Return (rows // stride, width * channels): each window's rows side by side, the newest last.

    Parameters
    ----------
    nodes : Graph or Grown
        Where they go.
    x : str
        (rows, channels), which a node of theirs makes; the rows before these are their state.
    """
    before = past(width, dilation, stride)
    seen = nodes.node("Concat", [nodes.before(x, (before, rows, channels)), x], f"seen{index}", axis=0)
    steps = rows // stride
    picked = np.arange(steps)[:, None] * stride + np.arange(width)[None, :] * dilation
    each = nodes.node("Gather", [seen, nodes.constant(f"rows{index}", picked.ravel())], f"picked{index}", axis=0)
    return nodes.node("Reshape", [each, nodes.constant(f"wide{index}", [steps, width * channels])], f"windows{index}")


def convolved(
    nodes: Graph | Grown, seen: str, weight: NDArray[np.float32], bias: NDArray[np.float32], index: str
) -> str:
    """Return the rectified products of :func:`windows` with (outputs, inputs, width) weights: (steps, outputs)."""
    constants = [nodes.weights(f"weight{index}", matrix(weight)), nodes.constant(f"bias{index}", bias)]
    return nodes.node("Relu", [nodes.node("Gemm", [seen, *constants], f"conv{index}")], f"relu{index}")


def matrix(weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (outputs, inputs, width) weights as they multiply windows: (width * inputs, outputs)."""
    return weight.transpose(2, 1, 0).reshape(-1, len(weight))


def kernel(stored: NDArray[np.generic], inputs: int) -> NDArray[np.generic]:
    """Return what :func:`matrix` was made of."""
    return stored.reshape(-1, inputs, stored.shape[1]).transpose(2, 1, 0)
