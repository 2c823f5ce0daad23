"""For the tests of programs that embed wakegate: a place of their own, whose grants no production code accepts.

Owns test places, a clock that stands still and a reviewer's key pair. Must never write into a real place: the ledger of
a test place carries a mark in its first line, and each kind refuses the other::

    place = wakegate.testing.place(tmp_path / "state")
    wakegate.testing.granted(place, Purpose.ASSIST)
    with wakegate.Pipeline.open(sound, place=place, clock=wakegate.testing.StillClock(), assist=...) as pipeline:
        ...
"""

from dataclasses import dataclass, replace
from pathlib import Path

from .consent.clock import Clock, Moment
from .consent.grant import Act, Surface
from .consent.ledger import Ledger
from .consent.purposes import RULES
from .consent.witness import Witness
from .events import Purpose
from .place import Place

START = Moment(wall=1_800_000_000.0, trusted=True, boot=100.0, boot_id="test")


@dataclass(slots=True)
class StillClock:
    """A trusted clock that moves only when told.

    Parameters
    ----------
    moment : Moment
        What it shows.
    """

    moment: Moment = START

    def now(self) -> Moment:
        """Return the moment."""
        return self.moment

    def boot(self) -> float:
        """Return the moment's."""
        return self.moment.boot

    def forward(self, seconds: float) -> None:
        """Move wall and boot time on."""
        self.moment = replace(self.moment, wall=self.moment.wall + seconds, boot=self.moment.boot + seconds)


def place(path: Path) -> Place:
    """Return a test place in a folder of the test's own, made with mode 0700."""
    return Place(path, test=True).prepare()


def reviewer() -> tuple[str, str]:
    """Return a fresh pair of age keys: the public one for a grant, the secret one to open clips with."""
    from pyrage import x25519

    identity = x25519.Identity.generate()
    return str(identity.to_public()), str(identity)


def granted(
    where: Place, *purposes: Purpose, key: str = "", clock: Clock | None = None, witness: Witness | None = None
) -> Ledger:
    """Return a ledger of a test place in which ``purposes`` were granted, in that order.

    Parameters
    ----------
    where : Place
        A test place.
    purposes : Purpose
        What to grant.
    key : str
        The reviewer's public key, where a purpose needs one; a fresh one whose secret nobody has if empty.
    clock : Clock, optional
        A :class:`StillClock` if None.
    witness : Witness, optional
        The journal, if the program under test opens one: more than one grant that it did not see is refused.

    Raises
    ------
    ConfigError
        If the place is a real one.
    """
    ledger = Ledger.open(where, clock or StillClock(), witness)
    for purpose in purposes:
        keys = ((key or reviewer()[0]),) if RULES[purpose].needs_keys else ()
        ledger.grant(purpose, act=Act(Surface.TEST, "wakegate.testing.granted"), keys=keys)
    return ledger
