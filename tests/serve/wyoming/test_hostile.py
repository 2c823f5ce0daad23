"""Clients that mean no good, or know no better: none of them harms another. Around 20 s."""

import asyncio
import contextlib
import json
import logging
import os
import resource
import socket
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.serve.wyoming.test_inbox import BAD, headers, rubbish
from tests.serve.wyoming.world import (
    RATE,
    WORDS,
    AsyncClient,
    Detect,
    Event,
    async_read_event,
    chunks,
    send,
    serving,
    six_words,
    talk,
    until,
)
from wakegate.serve.wyoming import door, inbox, microphone, wake
from wakegate.serve.wyoming.address import parse
from wakegate.serve.wyoming.microphone import GatedMicrophone
from wakegate.serve.wyoming.wake import MOST_CLIENTS
from wakegate.wake import catalogue


def inside(service):
    """How many clients have a place."""
    if isinstance(service, Gated):
        return len(service.sink._listeners)
    return len([task for task in asyncio.all_tasks() if "_attend" in repr(task.get_coro())])


async def gone(service, count=0):
    """Wait until only ``count`` clients' tasks are left."""
    for _ in range(200):
        if inside(service) <= count:
            return True
        await asyncio.sleep(0.02)
    return False


class Gated:
    """A gated microphone that is running, in a thread of its own."""

    def __init__(self, sink, dropped):
        self.uri, self.dropped, self.sink = sink.found_at, dropped, sink

    async def is_well(self):
        """Whether a new client is told what it is."""
        async with AsyncClient.from_uri(self.uri) as client:
            await client.write_event(Event("describe"))
            return (await client.read_event()).type == "info"


@contextlib.asynccontextmanager
async def gated():
    """Run a gated microphone."""
    dropped = []
    models = dict.fromkeys(WORDS, catalogue.installed()[0])
    with GatedMicrophone(parse("tcp://127.0.0.1:0"), lambda: models, dropped.append) as sink:
        yield Gated(sink, dropped)


async def answers(reader):
    """Read what the service says until it hangs up."""
    return [json.loads(line) for line in (await reader.read()).splitlines() if line.startswith(b"{")]


@pytest.mark.parametrize("data", BAD.values(), ids=BAD)
def test_rubbish_is_answered_with_one_error_and_the_end(data):
    async def run():
        async with serving() as service:
            reader, writer = await service.raw()
            writer.write(data)
            header, said = await answers(reader)
            writer.close()
            return header, said, service.dropped, await gone(service)

    header, said, (dropped,), nobody_left = talk(run())
    assert header["type"] == "error" and said["code"] == "bad-event" == dropped.code and nobody_left


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("audio-start", {}),
        ("audio-chunk", {"rate": 16000}),
        ("audio-chunk", {"rate": 16000, "width": 2, "channels": 1, "timestamp": "now"}),
        ("audio-chunk", {"rate": 16000, "width": 2, "channels": 1, "timestamp": 1e300}),
        ("audio-chunk", {"rate": 16000, "width": 2, "channels": 1, "timestamp": 10**30}),
        ("detect", {"names": {"a": 1}}),
        ("detect", {"names": [None]}),
        ("detect", {"context": "kitchen"}),
        ("detect", {"context": ["kitchen"]}),
        ("detect", {"context": {"room": "é" * 7000}}),
    ],
)
def test_an_event_of_wrong_values_is_an_error(kind, data):
    async def run():
        async with serving() as service, service.client() as client:
            await client.write_event(Event(kind, data, b"1234"))
            return [event.type for event in await until(client)], await service.is_well()

    assert talk(run()) == (["error"], True)


