"""``wakegate measure``: false wakes per hour and missed words, of any engine, as a researcher would count them."""

import argparse
import math
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError, UsageError
from ..events import SAMPLE_RATE
from . import measure_clips, measure_conditions, measure_listen, terminal

if TYPE_CHECKING:
    from ..measure.corpus import Corpus
    from ..measure.engines import Engine

TEACHING = """\
CORPUS is a folder of WAV, FLAC and OGG files, with the labels of NAME.wav beside it in NAME.txt (Audacity's label
track: `start TAB end TAB word`, in seconds) or NAME.rttm. A file without labels has no wake word in it. The label `?`
(or `exclude`) marks what is not to be scored. Or CORPUS is a manifest:
  JSON Lines  {"audio": "a.wav", "events": [{"word": "alexa", "start_s": 1.0, "end_s": 1.7}], "speaker": "p1",
              "condition": "far"}; "offset_s" and "duration_s" take a part of a file, events count from its start
  CSV         audio,word,start_s,end_s and, if you like, offset_s,duration_s,speaker,condition: one row an event;
              a file in which nobody says one has a row `a.wav,,,`
  NeMo        {"audio_filepath": "a.wav", "duration": 1.2, "label": "alexa"} (or "command", or "text"): the word is its
              whole stretch; a sentence with a wake word in it is not scored, since nobody knows when it is said.
              Its clips end with the word: an engine that needs some sound after it may miss it there
  Lhotse      cuts.jsonl, cuts.jsonl.gz, where lhotse is installed: supervisions, and their alignment "word" if any

ENGINE is one of
  wakegate              the installed model; wakegate:PATH.onnx is another
  openwakeword          0.5.1: alexa, hey_jarvis, hey_mycroft, hey_rhasspy
  pymicro-wakeword      microWakeWord: alexa, hey_jarvis, hey_mycroft, okay_nabu
  pvporcupine           Porcupine 1.9.5, which needs no key: its 18 keywords. No scores: run once at each of 11
                        sensitivities, so it takes 11 times as long; its threshold is 1 - sensitivity
  pocketsphinx          any words, which you name: pocketsphinx:alexa,smart_mirror. Its threshold is log10 of its
                        kws_threshold
  snowboy               where it was built: the models beside it. No scores: 11 runs, as Porcupine
                        Each of these runs in a process of its own, by this Python or by that of another environment,
                        with all its words or some: pvporcupine@ENVIRONMENT:alexa,computer
  exec:COMMAND          any program. It gets each recording as 16 kHz mono s16le PCM on stdin and prints a line
                        {"at_s": 1.62, "word": "alexa", "score": 0.9} for whatever it hears. Without scores, each line
                        is a detection; with scores, say candidates far below your threshold too

What is counted: events. A detection stands for one reference of its word that it lies in, or beside by no more than
the tolerance; a second one is a false accept, and so is another word's. Hours are those without any wake word: what is
labelled, widened by the tolerance, and what is marked `?` are taken off. Intervals are exact (false accepts: Garwood)
or Wilson's (misses). DIR/results.json holds everything, the sweep of all thresholds too; DIR/events.csv each detection
with its match, and each miss; DIR/report.html shows it. DIR/cache keeps what was heard: a run that was stopped goes on
where it was by the same command, and what has not changed is not heard again. Nothing but numbers is in it.

example: wakegate measure evenings/ --engine wakegate --engine 'exec:python my_engine.py' --out results/

beside it (a corpus that is called so is ./tune): wakegate measure tune, thresholds for a budget of false accepts on
your own sound; wakegate measure merge, the journals of many devices; wakegate measure shadow, two engines live
"""


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser(
        "measure",
        help="measure false wakes and misses of engines, with intervals",
        description="Measure how often engines wake falsely and how often they miss, on sound of your own.",
        epilog=TEACHING,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("corpus", type=Path, metavar="CORPUS", help="a folder of sound, or a manifest")
    parser.add_argument(
        "--engine", action="append", metavar="ENGINE",
        help="whom to measure; give several to compare (default: wakegate)",
    )  # fmt: skip
    parser.add_argument(
        "--out", type=Path, default=Path("measured"), metavar="DIR", help="folder to write to (default: %(default)s)"
    )
    parser.add_argument(
        "--threshold", type=float, metavar="T",
        help="one threshold for all words of every ENGINE that has scores, whatever their unit: for engines of several "
        "kinds leave it out and read the sweep (default: each engine's own)",
    )  # fmt: skip
    parser.add_argument(
        "--tolerance", type=float, default=0.5, metavar="S", help="seconds beside a label (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of all that is drawn (default: %(default)s)")
    parser.add_argument(
        "--limit", type=float, default=60.0, metavar="S",
        help="kill an engine of another process that takes no sound for so long (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="the rows as JSON Lines instead of a table")
    measure_listen.add_arguments(parser)
    measure_clips.add_arguments(parser)
    measure_conditions.add_arguments(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Measure, write and print; 1 if a recording failed, 130 if it was stopped."""
    from ..measure import corpus as corpora
    from ..measure import result
    from ..measure.engines import named
    from .progress import reading

    args.engine = args.engine or ["wakegate"]
    _check(args)
    engines = [named(spec, args.threshold, args.limit) for spec in args.engine]
    with reading() as told:
        corpus = corpora.read(args.corpus, _known(engines), told)
        _check_words(corpus, engines)
        corpus = measure_conditions.made(args, corpus, told)
    try:
        args.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"cannot write to {args.out}: {error.strerror}") from error
    try:
        measured = measure_listen.heard(args, corpus, engines)
    except measure_listen.Stopped as stopped:
        terminal.say(f"wakegate: {stopped}")
        return terminal.STOPPED
    tolerance = round(args.tolerance * SAMPLE_RATE)
    found: dict[str, Any] = result.document(
        corpus, measured, tolerance=tolerance, seed=args.seed, command=_command(args)
    )
    clips = measure_clips.taken(args, found, corpus.recordings)
    result.write(args.out, found, measured, tolerance, clips)
    _print(found, as_json=args.json)
    return _tell(found, args.out)


def _check(args: argparse.Namespace) -> None:
    if not 0 <= args.tolerance <= 10:  # nan too
        raise UsageError(f"--tolerance is {args.tolerance:g}: give seconds, from 0 to 10")
    if not (math.isfinite(args.limit) and args.limit > 0):
        raise UsageError(f"--limit is {args.limit:g}: give seconds, above 0")
    if args.threshold is not None and not math.isfinite(args.threshold):
        raise UsageError(f"--threshold is {args.threshold}: give a number")
    if args.seed < 0:
        raise UsageError(f"--seed is {args.seed}: give a whole number, 0 or above")
    twice = sorted({spec for spec in args.engine if args.engine.count(spec) > 1})
    if twice:
        raise UsageError(f"--engine {twice[0]} is given twice: name each engine once")
    measure_listen.check(args)
    measure_conditions.options(args)


def _known(engines: Sequence["Engine"]) -> set[str] | None:
    """Return the words that any engine knows; None where one does not say."""
    words = [engine.thresholds for engine in engines]
    return None if None in words else set(chain.from_iterable(one or () for one in words))


def _check_words(corpus: "Corpus", engines: Sequence["Engine"]) -> None:
    """Refuse a label that no engine can find: a slip of the pen would count as a miss and as a false accept."""
    known = [engine.thresholds for engine in engines]
    words = set(chain.from_iterable(one or () for one in known))
    for recording in corpus.recordings:
        for reference in recording.references:
            if reference.word not in words and all(one is not None for one in known):
                raise ConfigError(
                    f"{recording.name} is labelled {reference.word!r} at {reference.start / SAMPLE_RATE:.2f} s, a word "
                    f"that no engine here knows (they know {', '.join(sorted(words))}): mend the label, add an engine "
                    f"that knows it, or mark the place `?`"
                )


def _command(args: argparse.Namespace) -> list[str]:
    """Return the command as it could be typed, with everything that was left to its default."""
    engines = chain.from_iterable(("--engine", spec) for spec in args.engine)
    clips = ("--clips",) if args.clips else ()
    threshold = () if args.threshold is None else ("--threshold", f"{args.threshold:g}")
    rest = ("--tolerance", f"{args.tolerance:g}", "--seed", str(args.seed), "--limit", f"{args.limit:g}")
    return ["wakegate", "measure", str(args.corpus), *engines, "--out", str(args.out), *threshold, *rest, *clips,
            *measure_conditions.command(args)]  # fmt: skip


def _print(found: Mapping[str, Any], *, as_json: bool) -> None:
    from .measure_table import show

    if not as_json:
        show(found)
        return
    for engine in found["engines"]:
        for row in engine["rates"]:
            terminal.emit({"kind": "rates", "engine": engine["engine"], **row})
        for failure in engine["failures"]:
            terminal.emit({"kind": "failure", "engine": engine["engine"], **failure})
    for row in found["comparisons"]:
        terminal.emit({"kind": "comparison", **row})


def _tell(found: Mapping[str, Any], out: Path) -> int:
    """Say on stderr what a reader must know beside the numbers; return the exit code."""
    from ..measure.report.words import unsaid

    corpus = found["corpus"]
    notes = list(corpus["notes"])
    if not corpus["hours_without_wake_words"]:
        notes.append(
            f"{corpus['path']} has 0 h without wake words, so there is no rate of false accepts: add sound in which "
            f"nobody says one (it needs no labels)"
        )
    if not corpus["references"]:
        notes.append(f"{corpus['path']} has no labelled wake word, so there is no rate of misses")
    elif not corpus["speakers"]:
        notes.append("no wake word here has a speaker: use a manifest that names them for intervals by speaker")
    notes += unsaid(found)
    if "--threshold" in found["command"]:
        notes += [
            f"{one['engine']} gives no scores: all it said counts, whatever the threshold"
            for one in found["engines"]
            if not one["has_scores"]
        ]
    for note in notes:
        terminal.say(f"note: {note}")
    failed = 0
    for engine in found["engines"]:
        failed += len(engine["failures"])
        for failure in engine["failures"][:10]:
            terminal.say(f"failed: {engine['engine']} on {failure['recording']}: {failure['reason']}")
    terminal.say(f"{out}/results.json holds everything, {out}/events.csv each detection with its match")
    terminal.say(f"{out}/report.html shows it: curves, intervals and the loudest mistakes")
    if failed:
        terminal.say(f"wakegate: {failed} recordings failed and count nowhere: results.json names each with its reason")
    return 1 if failed else 0
