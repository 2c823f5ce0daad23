"""The command line: one module a command; parsing and printing only.

Exit codes: 0 done, 1 a :class:`~wakegate.errors.WakegateError` (said on stderr), 2 wrong usage (:mod:`.usage` says what
that is), 130 stopped by Ctrl-C before it was done. With ``--json`` stdout carries JSON Lines and nothing else; words
for people go to stderr or, where they are the result, to stdout.
"""

import argparse
import difflib
import importlib
import io
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack, redirect_stdout, suppress

from ..errors import UsageError, WakegateError
from .journald import Priority
from .terminal import STOPPED, say

COMMANDS = (
    "demo",
    "listen",
    "tell",
    "mute",
    "serve",
    "detect",
    "score",
    "measure",
    "devices",
    "models",
    "train",
    "enrol",
    "consent",
    "journal",
    "doctor",
    "install-service",
    "completion",
    "reset",
)
TWO_WORDS = ("measure tune", "measure merge", "measure shadow")
"""Commands beside one that takes a name: the first word after it decides."""
UNFINISHED: tuple[list[str], ...] = ([], ["consent"], ["journal"])
"""Not mistakes but first looks: answered by what there is to choose from."""


def parser(two_words: Sequence[str] = TWO_WORDS) -> argparse.ArgumentParser:
    """Build the parser of the whole command from the modules of this folder, with these commands of two words."""
    top = argparse.ArgumentParser(
        prog="wakegate",
        description="A wake word engine with a gate: audio leaves only when the word fired and a person opted in.",
        epilog="Start with `wakegate demo` (no microphone needed), then `wakegate listen`.",
    )
    version = importlib.import_module("wakegate").__version__
    top.add_argument("--version", action="version", version=f"wakegate {version}")
    top.set_defaults(listens=False, hint="")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in COMMANDS:
        importlib.import_module(f".{name.replace('-', '_')}", __package__).add(commands)
        for beside in two_words:
            if beside.startswith(f"{name} "):
                importlib.import_module(f".{beside.replace(' ', '_')}", __package__).add(commands)
    return top


def joined(argv: Sequence[str]) -> list[str]:
    """Return the words with ``measure tune`` and its like as one: a command beside ``measure CORPUS``.

    A corpus that is called so is ``./tune``.
    """
    first = " ".join(argv[:2])
    return [first, *argv[2:]] if first in TWO_WORDS else list(argv)


def _parsed(words: list[str]) -> argparse.Namespace:
    top = parser()
    if words in UNFINISHED:
        with suppress(SystemExit), redirect_stdout(sys.stderr):
            top.parse_args([*words, "--help"])
        raise SystemExit(2)
    unknown = bool(words) and not words[0].startswith("-") and words[0] not in (*COMMANDS, *TWO_WORDS)
    if unknown and (near := difflib.get_close_matches(words[0], COMMANDS, 1)):
        top.error(f"there is no command {words[0]!r}: did you mean {near[0]!r}?")
    args, unrecognized = top.parse_known_args(words)
    if unrecognized:
        top.error(f"unrecognized arguments: {' '.join(unrecognized)}{args.hint}")
    return args


def _open_closed() -> None:
    """Open a closed stdin, stdout or stderr to nowhere: else the next file, perhaps the journal, would be it."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
    sys.stdout = sys.stdout or open(1, "w", closefd=False)
    sys.stderr = sys.stderr or open(2, "w", closefd=False)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    _open_closed()
    with ExitStack() as stack:
        return _run(sys.argv[1:] if argv is None else argv, stack)


def _run(argv: Sequence[str], stack: ExitStack) -> int:
    try:
        args = _parsed(joined(argv))
        if isinstance(sys.stdout, io.TextIOWrapper):
            # A name that the terminal cannot show is no reason to stop.
            sys.stdout.reconfigure(errors="backslashreplace")
        if args.listens:
            from .stderr import printed

            stack.enter_context(printed())
        code: int = args.run(args)
        sys.stdout.flush()
        return code
    except WakegateError as error:
        say(f"wakegate: {error}", Priority.ERROR)
        return 2 if isinstance(error, UsageError) else 1
    except KeyboardInterrupt:
        say("wakegate: stopped by Ctrl-C")
        return STOPPED
    except BrokenPipeError:
        # The reader of our output went away: nobody is left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        say(f"wakegate: {error}", Priority.ERROR)
        return 1
