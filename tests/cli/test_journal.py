"""`wakegate journal` as people and programs use it, on real files."""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from wakegate.cli import journal as journal_command
from wakegate.consent.clock import Moment
from wakegate.errors import WakegateError
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
    Suspected,
    Verdict,
    Wake,
)  # fmt: skip
from wakegate.journal import Journal
from wakegate.place import Place

MODEL = "ab" * 32
RUN = """
import argparse, sys
from wakegate.cli import journal
from wakegate.errors import WakegateError
parser = argparse.ArgumentParser(prog="wakegate")
journal.add(parser.add_subparsers(required=True))
args = parser.parse_args()
try:
    sys.exit(args.run(args))
except WakegateError as error:
    print(f"wakegate: {error}", file=sys.stderr)
    sys.exit(1)
"""


class Done(NamedTuple):
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


Command = Callable[..., Done]


class Noon:
    """Noon on a Saturday, for good."""

    def now(self) -> Moment:
        return Moment(1_795_262_400.0, True, 50.0, "boot-one")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "wakegate")


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Command]:
    for name, value in (("XDG_STATE_HOME", str(tmp_path)), ("COLUMNS", "80"), ("TZ", "UTC")):
        monkeypatch.setenv(name, value)
    time.tzset()

    def run(*args: str) -> Done:
        parser = argparse.ArgumentParser(prog="wakegate")
        journal_command.add(parser.add_subparsers(required=True))
        capsys.readouterr()
        try:
            parsed = parser.parse_args(["journal", *args])
            code = parsed.run(parsed)
            error = ""
        except SystemExit as ended:
            code, error = ended.code, ""
        except WakegateError as raised:
            code, error = 1, str(raised)
        said = capsys.readouterr()
        return Done(code, said.out, said.err + error)

    yield run
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def kitchen(place: Place) -> Place:
    """Record two hours in a kitchen: three wakes, one of them with nobody speaking after it."""
    journal = Journal.open(place, Noon())
    words = ("alexa", "jarvis")
    journal.record(Started(at=0, source="microphone", words=words, model_sha256=MODEL))
    for n, wake in enumerate(("aa11", "ab22", "b333")):
        journal.record(Wake(at=9, id=wake, word="alexa", score=0.91, threshold=0.8, start=1, end=9))
        if n == 0:
            journal.record(Opened(at=9, id=wake, purpose=Purpose.ASSIST, grant="g1"))
            journal.record(Released(at=9, id=wake, purpose=Purpose.ASSIST, start=0, end=40_000))
        journal.record(Refused(at=9, id=wake, purpose=Purpose.REVIEW, reason=Reason.NO_GRANT))
    journal.record(Suspected(at=9, id="b333", reason=Reason.NO_SPEECH))
    journal.record(NearMiss(at=9, word="jarvis", score=0.6, threshold=0.8, start=1, end=9))
    journal.record(Gap(at=9, reason=Reason.DEVICE_OVERFLOW, lost=800))
    journal.record(Exposure(at=9, samples=7200 * 16_000, words=words, model_sha256=MODEL))
    journal.close()
    return place


REPORT = """\
From 2026-11-21 12:00:00 to 2026-11-21 12:00:00. Gaps in the sound: 1.
Wakes
word                    hours wakes true false unlabelled     near misses
alexa    2.00  3     0    1     2, 1 suspected 0
jarvis    2.00  0     0    0     0              1
False accepts per hour
word                    labelled 95 % interval  at worst
alexa     0.5      0.0127 to 2.79 4.38
jarvis    0        0 to 1.84      1.84
At worst: the interval's upper end if every unlabelled wake was a false accept.
Released
purpose   begun complete ended early seconds
assist    1     1        0           2.5
Refused
reason     times
no_grant   3
"""


def words_only(text: str) -> list[list[str]]:
    """Take the frames of the tables away."""
    rows = (re.sub(r"[^\x20-\x7e]", " ", line).split() for line in text.splitlines())
    return [row for row in rows if row]


def test_report_for_people(kitchen: Place, command: Command) -> None:
    Journal.open(kitchen, Noon()).label("aa11", Verdict.FALSE_ACCEPT, Cause.TV)
    done = command("report")
    assert words_only(done.stdout) == words_only(REPORT)
    assert (done.returncode, done.stderr) == (0, "")


def test_report_for_programs(kitchen: Place, command: Command) -> None:
    command("label", "aa", "false-accept")
    parts = [json.loads(line) for line in command("report", "--json").stdout.splitlines()]
    assert [part["part"] for part in parts] == ["journal", "word", "word", "purpose", "refusal"]
    alexa = parts[1]
    assert (alexa["false_accepts"], alexa["unlabelled"], alexa["hours"]) == (1, 2, 2.0)
    assert alexa["interval"] == pytest.approx([0.01266, 2.78582], rel=1e-4)
    assert alexa["worst"] == pytest.approx(4.38364, rel=1e-4)


