"""The door's places, and the ears: no few devices of the network take them all. Around 10 s."""

import asyncio
import contextlib
import random
import socket
import threading
from dataclasses import dataclass

import pytest

from tests.serve.wyoming.world import RATE, Event, heard, send, serving, six_words, talk, until
from wakegate.serve.wyoming import door, words
from wakegate.serve.wyoming.door import SHARE
from wakegate.serve.wyoming.fairness import giving_way
from wakegate.serve.wyoming.peers import beyond


@pytest.mark.parametrize(
    ("theirs", "ours", "device"),
    [
        ("192.168.1.5", "192.168.1.2", "192.168.1.5"),
        ("192.168.1.2", "192.168.1.2", ""),
        ("127.0.0.1", "127.0.0.1", ""),
        ("127.0.0.7", "127.0.0.1", ""),
        ("::1", "::1", ""),
        ("::ffff:127.0.0.1", "::ffff:127.0.0.1", ""),
        ("::ffff:192.168.1.5", "::ffff:192.168.1.2", "192.168.1.5"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:9::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:9::1", "2001:db8:1:2::/64"),
        ("2001:db8:9::7", "2001:db8:9::1", "2001:db8:9::7"),
        ("fe80::1%eth0", "fe80::2%eth0", "fe80::1"),
        ("fe80::2%eth0", "fe80::2%eth0", ""),
    ],
)
def test_which_device_a_connection_is_from(theirs, ours, device):
    assert beyond(theirs, ours) == device


def address_on_the_network():
    """An address of this machine that is not the loopback's: from there, to the loopback, we look like another one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, contextlib.suppress(OSError):
        probe.connect(("192.0.2.1", 9))  # sends nothing
        return probe.getsockname()[0]
    pytest.skip("this machine has no address on a network")


@contextlib.asynccontextmanager
async def strangers(service, source, count):
    """Clients from another address: (reader, writer) each, once each was answered or sent away."""
    host, _, port = service.uri.removeprefix("tcp://").rpartition(":")
    peers, first = [], []
    for _ in range(count):
        reader, writer = await asyncio.open_connection(host, int(port), local_addr=(source, 0))
        with contextlib.suppress(OSError):
            writer.write(b'{"type": "ping"}\n')
            first.append((await reader.readline()).partition(b'"type": "')[2].partition(b'"')[0].decode())
        peers.append((reader, writer))
    try:
        yield peers, first
    finally:
        for _, writer in peers:
            writer.close()


def test_one_device_of_the_network_cannot_keep_the_others_out():
    source = address_on_the_network()

    async def run():
        async with serving(most=SHARE + 2) as service, strangers(service, source, SHARE + 3) as (_, first):
            codes = [one.code for one in service.dropped]
            async with service.client() as one, service.client() as two:
                for client in (one, two):
                    await client.write_event(Event("ping", {"text": "x"}))
                places = [(await client.read_event()).type for client in (one, two)]
                async with service.client() as three:
                    await three.write_event(Event("ping", {"text": "x"}))
                    places.append((await three.read_event()).type)
            return first, codes, places, [one.code for one in service.dropped][3:], await service.is_well()

    first, codes, places, gave_way, well = talk(run())
    assert first == ["pong"] * SHARE + ["error"] * 3 and codes == ["busy"] * 3
    assert places == ["pong"] * 3 and gave_way == ["gave-way"] and well


def test_a_device_whose_share_is_full_gives_up_its_own_silent_client_and_nobody_elses(monkeypatch):
    source = address_on_the_network()
    monkeypatch.setattr(door, "IDLE_S", 0.3)

    async def run():
        async with serving() as service, service.client() as silent:
            await silent.write_event(Event("ping", {"text": "x"}))
            await silent.read_event()
            async with strangers(service, source, SHARE) as (peers, _):
                await asyncio.sleep(0.4)
                async with strangers(service, source, 1) as (_, first):
                    dropped = [(one.client, one.code) for one in service.dropped]
                    left = await asyncio.wait_for(peers[0][0].read(), 10)
            await silent.write_event(Event("ping", {"text": "x"}))
            return first, dropped, left, (await silent.read_event()).type

    first, dropped, left, pong = talk(run())
    assert first == ["pong"] and dropped == [(2, "idle")] and b'"code": "idle"' in left and pong == "pong"


@dataclass
class Held:
    """A place that is held."""

    device: str
    heard_at: float = 0.0


@pytest.mark.parametrize(
    ("held", "newcomer", "loser"),
    [
        ("aaab", "c", 1),  # of a's the one at 1 has been silent for longest
        ("aaab", "", 1),
        ("aaab", "b", 1),
        ("aaab", "a", None),
        ("aabb", "b", None),
        ("aab", "b", None),  # it would only turn the two round
        ("ab", "c", None),
        ("LLLL", "c", None),  # programs on this device keep what they have
        ("LLLaab", "c", 3),
        ("LLLaab", "", 3),  # which take what another device has, however few
        ("abcd", "", 1),
        ("LLLL", "", None),
        ("", "c", None),
    ],
)
def test_who_gives_way(held, newcomer, loser):
    places = [Held(device.replace("L", ""), heard_at=(at * 3 + 2) % 5) for at, device in enumerate(held)]
    found = giving_way(places, newcomer)
    assert (None if found is None else places.index(found)) == loser


def test_however_hostile_devices_come_and_go_who_holds_nothing_gets_a_place_until_each_place_is_anothers():
    chance = random.Random(20261122)
    most, places, time = 16, [], 0.0

    def come(device):
        nonlocal time
        time += 1
        if len(places) == most:
            loser = giving_way(places, device)
            if loser is None:
                return False
            places.remove(loser)
        places.append(Held(device, time))
        return True

    for _ in range(3000):
        come(chance.choice("abcdefgh"))
        for one in places:
            one.heard_at += chance.random() * 5
        if chance.random() < 0.05:
            assert come("honest")
            mine = next(one for one in places if one.device == "honest")
            for device in "abcdefgh" * 20:
                come(device)
            assert mine in places, "and keeps it"
            places.remove(mine)
    places[:] = [Held(str(number)) for number in range(most)]
    assert not come("one more")


@pytest.fixture
def network(monkeypatch):
    """The loopback as if it were a network: each address but the first is another device."""

    def device(peer):
        host = peer.getpeername()[0]
        return "" if host == "127.0.0.1" else host

    monkeypatch.setattr(door.peers, "device", device)


def test_eight_hostile_devices_that_hold_every_place_keep_no_ninth_out(network):
    async def run():
        async with serving() as service, contextlib.AsyncExitStack() as stack:
            held = []
            for number in range(2, 10):
                peers, first = await stack.enter_async_context(strangers(service, f"127.0.0.{number}", SHARE))
                held += peers
                assert first == ["pong"] * SHARE
            _, full = await stack.enter_async_context(strangers(service, "127.0.0.2", 1))
            _, ninth = await stack.enter_async_context(strangers(service, "127.0.0.10", 2))
            told = [await asyncio.wait_for(reader.read(), 10) for reader, _ in (held[0], held[SHARE])]
            async with service.client() as local:
                await local.write_event(Event("ping", {"text": "x"}))
                pong = (await local.read_event()).type
            return full, ninth, told, pong, [(one.client, one.code) for one in service.dropped]

    full, ninth, told, pong, dropped = talk(run())
    assert full == ["error"] and ninth == ["pong", "pong"] and pong == "pong"
    assert all(b'"code": "gave-way"' in said for said in told)
    assert dropped[0][1] == "busy" and dropped[1:3] == [(1, "gave-way"), (SHARE + 1, "gave-way")]


def test_however_many_addresses_hold_every_place_programs_on_this_device_come_in(network, monkeypatch):
    monkeypatch.setattr(door, "_FAREWELL_S", 20)  # whoever is sent away takes its time

    async def run():
        async with serving(most=4) as service, contextlib.AsyncExitStack() as stack:
            for number, count in ((2, 3), (3, 1), (4, 1), (5, 1)):
                _, first = await stack.enter_async_context(strangers(service, f"127.0.0.{number}", count))
                assert first == ["pong"] * count
            _, local = await stack.enter_async_context(strangers(service, "127.0.0.1", 5))
            return local, [one.code for one in service.dropped]

    local, dropped = talk(run())
    assert local == ["pong"] * 4 + ["error"] and dropped == ["gave-way"] * 6 + ["busy"]


def test_a_silent_program_on_this_device_gives_way_to_another_one_on_it_and_to_no_other_device(network, monkeypatch):
    monkeypatch.setattr(door, "IDLE_S", 0.3)

    async def run():
        async with serving(most=2) as service, contextlib.AsyncExitStack() as stack:
            came = []
            for source in ("127.0.0.1", "127.0.0.9", "127.0.0.8", "127.0.0.1"):
                came += (await stack.enter_async_context(strangers(service, source, 1)))[1]
                await asyncio.sleep(0.4)
            return came, [(one.client, one.code) for one in service.dropped]

    assert talk(run()) == (["pong"] * 4, [(2, "idle"), (1, "idle")])


def test_two_hostile_devices_whose_clients_wait_for_their_ears_keep_no_third_unheard(network):
    go_on, loading, most = threading.Event(), [], []

    async def run():
        async with serving(offered=["alexa"]) as service, contextlib.AsyncExitStack() as stack:
            load = service.words._ear

            def slow(*choice):
                loading.append(choice)
                most.append(len(loading))
                go_on.wait(10)
                loading.pop()
                return load(*choice)

            service.words._ear = slow
            for number in (2, 3):
                peers, _ = await stack.enter_async_context(strangers(service, f"127.0.0.{number}", SHARE))
                for _, writer in peers:
                    writer.write(b'{"type": "detect"}\n')
                    await writer.drain()
            while len(service.words._lent) < words.MOST_LISTENING:
                await asyncio.sleep(0.01)
            async with service.client() as local:
                await local.write_event(Event("detect", {}))
                await local.write_event(Event("ping", {"text": "x"}))
                while not service.dropped:
                    await asyncio.sleep(0.01)
                await asyncio.sleep(0.1)  # room for a second one to be loaded at once, if one were
                go_on.set()
                return (await until(local, "pong"))[-1].type, [one.code for one in service.dropped]

    assert talk(run()) == ("pong", ["gave-way"])
    assert max(most) == 1, "one that is dismissed holds the next one up until its own are loaded"


def test_two_hostile_devices_that_hold_all_ears_keep_no_third_unheard(network):
    detect = b'{"type": "detect"}\n{"type": "ping"}\n'

    async def run():
        async with serving(offered=["alexa"]) as service, contextlib.AsyncExitStack() as stack:
            peers = []
            for number in (2, 3):
                peers += (await stack.enter_async_context(strangers(service, f"127.0.0.{number}", SHARE)))[0]
            for reader, writer in peers:
                writer.write(detect)
                assert b"pong" in await reader.readline()
            assert len(peers) == words.MOST_LISTENING
            for _, writer in peers:  # all of them in the middle of their sound, which never ends
                writer.write(b'{"type": "audio-chunk", "data": {"rate": 16000, "width": 2, "channels": 1}, ')
                writer.write(b'"payload_length": 100000}\n' + bytes(50_000))
            async with service.client() as wrong:
                await wrong.write_event(Event("detect", {"names": ["hal"]}))
                assert (await until(wrong))[0].data["code"] == "unknown-word", "and takes nobody's ears"
            async with service.client() as local:
                told = [one.name for one in await heard(local, six_words()[: 3 * RATE])]
            last = await asyncio.wait_for(peers[0][0].read(), 10)
            lent = len(service.words._lent)
            async with service.client() as local:
                again = [one.name for one in await heard(local, six_words()[: 3 * RATE])]
            return told, last, lent, again, [(one.client, one.code) for one in service.dropped]

    told, last, lent, again, dropped = talk(run())
    assert told == again == ["alexa"] and b'"code": "gave-way"' in last
    assert [code for _, code in dropped] == ["unknown-word", "gave-way"] and dropped[1][0] == 1
    assert lent <= words.MOST_LISTENING


def test_a_device_that_has_all_ears_it_may_have_is_told_so(network):
    async def run():
        async with serving(offered=["alexa"]) as service, contextlib.AsyncExitStack() as stack:
            for _ in range(words.MOST_LISTENING):
                client = await stack.enter_async_context(service.client())
                await send(client, six_words()[:1280])
                await client.write_event(Event("ping", {"text": "x"}))
                await until(client, "pong")
            (peers, _) = await stack.enter_async_context(strangers(service, "127.0.0.2", 1))
            peers[0][1].write(b'{"type": "detect"}\n')
            return await asyncio.wait_for(peers[0][0].read(), 10), len(service.dropped)

    last, dropped = talk(run())
    assert b'"code": "busy"' in last and dropped == 1, "programs on this device keep what they have"


def test_devices_that_come_talk_and_vanish_at_any_step_leave_every_place_and_every_ear_behind(
    network, monkeypatch, caplog
):
    monkeypatch.setattr(words, "MOST_LISTENING", 3)
    monkeypatch.setattr(door, "_FAREWELL_S", 0.1)
    chance = random.Random(5)
    chunk = b'{"type": "audio-chunk", "data": {"rate": 8000, "width": 2, "channels": 1}, "payload_length": 4000}\n'
    said = [
        b'{"type": "detect"}\n',
        b'{"type": "detect", "data": {"names": ["alexa"]}}\n',
        b'{"type": "audio-start", "data": {"rate": 16000, "width": 2, "channels": 1}}\n',
        chunk + bytes(4000),
        chunk + bytes(9),
        b'{"type": "audio-stop"}\n',
        b'{"type": "describe"}\n' * 20,
        b"rubbish\n",
    ]

    async def visit(port):
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, local_addr=(f"127.0.0.{chance.randint(1, 5)}", 0)
        )
        with contextlib.suppress(OSError, TimeoutError):
            for _ in range(chance.randint(0, 6)):
                writer.write(chance.choice(said))
                await writer.drain()
                await asyncio.sleep(chance.random() * 0.02)
            if chance.random() < 0.5:
                await asyncio.wait_for(reader.read(1000), 0.05)
        if chance.random() < 0.5:
            writer.transport.abort()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    async def run():
        async with serving(most=6, offered=["alexa"]) as service:
            port = int(service.uri.rpartition(":")[2])
            for _ in range(12):
                await asyncio.gather(*(visit(port) for _ in range(16)))
            well = await service.is_well()
            for _ in range(100):  # until it is noticed that all are gone
                await asyncio.sleep(0.05 if service.words._lent else 0)
            lent = len(service.words._lent)
            return well, lent, {one.code for one in service.dropped}

    well, lent, codes = talk(run())
    assert well and lent == 0 and "gave-way" in codes
    assert "Traceback" not in caplog.text, caplog.text
