"""``wakegate measure merge``: the counts and hours of many devices as one, without their sound."""

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UsageError
from . import terminal

if TYPE_CHECKING:
    from ..journal.merge import Pooled
    from ..journal.report import WordRates

_DESCRIPTION = """\
Pool what `wakegate journal export --format jsonl` wrote on several devices: wakes, labels and hours, by word and model.
No sound moves, and an export names no device. A file must be one device's export, and no two may hold the same hours:
what can be seen to overlap is refused, but exports in which hardly anything was heard cannot be told apart."""


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser(
        "measure merge",
        help="pool the journals of many devices: counts and hours, no sound",
        description=_DESCRIPTION,
        epilog="example: wakegate measure merge kitchen.jsonl office.jsonl lab.jsonl",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("exports", nargs="+", type=Path, metavar="DEVICE.jsonl", help="one export a device")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of what is drawn (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="JSON Lines instead of tables")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Read, pool and print."""
    from ..journal.merge import merge

    if args.seed < 0:
        raise UsageError(f"--seed is {args.seed}: give a whole number, 0 or above")
    pooled = merge(args.exports, args.seed)
    if args.json:
        for one in pooled:
            _emit(one)
        return 0
    if not pooled:
        terminal.say("these exports name no word: nothing was listened for")
        return 0
    terminal.table(
        f"{len(args.exports)} devices, 95 % intervals",
        (
            "word",
            "model",
            "devices",
            "hours",
            "wakes",
            "unlabelled",
            "false",
            "an hour",
            "at worst, an hour",
            "by device",
        ),
        map(_cells, pooled),
        ("unlabelled", "model", "at worst, an hour"),
    )
    print(
        "at worst: the upper end if every unlabelled wake was a false accept; by device: if other devices had listened"
    )
    _tell(pooled)
    return 0


def _cells(one: "Pooled") -> tuple[object, ...]:
    total = one.total
    interval, worst = total.interval(), total.worst()
    known = interval is not None and worst is not None
    return (
        total.word, total.model or "unknown", len(one.devices), f"{total.hours:.2f}", total.wakes, total.unlabelled,
        total.false_accepts,
        f"{_rate(total.per_hour or 0)} ({_span(interval)})" if known and interval else "no hours",
        _rate(worst) if worst is not None else "",
        "under 5" if one.by_device is None else _span(one.by_device) if total.false_accepts else "-",
    )  # fmt: skip


def _tell(pooled: "Sequence[Pooled]") -> None:
    """Say where one rate for all devices is hardly believable."""
    for one in pooled:
        if one.spread is None or not one.spread.differ:
            continue
        rates = sorted((device.per_hour, str(path)) for path, device in one.devices if device.per_hour is not None)
        remedy = "read the one by device" if one.by_device else "it takes 5 devices or more for one that minds it"
        terminal.say(
            f"note: {one.total.word}: the devices differ more than chance allows (p {one.spread.p:.2g}, dispersion "
            f"{one.spread.index:.2g}), from {_rate(rates[0][0] or 0)} an hour ({rates[0][1]}) to "
            f"{_rate(rates[-1][0] or 0)} ({rates[-1][1]}): the pooled interval is too narrow, {remedy}"
        )
    if any(one.total.unlabelled for one in pooled):
        terminal.say(
            "note: wakes without a label are in no rate but `at worst`; `wakegate journal label` gives them one"
        )


def _emit(one: "Pooled") -> None:
    total = one.total
    terminal.emit(
        {
            "kind": "word", **_plain(total), "confidence": 0.95, "interval_by_device": one.by_device,
            "dispersion": None if one.spread is None else one.spread.index,
            "equal_rates_p": None if one.spread is None else one.spread.p,
            "devices": [{"file": str(path), **_plain(device)} for path, device in one.devices],
        }
    )  # fmt: skip


def _plain(one: "WordRates") -> dict[str, object]:
    return {**asdict(one), "per_hour": one.per_hour, "interval": one.interval(), "worst": one.worst()}


def _span(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else f"{_rate(interval[0])}-{_rate(interval[1])}"


def _rate(per_hour: float) -> str:
    from ..measure.rounding import figure

    return figure(per_hour)
