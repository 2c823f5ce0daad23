"""`wakegate journal`: what happened, what it adds up to, and a person's word on a wake.

Owns the printing of the journal. Reading works beside a listener; only ``label`` and ``mend`` write.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import datetime
from typing import TYPE_CHECKING

from ..errors import JournalError
from ..events import Cause, Verdict
from ..place import Place
from .terminal import emit, plain, say, table

if TYPE_CHECKING:
    from ..journal import Entry, Report, WordRates

FOLLOW_S = 0.5
_DOUBT = " (a ? behind a time: the clock was not known to be right)"
_QUIET = frozenset({"exposure", "ledger", "carried", "clips"})


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "journal",
        help="what happened: wakes, refusals, releases, false accepts per hour",
        description="Show and label what this device recorded. The journal holds numbers and words, never audio.",
        epilog="example: wakegate journal tail, then wakegate journal label 3f9a false-accept --cause tv",
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    _add_showing(actions)
    label = _action(actions, "label", "say whether a wake was meant", _label, "label 3f9a false-accept --cause tv")
    label.add_argument(
        "id", metavar="ID", help="event id of the wake, or its first characters (see `wakegate journal tail`)"
    )
    label.add_argument("verdict", choices=[verdict.value for verdict in Verdict], help="true: somebody called it")
    label.add_argument("--cause", choices=[cause.value for cause in Cause], help="what made a false accept")
    report = _action(actions, "report", "false accepts per hour of each word, with exact intervals", _report, "report")
    report.add_argument("--json", action="store_true", help="JSON Lines instead of tables")
    export = _action(
        actions, "export", "the journal for others: times to the hour, ids made anew", _export, "export --format csv"
    )
    export.add_argument("--format", choices=["csv", "jsonl"], default="jsonl", help="how (default: %(default)s)")
    verify = _action(actions, "verify", "check that every line is there and unchanged", _verify, "verify")
    verify.add_argument("--json", action="store_true", help="JSON instead of words")
    _action(actions, "mend", "set a damaged journal aside and begin a new one that says so", _mend, "mend")


def run(args: argparse.Namespace) -> int:
    """Run the chosen action."""
    action: Callable[[argparse.Namespace], int] = args.action
    return action(args)


def _add_showing(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    tail = _action(actions, "tail", f"the newest lines{_DOUBT}", _tail, "tail -n 50 --follow")
    tail.add_argument("-n", type=int, default=20, metavar="N", help="how many (default: %(default)s)")
    tail.add_argument("--follow", action="store_true", help="go on as lines are written, until Ctrl-C")
    tail.add_argument(
        "--all",
        action="store_true",
        help="show bookkeeping too: exposure, ledger entries, reviews refused because nobody opted in",
    )
    tail.add_argument("--json", action="store_true", help="JSON Lines of every line instead of words")
    show = _action(actions, "show", f"everything about one wake{_DOUBT}", _show, "show 3f9a")
    show.add_argument("id", metavar="ID", help="event id of the wake, or its first characters")
    show.add_argument("--json", action="store_true", help="JSON Lines instead of words")


def _action(
    actions: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    purpose: str,
    run_action: Callable[[argparse.Namespace], int],
    example: str,
) -> argparse.ArgumentParser:
    text = purpose[0].upper() + purpose[1:] + "."
    parser = actions.add_parser(name, help=purpose, description=text, epilog=f"example: wakegate journal {example}")
    parser.set_defaults(run=run, action=run_action)
    return parser


def _tail(args: argparse.Namespace) -> int:
    from collections import deque

    from ..journal import follow, read

    if args.n < 0:
        raise JournalError(f"-n counts lines, got {args.n}: give 0 or more")
    place = Place.fixed()

    def wanted(entries: "Iterator[Entry]") -> "Iterator[Entry]":
        return (one for one in entries if args.json or args.all or one.kind not in _QUIET)

    last = 0

    def counted(entries: "Iterator[Entry]") -> "Iterator[Entry]":
        nonlocal last
        for entry in entries:
            last = max(last, entry.seq)
            yield entry

    newest = deque(wanted(counted(read(place))), maxlen=min(args.n, sys.maxsize))
    if not newest and not args.follow:
        say(f"nothing is on record in {place.journal}")
    for entry in newest:
        _print(entry, args.json)
    with suppress(KeyboardInterrupt):  # how following ends
        for entry in wanted(follow(place, last, lambda: time.sleep(FOLLOW_S))) if args.follow else ():
            _print(entry, args.json)
    return 0


def _show(args: argparse.Namespace) -> int:
    from ..journal import read

    entries = list(read(Place.fixed()))
    wake = _full_id(args.id, entries)
    for entry in entries:
        if entry.text("id") == wake:
            _print(entry, args.json)
    return 0


def _label(args: argparse.Namespace) -> int:
    from ..consent.clock import SystemClock
    from ..journal import Journal, read

    place = Place.fixed()
    wake = _full_id(args.id, list(read(place)))
    cause = Cause(args.cause) if args.cause else None
    Journal.open(place, SystemClock()).label(wake, Verdict(args.verdict), cause)
    say(f"wake {wake} is labelled {args.verdict}{f' ({args.cause})' if args.cause else ''}")
    return 0


def _full_id(start: str, entries: "list[Entry]") -> str:
    """Return the one wake whose id begins so."""
    found = [entry.text("id") for entry in entries if entry.kind == "wake" and entry.text("id").startswith(start)]
    if start in found:
        return start
    if len(found) != 1 or not start:
        count = "no wake on record begins" if not found else f"{len(found)} wakes on record begin"
        raise JournalError(f"{count} with {start!r}: `wakegate journal tail` shows the ids")
    return found[0]


def _verify(args: argparse.Namespace) -> int:
    from ..journal import verify

    place = Place.fixed()
    checked = verify(place)
    if args.json:
        emit(asdict(checked))
    elif not checked.files:
        say(f"nothing is on record in {place.journal}")
    else:
        print(f"{place.journal}: {checked.lines} lines (files: {checked.files}) are whole and linked")
        print(f"head: line {checked.seq}, {checked.hash}")
    return 0


def _export(args: argparse.Namespace) -> int:
    from ..journal import Format, export, read

    count = export(read(Place.fixed()), sys.stdout, Format(args.format))
    say(f"{count} lines exported: times to the hour, ids made anew for this export")
    return 0


def _mend(args: argparse.Namespace) -> int:
    from ..consent.clock import SystemClock
    from ..journal import mend

    moved = mend(Place.fixed(), SystemClock())
    if not moved:
        say("nothing is damaged: nothing was changed")
    for path in moved:
        say(f"moved aside: {path}")
    if moved:
        say("a new journal has begun. Daily caps count as reached for 24 hours: nobody knows what was released.")
    return 0


def _print(entry: "Entry", as_json: bool) -> None:
    from ..sentences import sentence

    if as_json:
        head = {"seq": entry.seq, "wall": entry.wall, "trusted": entry.trusted, "boot": entry.boot, "kind": entry.kind}
        emit({**head, **entry.values})
        return
    doubt = "" if entry.trusted else "?"
    wake = entry.text("id")
    told = plain(sentence(entry.kind, entry.values))
    print(f"{_local(entry.wall)}{doubt}  {wake + '  ' if wake else ''}{told}", flush=True)


def _local(wall: float) -> str:
    return datetime.fromtimestamp(wall).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _report(args: argparse.Namespace) -> int:
    from ..journal import read, report

    found = report(read(Place.fixed()))
    if args.json:
        _emit_report(found)
        return 0
    if found.since is None or found.until is None:
        say("nothing is on record yet: `wakegate listen` begins a journal")
        return 0
    several = len({word.model for word in found.words}) > 1
    words = [replace(one, word=f"{one.word} ({one.model})") if several else one for one in found.words]
    print(f"From {_local(found.since)} to {_local(found.until)}. Gaps in the sound: {found.gaps}.")
    table("Wakes", ("word", "hours", "wakes", "true", "false", "unlabelled", "near misses"), map(_wakes, words))
    table("False accepts per hour", ("word", "labelled", "95 % interval", "at worst"), map(_rates, words))
    print("At worst: the interval's upper end if every unlabelled wake was a false accept.")
    rows = ((one.purpose, one.opened, one.released, one.aborted, f"{one.seconds:.1f}") for one in found.purposes)
    if found.purposes:
        table("Released", ("purpose", "begun", "complete", "ended early", "seconds"), rows)
    else:
        print("Nothing was released.")
    if found.refusals:
        table("Refused", ("reason", "times"), found.refusals)
    return 0


def _wakes(one: "WordRates") -> tuple[object, ...]:
    unlabelled = f"{one.unlabelled}, {one.suspected} suspected" if one.suspected else one.unlabelled
    return one.word, f"{one.hours:.2f}", one.wakes, one.true, one.false_accepts, unlabelled, one.near_misses


def _rates(one: "WordRates") -> tuple[object, ...]:
    interval, worst = one.interval(), one.worst()
    if interval is None or worst is None:
        return one.word, "no hours", "", ""
    return one.word, _rate(one.per_hour or 0), f"{_rate(interval[0])} to {_rate(interval[1])}", _rate(worst)


def _rate(per_hour: float) -> str:
    """Three digits, and never an exponent: a short record has wide intervals."""
    return f"{per_hour:.3g}" if per_hour < 1000 else f"{per_hour:.0f}"


def _emit_report(found: "Report") -> None:
    emit({"part": "journal", "since": found.since, "until": found.until, "gaps": found.gaps})
    for word in found.words:
        interval = {"per_hour": word.per_hour, "interval": word.interval(), "confidence": 0.95, "worst": word.worst()}
        emit({"part": "word", **asdict(word), **interval})
    for purpose in found.purposes:
        emit({"part": "purpose", **asdict(purpose)})
    for reason, count in found.refusals:
        emit({"part": "refusal", "reason": reason, "count": count})
