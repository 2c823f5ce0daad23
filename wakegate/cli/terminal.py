"""What the commands print with: JSON Lines for programs, words and tables for people.

Owns the one place that decides how a line looks. Never imports rich before something rich is printed: the listening
commands stay small in memory.
"""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence


def emit(record: Mapping[str, object]) -> None:
    """Print one JSON Line on stdout, at once."""
    print(json.dumps(record), flush=True)


def say(text: str) -> None:
    """Print words for people on stderr."""
    print(plain(text), file=sys.stderr, flush=True)


def plain(text: str) -> str:
    """Return a text in which whatever could steer a terminal (escapes, other controls, text direction) is spelt out.

    File names, device names and the words of a model are other people's text.
    """
    return "".join(
        one if one.isprintable() or one == "\n" else one.encode("unicode_escape").decode("ascii") for one in text
    )


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table for people on stdout."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    # Text, not str: brackets in a name are no markup.
    drawn = Table(title=Text(plain(title), style="table.title"), title_justify="left")
    for column in columns:
        drawn.add_column(Text(plain(column)), overflow="fold")  # a path is shown whole
    for row in rows:
        drawn.add_row(*(Text(plain(str(cell))) for cell in row))
    Console(highlight=False).print(drawn)
