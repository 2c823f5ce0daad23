"""Fit: examples to the first stage's weights, resumable.

Owns the loop. One process draws examples (and keeps the hardest negatives for the network as it is), another learns
from all that were drawn so far; they meet in a folder of shards, so either can be stopped and started again. Which
speakers and background are in them is the corpus's affair.
"""

import io
import json
import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..events import SAMPLE_RATE
from .augment import LENGTH
from .corpus import WORDS
from .network import HOP, STRIDE, FrontEnd, Shape, Trunk
from .shards import Pool
from .throat import throats

STEP = HOP * STRIDE
STEPS = LENGTH // STEP
NONE = len(WORDS)
IGNORED = -100
AS_USUAL = math.log1p(1.0)
"""A feature that is as loud as its band usually is."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how hard to train.

    Parameters
    ----------
    minutes : float
        Wall time; the learning rate falls along a cosine over it.
    negative_weight : tuple of float
        Weight of "no word" steps at the start and at the end.
    """

    minutes: float = 40.0
    batch: int = 128
    learning_rate: float = 2e-3
    weight_decay: float = 0.01
    average: float = 0.999
    positive_weight: float = 2.0
    negative_weight: tuple[float, float] = (1.0, 2.0)
    pool: int = 60
    seed: int = 1


def targets(words: NDArray[np.int8], ends: NDArray[np.int32], none: int = NONE) -> Tensor:
    """Give each step its class: the word from 20 ms before to 220 ms after its end, ignored around that, else none.

    Parameters
    ----------
    words, ends : (n,)
        Index of the word (-1 for none) and its last sample.
    none : int
        The class of "no word": how many words there are.

    Returns
    -------
    (n, STEPS) int64
    """
    after = (np.arange(STEPS) + 1) * STEP
    distance = after[None, :] - ends[:, None]
    ms = SAMPLE_RATE // 1000
    classes = np.full((len(words), STEPS), none, np.int64)
    said = (words >= 0)[:, None]
    classes[said & (distance >= -200 * ms) & (distance <= 600 * ms)] = IGNORED
    inside = said & (distance >= -20 * ms) & (distance <= 220 * ms)
    return torch.from_numpy(np.where(inside, words[:, None].astype(np.int64), classes))


def load_network(path: Path) -> Trunk:
    """Load a checkpoint's averaged weights, ready to score."""
    saved = torch.load(path, weights_only=True)
    trunk = Trunk(NONE + 1, Shape(**saved["shape"]))
    trunk.load_state_dict(saved["averaged"])
    trunk.eval()
    return trunk


def losses(logits: Tensor, classes: Tensor, positive: float, negative: float) -> Tensor:
    """Cross-entropy a step, (n, STEPS), weighted by kind, 0 where ignored."""
    weights = torch.full((logits.shape[2],), positive)
    weights[-1] = negative
    return nn.functional.cross_entropy(
        logits.transpose(1, 2), classes, weight=weights, ignore_index=IGNORED, reduction="none"
    )


def stretched(features: Tensor, rng: np.random.Generator) -> Tensor:
    """Stretch the mel axis by up to 16 %, as other throats would."""
    stretch = torch.from_numpy(rng.uniform(0.85, 1.16, len(features)).astype(np.float32))
    return features @ throats(stretch, features.shape[2])


def hurried(features: Tensor, rng: np.random.Generator) -> Tensor:
    """Say it faster or slower, up to 15 %, and unevenly, as other people would; the window's end stays where it is."""
    frames = features.shape[1]
    back = torch.arange(frames - 1, -1, -1, dtype=torch.float32)[None, :]
    draw = torch.from_numpy(rng.uniform(-1, 1, (3, len(features), 1)).astype(np.float32))
    uneven = 2.5 * draw[1] * torch.sin(back / 8 + 3 * draw[2])
    place = (frames - 1 - back * (1 + 0.15 * draw[0]) + uneven - uneven[:, -1:]).clamp(0, frames - 1.001)
    low = place.long()
    part = (place - low)[:, :, None]
    rows = features.reshape(-1, features.shape[2])
    at = low + frames * torch.arange(len(features))[:, None]
    return rows[at] * (1 - part) + rows[at + 1] * part


