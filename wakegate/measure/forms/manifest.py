"""Manifest: a corpus as one list, in JSON Lines (one recording a line) or CSV (one event a line).

Owns both formats, and finding out which form a list has; ``nemo`` and ``cuts`` own the forms of others. Ours say the
same with the same names: ``audio`` (a path, from the manifest's folder), ``offset_s`` and ``duration_s`` (the stretch
that counts; the whole file if not given), ``word``, ``start_s`` and ``end_s`` of each event in seconds from that
stretch's start, ``speaker`` and ``condition``. Other names are left alone. Never opens the sound.
"""

import csv
import gzip
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from ...errors import ConfigError
from ..recording import Label
from . import cuts, labels, nemo
from .entry import Entry, field

SUFFIXES = (".jsonl", ".json", ".csv", ".jsonl.gz")
COLUMNS = ("audio", "word", "start_s", "end_s")
EXAMPLE = '{"audio": "a.wav", "events": [{"word": "alexa", "start_s": 1.0, "end_s": 1.7}]}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What is listed; ``notes`` is what a reader should know of how it was read."""

    entries: tuple[Entry, ...]
    notes: tuple[str, ...] = ()


def read(path: Path, words: Collection[str] | None = None) -> Manifest:
    """Read a manifest: CSV by its suffix, and of JSON Lines ours, NeMo's or Lhotse's by the names in its first line.

    Parameters
    ----------
    path : Path
        The list.
    words : collection of str, optional
        The wake words that count in transcripts; None where an engine does not say which it knows.

    Raises
    ------
    ConfigError
        If it cannot be read, or a line of it.
    """
    if path.suffix.lower() == ".csv":
        return Manifest(entries=tuple(_csv(path)))
    first = _first(path)
    if "supervisions" in first or str(first.get("type")).endswith("Cut"):
        return Manifest(entries=tuple(cuts.entries(path, words)), notes=(cuts.NOTE,))
    if "sources" in first or "recording_id" in first:
        raise ConfigError(f"{path} is Lhotse's, but no cuts: join recordings and supervisions, `lhotse cut simple`")
    if path.suffix.lower() == ".gz":
        raise ConfigError(f"{path} holds no Lhotse cuts, and nothing else is read packed: unpack it with gunzip")
    lines = _objects(path)
    if any(name in first for name in nemo.SOUND):
        read_line = partial(nemo.entry, words=words)
        notes = tuple(nemo.notes([raw for _, raw in lines], words))
        return Manifest(entries=tuple(_read(path.parent, lines, read_line, nemo.EXAMPLE)), notes=notes)
    return Manifest(entries=tuple(_read(path.parent, lines, _entry, EXAMPLE)))


def _first(path: Path) -> Mapping[str, object]:
    """Return the first object of JSON Lines, packed or not; an empty one if it is none."""
    packed = path.suffix.lower() == ".gz"
    try:
        with gzip.open(path) if packed else path.open("rb") as file:
            raw = json.loads(next((line for line in file if line.strip()), b"").decode("utf-8-sig"))
    except (OSError, EOFError) as error:
        raise ConfigError(f"{path} cannot be read: {error}: mend its permissions, or copy it again") from error
    except (ValueError, RecursionError):
        return {}  # whoever reads it to the end says what is wrong with it
    return raw if isinstance(raw, dict) else {}


def _objects(path: Path) -> Sequence[tuple[str, Mapping[str, object]]]:
    """Return where and what each line is."""
    found = []
    for number, line in labels.lines(path):
        where = f"{path}, line {number}"
        try:
            raw = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise ConfigError(f'{where} is not JSON: one object a line, {{"audio": ..., "events": [...]}}') from error
        if not isinstance(raw, dict):
            raise ConfigError(f"{where} is wrong at {line[:40]!r}: one object a line, {EXAMPLE}")
        found.append((where, raw))
    return found


def _read(
    folder: Path,
    lines: Sequence[tuple[str, Mapping[str, object]]],
    read_line: Callable[[str, Path, Mapping[str, object]], Entry],
    example: str,
) -> Iterator[Entry]:
    for where, raw in lines:
        try:
            yield read_line(where, folder, raw)
        except (TypeError, KeyError, AttributeError) as error:
            raise ConfigError(f"{where} is wrong at {error}: {example}") from error
        except ConfigError as error:
            raise ConfigError(f"{where}: {error}") from error


def _entry(where: str, folder: Path, raw: Mapping[str, object]) -> Entry:
    speaker = field(str, "speaker", raw, "")
    events = field(list, "events", raw, [])
    return Entry(
        where=where,
        audio=folder / field(str, "audio", raw),
        offset_s=field(float, "offset_s", raw, 0.0),
        duration_s=field(float, "duration_s", raw) if raw.get("duration_s") is not None else None,
        labels=tuple(
            Label(
                word=field(str, "word", event),
                start_s=field(float, "start_s", event),
                end_s=field(float, "end_s", event),
                speaker=field(str, "speaker", event, speaker),
            )
            for event in events
        ),
        condition=field(str, "condition", raw, ""),
    )


def _csv(path: Path) -> Iterator[Entry]:
    """Yield recordings in the order of their first rows; rows of one stretch belong together wherever they stand."""
    found: dict[tuple[Path, float, float | None], Entry] = {}
    rows = csv.DictReader((line for _, line in labels.lines(path)), strict=True)
    try:
        absent = set(COLUMNS) - set(rows.fieldnames or ())
        if absent:
            raise ConfigError(
                f"{path} has no column {', '.join(sorted(absent))}: its first line names "
                f"{', '.join(rows.fieldnames or ()) or 'none'}. Rename the columns that are meant, or add them: "
                f"{','.join(COLUMNS)} are needed. A file without a wake word has a row with the last three empty: "
                f"a.wav,,,"
            )
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
