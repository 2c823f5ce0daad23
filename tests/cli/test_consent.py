"""The commands as a person meets them: a real terminal (pty), real files, no way around the typed yes."""

import argparse
import contextlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli import process
from tests.cli.process import on_terminal
from wakegate.cli import consent
from wakegate.cli.person import open_ledger
from wakegate.consent import notice
from wakegate.consent.grant import Act, Denial, Grant, Surface
from wakegate.consent.ledger import Ledger
from wakegate.consent.receipt import receipt
from wakegate.errors import WakegateError
from wakegate.events import Purpose, Reason
from wakegate.journal.journal import Journal
from wakegate.place import Place
from wakegate.testing import StillClock, granted, reviewer
from wakegate.testing import place as marked_place

KEY, SECRET = reviewer()
ROOT = Path(__file__).parents[2]
SCRIPT = """
import argparse, sys
from wakegate.cli import consent, reset
from wakegate.errors import UsageError, WakegateError
from wakegate.testing import StillClock
top = argparse.ArgumentParser(); commands = top.add_subparsers()
consent.add(commands); reset.add(commands)
args = top.parse_args(sys.argv[1:])
try: sys.exit(args.run(args, clock=StillClock()))
except WakegateError as error:
    print(f"wakegate: {error}", file=sys.stderr)
    sys.exit(2 if isinstance(error, UsageError) else 1)
"""
"""The commands under a set clock: only a caller in Python can pass one, no flag and no variable."""


def environment(home: Path) -> dict[str, str]:
    return {"HOME": str(home), "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "COLUMNS": "200"}


def command(home: Path, *words: str, stdin: bytes = b"", own_clock: bool = False) -> "subprocess.CompletedProcess[str]":
    """Run a command with no terminal at all (a new session)."""
    script = SCRIPT.replace(", clock=StillClock()", "") if own_clock else SCRIPT
    done = subprocess.run(
        [sys.executable, "-c", script, *words], input=stdin, capture_output=True, env=environment(home),
        start_new_session=True, timeout=30, check=False,
    )  # fmt: skip
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def inside(home: Path, *words: str, stdin: bytes = b"") -> "subprocess.CompletedProcess[str]":
    """Run a command that never asks in this process: quicker than a new one."""
    top = argparse.ArgumentParser()
    consent.add(top.add_subparsers())
    out, err, kept = io.StringIO(), io.StringIO(), dict(os.environ)
    os.environ.update(environment(home))
    os.environ.pop("XDG_STATE_HOME", None)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            args = top.parse_args(words)
            code = args.run(args, clock=StillClock())
    except WakegateError as error:
        code = 1
        err.write(str(error))
    finally:
        os.environ.clear()
        os.environ.update(kept)
    return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())


def allow(home: Path, *purposes: Purpose) -> None:
    """Grant as the command does once the person has typed yes."""
    for purpose in purposes:
        keys = [KEY] if "review" in purpose else []
        open_ledger(StillClock(), place(home)).grant(purpose, act=Act(Surface.TERMINAL, "typed yes"), keys=keys)


def typed(home: Path, *words: str, answer: bytes, early: bytes = b"", own_clock: bool = False) -> tuple[int, str]:
    """Run a command on a terminal of its own, answer its question, and return its code and all that was shown."""
    script = SCRIPT.replace(", clock=StillClock()", "") if own_clock else SCRIPT
    return on_terminal(script, *words, cwd=ROOT, environment=environment(home), answer=answer, early=early)


def place(home: Path) -> Place:
    return Place(home / ".local" / "state" / "wakegate")


def ledger(home: Path) -> Ledger:
    return Ledger.open(place(home), StillClock())


