"""Sensitivity: Porcupine's knob from 0 to 1, as a threshold of a model.

Owns the mapping. 0.5 is the model's own threshold; 1 is the lowest threshold that its manifest's operating points
measured for the word, 0 the highest; between them it is linear in the threshold. Raising a threshold only removes
detections, so the rates at any sensitivity lie between those of the operating points around it (``wakegate models``
prints them). Must never leave the measured range: where nothing was measured on the side that is asked for, it refuses.
"""

from ..errors import ConfigError
from ..wake.manifest import Manifest

MIDDLE = 0.5


def threshold(manifest: Manifest, word: str, sensitivity: float) -> float:
    """Return the threshold that a sensitivity stands for.

    Parameters
    ----------
    manifest : Manifest
        Of the model.
    word : str
        One of its words.
    sensitivity : float
        In [0, 1]; higher misses less and fires more often by mistake.

    Raises
    ------
    ConfigError
        If the sensitivity is out of range, or the manifest has no operating point on that side of its threshold.
    """
    if isinstance(sensitivity, bool) or not isinstance(sensitivity, int | float) or not 0 <= sensitivity <= 1:
        raise ConfigError(f"the sensitivity of {word!r} is {sensitivity!r}: give a number from 0 to 1")
    own = manifest.entry(word).threshold
    if sensitivity == MIDDLE:
        return own
    measured = [point.threshold for point in manifest.operating_points if point.word == word]
    edge = min(measured, default=own) if sensitivity > MIDDLE else max(measured, default=own)
    side = "below" if sensitivity > MIDDLE else "above"
    if not (edge < own if side == "below" else edge > own):
        raise ConfigError(
            f"the sensitivity {sensitivity:g} of {word!r} cannot be mapped: the model {manifest.name!r} has no "
            f"operating point measured {side} its threshold {own:g}; leave it at {MIDDLE:g}"
        )
    return own + (edge - own) * abs(sensitivity - MIDDLE) / MIDDLE
