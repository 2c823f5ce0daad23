"""Said: one JSON line of an engine, as something heard.

Owns what a line may be: ``{"at_s": 1.62, "word": "alexa", "score": 0.9}``, ``score`` in any unit, higher is surer, and
left out by an engine that has none. Must never believe a line that it does not understand. Pure.
"""

import json
import math

from ...errors import EngineError
from ...events import SAMPLE_RATE
from ...wake.catalogue import spelled
from ..recording import written
from .engine import Heard

LATE_S = 1.0
"""How far behind the end of the sound an engine may place what it heard last."""
MOST, MOST_A_SECOND = 1_000, 100
"""Things said of a recording: so many, and so many more for each second."""


def heard(line: bytes, length: int) -> Heard:
    """Read one line about a recording of ``length`` samples; what lies behind its end is placed at the end.

    Raises
    ------
    EngineError
        If it is no such line.
    """
    told = line[:200].decode("utf-8", "replace")
    try:
        raw = json.loads(line)
        word, at_s, score = raw["word"], raw["at_s"], raw.get("score")
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise EngineError(f'it said {told!r}, which is not {{"at_s": 1.62, "word": "alexa", "score": 0.9}}') from error
    if not isinstance(word, str) or not spelled(word) or not _number(at_s) or not (score is None or _number(score)):
        raise EngineError(f"it said {told!r}: word is a text, at_s and score are finite numbers")
    if not written(word):
        raise EngineError(f"it said {told!r}: a word is text that can be written as UTF-8, in one line")
    seconds = length / SAMPLE_RATE
    if not 0 <= at_s <= seconds + LATE_S:
        raise EngineError(
            f"it said {told!r} in {seconds:.1f} s of sound: at_s is in seconds (not samples, not ms) from its start"
        )
    at = min(round(at_s * SAMPLE_RATE), length)
    return Heard(word=spelled(word), at=at, score=None if score is None else float(score))


def check_count(count: int, length: int) -> None:
    """Refuse more things said than anybody can hear in ``length`` samples: memory must not fill with them.

    Raises
    ------
    EngineError
        Above 1,000, and 100 more for each second.
    """
    seconds = length / SAMPLE_RATE
    if count > MOST + MOST_A_SECOND * seconds:
        raise EngineError(
            f"it said more than {count - 1} things in {seconds:.1f} s of sound: say each event once, not each frame"
        )


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
