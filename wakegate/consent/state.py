"""What is permitted now: a pure reducer over the ledger's entries, and the question asked of it.

Owns every rule of time and of one purpose leaning on another. Reads no clock and no file. Must never answer with a
grant that the entries do not hold, and every doubt is a denial:

- A grant with an end holds only while the wall clock is trusted, has not gone back behind what the ledger has seen
  since the grant, and neither the trusted wall time nor the summed boot time has used up its days.
- A grant given while the clock was not trusted starts to count once the clock is trusted in that same boot; after a
  restart nobody knows how long ago it was, and it stays refused.
- A purpose that leans on others holds only while one of them does, and falls when the last of them does.
- Every doubt about the ledger voids all grants before it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from ..events import Purpose, Reason
from .clock import Moment
from .entries import Doubted, Entry, Granted, Marked, Revoked
from .grant import Denial, Grant
from .purposes import DAY_S, RULES

TOLERANCE_S = 120.0
"""How far a trusted wall clock may step back before it counts as gone back."""
MARK_EVERY_S = 86_400.0
"""How much boot time may pass before the ledger notes it."""
MARK_AFTER_START_S = 3600.0
"""How much of a new boot may pass before the ledger notes it."""

_ADVICE: Mapping[Reason, str] = {
    Reason.NO_GRANT: "nobody opted in to {0}: to do so, run `wakegate consent grant {0}`",
    Reason.REVOKED: "{0} was revoked: to allow it again, run `wakegate consent grant {0}`",
    Reason.EXPIRED: "the grant of {0} has ended: to renew it, run `wakegate consent grant {0}`",
    Reason.CLOCK_UNTRUSTED: "the grant of {0} has an end and nothing has set this device's clock since it started: "
    "let it reach a time server",
    Reason.CLOCK_WENT_BACK: "the clock shows a time before one that the ledger has seen: set it right, or run "
    "`wakegate consent grant {0}` anew",
    Reason.LEDGER_UNREADABLE: "the consent ledger could not be read, so no earlier grant counts: "
    "run `wakegate consent grant {0}` anew",
    Reason.LEDGER_TORN: "the consent ledger was torn or damaged, so no earlier grant counts: "
    "run `wakegate consent grant {0}` anew",
    Reason.LEDGER_ROLLED_BACK: "the consent ledger is older or other than the journal's record of it, so no earlier "
    "grant counts: run `wakegate consent grant {0}` anew",
    Reason.LEDGER_FOREIGN: "the consent ledger or its folder was not ours alone, so no earlier grant counts: check who "
    "owns and can write it, then run `wakegate consent grant {0}` anew",
    Reason.JOURNAL_UNWRITABLE: "the journal that vouches for the consent ledger cannot be used: run "
    "`wakegate doctor`, then `wakegate consent grant {0}` anew",
}


def denial(purpose: Purpose, reason: Reason, more: str = "") -> Denial:
    """Return a denial whose detail says what to do, with what is known beyond that in brackets."""
    advice = _ADVICE[reason].format(purpose)
    return Denial(purpose, reason, f"{advice} ({more})" if more else advice)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one purpose stands.

    Parameters
    ----------
    reason : Reason
        Why nothing is permitted, where ``grant`` is None.
    grant : Grant or None
        The grant that counts.
    days : int or None
        How long it may last; None is without an end.
    began, last : Moment or None
        When it was given; the last entry whose time was counted.
    anchored : bool
        Whether its start is known in trusted wall time.
    highest : float
        The latest trusted wall time seen since, unix seconds.
    elapsed : float
        Seconds the machine has run since, over all boots: never more than what really passed.
    """

    reason: Reason = Reason.NO_GRANT
    grant: Grant | None = None
    days: int | None = None
    began: Moment | None = None
    last: Moment | None = None
    anchored: bool = False
    highest: float = 0.0
    elapsed: float = 0.0

    def advance(self, now: Moment) -> "Standing":
        """Return the standing with the time up to ``now`` counted; an ended grant is closed for good."""
        if self.grant is None or self.days is None or self.began is None or self.last is None:
            return self
        passed = now.boot - self.last.boot if now.boot_id == self.last.boot_id else now.boot
        then = replace(self, last=now, elapsed=self.elapsed + max(0.0, passed))
        if now.trusted:
            then = then._anchor(now)
        ended = then.anchored and now.trusted and then.grant is not None and now.wall >= (then.grant.expires or 0.0)
        if ended or then.elapsed >= self.days * DAY_S:
            return Standing(Reason.EXPIRED)
        return then

    def _anchor(self, now: Moment) -> "Standing":
        """Count a trusted time; where it is the first since the grant and in the same boot, date the grant by it."""
        if self.grant is None or self.days is None or self.began is None:
            return self
        then = replace(self, highest=max(self.highest, now.wall))
        if self.anchored or now.boot_id != self.began.boot_id:
            return then
        granted = now.wall - max(0.0, now.boot - self.began.boot)
        grant = replace(self.grant, granted=granted, expires=granted + self.days * DAY_S)
        return replace(then, grant=grant, anchored=True)

    def decide(self, purpose: Purpose, now: Moment) -> Grant | Denial:
        """Answer for this standing alone."""
        if self.grant is None:
            return denial(purpose, self.reason)
        if self.days is None:
            return self.grant
        then = self.advance(now)
        if then.grant is None:
            return denial(purpose, then.reason)
        if not now.trusted:
            return denial(purpose, Reason.CLOCK_UNTRUSTED)
        if now.wall < self.highest - TOLERANCE_S:
            return denial(purpose, Reason.CLOCK_WENT_BACK)
        if not then.anchored:
            return denial(
                purpose,
                Reason.CLOCK_UNTRUSTED,
                f"it was given while the clock was not set, and the device restarted before it was: run `wakegate "
                f"consent grant {purpose}` anew",
            )
        return then.grant


