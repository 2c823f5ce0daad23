"""A word of one's own from synthetic voices alone, measured on people: what `wakegate train` promises.

    python benchmarks/own_word.py snowboy --data DATA --background MORE --fold FOLD/six.json --spoken VOICES \
        --out OUT --results benchmarks/results/own_word.json

The model it is added to is the fold: its trunk has never heard the people that it is measured on here. No recording of
anybody saying the phrase trains the word; but the fold's trunk has heard other people say it, which a phrase that is
new to the world could not claim. Another phrase than the six is measured on the folder of DATA's speech that bears its
name ("athena"): nobody taught any trunk that word, the shipped one's neither, so `--fold` may be that; some of these
people taught it that this is none, and neither background holds them. Where their word begins and ends, which no list
says, is told as for anybody's recordings (wakegate/train/bounds.py). VOICES is what `python -m wakegate.train speak`
made: the Kokoro voice saying the six words and near phrases; for other phrases `--kokoro` says them anew. espeak-ng
says a third of everything, as in `wakegate train --voices`. Background trains and measures by file, as in the six-word
benchmark. The threshold is that for one false accept an hour on all of the kept-out background, chosen and measured
alike.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from wakegate.rates import wilson
from wakegate.train import corpus, evaluate, rooms
from wakegate.train.__main__ import DROPPED
from wakegate.train.bounds import spoken
from wakegate.train.corpus import read_sound, share
from wakegate.train.own import near, phrase, plan, run
from wakegate.train.own.gather import MOST_HOURS, Sides
from wakegate.train.voices import Said
from wakegate.train.voices.espeak import Espeak
from wakegate.train.voices.kokoro import Kokoro
from wakegate.wake import load, manifest

RATES = (0.5, 1.0, 2.0)


class Spoken:
    """The Kokoro voice as it was recorded: of a text that is not there, it says another one that is near."""

    def __init__(self, folder: Path) -> None:
        self.name, self.speakers = "Kokoro-82M, spoken before", ("mixed",)
        self._files: dict[str, list[Path]] = {}
        for index in sorted(folder.glob("*/index.csv")):
            for row in index.read_text(encoding="utf-8").splitlines()[1:]:
                file, text = row.split(",")[:2]
                if (index.parent / file).is_file():
                    self._files.setdefault(text, []).append(index.parent / file)
        self._texts = sorted(self._files)

    def say(self, text: str, among: Sequence[str], rng: np.random.Generator) -> Said:
        """Return a recording of the text, drawn."""
        del among
        if text not in self._files:
            text = str(rng.choice([other for other in self._texts if other not in self._words()]))
        files = self._files[text]
        return read_sound(files[int(rng.integers(len(files)))]).astype(np.float32) / 32768

    def _words(self) -> set[str]:
        return {word.replace("_", " ") for word in corpus.WORDS}


def background(data: Path, more: Path, said: str, held_out: bool) -> list[tuple[str, corpus.Clip]]:
    """Return (kind, clip) of one side of the sound in which nobody says the phrase."""
    dropped = frozenset(DROPPED.read_text().split("\n"))
    both = corpus.background(data, more, held_out, dropped)
    return [(kind, clip) for kind, clip in both if not _said_in(clip, said)]


def _said_in(clip: corpus.Clip, said: str) -> bool:
    return Path(clip.name).parent.name == said


def people(data: Path, said: str) -> list[corpus.Clip]:
    """Return those who say one of the six words and are kept out; of another word, all who say it."""
    if said in corpus.WORDS:
        return [clip for clip in corpus.people(data, held_out=True) if clip.word == said]
    sides = (corpus.background(data, data / "none", held_out, frozenset()) for held_out in (False, True))
    found = (clip for side in sides for _, clip in side if _said_in(clip, said))
    return [replace(clip, start=start, end=end) for clip in found for start, end in [spoken(clip.samples)]]


def sides(data: Path, more: Path, said: str) -> Sides:
    """Return the background that trains: MOST_HOURS of it, and an eighth to choose the manifest's threshold on."""
    clips = [clip for _, clip in background(data, more, said, False)]
    hours = sum(len(clip.samples) for clip in clips) / 16_000 / 3600
    clips = [clip for clip in clips if share(f"own {clip.name}") < MOST_HOURS / hours]
    aside = {clip.name for clip in clips if share(f"aside {clip.name}") < 1 / 8}
    return Sides(tuple(c for c in clips if c.name not in aside), tuple(c for c in clips if c.name in aside))


