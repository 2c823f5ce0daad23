"""Stderr: what is said to people while something listens, printed without anybody waiting for it.

Owns the stream that stands in stderr's place for as long: whatever is written to it, the log's lines too, a
:class:`~wakegate.cli.printer.Printer` prints, so that a reader of stderr who pauses holds up the listening no more than
one of stdout does. Must never hold up whoever writes, nor tell them that nobody can read any more.
"""

import io
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stderr, suppress
from typing import TextIO

from .printer import Printer
from .story import lost


class _Lines(io.TextIOBase):
    """A stream of whole lines, from any thread."""

    def __init__(self, out: TextIO, printer: Printer) -> None:
        self._out, self._printer = out, printer
        self._begun: dict[int, str] = {}  # of a line, each thread its own
        self._turn = threading.RLock()  # who has it waits for nobody

    def write(self, text: str) -> int:
        me = threading.get_ident()
        *whole, begun = (self._begun.pop(me, "") + text).split("\n")
        if begun:
            self._begun[me] = begun
        self._put(whole)
        return len(text)

    def end(self) -> None:
        """Print what was begun and will not go on."""
        begun, self._begun = self._begun, {}
        self._put(begun.values())

    def _put(self, lines: Iterable[str]) -> None:
        with self._turn, suppress(OSError):
            for line in lines:
                self._printer.put(line)

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._out.fileno()

    def isatty(self) -> bool:
        return self._out.isatty()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._out.encoding

    @property
    def errors(self) -> str | None:  # type: ignore[override]
        return self._out.errors


@contextmanager
def printed() -> Iterator[None]:
    """Have stderr printed by a thread of its own while the context lasts; at the end its reader has a little time."""
    out = sys.stderr
    printer = Printer(out, lambda count: lost(count, out, as_json=False))
    lines = _Lines(out, printer)
    try:
        with redirect_stderr(lines):
            yield
    finally:
        lines.end()
        with suppress(OSError):
            printer.close()
