"""Live sound for ``measure tune`` and ``measure shadow``: which microphone, for how long, and how to end it.

Owns the options that both share. Nothing here stores or releases sound.
"""

import argparse
import math
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UsageError
from ..events import SAMPLE_RATE

if TYPE_CHECKING:
    from ..audio.block import Source
    from ..config import Config
    from ..measure.field.live import Live


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--microphone", action="store_true", help="listen, until Ctrl-C if no time is given")
    parser.add_argument("--device", help="microphone by number, name or part of a name (see `wakegate devices`)")
    parser.add_argument("--channel", type=int, help="channel to take, from 1; all are mixed if not given")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--hours", type=float, metavar="H", help="end after so many hours of sound")
    length.add_argument("--seconds", type=float, metavar="N", help="end after so many seconds of sound")
    parser.add_argument("--config", type=Path, metavar="FILE", help="a wakegate.toml; the usual one if not given")


def most(args: argparse.Namespace) -> int | None:
    """Return how many samples are to be heard; None for all that come."""
    if args.hours is None and args.seconds is None:
        return None
    seconds: float = args.seconds if args.hours is None else 3600 * args.hours
    if not (math.isfinite(seconds) and seconds > 0):
        raise UsageError(f"to listen for {seconds:g} s is not possible: give --hours or --seconds above 0")
    return round(seconds * SAMPLE_RATE)


def microphone(args: argparse.Namespace, settings: "Config") -> "Source":
    """Open the microphone of the options, else of the config, else the system's; a person's mute ends it."""
    from ..audio.microphone import Microphone
    from ..mute import UntilMuted, check
    from ..place import Place

    check(place := Place.fixed())
    device = settings.device if args.device is None else int(args.device) if args.device.isdecimal() else args.device
    return UntilMuted(Microphone(device, settings.channel if args.channel is None else args.channel), place)


@contextmanager
def until_stopped(live: "Live") -> Iterator["Live"]:
    """Let Ctrl-C and a service manager's stop end the listening as its time would; a second one ends it at once."""

    def stop(*_: object) -> None:
        live.stop()
        for number in before:
            signal.signal(number, signal.default_int_handler)

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        with live:
            yield live
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
