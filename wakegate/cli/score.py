"""``wakegate score``: the score of every step of sound files, for researchers."""

import argparse
from contextlib import closing
from pathlib import Path

from ..errors import AudioError, ConfigError, UsageError
from . import asked, terminal
from .usage import channel


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser(
        "score",
        help="write the score of every step of sound files",
        description="Write OUT/NAME.npz for every file: scores (steps, words) float32 as the network gives them "
        "(before smoothing), words, step (samples at 16 kHz between two scores) and the sha256 of the model. Row i is "
        "the score after sample (i + 1) * step; half a second of silence follows the file.",
        epilog="example: wakegate score *.flac --out scores/",
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="WAV, FLAC, OGG or MP3")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write to")
    asked.add_wake_options(parser)
    parser.add_argument("--channel", type=channel, help="channel to take, from 1; all are mixed if not given")
    parser.add_argument("--json", action="store_true", help="one JSON line a file: file, out, steps")
    parser.set_defaults(run=run, threshold=[])


def run(args: argparse.Namespace) -> int:
    """Score the files."""
    import numpy as np

    from ..audio.files import FileSource
    from ..config import Config
    from ..wake import load, sweep
    from .progress import shown

    names = [path.stem for path in args.files]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(
            f"several files are called {twice[0]!r}: their scores would overwrite each other in {args.out}"
        )
    scorer, code = load(asked.of_one_model(args, Config()).words, args.model, args.engine), 0
    try:
        args.out.mkdir(parents=True, exist_ok=True)
        for path in args.files:
            try:
                with closing(FileSource(path, args.channel)) as source:
                    scores = np.concatenate(list(sweep.scores(scorer, shown(source, sweep.pieces(source)))))
            except AudioError as error:  # one bad file of a thousand must not cost the others
                terminal.say(f"wakegate: {error}")
                code = 1
                continue
            out = args.out / f"{path.stem}.npz"
            part = out.with_suffix(".part.npz")  # a full disk must not cost the scores of an earlier run
            np.savez(part, scores=scores, words=scorer.words, step=scorer.step, model_sha256=scorer.manifest.sha256)
            part.replace(out)
            if args.json:
                terminal.emit({"file": str(path), "out": str(out), "steps": len(scores)})
            else:
                terminal.say(f"{path} -> {out}: {len(scores)} steps")
    except OSError as error:
        raise ConfigError(f"cannot write scores to {args.out}: {error.strerror}") from error
    return code
