"""The options of ``wakegate measure`` that say who does the work, and the hours of listening as they are shown.

Owns what is said when a run is stopped: what is kept, and how to go on. None of these options changes a result, so none
is recorded in it.
"""

import argparse
import logging
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..errors import UsageError
from ..events import SAMPLE_RATE
from . import terminal

if TYPE_CHECKING:
    from ..measure.corpus import Corpus
    from ..measure.engines import Engine
    from ..measure.measured import Measured


class Stopped(Exception):
    """Somebody stopped the run: it can go on."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--jobs", type=int, metavar="N", help="processes on this machine; one a core if not given")
    parser.add_argument(
        "--cluster", metavar="dask:tcp://HOST:PORT",
        help="let a dask scheduler's workers listen; they need wakegate[cluster] and the corpus under the same path",
    )  # fmt: skip
    parser.add_argument(
        "--fresh", action="store_true", help="hear everything again; without it, what DIR/cache knows is not redone"
    )


def check(args: argparse.Namespace) -> None:
    """Refuse what makes no sense, before anything is read."""
    if args.jobs is not None and args.jobs < 1:
        raise UsageError(f"--jobs is {args.jobs}: give a number of processes, 1 or above")
    if args.jobs is not None and args.cluster is not None:
        raise UsageError("--jobs is for this machine, --cluster for others: give one of them")


def heard(args: argparse.Namespace, corpus: "Corpus", engines: Sequence["Engine"]) -> "list[Measured]":
    """Let every engine hear the corpus, with progress on stderr.

    Raises
    ------
    Stopped
        By Ctrl-C, or by a SIGTERM as a cluster's queue sends it.
    """
    from ..measure.listening.cache import Cache
    from ..measure.listening.pool import Pool
    from ..measure.listening.run import listen
    from ..measure.listening.worker import Maker, digest
    from ..measure.measured import Measured
    from .progress import hours

    seconds = sum(one.length for one in corpus.recordings) / SAMPLE_RATE
    measured = []
    with _stoppable(), Pool(args.jobs or _cores(), args.cluster) as pool:
        logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # what it has to say, our error says
        for number, engine in enumerate(engines, 1):
            maker = Maker(spec=engine.name, threshold=args.threshold, limit_s=args.limit)
            about = digest(engine)
            with hours(f"engine {number} of {len(engines)}, {engine.name}", seconds) as moved:
                cache = Cache(args.out, about, fresh=args.fresh)
                try:
                    hearings = listen(maker, about, corpus, pool, cache, moved.by)
                except KeyboardInterrupt:
                    raise Stopped(
                        f"stopped in {engine.name}, after {moved} of sound: it is kept in {args.out / 'cache'}, and "
                        f"the same command goes on from there"
                    ) from None
            if moved.known_s:
                terminal.say(
                    f"{engine.name}: {moved.known_s / 3600:.2f} of {seconds / 3600:.2f} h known from "
                    f"{args.out / 'cache'}; --fresh hears it again"
                )
            measured.append(Measured(engine=engine, hearings=hearings, threshold=args.threshold))
    return measured


def _cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def _stoppable() -> Iterator[None]:
    """Let SIGTERM stop a run as Ctrl-C does: a killed run would leave its processes behind."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
