"""Manifest: a corpus as one list, in JSON Lines (one recording a line) or CSV (one event a line).

Owns both formats. They say the same with the same names: ``audio`` (a path, from the manifest's folder), ``offset_s``
and ``duration_s`` (the stretch that counts; the whole file if not given), ``word``, ``start_s`` and ``end_s`` of each
event in seconds from that stretch's start, ``speaker`` and ``condition``. Other names are left alone. Never opens the
sound.
"""

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from ..errors import ConfigError
from . import labels
from .recording import Label

T = TypeVar("T")
SUFFIXES = (".jsonl", ".json", ".csv")
COLUMNS = ("audio", "word", "start_s", "end_s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One recording as listed; ``where`` is the line that lists it, ``duration_s`` None up to the end of the file."""

    where: str
    audio: Path
    offset_s: float
    duration_s: float | None
    labels: tuple[Label, ...]
    condition: str


def read(path: Path) -> tuple[Entry, ...]:
    """Read a manifest by its suffix.

    Raises
    ------
    ConfigError
        If it cannot be read, or a line of it.
    """
    return tuple(_csv(path) if path.suffix.lower() == ".csv" else _json_lines(path))


def _json_lines(path: Path) -> Iterator[Entry]:
    for number, line in labels.lines(path):
        where = f"{path}, line {number}"
        try:
            raw = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise ConfigError(f'{where} is not JSON: one object a line, {{"audio": ..., "events": [...]}}') from error
        try:
            yield _entry(where, path.parent, raw)
        except (TypeError, KeyError, AttributeError) as error:
            raise ConfigError(
                f'{where} is wrong at {error}: {{"audio": "a.wav", "events": [{{"word": "alexa", "start_s": 1.0, '
                f'"end_s": 1.7}}]}}'
            ) from error
        except ConfigError as error:
            raise ConfigError(f"{where}: {error}") from error


def _entry(where: str, folder: Path, raw: Mapping[str, object]) -> Entry:
    speaker = _get(str, "speaker", raw, "")
    events = _get(list, "events", raw, [])
    return Entry(
        where=where,
        audio=folder / _get(str, "audio", raw),
        offset_s=_get(float, "offset_s", raw, 0.0),
        duration_s=_get(float, "duration_s", raw) if raw.get("duration_s") is not None else None,
        labels=tuple(
            Label(
                word=_get(str, "word", event),
                start_s=_get(float, "start_s", event),
                end_s=_get(float, "end_s", event),
                speaker=_get(str, "speaker", event, speaker),
            )
            for event in events
        ),
        condition=_get(str, "condition", raw, ""),
    )


def _get(kind: type[T], key: str, source: Mapping[str, object], otherwise: T | None = None) -> T:
    """Return a field of exactly this kind, or what is meant where it is not given."""
    value = source.get(key)
    if value is None and otherwise is not None:
        return otherwise
    if kind is float and type(value) is int:
        value = float(value)
    if type(value) is not kind:
        raise TypeError(f"{key!r} ({value!r} should be {kind.__name__})")
    return value


def _csv(path: Path) -> Iterator[Entry]:
    """Yield recordings in the order of their first rows; rows of one stretch belong together wherever they stand."""
    found: dict[tuple[Path, float, float | None], Entry] = {}
    rows = csv.DictReader((line for _, line in labels.lines(path)), strict=True)
    try:
        absent = set(COLUMNS) - set(rows.fieldnames or ())
        if absent:
            raise ConfigError(f"{path} has no column {', '.join(sorted(absent))}: the first line names the columns")
        for number, row in enumerate(rows, 2):
            entry = _row(f"{path}, row {number}", path.parent, row)
            before = found.setdefault((entry.audio, entry.offset_s, entry.duration_s), replace(entry, labels=()))
            if before.condition != entry.condition:
                raise ConfigError(
                    f"{entry.where}: condition {entry.condition!r}, and {before.condition!r} in {before.where} for the "
                    f"same sound: a recording has one condition"
                )
            key = (entry.audio, entry.offset_s, entry.duration_s)
            found[key] = replace(before, labels=(*before.labels, *entry.labels))
    except csv.Error as error:
        raise ConfigError(f"{path} is not CSV ({error}): save it with commas and double quotes") from error
    yield from found.values()


def _row(where: str, folder: Path, row: Mapping[str, str | None]) -> Entry:
    """Read one row; a row without a word lists a recording with nothing said in it."""

    def seconds(key: str) -> float | None:
        text = (row.get(key) or "").strip()
        try:
            return float(text) if text else None
        except ValueError as error:
            raise ConfigError(f"{where}: {key} is {text!r}: give seconds with a decimal point") from error

    word, start_s, end_s = (row["word"] or "").strip(), seconds("start_s"), seconds("end_s")
    if not row["audio"]:
        raise ConfigError(f"{where} names no sound: give `audio`, a path from the manifest's folder")
    if bool(word) != (start_s is not None) or bool(word) != (end_s is not None):
        raise ConfigError(f"{where}: give word, start_s and end_s, or leave all three empty where nothing is said")
    said: tuple[Label, ...] = ()
    if start_s is not None and end_s is not None:
        try:
            said = (Label(word=word, start_s=start_s, end_s=end_s, speaker=row.get("speaker") or ""),)
        except ConfigError as error:
            raise ConfigError(f"{where}: {error}") from error
    return Entry(
        where=where,
        audio=folder / row["audio"],
        offset_s=seconds("offset_s") or 0.0,
        duration_s=seconds("duration_s"),
        labels=said,
        condition=row.get("condition") or "",
    )
