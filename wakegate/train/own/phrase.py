"""Phrase: what can be a wake word, and what will be a poor one.

Owns the checks before any time is spent: what refuses a phrase, and what warns of it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ...errors import ConfigError
from . import near, pronounce
from .pronounce import Phonemes

LONGEST = 22
"""Phonemes: about 1.7 s, and the second stage hears two seconds."""
FEWEST, FEWEST_SYLLABLES = 6, 2
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrase:
    """A phrase that can be a wake word.

    Parameters
    ----------
    text : str
        Words of small letters, as a voice reads them.
    word : str
        What models call it.
    phonemes : tuple of str
        How it is said.
    warnings : tuple of str
        Why it may do badly.
    """

    text: str
    word: str
    phonemes: Phonemes
    warnings: tuple[str, ...]


def checked(text: str, name: str | None, known: Sequence[str]) -> Phrase:
    """Return a phrase, checked.

    Parameters
    ----------
    text : str
        As typed.
    name : str, optional
        What to call it; by default the phrase itself.
    known : sequence of str
        Words that the model knows already.

    Raises
    ------
    ConfigError
        If nobody could say it, or the model knows it; the message says what to give instead.
    """
    words = text.lower().replace("-", " ").split()
    if not words:
        raise ConfigError('the phrase is empty: give what is to be said, such as "hey marvin"')
    if any(one.isdigit() for one in text):
        raise ConfigError(f"the phrase {text!r} has digits in it: spell them as they are said, such as seven")
    if not all(re.fullmatch(r"[a-z]+('[a-z]+)?", word) for word in words):
        raise ConfigError(
            f"the phrase {text!r} has signs that are no English letters: the voices and the dictionary speak English, "
            f"so spell it in letters from a to z as English would say it"
        )
    said = " ".join(words)
    phonemes = pronounce.of(said)
    if len(phonemes) > LONGEST:
        raise ConfigError(f"the phrase {text!r} has {len(phonemes)} sounds: give one of at most {LONGEST}")
    if not pronounce.vowels(phonemes):
        raise ConfigError(f"the phrase {text!r} has no vowel that could be said: spell it as it sounds")
    word = said.replace("'", "").replace(" ", "_") if name is None else name
    if not NAME.fullmatch(word):
        raise ConfigError(f"the name {word!r} is no word: up to 40 small letters, digits and _, a letter first")
    if word in known:
        raise ConfigError(
            f"the model already knows {word!r}: use it as it is, or give the new one another name (--name {word}_own)"
        )
    return Phrase(text=said, word=word, phonemes=phonemes, warnings=tuple(_warnings(said, phonemes, known)))


def _warnings(said: str, phonemes: Phonemes, known: Sequence[str]) -> list[str]:
    found = []
    if len(phonemes) < FEWEST or pronounce.vowels(phonemes) < FEWEST_SYLLABLES:
        found.append(
            f"{said!r} is short ({len(phonemes)} sounds, {pronounce.vowels(phonemes)} syllables): short words are in "
            f"everything people say. Six sounds and three syllables or more do better, such as 'hey {said}'"
        )
    everyday = [word for word in said.split() if word in near.common()]
    if len(everyday) == len(said.split()):
        found.append(f"{said!r} is common in speech, every word of it: expect it to be said without being meant")
    other = near.neighbour(said, [word.replace("_", " ") for word in known])
    if other is not None:
        found.append(f"{said!r} sounds like {other!r}, which the model knows too: one may wake the other")
    return found
