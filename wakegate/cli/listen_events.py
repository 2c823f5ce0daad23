"""``wakegate listen``'s other ways of saying what happens: the event socket, and hooks."""

import argparse
from contextlib import ExitStack
from typing import TYPE_CHECKING

from ..errors import ConfigError, UsageError
from .usage import typed

if TYPE_CHECKING:
    from ..config import Config
    from ..hooks import Hooks
    from ..pipeline import Pipeline
    from ..serve.event_socket import EventSocket


def add_event_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--events``, ``--events-group`` and ``--on``."""
    parser.add_argument(
        "--events", metavar="unix:PATH", help="a socket for this user's programs: JSON Lines out, commands in"
    )
    parser.add_argument(
        "--events-group", metavar="GROUP", help="whose members may connect too: they can mute, cancel and label"
    )
    parser.add_argument(
        "--on",
        action="append",
        default=[],
        metavar="KIND=COMMAND",
        help="run a command, without a shell, when this kind of event happens: --on wake='aplay ding.wav'",
    )


def check_events(args: argparse.Namespace) -> None:
    """Raise UsageError for what none of these options can be, ConfigError for a group that is not there."""
    from ..unix import path_of

    if args.events is None and args.events_group is not None:
        raise UsageError("--events-group says who may use the event socket: add --events, or leave it out")
    if args.events is not None:
        with typed():
            path_of(args.events, "--events")
    _group(args.events_group)
    commands(args)


def hooks(args: argparse.Namespace, settings: "Config", stack: ExitStack) -> "Hooks | None":
    """Return the hooks of the config and of the command line, which comes first; None without any."""
    from ..hooks import Hooks

    wanted = {**settings.on, **commands(args)}
    return stack.enter_context(Hooks(wanted)) if wanted else None


def commands(args: argparse.Namespace) -> dict[str, str]:
    """Return the commands of ``--on`` by kind of event; UsageError for what cannot be one."""
    from ..hooks import check_kind, words_of

    found = {}
    for text in args.on:
        kind, equals, command = text.partition("=")
        if not equals:
            raise UsageError(f"--on {text!r:.80} is not KIND=COMMAND: write, for example, wake='aplay ding.wav'")
        with typed():
            check_kind(kind)
            words_of(kind, command)
        found[kind] = command
    return found


def event_socket(args: argparse.Namespace, pipeline: "Pipeline", stack: ExitStack) -> "EventSocket | None":
    """Return the event socket of a pipeline; None where none was asked for."""
    if args.events is None:
        return None
    from ..serve.event_socket import EventSocket
    from ..unix import path_of

    path = path_of(args.events, "--events")
    return stack.enter_context(EventSocket(path, pipeline, group=_group(args.events_group)))


def _group(name: str | None) -> int | None:
    import grp

    try:
        return None if name is None else grp.getgrnam(name).gr_gid
    except KeyError as error:
        raise ConfigError(f"--events-group {name!r}: there is no such group (see `getent group`)") from error
