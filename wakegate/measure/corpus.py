"""Corpus: every recording of a folder or a manifest, checked before an engine hears the first.

Owns finding sound and its labels, and the hashes that say which corpus it was. A file without labels has no wake word
in it. Never decodes where a header says how long a file is.
"""

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path

from ..audio.files import FileSource
from ..errors import ConfigError, FormatError
from ..events import SAMPLE_RATE
from ..wake import sweep
from .conditions.made import Conditions
from .forms import labels, manifest
from .forms.entry import Entry
from .recording import SLACK, Recording, labelled

SOUND = (".wav", ".flac", ".ogg")
LABELS = (".txt", ".rttm")
Told = Callable[[str, float], None]
"""Called with what is being read, and the share that is done: 0 to 1."""


def silent(what: str, share: float) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """What is measured on.

    Parameters
    ----------
    path : Path
        The folder or manifest.
    recordings : tuple of Recording
        By file, then by where they begin in it.
    sha256 : tuple of (str, str)
        Path and hash of every sound, label file and manifest, in order.
    notes : tuple of str
        What a reader should know: mixed sample rates, text files that label nothing.
    conditions : Conditions, optional
        What was made of it on the fly; None where it is heard as it is.
    """

    path: Path
    recordings: tuple[Recording, ...]
    sha256: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    conditions: Conditions | None = None

    @property
    def digest(self) -> str:
        """One hash for all the files."""
        lines = "".join(f"{sha}  {name}\n" for name, sha in self.sha256)
        return hashlib.sha256(lines.encode(errors="surrogateescape")).hexdigest()  # names need not be UTF-8

    @property
    def sha256_of(self) -> dict[str, str]:
        """The hash of the sound file of each recording, by the recording's name."""
        root = self.path if self.path.is_dir() else self.path.parent
        hashes = dict(self.sha256)
        return {one.name: hashes[_relative(one.audio, root)] for one in self.recordings}


def read(path: Path, words: Collection[str] | None = None, told: Told = silent) -> Corpus:
    """Read a corpus: a folder (with all below it), or a manifest in JSON Lines (ours, NeMo's, Lhotse's) or CSV.

    ``words`` are those that count where a manifest has transcripts; None where an engine does not say which it knows.
    ``told`` is called after every file: a corpus may have 100,000.

    Raises
    ------
    ConfigError
        If there is nothing to measure on, or a label or line is wrong; the message names the file.
    FormatError
        If a sound file is missing or cannot be read.
    """
    if not path.exists():
        raise ConfigError(f"{path} does not exist: check the name")
    if path.is_dir():
        return _folder(path, told)
    if not path.name.lower().endswith(manifest.SUFFIXES):
        raise ConfigError(f"{path} is neither a folder of sound nor a manifest ({', '.join(manifest.SUFFIXES)})")
    return _listed(path, words, told)


def _folder(root: Path, told: Told) -> Corpus:
    found, linked = below(root)
    sounds = [path for path in found if path.suffix.lower() in SOUND]
    if not sounds:
        raise ConfigError(f"{root} holds no sound ({', '.join(SOUND)}): name the folder that does, or a manifest")
    beside: dict[Path, list[Path]] = {}
    for path in found:
        if path.suffix.lower() in LABELS:
            beside.setdefault(path.with_suffix(""), []).append(path)
    stems = Counter(path.with_suffix("") for path in sounds)
    _once(sounds)
    rates: set[int] = set()
    recordings, used = [], []
    for number, audio in enumerate(sounds):
        told(f"lengths of {root}", number / len(sounds))
        own = beside.pop(audio.with_suffix(""), [])
        if len(own) > 1 or (own and stems[audio.with_suffix("")] > 1):
            raise ConfigError(f"{own[0]} and {(*own[1:], audio)[0]}: which labels are whose? Keep one of each name")
        length, rate = _length(audio)
        rates.add(rate)
        bare = Recording(name=audio.relative_to(root).as_posix(), audio=audio, first=0, length=length)
        recordings.append(labelled(bare, labels.read(own[0]), own[0]) if own else bare)
        used += [audio, *own]
    notes = _rates(rates)
    if linked:
        notes += (f"{len(linked)} linked folders are not looked into, the first is {linked[0]}: name what it leads to",)
    if beside:
        stray = sorted(path for paths in beside.values() for path in paths)
        notes += (f"{len(stray)} text files beside no sound of their name label nothing, the first is {stray[0]}",)
    return Corpus(path=root, recordings=tuple(recordings), sha256=_hashes(root, used, told), notes=notes)


