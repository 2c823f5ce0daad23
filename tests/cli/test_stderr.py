"""What is said on stderr while something listens, to a reader who pauses or goes away. Around 15 s."""

import contextlib
import io
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from tests.cli.process import RATE, environment, narrow, six_words, started
from wakegate.cli import journald
from wakegate.cli.stderr import printed
from wakegate.cli.terminal import say

WITHIN = """
import signal, sys
from wakegate.cli.stderr import printed
with printed():
    signal.signal(signal.SIGALRM, lambda *_: print("b", file=sys.stderr))
    signal.setitimer(signal.ITIMER_REAL, 1e-4, 1e-4)
    for _ in range(50_000):
        print("a", file=sys.stderr)
    signal.setitimer(signal.ITIMER_REAL, 0)
"""


@pytest.fixture
def pipe():
    """A pipe for some 4096 bytes: (its end to read, what is written to)."""
    reading, writing = narrow()
    with open(reading, "rb", buffering=0) as there, open(writing, "w", encoding="utf-8") as here:
        yield there, here


def test_a_stderr_that_nobody_reads_holds_up_neither_words_nor_the_log_and_tells_how_much_was_lost(pipe, monkeypatch):
    there, here = pipe
    monkeypatch.setattr(sys, "stderr", here)
    log, got = logging.getLogger("wakegate.somewhere"), []
    monkeypatch.setattr(log, "handlers", [logging.lastResort])  # as where pytest does not listen
    monkeypatch.setattr(log, "propagate", False)
    began = time.monotonic()
    with printed():
        for number in range(1000):
            say(f"wakegate: {number} " + "x" * 80)
            log.warning("a line of the log")
        assert time.monotonic() - began < 5
        reader = threading.Thread(target=lambda: got.extend(there.readlines()))
        reader.start()
        time.sleep(0.5)
        say("after")
    assert sys.stderr is here
    here.close()
    reader.join(10)
    lines = b"".join(got).decode().splitlines()
    kept = lines[:-2]
    assert kept[:2] == ["wakegate: 0 " + "x" * 80, "a line of the log"]
    assert lines[-2:] == [f"{2000 - len(kept)} lines were left out: nobody read them in time", "after"]


def test_the_log_reaches_systemd_s_journal_while_something_listens_and_after(pipe, monkeypatch):
    there, here = pipe
    about, log = os.fstat(here.fileno()), logging.getLogger("wakegate")
    monkeypatch.setenv("JOURNAL_STREAM", f"{about.st_dev}:{about.st_ino}")
    monkeypatch.setattr(sys, "stderr", here)
    monkeypatch.setattr(log, "handlers", [])
    monkeypatch.setattr(log, "propagate", False)
    for _ in range(2):
        with printed():
            journald.log()
            log.warning("listening")
        log.warning("over")
    here.close()
    assert there.readall() == b"<4>wakegate: listening\n<4>wakegate: over\n" * 2


def test_lines_of_many_threads_stay_whole(monkeypatch):
    monkeypatch.setattr(sys, "stderr", out := io.StringIO())
    with printed():
        threads = [threading.Thread(target=lambda: [print("a" * 50, file=sys.stderr) for _ in range(100)])]
        threads += [threading.Thread(target=lambda: [print("b" * 50, file=sys.stderr) for _ in range(100)])]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
    assert sorted(out.getvalue().splitlines()) == ["a" * 50] * 100 + ["b" * 50] * 100


def test_a_line_that_was_begun_and_never_ended_is_printed_at_the_end(monkeypatch):
    monkeypatch.setattr(sys, "stderr", out := io.StringIO())
    with printed():
        print("wakegate: whole", file=sys.stderr)
        thread = threading.Thread(target=lambda: print("begun by", "a thread", end="", file=sys.stderr))
        thread.start()
        thread.join()  # it is gone before the end
        print("begun ", end="", file=sys.stderr)
        print("twice", end="", file=sys.stderr, flush=True)
    assert out.getvalue().splitlines() == ["wakegate: whole", "begun by a thread", "begun twice"]


def test_what_the_process_says_last_without_an_end_of_line_is_read(tmp_path):
    """As a library of a program around us may; and nothing is added where nothing was begun."""
    code = "import sys; from wakegate.cli.stderr import printed\nwith printed(): sys.stderr.write(sys.argv[1])"
    for said in ("Terminated", "Terminated\n", ""):
        command = [sys.executable, "-c", code, said]
        done = subprocess.run(command, stderr=subprocess.PIPE, env=environment(tmp_path), timeout=60, check=True)
        assert done.stderr.decode().removesuffix("\n") == said.removesuffix("\n")


def test_a_line_from_within_a_line_waits_for_nobody(tmp_path):
    """As of a finalizer, which runs wherever the collector does: asyncio has some that complain."""
    command = [sys.executable, "-c", WITHIN]
    subprocess.run(command, stderr=subprocess.DEVNULL, env=environment(tmp_path), timeout=60, check=True)


def test_a_stderr_whose_reader_is_gone_ends_nothing(pipe, monkeypatch):
    there, here = pipe
    there.close()
    monkeypatch.setattr(sys, "stderr", here)
    with printed():
        for _ in range(5):
            say("to nobody")
            time.sleep(0.05)


def full(descriptor):
    """Fill a pipe to the last byte."""
    os.set_blocking(descriptor, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(descriptor, b"x")
    os.set_blocking(descriptor, True)


@pytest.mark.parametrize("name", ["listen", "serve"])
def test_a_listener_goes_on_and_ends_while_nobody_reads_its_stderr(tmp_path, name):
    """Each reload says a line there, in the thread that listens."""
    reading, writing = narrow()
    full(writing)
    config = tmp_path / "config" / "wakegate" / "wakegate.toml"
    config.parent.mkdir(parents=True)
    config.write_text('[wake]\nwords = ["computer"]\n')
    if name == "serve":
        pytest.importorskip("wyoming", reason="the extra `wyoming` is not installed")
    given = ("--input", "-") if name == "listen" else ("--mic-uri", f"unix://{tmp_path}/mic.sock", "--input", "-")
    began = {"stderr": writing, "start_new_session": True}
    with started(tmp_path, name, "--json", *given, **began) as process:
        os.close(writing)
        for reloads in range(3):
            if reloads:
                process.send_signal(signal.SIGHUP)
            process.stdin.write(six_words().tobytes())  # would wait for ever where the listener waits
            process.stdin.flush()
            while json.loads(process.stdout.readline())["kind"] != "wake":
                pass
        process.stdin.write(np.zeros(RATE, np.int16).tobytes())
        process.stdin.flush()
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        os.close(reading)
