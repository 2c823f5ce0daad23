"""Sinks and frames: what a consumer gets, on real pipes and sockets. Around a second."""

import contextlib
import json
import os
import resource
import socket
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from wakegate.errors import ConfigError
from wakegate.events import Purpose, Reason
from wakegate.gate.frames import Info
from wakegate.gate.sinks import CallbackSink, Sink, SocketSink, StreamSink

INFO = Info(id="0123", word="alexa", score=0.9, threshold=0.4, word_start=800, word_end=1600)


def read_utterance(stream):
    """Read one utterance: a reader that knows nothing but the docstring of wakegate.gate.frames."""
    line = stream.readline()
    if not line:
        return None  # no more utterances
    header = json.loads(line)
    assert header["format"] == "s16le" and header["channels"] == 1
    pcm = b""
    while True:
        prefix = stream.read(4)
        if len(prefix) < 4:
            return header, pcm, None  # cut short without a word
        (n,) = struct.unpack("<I", prefix)
        if n == 0:
            return header, pcm, json.loads(stream.readline())
        block = stream.read(n)
        if len(block) < n:
            return header, pcm, None
        pcm += block


def offer(sink, samples, rounds=10_000):
    """Do as the gate does: offer again what was not taken; return how much was taken at all."""
    taken = 0
    for _ in range(rounds):
        taken += sink.write(samples[taken : taken + 1280])
        if taken == len(samples):
            break
    return taken


@pytest.fixture
def pipe():
    ends = os.pipe()
    yield ends
    for fd in ends:
        try:
            os.close(fd)
        except OSError:
            pass


def noise(n, seed=3):
    return np.random.default_rng(seed).integers(-32768, 32768, n).astype(np.int16)


def test_a_reader_of_the_docstring_gets_every_sample(pipe):
    out, into = pipe
    sink = StreamSink(into)
    assert isinstance(sink, Sink) and sink.purpose is Purpose.ASSIST
    for reason, samples in ((Reason.ENDPOINT, noise(5000)), (Reason.NO_SPEECH, noise(1))):
        sink.open(INFO)
        assert offer(sink, samples) == len(samples)
        assert sink.close(reason)
    os.close(into)
    with os.fdopen(out, "rb") as stream:
        header, pcm, end = read_utterance(stream)
        assert header == {
            "schema": 1, "event": "0123", "word": "alexa", "score": 0.9, "threshold": 0.4,
            "sample_rate": 16000, "format": "s16le", "channels": 1, "word_start": 800, "word_end": 1600,
        }  # fmt: skip
        assert pcm == noise(5000).tobytes() and end == {"reason": "endpoint", "complete": True, "samples": 5000}
        _, pcm, end = read_utterance(stream)
        assert pcm == noise(1).tobytes() and end["samples"] == 1
        assert read_utterance(stream) is None


def test_a_full_pipe_takes_whole_blocks_or_nothing_and_never_blocks(pipe):
    out, into = pipe
    sink, samples = StreamSink(into), noise(200_000)
    sink.open(INFO)
    taken = offer(sink, samples, rounds=300)
    assert 20_000 < taken < 40_000 and taken % 1280 == 0  # 64 KiB
    received = b""
    os.set_blocking(out, False)
    while taken < len(samples):
        received += os.read(out, 1 << 20)
        taken += offer(sink, samples[taken:], rounds=40)
    received += os.read(out, 1 << 20)
    assert sink.close(Reason.ENDPOINT)
    received += os.read(out, 1 << 20)
    body = received[received.index(b"\n") + 1 :]
    pcm, at = b"", 0
    while (n := struct.unpack_from("<I", body, at)[0]) > 0:
        pcm += body[at + 4 : at + 4 + n]
        at += 4 + n
    assert pcm == samples.tobytes()


