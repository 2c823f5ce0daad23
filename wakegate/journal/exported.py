"""An export read back: one device's counts and hours, as its own report would give them.

Owns the reading of what :mod:`wakegate.journal.export` writes, and whether two files may stem from one device. Must
never skip or mend a line: what is damaged, or no export, refuses the file.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import UnionType

from ..errors import JournalError
from ..events import SAMPLE_RATE, Verdict
from .lines import Entry
from .report import WordRates, report

RUN = 4
"""Scored events in a row that two devices never have alike: word and score to three digits, in the same hour."""
_HOUR = re.compile(r"\d{4}-\d\d-\d\dT\d\d:00Z")
_TEXTS = {
    "started": ("model_sha256",),
    "exposure": ("words", "model_sha256"),
    "wake": ("id", "word"),
    "near_miss": ("word",),
    "suspected": ("id",),
    "label": ("id", "verdict"),
    "carried": ("word",),
}
_CARRIED = ("wakes", "true", "false_accepts", "suspected", "near_misses")
_SECONDS = ("exposure", "carried")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What one file says.

    Parameters
    ----------
    path : Path
        The file.
    words : tuple of WordRates
        By word, then by model, as :func:`wakegate.journal.report` counts them.
    digest : str
        Hash of its lines without the ids, which are new in each export.
    runs : frozenset of tuple
        Every :data:`RUN` scored events in a row.
    """

    path: Path
    words: tuple[WordRates, ...]
    digest: str
    runs: frozenset[tuple[str, ...]]


def read_export(path: Path) -> Exported:
    """Read a file of ``wakegate journal export --format jsonl``.

    Raises
    ------
    JournalError
        For what cannot be read, a line that is damaged or not of an export, and a file without any.
    """
    entries, scored, digest = [], [], hashlib.sha256()
    try:
        with path.open(encoding="utf-8", newline="\n") as file:
            for number, line in enumerate(file, 1):
                row = _row(f"{path}, line {number}", line)
                entries.append(_entry(f"{path}, line {number}", number, row))
                told = json.dumps({name: value for name, value in row.items() if name != "id"}, sort_keys=True)
                digest.update(told.encode())
                if "score" in row:
                    scored.append(told)
    except OSError as error:
        raise JournalError(f"{path} cannot be read ({error.strerror}): check the name") from error
    except UnicodeDecodeError as error:
        raise JournalError(f"{path} is no text: give what `wakegate journal export` wrote") from error
    if not entries:
        raise JournalError(f"{path} is empty: leave it out, or export again with `wakegate journal export`")
    runs = frozenset(tuple(scored[at : at + RUN]) for at in range(len(scored) - RUN + 1))
    return Exported(path=path, words=report(entries).words, digest=digest.hexdigest(), runs=runs)


def _row(where: str, line: str) -> Mapping[str, object]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        if line.startswith("hour,kind"):
            raise JournalError(f"{where}: this is CSV: export with `wakegate journal export --format jsonl`") from error
        raise JournalError(f"{where} is damaged (no JSON): copy or export the file again") from error
    if isinstance(row, dict) and ("wall" in row or "schema" in row or "hash" in row):
        raise JournalError(
            f"{where}: this is a journal itself, with exact times, and should not leave its device: give what "
            "`wakegate journal export` writes there"
        )
    if not isinstance(row, dict) or not isinstance(row.get("kind"), str) or not _HOUR.fullmatch(str(row.get("hour"))):
        raise JournalError(f"{where} is no line of an export (no hour and kind): copy or export the file again")
    return row


def _entry(where: str, number: int, row: Mapping[str, object]) -> Entry:
    """Return the journal's line that a row was made from, as far as counting goes."""
    kind = str(row["kind"])
    wrong = [name for name in _TEXTS.get(kind, ()) if not isinstance(row.get(name), str)]
    wrong += ["seconds"] if kind in _SECONDS and not _is_size(row.get("seconds"), int | float) else []
    counts = (*(_CARRIED if kind == "carried" else ()), *(("count",) if "count" in row else ()))
    wrong += [name for name in counts if not _is_size(row.get(name), int)]
    if kind == "label" and row.get("verdict") not in list(Verdict):
        wrong.append("verdict")
    try:
        wall = datetime.fromisoformat(str(row["hour"])).timestamp()
    except ValueError:
        wrong.append("hour")
    if wrong:
        raise JournalError(f"{where} is damaged ({kind} without a right {wrong[0]}): copy or export the file again")
    values = dict(row)
    samples = round(float(str(row["seconds"])) * SAMPLE_RATE) if kind in _SECONDS else 0
    if kind == "exposure":
        values |= {"samples": samples, "words": str(row["words"]).split(";")}
    elif kind == "carried":
        model = str(row.get("model_sha256", ""))
        counts_of = [row[name] for name in _CARRIED]
        values = {"words": [[row["word"], model, samples, *counts_of]], "model": model}
    elif "count" in row:
        values |= {"of": kind, "what": row.get("word", row.get("reason", ""))}
        kind = "coalesced"
    return Entry(number, "", wall, True, "", kind, values)


def _is_size(value: object, kind: UnionType | type) -> bool:
    """Whether a value can be a count or a duration."""
    return isinstance(value, kind) and not isinstance(value, bool) and 0 <= value < 1e12  # type: ignore[operator]
