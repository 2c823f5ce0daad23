"""Asked: which words a command listens for and at which thresholds, by its options and the config.

Owns those options and their order: what stands on the command line comes before what stands in ``wakegate.toml``. Never
says whether there is such a word: the models do.
"""

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ConfigError

if TYPE_CHECKING:
    from ..config import Config


def add_wake_options(parser: argparse.ArgumentParser) -> None:
    """Add what every command that listens for words takes."""
    parser.add_argument(
        "--words", type=_words, metavar="A,B", help="words to listen for; all that the model knows if not given"
    )
    parser.add_argument("--model", type=Path, metavar="NAME.onnx", help="a model file; the installed one if not given")
    parser.add_argument(
        "--engine", choices=("onnxruntime", "numpy"), help="what runs the model; onnxruntime where it is installed"
    )


def add_threshold_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--threshold``, which :func:`thresholds_of` reads."""
    parser.add_argument(
        "--threshold", action="append", default=[], metavar="[WORD=]T",
        help="a threshold, of one word or of all; the model's own if not given",
    )  # fmt: skip


def words(args: argparse.Namespace, settings: "Config") -> Sequence[str] | None:
    """Return the words to listen for; None for all."""
    given: Sequence[str] | None = args.words
    return settings.words if given is None else given


def thresholds(args: argparse.Namespace, settings: "Config", listened_for: Iterable[str]) -> dict[str, float]:
    """Return other thresholds than the models'; the config's may speak of words that are not listened for."""
    return {**settings.thresholds, **thresholds_of(args.threshold, listened_for)}


def thresholds_of(given: Sequence[str], listened_for: Iterable[str]) -> dict[str, float]:
    """Read ``T`` and ``WORD=T``; ConfigError for what is neither, and for a word that is not listened for."""
    from ..wake.catalogue import by_word

    known, chosen = tuple(listened_for), dict[str, float]()
    for text in given:
        word, _, value = text.rpartition("=")
        try:
            threshold = float(value)
        except ValueError as error:
            raise ConfigError(f"--threshold {text!r} is not a number: write 0.7 or computer=0.7") from error
        chosen |= by_word({word: threshold}, known) if word else dict.fromkeys(known, threshold)
    return chosen


def _words(text: str) -> list[str]:
    return [word for word in text.split(",") if word.strip()]
