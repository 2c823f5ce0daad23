"""``wakegate consent``: grant, revoke, status, history, receipt.

Owns the words on the terminal. A yes is read from the terminal itself (``/dev/tty``), never from stdin, a flag, the
environment or a config file; anything but a typed ``yes`` is a no. Revoking asks nothing.
"""

import argparse
import json
from collections.abc import Sequence
from typing import Any

from ..consent import notice, sealing
from ..consent.clock import Clock, SystemClock
from ..consent.entries import Doubted, Entry, Granted, Revoked
from ..consent.grant import Act, Grant, Surface, checked_keys
from ..consent.purposes import RULES, checked_days
from ..consent.receipt import iso, receipt
from ..errors import ConfigError
from ..events import Purpose, Reason
from ..mute import kept
from ..place import SERVICE
from .person import ask, open_ledger
from .terminal import emit, plain, say, table
from .usage import typed

_EXAMPLES = {
    "grant": "example: wakegate consent grant review --key age1... --days 30    (a device with a button or a screen "
    "asks there, and calls Ledger.grant from Python)",
    "revoke": "example: wakegate consent revoke review    (one step, no question, works without a network)",
    "status": "example: wakegate consent status --json",
    "history": "example: wakegate consent history",
    "receipt": "example: wakegate consent receipt review > receipt.json",
}


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "consent",
        help="opt in to a purpose, take it back, see where each stands",
        description="Nothing is on by default. Each purpose is its own opt-in:\n\n"
        + "\n".join(f"  {purpose:20} {notice.TITLES[purpose]}" for purpose in Purpose),
        epilog="Start with `wakegate consent status`.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    grant = _action(actions, "grant", "opt in: shows a notice and wants a typed yes on the terminal", run_grant)
    _purpose(grant)
    grant.add_argument(
        "--key",
        action="append",
        default=[],
        metavar="AGE1...",
        help="public key of the reviewer who will be able to listen (may be given several times; if not given, the "
        "one in wakegate.toml is offered)",
    )
    grant.add_argument("--days", type=int, metavar="N", help="end after N days (review purposes: 180 at most)")
    _purpose(_action(actions, "revoke", "take a purpose back, at once, and erase what waits for it", run_revoke))
    status = _action(
        actions, "status", "say for each purpose whether it is granted, until when, or why not", run_status
    )
    history = _action(actions, "history", "list every entry of the ledger", run_history)
    for action in (status, history):
        action.add_argument("--json", action="store_true", help="JSON Lines on stdout")
    _purpose(_action(actions, "receipt", "print a grant in the fields of ISO/IEC TS 27560 as JSON", run_receipt))


def run_grant(args: argparse.Namespace, clock: Clock | None = None) -> int:
    """Show the notice, ask, and put a yes on record."""
    purpose: Purpose = args.purpose
    with typed():
        days = checked_days(purpose, args.days)
    keys = _keys(purpose, args.key)
    clock = clock or SystemClock()
    ledger = open_ledger(clock)
    ledger.notices.append(_announce)
    bases = RULES[purpose].leans_on
    if bases and not any(isinstance(answer, Grant) for base, answer in ledger.status().items() if base in bases):
        first = " or ".join(f"`wakegate consent grant {base}`" for base in bases)
        raise ConfigError(f"{purpose} rests on another grant, and none of those holds now: first run {first}")
    shown = notice.text(purpose, keys, days)
    if days is not None and not clock.now().trusted:
        shown += (
            "\n\nThis device's clock is not set by a time server. The grant has an end, so it stays refused until the "
            "clock is set; if the device restarts before that, it must be given again."
        )
    if not ask(shown, f"Type yes to grant {purpose}, anything else to refuse: "):
        say(f"Nothing was granted: the answer was not `yes`. {purpose} stays as it was.")
        return 0
    ledger.grant(purpose, act=Act(Surface.TERMINAL, "typed yes"), keys=keys, days=days)
    answer = ledger.decide(purpose)
    if not isinstance(answer, Grant):
        say(f"For now it is refused all the same: {answer.detail}")
    return 0


def run_revoke(args: argparse.Namespace, clock: Clock | None = None) -> int:
    """Take a purpose back."""
    ledger = open_ledger(clock or SystemClock())
    ledger.revoke(args.purpose)
    place = ledger.place.path
    where = plain(str(place))
    print(f"{args.purpose} is revoked in {where}. Nothing more of it leaves, and nothing of it waits there.")
    if place != SERVICE and SERVICE.exists():
        say(f"A service on this device keeps a consent of its own, in {SERVICE}: to revoke that, run this as its user.")
    return 0


