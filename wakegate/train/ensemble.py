"""Ensemble: the verifiers, and the throats through which they look, that answer together.

Owns who is asked when: the first verifier about every suspicion, all of them, through every throat, where its answer
leaves some. Networks that learned from the same examples in another order make mistakes of their own
(Lakshminarayanan et al. 2017), and what holds for one throat only is mostly no word. Must not know what a verifier is
made of.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from .network import MELS
from .throat import throats
from .verifier import Verifier

THROATS = (0.93, 1.08)
"""Stretches of the mel axis through which they look again."""
AGAIN = 0.05
"""Chance of any word, after the first look, from which they look again: below, the mean stays below any threshold."""


def sure(verifiers: Sequence[Verifier], features: Tensor, first: Tensor) -> Tensor:
    """Return the chances that the graph gives, (steps, outputs), of a window (WINDOW, MELS) and a chunk's steps.

    Parameters
    ----------
    verifiers : sequence of Verifier
        The first of them looks first.
    features : (WINDOW, MELS) Tensor
        What they look at.
    first : (steps, outputs) Tensor
        Log chances of the first stage. One look where that, with them, says that there is no word; else the mean of
        all verifiers through three throats.
    """
    chances = verifiers[0](features[None], first).softmax(1)
    if chances[:, :-1].max() < AGAIN:
        return chances
    looks = torch.cat([features[None], features @ other_throats()])
    nothing = torch.zeros(len(looks), first.shape[1])
    second = torch.cat([verifier(looks, nothing) for verifier in verifiers]).mean(0, keepdim=True)
    again: Tensor = (second + verifiers[0].trust * first).softmax(1)
    return again


def other_throats() -> Tensor:
    """Return maps (len(THROATS), MELS, MELS): features (..., MELS) times one are said by another throat."""
    return throats(torch.tensor(THROATS), MELS)
