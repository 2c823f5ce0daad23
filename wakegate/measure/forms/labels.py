"""Labels beside a sound file: an Audacity label track (NAME.txt) or RTTM (NAME.rttm).

Owns the two text formats. Never guesses: a line that is not of its format names itself and what it should look like.
"""

from collections.abc import Iterator
from pathlib import Path

from ...errors import ConfigError
from ..recording import Label

NONE = "<NA>"


def read(path: Path) -> tuple[Label, ...]:
    """Read a label file by its suffix.

    Raises
    ------
    ConfigError
        If it cannot be read, or a line of it.
    """
    parse = _rttm if path.suffix.lower() == ".rttm" else _audacity
    return tuple(label for line in lines(path) for label in parse(path, *line))


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield number and text of every line that is not blank; ConfigError if the file cannot be read."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text: save it as UTF-8") from error
    yield from ((number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip())


def _audacity(path: Path, number: int, line: str) -> Iterator[Label]:
    r"""Yield the label of ``start TAB end TAB word``; a line that begins with ``\`` is the band of the one above."""
    if line.startswith("\\"):
        return
    fields = line.split("\t")
    if len(fields) != 3:
        raise ConfigError(
            f"{path}, line {number}: {line!r} is not `start TAB end TAB word` (seconds): export labels from Audacity, "
            f"or move the file away if it holds no labels"
        )
    start, end = _seconds(path, number, fields[0]), _seconds(path, number, fields[1])
    yield _label(path, number, fields[2], start, end)


def _rttm(path: Path, number: int, line: str) -> Iterator[Label]:
    """Yield what is said on a line ``TYPE file channel start duration word <NA> speaker ...``.

    The word is the sixth field, or the eighth where the sixth is <NA> (SPEAKER lines); NOSCORE excludes a region.
    """
    fields = line.split()
    if line.startswith(";;") or fields[0] == "SPKR-INFO":
        return
    if fields[0] not in ("SPEAKER", "LEXEME", "NOSCORE") or len(fields) < 8:
        raise ConfigError(
            f"{path}, line {number}: {line!r} is not RTTM that names words: "
            f"`SPEAKER file 1 start duration <NA> <NA> word <NA> <NA>`, times in seconds"
        )
    if fields[1] != path.stem:
        raise ConfigError(
            f"{path}, line {number}: it labels {fields[1]!r}, the file is for {path.stem!r}: split it by recording"
        )
    start = _seconds(path, number, fields[3])
    end = start + _seconds(path, number, fields[4])
    if fields[0] == "NOSCORE":
        yield _label(path, number, "?", start, end)
    elif fields[5] != NONE:
        yield _label(path, number, fields[5], start, end, "" if fields[7] == NONE else fields[7])
    else:
        yield _label(path, number, fields[7], start, end)


def _label(path: Path, number: int, word: str, start_s: float, end_s: float, speaker: str = "") -> Label:
    try:
        return Label(word=word, start_s=start_s, end_s=end_s, speaker=speaker)
    except ConfigError as error:
        raise ConfigError(f"{path}, line {number}: {error}") from error


def _seconds(path: Path, number: int, value: str) -> float:
    try:
        return float(value)
    except ValueError as error:
        raise ConfigError(
            f"{path}, line {number}: {value!r} is no time: give seconds with a decimal point, such as 1.25"
        ) from error
