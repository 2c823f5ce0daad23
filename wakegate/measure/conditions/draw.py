"""Draw: chance that depends on a seed and on names, and on nothing else.

Owns every draw in ``conditions``. There is no generator with a state: whatever the order, the process, the machine or
the version of a library, the same names draw the same.
"""

import hashlib
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def fraction(seed: int, *what: str | int) -> float:
    """Return a number in [0, 1): the first 52 bits of a SHA-256 of seed and names, which no name can run into another.

    Parameters
    ----------
    seed : int
        The user's.
    what : str or int
        The recording's name, then what is drawn and the how-many-eth.
    """
    digest = hashlib.sha256(repr((seed, *what)).encode(errors="surrogatepass")).digest()
    return (int.from_bytes(digest[:8], "big") >> 12) / 2**52


def one_of(choices: Sequence[T], seed: int, *what: str | int) -> T:
    """Return one, each as likely."""
    return choices[int(fraction(seed, *what) * len(choices))]
