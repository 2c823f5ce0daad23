"""``wakegate demo`` tells the whole story, twice the same. Around 4 s."""

import json
import re

import pytest

from tests.cli.process import command, environment
from wakegate.cli import main


@pytest.fixture
def demo(tmp_path, monkeypatch, capsys):
    for name, value in environment(tmp_path).items():
        monkeypatch.setenv(name, value)

    def run(*words):
        assert main(["demo", *words]) == 0
        out, err = capsys.readouterr()
        assert err == ""
        return out

    return run


def test_the_same_command_gives_the_same_output(demo, tmp_path):
    done = command(tmp_path, "demo")
    assert done.returncode == 0 and done.stderr == b""
    assert done.stdout.decode() == demo() == demo()
    assert demo("--json") == demo("--json")


def test_it_tells_withheld_released_revoked_wiped_in_this_order(demo):
    out = demo()
    assert re.search(
        r"(?s)computer.*withheld.*overwritten.*somebody opts in.*computer.*the gate opens.*released.*overwritten"
        r".*computer.*the gate opens.*somebody takes it back.*revoked.*overwritten",
        out,
        re.IGNORECASE,
    ), out
    times = [float(line[:7]) for line in out.splitlines() if re.match(r" *\d+\.\d\d s  ", line)]
    assert len(times) > 10 and times == sorted(times)


def test_the_events_behind_the_story(demo):
    events = [json.loads(line) for line in demo("--json").splitlines()]
    assist = [
        (event["kind"], event.get("reason", ""))
        for event in events
        if event["kind"] in ("wake", "wiped") or event.get("purpose") == "assist"
    ]
    kinds = [
        ("wake", ""), ("refused", "no_grant"), ("wiped", ""),
        ("wake", ""), ("opened", ""), ("released", ""), ("wiped", ""),
        ("wake", ""), ("opened", ""), ("aborted", "revoked"), ("wiped", ""),
    ]  # fmt: skip
    assert assist == kinds
    assert not any({"id", "grant"} & set(event) for event in events)
    (revoked,) = [event for event in events if event.get("reason") == "revoked"]
    # It is taken back between two blocks of 80 ms; the one after that is not sent any more.
    assert 25.0 <= revoked["at_s"] < 25.0 + 2 * 0.08 + 0.001


def test_it_counts_what_the_assistant_received(demo):
    events = [json.loads(line) for line in demo("--json").splitlines()]
    sent = sum(event["end"] - event["start"] for event in events if event["kind"] == "released")
    sent += sum(event["sent"] for event in events if event["kind"] == "aborted")
    assert f"received {sent / 16_000:.1f} s of sound" in demo()


def test_nothing_of_this_user_is_read_or_written(demo, tmp_path):
    demo()
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "state" / "wakegate").mkdir(parents=True)
    (tmp_path / "state" / "wakegate" / "ledger.jsonl").write_text("not a ledger")
    before = demo()
    (tmp_path / "state" / "wakegate" / "ledger.jsonl").unlink()
    assert demo() == before
