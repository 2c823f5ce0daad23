"""Lesson: a teacher's descriptions to what the verifier is told beside the right answers.

Owns the pupil's two tasks: to hear in each place of the window what the teacher hears there (hints, Romero et al.
2015), and to be as sure of each word as a small head on the teacher's descriptions is (distillation, Hinton et al.
2015). That head learns first, from the same windows. Nothing of it is exported.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from .fit import average
from .verifier import PLACES, pooled

DIMENSIONS = 96
"""Of the teacher's descriptions that are kept: two thirds of their variance."""
HEAD_STEPS, HEAD_BATCH = 3000, 256
SOFTENED = 2.0
"""Temperature: what is unlikely, and how unlikely, teaches too."""
HINTS, SURENESS = 1.0, 0.5
"""What the two tasks count for beside the right answers."""
MOSTLY = 0.6
"""Share of a window that must be described for the teacher to have heard it."""


class Taught(NamedTuple):
    """Windows with what the teacher made of them.

    Parameters
    ----------
    heard : (n, WINDOW, MELS) Tensor
        Power.
    chances : (n, words + 1) Tensor
        Log chances of the first stage.
    classes : (n,) Tensor
        The right answers.
    described : (n, PLACES, DIMENSIONS) Tensor
        Zero where nothing is described.
    known : (n, PLACES) Tensor
        One where something is described, else zero.
    """

    heard: Tensor
    chances: Tensor
    classes: Tensor
    described: Tensor
    known: Tensor


class Basis:
    """The main directions of (n, places, width) descriptions.

    Each direction counts by the fourth root of its variance, so that the few loudest do not drown the others.
    """

    def __init__(self, described: NDArray[np.float16]) -> None:
        some = described[::4].reshape(-1, described.shape[2]).astype(np.float32)
        self._mean, deviation = some.mean(axis=0), some.std(axis=0) + 1e-6
        scaled = (some - self._mean) / deviation
        variance, directions = np.linalg.eigh(scaled.T @ scaled / len(scaled))
        weight = 1.5 * np.maximum(variance[-DIMENSIONS:], 1e-6) ** 0.25
        self._map = (directions[:, -DIMENSIONS:] / deviation[:, None] / weight).astype(np.float32)

    def __call__(self, described: NDArray[np.float16]) -> NDArray[np.float16]:
        """Return (..., width) descriptions as (..., DIMENSIONS)."""
        kept: NDArray[np.float16] = ((described.astype(np.float32) - self._mean) @ self._map).astype(np.float16)
        return kept


class Head(nn.Module):
    """Descriptions of a window and the first stage's log chances to logits: what the teacher would answer."""

    def __init__(self, outputs: int, trust: Tensor, channels: int = 128) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Dropout(0.4), nn.Conv1d(size, channels, 3, padding=1), nn.BatchNorm1d(channels), nn.ReLU())
            for size in (DIMENSIONS, channels)
        )
        self.drop = nn.Dropout(0.4)
        self.value = nn.Conv1d(channels, outputs, 1)
        self.weight = nn.Conv1d(channels, outputs, 1)
        self.place = nn.Parameter(torch.zeros(outputs, PLACES))
        self.register_buffer("trust", trust.detach().clone())

    def forward(self, described: Tensor, first: Tensor) -> Tensor:
        """(n, PLACES, DIMENSIONS) and (n, outputs) to (n, outputs)."""
        x = described.transpose(1, 2)
        for layer in self.layers:
            x = layer(x)
        x = self.drop(x)
        logits: Tensor = pooled(self.value(x), self.weight(x) + self.place) + self.trust * first
        return logits


class Lesson(nn.Module):
    """Both tasks.

    Parameters
    ----------
    head : Head
        Learned.
    mixed : int
        Channels of the verifier's places.
    """

    def __init__(self, head: Head, mixed: int) -> None:
        super().__init__()
        self.hint = nn.Conv1d(mixed, DIMENSIONS, 1)
        self._head = [head.eval()]  # in a list, so that it is no parameter of the lesson

    def forward(self, places: Tensor, logits: Tensor, taught: Taught, *, in_place: bool) -> Tensor:
        """Return the loss of the verifier's (n, mixed, PLACES) places and (n, outputs) logits.

        With ``in_place`` false the window was hurried, and its places are not the teacher's.
        """
        with torch.no_grad():
            answers = self._head[0](taught.described, taught.chances) / SOFTENED
        apart = nn.functional.kl_div(
            (logits / SOFTENED).log_softmax(1), answers.log_softmax(1), reduction="none", log_target=True
        ).sum(1)
        heard = (taught.known.mean(1) > MOSTLY).float()
        loss: Tensor = SURENESS * SOFTENED**2 * (apart * heard).mean()
        if in_place:
            off = (self.hint(places).float().transpose(1, 2) - taught.described).square().mean(2)
            loss = loss + HINTS * (off * taught.known).sum() / taught.known.sum().clamp(min=1)
        return loss


def taught_head(draw: Callable[[int], Taught], outputs: int, trust: Tensor, steps: int) -> Head:
    """Learn the head from ``steps`` batches, negatives weighted from one to two; return its running average."""
    made = Head(outputs, trust)
    averaged = average(made, 0.998)
    optimizer = torch.optim.AdamW(made.parameters(), 2e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    weights = torch.ones(outputs)
    for step in range(steps):
        weights[-1] = 1 + step / steps
        taught = draw(HEAD_BATCH)
        loss = nn.functional.cross_entropy(made(taught.described, taught.chances), taught.classes, weight=weights)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        averaged.update_parameters(made)
    learned = averaged.module
    assert isinstance(learned, Head)
    return learned
