"""Sizes: how samples become frames and frames become steps, for what must not import torch."""

HOP = 160
"""Samples between two frames."""
STRIDE = 4
"""Frames a step: a score every 40 ms."""