def measured(model: Path, word: str, said: str, data: Path, more: Path) -> dict[str, object]:
    """Return misses of the people who are kept out, at thresholds for rates on the background that is."""
    scorer = load([word], model)
    heard_people = [replace(clip, word=word) for clip in people(data, said)]
    behind = background(data, more, said, True)
    speech, noise = ([c for kind, c in behind if (kind == "speech") is spoken] for spoken in (True, False))
    side = corpus.Corpus(tuple(heard_people), (), tuple(speech), tuple(noise))
    walls = rooms.measured(data / "rir")[-2:] + rooms.simulated(20, 10_001)
    heard = list(evaluate.candidates(scorer, evaluate.background_stream([c for _, c in behind])))
    hours = side.background_hours
    conditions = {"quiet": (35.0, (), 1), "noise, 10 dB": (10.0, (), 4), "far, 10 dB": (10.0, walls, 4)}
    trials = {
        name: evaluate.trials(scorer, side, snr, rooms_of, copies, seed)
        for seed, (name, (snr, rooms_of, copies)) in enumerate(conditions.items(), 1)
    }
    rows = []
    for rate in RATES:
        threshold = evaluate.threshold_for([c.score for c in heard], hours, rate, scorer.manifest.floor)
        row: dict[str, object] = {"false_accepts_per_hour": rate, "threshold": threshold}
        for name, done in trials.items():
            missed = sum(trial.score < threshold for trial in done)
            low, high = wilson(missed, len(done))
            row[name] = {"missed": missed, "trials": len(done), "wilson_95": [round(low, 4), round(high, 4)]}
        rows.append(row)
    recordings = next(iter(trials.values()))
    who = {"speakers": len({trial.speaker for trial in recordings})} if said in corpus.WORDS else {}
    return {"word": said, "hours": round(hours, 3), "recordings": len(recordings), **who, "rows": rows}


def main() -> None:
    """Train and measure one word."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("phrase")
    for name in ("data", "background", "fold", "out", "results"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    voices = parser.add_mutually_exclusive_group(required=True)
    voices.add_argument("--spoken", type=Path, help="what the Kokoro voice said before")
    voices.add_argument("--kokoro", type=Path, help="folder of the Kokoro voice")
    usual = plan.Amount()
    amounts = {
        "shards": usual.shards, "suspects": usual.suspects, "first": usual.head.steps, "second": usual.verifier.steps,
    }  # fmt: skip
    for name, value in amounts.items():
        parser.add_argument(
            f"--{name}", type=int, default=value, help="shards or steps; as `wakegate train` if not given"
        )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    amount = replace(
        usual,
        shards=args.shards,
        suspects=args.suspects,
        head=replace(usual.head, steps=args.first),
        verifier=replace(usual.verifier, steps=args.second),
    )
    known = [entry.word for entry in manifest.read(args.fold).words]
    spelt = args.phrase.replace(" ", "_")
    own = phrase.checked(args.phrase, f"own_{spelt}", known)
    others = [word.replace("_", " ") for word in known]
    kokoro = Spoken(args.spoken) if args.spoken else Kokoro(args.kokoro)
    order = plan.Order(
        phrase=own, near=near.phrases(own.text, others), onto=args.fold, voices=(kokoro, Espeak()), recordings=None,
        background=sides(args.data, args.background, spelt), out=args.out, seed=args.seed, amount=amount,
    )  # fmt: skip
    if not plan.existing(order):
        run.run(order, lambda what, done: print(f"{what}: {100 * done:.0f} %", flush=True))
    found = measured(args.out / f"{own.word}.onnx", own.word, spelt, args.data, args.background)
    found |= {name: vars(args)[name] for name in (*amounts, "seed")}
    found["model"] = manifest.read(args.fold).sha256
    before = json.loads(args.results.read_text()) if args.results.exists() else {}
    args.results.write_text(json.dumps({**before, spelt: found}, indent=1) + "\n")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
