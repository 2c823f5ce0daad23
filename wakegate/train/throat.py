"""Throat: the mel axis as a longer or shorter throat would fill it.

Owns the one map that training draws at random and that the verifier's second look is made with. Must not look at time.
"""

import torch
from torch import Tensor


def throats(stretch: Tensor, bands: int) -> Tensor:
    """Return maps (n, bands, bands) for (n,) stretches: features (..., bands) times one are said by another throat.

    Vocal tract length perturbation (Jaitly and Hinton 2013), linear: each new band takes from the two between which it
    lies on the old axis.
    """
    place = (torch.arange(bands)[None, :] * stretch[:, None]).clamp(max=bands - 1)
    return (1 - (torch.arange(bands)[None, :, None] - place[:, None, :]).abs()).clamp(min=0)