def test_tail_and_show(kitchen: Place, command: Command) -> None:
    done = command("tail", "-n", "2")
    assert done.stdout == (
        "2026-11-21 12:00:00  near miss of 'jarvis' (score 0.600, threshold 0.800)\n"
        "2026-11-21 12:00:00  0.05 s of sound was lost: the microphone ran over\n"
    )
    assert command("show", "b3").stdout == (
        "2026-11-21 12:00:00  b333  heard 'alexa' (score 0.910, threshold 0.800)\n"
        "2026-11-21 12:00:00  b333  not released for review: nobody opted in\n"
        "2026-11-21 12:00:00  b333  looks like a false accept: nobody spoke\n"
    )
    lines = [json.loads(line) for line in command("tail", "--json").stdout.splitlines()]
    assert len(lines) == 13
    assert lines[-1]["kind"] == "exposure"


def test_label_wants_one_known_wake_and_known_words(kitchen: Place, command: Command) -> None:
    for start, words in (("a", "2 wakes on record"), ("zz", "no wake on record"), ("", "wakes on record")):
        done = command("label", start, "true")
        assert done.returncode == 1
        assert words in done.stderr
        assert "journal tail" in done.stderr
    assert command("label", "aa11", "maybe").returncode == 2
    assert command("label", "aa11", "false-accept", "--cause", "ghosts").returncode == 2
    assert "no cause" in command("label", "aa11", "true", "--cause", "tv").stderr
    assert command("label", "aa11", "true").returncode == 0
    assert "labelled a true wake" in command("show", "aa11").stdout


def test_verify_tells_where_and_mend_goes_on(kitchen: Place, command: Command) -> None:
    done = command("verify")
    assert done.returncode == 0
    assert "13 lines (files: 1) are whole and linked" in done.stdout
    assert re.search(r"head: line 14, [0-9a-f]{64}\n", done.stdout)
    content = bytearray(kitchen.journal.read_bytes())
    content[len(content) // 2] ^= 1
    kitchen.journal.write_bytes(content)
    done = command("verify")
    assert done.returncode == 1
    assert re.search(r"journal\.jsonl is damaged at byte \d+", done.stderr)
    assert "lines before it are whole" in done.stderr
    assert command("label", "aa11", "true").returncode == 1
    mended = command("mend")
    assert mended.returncode == 0
    assert "moved aside" in mended.stderr
    assert command("verify").returncode == 0
    assert "damage was moved to" in command("tail").stdout


def test_export_goes_to_stdout(kitchen: Place, command: Command) -> None:
    done = command("export", "--format", "csv")
    assert done.stdout.startswith("hour,kind,id,word,")
    assert len(done.stdout.splitlines()) == 14
    assert "aa11" not in done.stdout
    assert "13 lines exported" in done.stderr


def test_follow_prints_what_another_process_writes(kitchen: Place, command: Command, tmp_path: Path) -> None:
    env = {**os.environ, "XDG_STATE_HOME": str(tmp_path), "TZ": "UTC", "PYTHONPATH": os.getcwd()}
    start = "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"  # which a shell's job ignores
    args = [sys.executable, "-c", start + RUN, "journal", "tail", "-n", "1", "--follow"]
    with subprocess.Popen(args, stdout=subprocess.PIPE, text=True, env=env) as child:
        assert child.stdout is not None
        assert "sound was lost" in child.stdout.readline()
        command("label", "aa11", "false-accept", "--cause", "child")
        assert "labelled a false accept, cause: child" in child.stdout.readline()
        child.send_signal(signal.SIGINT)
        assert child.wait(timeout=20) == 0, "Ctrl-C is how following ends"


def test_nothing_on_record_is_said(command: Command, place: Place) -> None:
    for action in ("tail", "report"):
        done = command(action)
        assert done.returncode == 0
        assert "nothing is on record" in done.stderr
    assert not place.path.exists()


def test_help_imports_nothing_heavy(command: Command) -> None:
    code = RUN.replace("args = parser.parse_args()", "") + (
        "\nbad = {'onnxruntime', 'sounddevice', 'rich', 'numpy'} & set(sys.modules)\nassert not bad, bad"
    )
    code = code[: code.index("try:")] + code[code.index("\nbad") :]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    help_text = command("label", "--help").stdout
    assert "example: wakegate journal label" in help_text


def test_a_place_without_a_journal_is_not_called_whole(command: Command, place: Place) -> None:
    done = command("verify")
    assert (done.returncode, done.stdout) == (0, "") and "nothing is on record" in done.stderr
