"""Learn: a word's two stages to their weights, by a fixed number of steps, resumable to the bit.

Owns the loop. What a step costs in time differs from machine to machine, what it learns does not: the same seed and
sound give the same weights, stopped and gone on with or not.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ...errors import ConfigError
from ..fit import AS_USUAL, average, between, hidden, hurried, learning_rate, losses, save, stretched, targets
from ..network import FrontEnd
from ..shards import Pool
from ..verifier import Verifier, centred, loudness
from ..verify import HURRIED, Windows
from .head import FirstStage

Told = Callable[[float], None]
"""Called with the share that is done."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how hard to train.

    Parameters
    ----------
    steps, batch : int
        Steps, and examples or windows of each.
    negative_weight : tuple of float
        Weight of what is no word, at the start and at the end.
    every : int
        Steps between two checkpoints.
    """

    steps: int
    batch: int
    learning_rate: float
    negative_weight: tuple[float, float]
    weight_decay: float = 0.02
    average: float = 0.995
    every: int = 100
    seed: int = 1


HEAD = Plan(steps=900, batch=64, learning_rate=2e-3, negative_weight=(1.0, 1.0))
VERIFIER = Plan(steps=1500, batch=96, learning_rate=1.5e-3, negative_weight=(1.0, 2.0), weight_decay=0.05)


def head(first: FirstStage, folder: Path, plan: Plan, checkpoint: Path, told: Told) -> None:
    """Train a word's first stage on a folder of shards; it holds the averaged weights when this returns."""
    rng = np.random.default_rng(plan.seed)
    pool, front_end = Pool(folder, 1000, rng), FrontEnd()
    pool.refresh()

    def loss(done: float) -> Tensor:
        power, words, ends = pool.batch(plan.batch)
        features = hidden(stretched(front_end.normalised(power), rng), rng, AS_USUAL)
        weight = between(plan.negative_weight, done)
        return losses(first(features), targets(words, ends, none=1), 2.0, weight).mean()

    _learn(first, loss, rng, plan, checkpoint, told)


def verifier(second: Verifier, first: FirstStage, folder: Path, plan: Plan, checkpoint: Path, told: Told) -> None:
    """Train its second stage on the windows at which the first one, as it is, suspects the word."""
    rng = np.random.default_rng(plan.seed)
    windows = Windows(sorted(folder.glob("*.npz")), first, rng)
    second.planes.to(memory_format=torch.channels_last)

    def loss(done: float) -> Tensor:
        heard, chances, classes = windows.batch(plan.batch)
        loud = stretched(loudness(heard), rng)
        features = hidden(centred(hurried(loud, rng) if rng.random() < HURRIED else loud), rng, 0.0)
        weights = torch.tensor([1.0, between(plan.negative_weight, done)])
        each = second.each(second.heard(features), chances).unbind(1)
        return torch.stack([nn.functional.cross_entropy(one, classes, weight=weights) for one in each]).sum()

    _learn(second, loss, rng, plan, checkpoint, told)


def _learn(
    network: nn.Module, loss: Callable[[float], Tensor], rng: np.random.Generator, plan: Plan, checkpoint: Path,
    told: Told,
) -> None:  # fmt: skip
    """Train to the plan's last step, going on where the checkpoint is."""
    torch.manual_seed(plan.seed)
    averaged = average(network, plan.average)
    moving = [one for one in network.parameters() if one.requires_grad]
    optimizer = torch.optim.AdamW(moving, plan.learning_rate, weight_decay=plan.weight_decay)
    inner, step = averaged.module, 0
    assert isinstance(inner, nn.Module)
    if checkpoint.exists():
        saved = _read(checkpoint)
        network.load_state_dict(saved["network"])
        averaged.load_state_dict(saved["averaged"])
        optimizer.load_state_dict(saved["optimizer"])
        rng.bit_generator.state = json.loads(saved["drawn"])
        torch.set_rng_state(saved["dropped"])
        step = saved["step"]
    _steady(network)
    while step < plan.steps:
        done = step / plan.steps
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(plan.learning_rate, step, done)
        optimizer.zero_grad()
        found = loss(done)
        found.backward()
        nn.utils.clip_grad_norm_(moving, 2.0)
        optimizer.step()
        averaged.update_parameters(network)
        step += 1
        told(step / plan.steps)
        if step % plan.every == 0 or step == plan.steps:
            state = {"network": network.state_dict(), "averaged": averaged.state_dict()}
            drawn = {"drawn": json.dumps(rng.bit_generator.state), "dropped": torch.get_rng_state()}
            save(checkpoint, {**state, **drawn, "optimizer": optimizer.state_dict(), "step": step})
    network.load_state_dict(inner.state_dict())
    network.eval()


def _read(checkpoint: Path) -> dict[str, Any]:
    try:
        saved: dict[str, Any] = torch.load(checkpoint, weights_only=True)
    except Exception as error:  # torch and its unpickler have no common base for their errors
        raise ConfigError(f"{checkpoint} is damaged: remove it, and run the same command again") from error
    return saved


def _steady(network: nn.Module) -> None:
    """Let a network learn, but not its normalisations: they were multiplied into the weights that it begins with."""
    network.train()
    for part in network.modules():
        if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d):
            part.eval()
