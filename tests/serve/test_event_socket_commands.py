"""What a program may say: every line is answered, few change anything, none grants. Around 5 s."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.gate.world import FakeEar, Scene, ScriptSource
from wakegate.cli.tell import _sentence
from wakegate.consent.grant import Grant
from wakegate.events import SCHEMA, Muter, Purpose
from wakegate.gate.limits import BLOCK
from wakegate.pipeline import Pipeline
from wakegate.serve.event_socket_commands import LABELS_A_MINUTE, Commands


def ask(pipeline, now=0.0, commands=None, **command):
    return json.loads((commands or Commands(pipeline)).answer(json.dumps(command).encode(), now))


def test_status_says_how_things_are(pipeline):
    reply = ask(pipeline, command="status")
    assert reply == {
        "schema": SCHEMA, "kind": "reply", "command": "status", "ok": True, "error": "", "at": 0, "at_s": 0.0,
        "words": ["alexa"], "open": False, "cancelling": False, "muted": None, "muted_for_s": 0.0,
    }  # fmt: skip
    greeting = json.loads(Commands(pipeline).status())
    assert greeting.pop("kind") == "status" and greeting == {name: reply[name] for name in greeting}


def test_mute_and_unmute(pipeline):
    reply = ask(pipeline, command="mute", for_s=5)
    assert (reply["ok"], reply["muted"], reply["muted_for_s"]) == (True, "socket", 5.0)
    reply = ask(pipeline, command="mute")
    assert (reply["muted"], reply["muted_for_s"]) == ("socket", None)
    assert ask(pipeline, command="mute", for_s=1)["muted_for_s"] is None, "a longer mute was cut short"
    reply = ask(pipeline, command="unmute")
    assert (reply["ok"], reply["muted"]) == (True, None)


def test_what_a_person_muted_no_message_unmutes(pipeline):
    pipeline.mute()
    for command in ({"command": "unmute"}, {"command": "mute", "for_s": 0.1}, {"command": "unmute"}):
        reply = ask(pipeline, **command)
        assert reply["muted"] == "device"
    assert not reply["ok"] and "a person" in reply["error"]
    assert pipeline.muted is Muter.DEVICE


def test_a_hold_off_of_the_listeners_own_is_not_the_sockets_to_end(pipeline):
    pipeline.hold_off(10)
    assert ask(pipeline, command="unmute")["muted"] == "hold_off"


def test_a_cancel_with_a_closed_gate_is_refused_and_not_remembered(pipeline):
    reply = ask(pipeline, command="cancel")
    assert not reply["ok"] and "closed" in reply["error"] and not pipeline._cancelling


def test_a_cancel_that_was_taken_is_told_until_the_gate_is_closed(world):
    world.grant(Purpose.ASSIST)
    said, left = [], []
    source = ScriptSource(Scene().quiet(1).word().speech(4).quiet(2).samples())
    with Pipeline.open(
        source, scorer=FakeEar(), place=world.place, clock=world.clock, assist=lambda samples, _: left.append(samples)
    ) as pipeline:

        def cancel():
            said.append(ask(pipeline, command="cancel"))
            left.clear()

        def late():
            said.append(ask(pipeline, command="cancel"))

        source.script = {40_000: cancel, 48_000: late}
        for event in pipeline:
            if event.kind == "opened":
                said.append(ask(pipeline, command="status"))
            if event.kind == "wiped":
                said.append(ask(pipeline, command="status"))
    before, taken, after, refused = [(one["ok"], one["open"], one["cancelling"]) for one in said]
    assert (before, taken, after) == ((True, True, False), (True, True, True), (True, False, False))
    assert refused == (False, False, False)
    assert sum(map(len, left)) == BLOCK, "the block that was being read left: it was right not to say closed"


def test_who_asks_while_a_cancel_takes_effect_never_sees_an_open_gate_and_no_cancel(world):
    world.grant(Purpose.ASSIST)
    said = []
    source = ScriptSource(Scene().quiet(1).word().speech(4).quiet(2).samples())

    def hear(samples, info):
        if info.reason is not None:  # within the cancel
            said.append(ask(pipeline, command="status"))

    with Pipeline.open(source, scorer=FakeEar(), place=world.place, clock=world.clock, assist=hear) as pipeline:
        source.script = {40_000: lambda: pipeline.cancel()}
        list(pipeline)
    (reply,) = said
    assert reply["open"] and reply["cancelling"]


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"open": True, "cancelling": False}, "the gate is open"),
        ({"open": True, "cancelling": True}, "the gate is closing"),
        ({"open": False, "cancelling": False}, "the gate is closed"),
        ({"open": True}, "the gate is open"),  # an older listener
    ],
)
def test_tell_says_in_words_how_the_gate_is(state, said):
    assert _sentence({"words": ["alexa"], "muted": None, **state}) == f"listening for alexa; {said}"


@pytest.fixture
def woken(world):
    """A pipeline on whose journal a wake is, and the wake's id."""
    sound = Scene().quiet(1).word().quiet(1).samples()
    with Pipeline.open(sound, scorer=FakeEar(), place=world.place, clock=world.clock) as first:
        wake = next(event.id for event in first if event.kind == "wake")
    with Pipeline.open(sound, scorer=FakeEar(), place=world.place, clock=world.clock) as pipeline:
        yield pipeline, wake