def run_status(args: argparse.Namespace, clock: Clock | None = None) -> int:
    """Say where each purpose stands."""
    ledger = open_ledger(clock or SystemClock())
    answers = ledger.status()
    if args.json:
        for purpose, answer in answers.items():
            emit({"purpose": purpose.value, **_plain(answer)})
        return 0
    rows = []
    for purpose, answer in answers.items():
        if isinstance(answer, Grant):
            until = "until revoked" if answer.expires is None else f"until {iso(answer.expires)}"
            who = "".join(f"\nreviewer {notice.short(key)}" for key in answer.keys)
            rows.append((purpose.value, "granted", f"{until}, given {iso(answer.granted)} ({answer.act.did}){who}"))
        else:
            why = "nobody opted in" if answer.reason is Reason.NO_GRANT else answer.detail
            rows.append((purpose.value, f"refused: {answer.reason}", why))
    table("Consent", ("purpose", "stands", "why, until when, who"), rows)
    print("To opt in: wakegate consent grant PURPOSE. To take it back: wakegate consent revoke PURPOSE.")
    if kept(ledger.place):
        print("Muted by a person: nothing is heard, and so nothing leaves, until `wakegate mute off`.")
    if ledger.trouble:
        say(f"The ledger cannot be trusted: {ledger.trouble}")
    return 0


def run_history(args: argparse.Namespace, clock: Clock | None = None) -> int:
    """List the ledger's entries."""
    ledger = open_ledger(clock or SystemClock())
    entries = ledger.history()
    if args.json:
        for entry in entries:
            emit(
                {"kind": entry.kind, "time": iso(entry.stamp.wall), "clock_trusted": entry.stamp.trusted} | _what(entry)
            )
    else:
        rows = [
            (
                iso(entry.stamp.wall) + ("" if entry.stamp.trusted else " (clock not set)"),
                entry.kind,
                ", ".join(f"{name} {_shown(value)}" for name, value in _what(entry).items() if value not in (None, [])),
            )
            for entry in entries
        ]
        table(f"Ledger {ledger.place.ledger}", ("time", "entry", "what"), rows)
    if ledger.trouble:
        say(f"The ledger cannot be trusted: {ledger.trouble}")
        return 1
    return 0


def run_receipt(args: argparse.Namespace, clock: Clock | None = None) -> int:
    """Print the receipt of a grant."""
    clock = clock or SystemClock()
    answer = open_ledger(clock).status()[args.purpose]
    if not isinstance(answer, Grant):
        raise ConfigError(f"there is no grant to give a receipt for: {answer.detail}")
    print(json.dumps(receipt(answer, clock.now().wall), indent=2))
    return 0


def _action(actions: Any, name: str, text: str, run: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(
        name, help=text, description=f"{text[0].upper()}{text[1:]}.", epilog=_EXAMPLES[name]
    )
    parser.set_defaults(run=run)
    return parser


def _purpose(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("purpose", type=_known, metavar="PURPOSE", help=", ".join(Purpose))


def _known(text: str) -> Purpose:
    try:
        return Purpose(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no purpose: choose one of {', '.join(Purpose)}") from None


def _keys(purpose: Purpose, given: Sequence[str]) -> tuple[str, ...]:
    """Return the reviewers' keys, checked; UsageError where those on the command line will not do, or are missing."""
    keys = given or _offered(purpose)
    if keys and sealing.tool() is None:  # no fault of the keys
        return checked_keys(purpose, keys)
    with typed():
        return checked_keys(purpose, keys)


def _offered(purpose: Purpose) -> list[str]:
    """Return the reviewer's key of wakegate.toml where the purpose takes one: shown, and granted only by the yes."""
    if not RULES[purpose].needs_keys:
        return []
    from .. import config

    settings = config.read()
    if settings.reviewer_key is None:
        return []
    say(f"No --key was given: the reviewer key of {settings.path} is offered.")
    return [settings.reviewer_key]


def _announce(grant: Grant) -> None:
    until = "until you revoke it" if grant.expires is None else f"until {iso(grant.expires)}"
    print(f"{grant.purpose} is granted {until}. To take it back: wakegate consent revoke {grant.purpose}")


def _plain(answer: Any) -> dict[str, object]:
    if isinstance(answer, Grant):
        return {
            "granted": True,
            "since": iso(answer.granted),
            "until": None if answer.expires is None else iso(answer.expires),
            "keys": list(answer.keys),
            "act": answer.act.did,
        }
    return {"granted": False, "reason": answer.reason.value, "detail": answer.detail}


def _what(entry: Entry) -> dict[str, object]:
    match entry:
        case Granted():
            return {
                "purpose": entry.purpose.value,
                "days": entry.days,
                "keys": list(entry.keys),
                "surface": entry.act.surface.value,
                "did": entry.act.did,
            }
        case Revoked():
            return {"purpose": entry.purpose.value}
        case Doubted():
            return {"reason": entry.reason.value, "kept": entry.kept}
    return {}


def _shown(value: object) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return " ".join(notice.short(str(key)) for key in value)
    return str(value)
