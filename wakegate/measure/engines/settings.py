"""Settings: an engine without a score, heard at several settings at once, as one with a score.

Owns which events of different settings are the same: then ``score >= a setting`` selects what it says there, and
everything that is counted from scores needs no second way. Pure.
"""

from collections.abc import Iterable

from ...events import SAMPLE_RATE
from .engine import Heard

SAME = SAMPLE_RATE // 2
"""How far apart, in samples, two settings may say the same event."""


def strictest(said: Iterable[Heard]) -> list[Heard]:
    """Return each event once, when and with the score that it has at the strictest setting that says it.

    From the laxest setting to the strictest, what a setting says continues the nearest event of its word, no more than
    :data:`SAME` from where that was last said, that nothing else of this setting continues. An event that a laxer
    setting lacks is counted there too: a threshold can only take away.

    Parameters
    ----------
    said : iterable of Heard
        What all settings say; the score tells the setting, higher is stricter.
    """
    events: list[Heard] = []
    for one in sorted(said, key=lambda one: (_score(one), one.at)):
        near = [
            (abs(event.at - one.at), number)
            for number, event in enumerate(events)
            if event.word == one.word and abs(event.at - one.at) <= SAME and _score(event) < _score(one)
        ]
        if near:
            events[min(near)[1]] = one
        else:
            events.append(one)
    return sorted(events, key=lambda event: (event.at, event.word))


def _score(one: Heard) -> float:
    return 0.0 if one.score is None else one.score
