"""``wakegate enrol --record``: a person says the word a few times, and sees how each time went.

Owns the asking. The sound lies in the booth's private memory; it is written only to the folder of ``--keep``.
"""

import argparse
import os
import resource
import time
import wave
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ConfigError
from ..events import SAMPLE_RATE
from . import terminal

if TYPE_CHECKING:
    from ..audio.block import Source
    from ..train.enrol.record import Booth
    from ..train.enrol.takes import Take

TRIES = 3
"""Recordings that may fail for each that does not."""
COUNT_S = 3


def recorded(args: argparse.Namespace, word: str, stack: ExitStack) -> "tuple[Take, ...]":
    """Record as often as was asked; the stack overwrites the recordings when it unwinds."""
    from ..audio.microphone import Microphone
    from ..mute import check
    from ..place import Place
    from ..train.enrol.record import Booth

    check(Place.fixed())
    paths = _paths(args.keep, word, args.record)
    # What is worked out from the recordings lies in ordinary memory: a crash must not write it to disk.
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    device = int(args.device) if args.device and args.device.isdecimal() else args.device
    with closing(Microphone(device, args.channel)) as microphone:
        booth = stack.enter_context(closing(Booth(args.record)))
        terminal.say(
            f"Say {args.name!r} {args.record} times into {microphone.name}, each time when it says so, the way you "
            f"will say it later. Ctrl-C ends it and leaves nothing."
        )
        takes = said(booth, microphone, args.record)
    for take, path in zip(takes, paths, strict=False):
        _write(path, take)
    return takes


def said(booth: "Booth", source: "Source", count: int) -> "tuple[Take, ...]":
    """Let the person say the word until there are so many good recordings; ConfigError if it does not come to that."""
    from .progress import reading

    for _ in range(TRIES * count):
        number = len(booth.takes) + 1
        _count_down(f"{number} of {count}")
        try:
            with reading() as told:
                take = booth.record(source, lambda share, level: told(f"now! {'#' * round(20 * level):<20}", share))
        except ConfigError as error:
            terminal.say(f"{number} of {count}: not taken, once more: {error}")
            continue
        terminal.say(f"{number} of {count}: {take.seconds:.1f} s, {take.level_db:.0f} dBFS: good")
        if number == count:
            return tuple(booth.takes)
    raise ConfigError(
        f"{TRIES * count} tries gave {len(booth.takes)} good recordings: `wakegate doctor --mic` says what is wrong"
    )


def _count_down(what: str) -> None:
    from .progress import reading

    with reading() as told:
        for left in range(10 * COUNT_S, 0, -1):
            told(f"{what}: get ready, {-(-left // 10)}", 1 - left / (10 * COUNT_S))
            time.sleep(0.1)


def _paths(folder: Path | None, word: str, count: int) -> list[Path]:
    """Return where to keep the recordings, if anywhere; ConfigError where files are there already."""
    if folder is None:
        return []
    paths = [folder / f"{word}-{number}.wav" for number in range(1, count + 1)]
    there = [path for path in paths if path.exists() or path.is_symlink()]
    if there:
        raise ConfigError(f"--keep: {there[0]} is there already: name another folder")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"--keep {folder} cannot be made ({error.strerror})") from error
    return paths


def _write(path: Path, take: "Take") -> None:
    """Write a recording for its owner alone."""
    try:
        with (
            open(path, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file,
            wave.open(file, "wb") as sound,
        ):
            sound.setparams((1, 2, SAMPLE_RATE, len(take.samples), "NONE", ""))
            sound.writeframes(take.samples.astype("<i2").data)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise ConfigError(f"--keep: {path} cannot be written ({error.strerror})") from error
