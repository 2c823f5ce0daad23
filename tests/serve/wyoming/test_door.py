"""The door's places: no one device of the network takes them all. Around 3 s."""

import asyncio
import contextlib
import socket

import pytest

from tests.serve.wyoming.world import Event, serving, talk, until
from wakegate.serve.wyoming import door
from wakegate.serve.wyoming.door import SHARE
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
                    full = (await until(three))[0].data["code"]
            return first, codes, places, full, await service.is_well()

    first, codes, places, full, well = talk(run())
    assert first == ["pong"] * SHARE + ["error"] * 3 and codes == ["busy"] * 3
    assert places == ["pong", "pong"] and full == "busy" and well, "this device's own programs have all places"


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
