"""``wakegate measure`` over processes and a cluster: stopped, killed, and gone on with. Around 30 s."""

import contextlib
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
import soundfile

from tests.cli.process import RATE, command, environment, started

FILES = 6
ENGINE = """
import os, pathlib, sys, time
data = sys.stdin.buffer.read()
log = open(sys.argv[1] + ".txt", "a")
log.write(f"{data[0]}\\n")
log.close()
time.sleep(float(sys.argv[2]))
print('{"at_s": 2.5, "word": "beep", "score": %g}' % (1 / (data[0] + 3)))
"""
"""Notes whom it listens to by the first sample, takes its time, and hears one beep."""


@pytest.fixture
def home(tmp_path):
    """A corpus of some files of two minutes and a half, so that each is a task, with a beep in each."""
    folder = tmp_path / "corpus"
    folder.mkdir()
    for number in range(FILES):
        samples = np.zeros(150 * RATE, np.int16)
        samples[0] = number
        soundfile.write(folder / f"{number}.flac", samples, RATE)
        (folder / f"{number}.txt").write_text("2\t2.5\tbeep\n")
    (tmp_path / "engine.py").write_text(ENGINE)
    return tmp_path


def words(home, out, *more, wait_s=0.0):
    spec = f"exec:{shlex.join([sys.executable, '-S', '-E', str(home / 'engine.py'), str(home / 'log'), str(wait_s)])}"
    return ("measure", home / "corpus", "--engine", spec, "--out", home / out, *more)


def measured(home, out, *more, code=0, wait_s=0.0):
    """Run it and return what it wrote, and what it said."""
    done = command(home, *words(home, out, *more, wait_s=wait_s))
    assert done.returncode == code, done.stderr.decode()
    written = [(home / out / name).read_bytes() for name in ("results.json", "events.csv", "report.html")]
    return [one.replace(f"/{out}".encode(), b"/OUT") for one in written], done.stderr.decode()


def heard(home):
    log = home / "log.txt"  # a file that the command named would be hashed as part of the engine
    return sorted(log.read_text().split()) if log.exists() else []


def kept(home):
    """The lines of the cache."""
    return [line for path in (home / "out").glob("cache/*") for line in path.read_text().splitlines()]


EVERY = [str(number) for number in range(FILES)]


def wait_for(what, seconds=20.0):
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "it never came"
        time.sleep(0.02)


def test_the_same_bytes_from_any_number_of_processes_and_from_the_cache(home):
    one, _ = measured(home, "one", "--jobs", 1)
    assert heard(home) == EVERY
    two, _ = measured(home, "two", "--jobs", 2)
    assert heard(home) == sorted(EVERY * 2)
    again, said = measured(home, "two")
    assert f"0.25 of 0.25 h known from {home / 'two' / 'cache'}; --fresh hears it again" in said
    assert heard(home) == sorted(EVERY * 2), "it was heard again"
    fresh, _ = measured(home, "two", "--fresh")
    assert heard(home) == sorted(EVERY * 3)
    assert one == two == again == fresh


@pytest.mark.parametrize("stop", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.long)])
def test_stopped_it_says_how_to_go_on_and_leaves_nobody_behind(home, stop):
    process = started(home, *words(home, "out", "--jobs", 2, wait_s=0.5), start_new_session=True)
    wait_for(lambda: kept(home))
    children = psutil.Process(process.pid).children(recursive=True)
    assert len(children) >= 3, "two processes and an engine"
    if stop == signal.SIGINT:
        os.killpg(process.pid, stop)  # as a terminal does
    else:
        process.send_signal(stop)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 130, said.decode()
    assert b"the same command goes on from there" in said and b"Traceback" not in said, said.decode()
    wait_for(lambda: not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in children), 5)
    known = len(kept(home))
    assert 1 <= known < FILES
    measured(home, "out", wait_s=0.5)
    assert len(heard(home)) <= 2 * FILES - known
    whole, _ = measured(home, "whole", "--jobs", 1, wait_s=0.5)
    assert (home / "out" / "events.csv").read_bytes() == whole[1]