def test_a_label_is_on_record(woken, world):
    pipeline, wake = woken
    assert ask(pipeline, command="label", id=wake, verdict="false-accept", cause="own-sound")["ok"]
    (line,) = [entry for entry in world.journal_entries() if entry.kind == "label"]
    assert (line.text("id"), line.text("verdict"), line.text("cause")) == (wake, "false-accept", "own-sound")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "verdict"),
        ({"id": "0123", "verdict": "true"}, "no wake '0123'"),
        ({"id": 3, "verdict": "true"}, "id must be"),
        ({"verdict": "true"}, "id must be"),
        ({"id": "0123", "verdict": True}, "verdict is True"),
        ({"id": "0123", "verdict": ["true"]}, "verdict is"),
        ({"id": "0123", "verdict": "true", "cause": {}}, "cause is"),
    ],
)
def test_a_label_of_another_kind_is_refused(pipeline, values, said):
    reply = ask(pipeline, command="label", **values)
    assert not reply["ok"] and said in reply["error"]


def test_labels_cannot_keep_the_disk_busy(woken, world):
    pipeline, wake = woken
    commands = Commands(pipeline)
    for number in range(LABELS_A_MINUTE):
        assert ask(pipeline, number, commands, command="label", id=wake, verdict="true")["ok"]
    assert "a minute" in ask(pipeline, 59, commands, command="label", id=wake, verdict="true")["error"]
    assert ask(pipeline, 61, commands, command="label", id=wake, verdict="true")["ok"]
    assert sum(entry.kind == "label" for entry in world.journal_entries()) == LABELS_A_MINUTE + 1


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"", "one line of JSON"),
        (b"mute", "one line of JSON"),
        (b"\xff\xfe", "one line of JSON"),
        (b"[" * 1024, "one line of JSON"),
        (b"null", "one of status"),
        (b'["mute"]', "one of status"),
        (b'{"command": ["mute"]}', "one of status"),
        (b'{"command": "grant", "purpose": "assist"}', "one of status"),
        (b'{"command": "revoke"}', "one of status"),
        (b'{"command": "mute", "for": 5}', "no field 'for'; its fields: for_s"),
        (b'{"command": "mute", "for_s": 61}', "60 seconds"),
        (b'{"command": "mute", "for_s": NaN}', "60 seconds"),
        (b'{"command": "mute", "for_s": 1e999}', "60 seconds"),
        (b'{"command": "mute", "for_s": true}', "60 seconds"),
        (b'{"command": "unmute", "by": "device"}', "no field 'by'"),
        (b'{"command": "status", "\\ud800": 1}', "no field"),
    ],
)
def test_what_is_no_command_changes_nothing(pipeline, line, said):
    reply = json.loads(Commands(pipeline).answer(line, 0))
    assert not reply["ok"] and said in reply["error"] and pipeline.muted is None


words = st.sampled_from(
    ["status", "mute", "unmute", "cancel", "label", "grant", "revoke", "assist", "consent", "device"]
)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), words),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words | st.text(max_size=4), inner, max_size=3),
    max_leaves=4,
)
names = st.sampled_from(["for_s", "id", "verdict", "cause", "purpose", "grant", "by", "act"])
lines = st.one_of(
    st.binary(max_size=1024),
    values.map(lambda value: json.dumps(value).encode()),
    st.builds(
        lambda command, more: json.dumps({"command": command, **more}).encode(),
        words | values,
        st.dictionaries(names, values, max_size=3),
    ),
)


def test_no_line_crashes_grants_or_ends_a_persons_mute(world, pipeline):
    world.place.muted.touch()
    commands = Commands(pipeline)

    @settings(max_examples=400, deadline=None, derandomize=True, database=None)
    @given(line=lines)
    def say(line):
        reply = json.loads(commands.answer(line, 0))
        assert reply["kind"] == "reply" and reply["muted"] == "device" and reply["ok"] is (reply["error"] == "")
        assert len(reply["error"]) < 400

    say()
    ledger = world.ledger()
    assert not any(isinstance(ledger.decide(purpose), Grant) for purpose in Purpose)
    assert not world.place.ledger.exists()


def test_no_command_reaches_the_ledger():
    """What could grant is not even named where commands are carried out."""
    files = sorted((Path(__file__).parents[2] / "wakegate" / "serve").glob("event_socket*.py"))
    assert len(files) == 4
    for path in files:
        assert not re.search(r"ledger|\.consent|\.grant|Purpose|place", path.read_text()), path
