"""What the lines add up to, from timelines drawn by hand."""

from collections.abc import Iterator

import pytest

from wakegate.events import Purpose, Reason, Verdict
from wakegate.journal import Entry, Report, WordRates, report
from wakegate.journal.tally import Tally

OLD, NEW = "0" * 64, "f" * 64
HOUR = 16_000 * 3600


def timeline(*lines: tuple[str, dict[str, object]]) -> Iterator[Entry]:
    for seq, (kind, values) in enumerate(lines, 1):
        yield Entry(seq, "", 1_795_305_600.0 + 60 * seq, True, "boot", kind, values)


def started(model: str) -> tuple[str, dict[str, object]]:
    return "started", {"model_sha256": model, "words": ["alexa", "jarvis"]}


def heard(hours: float, *words: str, model: str = OLD) -> tuple[str, dict[str, object]]:
    return "exposure", {"samples": int(hours * HOUR), "words": list(words), "model_sha256": model}


def wake(event_id: str, word: str) -> tuple[str, dict[str, object]]:
    return "wake", {"id": event_id, "word": word}


def label(event_id: str, verdict: Verdict) -> tuple[str, dict[str, object]]:
    return "label", {"id": event_id, "verdict": verdict.value}


def suspected(event_id: str) -> tuple[str, dict[str, object]]:
    return "suspected", {"id": event_id, "reason": Reason.NO_SPEECH.value}


# hour      0     1     2     3  |  3.5
# alexa     A  f  B  t  C  ?     |  D      f labelled false, t true, ? suspected; D on a new model, not labelled
# jarvis          -              |         listened to for one of the hours only, two near misses
DRAWN = (
    started(OLD),
    wake("A", "alexa"), suspected("A"), label("A", Verdict.FALSE_ACCEPT),
    heard(1, "alexa", "jarvis"),
    wake("B", "alexa"), suspected("B"), label("B", Verdict.FALSE_ACCEPT), label("B", Verdict.TRUE),
    suspected("B"),
    ("near_miss", {"word": "jarvis"}), ("near_miss", {"word": "jarvis"}),
    wake("C", "alexa"), suspected("C"),
    heard(2, "alexa"),
    ("gap", {"reason": "device_overflow"}),
    ("coalesced", {"of": "near_miss", "what": "jarvis", "count": 40}),
    ("coalesced", {"of": "gap", "what": "device_overflow", "count": 4}),
    label("nobody", Verdict.TRUE),
    started(NEW),
    wake("D", "alexa"),
    heard(0.5, "alexa", model=NEW),
)  # fmt: skip


def row(found: Report, word: str, model: str) -> WordRates:
    (one,) = [one for one in found.words if (one.word, one.model) == (word, model[:12])]
    return one


def test_words_are_counted_by_model() -> None:
    found = report(timeline(*DRAWN))
    assert row(found, "alexa", OLD) == WordRates(
        word="alexa", model="0" * 12, hours=3.0, wakes=3, true=1, false_accepts=1, unlabelled=1, suspected=1,
        near_misses=0,
    )  # fmt: skip
    assert row(found, "alexa", NEW) == WordRates(
        word="alexa", model="f" * 12, hours=0.5, wakes=1, true=0, false_accepts=0, unlabelled=1, suspected=0,
        near_misses=0,
    )  # fmt: skip
    jarvis = row(found, "jarvis", OLD)
    assert (jarvis.hours, jarvis.wakes, jarvis.near_misses) == (1.0, 0, 42)
    assert found.gaps == 5
    assert found.until is not None
    assert found.since is not None
    assert found.until - found.since == 60 * (len(DRAWN) - 1)


def test_rates_come_with_their_interval() -> None:
    alexa = row(report(timeline(*DRAWN)), "alexa", OLD)
    assert alexa.per_hour == pytest.approx(1 / 3)
    # Garwood for 1 event: 0.02532 to 5.5716; for 2 (the unlabelled one counted as false): up to 7.2247; over 3 h.
    assert alexa.interval() == pytest.approx((0.025318 / 3, 5.571643 / 3), rel=1e-4)
    assert alexa.worst() == pytest.approx(7.224688 / 3, rel=1e-6)
    jarvis = row(report(timeline(*DRAWN)), "jarvis", OLD)
    assert jarvis.per_hour == 0
    assert jarvis.interval() == pytest.approx((0, 3.688879), rel=1e-6)  # none heard is not none possible


def test_without_hours_there_is_no_rate() -> None:
    (alexa,) = report(timeline(wake("A", "alexa"), label("A", Verdict.FALSE_ACCEPT))).words
    assert (alexa.hours, alexa.per_hour, alexa.interval(), alexa.worst()) == (0, None, None, None)
    assert report(()) == Report(since=None, until=None, words=(), purposes=(), refusals=(), gaps=0)


def test_releases_and_refusals_are_counted_by_purpose_and_reason() -> None:
    assist, review = {"purpose": Purpose.ASSIST.value}, {"purpose": Purpose.REVIEW.value}
    found = report(
        timeline(
            ("opened", assist), ("released", {**assist, "start": 16_000, "end": 48_000}),
            ("opened", assist), ("aborted", {**assist, "sent": 8_000, "reason": "revoked"}),
            ("opened", review), ("aborted", {**review, "sent": 0, "reason": "gap"}),
            ("refused", {**review, "reason": "no_grant"}), ("refused", {**review, "reason": "no_grant"}),
            ("refused", {**assist, "reason": "expired"}),
        )
    )  # fmt: skip
    assert [(one.purpose, one.opened, one.released, one.aborted, one.seconds) for one in found.purposes] == [
        ("assist", 2, 1, 1, 2.5),
        ("review", 1, 0, 1, 0.0),
    ]
    assert found.refusals == (("no_grant", 2), ("expired", 1))


@pytest.mark.parametrize("cut", range(len(DRAWN) + 1))
def test_totals_taken_up_again_equal_the_whole(cut: int) -> None:
    lines = list(timeline(*DRAWN))
    tally = Tally()
    for entry in lines[:cut]:
        tally.add(entry)
    for entry in lines[cut:]:  # later labels of dropped wakes are settled before the drop, as the store does
        if entry.kind == "label":
            tally.judge(entry.text("id"), "true" if entry.text("verdict") == "true" else "false")
        elif entry.kind == "suspected":
            tally.judge(entry.text("id"), "suspected")
    carried = Entry(cut, "", 1_795_305_600.0, True, "boot", "carried", tally.carried())
    rest = [entry for entry in lines[cut:]]
    again, whole = report([carried, *rest]), report(lines)
    assert (again.words, again.purposes, again.refusals, again.gaps) == (
        whole.words, whole.purposes, whole.refusals, whole.gaps,
    )  # fmt: skip


def test_many_words_are_added_up_so_that_a_line_holds_them() -> None:
    lines = [wake(f"{n}", "w" * 150 + str(n)) for n in range(100)]
    tally = Tally()
    for entry in timeline(*lines):
        tally.add(entry)
    carried = Entry(1, "", 0.0, True, "boot", "carried", tally.carried())
    assert len(str(carried.values)) < 3600
    found = report([carried])
    assert sum(one.wakes for one in found.words) == 100
    assert found.words[0].word == "others"
