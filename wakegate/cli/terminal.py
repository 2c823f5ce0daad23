"""What the commands print with: JSON Lines for programs, words and tables for people.

Owns the one place that decides how a line looks. Never imports rich before something rich is printed: the listening
commands stay small in memory.
"""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence


def emit(record: Mapping[str, object]) -> None:
    """Print one JSON Line on stdout, at once."""
    print(json.dumps(record, ensure_ascii=False), flush=True)


def say(text: str) -> None:
    """Print words for people on stderr."""
    print(text, file=sys.stderr, flush=True)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table for people on stdout."""
    from rich.console import Console
    from rich.table import Table

    drawn = Table(title=title, title_justify="left")
    for column in columns:
        drawn.add_column(column)
    for row in rows:
        drawn.add_row(*(str(cell) for cell in row))
    Console(highlight=False).print(drawn)