@dataclass(frozen=True, slots=True)
class State:
    """Where every purpose stands after some entries.

    Parameters
    ----------
    standings : tuple of Standing
        One for each Purpose, in their order.
    """

    standings: tuple[Standing, ...] = tuple(Standing() for _ in Purpose)

    def of(self, purpose: Purpose) -> Standing:
        """Return where one purpose stands."""
        return self.standings[_PLACE[purpose]]

    @property
    def granted(self) -> set[Purpose]:
        """The purposes that hold a grant, whether or not it permits just now."""
        return {purpose for purpose in Purpose if self.of(purpose).grant is not None}

    def step(self, entry: Entry) -> "State":
        """Return the state after one more entry."""
        state = State(tuple(standing.advance(entry.stamp) for standing in self.standings))._drop(Reason.EXPIRED)
        match entry:
            case Granted():
                return state._with(entry.purpose, _opened(entry, state))
            case Revoked():
                return state._with(entry.purpose, Standing(Reason.REVOKED))._drop(Reason.REVOKED)
            case Doubted():
                return State(tuple(Standing(entry.reason) for _ in Purpose))
            case Marked():
                return state

    def decide(self, purpose: Purpose, now: Moment) -> Grant | Denial:
        """Say whether ``purpose`` is permitted at ``now``, and by which grant."""
        answer = self.of(purpose).decide(purpose, now)
        bases = RULES[purpose].leans_on
        if isinstance(answer, Denial) or not bases:
            return answer
        denials = [base for base in (self.of(one).decide(one, now) for one in bases) if isinstance(base, Denial)]
        if len(denials) < len(bases):
            return answer
        names = " or ".join(bases)
        return denial(purpose, denials[0].reason, f"{purpose} needs a grant of {names} beside it")

    def fallen(self) -> tuple[Purpose, ...]:
        """Return the granted purposes none of whose bases is granted any more."""
        return tuple(
            purpose
            for purpose, rule in RULES.items()
            if rule.leans_on
            and self.of(purpose).grant is not None
            and all(self.of(base).grant is None for base in rule.leans_on)
        )

    def leaning(self, purpose: Purpose) -> tuple[Purpose, ...]:
        """Return what falls if ``purpose`` does."""
        return self._with(purpose, Standing(Reason.REVOKED)).fallen()

    def due(self, now: Moment) -> bool:
        """Whether the ledger should note the time: a grant ended, could be dated, or long ran unseen."""
        for standing in self.standings:
            if standing.grant is None or standing.days is None or standing.last is None:
                continue
            then = standing.advance(now)
            if then.grant is None or then.anchored != standing.anchored:
                return True
            if now.boot_id != standing.last.boot_id:
                # Not at once: a device that restarts over and over must not fill its disk with marks.
                unseen, every = now.boot, MARK_AFTER_START_S
            else:
                unseen, every = now.boot - standing.last.boot, MARK_EVERY_S
            if unseen >= every:
                return True
        return False

    def _drop(self, reason: Reason) -> "State":
        """Close what leans on nothing any more."""
        state = self
        for purpose in self.fallen():
            state = state._with(purpose, Standing(reason))
        return state

    def _with(self, purpose: Purpose, standing: Standing) -> "State":
        place = _PLACE[purpose]
        return State((*self.standings[:place], standing, *self.standings[place + 1 :]))


_PLACE = {purpose: place for place, purpose in enumerate(Purpose)}


def _opened(entry: Granted, state: State) -> Standing:
    """Return the standing after a grant. One that breaks the rules of its purpose grants nothing."""
    rule, stamp = RULES[entry.purpose], entry.stamp
    allowed = rule.endless if entry.days is None else entry.days <= rule.max_days
    based = not rule.leans_on or any(state.of(base).grant is not None for base in rule.leans_on)
    if not allowed or not based or rule.needs_keys != bool(entry.keys):
        return Standing(Reason.NO_GRANT)
    grant = Grant(
        id=entry.id,
        purpose=entry.purpose,
        granted=stamp.wall,
        expires=None if entry.days is None else stamp.wall + entry.days * DAY_S,
        keys=entry.keys,
        notice_sha256=entry.notice_sha256,
        act=entry.act,
    )
    return Standing(
        grant=grant,
        days=entry.days,
        began=stamp,
        last=stamp,
        anchored=stamp.trusted,
        highest=stamp.wall if stamp.trusted else 0.0,
    )


def replay(entries: Iterable[Entry]) -> State:
    """Return the state after all entries, from nothing."""
    state = State()
    for entry in entries:
        state = state.step(entry)
    return state
