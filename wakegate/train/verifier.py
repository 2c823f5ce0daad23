"""The verifier: the second stage as a torch module, the twin of the branch that ``export`` writes.

Owns the arithmetic from the last two seconds of features and the first stage's logits to scores. It runs only where the
first stage suspects a word, so it may be larger; it sees the whole word at once, forwards and backwards, and in both
directions of pitch. Must never see what lies after the first stage's last step.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .network import FLOOR, MELS

WINDOW = 200
"""Frames it looks at."""
PLACES = WINDOW // 8
BANDS = MELS // 8
TRUST = 0.3
"""What the first stage's log chances count for. Not learned: it was trained on these very examples, so here it looks
surer than it is of people it has never met."""
CONVOLUTIONS = (((5, 5), (2, 2)), ((3, 3), (2, 2)), ((3, 3), (2, 1)), ((3, 3), (1, 2)))
"""Kernel and stride of each convolution, over bands and over frames."""


@dataclass(frozen=True, slots=True)
class VerifierShape:
    """Sizes of the verifier.

    Parameters
    ----------
    channels, mixed : tuple of int, int
        Of the planes, and of the convolution that mixes them.
    deep : tuple of int
        Channels of further convolutions over the places, between what is heard there and the answer.
    answers : int
        How many, each with such convolutions and a loss of its own, say what they make of the places. They differ by
        what they began with; their mean counts.
    """

    channels: tuple[int, int, int, int] = (24, 48, 96, 128)
    mixed: int = 160
    deep: tuple[int, ...] = ()
    answers: int = 1


class Plane(nn.Module):
    """2-D convolution over bands and frames, with batch normalisation (folded at export)."""

    def __init__(self, inputs: int, outputs: int, kernel: tuple[int, int], stride: tuple[int, int]) -> None:
        super().__init__()
        around = (kernel[0] // 2, kernel[1] // 2)
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=around, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, inputs, bands, frames) to (batch, outputs, fewer bands, fewer frames)."""
        y: Tensor = torch.relu(self.norm(self.conv(x)))
        return y


class Verifier(nn.Module):
    """Features and the first stage's log chances to logits: planes, one mixing convolution, attention over time.

    Each class weighs the places of the window by what is there and by where it is (attention pooling with a learned
    place), so a word may end anywhere in the last third of a second.
    """

    def __init__(self, outputs: int, shape: VerifierShape) -> None:
        super().__init__()
        self.shape, self.outputs = shape, outputs
        sizes = (1, *shape.channels)
        self.planes = nn.Sequential(
            *(Plane(sizes[n], sizes[n + 1], kernel, stride) for n, (kernel, stride) in enumerate(CONVOLUTIONS))
        )
        self.mix = nn.Conv1d(BANDS * shape.channels[-1], shape.mixed, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm1d(shape.mixed)
        self.drop = nn.Dropout(0.25)
        count = shape.answers
        over = (shape.mixed, *(count * channels for channels in shape.deep))
        # The first hears what all share, and the others what is made of it for the same answer.
        self.deep = nn.ModuleList(
            nn.Conv1d(over[n], over[n + 1], 3, padding=1, groups=count if n else 1) for n in range(len(shape.deep))
        )
        apart = count if shape.deep else 1
        self.value = nn.Conv1d(over[-1], count * outputs, 1, groups=apart)
        self.weight = nn.Conv1d(over[-1], count * outputs, 1, groups=apart)
        self.place = nn.Parameter(torch.zeros(count * outputs, PLACES))
        self.register_buffer("trust", torch.tensor(TRUST))

    def heard(self, features: Tensor) -> Tensor:
        """(batch, WINDOW, MELS) to (batch, mixed, PLACES): what is heard in each 80 ms."""
        return torch.relu(self.norm(self.mix(self.planes(features.transpose(1, 2)[:, None]).flatten(1, 2))))

    def each(self, heard: Tensor, first: Tensor) -> Tensor:
        """(batch, mixed, PLACES) and (batch, outputs) log chances of the first stage to (batch, answers, outputs)."""
        x = self.drop(heard)
        for layer in self.deep:
            x = self.drop(torch.relu(layer(x)))
        second = pooled(self.value(x), self.weight(x) + self.place)
        logits: Tensor = second.reshape(len(x), self.shape.answers, self.outputs) + self.trust * first[:, None]
        return logits

    def answer(self, heard: Tensor, first: Tensor) -> Tensor:
        """(batch, mixed, PLACES) and (batch, outputs) log chances of the first stage to (batch, outputs) logits."""
        return self.each(heard, first).mean(1)

    def forward(self, features: Tensor, first: Tensor) -> Tensor:
        """(batch, WINDOW, MELS) and (batch, outputs) log chances of the first stage to (batch, outputs) logits."""
        return self.answer(self.heard(features), first)


def pooled(value: Tensor, weight: Tensor) -> Tensor:
    """Attention over places: (batch, outputs, places) of what each says and how much it counts, to (batch, outputs)."""
    return (weight.softmax(2) * value).sum(2)


def loudness(power: Tensor) -> Tensor:
    """Half of the natural logarithm of mel power: about one for what a listener calls twice as loud."""
    return 0.5 * torch.log(power + FLOOR)


def centred(loud: Tensor) -> Tensor:
    """Take the window's mean off each band, so that level and microphone vanish: (batch, frames, bands)."""
    return loud - loud.mean(dim=1, keepdim=True)
