"""Progress of what takes long: on stderr, a bar where a person is looking, now and then a line where nobody is."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from ..audio.block import Samples
from ..audio.files import FileSource
from ..events import SAMPLE_RATE

WORTH_S = 120.0
LINE_S = 60.0
"""How long a log hears nothing of a long run."""


def shown(source: FileSource, pieces: Iterator[Samples]) -> Iterator[Samples]:
    """Yield the pieces of a file, with a bar on stderr if it is long and stderr is a terminal."""
    if source.seconds is None or source.seconds < WORTH_S or not sys.stderr.isatty():
        yield from pieces
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(source.name, total=source.seconds)
        for piece in pieces:
            yield piece
            progress.update(task, advance=len(piece) / SAMPLE_RATE)


@contextmanager
def reading() -> Iterator[Callable[[str, float], None]]:
    """Give a function that shows what is being read, and the share of it that is done: 0 to 1."""
    with _told("") as tell:
        yield lambda what, share: tell(f"{what}: {100 * share:.0f} %", share)


class Hours:
    """How much sound of all is over, and how long the rest will take at this pace."""

    def __init__(self, seconds: float, show: Callable[["Hours"], None]) -> None:
        self.total_s, self.done_s = seconds, 0.0
        self.known_s, self._begun, self._show = 0.0, time.monotonic(), show

    def by(self, seconds: float, known: bool) -> None:
        """Move on by so many seconds of sound; what was known before says nothing about the pace."""
        self.done_s += seconds
        self.known_s += seconds if known else 0.0
        self._show(self)

    @property
    def left(self) -> str:
        """The time that is left, as text; empty while nobody knows."""
        heard_s = self.done_s - self.known_s
        if heard_s <= 0:
            return ""
        left_s = (self.total_s - self.done_s) * (time.monotonic() - self._begun) / heard_s
        return f"{timedelta(seconds=round(left_s))} left"

    def __str__(self) -> str:
        return f"{self.done_s / 3600:.2f} of {self.total_s / 3600:.2f} h"


@contextmanager
def hours(name: str, seconds: float) -> Iterator[Hours]:
    """Give the hours of a run, which show themselves."""
    with _told(name) as tell:
        yield Hours(seconds, lambda now: tell(f"{now} heard  {now.left}", now.done_s / (seconds or 1.0)))


@contextmanager
def _told(name: str) -> Iterator[Callable[[str, float], None]]:
    """Give a function that shows words and a share of 1: as a bar to a person, as a line now and then to a log."""
    from .terminal import plain, say

    told = time.monotonic()

    def often(text: str, share: float) -> None:
        nonlocal told
        if time.monotonic() - told > LINE_S:
            told = time.monotonic()
            say(f"{name}: {text}" if name else text)

    if not sys.stderr.isatty():
        yield often
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[told]}", markup=False),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(plain(name), total=1.0, told="")
        yield lambda text, share: progress.update(task, completed=share, told=plain(text))
