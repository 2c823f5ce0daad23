"""The network: front end and causal trunk as torch modules, the twin of the graph that ``export`` writes.

Owns the arithmetic from PCM to scores. Every layer is causal with zeros before the first sample, so that a stream cut
anywhere gives the same scores; must never look ahead or normalise over a whole clip.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..events import SAMPLE_RATE
from .sizes import HOP as HOP
from .sizes import STRIDE as STRIDE
from .sizes import past

FRAME = 320
BINS = np.concatenate([np.arange(62.5, 1000.0, 31.25), np.arange(1000.0, 7626.0, 62.5)])
"""Frequencies in Hz: wide bands need no more, and half of them is half of the front end's time."""
MELS = 40
MEAN_RATE = 0.015
FLOOR = 1e-9
CEILING = 5.0


def hz_to_mel(hz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mel scale of O'Shaughnessy (1987): 2595 log10(1 + f / 700)."""
    mel: NDArray[np.float64] = 2595.0 * np.log10(1.0 + hz / 700.0)
    return mel


def fourier() -> NDArray[np.float32]:
    """(FRAME, 2 bins): Hann window times cosines and sines, for samples scaled to [-1, 1).

    Time is counted from the middle of the frame, so the second half of each cosine mirrors the first, and of each sine
    its negative: a graph needs half of the products.
    """
    n = np.arange(FRAME)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * (n + 0.5) / FRAME)
    phase = 2 * np.pi * np.outer(n - (FRAME - 1) / 2, BINS) / SAMPLE_RATE
    return (np.hstack([np.cos(phase), np.sin(phase)]) * hann[:, None] / 32768.0).astype(np.float32)


def mel_bank() -> NDArray[np.float32]:
    """(2 bins, MELS): triangles on the mel scale from 80 to 7600 Hz, the same for the cosine and the sine half.

    A bin weighs as much as the frequencies it stands for; each triangle weighs one in all.
    """
    mel = hz_to_mel(BINS)
    edges = np.linspace(hz_to_mel(np.array(80.0)), hz_to_mel(np.array(7600.0)), MELS + 2)
    rising = (mel[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - mel[:, None]) / (edges[2:] - edges[1:-1])
    triangles = np.maximum(0.0, np.minimum(rising, falling)) * np.gradient(BINS)[:, None]
    triangles /= np.maximum(triangles.sum(axis=0), 1e-3)
    return np.vstack([triangles, triangles]).astype(np.float32)


class FrontEnd(nn.Module):
    """PCM to features: mel power over its own slow running mean per band, log1p, clipped.

    The running mean is an exponential average started without bias (as in Adam, Kingma and Ba 2015, section 3), so the
    first second after a reset is scaled like any other; dividing by it makes level and microphone colour vanish
    (compare PCEN, Wang et al. 2017).
    """

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("fourier", torch.from_numpy(fourier()))
        self.register_buffer("mel_bank", torch.from_numpy(mel_bank()))

    def power(self, samples: Tensor) -> Tensor:
        """(batch, n) int16-valued float samples to (batch, n // HOP, MELS) power."""
        padded = nn.functional.pad(samples, (FRAME - HOP, 0))
        frames = padded.unfold(1, FRAME, HOP)
        return (frames @ self.fourier).square() @ self.mel_bank

    def normalised(self, power: Tensor) -> Tensor:
        """(batch, frames, MELS) power to features of the same shape."""
        steps = torch.arange(power.shape[1], device=power.device)
        lag = (steps[:, None] - steps[None, :]).clamp(min=0)
        decay = MEAN_RATE * (1.0 - MEAN_RATE) ** lag
        weights = torch.where(steps[:, None] >= steps[None, :], decay, torch.zeros(()))
        mean = (weights @ power) / weights.sum(dim=1)[:, None]
        return torch.log1p(power / (mean + FLOOR)).clamp(max=CEILING)

    def forward(self, samples: Tensor) -> Tensor:
        """(batch, n) int16-valued float samples to (batch, n // HOP, MELS) features."""
        return self.normalised(self.power(samples))


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of the trunk."""

    channels: int = 96
    dilations: tuple[int, ...] = (1, 2, 4, 8)
    first: int = 5
    width: int = 3


def folded(conv: nn.Module, norm: nn.Module) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return weights and bias of a convolution with its batch normalisation multiplied in."""
    assert isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d) and isinstance(conv, nn.Conv1d | nn.Conv2d)
    assert norm.running_var is not None and norm.running_mean is not None
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    bias = norm.bias - norm.running_mean * scale
    weight = conv.weight * scale.reshape(-1, *[1] * (conv.weight.ndim - 1))
    return weight.detach().numpy(), bias.detach().numpy()


class CausalConv(nn.Module):
    """1-D convolution that sees only the past, with batch normalisation (folded at export)."""

    def __init__(self, inputs: int, outputs: int, width: int, dilation: int = 1, stride: int = 1) -> None:
        super().__init__()
        self.past = past(width, dilation, stride)
        self.conv = nn.Conv1d(inputs, outputs, width, stride=stride, dilation=dilation, bias=False)
        self.norm = nn.BatchNorm1d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, inputs, t) to (batch, outputs, t // stride)."""
        y: Tensor = self.norm(self.conv(nn.functional.pad(x, (self.past, 0))))
        return y

    def folded(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Weights (outputs, inputs, width) and bias (outputs,) with the normalisation multiplied in."""
        return folded(self.conv, self.norm)


class Trunk(nn.Module):
    """Features to logits: a strided convolution, a residual one, strided too, residual dilated ones, a linear map."""

    def __init__(self, outputs: int, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.first = CausalConv(MELS, shape.channels, shape.first, stride=STRIDE // 2)
        self.second = CausalConv(shape.channels, shape.channels, shape.width, stride=2)
        self.blocks = nn.ModuleList(
            CausalConv(shape.channels, shape.channels, shape.width, dilation=d) for d in shape.dilations
        )
        self.drop = nn.Dropout(0.1)
        self.head = nn.Conv1d(shape.channels, outputs, 1)

    def heard(self, features: Tensor) -> Tensor:
        """(batch, frames, MELS) to (batch, channels, frames // STRIDE) activations, which a head reads."""
        x = torch.relu(self.first(features.transpose(1, 2)))
        x = x[:, :, 1::2] + self.drop(torch.relu(self.second(x)))
        for block in self.blocks:
            x = x + self.drop(torch.relu(block(x)))
        return x

    def forward(self, features: Tensor) -> Tensor:
        """(batch, frames, MELS) to (batch, frames // STRIDE, outputs) logits; the last output means "no word"."""
        logits: Tensor = self.head(self.heard(features))
        return logits.transpose(1, 2)
