"""The socket sink: who hears, who is sent away, and what an end of the other side means. Around a second."""

import contextlib
import os
import resource
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.gate.reader import INFO, noise, offer, read_utterance
from tests.gate.world import RATE, FakeEar, Scene, ScriptSource, World, kinds
from wakegate.errors import ConfigError
from wakegate.events import Purpose, Reason
from wakegate.gate.limits import BLOCK
from wakegate.gate.socket_sink import SocketSink
from wakegate.pipeline import Pipeline


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


def test_connections_that_are_held_keep_nobody_out_for_longer_than_a_second_of_sound(tmp_path):
    world, path = World(tmp_path), tmp_path / "assist.sock"
    world.grant(Purpose.ASSIST)
    sink, held, heard = SocketSink(path), [], []

    def connection():
        peer = stack.enter_context(socket.socket(socket.AF_UNIX))
        peer.setblocking(False)
        peer.connect(str(path))
        peer.settimeout(5)
        return peer

    def crowd():
        with contextlib.suppress(BlockingIOError):
            while True:
                held.append(connection())
        assert len(held) > 100

    def read(peer):
        with peer.makefile("rb") as stream:
            heard.append(read_utterance(stream))

    def come():  # where it was kept out until the wake, whose sound it missed then
        reader = threading.Thread(target=read, args=[connection()])
        reader.start()
        stack.callback(reader.join)

    sound = Scene().quiet(4).word().speech(2).quiet(2).samples()
    source = ScriptSource(sound, {RATE: crowd, 2 * RATE + 2 * BLOCK: come})
    with contextlib.ExitStack() as stack:
        stack.callback(sink.shut)
        with Pipeline.open(source, scorer=FakeEar(), place=world.place, clock=world.clock, assist=sink) as pipeline:
            events = kinds(list(pipeline))
        assert "released assist" in events
        assert all(peer.recv(1) == b"" for peer in held), "hung up on, and not one byte"
    ((_, pcm, end),) = heard
    assert end["complete"] and len(pcm) == 2 * end["samples"]


def test_whoever_comes_all_the_time_does_not_hold_a_look_up(tmp_path):
    path = tmp_path / "assist.sock"
    sink = SocketSink(path)
    came = []
    accept = sink._accept

    def another():
        """As one more comes while each is taken in."""
        came.append(connect(path))
        return accept()

    sink._accept = another
    assert sink.ready() and len(came) < 200
    for peer in came:
        peer.close()
    sink._accept = accept
    sink.shut()


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
