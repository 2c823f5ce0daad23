"""What a long run shows of itself: to a log here, to a terminal of its own below."""

import os
import pty
import subprocess
import sys

import pytest

from wakegate.cli import progress


@pytest.fixture
def clock(monkeypatch):
    """A clock that is set by hand."""
    now = [1000.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_the_pace_is_that_of_what_was_heard_now(clock):
    hours = progress.Hours(10 * 3600.0, lambda now: None)
    hours.by(4 * 3600.0, True)
    assert (str(hours), hours.left) == ("4.00 of 10.00 h", "")
    clock[0] += 60
    hours.by(3600.0, False)
    assert (str(hours), hours.left) == ("5.00 of 10.00 h", "0:05:00 left")


def test_a_log_gets_a_line_now_and_then(clock, capsys):
    with progress.hours("exec:a\x1b", 7200.0) as hours:
        for _ in range(8):
            clock[0] += 16
            hours.by(900.0, False)
    with progress.reading() as told:
        for share in (0.1, 0.2, 0.9):
            clock[0] += 40
            told("hashes of x", share)
    assert capsys.readouterr().err.splitlines() == [
        "exec:a\\x1b: 1.00 of 2.00 h heard  0:01:04 left",
        "exec:a\\x1b: 2.00 of 2.00 h heard  0:00:00 left",
        "hashes of x: 20 %",
    ]


BAR = """
import time
from wakegate.cli import progress
with progress.hours("[red]exec:a", 7200.0) as hours:
    hours.by(3600.0, True)
    time.sleep(0.3)
"""


def test_a_terminal_gets_a_bar():
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", BAR], stderr=theirs, env={**os.environ, "COLUMNS": "120", "TERM": "xterm"}
    ) as process:
        os.close(theirs)
        shown = b""
        try:
            while data := os.read(ours, 4096):
                shown += data
        except OSError:  # the other end is closed
            pass
    os.close(ours)
    assert process.returncode == 0
    assert b"[red]exec:a" in shown and b"1.00 of 2.00 h heard" in shown
