"""``python -m wakegate.train``: the commands that made the shipped model, in the order they were run.

::

    python -m wakegate.train speak    --kokoro KOKORO --voices VOICES --shards 40
    python -m wakegate.train draw     --data DATA --voices VOICES --background MORE --work WORK --shards 200
    python -m wakegate.train learn    --work WORK --minutes 60                         (beside ``draw``)
    python -m wakegate.train draw     --kind suspected --shards 100 --teacher MODEL.BIN, the rest as above
    python -m wakegate.train verify   --work WORK --minutes 55          (and with --verifier 2)
    python -m wakegate.train export   --work WORK --out models
    python -m wakegate.train evaluate --data DATA --background MORE --out models --results FILE

``draw`` and ``learn`` meet in WORK and may run side by side; both go on where they were stopped. ``draw --everyone``
lets the people who are kept out train too: such a model has no figure of its own for misses.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from ..errors import WakegateError
from . import augment, corpus, draw, evaluate, export, fit, hard, network, rooms, verify
from .corpus import WORDS
from .phrases import ACCENTS, CARRIERS, NEAR, SPOKEN
from .teacher import Teacher

DROPPED = Path(__file__).with_name("dropped.txt")
"""Names of background files in which somebody does say a wake word, found by listening to the best false accepts."""


NEEDS = {
    "speak": ("kokoro", "voices"), "draw": ("data", "voices", "background"), "learn": (), "verify": (),
    "export": ("out",), "evaluate": ("data", "background", "out", "results"),
}  # fmt: skip
"""Options that a step cannot do without."""


def arguments() -> argparse.ArgumentParser:
    """Build the parser."""
    parser = argparse.ArgumentParser(prog="python -m wakegate.train", description=__doc__.splitlines()[0])
    parser.add_argument("step", choices=tuple(NEEDS))
    parser.add_argument("--work", type=Path, default=Path(), help="folder of shards and checkpoint")
    parser.add_argument("--data", type=Path, help="folder with wake_words/index.csv and background.csv")
    parser.add_argument(
        "--kokoro", type=Path, help="folder with the Kokoro-82M voice, see wakegate.train.voices.kokoro"
    )
    parser.add_argument("--voices", type=Path, help="folder of folders of synthetic speech with an index.csv each")
    parser.add_argument("--background", type=Path, help="folder of further sound without wake words")
    parser.add_argument("--out", type=Path, help="folder to write NAME.onnx and NAME.json to")
    parser.add_argument("--results", type=Path, help="file to write everything measured to")
    parser.add_argument(
        "--fold", type=Path, help="evaluate: NAME.json of the same training without the people who are kept out"
    )
    parser.add_argument("--name", default="six", help="name of the model (default: %(default)s)")
    parser.add_argument(
        "--shards", type=int, default=200, help="shards of 2048 examples to draw (default: %(default)s)"
    )
    parser.add_argument("--minutes", type=float, default=40.0, help="minutes to learn (default: %(default)s)")
    parser.add_argument("--channels", type=int, default=96, help="channels of the trunk (default: %(default)s)")
    parser.add_argument(
        "--kind", choices=("plain", "mined", "suspected"), default="plain",
        help="draw: all examples; those that the first stage finds hardest; those that the second stage is asked about",
    )  # fmt: skip
    parser.add_argument(
        "--teacher", type=Path, help="draw: also what Whisper tiny.en hears, see wakegate.train.teacher"
    )
    parser.add_argument("--everyone", action="store_true", help="draw: also from the people who are kept out")
    parser.add_argument(
        "--again", action="store_true", help="learn, verify: start a new cosine from the weights so far"
    )
    parser.add_argument(
        "--verifier", type=int, choices=range(1, len(verify.SHAPES) + 1), default=1,
        help="verify: which of those that answer together (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=1)
    return parser


def speak(kokoro: Path, out: Path, folders: int, seed: int) -> None:
    """Speak folders of 300: the words as spelt, the words in other accents, and near phrases, in turn."""
    from .voices import Said, write
    from .voices.kokoro import Kokoro

    voice = Kokoro(kokoro)

    def say(text: str, phonemes: str, rng: np.random.Generator) -> Said:
        if not phonemes:
            return voice.say(text, voice.speakers, rng)
        return voice.speak(phonemes + str(rng.choice(list(".!?,"))), voice.speakers, rng)

    accents = [(text, said) for word, text in zip(WORDS, SPOKEN, strict=True) for said in ACCENTS[word]]
    near = [(text, "") for text in NEAR] + [(line.format(NEAR[i]), "") for i, line in enumerate(CARRIERS)]
    kinds = ([(text, "") for text in SPOKEN], accents, near)
    for number in range(folders):
        folder = out / f"{seed:03d}-{number:03d}"
        if not (folder / "index.csv").exists():
            write(say, kinds[number % 3], folder, 300, 1000 * seed + number)


def draw_shards(side: corpus.Corpus, walls: list[augment.Float], args: argparse.Namespace) -> None:
    """Draw shards of one kind: the second stage's lie in a folder of their own."""
    if args.kind == "plain":
        mixer = augment.Mixer(side, walls, args.seed)
        keep: draw.Keep = draw.everything
    else:
        trunk = fit.load_network(args.work / "checkpoint.pt")
        asked = args.kind == "suspected"
        moments = hard.moments((*side.speech, *side.noise), trunk) if asked else ()
        mixer = augment.Mixer(side, walls, args.seed, draw.SUSPECTS if asked else draw.MINED, moments)
        keep = draw.suspected(trunk) if asked else draw.hardest(trunk)
    teacher = Teacher(args.teacher) if args.teacher else None
    folder = args.work / ("suspected" if args.kind == "suspected" else "shards")
    for number in range(args.shards):
        mixer.rng = np.random.default_rng((args.seed, number))
        draw.shard(folder / f"{args.kind}-{args.seed}-{number:05d}.npz", mixer, keep, teacher=teacher)


