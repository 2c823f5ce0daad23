"""Sizes: how samples become frames and frames become steps, and how far back a convolution over them reaches.

Owns what the torch modules and the graph must agree on; must not import torch.
"""

HOP = 160
"""Samples between two frames."""
STRIDE = 4
"""Frames a step: a score every 40 ms."""


def past(width: int, dilation: int = 1, stride: int = 1) -> int:
    """Return the rows before a chunk that a causal convolution sees: zeros before a stream's first, then its cache."""
    return (width - 1) * dilation + 1 - stride
