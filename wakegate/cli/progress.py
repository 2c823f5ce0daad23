"""A progress bar for long files: on stderr, only where a person is looking and there is time to look."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..audio.block import Samples
from ..audio.files import FileSource
from ..events import SAMPLE_RATE

WORTH_S = 120.0


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
def moving(name: str, seconds: float) -> Iterator[Callable[[float], None]]:
    """Give a function that moves a bar by so many seconds of sound; it shows nothing where a bar has no place."""
    if seconds < WORTH_S or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress
    from rich.text import Text

    from .terminal import plain

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(Text(plain(name)).markup, total=seconds)
        yield lambda done: progress.update(task, advance=done)
