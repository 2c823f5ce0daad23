"""The reading of Wyoming's framing: what is an event, what is not, and that no bytes can do harm. Around 10 s."""

import asyncio
import json
import socket
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wyoming.event import async_write_event

from tests.serve.wyoming.world import AudioChunk, Detect, talk
from wakegate.errors import ClientError
from wakegate.serve.wyoming import inbox
from wakegate.serve.wyoming.inbox import MOST_DATA, MOST_HEADER, MOST_PAYLOAD, Inbox
from wakegate.serve.wyoming.line import Line


def bytes_of(*events):
    """What the protocol's own writer makes of events."""

    async def run():
        ours, theirs = socket.socketpair()
        _, writer = await asyncio.open_connection(sock=theirs)
        for event in events:
            await async_write_event(event, writer)
        writer.close()
        await writer.wait_closed()
        with ours:
            return b"".join(iter(lambda: ours.recv(1 << 20), b""))

    return talk(run())


async def read(data, pause_s=0.0, pieces=1, take=True):
    """Send bytes and hang up; return the events that came out, with their payloads, and how it ended."""
    ours, theirs = socket.socketpair()
    found, box = [], None
    try:
        _, writer = await asyncio.open_connection(sock=theirs)

        async def send():
            step = max(1, len(data) // pieces)
            for at in range(0, len(data), step):
                writer.write(data[at : at + step])
                await writer.drain()
                await asyncio.sleep(pause_s)
            writer.close()

        sending = asyncio.create_task(send())
        line = Line.of(ours)
        box = Inbox(line)
        try:
            while (event := await box.event()) is not None:
                room = bytearray(event.payload if take else 0)
                await box.take(memoryview(room))
                found.append((event.type, dict(event.data), bytes(room)))
            ended = None
        except (ClientError, EOFError, OSError) as error:
            ended = error
        line.close()
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        writer.close()
        return found, ended
    finally:
        if box is not None:
            box.wipe()
            assert not box._bytes.any()


@pytest.mark.parametrize("pieces", [1, 2, 7, 10_000])
def test_what_the_protocols_own_writer_writes_is_read(pieces):
    sound = bytes(range(256)) * 40
    data = bytes_of(
        Detect(names=["alexa"]).event(), AudioChunk(16000, 2, 1, sound, timestamp=7).event(), Detect().event()
    )
    found, ended = talk(read(data, pieces=pieces))
    assert ended is None
    assert found == [
        ("detect", {"names": ["alexa"]}, b""),
        ("audio-chunk", {"rate": 16000, "width": 2, "channels": 1, "timestamp": 7}, sound),
        ("detect", {"names": None}, b""),
    ]


def test_a_payload_that_nobody_takes_is_passed_over():
    data = bytes_of(AudioChunk(16000, 2, 1, b"x" * 100_001).event(), Detect().event())
    found, ended = talk(read(data, take=False))
    assert ended is None and [kind for kind, _, _ in found] == ["audio-chunk", "detect"]


def test_data_in_the_line_and_data_after_it_are_one():
    data = b'{"type": "detect", "data": {"names": ["a"], "x": 1}, "data_length": 8}\n{"x": 2}'
    assert talk(read(data)) == ([("detect", {"names": ["a"], "x": 2}, b"")], None)


BAD = {
    "no JSON": b"GET / HTTP/1.1\r\n",
    "a list": b"[]\n",
    "a number": b"7\n",
    "null": b"null\n",
    "an empty line": b"\n",
    "no type": b"{}\n",
    "a type that is none": b'{"type": 7}\n',
    "an empty type": b'{"type": ""}\n',
    "a long type": b'{"type": "%s"}\n' % (b"x" * 200),
    "data that is none": b'{"type": "x", "data": [1]}\n',
    "not UTF-8": b'{"type": "\xff"}\n',
    "a half surrogate in UTF-16": b"\xff\xfe{\x00\n",
    "a negative length": b'{"type": "x", "payload_length": -1}\n',
    "a length in words": b'{"type": "x", "payload_length": "7"}\n',
    "half a byte": b'{"type": "x", "payload_length": 0.5}\n',
    "a true length": b'{"type": "x", "data_length": true}\n',
    "an infinite length": b'{"type": "x", "payload_length": 1e999}\n',
    "a number without an end": b'{"type": "x", "payload_length": %s}\n' % (b"9" * 5000),
    "too much payload": b'{"type": "x", "payload_length": %d}\n' % (MOST_PAYLOAD + 1),
    "too much data": b'{"type": "x", "data_length": %d}\n' % (MOST_DATA + 1),
    "data that is no object": b'{"type": "x", "data_length": 2}\n[]',
    "a header without an end": b"x" * (MOST_HEADER + 1),
    "a header that ends too late": b" " * MOST_HEADER + b"{}\n",
    "a number that is none": b'{"type": "x", "data": {"a": NaN}}\n',
    "an infinite number": b'{"type": "x", "data": {"context": {"a": [-Infinity]}}}\n',
    "a number too large": b'{"type": "x", "data_length": 13}\n{"a": 1e9999}',
    "brackets without end": b'{"type": "x", "data": ' + b"[" * 8000 + b"\n",
}


@pytest.mark.parametrize("data", BAD.values(), ids=BAD)
@pytest.mark.parametrize("behind", [b"", b'{"type": "describe"}\n'])
def test_what_is_no_event_ends_it(data, behind):
    good = b'{"type": "describe"}\n'
    found, ended = talk(read(good + data + behind))
    assert [kind for kind, _, _ in found] == ["describe"]
    assert isinstance(ended, ClientError) and ended.code == "bad-event" and len(str(ended)) < 200


@pytest.mark.parametrize("cut", [1, 10, 40, 75, 100])
def test_a_client_that_vanishes_inside_an_event_is_gone(cut):
    data = bytes_of(AudioChunk(16000, 2, 1, b"\1\2" * 100).event())
    found, ended = talk(read(data[:-cut]))
    assert found == [] and isinstance(ended, EOFError)


def test_one_that_stops_inside_an_event_is_not_waited_for_for_ever(monkeypatch):
    monkeypatch.setattr(inbox, "STALL_S", 0.2)
    _, ended = talk(read(b'{"type": "describe"}\n{"ty' + b" " * 100, pause_s=1, pieces=3))
    assert isinstance(ended, ClientError) and ended.code == "stalled"


def test_a_newcomer_that_says_nothing_is_not_waited_for_for_ever():
    async def run():
        ours, theirs = socket.socketpair()
        with theirs:
            line = Line.of(ours)
            try:
                await Inbox(line).event(within_s=0.1)
            finally:
                line.close()

    with pytest.raises(ClientError, match=r"nothing came for 0\.1 s"):
        talk(run())


def test_a_payload_of_any_length_takes_no_memory():
    data = b'{"type": "x", "payload_length": %d}\n' % MOST_PAYLOAD + bytes(MOST_PAYLOAD) + b'{"type": "describe"}\n'
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        found, ended = talk(read(data, take=False, pieces=256))
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert [kind for kind, _, _ in found] == ["x", "describe"] and ended is None
    assert peak < MOST_PAYLOAD / 4


# Whatever the bytes.

numbers = st.one_of(
    st.integers(-3, 40), st.sampled_from([None, True, 0.5, "7", 10**9, -1, MOST_DATA, MOST_PAYLOAD + 1])
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=8,
)
names = st.sampled_from(["type", "data", "data_length", "payload_length", "version", "x"])
kinds = st.sampled_from(["describe", "detect", "audio-start", "audio-chunk", "audio-stop", "ping", "x"])
headers = st.one_of(
    st.dictionaries(names, values, max_size=4),
    st.fixed_dictionaries(
        {"type": kinds}, optional={"data": values, "data_length": numbers, "payload_length": numbers}
    ),
)
rubbish = st.lists(
    st.one_of(st.binary(max_size=60), headers.map(lambda header: json.dumps(header).encode() + b"\n")), max_size=6
).map(b"".join)


@settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(rubbish, st.integers(1, 40))
def test_any_bytes_are_events_or_an_end(data, pieces):
    found, ended = talk(read(data, pieces=pieces))
    assert ended is None or isinstance(ended, ClientError | EOFError)
    assert sum(len(payload) for _, _, payload in found) <= len(data)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.integers(0, 2**30), st.integers(0, 255))
def test_any_byte_of_a_good_stream_may_be_another(at, other):
    data = bytearray(GOOD)
    data[at % len(data)] = other
    found, ended = talk(read(bytes(data)))
    assert ended is None or isinstance(ended, ClientError | EOFError)
    assert len(found) <= 40


GOOD = bytes_of(
    Detect(names=["alexa"]).event(),
    *(AudioChunk(16000, 2, 1, bytes([number] * 64), timestamp=number).event() for number in range(3)),
)
