"""Lines: whole messages or nothing, on whatever descriptors, and never a wait. Around a second."""

import os
import socket

import pytest

from tests.serve.wyoming import world  # noqa: F401  (skips where the extra is missing)
from wakegate.errors import ClientError
from wakegate.serve.wyoming.address import BUFFER_BYTES, parse
from wakegate.serve.wyoming.line import MOST_OWED, Line

WORDS, SOUND = b"w" * 200, bytes(range(10)) * 256


def pair(kind, folder):
    """Return (line, function that reads all there is, function that ends it)."""
    if kind == "pipe":
        out, into = os.pipe()  # blocking, as stdout is
        os.set_blocking(out, False)
        return Line(0, into), lambda: drained(lambda: os.read(out, 1 << 20)), lambda: (os.close(out), os.close(into))
    where = parse("tcp://127.0.0.1:0" if kind == "tcp" else f"unix://{folder}/s")
    with where.listen() as listener:
        peer = socket.socket(listener.family)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        peer.connect(listener.getsockname())
        listener.setblocking(True)
        line = Line.of(listener.accept()[0])
    peer.settimeout(0.2)
    return line, lambda: drained(lambda: peer.recv(1 << 20)), lambda: (line.close(), peer.close())


def drained(read):
    came = b""
    try:
        while piece := read():
            came += piece
    except (BlockingIOError, TimeoutError):
        pass
    return came


@pytest.mark.parametrize("kind", ["pipe", "tcp", "unix"])
def test_sound_goes_with_its_words_or_not_at_all(kind, tmp_path):
    line, read, end = pair(kind, tmp_path)
    try:
        sent, came = 0, b""
        for _ in range(5):
            before = sent
            while line.put(WORDS, memoryview(SOUND)):
                sent += 1
            assert not line.put(WORDS, memoryview(SOUND)) and sent > before
            assert sent * len(SOUND) - len(came) < 4 * BUFFER_BYTES, "the kernel's share is bounded"
            came += read()
            assert came == (WORDS + SOUND) * sent
    finally:
        end()


@pytest.mark.parametrize("kind", ["pipe", "tcp", "unix"])
def test_words_wait_for_room_before_what_follows_and_not_without_end(kind, tmp_path):
    line, read, end = pair(kind, tmp_path)
    try:
        while line.put(WORDS, memoryview(SOUND)):
            pass
        held = read()
        while line.put(WORDS, memoryview(SOUND)):
            pass
        line.owe(b"x" * 5000)  # there is no room for all of it
        assert not line.settle() and not line.put(WORDS, memoryview(SOUND))
        with pytest.raises(ClientError, match="does not read"):
            for _ in range(100):
                line.owe(b"y" * (MOST_OWED // 10))
        held += read()
        while not line.settle():
            held += read()
        held += read()
        assert line.put(b"z", memoryview(b"last"))
        held += read()
        whole = len(WORDS + SOUND)
        first = held.index(b"x")
        assert first % whole == 0 and held[first:].strip(b"x").strip(b"y") == b"zlast"
    finally:
        end()


@pytest.mark.parametrize("kind", ["tcp", "unix"])
def test_who_is_gone_is_an_error_and_a_closed_line_takes_nothing(kind, tmp_path):
    line, _, end = pair(kind, tmp_path)
    end()
    for act in (line.settle, lambda: line.put(b"", memoryview(b"x")), lambda: line.owe(b"x")):
        with pytest.raises(OSError, match="gone"):
            act()
    line.close()
    line.hang_up()
