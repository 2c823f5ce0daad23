"""No line can hold audio: every kind of event goes in, nothing but numbers, words and enums does."""

import json
import typing
from dataclasses import MISSING, fields

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wakegate.errors import JournalError
from wakegate.events import KINDS, Cause, Event, Gap, Muter, Purpose, Reason, Started, Verdict
from wakegate.journal import Journal, read
from wakegate.journal.lines import LONGEST_TEXT, Coalesced, Label, LedgerEntry, Mended, Note, body

NOTES = (Label, LedgerEntry, Coalesced, Mended)
SAMPLES = {
    int: 7, float: 0.5, str: "word", bool: True, tuple[str, ...]: ("alexa", "smart mirror"), Purpose: Purpose.REVIEW,
    Reason: Reason.GAP, Verdict: Verdict.TRUE, Cause | None: Cause.TV, Muter: Muter.DEVICE,
}  # fmt: skip
"""The only types a field of a line may have, with a value of each."""


def example(cls: type[Event] | type[Note]) -> Event | Note:
    hints = typing.get_type_hints(cls)
    return cls(**{field.name: SAMPLES[hints[field.name]] for field in fields(cls)})  # type: ignore[return-value]


@pytest.mark.parametrize("cls", [*KINDS.values(), *NOTES], ids=lambda cls: cls.kind)
def test_every_kind_holds_only_plain_fields(cls: type[Event]) -> None:
    # A field of any other type (bytes, an array, object) has no entry in SAMPLES: KeyError.
    written = json.loads(json.dumps(body(example(cls))))
    assert written["kind"] == cls.kind
    assert set(written) == {"schema", "kind", *(field.name for field in fields(cls))}


def test_every_kind_is_read_back(place, clock) -> None:
    journal = Journal.open(place, clock)
    for cls in KINDS.values():
        journal.record(example(cls), durable=True)
    entries = list(read(place))
    assert [entry.kind for entry in entries] == list(KINDS)
    for entry, cls in zip(entries, KINDS.values(), strict=True):
        event = example(cls)
        for field in fields(cls):
            value = getattr(event, field.name)
            assert entry.values[field.name] == (list(value) if isinstance(value, tuple) else value)
    assert {(entry.wall, entry.trusted, entry.boot) for entry in entries} == {(clock.wall, True, "boot-one")}


sound = st.one_of(
    st.binary(),
    st.binary().map(bytearray),
    st.binary().map(memoryview),
    st.lists(st.integers(-32768, 32767), max_size=50),
    st.lists(st.integers(-32768, 32767), min_size=1, max_size=50).map(tuple),
    st.lists(st.floats(-1, 1), min_size=1, max_size=50).map(lambda values: np.array(values, np.float32)),
    st.lists(st.floats(-1, 1), min_size=1, max_size=50).map(lambda values: np.array(values)[0:1].astype(np.int16)),
    st.dictionaries(st.text(), st.integers()),
    st.sets(st.integers()),
    st.complex_numbers(),
    st.text(min_size=LONGEST_TEXT + 1, max_size=LONGEST_TEXT + 9),
    st.just(float("nan")),
    st.just(np.float32(0.5)),
    st.builds(object),
)


@settings(
    max_examples=120, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(value=sound, data=st.data())
def test_what_is_not_plain_is_refused(place, clock, value, data) -> None:
    cls = data.draw(st.sampled_from(list(KINDS.values())))
    good = example(cls)
    name = data.draw(st.sampled_from([field.name for field in fields(cls) if field.name != "detail"]))
    event = cls(**{field.name: getattr(good, field.name) for field in fields(cls)} | {name: value})
    for durable in (False, True):
        with pytest.raises(JournalError) as caught:
            Journal.open(place, clock).record(event, durable=durable)
        assert name in str(caught.value)
        assert len(str(caught.value)) < 200  # the message cannot hold the value
    assert not place.journal.exists()


def test_an_event_that_the_house_does_not_know_is_refused(place, clock) -> None:
    class Sneaky(Gap):
        """A subclass could bring a field of its own."""

    journal = Journal.open(place, clock)
    with pytest.raises(JournalError, match="Sneaky"):
        journal.record(Sneaky(at=1, reason=Reason.GAP))
    with pytest.raises(JournalError, match="dict"):
        journal.record({"kind": "gap"})  # type: ignore[arg-type]
    with pytest.raises(JournalError, match="Event"):
        journal.record(Event(at=1))


def test_a_long_detail_is_cut_and_a_line_that_cannot_fit_is_refused(place, clock) -> None:
    journal = Journal.open(place, clock)
    journal.record(Gap(at=1, reason=Reason.DEVICE_LOST, detail="x" * 5000), durable=True)
    assert next(read(place)).text("detail") == "x" * (LONGEST_TEXT - 1) + "…"
    with pytest.raises(JournalError, match="bytes"):
        journal.record(Started(at=0, source="mic", words=("w" * 190,) * 30, model_sha256=""))
    assert all(field.default is not MISSING or field.name != "detail" for field in fields(Gap))
