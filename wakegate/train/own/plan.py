"""Plan: what a training will use and how long it will take, known before it begins.

Owns the amounts, who of a voice's speakers is kept out, and the words that tell a person all of it. Every number that
it promises is measured here, on this machine, or is said to be unknown.
"""

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch

from ..augment import LENGTH
from ..corpus import share
from ..network import HOP, MELS
from ..verifier import WINDOW
from ..voices import Voice
from . import learn
from .gather import Sides
from .head import FirstStage
from .phrase import Phrase
from .twin import ANSWERS, DEEP, Twin

KEPT_SPEAKERS, FEWEST_SPEAKERS = 0.25, 4
EXPECTED: Mapping[str, str] = {
    "Kokoro": "measured once: 'athena' by Kokoro and espeak-ng, 3.5 h of background; of 241 volunteers' recordings "
    "24 were missed in quiet, 375 of 964 in noise at 10 dB, at one false accept an hour",
}
"""What models from such voices alone were measured to miss of people, by the beginning of the voice's name."""
UNKNOWN = "not measured: nobody knows how well a model from these voices alone hears people"


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """How much of everything.

    Parameters
    ----------
    spoken, near, kept, talk : int
        Utterances: of the phrase, of what sounds like it, of the phrase by speakers kept out, and, without background,
        of ordinary talk for either side.
    shards, suspects, shard : int
        Shards for the first stage, shards of the phrase and of what that stage suspects to be it for the second, and
        examples in each.
    rooms : int
        Simulated rooms; a fifth is kept out.
    head, verifier : Plan
        Of the two stages.
    """

    spoken: int = 600
    near: int = 700
    kept: int = 120
    talk: int = 200
    shards: int = 4
    suspects: int = 24
    shard: int = 960
    rooms: int = 80
    head: learn.Plan = learn.HEAD
    verifier: learn.Plan = learn.VERIFIER


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Order:
    """All that a training depends on.

    Parameters
    ----------
    phrase : Phrase
        What to learn.
    near : tuple of str
        What must not wake.
    onto : Path
        NAME.json of the model it is added to.
    voices : tuple of Voice
        Who speaks; never empty.
    recordings, background : Sides, optional
        People saying the phrase, and sound without it.
    out : Path
        Folder of the result.
    seed : int
        Of all that is drawn.
    amount : Amount
        How much of everything.
    """

    phrase: Phrase
    near: tuple[str, ...]
    onto: Path
    voices: tuple[Voice, ...]
    recordings: Sides | None
    background: Sides | None
    out: Path
    seed: int = 1
    amount: Amount = Amount()

    @property
    def work(self) -> Path:
        """Folder of what is not finished."""
        return self.out / f"{self.phrase.word}.work"

    def digest(self, onto: str) -> dict[str, str]:
        """Return what tells this order from another, by what a person would have changed."""

        def of(value: object) -> str:
            return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()

        def sound(sides: Sides | None) -> object:
            clips = (*sides.trains, *sides.kept) if sides else ()
            return [(clip.name, hashlib.sha256(clip.samples.tobytes()).hexdigest()) for clip in clips]

        parts = {
            "phrase": [self.phrase.text, self.near], "--onto": onto, "--seed": self.seed,
            "amount": asdict(self.amount), "voices": [(voice.name, voice.speakers) for voice in self.voices],
            "wakegate": [DEEP, ANSWERS], "--recordings": sound(self.recordings), "--background": sound(self.background),
        }  # fmt: skip
        return {name: of(value) for name, value in parts.items()}