def test_what_is_not_for_us_is_passed_over():
    async def run():
        async with serving() as service, service.client() as client:
            await client.write_event(Event("select-program", {"name": "another"}))
            await client.write_event(Event("transcribe", {"language": "en"}, b"x" * 100_000))
            await client.write_event(Event("audio-stop", {}))  # of nothing
            await client.write_event(Event("ping", {"text": ["no text"]}))
            return await client.read_event(), service.dropped

    answer, dropped = talk(run())
    assert answer.type == "pong" and answer.data == {"text": None} and dropped == []


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
@pytest.mark.parametrize("after", [0, 10, 100, 5000])
def test_a_client_that_vanishes_leaves_nothing_behind(after, reset):
    async def run():
        async with serving() as service:
            for _ in range(20):
                peer = socket.create_connection(("127.0.0.1", int(service.uri.rpartition(":")[2])))
                data = b'{"type": "detect"}\n{"type": "audio-chunk", "payload_length": 9000, "data": '
                data += b'{"rate": 16000, "width": 2, "channels": 1}}\n' + b"\1" * 9000
                peer.sendall(data[:after])
                if reset:
                    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                await asyncio.sleep(0.01)
                peer.close()
            return await gone(service), await service.is_well(), service.dropped

    assert talk(run()) == (True, True, [])


@pytest.mark.parametrize(
    ("service_of", "most"),
    [
        pytest.param(serving, MOST_CLIENTS, id="wake"),
        pytest.param(gated, microphone.MOST_CLIENTS, id="microphone", marks=pytest.mark.long),
    ],
)
def test_a_thousand_connections_and_then_an_honest_one(service_of, most):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 3000:
        pytest.skip("this system does not let one process have 3000 descriptors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (3000, hard))

    async def run():
        async with service_of() as service:
            port = int(service.uri.rpartition(":")[2])
            peers = [socket.socket() for _ in range(1000)]
            for peer in peers:
                peer.setblocking(False)
            loop = asyncio.get_running_loop()
            for at in range(0, 1000, 50):
                await asyncio.gather(*(loop.sock_connect(peer, ("127.0.0.1", port)) for peer in peers[at : at + 50]))
            refused = b"".join(await asyncio.gather(*(loop.sock_recv(peer, 1000) for peer in peers[most:])))
            there = inside(service)
            for peer in peers:
                peer.close()
            return there, refused, await gone(service), await service.is_well(), service.dropped

    try:
        there, refused, nobody_left, well, dropped = talk(run())
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert there == most and nobody_left and well
    assert refused.count(b'"code": "busy"') == 1000 - most
    assert 20 <= len(dropped) <= 60, "people are told, and not a thousand times"


def test_no_descriptors_left_is_waited_out(caplog):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)

    async def run():
        async with serving() as service:
            client = service.client()
            peer = socket.socket()
            taken = [os.dup(0)]
            resource.setrlimit(resource.RLIMIT_NOFILE, (taken[0] + 10, hard))
            try:
                with contextlib.suppress(OSError):
                    while True:
                        taken.append(os.dup(0))
                peer.connect(("127.0.0.1", int(service.uri.rpartition(":")[2])))
                await asyncio.sleep(0.2)
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
                for descriptor in taken:
                    os.close(descriptor)
            peer.close()
            await client.connect()
            await client.write_event(Event("ping", {"text": "x"}))
            answer = await client.read_event()
            await client.disconnect()
            return answer

    with caplog.at_level(logging.WARNING):
        assert talk(run()).type == "pong"
    assert "no client can come in" in caplog.text


def test_who_was_silent_for_long_gives_its_place_to_a_newcomer(monkeypatch):
    monkeypatch.setattr(door, "IDLE_S", 0.3)

    async def run():
        async with serving(most=2) as service, service.client() as silent, service.client() as busy:
            for client in (silent, busy):
                await client.write_event(Event("ping", {"text": "x"}))
                await client.read_event()
            async with service.client() as early:
                refused = await until(early)
            await asyncio.sleep(0.4)
            await busy.write_event(Event("ping", {"text": "x"}))
            await busy.read_event()
            well = await service.is_well()
            left = await until(silent)
            await busy.write_event(Event("ping", {"text": "x"}))
            return refused, well, left, await busy.read_event(), [one.code for one in service.dropped]

    refused, well, left, pong, dropped = talk(run())
    assert [one.data["code"] for one in refused] == ["busy"] and well
    assert [one.data["code"] for one in left] == ["idle"] and pong.type == "pong"
    assert dropped == ["busy", "idle"]


