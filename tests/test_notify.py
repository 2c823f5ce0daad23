"""sd_notify by hand, on a real socket."""

import os
import socket
from contextlib import closing

import pytest

from wakegate.notify import LONGEST, Notify


@pytest.fixture(params=["path", "abstract"])
def manager(request, tmp_path):
    """A service manager's socket, and the address that it would put into the environment."""
    address = str(tmp_path / "notify") if request.param == "path" else f"@wakegate-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(address.replace("@", "\0", 1) if address[0] == "@" else address)
        listener.setblocking(False)
        yield listener, address


def test_everything_is_told_as_the_manual_says(manager):
    listener, address = manager
    told = Notify.take({"NOTIFY_SOCKET": address})
    told.ready()
    told.status("listening for\nalexa\0")
    told.reloading()
    told.alive()
    told.stopping()
    told.close()
    told.alive()
    said = [listener.recv(4096).decode() for _ in range(5)]
    assert said[:2] == ["READY=1", "STATUS=listening for alexa\0"]
    assert said[2].startswith("RELOADING=1\nMONOTONIC_USEC=") and said[2].rpartition("=")[2].isdecimal()
    assert said[3:] == ["WATCHDOG=1", "STOPPING=1"]
    with pytest.raises(BlockingIOError):
        listener.recv(4096)


def test_a_status_is_one_short_line(manager):
    listener, address = manager
    with closing(Notify.take({"NOTIFY_SOCKET": address})) as told:
        told.status("é\n" * 10_000)
    said = listener.recv(65536).decode()
    assert "\n" not in said and len(said) == len("STATUS=") + LONGEST


def test_what_a_busy_manager_could_not_take_is_told_with_the_next_word_and_in_order(manager):
    listener, address = manager
    with closing(Notify.take({"NOTIFY_SOCKET": address})) as told:
        for _ in range(4):  # each may have so much under way, and the manager so many
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other, pytest.raises(BlockingIOError):
                other.setblocking(False)
                while True:
                    other.sendto(b"somebody else", told._address)
        told.ready()
        told.status("listening")
        for _ in range(100):
            told.alive()
        with pytest.raises(BlockingIOError):
            while listener.recv(100) == b"somebody else":
                pass
        told.alive()
        assert [listener.recv(100) for _ in range(3)] == [b"READY=1", b"STATUS=listening", b"WATCHDOG=1"]
        with pytest.raises(BlockingIOError):
            listener.recv(100)


@pytest.mark.parametrize(
    ("environment", "watchdog_s"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_the_watchdog_is_ours_alone_and_no_child_inherits_any_of_it(environment, watchdog_s):
    given = {"NOTIFY_SOCKET": "/nowhere", "PATH": "/bin", **environment}
    with closing(Notify.take(given)) as told:
        assert told.watchdog_s == watchdog_s
    assert given == {"PATH": "/bin"}


@pytest.mark.parametrize("address", ["", "vsock:2:1", "relative", "/nowhere/at/all", "/" + "x" * 200, "@" + "x" * 200])
def test_a_manager_that_cannot_be_told_is_not_told(address):
    told = Notify.take({"NOTIFY_SOCKET": address})
    told.ready()
    told.close()
    told.close()


def test_a_manager_that_does_not_read_holds_nothing_up(manager):
    _, address = manager
    with closing(Notify.take({"NOTIFY_SOCKET": address})) as told:
        for _ in range(10_000):
            told.alive()
