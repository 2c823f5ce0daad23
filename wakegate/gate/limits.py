"""Limits: how much of one wake may leave, and how often.

Owns the numbers and the ceilings above them that no config can lift. Never asks for consent and never grants: limits
only ever make a release shorter or rarer. Clip lengths and daily clip caps belong to the purpose
(:mod:`wakegate.consent.purposes`), not to these settings.
"""

from dataclasses import dataclass

from ..errors import ConfigError
from ..events import SAMPLE_RATE

WORD_S = 2.5
"""The longest wake word whose start the ring still holds when it is detected."""
BLOCK = 1280
"""Samples the listening loop takes at a time while the gate is open (80 ms): one look at consent."""
LAG_S = 8.0
"""How far a consumer may fall behind the microphone before its release is aborted."""

_CEILINGS: dict[str, tuple[float, float]] = {
    "pre_roll_s": (0.0, 2.0),
    "max_utterance_s": (WORD_S, 30.0),
    "trailing_silence_s": (0.2, 5.0),
    "no_speech_s": (0.5, 10.0),
    "cancel_s": (0.0, 10.0),
    "openings_a_minute": (1, 20),
    "openings_a_day": (1, 2000),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much of one wake may leave, and how often.

    Parameters
    ----------
    pre_roll_s : float
        Seconds before the word that belong to the utterance, 0 to 2.
    max_utterance_s : float
        Longest utterance, pre-roll and word included, 30 s at most; at least ``pre_roll_s`` and 2.5 s, or what left
        could end before the word that it left for.
    trailing_silence_s : float
        Silence after speech that ends the utterance, 0.2 to 5 s.
    no_speech_s : float
        Silence right after the word that ends it and makes the wake suspect, 0.5 to 10 s.
    cancel_s : float
        A cancel this soon after the word makes the wake suspect, 0 to 10 s.
    openings_a_minute, openings_a_day : int
        Wakes that may open the gate in any 60 s (of sound) and any 24 h, at most 20 and 2000.

    Raises
    ------
    ConfigError
        Where a value is not a number inside its bounds.
    """

    pre_roll_s: float = 0.5
    max_utterance_s: float = 15.0
    trailing_silence_s: float = 0.8
    no_speech_s: float = 3.0
    cancel_s: float = 3.0
    openings_a_minute: int = 6
    openings_a_day: int = 500

    def __post_init__(self) -> None:
        """Hold every value to its ceiling."""
        for name, (low, high) in _CEILINGS.items():
            value = getattr(self, name)
            whole = name.startswith("openings")
            if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
                raise ConfigError(f"{name} must be a {'whole ' if whole else ''}number, got {value!r}")
            if not low <= value <= high:
                raise ConfigError(f"{name} must be {low:g} to {high:g}, got {value!r}: no setting lifts this ceiling")
        if samples(self.max_utterance_s) < self.history:
            raise ConfigError(
                f"max_utterance_s must be {self.pre_roll_s + WORD_S:g} or more (pre_roll_s, and {WORD_S:g} s for the "
                f"word), got {self.max_utterance_s!r}: what leaves would end before the word"
            )

    @property
    def pre_roll(self) -> int:
        """Pre-roll in samples."""
        return samples(self.pre_roll_s)

    @property
    def history(self) -> int:
        """Past audio that the ring keeps while the gate is closed, in samples; older sound is overwritten."""
        return self.pre_roll + samples(WORD_S)

    @property
    def ring_samples(self) -> int:
        """Capacity that the ring needs: one whole utterance and the lag of a slow consumer, in whole blocks."""
        return ((self.history + samples(self.max_utterance_s + LAG_S)) // BLOCK + 2) * BLOCK


def samples(seconds: float) -> int:
    """Return the number of samples in ``seconds`` at 16 kHz."""
    return round(seconds * SAMPLE_RATE)