def test_who_falls_silent_gives_back_its_ears_and_may_go_on_later(monkeypatch):
    monkeypatch.setattr(wake, "QUIET_S", 0.3)

    async def run():
        async with serving() as service, service.client() as client:
            await client.write_event(Detect(names=["alexa"], context={"room": "hall"}).event())
            for chunk in chunks(six_words()[:RATE].tobytes()):
                await client.write_event(chunk)
            while not service.words._lent:
                await asyncio.sleep(0.01)
            while service.words._lent:
                await asyncio.sleep(0.05)
            for chunk in chunks(six_words()[: 6 * RATE].tobytes(), first_ms=50_000):
                await client.write_event(chunk)
            await client.write_event(Event("audio-stop", {}))
            await client.write_event(Event("ping", {"text": "x"}))
            return await until(client, "pong")

    detection, pong = talk(run())
    assert (detection.data["name"], pong.type) == ("alexa", "pong"), "and no other word than it asked for"
    assert 51_000 < detection.data["timestamp"] <= 51_910
    assert "room" not in detection.data["context"], "what it wanted said back was not kept for it"


def test_a_newcomer_that_says_nothing_is_sent_away(monkeypatch):
    monkeypatch.setattr(door, "FIRST_S", 0.2)

    async def run():
        async with serving() as service, service.client() as silent:
            return await until(silent), service.dropped

    (error,), (dropped,) = talk(run())
    assert error.data["code"] == "stalled" == dropped.code


def test_one_that_stops_inside_an_event_is_sent_away(monkeypatch):
    monkeypatch.setattr(inbox, "STALL_S", 0.2)

    async def run():
        async with serving() as service:
            reader, writer = await service.raw()
            writer.write(b'{"type": "audio-chunk", "payload_length": 100, "data": {"rate": 16000, "width": 2, ')
            writer.write(b'"channels": 1}}\n1234')
            header, said = await answers(reader)
            writer.close()
            return header["type"], said["code"]

    assert talk(run()) == ("error", "stalled")


async def deaf(service):
    """A client that asks on and on and reads nothing, until somebody is sent away."""
    peer = socket.socket()
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    peer.connect(("127.0.0.1", int(service.uri.rpartition(":")[2])))
    peer.setblocking(False)
    with contextlib.suppress(OSError):
        async with asyncio.timeout(15):
            while not service.dropped:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.1):
                        await asyncio.get_running_loop().sock_sendall(peer, b'{"type": "describe"}\n' * 100)
    return peer


async def talk_on(writer):
    """Send without an end."""
    with contextlib.suppress(OSError):
        while True:
            writer.write(b"\n" * 1000)
            await writer.drain()


@pytest.mark.parametrize("meanwhile", ["silent", "talks on", "has said all"])
def test_one_that_talked_on_and_did_not_read_is_dropped_and_reads_why(monkeypatch, meanwhile):
    monkeypatch.setattr(door, "SLOW_S", 0.3)

    async def run():
        async with serving() as service:
            reader, writer = await asyncio.open_connection(sock=await deaf(service))
            talking = asyncio.create_task(talk_on(writer)) if meanwhile == "talks on" else None
            if meanwhile == "has said all":
                writer.write_eof()
            said = []
            while (event := await async_read_event(reader)) is not None:
                said.append((event.type, event.data.get("code")))
            if talking is not None:
                talking.cancel()
            writer.close()
            return said, [one.code for one in service.dropped], await gone(service), await service.is_well()

    said, *rest = talk(run())
    assert {*said[:-1]} == {("info", None)} and said[-1] == ("error", "slow")
    assert rest == [["slow"], True, True]


