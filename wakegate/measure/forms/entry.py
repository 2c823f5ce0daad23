"""Entry: one recording as a manifest lists it, whatever the manifest's form.

Owns what the forms have in common: a field that is of its kind or an error, where a path leads, and what a transcript
says of wake words. Never opens the sound.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ...errors import ConfigError
from ..recording import EXCLUDED, Label, written

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One recording as listed; ``where`` is the line that lists it, ``duration_s`` None up to the end of the file."""

    where: str
    audio: Path
    offset_s: float
    duration_s: float | None
    labels: tuple[Label, ...]
    condition: str

    def __post_init__(self) -> None:
        """Refuse a condition that no result can hold; the file's own name may be anything."""
        if not written(self.condition):
            raise ConfigError(f"the condition {self.condition!r} cannot be written as UTF-8 in one line: name it anew")


def field(kind: type[T], key: str, source: Mapping[str, object], otherwise: T | None = None) -> T:
    """Return a field of exactly this kind, or what is meant where it is not given; TypeError if it is another."""
    value = source.get(key)
    if value is None and otherwise is not None:
        return otherwise
    if kind is float and type(value) is int:
        value = float(value)
    if type(value) is not kind:
        raise TypeError(f"{key!r} ({value!r} should be {kind.__name__})")
    return value


def found(folder: Path, name: str) -> Path:
    """Return where a path of NeMo or Lhotse leads: from the manifest's folder or, as they also mean it, from here."""
    path = Path(name).expanduser()
    return path if not (folder / path).exists() and path.exists() else folder / path


def keyword(text: str, words: Collection[str]) -> str:
    """Return which of the words a transcript is, however it is written ("Hey, Jarvis!" is hey_jarvis).

    ``?`` (not to be scored) if a word stands among others: nobody knows when it is said. Empty if there is none.
    """
    said = _bare(text)
    for word in words:
        if said == _bare(word):
            return word
    return EXCLUDED[0] if any(_bare(word) in said for word in words) else ""


def _bare(text: str) -> str:
    """Return the text as `_hey_jarvis_`, without capitals and punctuation."""
    parts = re.findall(r"[^\W_]+", text.casefold().replace("'", ""))
    return f"_{'_'.join(parts)}_"
