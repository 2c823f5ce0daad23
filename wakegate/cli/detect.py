"""``wakegate detect``: wake words in sound files, one JSON line each."""

import argparse
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import AudioError
from ..events import SAMPLE_RATE
from . import asked, terminal
from .usage import channel

if TYPE_CHECKING:
    from ..wake.detector import Candidate


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser(
        "detect",
        help="find wake words in sound files",
        description="Find wake words in sound files of any length. Each candidate whose score reaches the threshold "
        'is one line {"file", "word", "start_s", "at_s", "score"}: start_s is the estimated start of the word, at_s '
        "where its score is highest (`wakegate listen` tells it as soon as the threshold is reached). Raising the "
        "threshold only removes lines. A file that cannot be read is said and passed over; the exit code is 1 then.",
        epilog="example: wakegate detect evening.flac --words computer,jarvis --threshold 0.7",
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="WAV, FLAC, OGG or MP3")
    asked.add_wake_options(parser)
    asked.add_threshold_option(parser)
    parser.add_argument("--channel", type=channel, help="channel to take, from 1; all are mixed if not given")
    parser.add_argument("--json", action="store_true", help="JSON Lines even on a terminal (a pipe gets them anyway)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Score the files and print what reached the threshold."""
    from ..audio.files import FileSource
    from ..config import Config
    from ..wake import Detector, load, sweep
    from .progress import shown

    what = asked.of_one_model(args, Config())
    scorer = load(what.words, args.model, args.engine)
    detector = Detector(scorer.manifest.detector_config(scorer.words, what.thresholds))
    as_json = args.json or not sys.stdout.isatty()
    code = 0
    for path in args.files:
        try:
            with closing(FileSource(path, args.channel)) as source:
                for found in sweep.candidates(scorer, detector, shown(source, sweep.pieces(source))):
                    if found.detected:
                        _print(path, found, as_json=as_json)
        except AudioError as error:  # one bad file of a thousand must not cost the others
            terminal.say(f"wakegate: {error}")
            code = 1
    return code


def _print(path: Path, found: "Candidate", *, as_json: bool) -> None:
    start_s, at_s, score = found.start / SAMPLE_RATE, found.at / SAMPLE_RATE, round(found.score, 4)
    if as_json:
        line = {"file": str(path), "word": found.word, "start_s": round(start_s, 3), "at_s": round(at_s, 3)}
        terminal.emit({**line, "score": score})
    else:
        print(terminal.plain(f"{path}  {start_s:9.2f} s  {found.word:<14} score {score:.2f}"), flush=True)
