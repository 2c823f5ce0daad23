"""A reader of stdout that pauses, goes away or comes back: real processes and real pipes. Around 15 s."""

import asyncio
import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
import traceback

import numpy as np
import pytest

from tests.cli.process import RATE, RUN, environment, narrow, place, six_words, started
from wakegate.cli.printer import Printer
from wakegate.journal import read


def lost(count):
    return f"lost {count}"


@pytest.fixture
def pipe():
    """A pipe for some 4096 bytes: (its end to read, what is written to)."""
    reading, writing = narrow()
    with open(reading, "rb", buffering=0) as there, open(writing, "w", encoding="utf-8") as here:
        yield there, here


def test_every_line_comes_in_order_and_what_stood_in_the_stream_before(pipe):
    there, here = pipe
    here.write("before\n")
    printer = Printer(here, lost)
    for number in range(100):
        printer.put(f"line {number} träumt")
    printer.close()
    here.close()
    assert there.read(1 << 16).decode().splitlines() == ["before", *(f"line {number} träumt" for number in range(100))]


def test_a_reader_that_pauses_holds_nobody_up_and_is_told_how_much_it_missed(pipe):
    there, here = pipe
    printer = Printer(here, lost, most=50)
    line = "x" * 99
    began = time.monotonic()
    for _ in range(500):
        printer.put(line)
    assert time.monotonic() - began < 2
    got = []
    reader = threading.Thread(target=lambda: got.extend(there.readlines()))
    reader.start()
    time.sleep(0.5)
    printer.put("after")
    printer.close()
    here.close()
    reader.join(10)
    lines = b"".join(got).decode().splitlines()
    kept, (told, after) = lines[:-2], lines[-2:]
    assert after == "after" and kept == [line] * len(kept) and told == lost(500 - len(kept))
    assert 50 <= len(kept) <= 50 + 4096 // 100 + 1


def test_at_the_end_a_reader_that_does_not_come_back_is_waited_for_a_little_and_counted(pipe, capsys):
    _, here = pipe
    printer = Printer(here, lost, most=50, wait_s=0.3)
    for _ in range(500):
        printer.put("x" * 99)
    began = time.monotonic()
    printer.close()
    assert time.monotonic() - began < 2
    said = capsys.readouterr().err
    unread = int(said.split()[1])
    assert said == f"wakegate: {unread} lines were left out at the end: nobody read them\n" and 440 <= unread < 500


def test_a_reader_that_comes_back_at_the_very_end_is_told_how_much_it_missed_too(pipe):
    there, here = pipe
    here.write("x" * 4096)
    printer = Printer(here, lost, most=50)
    printer.put("line")
    while printer._waiting.qsize():  # until it waits for the reader
        time.sleep(0.01)
    for _ in range(60):
        printer.put("line")
    got = []
    reader = threading.Thread(target=lambda: got.extend(there.readlines()))
    threading.Timer(0.2, reader.start).start()
    printer.close()
    here.close()
    reader.join(10)
    assert b"".join(got).decode().splitlines()[-2:] == ["line", lost(10)]


def without_reader(pipe):
    """Return a printer that has found out that nobody can read any more."""
    there, here = pipe
    there.close()
    gone = threading.Event()
    printer = Printer(here, lost, gone.set)
    printer.put("line")
    assert gone.wait(10)
    return printer


def test_a_reader_that_is_gone_ends_the_listening(pipe):
    printer = without_reader(pipe)
    with pytest.raises(BrokenPipeError):
        printer.put("another")
    with pytest.raises(BrokenPipeError):
        printer.close()


def test_a_reader_that_is_gone_costs_no_memory_however_often_it_is_told(pipe):
    printer = without_reader(pipe)
    frames = []
    for _ in range(20):
        with pytest.raises(BrokenPipeError) as error:
            printer.put("another")
        frames.append(len(list(traceback.walk_tb(error.value.__traceback__))))
    assert frames[0] == frames[-1]


def test_a_pipe_that_another_program_made_non_blocking_is_waited_for_as_any_other(pipe):
    there, here = pipe
    os.set_blocking(here.fileno(), False)
    gone = threading.Event()
    printer = Printer(here, lost, gone.set)
    lines = [f"{number:099}" for number in range(100)]
    for line in lines:
        printer.put(line)
    assert not gone.wait(0.3)
    got = []
    reader = threading.Thread(target=lambda: got.extend(there.readlines()))
    reader.start()
    printer.close()
    here.close()
    reader.join(10)
    assert b"".join(got).decode().splitlines() == lines


def test_at_the_end_nobody_waits_for_a_stderr_that_is_not_read_either(pipe, monkeypatch):
    there, here = pipe
    monkeypatch.setattr(sys, "stderr", here)
    printer = Printer(here, lost, most=50, wait_s=0.3)
    for _ in range(500):
        printer.put("x" * 127)  # 32 of them fill it
    closing = threading.Thread(target=printer.close, daemon=True)
    closing.start()
    closing.join(5)
    waits = closing.is_alive()
    there.close()  # lets go whoever waits
    assert not waits


