"""The journal for others: times coarsened to the hour, event ids made anew for each export.

Owns which fields may leave. What rotation added up leaves too, a line a word, so that an export gives the same rates as
the journal itself. Never: audio (the journal has none), boot ids, exact times or sample indices, the names of
sources and clips, grants, when somebody muted the device, details written for this device's owner.
"""

import csv
import json
import secrets
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from enum import StrEnum
from typing import TextIO

from ..events import SAMPLE_RATE
from .lines import Entry
from .tally import Tally

COLUMNS = (
    "hour", "kind", "id", "word", "words", "score", "threshold", "purpose", "reason", "verdict", "cause", "seconds",
    "count", "model_sha256", "wakes", "true", "false_accepts", "suspected",
    "near_misses",
)  # fmt: skip
"""The fields of an exported line, in order; one that does not apply is empty (csv) or absent (jsonl)."""

_COPIED = ("word", "purpose", "reason", "verdict", "cause", "count", "model_sha256")
_LEFT_OUT = frozenset({"ledger", "mended", "clips", "muted", "unmuted"})


class Format(StrEnum):
    """How an export is written."""

    CSV = "csv"
    JSONL = "jsonl"


def export(entries: Iterable[Entry], out: TextIO, form: Format) -> int:
    """Write entries for others and return how many lines that were.

    Parameters
    ----------
    entries : iterable of Entry
        Oldest first.
    out : text stream
        Where to.
    form : Format
        CSV with a header, or JSON Lines.
    """
    count = 0
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    if form is Format.CSV:
        writer.writeheader()
    for row in rows(entries):
        if form is Format.CSV:
            writer.writerow(row)
        else:
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
        count += 1
    return count


def rows(entries: Iterable[Entry]) -> Iterator[dict[str, object]]:
    """Yield the exported form of each entry that others may have."""
    ids: dict[str, str] = {}
    for entry in entries:
        if entry.kind in _LEFT_OUT or entry.text("of") in _LEFT_OUT:
            continue
        if entry.kind == "carried":
            yield from _carried(entry)
            continue
        row: dict[str, object] = {"hour": _hour(entry.wall), "kind": entry.kind}
        if wake := entry.text("id"):
            row["id"] = ids.setdefault(wake, secrets.token_hex(8))
        row |= {name: entry.values[name] for name in _COPIED if name in entry.values}
        for name in ("score", "threshold"):
            value = entry.values.get(name)
            if isinstance(value, int | float):
                row[name] = round(value, 3)
        if entry.words():
            row["words"] = ";".join(entry.words())
        if entry.kind == "coalesced":
            row |= {
                "kind": entry.text("of"),
                "word" if entry.text("of") == "near_miss" else "reason": entry.text("what"),
            }
        if (seconds := _seconds(entry)) is not None:
            row["seconds"] = seconds
        yield {name: row[name] for name in COLUMNS if name in row}


def _carried(entry: Entry) -> Iterator[dict[str, object]]:
    """Yield a row a word of the totals that stand for lines which are gone; the model that went on listening last."""
    tally = Tally()
    tally.add(entry)
    for (word, model), n in sorted(tally.words.items(), key=lambda item: (item[0][1] == tally.model, item[0])):
        row: dict[str, object] = {"hour": _hour(entry.wall), "kind": "carried", "word": word, "model_sha256": model}
        row |= {"seconds": round(n["samples"] / SAMPLE_RATE, 2), "wakes": n["wakes"], "true": n["true"]}
        yield {**row, "false_accepts": n["false"], "suspected": n["suspected"], "near_misses": n["near"]}


def _hour(wall: float) -> str:
    return datetime.fromtimestamp(wall, UTC).strftime("%Y-%m-%dT%H:00Z")


def _seconds(entry: Entry) -> float | None:
    """Return how long the entry lasted, where it lasted."""
    for name in ("samples", "sent", "lost"):
        if name in entry.values:
            return round(entry.number(name) / SAMPLE_RATE, 2)
    if "start" in entry.values:
        return round((entry.number("end") - entry.number("start")) / SAMPLE_RATE, 2)
    return None
