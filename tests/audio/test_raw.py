"""Raw PCM on a pipe: real pipes, real processes."""

import io
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from tests.audio.reading import BLOCKS, whole
from tests.memory import plant
from wakegate.audio.array import ArraySource
from wakegate.audio.raw import RawSource
from wakegate.errors import FormatError

NOISE = np.random.default_rng(7).integers(-30_000, 30_000, 12_001).astype(np.int16)


def piped(pieces, pause_s=0.0):
    """Return the reading end of a real pipe into which a thread writes the pieces."""
    reading, writing = os.pipe()

    def write():
        with os.fdopen(writing, "wb", buffering=0) as pipe:
            for piece in pieces:
                pipe.write(piece)
                time.sleep(pause_s)

    threading.Thread(target=write, daemon=True).start()
    return os.fdopen(reading, "rb")


@pytest.mark.parametrize("block", BLOCKS)
def test_a_pipe_passes_bit_for_bit_whatever_the_pieces(block):
    data = NOISE.tobytes()
    pieces = [data[at : at + 4093] for at in range(0, len(data), 4093)]  # odd: samples come in halves
    with piped(pieces) as pipe:
        assert np.array_equal(whole(RawSource(pipe), block), NOISE)


@pytest.mark.parametrize("block", BLOCKS)
def test_rate_and_channels_are_converted_as_everywhere(block):
    frames = np.stack([NOISE, NOISE[::-1]], axis=1)
    expected = whole(ArraySource(frames, 44_100))
    assert np.array_equal(whole(RawSource(io.BytesIO(frames.tobytes()), 44_100, 2), block), expected)
    data = frames.tobytes()
    with piped([data[at : at + 4093] for at in range(0, len(data), 4093)]) as pipe:
        assert np.array_equal(whole(RawSource(pipe, 44_100, 2), block), expected)


def test_a_channel_can_be_picked():
    frames = np.stack([NOISE, NOISE[::-1]], axis=1)
    assert np.array_equal(whole(RawSource(io.BytesIO(frames.tobytes()), channels=2, channel=2)), NOISE[::-1])


def test_a_live_pipe_gives_what_is_there():
    reading, writing = os.pipe()
    out = np.zeros(16_000, dtype=np.int16)
    with os.fdopen(reading, "rb") as pipe, os.fdopen(writing, "wb", buffering=0) as feed:
        source = RawSource(pipe)
        began = time.monotonic()
        assert source.read(out).count == 0, "nothing came: nothing yet"
        feed.write(NOISE[:300].tobytes() + b"\x01")
        assert source.read(out).count == 300
        assert np.array_equal(out[:300], NOISE[:300])
        assert time.monotonic() - began < 1.0
        feed.write(b"\x02" + NOISE[:20].tobytes())
        assert source.read(out[:21]).count == 21
        assert out[0] == 0x0201
    source.close()


def test_a_block_is_completed_when_its_rest_comes_soon():
    with piped([NOISE[at : at + 320].tobytes() for at in range(0, 1280, 320)], pause_s=0.01) as pipe:
        assert RawSource(pipe).read(np.empty(1280, dtype=np.int16)).count == 1280


def test_nothing_at_all_is_said():
    with pytest.raises(FormatError, match=r"0 bytes\): pipe into it"):
        whole(RawSource(io.BytesIO(b"")))
    with piped([]) as pipe, pytest.raises(FormatError, match="0 bytes"):
        whole(RawSource(pipe, 48_000, 2))


@pytest.mark.parametrize(("channels", "rate"), [(1, 16_000), (2, 16_000), (1, 44_100)])
def test_an_odd_byte_is_said_after_what_came_whole_was_given(channels, rate):
    source = RawSource(io.BytesIO(NOISE[:1000].tobytes() + b"x"), rate, channels)
    out = np.empty(400, dtype=np.int16)
    count = 0
    with pytest.raises(FormatError, match=f"inside a sample .1 of {2 * channels} bytes, 2001 in all"):
        for _ in range(99):
            reading = source.read(out)
            assert not reading.ended
            count += reading.count
    assert count == pytest.approx(1000 / channels * 16_000 / rate, abs=1)


@pytest.mark.parametrize(("head", "kind"), [(b"RIFF", "WAV"), (b"fLaC", "FLAC"), (b"OggS", "OGG")])
def test_a_file_in_the_pipe_is_said(head, kind):
    with pytest.raises(FormatError, match=f"a {kind} file|an {kind} file"):
        whole(RawSource(io.BytesIO(head + bytes(999))))


def test_a_terminal_and_a_strange_format_are_said():
    with pytest.raises(FormatError, match="4000 samples a second"):
        RawSource(io.BytesIO(), 4000)
    with pytest.raises(FormatError, match="0 channels"):
        RawSource(io.BytesIO(), 16_000, 0)
    leader, follower = os.openpty()
    with os.fdopen(follower, "rb", buffering=0) as terminal, pytest.raises(FormatError, match="is a terminal"):
        RawSource(terminal)
    os.close(leader)


def test_ctrl_c_ends_a_silent_pipe_at_once():
    # A shell that starts the tests in the background has them ignore SIGINT, and children inherit that.
    program = """
import signal, sys
import numpy as np
from wakegate.audio.raw import RawSource
signal.signal(signal.SIGINT, signal.default_int_handler)
source, out = RawSource(sys.stdin.buffer), np.empty(1280, dtype=np.int16)
try:
    print("ready", flush=True)
    while not source.read(out).ended:
        pass
except KeyboardInterrupt:
    print("stopped")
"""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", program], **pipes) as child:
        assert child.stdout.readline() == b"ready\n"
        began = time.monotonic()
        child.send_signal(signal.SIGINT)
        assert child.stdout.read() == b"stopped\n"
        assert time.monotonic() - began < 2


def test_mixing_leaves_no_copy_in_another_form(tmp_path):
    probes = plant(tmp_path / "noise.wav", seed=42)
    code = (
        "import sys, numpy as np; sound = np.frombuffer(open(sys.argv[1], 'rb').read()[44:], np.int16); "
        "sys.stdout.buffer.write(np.repeat(sound, 2).tobytes())"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "noise.wav")], stdout=subprocess.PIPE, bufsize=0
    )
    source, out, looks, reads = RawSource(child.stdout, channels=2), np.zeros(1280, np.int16), [], 0
    while not source.read(out).ended:
        if (reads := reads + 1) % 4 == 0:  # a look at all memory takes a while
            looks.append(probes.found())
    child.wait(10)
    child.stdout.close()
    assert any("stored int16" in look for look in looks)
    assert {form for look in looks for form in look if form.startswith("stored float")} == set()


def test_more_channels_than_memory_are_refused():
    with pytest.raises(FormatError, match="1024"):
        RawSource(io.BytesIO(b""), channels=10**9)