def test_those_who_never_read_hold_the_door_for_no_longer_than_the_farewell(monkeypatch):
    monkeypatch.setattr(door, "SLOW_S", 0.3)

    async def run():
        async with serving(most=8) as service, contextlib.AsyncExitStack() as stack:
            peers = await asyncio.gather(*(deaf(service) for _ in range(8)))
            for peer in peers:
                stack.enter_context(peer)
            return await gone(service), {one.code for one in service.dropped}, await service.is_well()

    assert talk(run()) == (True, {"slow"}, True)


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.one_of(rubbish, headers.map(lambda header: json.dumps(header).encode() + b"\n")), max_size=4))
def test_any_bytes_on_the_socket_leave_the_service_well(pieces):
    async def run():
        async with serving() as service, service.client() as honest:
            reader, writer = await service.raw()
            with contextlib.suppress(OSError):
                for piece in [b'{"type": "detect"}\n', *pieces]:
                    writer.write(piece)
                    await writer.drain()
                writer.write_eof()
                await asyncio.wait_for(reader.read(), 5)
            writer.close()
            await honest.write_event(Event("ping", {"text": "x"}))
            return (await honest.read_event()).type, await gone(service, 1)

    assert talk(run()) == ("pong", True)


@pytest.mark.parametrize("depth", range(900, 1000, 3))
def test_a_context_of_any_depth_is_said_back_or_an_error_and_no_fault_of_ours(depth, caplog):
    """Some can be read, and not be written."""

    async def run():
        async with serving() as service:
            reader, writer = await service.raw()
            writer.write(b'{"type": "detect", "data": {"context": {"a": %s}}}\n' % (b"[" * depth + b"]" * depth))
            writer.write(b'{"type": "audio-start", "data": {"rate": 16000, "width": 2, "channels": 1}}\n')
            writer.write(b'{"type": "audio-stop"}\n')
            writer.write_eof()
            said = await reader.readline()
            writer.close()
            return json.loads(said)["type"]

    assert talk(run()) in ("not-detected", "error") and "Traceback" not in caplog.text


FAILS = st.fixed_dictionaries(
    {"type": st.sampled_from(["detect", "audio-start", "audio-chunk", "audio-stop", "describe"])},
    optional={
        "data": st.fixed_dictionaries(
            {},
            optional={
                "rate": st.sampled_from([8000, 16000, 11025, 192000, 0, None]),
                "width": st.integers(0, 5),
                "channels": st.integers(0, 33),
                "timestamp": st.one_of(st.none(), st.integers(-(10**20), 10**20), st.floats()),
                "names": st.one_of(st.none(), st.lists(st.sampled_from(["alexa", "jarvis", "hal", ""]), max_size=3)),
                "context": st.one_of(st.none(), st.integers(), st.dictionaries(st.text(max_size=3), st.floats())),
            },
        )
    },
)


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(FAILS, st.integers(0, 5000)), max_size=6))
def test_any_order_of_events_is_an_answer_or_an_error_and_no_fault_of_ours(events):
    faults = []
    handler = logging.Handler()
    handler.emit = faults.append
    logging.getLogger(door.__name__).addHandler(handler)

    async def run():
        async with serving() as service:
            reader, writer = await service.raw()
            with contextlib.suppress(OSError):
                for event, size in events:
                    writer.write(json.dumps(event | {"payload_length": size}).encode() + b"\n" + b"\1\2" * size)
                    await writer.drain()
                writer.write_eof()
                await asyncio.wait_for(reader.read(), 5)
            writer.close()
            return await gone(service)

    try:
        assert talk(run()) and faults == []
    finally:
        logging.getLogger(door.__name__).removeHandler(handler)