def test_a_disk_that_is_full_loses_lines_and_ends_nothing():
    with open("/dev/full", "w") as full:
        printer = Printer(full, lost)
        printer.put("line")
        printer.close()


def test_a_stream_without_a_descriptor_is_written_too():
    out = io.StringIO()
    printer = Printer(out, lost)
    printer.put("line")
    printer.close()
    assert out.getvalue() == "line\n"


# The commands.


def test_listen_goes_on_while_nobody_reads_what_it_prints(tmp_path):
    reading, writing = narrow()
    sound, passes = six_words(), 75  # some 18 lines each
    with started(tmp_path, "listen", "--input", "-", "--json", stdout=writing) as process, open(reading, "rb") as out:
        os.close(writing)
        for _ in range(passes):
            process.stdin.write(sound.tobytes())  # would wait for ever where the listener waits
            process.stdin.flush()
        got = []
        reader = threading.Thread(target=lambda: got.extend(out))
        reader.start()
        time.sleep(1)
        process.stdin.write(sound.tobytes())
        process.stdin.close()
        process.stdin = None
        assert process.wait(60) == 0, process.stderr.read()
        reader.join(20)
        assert process.stderr.read() == b""
    heard = sum(entry.number("samples") for entry in read(place(tmp_path)) if entry.kind == "exposure")
    assert heard == (passes + 1) * len(sound) // 2560 * 2560, "it has been listening all the time"
    lines = [json.loads(line) for line in got]
    missed = [line["count"] for line in lines if line["kind"] == "lost"]
    whole = [line for line in lines if line["kind"] != "lost"]
    wakes = len([line for line in whole if line["kind"] == "wake"])
    assert [line["at"] for line in whole] == sorted(line["at"] for line in whole)
    assert len(missed) == 1 and missed[0] > 100 and lines[-1]["kind"] == "stopped" and wakes < 6 * (passes + 1)


def test_a_file_waits_for_its_reader_and_loses_no_line(tmp_path):
    import soundfile

    soundfile.write(tmp_path / "long.flac", np.tile(six_words(), 10), RATE)
    reading, writing = narrow()
    with started(tmp_path, "listen", "--input", "long.flac", "--json", stdout=writing) as process:
        os.close(writing)
        time.sleep(3)
        assert process.poll() is None
        with open(reading, "rb") as out:
            lines = [json.loads(line) for line in out]
        assert process.wait(60) == 0
    kinds = [line["kind"] for line in lines]
    assert "lost" not in kinds and kinds.count("wake") == 10 * 6 and kinds[-1] == "stopped"


def test_a_wake_service_goes_on_while_nobody_reads_what_it_prints(tmp_path):
    pytest.importorskip("wyoming", reason="the extra `wyoming` is not installed")
    from wyoming.client import AsyncClient

    from tests.serve.wyoming.world import heard

    reading, writing = narrow()
    path = tmp_path / "wake.sock"
    with started(tmp_path, "serve", "--uri", f"unix://{path}", "--json", stdout=writing) as process:
        os.close(writing)
        end = time.monotonic() + 60
        while not path.exists() and time.monotonic() < end:
            time.sleep(0.05)

        async def all_of_it():
            async with AsyncClient.from_uri(f"unix://{path}") as client:
                return len(await asyncio.wait_for(heard(client, np.tile(six_words(), 5)), 60))

        assert asyncio.run(all_of_it()) == 30  # whose lines are more than the pipe holds
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        os.close(reading)


def test_a_reader_of_a_listener_that_goes_ends_it(tmp_path):
    reading, writing = os.pipe()
    with started(tmp_path, "listen", "--input", "-", "--json", stdout=writing) as process:
        os.close(writing)
        process.stdin.write(six_words().tobytes())
        process.stdin.flush()
        assert os.read(reading, 65_536).startswith(b'{"schema": 1, "kind": "started"')
        os.close(reading)
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(six_words().tobytes())  # and stays open
            process.stdin.flush()
        assert process.wait(60) == 1
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        process.stdin = None


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_a_stdout_or_stderr_that_was_closed_ends_nothing_and_no_file_takes_its_place(tmp_path, closed):
    command = ["sh", "-c", f'exec "$@" {closed}', "sh", sys.executable, "-c", RUN, "listen", "--input", "-"]
    surroundings = {"env": environment(tmp_path), "cwd": tmp_path, "timeout": 60}
    done = subprocess.run(command, input=six_words().tobytes(), capture_output=True, check=False, **surroundings)
    assert done.returncode == 0, done.stderr
    assert [entry.kind for entry in read(place(tmp_path))].count("wake") == 6
