"""Cuts: a manifest of Lhotse (cuts.jsonl, cuts.jsonl.gz), read by lhotse where it is installed.

Owns what a cut means here. A supervision that says a wake word and nothing else is that word, for as long as it
lasts; in a sentence the word is where the alignment ``word`` has it, and without one the supervision is not scored.
Never lets lhotse touch sound: a cut is a stretch of a plain file, or it is refused, since Lhotse could fetch, decode or
run whatever a manifest names.
"""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from ...errors import ConfigError
from ...events import SAMPLE_RATE
from ..recording import EXCLUDED, SLACK, Label
from .entry import Entry, found, keyword

NOTE = "read as Lhotse cuts: a wake word is as long as its supervision, or as its alignment where that has words"
EXTRA = (
    "Lhotse cuts need lhotse: pip install 'wakegate[lhotse]', or write the corpus as JSON Lines (wakegate's own form)"
)
LONGEST = 6
"""Parts of an alignment that one wake word may be spread over."""


def entries(path: Path, words: Collection[str] | None) -> Iterator[Entry]:
    """Yield the cuts in their order.

    Parameters
    ----------
    path : Path
        ``cuts.jsonl`` or ``cuts.jsonl.gz``.
    words : collection of str, optional
        The wake words that count; None where an engine does not say which it knows.

    Raises
    ------
    ConfigError
        If lhotse is not installed, or a cut cannot be measured on; the message names it.
    """
    try:
        from lhotse import CutSet
    except ImportError as error:
        raise ConfigError(f"{path}: {EXTRA} ({error})") from error
    before = "the first cut"
    try:
        for cut in CutSet.from_jsonl_lazy(path):
            before = f"the cut after {cut.id}"
            yield _entry(f"{path}, cut {cut.id}", path.parent, cut, words)
    except ConfigError:
        raise
    except Exception as error:  # whatever lhotse, or a damaged file in it, throws
        raise ConfigError(f"{path}, {before}: lhotse cannot read it: {error!r}") from error


def _entry(where: str, folder: Path, cut: Any, words: Collection[str] | None) -> Entry:
    why = _unfit(cut)
    if why:
        raise ConfigError(f"{where} {why}: make plain files of such cuts first, with CutSet.save_audios()")
    custom = cut.custom or {}
    try:
        labels = tuple(label for one in cut.supervisions for label in _labels(one, cut, words))
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from error
    return Entry(
        where=where,
        audio=found(folder, cut.recording.sources[0].source),
        offset_s=float(cut.start),
        duration_s=float(cut.duration),
        labels=labels,
        condition=str(custom.get("condition", "")),
    )


def _unfit(cut: Any) -> str:
    """Return why a cut is no stretch of a plain file of one channel, nothing if it is."""
    if type(cut).__name__ != "MonoCut":
        return f"is a {type(cut).__name__}, which is no stretch of one file"
    if not cut.has_recording:
        return "has features and no sound"
    recording = cut.recording
    if [source.type for source in recording.sources] != ["file"]:
        return "is no plain file"
    if recording.num_channels != 1:
        return f"is one of {recording.num_channels} channels"
    return "is changed by Lhotse as it is read" if recording.transforms else ""


def _labels(one: Any, cut: Any, words: Collection[str] | None) -> Iterator[Label]:
    """Yield what a supervision says in its cut; what the cut's edge cuts off is not scored."""
    text = (one.text or "").strip()
    if words is None and text:
        raise ConfigError(
            f"supervision {one.id} may be a wake word or any sentence, and an engine here does not say which words it "
            f"knows: measure engines that do, or write the corpus as JSON Lines (wakegate's own form)"
        )
    for word, start_s, end_s in _spoken(one, text, cut.start, words or ()):
        low, high = max(start_s, 0.0), min(end_s, cut.duration)
        if low < high:
            whole = (low, high) == (start_s, end_s) or end_s - start_s - (high - low) < SLACK / SAMPLE_RATE
            yield Label(word=word if whole else EXCLUDED[0], start_s=low, end_s=high, speaker=str(one.speaker or ""))


def _spoken(one: Any, text: str, start_s: float, words: Collection[str]) -> Iterator[tuple[str, float, float]]:
    """Yield word, start and end, in seconds from the cut's start."""
    word, items = keyword(text, words), (one.alignment or {}).get("word") or ()
    if word != EXCLUDED[0] or not items:
        if word:
            yield word, one.start, one.end
        return
    # An alignment's times count from the recording's start, a supervision's from the cut's.
    spans = [(item.symbol, item.start - start_s, item.end - start_s) for item in items]
    parts = (spans[n : n + size] for n in range(len(spans)) for size in range(1, min(LONGEST, len(spans) - n) + 1))
    for part in parts:
        said = keyword(" ".join(symbol for symbol, *_ in part), words)
        if said and said != EXCLUDED[0] and part[0][0] and part[-1][0]:
            yield said, part[0][1], part[-1][2]
