"""What the commands print with: JSON Lines for programs, words and tables for people.

Owns the one place that decides how a line looks, and how wide it is. Never imports rich before something rich is
printed: the listening commands stay small in memory.
"""

import errno
import json
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TextIO

from .journald import Priority, lines


def emit(record: Mapping[str, object]) -> None:
    """Print one JSON Line on stdout, at once."""
    print(json.dumps(record), flush=True)


def put(line: str, out: TextIO) -> None:
    """Print a line at once. One that a full disk does not take is lost: it is no reason to stop listening."""
    try:
        print(line, file=out, flush=True)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise


def say(text: str, urgent: Priority = Priority.NOTICE) -> None:
    """Print words for people on stderr; where nobody can read those any more, nothing else ends for it."""
    with suppress(OSError):
        put(lines(plain(text), urgent, sys.stderr), sys.stderr)


def plain(text: str) -> str:
    """Return a text in which whatever could steer a terminal (escapes, other controls, text direction) is spelt out.

    File names, device names and the words of a model are other people's text.
    """
    return "".join(
        one if one.isprintable() or one == "\n" else one.encode("unicode_escape").decode("ascii") for one in text
    )


WIDEST = 100
"""Longer lines are hard to read, however wide a terminal is."""


def wrapped(text: str, width: int) -> str:
    """Return a text whose lines are broken between words where they are wider, as deep as they begin."""
    lines = []
    for line in text.split("\n"):
        depth = len(line) - len(line.removeprefix("  - ").lstrip())
        lines += textwrap.wrap(
            line, min(width, WIDEST), subsequent_indent=" " * depth, break_long_words=False, break_on_hyphens=False
        ) or [""]
    return "\n".join(lines)


STOPPED = 130
"""The exit code of whoever is stopped by Ctrl-C before it was done."""
WORD = 32
"""Longer than any word or number; what is longer is a path, which may be broken to be shown whole."""


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], least: Sequence[str] = ()) -> None:
    """Print a table for people on stdout, as wide as it is where that is no terminal.

    A narrow terminal goes without the columns that say the ``least``, in their order; then cells are wrapped between
    their words.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    there = Console()
    held = [[plain(str(cell)) for cell in own] for own in zip(columns, *rows, strict=True)]
    widths = _widths(held, there.width if there.is_terminal else None, least)
    console = Console(highlight=False, width=max(there.width, sum(widths) + 3 * len(widths) + 1))
    # Text, not str: brackets in a name are no markup.
    console.print(Text(plain(title), style="table.title"), soft_wrap=True)
    drawn = Table()
    shown = [(own, width) for own, width in zip(held, widths, strict=True) if width]
    for (name, *_), width in shown:
        drawn.add_column(Text(name), overflow="fold", width=width)  # a path is shown whole
    for row in zip(*(own[1:] for own, _ in shown), strict=True):
        drawn.add_row(*map(Text, row))
    console.print(drawn)


def _widths(held: Sequence[Sequence[str]], most: int | None, least: Sequence[str]) -> list[int]:
    """Return each column's width, 0 for one that is left out; ``held`` are columns, their names first."""
    from rich.cells import cell_len

    wanted = [max(cell_len(line) for cell in own for line in cell.split("\n")) for own in held]
    if most is None:
        return wanted
    needed = [min(WORD, max(cell_len(word) for cell in own for word in cell.split() or [""])) for own in held]

    def frame() -> int:
        return 3 * sum(width > 0 for width in wanted) + 1

    names = [own[0] for own in held]
    for at in (names.index(name) for name in least if name in names):
        if sum(needed) + frame() > most:
            wanted[at] = needed[at] = 0
    spare = max(0, most - frame() - sum(needed))
    for at, width in enumerate(wanted):
        more = min(spare, width - needed[at])
        needed[at], spare = needed[at] + more, spare - more
    return needed