def divided(speakers: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the speakers who train and those who are kept out; the same ones where they are too few."""
    if len(speakers) < FEWEST_SPEAKERS:
        return tuple(speakers), tuple(speakers)
    order = sorted(speakers, key=lambda name: share(f"speaker {name}"))
    count = max(1, round(len(order) * KEPT_SPEAKERS))
    return tuple(order[count:]), tuple(order[:count])


def seeded(plan: learn.Plan, seed: int) -> learn.Plan:
    """Return a plan with the order's seed."""
    return replace(plan, seed=seed)


def minutes(order: Order, twin: Twin) -> float:
    """Return about how long it takes, by trying a little of each: two utterances a voice, two steps of each stage."""
    amount, rng = order.amount, np.random.default_rng(0)
    utterances = amount.spoken + amount.near + amount.kept + (0 if order.background else 2 * amount.talk)
    seconds = 0.0
    for voice in order.voices:
        seconds += _each(lambda v=voice: v.say(order.phrase.text, v.speakers, rng)) * utterances / len(order.voices)
    first, second = FirstStage(twin.trunk), twin.verifier()
    heard = torch.rand(amount.head.batch, LENGTH // HOP, MELS)
    window, odds = torch.rand(amount.verifier.batch, WINDOW, MELS), torch.zeros(amount.verifier.batch, 2)
    # What is drawn and looked up for a step costs about as much again for the second stage, half for the first.
    seconds += 1.5 * _each(lambda: first(heard).sum().backward()) * amount.head.steps
    seconds += 2.0 * _each(lambda: second(window, odds).sum().backward()) * amount.verifier.steps
    spectrum = rng.standard_normal(65_536).astype(np.float32)
    seconds += 12 * _each(lambda: np.fft.irfft(np.fft.rfft(spectrum))) * 2 * amount.shards * amount.shard
    return 1.0 + seconds / 60


def _each(action: "object") -> float:
    """Return the seconds of an action, the second time that it is done."""
    assert callable(action)
    action()
    begun = time.monotonic()
    action()
    return time.monotonic() - begun


def told(order: Order, twin: Twin) -> list[str]:
    """Return what a person should know before it begins, a line each; warnings of the phrase apart."""
    amount = order.amount
    sayers = ", ".join(f"{voice.name} ({len(voice.speakers)} speakers)" for voice in order.voices)
    lines = [
        f"phrase       {order.phrase.text!r} ({' '.join(order.phrase.phonemes)}), as {order.phrase.word!r}",
        f"voices       {sayers}",
        f"they say     the phrase {amount.spoken} times, {len(order.near)} near phrases {amount.near} times; "
        f"{amount.kept} times more to measure, by speakers kept out",
    ]
    few = [voice.name for voice in order.voices if not keeps_out([voice])]
    if len(few) == len(order.voices):
        lines.append("             these are so few speakers that the same ones train and measure")
    elif few:
        lines.append(
            f"             {', '.join(few)}: too few speakers to keep any out, so nothing is measured with them"
        )
    if order.recordings:
        trains, kept = order.recordings.trains, order.recordings.kept
        lines.append(f"recordings   {len(trains)} to learn from, {len(kept)} kept out to measure")
    if order.background:
        learnt, out = order.background.hours
        lines.append(f"background   {learnt:.2f} h to learn from, {out:.2f} h kept out: half chooses, half measures")
    else:
        lines.append(
            "background   none given: talk of these voices and coloured noise. False accepts in real rooms cannot be "
            "vouched for; --background DIR takes hours of your own sound without the phrase"
        )
    lines.append(f"expect       {expected(order)}")
    lines.append(f"time         about {minutes(order, twin):.0f} minutes on this machine")
    return lines


def expected(order: Order) -> str:
    """Return what was measured of models from such voices."""
    found = [text for name, text in EXPECTED.items() if any(voice.name.startswith(name) for voice in order.voices)]
    return found[0] if found else UNKNOWN


def shares(voices: Sequence[Voice], side: str) -> list[float]:
    """Return which share of a side's utterances each voice says: a formant voice half as many as a neural one.

    A voice that can keep nobody out says nothing that measures, unless none can.
    """
    weights = [0.5 if voice.name.startswith("espeak") else 1.0 for voice in voices]
    if side == "kept" and keeps_out(voices):
        weights = [weight * keeps_out([voice]) for weight, voice in zip(weights, voices, strict=True)]
    return [weight / sum(weights) for weight in weights]


def keeps_out(voices: Sequence[Voice]) -> bool:
    """Say whether any of the voices has speakers enough to keep some out of training."""
    return any(len(voice.speakers) >= FEWEST_SPEAKERS for voice in voices)


def existing(order: Order) -> list[Path]:
    """Return the files of a finished training of this word that are there already."""
    names = (f"{order.phrase.word}.{kind}" for kind in ("onnx", "json", "html"))
    return [order.out / name for name in names if (order.out / name).exists()]
