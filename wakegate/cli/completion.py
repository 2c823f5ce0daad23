"""``wakegate completion``: a script by which a shell completes what is typed; the ``shtab`` package writes it."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import ConfigError
from ..events import Purpose

_DESCRIPTION = """\
Print a script by which your shell completes commands, options, purposes, installed words and files at TAB (extra
`completion`). It is written once: nothing of wakegate runs while you type."""
_EXAMPLES = """\
where it goes (`mkdir -p` makes a folder that is not there):
  wakegate completion bash > ~/.local/share/bash-completion/completions/wakegate
  wakegate completion zsh > ~/.zfunc/_wakegate      (a folder of your fpath)
  wakegate completion fish > ~/.config/fish/completions/wakegate.fish"""


_BASH = """\
{name}() {{
    local given="${{1%"${{1##*,}}"}}" word left=
    for word in {known}; do
        [[ ",$given" == *",$word,"* ]] || left+="$word "
    done
    compgen -P "$given" -W "$left" -- "${{1##*,}}"
}}"""


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
    from ..wake import catalogue

    words = sorted({entry.word for model in catalogue.installed() for entry in model.words})
    top = parser(two_words=())  # for a shell a word has no space in it
    _open_up(top)
    _offer(top, {"PURPOSE": list(Purpose), "WORD": words}, {"A,B": _list_of(words), "FILE": shtab.FILE})
    print(shtab.complete(top, args.shell))
    return 0


def _open_up(top: argparse.ArgumentParser) -> None:
    """Let `install-service` take `serve` as a command, which for its own parser is whatever stands last."""
    from . import serve

    commands = next(one for one in top._actions if isinstance(one, argparse._SubParsersAction))
    service = commands.choices["install-service"]
    service._remove_action(next(one for one in service._actions if one.nargs == argparse.REMAINDER))
    serve.add(service.add_subparsers())


def _offer(parser: argparse.ArgumentParser, choices: dict[str, list[str]], complete: dict[str, object]) -> None:
    """Say what is to be offered, by the name of what is taken, in a parser and in those of its commands."""
    for action in parser._actions:
        name = str(action.metavar)
        if isinstance(action, argparse._SubParsersAction):
            for told in action._choices_actions:  # of a description of several lines, shells would show the first
                action.choices[told.dest].description = told.help
            for one in action.choices.values():
                _offer(one, choices, complete)
        elif name in choices:
            action.choices = choices[name]
        elif action.type is Path or "FILE" in name:
            action.complete = complete["FILE"]  # type: ignore[attr-defined]
        elif name in complete:
            action.complete = complete[name]  # type: ignore[attr-defined]


def _list_of(words: Sequence[str]) -> dict[str, Any]:
    """Return how each shell completes words with commas between them, behind the last one: those not given yet."""
    known, name = " ".join(words), "_wakegate_words"
    given = "(string join '|' , (string split , -- (commandline -ct))[1..-2])"  # the comma, or it might be of nothing
    return {
        "bash": name,
        "zsh": f"_values -s , word {known}",
        "fish": f"(__fish_append , (string match -vr -- '^(?:'{given}')\\z' {known}))",
        "preamble": {"bash": _BASH.format(name=name, known=known)},
    }
