"""Accent: a pronunciation as people of other first languages, and other regions, would say it.

Owns which sounds stand for which. English voices that say a word one way each teach that way alone; people bring their
own vowels, and a consonant that their language lacks becomes its neighbour. Rules for any word, not a list for some.
"""

import numpy as np

SOUNDS: dict[str, str] = {
    "θ": "tsf", "ð": "dzv", "ɹ": "rɾʁ", "r": "ɾɹ", "w": "vʋ", "v": "wbf", "z": "s", "ʃ": "sʧ", "ʒ": "ʃʤ", "ʤ": "ʒʧ",
    "ʧ": "ʃ", "h": "x", "ŋ": "n", "t": "ʈʔ", "d": "ɖt", "b": "p", "ɡ": "k", "T": "tɾd", "j": "i", "ə": "aɐɛɔ",
    "ᵊ": "əɛ", "ɐ": "a", "æ": "aɛ", "ʌ": "aɑɔ", "ɑ": "aɔ", "ɔ": "ɑo", "ɒ": "ɔa", "ɪ": "ie", "i": "ɪe", "ʊ": "u",
    "u": "ʊ", "ɛ": "eæ", "ɜ": "ɛɔ", "A": "eɛ", "O": "oɔ", "I": "aɑ", "Y": "ɔo", "W": "aɔ", "Q": "oɔ", "ɚ": "əɛ",
    "ᵻ": "ie",
}  # fmt: skip
"""A sound of English (IPA; capitals are Kokoro's diphthongs) and what is heard in its place."""
LONG = "ː"
STRESS = "ˈ"
VOWELS = "aeiouəɐæʌɑɔɒɪʊɛɜAOIYWQɚᵻ"
STRENGTHS = (0.0, 0.1, 0.3, 0.6)
"""Share of the sounds that an accent changes: some speakers have next to none."""
MOVED = 0.1
"""Share of utterances with the stress on another vowel."""


def accented(phonemes: str, rng: np.random.Generator) -> str:
    """Return phonemes in an accent that is drawn; each of its sounds changes into the same other one throughout."""
    strength = float(rng.choice(STRENGTHS))
    heard = {sound: str(rng.choice(list(others))) for sound, others in SOUNDS.items()} | {LONG: ""}
    said = "".join(heard[one] if one in heard and rng.random() < strength else one for one in phonemes)
    if STRESS not in said or rng.random() >= MOVED * (strength > 0):
        return said
    level = said.replace(STRESS, "")
    vowels = [at for at, sound in enumerate(level) if sound in VOWELS]
    at = int(rng.choice(vowels)) if vowels else 0
    return f"{level[:at]}{STRESS}{level[at:]}"
