"""``wakegate tell``: a word to a running listener, over its event socket."""

import argparse
import json

from ..errors import UsageError
from ..events import Cause, Verdict
from .terminal import plain
from .usage import typed

_DESCRIPTION = """\
Say a word to a listener that was started with --events: status, cancel, mute and unmute, label. What a person muted at
the device, `wakegate mute`, no word over the socket unmutes; and none can consent."""
_EXAMPLES = """\
examples:
  wakegate tell unix:$XDG_RUNTIME_DIR/wakegate.sock status
  wakegate tell unix:$XDG_RUNTIME_DIR/wakegate.sock mute --for 5s
  wakegate tell unix:$XDG_RUNTIME_DIR/wakegate.sock label 9f3c0a1b2d4e5f60 false-accept --cause own-sound"""


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser(
        "tell",
        help="a word to a running listener: status, cancel, mute, unmute, label",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("socket", metavar="unix:PATH", help="as given to `wakegate listen --events`")
    parser.add_argument("--json", action="store_true", help="the listener's answer, as one JSON line")
    words = parser.add_subparsers(title="words", metavar="WORD", dest="word", required=True)
    words.add_parser("status", help="what it listens for, whether the gate is open, who has muted it")
    words.add_parser("cancel", help="the person took the request back")
    mute = words.add_parser("mute", help="listen to nothing until unmute, or for some seconds")
    mute.add_argument("--for", dest="for_s", metavar="SECONDS", help="end by itself, after at most 60 s: 5, 5s")
    words.add_parser("unmute", help="take back a mute that came over the socket")
    label = words.add_parser("label", help="say whether a wake was meant")
    label.add_argument("id", help="event id of the wake, all of it")
    label.add_argument("verdict", choices=[verdict.value for verdict in Verdict])
    label.add_argument("--cause", choices=[cause.value for cause in Cause], help="what made a false accept")
    for word in words.choices.values():  # before the word or behind it
        word.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Say it, and print the answer."""
    from ..serve.event_socket_client import ask
    from ..unix import path_of

    command: dict[str, object] = {"command": args.word}
    if args.word == "mute" and args.for_s is not None:
        command["for_s"] = _seconds(args.for_s)
    elif args.word == "label":
        command |= {"id": args.id, "verdict": args.verdict, "cause": args.cause}
    with typed():
        socket = path_of(args.socket, "tell")
    reply = ask(socket, command)
    print(json.dumps(reply) if args.json else plain(_sentence(reply)))
    return 0


def _seconds(text: str) -> float:
    try:
        return float(text.removesuffix("s"))
    except ValueError as error:
        raise UsageError(f"--for {text!r} is not a time: write seconds, 5 or 5s") from error


def _sentence(reply: dict[str, object]) -> str:
    muted, left, words = reply.get("muted"), reply.get("muted_for_s"), reply.get("words")
    if muted:
        return f"muted by {muted}" + (f" for {left:.1f} s more" if isinstance(left, int | float) else "")
    gate = "closed" if not reply.get("open") else "closing" if reply.get("cancelling") else "open"
    return f"listening for {', '.join(map(str, words)) if isinstance(words, list) else '?'}; the gate is {gate}"
