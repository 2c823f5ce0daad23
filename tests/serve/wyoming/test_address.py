"""Addresses as people write them."""

import os
import socket
from contextlib import ExitStack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.serve.wyoming import world  # noqa: F401  (skips where the extra is missing)
from wakegate.errors import ConfigError
from wakegate.serve.wyoming.address import Scheme, parse
from wakegate.serve.wyoming.announce import announced


@pytest.mark.parametrize(
    ("text", "on_this_device"),
    [
        ("tcp://127.0.0.1:10400", True),
        ("tcp://127.9.9.9:0", True),
        ("tcp://localhost:65535", True),
        ("tcp://[::1]:10400", True),
        ("unix:///run/user/7/wake.sock", True),
        ("stdio://", True),
        ("tcp://0.0.0.0:10400", False),
        ("tcp://[::]:10400", False),
        ("tcp://192.168.1.5:10400", False),
        ("tcp://kitchen.local:10400", False),
        ("tcp://localhost.evil.example:10400", False),
        ("tcp://[::ffff:127.0.0.1]:10400", False),
    ],
)
def test_what_is_an_address_and_who_can_reach_it(text, on_this_device):
    assert str(parse(text)) == text and parse(text).on_this_device is on_this_device


@pytest.mark.parametrize(
    "text",
    [
        "", "10400", "127.0.0.1:10400", "tcp://", "tcp://127.0.0.1", "tcp://:10400", "tcp://127.0.0.1:", "tcp://h:99999",
        "tcp://h:" + "9" * 5000,
        "tcp://h:-1", "tcp://h:١٢", "unix://", "unix://relative", "stdio://x", "http://h:1", "stdio:",
        "tcp://[]:10400", "tcp://[::1:10400", "tcp://h]:1", "tcp://[[h]]:1", "tcp://h\0:1", "unix:///a\0",
    ],
)  # fmt: skip
def test_what_is_none(text):
    with pytest.raises(ConfigError, match="is no address"):
        parse(text)


pieces = st.sampled_from([
    "tcp", "unix", "stdio", "://", ":", "/", "[", "]", "::1", "127.0.0.1", "localhost", "10400", "0", "65536", "%lo",
    "@", "\0", "\ud800", "١", " ", "..", "\n", "é", "9" * 500,
])  # fmt: skip
addresses = st.text(max_size=40) | st.lists(pieces, max_size=8).map("".join)
addresses |= st.tuples(st.sampled_from(["tcp://", "unix:///"]), addresses, st.sampled_from(["", ":1"])).map("".join)


@settings(max_examples=500, deadline=None, derandomize=True, database=None)
@given(addresses)
def test_any_text_is_an_address_that_stays_one_or_an_error_that_says_so(text):
    try:
        address = parse(text)
    except ConfigError as error:
        assert "is no address" in str(error)
        return
    assert parse(str(address)) == address, "as it is written it is the same"
    assert bool(address.host) is (address.scheme is Scheme.TCP), "no host is every network there is"
    assert address.on_this_device in (True, False) and "\0" not in str(address)


def test_an_address_in_use_is_said():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        with pytest.raises(ConfigError, match="cannot listen"):
            parse(f"tcp://127.0.0.1:{taken.getsockname()[1]}").listen()
    with pytest.raises(ConfigError, match="cannot listen"):
        parse("tcp://no such host:10400").listen()


def test_a_unix_socket_is_this_users_alone(tmp_path):
    path = tmp_path / "wake.sock"
    with parse(f"unix://{path}").listen():
        assert path.stat().st_mode & 0o777 == 0o600
        with pytest.raises(ConfigError, match="cannot listen"):
            parse(f"unix://{path}").listen()
    parse(f"unix://{path}").listen().close()  # its process is gone: taken over
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ConfigError):
        parse(f"unix://{tmp_path}/file").listen()
    assert (tmp_path / "file").read_text() == "mine"


def test_nothing_is_announced_unless_asked_and_where_others_can_come():
    with announced(None, parse("stdio://")):
        pass
    for text in ("tcp://127.0.0.1:10400", "unix:///x", "stdio://", "tcp://0.0.0.0:0", "tcp://[::]:10400"):
        with pytest.raises(ConfigError, match="not there for others"), announced("kitchen", parse(text)):
            pass


def test_it_is_announced_by_its_name_and_no_more_afterwards():
    zeroconf = pytest.importorskip("zeroconf", reason="the extra `zeroconf` is not installed")
    name = f"wakegate-test-{os.getpid()}"

    def seen():
        """Look twice: zeroconf 0.154 may pass over an address at first, and has it then."""
        with zeroconf.Zeroconf() as looker:
            looks = (looker.get_service_info("_wyoming._tcp.local.", f"{name}._wyoming._tcp.local.") for _ in range(2))
            return next((look for look in looks if look is not None), None)

    try:
        with announced(name, parse("tcp://0.0.0.0:10400")):
            about = seen()
    except ConfigError as error:
        pytest.skip(f"no network to announce on: {error}")
    assert about is not None and about.port == 10400 and len(about.addresses) == 1
    assert about.properties == {}
    assert seen() is None


def test_a_name_that_another_device_has_is_said():
    pytest.importorskip("zeroconf", reason="the extra `zeroconf` is not installed")
    name, here = f"wakegate-test-{os.getpid()}", parse("tcp://0.0.0.0:10400")
    with ExitStack() as stack:
        try:
            stack.enter_context(announced(name, here))
        except ConfigError as error:
            pytest.skip(f"no network to announce on: {error}")
        with pytest.raises(ConfigError, match="another one on this network has it"), announced(name, here):
            pass


def test_an_announcement_that_cannot_be_made_is_said():
    pytest.importorskip("zeroconf", reason="the extra `zeroconf` is not installed")
    with pytest.raises(ConfigError, match="cannot be announced"), announced("x" * 100, parse("tcp://0.0.0.0:10400")):
        pass
    with pytest.raises(ConfigError, match="cannot be announced"), announced("k", parse("tcp://kitchen.local:10400")):
        pass
