"""``wakegate completion``: a script by which a shell completes what is typed; the ``shtab`` package writes it."""

import argparse
from pathlib import Path

from ..errors import ConfigError

_DESCRIPTION = """\
Print a script by which your shell completes commands, options and files at TAB (extra `completion`). It is written
once: nothing of wakegate runs while you type."""
_EXAMPLES = """\
where it goes (`mkdir -p` makes a folder that is not there):
  wakegate completion bash > ~/.local/share/bash-completion/completions/wakegate
  wakegate completion zsh > ~/.zfunc/_wakegate      (a folder of your fpath)
  wakegate completion fish > ~/.config/fish/completions/wakegate.fish"""


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser(
        "completion",
        help="a script by which bash, zsh or fish completes what you type",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("shell", choices=("bash", "zsh", "fish"))
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the script."""
    from . import parser

    try:
        import shtab
    except ImportError as error:
        raise ConfigError("the shtab package is not installed: pip install 'wakegate[completion]'") from error
    top = parser(two_words=())  # for a shell a word has no space in it
    _name_files(top, shtab.FILE)
    print(shtab.complete(top, args.shell))
    return 0


def _name_files(parser: argparse.ArgumentParser, mark: object) -> None:
    """Mark what takes a path, in a parser and in those of its commands."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for one in action.choices.values():
                _name_files(one, mark)
        elif action.type is Path or "FILE" in str(action.metavar):
            action.complete = mark  # type: ignore[attr-defined]
