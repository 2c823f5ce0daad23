"""``wakegate serve --uri`` while it ends: a second Ctrl-C waits for nobody. Around 10 s."""

import contextlib
import os
import select
import shutil
import signal
import socket
import subprocess
import time

import pytest

from tests.cli.process import RATE, narrow, six_words, started
from wakegate.wake import catalogue

pytest.importorskip("wyoming", reason="the extra `wyoming` is not installed")


@pytest.fixture
def model(tmp_path):
    """A model of our own, whose disk may hang."""
    (installed,) = catalogue.installed()
    for suffix in (".onnx", ".json"):
        shutil.copy(installed.path.with_suffix(suffix), tmp_path / f"model{suffix}")
    return tmp_path / "model.onnx"


def serving(home, *words, **more):
    """Start it; return the process and a client."""
    path = home / "wake.sock"
    process = started(home, "serve", "--uri", f"unix://{path}", *words, **more)
    client = socket.socket(socket.AF_UNIX)
    end = time.monotonic() + 30
    while client.connect_ex(str(path)):
        assert time.monotonic() < end and process.poll() is None
        time.sleep(0.05)
    return process, client


@contextlib.contextmanager
def held_up(path):
    """Hold up whoever reads a named pipe, once somebody does."""
    end = time.monotonic() + 30
    while True:
        try:
            writing = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
            break
        except OSError:  # nobody yet
            assert time.monotonic() < end
            time.sleep(0.02)
    try:
        yield
    finally:
        os.close(writing)


def gone(client):
    """Wait until it has been hung up on."""
    client.settimeout(30)
    return client.recv(1) == b""


@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM])
def test_a_second_ctrl_c_waits_for_no_model_that_is_being_loaded_for_a_client_that_has_gone(tmp_path, model, first):
    process, client = serving(tmp_path, "--model", model)
    with process, client:
        model.unlink()
        os.mkfifo(model)
        client.sendall(b'{"type": "detect", "data": {"names": ["alexa"]}}\n')
        with held_up(model):
            process.send_signal(first)
            assert gone(client)
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.5)
            process.send_signal(signal.SIGINT)
            assert process.wait(10) == 130
        assert process.stderr.read() == b"" and not (tmp_path / "wake.sock").exists()


def test_a_second_ctrl_c_leaves_no_command_of_a_hook_running(tmp_path, model):
    heard = tmp_path / "heard"
    hook = f"wake=sh -c 'echo $$ > {heard}.part; mv {heard}.part {heard}; exec sleep 600'"
    process, client = serving(tmp_path, "--model", model, "--words", "alexa,computer", "--on", hook)
    with process, client:
        sound = six_words()[: 3 * RATE].tobytes()
        form = b'{"rate": 16000, "width": 2, "channels": 1}'
        client.sendall(b'{"type": "audio-chunk", "data": %s, "payload_length": %d}\n' % (form, len(sound)) + sound)
        end = time.monotonic() + 30
        while not heard.exists():
            assert time.monotonic() < end
            time.sleep(0.02)
        assert client.recv(1)
        model.unlink()
        os.mkfifo(model)
        client.sendall(b'{"type": "detect", "data": {"names": ["computer"]}}\n')
        with held_up(model):
            process.send_signal(signal.SIGINT)
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.5)
            process.send_signal(signal.SIGINT)
            assert process.wait(10) == 130
    with pytest.raises(ProcessLookupError):
        while time.monotonic() < end:  # it is nobody's child any more, and taken in by whoever takes in those
            os.kill(int(heard.read_text()), 0)
            time.sleep(0.02)


def test_a_second_ctrl_c_waits_for_no_reader_of_stderr(tmp_path):
    """Which has no room for the note that others can reach us."""
    reading, writing = narrow()
    os.write(writing, bytes(4096))
    process = started(tmp_path, "serve", "--uri", "tcp://0.0.0.0:0", "--words", "alexa", stderr=writing)
    with process, open(reading, "rb") as there, contextlib.ExitStack() as stack:
        stack.callback(process.kill)  # which may be held up for ever, where this fails
        os.close(writing)
        assert select.select([process.stdout], [], [], 30)[0]
        assert process.stdout.readline().startswith(b"serving")
        process.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130
        assert b"Traceback" not in there.read()