def main() -> int:
    """Run one step."""
    parser = arguments()
    args = parser.parse_args()
    missing = [f"--{name}" for name in NEEDS[args.step] if getattr(args, name) is None]
    if missing:
        parser.error(f"{args.step} needs {', '.join(missing)}")
    try:
        step(args)
    except WakegateError as error:
        parser.exit(1, f"{parser.prog}: {error}\n")
    return 0


def step(args: argparse.Namespace) -> None:
    """Do what one step does."""
    args.work.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    checkpoint = args.work / "checkpoint.pt"
    dropped = frozenset(DROPPED.read_text().split("\n"))
    if args.step == "speak":
        speak(args.kokoro, args.voices, args.shards, args.seed)
    elif args.step == "draw":
        side = corpus.read(args.data, args.voices, args.background, held_out=False, dropped=dropped)
        if args.everyone:
            side = replace(side, positives=(*side.positives, *corpus.people(args.data, held_out=True)))
        draw_shards(side, rooms.measured(args.data / "rir")[:-2] + rooms.simulated(300, args.seed), args)
    elif args.step == "learn":
        shape = network.Shape(channels=args.channels)
        fit.learn(
            args.work / "shards", checkpoint, shape, fit.Plan(minutes=args.minutes, seed=args.seed), again=args.again
        )
    elif args.step == "verify":
        plan = verify.VerifierPlan(minutes=args.minutes, seed=args.seed, shape=verify.SHAPES[args.verifier - 1])
        second = verify.checkpoint(args.work, args.verifier)
        verify.learn(args.work / "suspected", checkpoint, second, plan, second if args.again else None)
    elif args.step == "export":
        export.run(checkpoint, args.out, args.name)
    else:
        side = corpus.read(args.data, args.data, args.background, held_out=True, dropped=dropped)
        evaluate.run(args.out / f"{args.name}.onnx", side, args.data, args.results, args.fold)


if __name__ == "__main__":
    sys.exit(main())