def hidden(features: Tensor, rng: np.random.Generator, usual: float) -> Tensor:
    """Hide a few bands, now and then a short stretch of time, behind ``usual`` (SpecAugment, Park et al. 2019)."""
    for row in range(len(features)):
        if rng.random() < 0.4:
            band = int(rng.integers(0, 36))
            features[row, :, band : band + int(rng.integers(1, 6))] = usual
        if rng.random() < 0.2:
            at = int(rng.integers(0, features.shape[1] - 10))
            features[row, at : at + int(rng.integers(1, 10))] = usual
    return features


def average(network: nn.Module, decay: float) -> torch.optim.swa_utils.AveragedModel:
    """Return the exponential average of a network's weights, to be updated after every step."""
    averaging = torch.optim.swa_utils.get_ema_multi_avg_fn(decay)
    return torch.optim.swa_utils.AveragedModel(network, multi_avg_fn=averaging, use_buffers=True)


def learning_rate(peak: float, step: int, done: float) -> float:
    """Return the rate of a step: 300 steps up, then down a cosine over the share ``done`` of the plan's time."""
    return peak * min(1.0, (step + 1) / 300) * (0.5 + 0.5 * math.cos(math.pi * done)) + 1e-6


def between(ends: tuple[float, float], done: float) -> float:
    """Return what lies between two values when the share ``done`` of the plan's time is over."""
    return ends[0] + done * (ends[1] - ends[0])


def save(path: Path, state: Mapping[str, object]) -> None:
    """Write a checkpoint whole or not at all; what fails is an OSError, which torch's own writing does not raise."""
    held = io.BytesIO()
    torch.save(dict(state), held)
    part = path.with_suffix(".part")
    part.write_bytes(held.getbuffer())
    part.replace(path)


def learn(folder: Path, checkpoint: Path, shape: Shape, plan: Plan, *, again: bool = False) -> None:
    """Train until the plan's time is over, writing a checkpoint every minute; go on where one lies.

    With ``again``, a finished checkpoint's weights start a new cosine (warm restart, Loshchilov and Hutter 2017).
    """
    rng = np.random.default_rng(plan.seed)
    torch.manual_seed(plan.seed)
    trunk = Trunk(NONE + 1, shape)
    averaged = average(trunk, plan.average)
    optimizer = torch.optim.AdamW(trunk.parameters(), plan.learning_rate, weight_decay=plan.weight_decay)
    spent, step = 0.0, 0
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        trunk.load_state_dict(saved["trunk"])
        averaged.module.load_state_dict(saved["averaged"])
        averaged.n_averaged.fill_(1)
        optimizer.load_state_dict(saved["optimizer"])
        spent, step = (0.0 if again else saved["spent"]), saved["step"]
    pool, front_end = Pool(folder, plan.pool, rng), FrontEnd()
    while not pool.refresh():
        time.sleep(2)
    before = saved_at = time.monotonic()
    recent: list[float] = []
    while spent < plan.minutes * 60:
        done = spent / (plan.minutes * 60)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(plan.learning_rate, step, done)
        negative = between(plan.negative_weight, done)
        power, words, ends = pool.batch(plan.batch)
        features = hidden(stretched(front_end.normalised(power), rng), rng, AS_USUAL)
        loss = losses(trunk(features), targets(words, ends), plan.positive_weight, negative).mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(trunk.parameters(), 2.0)
        optimizer.step()
        averaged.update_parameters(trunk)
        recent.append(float(loss.detach()))
        step += 1
        now = time.monotonic()
        spent, before = spent + now - before, now
        if now - saved_at > 60 or spent >= plan.minutes * 60:
            saved_at = now
            held = pool.refresh()
            _save(checkpoint, trunk, averaged, optimizer, shape, spent, step)
            line = {
                "minutes": round(spent / 60, 1),
                "step": step,
                "loss": round(float(np.mean(recent)), 5),
                "pool": held,
            }
            with checkpoint.with_suffix(".log").open("a") as log:
                log.write(json.dumps(line) + "\n")
            recent = []
            before = time.monotonic()


def _save(
    path: Path,
    trunk: Trunk,
    averaged: nn.Module,
    optimizer: torch.optim.Optimizer,
    shape: Shape,
    spent: float,
    step: int,
) -> None:
    inner = averaged.module
    assert isinstance(inner, nn.Module)
    save(
        path,
        {
            "shape": asdict(shape), "trunk": trunk.state_dict(), "averaged": inner.state_dict(),
            "optimizer": optimizer.state_dict(), "spent": spent, "step": step,
        },
    )  # fmt: skip
