"""Asked: which words a command listens for and at which thresholds, by its options and the config.

Owns those options and their order: what stands on the command line comes before what stands in ``wakegate.toml``; and
whose a wrong one is. Never says whether there is such a word: the models do.
"""

import argparse
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UsageError
from .usage import Once, typed

if TYPE_CHECKING:
    from ..config import Config
    from ..wake.levels import Threshold
    from ..wake.manifest import Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Words of one model, in the order of the score's columns, and other thresholds than its own."""

    model: "Manifest"
    words: tuple[str, ...]
    thresholds: "Mapping[str, Threshold]"


class _Models(argparse.Action):
    """Takes the first as ``model``, and what comes after it as ``more_models``."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, value: object, option: str | None = None
    ) -> None:
        if namespace.model is None:
            namespace.model = value
        else:
            namespace.more_models = (*namespace.more_models, value)


def add_wake_options(parser: argparse.ArgumentParser, *, several_models: bool = False) -> None:
    """Add what every command that listens for words takes."""
    parser.add_argument(
        "--words", type=_words, metavar="A,B", action=Once,
        help="words to listen for; all that the model knows if not given",
    )  # fmt: skip
    parser.add_argument(
        "--model", type=Path, metavar="NAME.onnx", action=_Models if several_models else Once,
        help="a model file; the installed one if not given" + (" (with --uri once or more often)" * several_models),
    )  # fmt: skip
    parser.set_defaults(more_models=())
    parser.add_argument(
        "--engine", choices=("onnxruntime", "numpy"), help="what runs the model; onnxruntime where it is installed"
    )


def add_threshold_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--threshold``, which :func:`thresholds_of` reads."""
    parser.add_argument(
        "--threshold", action="append", default=[], metavar="[WORD=]T",
        help="a threshold, of one word or of all; the model's own if not given. 0.5/h, 12/day: the lowest that was "
        "measured within so many false accepts of the word (`wakegate models`)",
    )  # fmt: skip


def of_one_model(args: argparse.Namespace, settings: "Config") -> Asked:
    """Return what is asked for, of which nothing is loaded yet.

    Raises
    ------
    UsageError
        Where the command line is wrong.
    ConfigError
        Where the config is.
    ModelError
        For a model file that is missing or damaged.
    """
    from ..wake import catalogue

    given, named = words(args, settings), named_model(args)
    with blamed(args, settings, named or catalogue.installed()):
        wanted = None if given is None else catalogue.distinct(given)
        model = named or catalogue.knowing(wanted or ())[0]
        listened_for = tuple(e.word for e in model.words) if wanted is None else wanted
        for word in listened_for:
            model.entry(word)
    with settings.blamed("wake"):
        model.detector_config(listened_for, settings.thresholds)  # which may speak of its other words too
    check_thresholds(args, settings, dict.fromkeys(listened_for, model))
    return Asked(model=model, words=listened_for, thresholds=thresholds(args, settings, listened_for))


def named_model(args: argparse.Namespace) -> "Manifest | None":
    """Return the model that ``--model`` names; UsageError for what is no model's name."""
    return None if args.model is None else model_at(args.model)


def model_at(path: Path) -> "Manifest":
    """Return the model that a ``--model`` names; UsageError for what is no model's name."""
    from ..wake import manifest

    if path.suffix not in (".onnx", ".json"):
        raise UsageError(f"--model {str(path)!r} is no model file: name its NAME.onnx or NAME.json")
    return manifest.read(path.with_suffix(".json"))


def blamed(args: argparse.Namespace, settings: "Config", models: object) -> AbstractContextManager[None]:
    """Return what lays an error about the words to whoever gave them: the command line, the config, or nobody.

    ``models`` are those to choose from, which have been read: that one is damaged is nobody's fault, or that none is
    there, as while wakegate is being upgraded.
    """
    if not models:
        return nullcontext()
    if args.words is not None:
        return typed()
    return nullcontext() if settings.words is None else settings.blamed("wake")


def check_thresholds(args: argparse.Namespace, settings: "Config", models: Mapping[str, "Manifest"]) -> None:
    """Refuse a threshold that its word's model does not allow, by whoever gave it."""
    own = thresholds_of(args.threshold, models)
    for word, model in models.items():
        with settings.blamed("wake"):
            model.detector_config([word], {word: settings.thresholds[word]} if word in settings.thresholds else {})
        with typed():
            model.detector_config([word], {word: own[word]} if word in own else {})


def words(args: argparse.Namespace, settings: "Config") -> Sequence[str] | None:
    """Return the words to listen for; None for all."""
    from ..wake.catalogue import distinct

    given: Sequence[str] | None = args.words
    if given is None:
        return settings.words
    with typed():
        distinct(given, "--words")
    return given


def thresholds(args: argparse.Namespace, settings: "Config", listened_for: Iterable[str]) -> "dict[str, Threshold]":
    """Return other thresholds than the models'; the config's may speak of words that are not listened for."""
    return {**settings.thresholds, **thresholds_of(args.threshold, listened_for)}


def thresholds_of(given: Sequence[str], listened_for: Iterable[str]) -> "dict[str, Threshold]":
    """Read ``T`` and ``WORD=T``; UsageError for what is neither, and for a word that is not listened for."""
    from ..wake import levels
    from ..wake.catalogue import by_word

    known, chosen = tuple(listened_for), dict[str, levels.Threshold]()
    for text in given:
        word, _, value = text.rpartition("=")
        try:
            with typed():
                threshold = levels.read(value)
        except UsageError:  # a number, and no level
            raise
        except ValueError as error:
            raise UsageError(f"--threshold {text!r} is not a number: write 0.7, computer=0.7 or 0.5/h") from error
        with typed():
            chosen |= by_word({word: threshold}, known) if word else dict.fromkeys(known, threshold)
    return chosen


def _words(text: str) -> list[str]:
    return [word for word in text.split(",") if word.strip()]
