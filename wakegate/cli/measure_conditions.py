"""The options of ``wakegate measure`` that make conditions: noise, rooms, levels, codecs and spacing.

Owns their words and how they are written; what they do is :mod:`wakegate.measure.conditions`.
"""

import argparse
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UsageError
from .usage import typed

if TYPE_CHECKING:
    from ..measure.conditions.made import Codec, Simulated
    from ..measure.conditions.plan import Options
    from ..measure.corpus import Corpus, Told

GAP_S = 60.0
TEACHING = """\
The corpus is measured as it is, or in the conditions named here, made while it is measured; nothing of them is written.
Several options are combined: --snr 10,0 --codec opus,g711 gives four conditions, each with rows and curves of its own:
all hold the same words, so nothing is added up over them. The same seed, corpus and folders give the same sound. The
order is: speech, room, noise, gain, codec. DIR may be a manifest.
A value that begins with a minus needs an equals sign: --gain=-20,0
example: wakegate measure clips/ --engine wakegate --out results/ --noise demand/ --snr 20,10,0 --rir rooms/ --clean
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options, as a group of their own."""
    group = parser.add_argument_group("conditions", TEACHING.replace("%", "%%"))
    group.add_argument("--noise", type=Path, metavar="DIR", help="a folder of noise, drawn for each recording")
    group.add_argument(
        "--snr", metavar="DB[,DB...]",
        help="signal-to-noise ratios: the loudest 32 ms of a wake word against the loudest of the noise under it, as "
        "in the public six-word benchmark; sound without words is cut into 10 s for it, and the median counts",
    )  # fmt: skip
    group.add_argument("--rir", type=Path, metavar="DIR", help="measured impulse responses, one drawn for a recording")
    group.add_argument(
        "--room", action="append", default=[], metavar="METRESm,SECONDSs",
        help="a simulated room, such as 3m,0.5s: how far the mouth is, and the reverberation (RT60); give several. It "
        "needs wakegate[rooms]",
    )  # fmt: skip
    group.add_argument("--gain", metavar="DB[,DB...]", help="levels; what is too loud is clipped, as a converter does")
    group.add_argument(
        "--codec", metavar="NAME[,NAME...]",
        help="opus (about 30 kbit/s), mp3 (about 60) or g711 (mu-law, 8 kHz); their delay is taken off",
    )  # fmt: skip
    group.add_argument(
        "--stream", action="store_true",
        help="put the labelled recordings one after the other into streams of an hour, as the six-word benchmark does",
    )  # fmt: skip
    group.add_argument(
        "--gap", type=float, metavar="S", help=f"seconds between them, at least (default: {GAP_S:g}, with --stream)"
    )
    group.add_argument(
        "--background", type=Path, metavar="DIR",
        help="speech without wake words for the gaps: a fifth of it is heard, the rest is as long a silence",
    )  # fmt: skip
    group.add_argument("--clean", action="store_true", help="measure the corpus as it is, too")


def made(args: argparse.Namespace, corpus: "Corpus", told: "Told | None" = None) -> "Corpus":
    """Return the corpus in its conditions; the same one where none is asked for.

    Raises
    ------
    ConfigError
        If an option makes no sense, or a folder holds nothing that can be used.
    """
    from ..measure.conditions.plan import conditioned
    from ..measure.corpus import silent

    return conditioned(corpus, options(args), told or silent)


def options(args: argparse.Namespace) -> "Options":
    """Return what was asked for, checked as far as no file needs to be read.

    Raises
    ------
    UsageError
        If an option makes no sense.
    """
    from ..measure.conditions.plan import Options

    if args.gap is not None and not args.stream:
        raise UsageError("--gap is the time between the words of --stream: give --stream too")
    gap_s = GAP_S if args.gap is None else args.gap
    with typed():
        return Options(
            noise=args.noise,
            snr_db=tuple(_numbers("--snr", args.snr)),
            rir=args.rir,
            rooms=tuple(_room(one) for one in args.room),
            gain_db=tuple(_numbers("--gain", args.gain)),
            codecs=tuple(_codecs(args.codec)),
            gap_s=gap_s if args.stream else None,
            background=args.background,
            clean=args.clean,
            seed=args.seed,
        )


def command(args: argparse.Namespace) -> list[str]:
    """Return the options as they could be typed, with what was left to its default."""
    valued = (("noise", args.noise), ("snr", args.snr), ("rir", args.rir), *(("room", one) for one in args.room),
              ("gain", args.gain), ("codec", args.codec))  # fmt: skip
    found = [f"--{name}={value}" for name, value in valued if value is not None]
    if args.stream:
        found += ["--stream", f"--gap={GAP_S if args.gap is None else args.gap:g}"]
    return [
        *found,
        *(() if args.background is None else (f"--background={args.background}",)),
        *(("--clean",) if args.clean else ()),
    ]


def _numbers(option: str, text: str | None) -> Iterator[float]:
    for part in () if text is None else text.split(","):
        try:
            yield float(part)
        except ValueError as error:
            raise UsageError(f"{option}: {part!r} is no number: give decibels, such as {option}=20,10,0") from error


def _room(text: str) -> "Simulated":
    from ..measure.conditions.made import Simulated

    found = re.fullmatch(r"([0-9.]+)m,([0-9.]+)s", text.replace(" ", ""))
    try:
        distance_m, rt60_s = map(float, found.groups() if found else ())
    except ValueError as error:
        raise UsageError(f"--room {text!r}: give metres and seconds, such as 3m,0.5s") from error
    return Simulated(distance_m=distance_m, rt60_s=rt60_s)


def _codecs(text: str | None) -> "Iterator[Codec]":
    from ..measure.conditions.made import Codec

    known = {one.value: one for one in Codec}
    for part in () if text is None else text.split(","):
        if part not in known:
            raise UsageError(f"--codec: {part!r} is none of {', '.join(known)}: name one of these")
        yield known[part]