def test_a_process_that_is_killed_costs_nothing_but_time(home):
    process = started(home, *words(home, "out", "--jobs", 2, wait_s=0.5))
    wait_for(lambda: len(heard(home)) >= 1)
    engines = [c for c in psutil.Process(process.pid).children(recursive=True) if "engine.py" in " ".join(c.cmdline())]
    engines[0].parent().kill()
    _, said = process.communicate(timeout=40)
    assert process.returncode == 0, said.decode()
    whole, _ = measured(home, "whole", "--jobs", 1, wait_s=0.5)
    assert (home / "out" / "events.csv").read_bytes() == whole[1]


def test_what_failed_is_tried_again_the_next_time(home):
    text = (home / "engine.py").read_text()
    (home / "engine.py").write_text(text + "raise SystemExit(pathlib.Path(sys.argv[1] + '.mended').exists() - 1)\n")
    _, said = measured(home, "out", "--jobs", 2, code=1)
    assert f"{FILES} recordings failed" in said
    (home / "log.mended").touch()
    measured(home, "out", "--jobs", 2)
    assert heard(home) == sorted(EVERY * 2)


# A cluster: a real scheduler and two real workers.


PROCESSES = []
"""First the scheduler, then its workers."""


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """The address of a scheduler with two workers, which begin in a folder of their own."""
    pytest.importorskip("distributed")
    folder = tmp_path_factory.mktemp("cluster")
    address = f"tcp://127.0.0.1:{free_port()}"
    dask = [sys.executable, "-m", "distributed.cli.dask_"]
    quiet = {"env": environment(folder), "cwd": folder, "stderr": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
    calls = [
        ["scheduler", "--host", address, "--no-dashboard", "--no-show"],
        *[["worker", address, "--nthreads", "1", "--no-dashboard"]] * 2,
    ]
    with contextlib.ExitStack() as stack:
        for name, *rest in calls:
            process = stack.enter_context(subprocess.Popen([*dask[:-1], dask[-1] + name, *rest], **quiet))
            stack.callback(process.terminate)
            PROCESSES.append(process)
        from distributed import Client

        with Client(address, timeout=20, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=20)
        yield address


def test_a_cluster_says_the_same(home, cluster):
    there, _ = measured(home, "there", "--cluster", f"dask:{cluster}")
    assert heard(home) == EVERY
    here, _ = measured(home, "here", "--jobs", 1)
    assert there == here


def test_a_worker_of_a_cluster_that_is_killed_costs_nothing_but_time(home, cluster):
    process = started(home, *words(home, "out", "--cluster", f"dask:{cluster}", wait_s=1.0))
    wait_for(lambda: len(heard(home)) >= 1)
    engines = [one for one in psutil.process_iter() if _cmdline(one)[3:4] == [str(home / "engine.py")]]
    assert engines[0].ppid() not in (os.getpid(), process.pid)
    engines[0].parent().kill()  # its nanny starts another
    _, said = process.communicate(timeout=40)
    assert process.returncode == 0, said.decode()
    assert json.loads((home / "out" / "results.json").read_text())["corpus"]["references"] == FILES


def _cmdline(process):
    with contextlib.suppress(psutil.Error):
        return process.cmdline()
    return []


def test_a_cluster_that_has_not_the_engine_is_refused(home, cluster):
    (home / "local.py").write_text(ENGINE)
    words = ["measure", "corpus", "--engine", f"exec:{sys.executable} local.py log 0", "--out", "out"]
    done = command(home, *words, "--cluster", f"dask:{cluster}")
    assert done.returncode == 1 and b"than this run, or another wakegate: install the same" in done.stderr


def test_a_cluster_that_goes_away_is_said_and_what_was_heard_is_kept(home, cluster):
    process = started(home, *words(home, "out", "--cluster", f"dask:{cluster}", wait_s=1.0))
    wait_for(lambda: len(heard(home)) >= 3)
    PROCESSES[0].kill()
    _, said = process.communicate(timeout=40)
    assert process.returncode == 1 and b"wakegate: the cluster is gone" in said, said.decode()
    assert b"Traceback" not in said, said.decode()
    assert kept(home)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--jobs", 0), "--jobs is 0"),
        (("--jobs", 2, "--cluster", "dask:tcp://h:1"), "give one of them"),
        (("--cluster", "tcp://h:1"), "give dask:tcp://HOST:PORT"),
    ],
)
def test_what_makes_no_sense_is_said(home, more, message):
    done = command(home, *words(home, "out", *more))
    assert done.returncode == 2 and message in done.stderr.decode() and not Path(home / "out" / "results.json").exists()
