"""Part: recordings whose hours and words may be added up, since none of them is there twice.

Owns what is never added up: a corpus that is heard in several conditions made on the fly is there once in each, so each
is a whole of its own. The corpus's own conditions ("far", "tv") are different sound, and add up within it. Pure.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ..listening.run import Hearing

UNNAMED = "(none)"
"""Recordings to which the corpus gives no condition, where it gives others one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one engine heard in a condition; ``condition`` None is all sound, where none was made."""

    condition: str | None
    hearings: tuple[Hearing, ...]

    @property
    def heard(self) -> tuple[Hearing, ...]:
        """Those that did not fail."""
        return tuple(one for one in self.hearings if not one.failure)


def wholes(hearings: Sequence[Hearing]) -> tuple[Part, ...]:
    """Return a part for each condition made on the fly, in the order of the corpus; one where none was made."""
    return tuple(_by(hearings, lambda one: one.recording.made_condition))


def parts(hearings: Sequence[Hearing]) -> Iterator[Part]:
    """Yield each of the :func:`wholes`, and after it the corpus's own conditions in it where there are several."""
    for whole in wholes(hearings):
        yield whole
        own = sorted(_by(whole.hearings, _own), key=lambda part: str(part.condition))
        if len(own) > 1:
            yield from own


def _own(one: Hearing) -> str:
    condition, made = one.recording.condition, one.recording.made_condition
    return ", ".join(filter(None, (UNNAMED, made))) if condition == (made or "") else condition


def _by(hearings: Sequence[Hearing], named: Callable[[Hearing], str | None]) -> Iterator[Part]:
    found: dict[str | None, list[Hearing]] = {}
    for one in hearings:
        found.setdefault(named(one), []).append(one)
    return (Part(condition=name, hearings=tuple(own)) for name, own in found.items())
