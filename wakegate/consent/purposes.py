"""The rules of each purpose: one closed table.

Owns the ceilings that no grant, config or caller can lift. Must never gain a purpose that is on by default.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ..errors import ConfigError
from ..events import Purpose

DAY_S = 86_400
KEEP_DAYS = 30
"""Days that a reviewer may keep a clip. Counted from the day of sealing: the grant's own end would mark the device."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a grant of one purpose may be.

    Parameters
    ----------
    endless : bool
        Whether it may be granted without an end.
    max_days : int
        The most days it may be granted for.
    default_days : int or None
        Days where the person names none; None is without an end.
    needs_keys : bool
        Whether the grant must name the reviewers' keys.
    leans_on : tuple of Purpose
        It falls when none of these is granted any more. Empty: it stands alone.
    clip_s : float
        Longest clip in seconds; 0 where no clip is kept.
    clips_a_day, seconds_a_day : int, float
        Daily caps.
    """

    endless: bool = False
    max_days: int = 180
    default_days: int | None = 180
    needs_keys: bool = False
    leans_on: tuple[Purpose, ...] = ()
    clip_s: float = 0.0
    clips_a_day: int = 0
    seconds_a_day: float = 0.0


RULES: Mapping[Purpose, Rule] = MappingProxyType(
    {
        Purpose.ASSIST: Rule(endless=True, max_days=3650, default_days=None),
        Purpose.REVIEW: Rule(needs_keys=True, clip_s=8.0, clips_a_day=20, seconds_a_day=60.0),
        Purpose.FALSE_ACCEPT_REVIEW: Rule(needs_keys=True, clip_s=2.5, clips_a_day=20, seconds_a_day=60.0),
        Purpose.IMPROVE: Rule(leans_on=(Purpose.REVIEW, Purpose.FALSE_ACCEPT_REVIEW)),
    }
)


def checked_days(purpose: Purpose, days: int | None) -> int | None:
    """Return for how many days a grant runs, None for without an end.

    Raises
    ------
    ConfigError
        If the purpose's rule does not allow that many.
    """
    rule = RULES[purpose]
    if days is None:
        return rule.default_days
    if type(days) is not int or not 1 <= days <= rule.max_days:
        raise ConfigError(f"{purpose} can be granted for 1 to {rule.max_days} whole days, got {days!r}")
    return days
