"""Verify: examples to the verifier's weights.

Owns which windows it learns from: those that end where the first stage, as it is, suspects a word, rightly or wrongly.
The loss is that of both stages together, so the verifier learns what the first stage does not know. The first stage's
weights stay as they are. Where a teacher described the examples, its ``lesson`` is learned beside the right answers.
"""

import json
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..events import SAMPLE_RATE
from .fit import NONE, STEP, STEPS, average, between, hidden, hurried, learning_rate, load_network, save, stretched
from .lesson import DIMENSIONS, HEAD_STEPS, Basis, Lesson, Taught, taught_head
from .network import STRIDE, FrontEnd
from .shards import Shard, power, read
from .teacher import PLACE
from .verifier import PLACES, WINDOW, Verifier, VerifierShape, centred, loudness

MS = SAMPLE_RATE // 1000
SUSPECTED = 0.02
"""Chance of a word from which a step of sound without it is worth learning from."""
SHAPES = (VerifierShape(), VerifierShape(channels=(16, 32, 64, 96), mixed=112))
"""Of the verifiers that answer together: the first is asked most, and own words begin with it."""
HURRIED = 0.3
"""Share of batches that are said faster or slower: their places are not those that a teacher heard."""


@dataclass(frozen=True, slots=True)
class VerifierPlan:
    """How long and how hard to train; a batch takes ``batch`` windows out of sixteen shards.

    Parameters
    ----------
    minutes : float
        Wall time; the learning rate falls along a cosine over it.
    negative_weight : tuple of float
        Weight of "no word" windows at the start and at the end.
    shape : VerifierShape
        Sizes of the verifier.
    """

    minutes: float = 40.0
    batch: int = 128
    learning_rate: float = 2e-3
    weight_decay: float = 0.02
    average: float = 0.999
    negative_weight: tuple[float, float] = (1.0, 2.0)
    seed: int = 1
    shape: VerifierShape = SHAPES[0]


def found(folder: Path) -> list[Path]:
    """Return the checkpoints of a folder's verifiers, as :func:`checkpoint` names them; the first must be there."""
    others = (checkpoint(folder, number) for number in range(2, len(SHAPES) + 1))
    return [checkpoint(folder, 1), *filter(Path.exists, others)]


def checkpoint(folder: Path, number: int) -> Path:
    """Return where the verifier of a number, from 1, lies: ``verifier.pt``, ``verifier2.pt``."""
    return folder / f"verifier{number if number > 1 else ''}.pt"


def load_verifier(path: Path) -> Verifier:
    """Load a checkpoint's averaged weights, ready to score."""
    saved = torch.load(path, weights_only=True)
    verifier = Verifier(NONE + 1, VerifierShape(**saved["shape"]))
    verifier.load_state_dict(saved["averaged"])
    verifier.eval()
    return verifier


