"""Catalogue: which models are installed, and ``load``, the public way in.

Owns where models lie: ``models/`` inside the installed package, or beside it in a checkout. Must never download, and
never choose another model or word than the one asked for.
"""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from ..errors import ConfigError, ModelError
from . import manifest
from .levels import Threshold
from .manifest import Manifest
from .scorer import Scorer

_PACKAGE = Path(__file__).resolve().parent.parent


def folder() -> Path:
    """Return the folder of installed models."""
    for place in (_PACKAGE / "models", _PACKAGE.parent / "models"):
        if place.is_dir():
            return place
    raise ModelError(f"no models are installed beside {_PACKAGE}: reinstall wakegate")


def installed() -> tuple[Manifest, ...]:
    """Return the manifests of every installed model."""
    return tuple(manifest.read(path) for path in sorted(folder().glob("*.json")))


def spelled(word: str) -> str:
    """Return a word as models spell it: "Smart Mirror" is smart_mirror."""
    return word.strip().lower().replace(" ", "_")


def knowing(words: Sequence[str]) -> tuple[Manifest, ...]:
    """Return the installed models that know all the words (as models spell them); ModelError if there is none."""
    models = installed()
    able = tuple(m for m in models if set(words) <= {e.word for e in m.words})
    if not able:
        known = sorted({e.word for m in models for e in m.words})
        unknown = ", ".join(sorted(set(words) - set(known))) or "all these words at once"
        raise ModelError(f"no installed model knows {unknown}: installed words are {', '.join(known) or 'none'}")
    return able


def distinct(words: Sequence[str], given_as: str = "the list of words") -> tuple[str, ...]:
    """Return words as models spell them; ModelError, which says how they were given, for no word or one twice."""
    if isinstance(words, str):
        raise ModelError(f"words is the text {words!r}: give a list, [{words!r}]")
    wanted = tuple(spelled(word) for word in words)
    if not wanted:
        raise ModelError(f"{given_as} names no word: name each word once, or leave it out for all")
    if twice := [word for word, same in zip(words, wanted, strict=True) if wanted.count(same) > 1]:
        raise ModelError(
            f"{given_as} names {twice[-1]!r} twice: name each word once (capitals and spaces make no other)"
        )
    return wanted


def by_word(thresholds: Mapping[str, Threshold], listened_for: Collection[str] | None = None) -> dict[str, Threshold]:
    """Return thresholds by words as models spell them.

    Raises
    ------
    ConfigError
        Where two are of one word, or one is of none that is ``listened_for``, where those are given.
    """
    chosen = {spelled(word): threshold for word, threshold in thresholds.items()}
    if len(chosen) != len(thresholds):
        raise ConfigError(f"the thresholds of {', '.join(thresholds)} name a word twice: give each word one")
    for word in chosen:
        if listened_for is not None and word not in listened_for:
            only = ", ".join(listened_for)
            raise ConfigError(f"{word!r} is not listened for, only {only}: leave its threshold out, or name it too")
    return chosen


def load(words: Sequence[str] | None = None, path: str | Path | None = None, engine: str | None = None) -> Scorer:
    """Load a model and return its scorer.

    Parameters
    ----------
    words : sequence of str, optional
        Words to score, in the order of the score's columns; all the model's words if not given. Spaces and capitals are
        forgiven ("Smart Mirror").
    path : str or Path, optional
        A model's ``NAME.onnx`` or ``NAME.json``; by default the installed model that knows all the words.
    engine : str, optional
        What runs it: ``onnxruntime``, the default where it is installed, or ``numpy``, which takes less memory and more
        CPU, and sets numpy's linear algebra to one thread in this process. Scores are the same to 1e-5.

    Returns
    -------
    Scorer
        ``push(samples (n,) int16) -> (steps, words) float32``.

    Raises
    ------
    ModelError
        If no model knows the words, or the model is damaged. No other word or model is ever taken instead.
    """
    wanted = None if words is None else distinct(words)
    if path is not None:
        if Path(path).suffix not in (".onnx", ".json"):
            raise ModelError(f"{str(path)!r} is no model file: name its NAME.onnx or NAME.json")
        chosen = manifest.read(Path(path).with_suffix(".json"))
    else:
        chosen = knowing(wanted or ())[0]
    return Scorer(chosen, wanted if wanted is not None else tuple(e.word for e in chosen.words), engine)