def test_an_abort_at_a_full_pipe_is_told_before_the_next_utterance(pipe):
    out, into = pipe
    sink = StreamSink(into)
    sink.open(INFO)
    offer(sink, noise(200_000), rounds=300)
    with pytest.raises(BlockingIOError):  # the last corner of the pipe
        while True:
            os.write(into, b"x")
    sink.abort(Reason.REVOKED)
    assert not sink.ready() and not sink.close(Reason.ENDPOINT)  # nobody reads
    os.set_blocking(out, False)
    received = os.read(out, 1 << 20)
    assert sink.ready()
    sink.open(INFO)
    assert sink.close(Reason.ENDPOINT)
    received += os.read(out, 1 << 20)
    assert b'{"reason":"revoked","complete":false' in received
    assert received.index(b'"revoked"') < received.rindex(b'{"schema"')


def test_a_reader_that_is_gone_is_an_error_and_then_not_ready(pipe):
    out, into = pipe
    sink = StreamSink(into)
    os.close(out)
    with pytest.raises(BrokenPipeError):
        sink.open(INFO)
    assert not sink.ready()


def test_a_callback_owns_what_it_is_given():
    kept = []
    sink = CallbackSink(lambda samples, info: kept.append((samples, info)))
    ring = noise(100)
    view = ring[:]
    view.flags.writeable = False
    sink.open(INFO)
    sink.write(view)
    ring[:] = 7  # the ring goes on
    sink.close(Reason.ENDPOINT)
    assert (kept[0][0] == noise(100)).all() and kept[0][1].reason is None
    assert len(kept[1][0]) == 0 and kept[1][1].reason is Reason.ENDPOINT


def connect(path):
    peer = socket.socket(socket.AF_UNIX)
    peer.settimeout(5)
    peer.connect(str(path))
    return peer