class Windows:
    """Shards with the first stage's log chances at each step; draws windows.

    Parameters
    ----------
    paths : sequence of Path
        Shards; all are held in memory.
    trunk : Module
        The first stage: features to logits, the last of which is "no word".
    rng : Generator
        Draws.
    """

    def __init__(self, paths: Sequence[Path], trunk: nn.Module, rng: np.random.Generator) -> None:
        self._rng = rng
        self._held = [(shard, _chances(shard, trunk)) for shard in _reduced(paths)]
        self._none = self._held[0][1].shape[2] - 1
        counts = np.array([len(shard.words) for shard, _ in self._held])
        self._odds = np.cumsum(counts) / counts.sum()
        self._after = (np.arange(STEPS) + 1) * STEP
        self.described = any(shard.described is not None for shard, _ in self._held)

    def batch(self, size: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return (size, WINDOW, bands) power, (size, words + 1) log chances of the first stage, (size,) classes."""
        heard, chances, classes, *_ = self.taught(size)
        return heard, chances, classes

    def taught(self, size: int) -> Taught:
        """Return a batch with what the teacher made of it, as far as the shards know."""
        rng = self._rng
        loudness = np.zeros((size, WINDOW, self._held[0][0].loudness.shape[2]), np.uint8)
        chances = np.empty((size, self._none + 1), np.float32)
        classes = np.full(size, self._none, np.int64)
        described = np.zeros((size, PLACES, DIMENSIONS), np.float32)
        known = np.zeros((size, PLACES), np.float32)
        for row, pick in enumerate(np.searchsorted(self._odds, rng.random(size // 16)).repeat(16)):
            shard, first = self._held[pick]
            example = int(rng.integers(len(shard.words)))
            step, classes[row] = self._step(int(shard.words[example]), int(shard.ends[example]), first[example])
            chances[row] = first[example, step]
            end = (step + 1) * STRIDE
            held = min(end, WINDOW)
            loudness[row, WINDOW - held :] = shard.loudness[example, end - held : end]
            if held < WINDOW and rng.random() > 0.15:  # else as after a reset: nothing was heard before
                other = shard.loudness[int(rng.integers(len(shard.words)))]
                loudness[row, : WINDOW - held] = other[-(WINDOW - held) :]
            if shard.described is not None:
                described[row], known[row] = _described(shard.described[example], end)
        return Taught(power(loudness), *map(torch.from_numpy, (chances, classes, described, known)))

    def _step(self, word: int, end: int, first: NDArray[np.float16]) -> tuple[int, int]:
        """Draw the step at which a window ends, and its class: where the first stage suspects something, mostly."""
        chances = np.exp(first.astype(np.float32))
        if word >= 0 and self._rng.random() < 0.7:
            inside = (self._after >= end - 20 * MS) & (self._after <= end + 300 * MS)
            return self._drawn(np.where(inside, chances[:, word] + 0.1, 0)), word
        suspicion = 1 - chances[:, self._none]
        odds = np.where(suspicion > SUSPECTED, np.sqrt(np.maximum(suspicion, 0)), 0.1 * SUSPECTED)
        if word >= 0:
            odds[(self._after >= end - 200 * MS) & (self._after <= end + 600 * MS)] = 0
        return self._drawn(odds), self._none

    def _drawn(self, odds: NDArray[np.float32]) -> int:
        whole = np.cumsum(odds)
        return min(int(np.searchsorted(whole, self._rng.random() * whole[-1])), STEPS - 1)


def _reduced(paths: Sequence[Path]) -> Iterator[Shard]:
    """Read shards; what a teacher made of them is kept in the main directions of the first one."""
    basis: Basis | None = None
    for shard in map(read, paths):
        if shard.described is None:
            yield shard
        else:
            basis = basis or Basis(shard.described)
            yield replace(shard, described=basis(shard.described))


def _described(example: NDArray[np.float16], end: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return (PLACES, DIMENSIONS) of the window that ends with frame ``end``, and which of them are known."""
    at = (end - WINDOW) / PLACE + np.arange(PLACES)
    before = np.floor(at).astype(np.intp)
    part = (at - before)[:, None]
    last = len(example) - 1
    between = example[np.clip(before, 0, last)] * (1 - part) + example[np.clip(before + 1, 0, last)] * part
    known = (before >= 0).astype(np.float32)
    return (between * known[:, None]).astype(np.float32), known


def _chances(shard: Shard, trunk: nn.Module, size: int = 256) -> NDArray[np.float16]:
    """Return the first stage's log chances, (n, STEPS, words + 1)."""
    front_end, parts = FrontEnd(), []
    for at in range(0, len(shard.words), size):
        with torch.no_grad():
            logits = trunk(front_end.normalised(power(shard.loudness[at : at + size])))
        parts.append(torch.log_softmax(logits, dim=2).numpy().astype(np.float16))
    return np.concatenate(parts)


def learn(folder: Path, network: Path, out: Path, plan: VerifierPlan, begin: Path | None = None) -> None:
    """Train on all shards of a folder until the plan's time is over, writing a checkpoint every minute.

    Parameters
    ----------
    folder : Path
        Of shards.
    network, out : Path
        The first stage, and what to write.
    begin : Path, optional
        A verifier whose weights to begin with.
    """
    rng = np.random.default_rng(plan.seed)
    torch.manual_seed(plan.seed)
    windows = Windows(sorted(folder.glob("*.npz")), load_network(network), rng)
    verifier = Verifier(NONE + 1, plan.shape)
    if begin is not None:
        verifier.load_state_dict(torch.load(begin, weights_only=True)["verifier"])
    verifier.planes.to(memory_format=torch.channels_last)  # half again as fast on processors with AVX-512
    head = taught_head(windows.taught, NONE + 1, verifier.trust, HEAD_STEPS if windows.described else 0)
    lesson = Lesson(head, verifier.shape.mixed)
    averaged = average(verifier, plan.average)
    everything = [*verifier.parameters(), *lesson.parameters()]
    optimizer = torch.optim.AdamW(everything, plan.learning_rate, weight_decay=plan.weight_decay)
    weights = torch.ones(NONE + 1)
    started = saved_at = time.monotonic()
    recent: list[tuple[float, float]] = []
    step = 0
    while (done := (time.monotonic() - started) / (plan.minutes * 60)) < 1:
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(plan.learning_rate, step, done)
        weights[NONE] = between(plan.negative_weight, done)
        taught, hurry = windows.taught(plan.batch), rng.random() < HURRIED
        features = _changed(taught.heard, rng, hurry=hurry)
        with torch.autocast("cpu", torch.bfloat16):
            places = verifier.heard(features)
            logits = verifier.answer(places, taught.chances).float()
        right = nn.functional.cross_entropy(logits, taught.classes, weight=weights)
        loss = right + lesson(places.float(), logits, taught, in_place=not hurry)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(verifier.parameters(), 2.0)
        optimizer.step()
        averaged.update_parameters(verifier)
        recent.append((right.item(), nn.functional.cross_entropy(taught.chances, taught.classes).item()))
        step += 1
        if time.monotonic() - saved_at > 60:
            saved_at = time.monotonic()
            _save(out, verifier, averaged, step, recent)
            recent = []
    _save(out, verifier, averaged, step, recent)


def _changed(heard: Tensor, rng: np.random.Generator, *, hurry: bool) -> Tensor:
    """Return power as the verifier's features, said by another throat, hurried if asked to, and partly hidden."""
    loud = stretched(loudness(heard), rng)
    return hidden(centred(hurried(loud, rng) if hurry else loud), rng, 0.0)


def _save(
    path: Path, verifier: Verifier, averaged: nn.Module, step: int, recent: Sequence[tuple[float, float]]
) -> None:
    """Write a checkpoint beside the old one, then put it in its place; log the losses of both stages and of one."""
    inner = averaged.module
    assert isinstance(inner, nn.Module)
    state = {"verifier": verifier.state_dict(), "averaged": inner.state_dict()}
    save(path, {"shape": asdict(verifier.shape), "step": step, **state})
    both, first = np.mean(recent, axis=0) if recent else (math.nan, math.nan)
    line = {"step": step, "loss": round(float(both), 5), "first_stage_alone": round(float(first), 5)}
    with path.with_suffix(".log").open("a") as log:
        log.write(json.dumps(line) + "\n")
