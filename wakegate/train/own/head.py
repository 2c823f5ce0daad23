"""Head: one word's first stage, on the activations of a frozen trunk.

Owns the arithmetic from those to one logarithmic odds a step; ``graft`` writes its twin. Causal, with zeros before the
first step, as the stream's cache holds.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ...events import SAMPLE_RATE
from ..export import GATE
from ..network import HOP, STRIDE, FrontEnd, Trunk

HIDDEN = 48
WIDTH = 5
DILATIONS = (1, 2)
"""Of its convolutions: 0.5 s of activations that have themselves heard 1.3 s."""
SUSPECTED = 0.01
"""Share of chunks without the word for which the second stage may be asked: it costs ten times what the rest does."""
HEARD = 10 * SAMPLE_RATE
MOST = 120


class Head(nn.Module):
    """Two convolutions over time and one linear map."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        sizes = (channels, *[HIDDEN] * len(DILATIONS))
        self.layers = nn.ModuleList(
            nn.Conv1d(sizes[n], sizes[n + 1], WIDTH, dilation=dilation) for n, dilation in enumerate(DILATIONS)
        )
        self.drop = nn.Dropout(0.1)
        self.odds = nn.Conv1d(HIDDEN, 1, 1)

    def forward(self, activations: Tensor) -> Tensor:
        """(batch, channels, steps) to (batch, 1, steps)."""
        x = activations
        for layer, dilation in zip(self.layers, DILATIONS, strict=True):
            x = torch.relu(layer(nn.functional.pad(self.drop(x), ((WIDTH - 1) * dilation, 0))))
        odds: Tensor = self.odds(x)
        return odds


class FirstStage(nn.Module):
    """Features to logits of (word, none), with the trunk as it is."""

    def __init__(self, trunk: Trunk) -> None:
        super().__init__()
        self.trunk = trunk
        self.head = Head(trunk.shape.channels)

    def forward(self, features: Tensor) -> Tensor:
        """(batch, frames, MELS) to (batch, steps, 2) logits; "none" is 0."""
        with torch.no_grad():
            heard = self.trunk.heard(features)
        odds = self.head(heard).transpose(1, 2)
        return torch.cat([odds, torch.zeros_like(odds)], dim=2)

    def train(self, mode: bool = True) -> "FirstStage":
        """Set the head's mode; the trunk stays as it is."""
        super().train(mode)
        self.trunk.eval()
        return self


def gate(first: FirstStage, background: Sequence[NDArray[np.int16]], steps: int) -> float:
    """Return the logarithmic odds from which the second stage is asked.

    They are the shipped words' own, or so much more, up to even odds, that few chunks of sound without the word pass.

    Parameters
    ----------
    first : FirstStage
        Trained.
    background : sequence of (n,) int16
        Without the word: ten seconds of about 120 of them are heard.
    steps : int
        Scores a chunk.
    """
    front_end, best = FrontEnd(), []
    chunk = steps * STRIDE * HOP
    for samples in background[:: max(1, len(background) // MOST)]:
        heard = samples[: min(len(samples), HEARD) // chunk * chunk]
        if not len(heard):
            continue
        with torch.no_grad():
            odds = first(front_end(torch.from_numpy(heard[None].astype(np.float32))))[0, :, 0]
        best.append(odds.reshape(-1, steps).amax(dim=1))
    if not best:
        return math.log(GATE)
    passed = float(torch.quantile(torch.cat(best), 1 - SUSPECTED))
    return max(math.log(GATE), min(0.0, passed))
