"""What an event says of itself, in words. Around 1 s."""

import pytest

from tests.cli.process import SIX_WORDS
from wakegate.events import KINDS, Aborted, Cause, Muted, Muter, Purpose, Reason, Refused, Verdict, Wake
from wakegate.journal.lines import Entry
from wakegate.pipeline import Pipeline
from wakegate.sentences import sentence
from wakegate.testing import StillClock, place

ID = "0123456789abcdef"


def test_a_pipeline_without_a_grant_says_why_nothing_leaves_and_what_to_do(tmp_path):
    with Pipeline.open(
        str(SIX_WORDS), words=["computer"], place=place(tmp_path / "state"), clock=StillClock()
    ) as heard:
        said = [str(event) for event in heard]
    assert said[0] == "listening to file six_words.flac for computer"
    assert said[1].startswith("heard 'computer' (score 0.")
    assert said[2] == (
        "not released for assist: nobody opted in to assist: to do so, run `wakegate consent grant assist`"
    )
    assert said[-1] == "listening ended: the sound ended"


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_said_in_words(reason):
    said = str(Refused(at=0, id=ID, purpose=Purpose.ASSIST, reason=reason))
    start, why = said.split(": ")
    assert start == "not released for assist" and " " in why and "_" not in why


def test_a_detail_says_more_than_the_reason_alone():
    said = str(Aborted(at=0, id=ID, purpose=Purpose.ASSIST, reason=Reason.REVOKED, sent=8000, detail="run this"))
    assert said == "release for assist ended early, 0.50 s had left: run this"


def test_who_should_connect_is_told_where():
    there = ", which it does where `--assist` or `--mic-uri` points"
    for detail, said in (
        ("no assistant is connected", f"no assistant is connected{there}"),
        ("", f"nothing is connected that would take it{there}"),
        ("give `wakegate listen --assist unix:PATH`", "give `wakegate listen --assist unix:PATH`"),
    ):
        refused = Refused(at=0, id=ID, purpose=Purpose.ASSIST, reason=Reason.NOWHERE_TO_GO, detail=detail)
        assert str(refused) == f"not released for assist: {said}"


def test_a_mute_says_whose_it_is_and_what_ends_it():
    assert str(Muted(at=0, by=Muter.DEVICE)) == (
        "muted by a person at the device: its button, or `wakegate mute off`, ends that"
    )
    assert str(Muted(at=0, by=Muter.SOCKET)) == "muted by a program on the event socket"


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_event_has_a_sentence_even_of_a_line_that_says_nothing(kind):
    assert sentence(kind, {}) != kind


def test_what_it_is_made_of_stays_to_be_seen():
    wake = Wake(at=1, id=ID, word="computer", score=0.5, threshold=0.25, start=0, end=1)
    assert str(wake) == "heard 'computer' (score 0.500, threshold 0.250)" and repr(wake).startswith("Wake(at=1, id=")


def test_an_entry_of_the_journal_says_the_same():
    values = {"id": ID, "verdict": Verdict.FALSE_ACCEPT, "cause": Cause.TV}
    entry = Entry(seq=1, hash="", wall=0.0, trusted=True, boot="", kind="label", values=values)
    assert sentence(entry.kind, entry.values) == "labelled a false accept, cause: tv"