def below(root: Path) -> tuple[list[Path], list[Path]]:
    """Return all files below a folder, and the linked folders, in order; what begins with a dot is nobody's corpus."""
    found, linked = [], []
    for folder, inside, names in os.walk(root, onerror=_unreadable):
        inside[:] = [name for name in inside if name[0] != "."]
        linked += [path for path in (Path(folder, name) for name in inside) if path.is_symlink()]
        found += [Path(folder, name) for name in names if name[0] != "."]
    return sorted(found), sorted(linked)


def _once(sounds: Sequence[Path]) -> None:
    """Refuse two names of one file: its hours would count twice."""
    before: dict[str, Path] = {}
    for path in sounds:
        first = before.setdefault(os.path.realpath(path), path)
        if first != path:
            raise ConfigError(f"{path} is the same file as {first}, and would count twice: remove one")


def _unreadable(error: OSError) -> None:
    raise ConfigError(f"{error.filename} cannot be read ({error.strerror}): what lies there would not be counted")


def _listed(path: Path, words: Collection[str] | None, told: Told) -> Corpus:
    listed = manifest.read(path, words)
    # By the file itself: two names of it, or a link, are the same sound.
    file = {audio: os.path.realpath(audio) for audio in {entry.audio for entry in listed.entries}}
    entries = sorted(listed.entries, key=lambda entry: (file[entry.audio], entry.offset_s))
    if not entries:
        raise ConfigError(f"{path} lists nothing: give one recording a line")
    rates: set[int] = set()
    recordings: list[Recording] = []
    for _, group in groupby(entries, key=lambda entry: file[entry.audio]):
        same = list(group)
        told(f"lengths of {path}", len(recordings) / len(entries))
        try:
            length, rate = _length(same[0].audio)
        except FormatError as error:
            raise FormatError(f"{same[0].where}: {error}") from error
        rates.add(rate)
        recordings += _stretches(path, same, length)
    used = [path, *dict.fromkeys(entry.audio for entry in entries)]
    notes = (*listed.notes, *_rates(rates))
    return Corpus(path=path, recordings=tuple(recordings), sha256=_hashes(path.parent, used, told), notes=notes)


def _stretches(path: Path, entries: Sequence[Entry], length: int) -> Iterator[Recording]:
    """Yield the recordings of one file, which may not overlap: sound that counts twice narrows every interval."""
    found: list[tuple[Entry, Recording]] = []
    for entry in entries:
        there_s = length / SAMPLE_RATE
        end_s = there_s if entry.duration_s is None else entry.offset_s + entry.duration_s
        if not (0 <= entry.offset_s < there_s and entry.offset_s < end_s <= there_s + SLACK / SAMPLE_RATE):
            raise ConfigError(
                f"{entry.where}: {entry.offset_s:g} to {end_s:g} s is no stretch of {entry.audio}, "
                f"which is {there_s:.2f} s long: mend offset_s or duration_s (seconds)"
            )
        first, last = round(entry.offset_s * SAMPLE_RATE), min(round(end_s * SAMPLE_RATE), length)
        name = os.path.relpath(entry.audio, path.parent) + (f"@{entry.offset_s!r}s" if len(entries) > 1 else "")
        bare = Recording(name=name, audio=entry.audio, first=first, length=last - first, condition=entry.condition)
        found.append((entry, labelled(bare, entry.labels, entry.where)))
    for (before, one), (after, two) in pairwise(found):
        if two.first < one.first + one.length:
            raise ConfigError(f"{after.where}: the same sound as {before.where}, in part: list each stretch once")
    return (recording for _, recording in found)


def _length(audio: Path) -> tuple[int, int]:
    """Return a file's length in samples at 16 kHz, and its own sample rate."""
    with closing(FileSource(audio)) as source:
        if source.seconds is not None:
            return round(source.seconds * SAMPLE_RATE), source.rate
        return sum(len(piece) for piece in sweep.pieces(source)), source.rate


def _rates(rates: set[int]) -> tuple[str, ...]:
    if len(rates) < 2:
        return ()
    kinds = ", ".join(map(str, sorted(rates)))
    return (f"the sound has sample rates of {kinds} Hz: all are brought to {SAMPLE_RATE}; below it, highs are missing",)


def _hashes(root: Path, paths: Sequence[Path], told: Told) -> tuple[tuple[str, str], ...]:
    found = []
    for number, path in enumerate(paths):
        told(f"hashes of {root}", number / len(paths))
        with path.open("rb") as file:
            found.append((_relative(path, root), hashlib.file_digest(file, "sha256").hexdigest()))
    return tuple(found)


def _relative(path: Path, root: Path) -> str:
    return Path(os.path.relpath(path, root)).as_posix()
