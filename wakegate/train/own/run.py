"""Run: a word from its order to NAME.onnx, NAME.json and NAME.html, going on where it was stopped.

Owns the order of the stages. A stage leaves its files whole or not at all; the result appears when everything is there.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import onnx
import torch

from ...errors import ConfigError
from ...events import SAMPLE_RATE
from ...wake import manifest as manifests
from .. import draw, hard, rooms
from ..augment import Mixer, Mixture
from ..corpus import Clip, Corpus, synthetic
from ..verifier import Verifier
from ..voices import Said, Voice, write
from . import folder, graft, head, learn, twin
from .gather import LONGEST_S, coloured
from .head import FirstStage
from .judge import Judgement, KeptOut, Rooms, judged
from .near import SENTENCES
from .plan import Order, divided, keeps_out, seeded, shares

EXAMPLES = Mixture(positives=0.42, near_misses=0.25)
SUSPECTS = Mixture(positives=0.33, near_misses=0.25, hard=0.7)
"""What is drawn for the two stages."""
FOLDER = 40
"""Utterances a folder: what is lost when a run is stopped."""
Tell = Callable[[str, float], None]
"""Called with what is being done and the share of it that is: 0 to 1."""


@dataclass(frozen=True, slots=True, eq=False)
class Base:
    """A model file to begin with: its graph, its weights, its hash."""

    model: onnx.ModelProto
    twin: twin.Twin
    sha256: str


def run(order: Order, tell: Tell) -> Path:
    """Train and return the new model's manifest.

    Raises
    ------
    ConfigError
        If the folder cannot be used: it holds this word already, another order's beginnings, or no room.
    """
    begun = base(order)
    with folder.begun(order, begun.sha256):
        return _made(order, begun, tell)


def base(order: Order) -> Base:
    """Return the model that the word is added to; ModelError if it is no model of this wakegate."""
    read = manifests.read(order.onto)
    model = onnx.load_from_string(read.verified_bytes())
    return Base(model, twin.read(model, read.name), read.sha256)


def threads(count: int | None) -> None:
    """Use so many cores; all of them where nobody says."""
    if count is not None:
        torch.set_num_threads(count)


def _made(order: Order, begun: Base, tell: Tell) -> Path:
    amount, work, known = order.amount, order.work, begun.twin
    _speak(order, tell)
    tell("reading what was said", 0.0)
    corpus, kept = _corpus(order)
    walls = rooms.simulated(amount.rooms, order.seed)
    aside = max(1, amount.rooms // 5)
    mixer = Mixer(corpus, walls[aside:], order.seed, EXAMPLES, words=[order.phrase.word])
    _draw(order, mixer, "shards", amount.shards, draw.everything, lambda share: tell("drawing examples", share))
    torch.manual_seed(order.seed)
    first, second = FirstStage(known.trunk), known.verifier()
    plan = seeded(amount.head, order.seed)
    learn.head(first, work / "shards", plan, work / "head.pt", lambda share: tell("learning, first stage", share))
    _draw_suspects(order, corpus, walls[aside:], first, tell)
    plan = seeded(amount.verifier, order.seed)
    ready = work / "verifier.pt"
    learn.verifier(second, first, work / "suspects", plan, ready, lambda share: tell("learning, second stage", share))
    tell("measuring", 0.0)
    measured = replace(kept, rooms=walls[:aside])
    gate = head.gate(first, [clip.samples for clip in (*corpus.speech, *corpus.noise)], known.steps)
    return _finished(order, begun, (first, second), gate, measured, tell)


def _speak(order: Order, tell: Tell) -> None:
    """Let every voice say its share of everything, in folders that are there whole or not at all."""
    tasks = list(_tasks(order))
    for number, (voice, who, lines, place, count, seed) in enumerate(tasks):
        tell("speaking", number / len(tasks))
        if place.exists():
            continue

        def say(text: str, _: str, rng: np.random.Generator, voice: Voice = voice, who: tuple[str, ...] = who) -> Said:
            return voice.say(text, who, rng)

        write(say, [(text, "") for text in lines], place, count, seed)


def _tasks(order: Order) -> Iterator[tuple[Voice, tuple[str, ...], list[str], Path, int, int]]:
    """Yield (voice, speakers, texts, folder, count, seed) of every folder."""
    amount = order.amount
    talk = 0 if order.background else amount.talk
    wanted = (
        ("trains", "phrase", [order.phrase.text], amount.spoken), ("trains", "near", list(order.near), amount.near),
        ("trains", "talk", SENTENCES, talk), ("kept", "phrase", [order.phrase.text], amount.kept),
        ("kept", "talk", SENTENCES, talk),
    )  # fmt: skip
    parts = {side: shares(order.voices, side) for side in ("trains", "kept")}
    for index, voice in enumerate(order.voices):
        trains, kept = divided(voice.speakers)
        for kind, (side, what, texts, count) in enumerate(wanted):
            own = round(count * parts[side][index])
            for number, first in enumerate(range(0, own, FOLDER)):
                # Each voice begins elsewhere in the texts, and each folder where the one before ended.
                at = (first + index * len(texts) // len(order.voices)) % len(texts)
                lines = [*texts[at:], *texts[:at]]
                place = order.work / "said" / side / f"{what}-{index}-{number:03d}"
                seed = 100_000 * order.seed + 10_000 * index + 1000 * kind + number
                yield voice, trains if side == "trains" else kept, lines, place, min(FOLDER, own - first), seed


def _corpus(order: Order) -> tuple[Corpus, KeptOut]:
    """Return the clips that train, and those that measure."""
    said = {side: _said(order, side) for side in ("trains", "kept")}
    people = order.recordings
    if order.background is None:
        noises = coloured(24, 20.0, order.seed), coloured(24, 20.0, order.seed + 1)
        speech = tuple(_without(clip) for clip in said["trains"] if not clip.word)
        kept_behind = (*(_without(clip) for clip in said["kept"] if not clip.word), *noises[1])
        noise = tuple(noises[0])
    else:
        speech, kept_behind = order.background.trains, order.background.kept
        noise = (*order.background.trains, *coloured(12, 20.0, order.seed))
    corpus = Corpus(
        positives=(*(clip for clip in said["trains"] if clip.word), *(people.trains if people else ())),
        near_misses=tuple(clip for clip in said["trains"] if not clip.word),
        speech=speech,
        noise=noise,
    )
    if people and people.kept:
        spoken = people.kept
        alone = all(clip.group != clip.name for clip in spoken)  # a folder each, so that whole speakers are kept out
        who = "people kept out" if alone else "recordings kept out, by people who may have trained"
    else:
        spoken = tuple(clip for clip in said["kept"] if clip.word)
        who = "synthetic voices kept out" if keeps_out(order.voices) else "the synthetic voices that trained"
    if not corpus.positives or not spoken:
        raise ConfigError(
            f"no voice could say {order.phrase.text!r} as one word of 0.25 to {LONGEST_S:g} s: respell it"
        )
    return corpus, KeptOut(spoken=spoken, who=who, background=kept_behind, rooms=())


def _said(order: Order, side: str) -> list[Clip]:
    spelt = order.phrase.text.replace(" ", "_")
    clips = synthetic(order.work / "said" / side, (spelt,), LONGEST_S)
    return [replace(clip, word=order.phrase.word) if clip.word else clip for clip in clips]


def _without(clip: Clip) -> Clip:
    return replace(clip, start=0, end=len(clip.samples))


def _draw_suspects(order: Order, corpus: Corpus, walls: Rooms, first: FirstStage, tell: Tell) -> None:
    """Draw what the second stage is asked about: the word, and the moments at which the first suspects it wrongly."""
    count = order.amount.suspects
    if (order.work / "suspects" / f"{count - 1:05d}.npz").exists():
        return
    tell("looking for hard moments", 0.0)
    found = hard.moments([*corpus.speech, *corpus.near_misses], first)
    mixer = Mixer(corpus, walls, order.seed, SUSPECTS, found, words=[order.phrase.word])
    _draw(order, mixer, "suspects", count, draw.suspected(first), lambda share: tell("drawing hard examples", share))


def _draw(
    order: Order, mixer: Mixer, folder: str, count: int, keep: draw.Keep, told: Callable[[float], None]
) -> None:  # fmt: skip
    """Draw shards; each has a seed of its own, so it does not matter who drew before."""
    for number in range(count):
        told(number / count)
        mixer.rng = np.random.default_rng((order.seed, *folder.encode(), number))
        draw.shard(order.work / folder / f"{number:05d}.npz", mixer, keep, size=order.amount.shard)


def _finished(
    order: Order, begun: Base, stages: tuple[FirstStage, Verifier], gate: float, kept: KeptOut, tell: Tell
) -> Path:
    """Write the model into the work folder, measure it there, and put it in its place."""
    word = order.phrase.word
    first, second = stages
    data = graft.grafted(begun.model, begun.twin, word, (first.head, second), gate).SerializeToString()
    draft = order.work / f"{word}.json"
    folder.written(draft.with_suffix(".onnx"), data)
    raw = json.loads(order.onto.read_text())
    raw |= {"name": word, "sha256": hashlib.sha256(data).hexdigest(), "trunk": begun.twin.sha256}
    entry = {"word": word, "threshold": 0.5, "lag": 0, "crossing_lag": 0, "duration": SAMPLE_RATE}
    draft.write_text(json.dumps({**raw, "words": [*raw["words"], entry]}))
    found = judged(draft.with_suffix(".onnx"), word, kept, order.seed, lambda share: tell("measuring", share))
    return _placed(order, raw, draft, found)


def _placed(order: Order, raw: dict[str, object], draft: Path, found: Judgement) -> Path:
    words, points = raw["words"], raw["operating_points"]
    assert isinstance(words, list) and isinstance(points, list)
    entry = {"word": order.phrase.word, "threshold": found.threshold, **asdict(found.timing)}
    whole = {**raw, "words": [*words, entry], "operating_points": [*points, *map(asdict, found.points)]}
    folder.written(draft, (json.dumps(whole, indent=1) + "\n").encode())
    folder.written(draft.with_suffix(".html"), found.html.encode())
    manifests.read(draft).verified_bytes()  # what is handed over has been read back
    return folder.placed(order, draft)
