"""Sinks and frames: what a consumer gets, on real pipes. Around a second."""

import os
import struct

import pytest

from tests.gate.reader import INFO, noise, offer, read_utterance
from wakegate.errors import ReaderGoneError
from wakegate.events import Purpose, Reason
from wakegate.gate.pipe_sink import PipeSink
from wakegate.gate.sinks import CallbackSink, Sink, StreamSink


@pytest.fixture
def pipe():
    ends = os.pipe()
    yield ends
    for fd in ends:
        try:
            os.close(fd)
        except OSError:
            pass


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


def test_a_pipe_whose_reader_is_gone_is_over_and_says_so_once(pipe):
    out, into = pipe
    sink, told = PipeSink(into), []
    sink.when_gone(lambda: told.append(1))
    sink.open(INFO)
    sink.check()
    os.close(out)
    with pytest.raises(ReaderGoneError, match=r"^the assistant closed its end of the pipe$"):
        sink.write(noise(1280))
    with pytest.raises(ReaderGoneError):
        sink.close(Reason.ENDPOINT)
    assert not sink.ready() and told == [1]
    with pytest.raises(ReaderGoneError, match="start both again"):
        sink.check()


def test_a_reader_that_goes_between_wakes_is_missed_with_nothing_to_write(pipe):
    out, into = pipe
    sink, told = PipeSink(into), []
    sink.when_gone(lambda: told.append(1))
    assert sink.ready()
    os.close(out)
    assert not sink.ready() and told == [1]


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