def test_a_typed_yes_grants_and_the_notice_says_who_listens(tmp_path: Path) -> None:
    code, shown = typed(tmp_path, "consent", "grant", "review", "--key", KEY, "--days", "30", answer=b"yes\n")
    assert code == 0, shown
    flat = " ".join(shown.split())
    for words in (
        "A PERSON WILL LISTEN",
        KEY,
        notice.short(KEY),
        "30 days",
        "consent revoke review",
        "is granted until",
    ):
        assert words in flat
    answer = ledger(tmp_path).decide(Purpose.REVIEW)
    assert isinstance(answer, Grant) and answer.keys == (KEY,) and answer.act.did == "typed yes"
    assert answer.notice_sha256 == notice.sha256(notice.text(Purpose.REVIEW, [KEY], 30))
    assert " ".join(notice.text(Purpose.REVIEW, [KEY], 30).split()) in flat
    assert sum(isinstance(ledger(tmp_path).decide(purpose), Grant) for purpose in Purpose) == 1


@pytest.mark.parametrize("answer", [b"\n", b"no\n", b"y\n", b"YES\n", b"yes please\n", b"\x04"])
def test_anything_but_yes_is_a_no(tmp_path: Path, answer: bytes) -> None:
    code, shown = typed(tmp_path, "consent", "grant", "assist", answer=answer)
    assert code == 0 and "Nothing was granted" in shown
    assert not place(tmp_path).ledger.exists()


def test_what_was_typed_before_the_question_answers_nothing(tmp_path: Path) -> None:
    code, shown = typed(tmp_path, "consent", "grant", "assist", early=b"yes\nyes\n", answer=b"\n")
    assert code == 0 and "Nothing was granted" in shown and not place(tmp_path).ledger.exists()


def test_without_a_terminal_nobody_can_say_yes(tmp_path: Path) -> None:
    for stdin in (b"", b"yes\n" * 10):
        done = command(tmp_path, "consent", "grant", "assist", stdin=stdin)
        assert done.returncode == 1 and "only a person" in done.stderr and not place(tmp_path).ledger.exists()
    assert command(tmp_path, "consent", "grant", "assist", "--yes").returncode == 2


def test_wrong_keys_and_purposes_teach_and_never_repeat_a_secret(tmp_path: Path) -> None:
    secret = command(tmp_path, "consent", "grant", "review", "--key", SECRET)
    assert secret.returncode == 2 and "secret key" in secret.stderr and SECRET not in secret.stderr + secret.stdout
    none = command(tmp_path, "consent", "grant", "review")
    assert none.returncode == 2 and "--key age1..." in none.stderr and "`age-keygen -o key.txt`" in none.stderr
    assert command(tmp_path, "consent", "grant", "review", "--key", "age1foo").returncode == 2
    assert command(tmp_path, "consent", "grant", "assist", "--key", KEY).returncode == 2
    assert command(tmp_path, "consent", "grant", "assist", "--days", "0").returncode == 2
    assert "180" in command(tmp_path, "consent", "grant", "review", "--key", KEY, "--days", "999").stderr
    unknown = command(tmp_path, "consent", "grant", "everything")
    assert unknown.returncode == 2 and "false_accept_review" in unknown.stderr


def test_the_key_of_the_config_is_offered_and_wants_the_yes_all_the_same(tmp_path: Path) -> None:
    config = tmp_path / ".config" / "wakegate" / "wakegate.toml"
    config.parent.mkdir(parents=True)
    config.write_text(f'[reviewer]\nkey = "{KEY}"\n')
    code, shown = typed(tmp_path, "consent", "grant", "review", answer=b"no\n")
    assert code == 0 and KEY in shown and str(config) in shown and not place(tmp_path).ledger.exists()
    other = reviewer()[0]
    code, shown = typed(tmp_path, "consent", "grant", "review", "--key", other, answer=b"no\n")
    assert other in shown and KEY not in shown
    assert command(tmp_path, "consent", "grant", "review").returncode == 1  # no terminal, no yes
    code, shown = typed(tmp_path, "consent", "grant", "review", answer=b"yes\n")
    answer = ledger(tmp_path).decide(Purpose.REVIEW)
    assert code == 0 and isinstance(answer, Grant) and answer.keys == (KEY,)
    assert answer.notice_sha256 == notice.sha256(notice.text(Purpose.REVIEW, [KEY], 180))
    config.write_text(f'[reviewer]\nkey = "{SECRET}"\n')
    done = command(tmp_path, "consent", "grant", "review")
    assert done.returncode == 1 and "secret key" in done.stderr and SECRET not in done.stderr + done.stdout
    assert typed(tmp_path, "consent", "grant", "assist", answer=b"yes\n")[0] == 0