def test_the_socket_serves_whoever_is_connected(tmp_path):
    path = tmp_path / "assist.sock"
    sink = SocketSink(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert not sink.ready()
    with pytest.raises(OSError, match="nobody"):
        sink.open(INFO)
    for _ in range(2):  # an assistant comes, hears an utterance, goes; another comes
        with connect(path) as peer:
            assert sink.ready()
            sink.open(INFO)
            assert offer(sink, noise(3000)) == 3000
            assert sink.close(Reason.ENDPOINT)
            with peer.makefile("rb") as stream:
                _, pcm, end = read_utterance(stream)
            assert pcm == noise(3000).tobytes() and end["complete"]
        assert not sink.ready()
    sink.abort(Reason.STOPPED)
    sink.shut()
    sink.shut()
    assert not path.exists()


def test_readers_that_came_and_went_between_wakes_keep_nobody_out(tmp_path):
    sink = SocketSink(tmp_path / "assist.sock")
    for _ in range(20):
        connect(tmp_path / "assist.sock").close()
    with connect(tmp_path / "assist.sock") as peer:
        assert sink.ready()
        sink.open(INFO)
        assert peer.recv(10).startswith(b'{"schema"')
    sink.shut()


def test_a_reader_that_nobody_had_taken_in_reads_an_end(tmp_path):
    sink = SocketSink(tmp_path / "assist.sock")
    with connect(tmp_path / "assist.sock") as peer:
        sink.shut()
        assert peer.recv(10) == b""


def test_a_slow_socket_takes_whole_blocks(tmp_path):
    sink = SocketSink(tmp_path / "assist.sock")
    with connect(tmp_path / "assist.sock") as peer:
        assert sink.ready()
        sink.open(INFO)
        samples = noise(400_000)
        taken = offer(sink, samples, rounds=1000)
        assert 0 < taken < len(samples)
        sink.abort(Reason.OVERFLOW)
        peer.setblocking(False)
        received = b""
        try:
            while piece := peer.recv(1 << 20):
                received += piece
        except BlockingIOError:
            pass
        body = received[received.index(b"\n") + 1 :]
        assert len(body) == taken // 1280 * 2564
    sink.shut()


def test_a_reader_on_the_socket_that_stopped_reading_is_not_ready(tmp_path):
    sink = SocketSink(tmp_path / "assist.sock")
    with connect(tmp_path / "assist.sock") as peer:
        assert sink.ready()
        sink.open(INFO)
        offer(sink, noise(400_000), rounds=1000)
        sink.abort(Reason.OVERFLOW)
        for _ in range(100):  # the end marker may have found room; then the words of the next ones pile up
            if sink.ready():
                sink.open(INFO)
                sink.abort(Reason.OVERFLOW)
        assert not sink.ready()
        peer.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while peer.recv(1 << 20):
                pass
        assert sink.ready()
    sink.shut()


def test_the_newest_connection_hears_the_next_utterance(tmp_path):
    sink = SocketSink(tmp_path / "assist.sock")
    with connect(tmp_path / "assist.sock") as old, connect(tmp_path / "assist.sock") as new:
        assert sink.ready()
        sink.open(INFO)
        assert sink.close(Reason.ENDPOINT)
        assert old.recv(100) == b""  # hung up
        assert new.recv(10).startswith(b'{"schema"')
    sink.shut()


def test_without_descriptors_who_is_connected_still_hears(tmp_path):
    sink = SocketSink(tmp_path / "assist.sock")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with socket.socket(socket.AF_UNIX) as first, socket.socket(socket.AF_UNIX) as second:
        first.connect(str(tmp_path / "assist.sock"))
        assert sink.ready()
        second.connect(str(tmp_path / "assist.sock"))
        taken = [os.dup(0)]
        resource.setrlimit(resource.RLIMIT_NOFILE, (taken[0] + 5, hard))
        try:
            with contextlib.suppress(OSError):
                while True:
                    taken.append(os.dup(0))
            assert sink.ready()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            for descriptor in taken:
                os.close(descriptor)
        sink.open(INFO)
        assert first.recv(10)
    sink.shut()


def test_a_second_server_is_refused_and_a_dead_ones_socket_is_taken_over(tmp_path):
    path = tmp_path / "assist.sock"
    sink = SocketSink(path)
    with connect(path) as peer:
        assert sink.ready()
        with pytest.raises(ConfigError, match="in use"):
            SocketSink(path)
        assert sink.ready()  # and the reader it has stays
        sink.open(INFO)
        assert peer.recv(10).startswith(b'{"schema"')
    sink._hang_up()
    sink._listener.close()  # as a killed process leaves it
    SocketSink(path).shut()


def test_a_folder_open_to_others_and_a_file_in_the_way_are_refused(tmp_path):
    open_folder = tmp_path / "open"
    open_folder.mkdir()
    open_folder.chmod(0o777)
    with pytest.raises(ConfigError, match="other users"):
        SocketSink(open_folder / "assist.sock")
    in_the_way = tmp_path / "file"
    in_the_way.write_text("mine")
    with pytest.raises(ConfigError, match="cannot listen"):
        SocketSink(in_the_way)
    assert in_the_way.read_text() == "mine"


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to be another user")
def test_another_user_is_hung_up_on(tmp_path):
    folder = Path("/tmp") / f"wakegate-{os.getpid()}"
    folder.mkdir(mode=0o755)
    sink = SocketSink(folder / "assist.sock")
    try:
        (folder / "assist.sock").chmod(0o666)  # even then
        code = (
            "import os, socket, sys; os.setgid(65534); os.setuid(65534); s = socket.socket(socket.AF_UNIX);"
            "s.settimeout(10); s.connect(sys.argv[1]); print('in', flush=True); sys.exit(len(s.recv(1)))"
        )
        other = subprocess.Popen([sys.executable, "-c", code, str(folder / "assist.sock")], stdout=subprocess.PIPE)
        assert other.stdout.readline() == b"in\n"
        assert not sink.ready()
        assert other.wait(10) == 0  # it read the end of the stream
        other.stdout.close()
    finally:
        sink.shut()
        folder.rmdir()
