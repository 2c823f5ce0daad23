"""Trunk: the weights that all words of a model share, and their name.

Owns the name: one sha256 over the front end and the layers of the first stage, whatever words hang on them. A word of
one's own says by it which trunk it was made for. Needs numpy alone, so that every device can check it.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

_FRONT_END, _LAYERS = ("cosines", "sines", "mel_bank"), ("weight", "bias", "rows")


def digest(constants: Mapping[str, NDArray[Any]]) -> str:
    """Return the sha256 of the trunk's weights by name, in hexadecimal.

    Parameters
    ----------
    constants : mapping of str to array
        Of the whole graph, as the file holds them: ``weight0_half`` is the first layer's.
    """
    found = hashlib.sha256()
    for name in sorted(constants):
        if name in _FRONT_END or name.removesuffix("_half").rstrip("0123456789") in _LAYERS:
            found.update(name.encode() + b"\0" + np.ascontiguousarray(constants[name]).tobytes())
    return found.hexdigest()