def test_an_unset_clock_is_said_before_the_yes(tmp_path: Path) -> None:
    from wakegate.consent.clock import SystemClock

    if SystemClock().now().trusted:
        pytest.skip("this machine's clock is set by a time server")
    code, shown = typed(tmp_path, "consent", "grant", "review", "--key", KEY, answer=b"yes\n", own_clock=True)
    assert code == 0 and "stays refused until the clock is" in " ".join(shown.split())
    answer = Ledger.open(place(tmp_path)).decide(Purpose.REVIEW)
    assert isinstance(answer, Denial) and answer.reason is Reason.CLOCK_UNTRUSTED
    assert typed(tmp_path, "consent", "grant", "assist", answer=b"yes\n", own_clock=True)[0] == 0
    assert isinstance(Ledger.open(place(tmp_path)).decide(Purpose.ASSIST), Grant)


def test_revoke_takes_one_step_without_a_terminal_and_status_tells(tmp_path: Path) -> None:
    allow(tmp_path, Purpose.ASSIST)
    before = [json.loads(line) for line in inside(tmp_path, "consent", "status", "--json").stdout.splitlines()]
    assert [line["granted"] for line in before] == [True, False, False, False] and before[0]["until"] is None
    done = command(tmp_path, "consent", "revoke", "assist")
    assert done.returncode == 0 and f"revoked in {place(tmp_path).path}" in done.stdout
    after = [json.loads(line) for line in inside(tmp_path, "consent", "status", "--json").stdout.splitlines()]
    assert after[0]["reason"] == "revoked" and {line["reason"] for line in after[1:]} == {"no_grant"}
    people = inside(tmp_path, "consent", "status").stdout
    assert "assist" in people and "was revoked" in people and "consent grant" in people
    history = [json.loads(line) for line in inside(tmp_path, "consent", "history", "--json").stdout.splitlines()]
    assert [line["kind"] for line in history] == ["grant", "revoke"]
    assert "typed yes" in inside(tmp_path, "consent", "history").stdout


def test_a_revoke_says_that_a_service_has_a_consent_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "service" not in inside(tmp_path, "consent", "revoke", "assist").stderr
    monkeypatch.setattr(consent, "SERVICE", tmp_path)
    assert f"of its own, in {tmp_path}" in inside(tmp_path, "consent", "revoke", "assist").stderr


def test_status_of_a_fresh_device_makes_nothing(tmp_path: Path) -> None:
    done = inside(tmp_path, "consent", "status")
    assert done.returncode == 0 and done.stdout.count("refused") == 4 and not place(tmp_path).path.exists()
    assert inside(tmp_path, "consent", "history").returncode == 0
    assert inside(tmp_path, "consent", "receipt", "assist").returncode == 1
    assert inside(tmp_path, "consent", "revoke", "assist").returncode == 0
    assert not place(tmp_path).path.exists()


def test_every_entry_stands_in_the_journal_too(tmp_path: Path) -> None:
    allow(tmp_path, Purpose.ASSIST)
    allow(tmp_path, Purpose.REVIEW)
    journal = Journal.open(place(tmp_path), StillClock())
    witnessed = Ledger.open(place(tmp_path), StillClock(), journal)
    assert journal.ledger_head() == witnessed.head and isinstance(witnessed.decide(Purpose.REVIEW), Grant)


def test_a_damaged_ledger_is_told_by_status_and_history(tmp_path: Path) -> None:
    allow(tmp_path, Purpose.ASSIST)
    with place(tmp_path).ledger.open("ab") as file:
        file.write(b"x")
    status = inside(tmp_path, "consent", "status")
    assert "ledger_torn" in status.stdout and "cannot be trusted" in status.stderr
    assert inside(tmp_path, "consent", "history").returncode == 1


