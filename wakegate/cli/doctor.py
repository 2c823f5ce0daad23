"""``wakegate doctor``: what protects this device and what does not; and whether its microphone is right."""

import argparse
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING

from ..errors import UsageError
from . import terminal

if TYPE_CHECKING:
    from ..doctor import Finding
    from ..place import Place


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser(
        "doctor",
        help="say what protects this device and what does not, and whether its microphone is right",
        description="Check locked memory, core dumps, swap, telemetry, models, config, permissions, clock, ledger, "
        "journal, mute and microphone. Changes nothing. With --mic: listen for three seconds, into memory that is "
        "overwritten at once, and say how loud, clean and whole the sound is, and whether a wake word was heard. "
        "Exit code 1 if something refuses until it is mended.",
        epilog="examples: wakegate doctor --json; wakegate doctor --mic --device USB",
    )
    parser.add_argument("--mic", action="store_true", help="listen for three seconds: say a wake word meanwhile")
    parser.add_argument("--device", help="with --mic: microphone by number, name or part of a name")
    parser.add_argument("--channel", type=int, help="with --mic: channel to take, from 1; all are mixed if not given")
    parser.add_argument("--json", action="store_true", help="one JSON line a check")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Examine and print."""
    from ..consent.clock import SystemClock
    from ..doctor import Health, examine
    from ..place import Place

    if not args.mic and (args.device is not None or args.channel is not None):
        raise UsageError("--device and --channel name the microphone of --mic: add it, or leave them out")
    place = Place.fixed()
    found = _microphone(args, place) if args.mic else tuple(examine(place, SystemClock()))
    _show(found, as_json=args.json)
    return int(any(finding.health is Health.BAD for finding in found))


def _microphone(args: argparse.Namespace, place: "Place") -> "Sequence[Finding]":
    """Listen for three seconds."""
    from .. import config, doctor_mic
    from ..audio.microphone import Microphone
    from ..mute import check
    from ..wake import Detector, load

    check(place)
    settings = config.read()
    scorer = load(settings.words)
    detector = Detector(scorer.manifest.detector_config(scorer.words, settings.thresholds))
    device = settings.device if args.device is None else args.device
    with closing(Microphone(device, settings.channel if args.channel is None else args.channel)) as microphone:
        words = ", ".join(scorer.words)
        terminal.say(f"Say one of these now: {words}. {microphone.name} is heard for 3 s, and nothing is kept.")
        heard = doctor_mic.record(microphone, scorer, detector, place)
    return doctor_mic.findings(heard, dict(detector.config.thresholds))


def _show(found: "Sequence[Finding]", *, as_json: bool) -> None:
    if as_json:
        for finding in found:
            terminal.emit(asdict(finding))
        return
    rows = [(f.name, f.health.value, f.seen + (f"; {f.mend}" if f.mend else "")) for f in found]
    terminal.table("wakegate doctor", ("check", "", "seen, and what to do"), rows)
