"""NeMo manifest: a line ``{"audio_filepath", "offset", "duration", "label" or "command" or "text", "speaker"}``.

Owns what its lines mean here. NeMo writes no times, so a word is its whole stretch. ``command``, ``target`` or
``label`` names a class: a wake word, or anything else (NeMo's "unknown" and "silence" too), which is sound without one.
``text`` is a transcript: a wake word where it is nothing but that; where a wake word stands in a sentence, the stretch
is not scored, since nobody knows when it is said. So ``text`` needs to know the words that count.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from ...errors import ConfigError
from ...wake.catalogue import spelled
from ..recording import EXCLUDED, Label
from .entry import Entry, field, found, keyword

EXAMPLE = '{"audio_filepath": "a.wav", "offset": 0.0, "duration": 1.2, "label": "alexa", "speaker": "p1"}'
SOUND = ("audio_filepath", "audio_filename")
CLASS = ("command", "target", "label")
NO_WORD = ("", "-", "unknown", "_unknown_", "silence", "_silence_", "background", "_background_noise_", "noise",
           "speech", "other", "negative", "infer")  # fmt: skip
"""Classes of NeMo's own recipes (commands, voice activity, diarisation) that are no word."""
SHOWN = 10


def entry(where: str, folder: Path, raw: Mapping[str, object], words: Collection[str] | None) -> Entry:
    """Read one line.

    Parameters
    ----------
    where : str
        The line, for messages.
    folder : Path
        The manifest's.
    raw : mapping
        What it says.
    words : collection of str, optional
        The wake words that count; None where an engine does not say which it knows. Then every class is one.

    Raises
    ------
    ConfigError, TypeError
        If it is wrong.
    """
    duration_s = field(float, "duration", raw) if raw.get("duration") is not None else None
    word = _word(raw, words)
    if word and duration_s is None:
        raise ConfigError(f"{word!r} is said in it, and no `duration` (seconds) says for how long")
    label = Label(word=word, start_s=0.0, end_s=duration_s or 0.0, speaker=_speaker(raw)) if word else None
    return Entry(
        where=where,
        audio=found(folder, field(str, next((key for key in SOUND if key in raw), SOUND[0]), raw)),
        offset_s=field(float, "offset", raw, 0.0),
        duration_s=duration_s,
        labels=() if label is None else (label,),
        condition=field(str, "condition", raw, ""),
    )


def notes(lines: Iterable[Mapping[str, object]], words: Collection[str] | None) -> Iterator[str]:
    """Yield what a reader should know of how these lines were read."""
    yield "read as a NeMo manifest: it has no times, so a wake word is as long as its whole stretch"
    if words is None:
        return
    other = sorted({_class(raw) or "" for raw in lines} - {*words, *NO_WORD, *EXCLUDED})
    if other:
        shown = ", ".join(other[:SHOWN]) + (f" and {len(other) - SHOWN} more" if len(other) > SHOWN else "")
        yield f"classes that no engine here knows count as sound without a wake word: {shown}"


def _word(raw: Mapping[str, object], words: Collection[str] | None) -> str:
    """Return the word that a line says, `?` where it is not to be scored, nothing where it says none."""
    named = _class(raw)
    if named is not None:
        if named in EXCLUDED:
            return named
        known = named not in NO_WORD if words is None else named in words
        return named if known else ""
    text = field(str, "text", raw, "")
    if words is None and text.strip("- "):
        raise ConfigError(
            "its `text` may be a wake word or any sentence, and an engine here does not say which words it knows: "
            'write the word as `label`, and "label": "" where none is said'
        )
    return keyword(text, words or ())


def _class(raw: Mapping[str, object]) -> str | None:
    """Return what a line's class is called, a number too; None where it has none."""
    named = next((raw[key] for key in CLASS if raw.get(key) is not None), None)
    return None if named is None else spelled(str(named))


def _speaker(raw: Mapping[str, object]) -> str:
    """Return who speaks; a number is a name too."""
    return str(raw.get("speaker", "") if raw.get("speaker") is not None else "")
