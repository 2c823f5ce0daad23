"""What others may have: no exact time, no stable id, no name."""

import csv
import io
import json
import re

import pytest

from wakegate.events import (
    Cause,
    Exposure,
    Gap,
    NearMiss,
    Opened,
    Purpose,
    Reason,
    Refused,
    Released,
    Started,
    Verdict,
)  # fmt: skip
from wakegate.journal import Format, Journal, export, read
from wakegate.journal.export import COLUMNS

WAKE = "3f9a77aa55"
SECRETS = (WAKE, "boot-one", "microphone of Anna", "grant-17", "clip-9", "secret detail", "1795305", "4242", ":47")


@pytest.fixture
def written(place, clock, wake):
    journal = Journal.open(place, clock)
    clock.advance(47 * 60 + 47.123)
    journal.record(Started(at=0, source="microphone of Anna", words=("alexa", "jarvis"), model_sha256="ab" * 32))
    journal.record(wake(WAKE))
    journal.record(Refused(at=1, id=WAKE, purpose=Purpose.REVIEW, reason=Reason.NO_GRANT, detail="secret detail"))
    journal.record(Opened(at=1, id=WAKE, purpose=Purpose.ASSIST, grant="grant-17"))
    journal.record(Released(at=1, id=WAKE, purpose=Purpose.ASSIST, start=4242, end=4242 + 24_000, clip="clip-9"))
    journal.record(Gap(at=4242, reason=Reason.DEVICE_LOST, lost=1600, detail="secret detail"))
    for at in range(250):
        journal.record(NearMiss(at=at, word="alexa", score=0.51234567, threshold=0.8, start=0, end=800))
    journal.record(Exposure(at=1, samples=16_000 * 60, words=("alexa",), model_sha256="ab" * 32))
    journal.close()
    journal.record_ledger(3, "cc" * 32)
    journal.label(WAKE, Verdict.FALSE_ACCEPT, Cause.TV)
    return place


def exported(place, form: Format) -> str:
    out = io.StringIO()
    export(read(place), out, form)
    return out.getvalue()


@pytest.mark.parametrize("form", list(Format))
def test_nothing_that_names_anything_leaves(written, form) -> None:
    text = exported(written, form)
    assert "alexa" in text
    for secret in SECRETS:
        assert secret not in text, secret
    assert "cc" * 32 not in text


def test_times_are_hours_and_ids_are_new_each_time(written) -> None:
    one, two = ([json.loads(line) for line in exported(written, Format.JSONL).splitlines()] for _ in range(2))
    assert {row["hour"] for row in one} == {"2026-11-22T00:00Z"} or len({row["hour"] for row in one}) == 1
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:00Z", row["hour"]) for row in one)
    ids = {row["id"] for row in one if "id" in row}
    assert len(ids) == 1
    assert ids.isdisjoint(row.get("id") for row in two)


def test_csv_and_jsonl_say_the_same(written) -> None:
    table = list(csv.DictReader(io.StringIO(exported(written, Format.CSV))))
    lines = [json.loads(line) for line in exported(written, Format.JSONL).splitlines()]
    assert tuple(table[0]) == COLUMNS
    for cells, line in zip(table, lines, strict=True):
        # The ids differ on purpose: each export makes its own.
        assert {k: v for k, v in cells.items() if v and k != "id"} == {k: str(v) for k, v in line.items() if k != "id"}
    by_kind = {line["kind"]: line for line in lines}
    assert by_kind["released"]["seconds"] == 1.5
    assert by_kind["exposure"]["seconds"] == 60.0
    assert by_kind["label"]["verdict"] == "false-accept"
    assert by_kind["label"]["cause"] == "tv"
    near = [line for line in lines if line["kind"] == "near_miss"]
    assert sum(line.get("count", 1) for line in near) == 250
    assert near[0]["score"] == 0.512
    assert "ledger" not in by_kind