def test_who_says_many_things_at_once_lets_others_be_answered_in_between():
    forms = [{"rate": rate, "width": 2, "channels": 1} for rate in (16_000, 8_000)] * 40
    burst = b"".join(json.dumps({"type": "audio-start", "data": form}).encode() + b"\n" for form in forms)

    async def run():
        async with serving() as service, service.client() as honest:
            await honest.write_event(Event("ping", {"text": "x"}))
            await honest.read_event()
            reader, writer = await service.raw()
            writer.write(b'{"type": "audio-start", "data": %s}\n' % json.dumps(forms[0]).encode())  # its ears are there
            writer.write(b'{"type": "ping"}\n')
            await reader.readline()
            answered = []

            async def ask(name, asked, answer):
                await asked
                await answer()
                answered.append(name)

            writer.write(burst + b'{"type": "ping"}\n')
            ping = honest.write_event(Event("ping", {"text": "x"}))
            await asyncio.gather(ask("burst", writer.drain(), reader.readline), ask("other", ping, honest.read_event))
            writer.close()
            return answered

    assert talk(run()) == ["other", "burst"]


@pytest.mark.parametrize("text", ["\ud800", "\udcff", "x\0y", "\u202e", "x" * 16_000])
def test_any_text_of_a_ping_comes_back_or_is_an_error_of_the_clients(text, caplog):
    async def run():
        async with serving() as service:
            reader, writer = await service.raw()
            body = json.dumps({"text": text}).encode()
            writer.write(b'{"type": "ping", "data_length": %d}\n' % min(len(body), 16_384) + body)
            writer.write_eof()
            said = await answers(reader)
            writer.close()
            return said, service.dropped

    said, dropped = talk(run())
    assert said and "Traceback" not in caplog.text and dropped == []


def test_who_asks_for_other_words_all_the_time_burns_one_core_at_most():
    loading, most = [], []

    async def run():
        async with serving() as service, contextlib.AsyncExitStack() as stack:
            load = service.words._ear

            def watched(*choice):
                loading.append(choice)
                most.append(len(loading))
                try:
                    return load(*choice)
                finally:
                    loading.pop()

            service.words._ear = watched
            for word in WORDS * 2:
                client = await stack.enter_async_context(service.client())
                await client.write_event(Event("detect", {"names": [word]}))
            while len(most) < 2 * len(WORDS):
                await asyncio.sleep(0.01)

    talk(run())
    assert max(most) == 1


def test_an_error_of_ours_ends_that_client_and_no_other(caplog, monkeypatch):
    from wakegate.serve.wyoming.hearing import Hearing

    async def run():
        async with serving() as service, service.client() as other:
            with monkeypatch.context() as broken:
                broken.setattr(Hearing, "begin", lambda *_: 1 / 0)
                async with service.client() as client:
                    await send(client, six_words()[:1000])
                    last = await until(client)
            await other.write_event(Event("ping", {"text": "x"}))
            return last, (await other.read_event()).type, await service.is_well()

    assert talk(run()) == ([], "pong", True)
    assert "ZeroDivisionError" in caplog.text and "client 2" in caplog.text


def test_stopping_ends_every_client_and_frees_the_socket(tmp_path):
    path = tmp_path / "wake.sock"

    async def run():
        async with serving(f"unix://{path}") as service:
            client = service.client()
            await client.connect()
            await client.write_event(Detect().event())
            for chunk in chunks(six_words()[:RATE].tobytes()):
                await client.write_event(chunk)
        last = []
        with contextlib.suppress(ConnectionResetError):  # some of its sound may not have been read
            last = await until(client)
        with contextlib.suppress(ConnectionResetError):
            await client.disconnect()
        return last

    assert talk(run()) == [] and not path.exists()


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to be another user")
def test_another_users_program_cannot_come_in_over_a_unix_socket(tmp_path):
    async def run():
        async with serving(f"unix://{tmp_path}/wake.sock"):
            code = "import os, socket, sys; os.setgid(65534); os.setuid(65534); socket.socket(1).connect(sys.argv[1])"
            other = await asyncio.create_subprocess_exec(
                sys.executable, "-c", code, f"{tmp_path}/wake.sock", stderr=subprocess.PIPE
            )
            return (await other.communicate())[1]

    assert b"PermissionError" in talk(run())
