"""Near: phrases that sound like one's own and must not wake, found by pronunciation.

Owns the search over a pronouncing dictionary and over pairs of common words. The same phrase gives the same list.
"""

from collections.abc import Sequence
from functools import cache
from itertools import product
from pathlib import Path

from ..phrases import CARRIERS
from . import pronounce
from .pronounce import Phonemes

WORDS, PAIRS = 80, 60
"""How many single words and how many pairs of words at most."""
SAME = 0.35
"""A distance below which two phrases are one to the ear, so that neither can be right and the other wrong."""
FAR = 0.62
"""A distance a phoneme above which nobody mixes them up."""
SENTENCES = """\
what time is it|please close the door|I will see you tomorrow|how is the weather today|turn off the lights
he is not here|can you help me with this|she went to the shop|we are going home now|that was a good film
put it on the table|I do not think so|where did you leave the keys|dinner is nearly ready
they came back last night|it is raining again|set a timer for ten minutes|play some music please
who was that on the phone|call me when you arrive|yes of course|there is no milk left|the train was late again
have you read this book|let us go for a walk|not on my watch|open the window a little|I forgot to buy bread
one two three four five|are you coming with us|this one is better|nobody told me about it|wait a moment please
what do you want to eat|the children are asleep|it does not matter""".replace("\n", "|").split("|")
"""Ordinary talk."""


@cache
def common() -> tuple[str, ...]:
    """Return frequent English words."""
    return tuple(Path(__file__).with_name("common.txt").read_text(encoding="utf-8").split())


def phrases(phrase: str, shipped: Sequence[str] = ()) -> tuple[str, ...]:
    """Return what must not wake: near words and pairs, parts of the phrase, other wake words, sentences.

    Parameters
    ----------
    phrase : str
        Words of letters, as :func:`wakegate.train.own.phrase.checked` gives them.
    shipped : sequence of str
        Other words of the same model, as they are said.

    Returns
    -------
    tuple of str
        More than a hundred, the nearest first, each once.
    """
    said = pronounce.of(phrase)
    near = _nearest(said, [(word,) for word in pronounce.dictionary() if "'" not in word], WORDS)
    near += _nearest(said, _pairs(said), PAIRS)
    others = [one for one in shipped if _distance(said, pronounce.of(one)) > SAME]
    inside = [CARRIERS[number % len(CARRIERS)].format(one) for number, one in enumerate(near[::3])]
    every = [*near, *_parts(phrase, said), *others, *inside, *SENTENCES]
    return tuple(dict.fromkeys(one for one in every if one != phrase))


def _pairs(said: Phonemes) -> list[tuple[str, ...]]:
    """Return pairs of common words with about as many sounds and syllables as the phrase: the others are far."""
    size = {word: (len(pronounce.of(word)), pronounce.vowels(pronounce.of(word))) for word in common()}
    sounds, syllables = len(said), pronounce.vowels(said)
    return [
        (one, two)
        for one, two in product(common(), repeat=2)
        if 0.75 * sounds <= size[one][0] + size[two][0] <= 1.35 * sounds
        and abs(size[one][1] + size[two][1] - syllables) <= 1
    ]


def _nearest(said: Phonemes, options: Sequence[tuple[str, ...]], most: int) -> list[str]:
    """Return the nearest options that are not the same to the ear, by distance, then by name."""
    spelt = {word: pronounce.of(word) for words in options for word in words}
    found = [(words, tuple(one for word in words for one in spelt[word])) for words in options]
    found = [(words, sounds) for words, sounds in found if 0.55 <= len(sounds) / len(said) <= 1.7]
    distances = pronounce.distances(said, [sounds for _, sounds in found])
    ranked = sorted(
        (float(distance), " ".join(words))
        for distance, (words, sounds) in zip(distances, found, strict=True)
        if SAME < distance < FAR * len(said) and not pronounce.holds(sounds, said)
    )
    return [text for _, text in ranked[:most]]


def _parts(phrase: str, said: Phonemes) -> list[str]:
    """Return the phrase's own halves: its words, alone and beside another; of one word, what its halves sound like."""
    words = phrase.split()
    if len(words) > 1:
        beside = [f"{words[0]} {other}" for other in ("this", "time", "people", "Monday")]
        beside += [f"{other} {words[-1]}" for other in ("the", "another", "my", "no")]
        return [*words, " ".join(reversed(words)), *beside]
    half = len(said) // 2
    single = [(word,) for word in common()]
    return [*_nearest(said[: half + 1], single, 4), *_nearest(said[half:], single, 4)]


def _distance(one: Phonemes, two: Phonemes) -> float:
    return float(pronounce.distances(one, [two])[0])


def neighbour(phrase: str, others: Sequence[str]) -> str | None:
    """Return the one of ``others`` that the phrase is mixed up with easily, if any."""
    said = pronounce.of(phrase)
    for other in others:
        if _distance(said, pronounce.of(other)) < 0.3 * len(said):
            return other
    return None