def test_a_damaged_journal_refuses_a_grant_and_never_a_revocation(tmp_path: Path) -> None:
    allow(tmp_path, Purpose.ASSIST)
    whole = place(tmp_path).journal.read_bytes()
    place(tmp_path).journal.write_bytes(whole.replace(b'"seq":1', b'"seq":7', 1))
    code, shown = typed(tmp_path, "consent", "grant", "review", "--key", KEY, answer=b"yes\n")
    assert code == 1 and "is not granted" in shown
    done = inside(tmp_path, "consent", "revoke", "assist")
    assert done.returncode == 1 and "is revoked here" in done.stderr
    assert isinstance(ledger(tmp_path).decide(Purpose.ASSIST), Denial)


def test_the_receipt_has_the_mandatory_fields(tmp_path: Path) -> None:
    allow(tmp_path, Purpose.REVIEW)
    printed = json.loads(inside(tmp_path, "consent", "receipt", "review").stdout)
    assert {"schema_version", "record_id", "receipt_id", "pii_principal_id"} <= printed["header"].keys()
    assert {
        "privacy_notice", "language", "purpose", "lawful_basis", "pii_information", "pii_controllers",
        "storage_locations", "retention", "jurisdiction", "recipients", "withdrawal_method",
    } <= printed["processing"].keys()  # fmt: skip
    assert printed["processing"]["recipients"] == [KEY] and printed["parties"][0]["party_id"] == KEY
    event = printed["events"][0]
    assert (event["event_state"], event["event_type"], event["validity_duration"]) == ("given", "explicit", "P180D")


def test_a_receipt_of_an_endless_grant_says_so(tmp_path: Path) -> None:
    answer = granted(marked_place(tmp_path / "s"), Purpose.ASSIST).decide(Purpose.ASSIST)
    assert isinstance(answer, Grant)
    printed = receipt(answer, answer.granted)
    json.dumps(printed)
    assert printed["events"][0]["valid_until"] is None  # type: ignore[index]
    assert printed["header"]["receipt_time"] == "2027-01-15T08:00:00Z"  # type: ignore[index]


@pytest.mark.parametrize("purpose", Purpose)
def test_every_notice_says_what_must_be_said(purpose: Purpose) -> None:
    text = notice.text(purpose, [KEY] if "review" in purpose else [], 10)
    assert f"wakegate consent revoke {purpose}" in text and "10 days" in text
    assert ("A PERSON WILL LISTEN" in text) is (KEY in text) is ("review" in purpose)
    assert ("delete_after, 30 days" in text) is ("review" in purpose)
    assert "anonym" not in text and ("For how long: 1 day, then" in notice.text(purpose, days=1))


@pytest.mark.parametrize(("columns", "widest"), [(0, 80), (66, 66), (90, 90), (300, 100)])
@pytest.mark.parametrize(
    "words", [("consent", "grant", "review", "--key", KEY), ("mute", "off"), ("reset",)], ids=" ".join
)
def test_what_is_asked_is_as_wide_as_the_terminal(
    tmp_path: Path, columns: int, widest: int, words: tuple[str, ...]
) -> None:
    process.place(tmp_path).prepare().muted.touch()
    code, shown = process.typed(tmp_path, b"no\n", *words, columns=columns)
    asked = shown.partition("Type yes")[0].splitlines()
    lengths = [len(line) for line in asked if str(tmp_path) not in line]
    assert code == 0 and widest - 15 < max(lengths) <= widest, "broken where it must be, and nowhere else"


def test_status_says_that_a_person_has_muted_the_device(tmp_path: Path) -> None:
    assert "uted" not in inside(tmp_path, "consent", "status").stdout
    place(tmp_path).prepare().muted.touch()
    assert "Muted by a person" in inside(tmp_path, "consent", "status").stdout


def test_what_a_grant_leans_on_is_asked_before_the_person_is(tmp_path: Path) -> None:
    code, shown = typed(tmp_path, "consent", "grant", "improve", answer=b"yes\n")
    assert code == 1 and "`wakegate consent grant review`" in shown and "Type yes" not in shown
