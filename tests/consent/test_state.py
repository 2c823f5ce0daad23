"""The pure reducer: every short history against rules written a second time, plainly."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from wakegate.consent.clock import Moment
from wakegate.consent.entries import Doubted, Entry, Granted, Marked, Revoked, from_values, to_values
from wakegate.consent.grant import Act, Denial, Grant, Surface
from wakegate.consent.purposes import DAY_S, RULES
from wakegate.consent.state import State, replay
from wakegate.errors import SchemaError
from wakegate.events import Purpose, Reason

START = Moment(1_800_000_000.0, True, 1000.0, "a")
HOUR, DAY = 3600.0, float(DAY_S)
ACT = Act(Surface.TERMINAL, "typed yes")
REVIEW_DAYS = 10


def grant(purpose: Purpose, stamp: Moment, days: int | None = REVIEW_DAYS) -> Granted:
    keys = ("age1reviewer",) if RULES[purpose].needs_keys else ()
    return Granted(
        stamp=stamp, id=f"{purpose}@{stamp.wall}", purpose=purpose, days=None if purpose is Purpose.ASSIST else days,
        keys=keys, notice_version="1", notice_sha256="0" * 64, language="en", act=ACT,
    )  # fmt: skip


def later(moment: Moment, seconds: float, **changes: object) -> Moment:
    return replace(moment, wall=moment.wall + seconds, boot=moment.boot + abs(seconds), **changes)  # type: ignore[arg-type]


def stamps(last: Moment) -> Iterator[Moment]:
    yield later(last, HOUR, trusted=True)
    yield replace(last, wall=1000.0, trusted=False, boot=last.boot + HOUR)
    yield replace(last, wall=START.wall + 2 * DAY, trusted=True, boot=20.0, boot_id=last.boot_id + "b")


def kinds(stamp: Moment) -> Iterator[Entry]:
    for purpose in (Purpose.ASSIST, Purpose.REVIEW, Purpose.IMPROVE):
        yield grant(purpose, stamp)
    for purpose in (Purpose.ASSIST, Purpose.REVIEW):
        yield Revoked(stamp=stamp, purpose=purpose)
    yield Doubted(stamp=stamp, reason=Reason.LEDGER_TORN, kept="")
    yield Marked(stamp=stamp)


def moments(last: Moment) -> Iterator[Moment]:
    yield later(last, 1.0, trusted=True)
    yield later(last, 1.0, trusted=False)
    yield later(last, 11 * DAY, trusted=True)
    yield replace(last, wall=max(0.0, last.wall - HOUR), trusted=True, boot=last.boot + 1)
    yield replace(last, wall=START.wall + 3 * DAY, trusted=True, boot=last.boot + 11 * DAY)
    yield replace(last, wall=START.wall + 3 * DAY, trusted=True, boot=5.0, boot_id="z")
    yield replace(last, wall=START.wall + 12 * DAY, trusted=True, boot=5.0, boot_id="z")


def permitted(entries: Sequence[Entry], purpose: Purpose, now: Moment) -> bool:
    """Whether the rules, written plainly, permit; what leans on others is not looked at here."""
    places = [place for place, entry in enumerate(entries) if isinstance(entry, Granted) and entry.purpose is purpose]
    if not places:
        return False
    given, after = entries[places[-1]], entries[places[-1] + 1 :]
    assert isinstance(given, Granted)
    if any(isinstance(e, Doubted) or (isinstance(e, Revoked) and e.purpose is purpose) for e in after):
        return False
    if given.days is None:
        return True
    if not now.trusted:
        return False
    seen = [given.stamp, *(entry.stamp for entry in after)]
    if any(stamp.trusted and now.wall < stamp.wall - 120 for stamp in seen):
        return False
    start = None
    ran, before = 0.0, given.stamp
    for stamp in [*seen, now]:
        if start is None and stamp.trusted and stamp.boot_id == given.stamp.boot_id:
            start = stamp.wall - (stamp.boot - given.stamp.boot)
        ran += max(0.0, stamp.boot - before.boot) if stamp.boot_id == before.boot_id else stamp.boot
        before = stamp
        if ran >= given.days * DAY or (start is not None and stamp.trusted and stamp.wall >= start + given.days * DAY):
            return False
    return start is not None


def histories(length: int) -> Iterator[tuple[tuple[Entry, ...], State]]:
    stack: list[tuple[tuple[Entry, ...], State]] = [((), State())]
    while stack:
        entries, state = stack.pop()
        yield entries, state
        if len(entries) < length:
            last = entries[-1].stamp if entries else START
            for stamp in stamps(last):
                stack += [((*entries, entry), state.step(entry)) for entry in kinds(stamp)]


def test_every_history_of_three_entries_permits_what_the_plain_rules_permit_and_nothing_else() -> None:
    yes = checked = 0
    for entries, state in histories(3):
        for now in moments(entries[-1].stamp if entries else START):
            for purpose in Purpose:
                answer = state.decide(purpose, now)
                expected = permitted(entries, purpose, now)
                if purpose is Purpose.IMPROVE:
                    # It leans on review: never more than its own grant and review's.
                    assert not isinstance(answer, Grant) or (expected and permitted(entries, Purpose.REVIEW, now))
                else:
                    assert isinstance(answer, Grant) is expected, f"{entries} at {now}: {answer}"
                if isinstance(answer, Grant):
                    assert answer.purpose is purpose and answer.id in {e.id for e in entries if isinstance(e, Granted)}
                    yes += 1
                else:
                    assert isinstance(answer, Denial) and answer.purpose is purpose
                    assert "`" in answer.detail or "time server" in answer.detail
                checked += 1
    assert checked > 200_000 and yes > 5_000


def test_a_mark_changes_no_answer_at_its_own_moment() -> None:
    for entries, state in histories(2):
        for now in moments(entries[-1].stamp if entries else START):
            marked = state.step(Marked(stamp=now))
            for purpose in Purpose:
                before, after = state.decide(purpose, now), marked.decide(purpose, now)
                went_back = isinstance(before, Denial) and before.reason is Reason.CLOCK_WENT_BACK
                fell = isinstance(after, Denial) and purpose is Purpose.IMPROVE
                assert went_back or fell or isinstance(before, Grant) is isinstance(after, Grant)
            assert not marked.due(now)


def reason(entries: Sequence[Entry], purpose: Purpose, now: Moment) -> Reason | None:
    answer = replay(entries).decide(purpose, now)
    return answer.reason if isinstance(answer, Denial) else None


def test_each_refusal_has_its_own_reason() -> None:
    review = grant(Purpose.REVIEW, START)
    soon = later(START, HOUR)
    assert reason([], Purpose.REVIEW, soon) is Reason.NO_GRANT
    assert reason([review], Purpose.REVIEW, soon) is None
    assert reason([review], Purpose.FALSE_ACCEPT_REVIEW, soon) is Reason.NO_GRANT
    assert reason([review, Revoked(stamp=soon, purpose=Purpose.REVIEW)], Purpose.REVIEW, soon) is Reason.REVOKED
    assert reason([review], Purpose.REVIEW, later(START, REVIEW_DAYS * DAY - 1)) is None
    assert reason([review], Purpose.REVIEW, later(START, REVIEW_DAYS * DAY)) is Reason.EXPIRED
    assert reason([review], Purpose.REVIEW, replace(soon, trusted=False)) is Reason.CLOCK_UNTRUSTED
    assert reason([review], Purpose.REVIEW, replace(soon, wall=START.wall - 119)) is None
    assert reason([review], Purpose.REVIEW, replace(soon, wall=START.wall - 121)) is Reason.CLOCK_WENT_BACK
    for doubt in (Reason.LEDGER_TORN, Reason.LEDGER_FOREIGN, Reason.LEDGER_ROLLED_BACK, Reason.LEDGER_UNREADABLE):
        assert reason([review, Doubted(stamp=soon, reason=doubt, kept="")], Purpose.REVIEW, soon) is doubt


def test_assist_without_an_end_needs_no_clock_at_all() -> None:
    entries = [grant(Purpose.ASSIST, replace(START, trusted=False))]
    for now in (
        replace(START, wall=0.0, trusted=False, boot=1.0, boot_id="b"),
        replace(START, wall=5.0),
        later(START, 9e9),
    ):
        assert reason(entries, Purpose.ASSIST, now) is None


def test_boot_time_ends_a_grant_when_the_wall_clock_stands_still() -> None:
    entries: list[Entry] = [grant(Purpose.REVIEW, START)]
    for day in range(1, REVIEW_DAYS):
        entries.append(Marked(stamp=replace(START, boot=START.boot + day * DAY)))
    still = replace(START, boot=START.boot + REVIEW_DAYS * DAY - 1)
    assert reason(entries, Purpose.REVIEW, still) is None
    assert reason(entries, Purpose.REVIEW, replace(still, boot=still.boot + 1)) is Reason.EXPIRED


def test_an_end_that_was_seen_stays_when_the_clock_goes_back() -> None:
    ended = later(START, REVIEW_DAYS * DAY)
    entries = [grant(Purpose.REVIEW, START), Marked(stamp=ended)]
    assert replay(entries[:1]).due(ended)
    assert reason(entries, Purpose.REVIEW, replace(ended, wall=ended.wall - 60)) is Reason.EXPIRED


def test_a_grant_under_an_unset_clock_counts_from_when_it_is_set_in_that_same_boot() -> None:
    unset = replace(START, wall=86_400.0, trusted=False)
    state = replay([grant(Purpose.REVIEW, unset)])
    now = replace(START, boot=START.boot + 60)
    answer = state.decide(Purpose.REVIEW, now)
    assert isinstance(answer, Grant) and answer.granted == now.wall - 60
    assert answer.expires == now.wall - 60 + REVIEW_DAYS * DAY and state.due(now)
    other_boot = replace(now, boot=5.0, boot_id="b")
    refused = state.decide(Purpose.REVIEW, other_boot)
    assert isinstance(refused, Denial) and refused.reason is Reason.CLOCK_UNTRUSTED and "restarted" in refused.detail
    # Once noted, the date survives the restart.
    assert isinstance(state.step(Marked(stamp=now)).decide(Purpose.REVIEW, later(other_boot, 60)), Grant)


def test_improve_falls_with_the_last_review_and_does_not_come_back() -> None:
    two = [grant(Purpose.REVIEW, START), grant(Purpose.FALSE_ACCEPT_REVIEW, START), grant(Purpose.IMPROVE, START)]
    soon = later(START, 1)
    one = [*two, Revoked(stamp=soon, purpose=Purpose.REVIEW)]
    assert reason(one, Purpose.IMPROVE, soon) is None
    none: list[Entry] = [*one, Revoked(stamp=soon, purpose=Purpose.FALSE_ACCEPT_REVIEW)]
    assert reason(none, Purpose.IMPROVE, soon) is Reason.REVOKED
    assert reason([*none, grant(Purpose.REVIEW, soon)], Purpose.IMPROVE, soon) is Reason.REVOKED
    alone = [grant(Purpose.IMPROVE, START)]
    assert reason(alone, Purpose.IMPROVE, soon) is Reason.NO_GRANT


def test_an_entry_beyond_its_rules_grants_nothing() -> None:
    soon = later(START, 1)
    for entry in (
        replace(grant(Purpose.REVIEW, START), days=None),
        replace(grant(Purpose.REVIEW, START), days=181),
        replace(grant(Purpose.REVIEW, START), keys=()),
        replace(grant(Purpose.ASSIST, START), keys=("age1x",)),
    ):
        assert reason([entry], entry.purpose, soon) is Reason.NO_GRANT


def test_entries_survive_the_file_and_unknown_ones_are_refused() -> None:
    for entry in kinds(START):
        assert from_values(to_values(entry)) == entry
    good = to_values(grant(Purpose.REVIEW, START))
    for changed in (
        good | {"kind": "allow"}, good | {"purpose": "all"}, good | {"more": 1}, good | {"days": True},
        good | {"days": 0}, good | {"at": "now"}, good | {"trusted": 1}, good | {"keys": "age1"}, {},
        good | {"surface": "mqtt"},
        {name: value for name, value in good.items() if name != "id"},
        to_values(Doubted(stamp=START, reason=Reason.LEDGER_TORN, kept="")) | {"reason": "expired"},
    ):  # fmt: skip
        with pytest.raises(SchemaError):
            from_values(changed)
