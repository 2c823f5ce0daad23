"""Unix sockets: whose they are, and what stands in the way of one. Around a second."""

import socket
from contextlib import closing, suppress
from pathlib import Path

import pytest

from wakegate import unix
from wakegate.errors import ConfigError


@pytest.mark.parametrize(
    ("uri", "path"),
    [("unix:/run/w.sock", "/run/w.sock"), ("unix:///run/w.sock", "/run/w.sock"), ("unix:w.sock", "w.sock")],
)
def test_a_path_is_read(uri, path):
    assert unix.path_of(uri, "--events") == Path(path)


@pytest.mark.parametrize("uri", ["", "unix", "unix:", "unix://", "tcp:/run/w.sock", "/run/w.sock", "Unix:/run/w.sock"])
def test_what_names_no_socket_is_said(uri):
    with pytest.raises(ConfigError, match=r"--events .* is not unix:PATH"):
        unix.path_of(uri, "--events")


def test_a_listener_with_a_full_backlog_is_no_deserted_one(tmp_path):
    path = tmp_path / "busy.sock"
    with closing(unix.listen(path, backlog=1)) as busy:
        waiting = [socket.socket(socket.AF_UNIX) for _ in range(8)]
        for one in waiting:
            one.setblocking(False)
            with suppress(BlockingIOError):
                one.connect(str(path))
        with pytest.raises(ConfigError, match="in use"):
            unix.listen(path)
        busy.accept()[0].close()
        for one in waiting:
            one.close()


def test_a_group_that_is_not_ours_to_give_leaves_nothing_behind(tmp_path, monkeypatch):
    def refuse(path, user, group):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(unix.os, "chown", refuse)  # root may give it to anybody
    with pytest.raises(ConfigError, match="must be a member"):
        unix.listen(tmp_path / "w.sock", group=1)
    assert list(tmp_path.iterdir()) == []


def test_we_trust_ourselves(tmp_path):
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    with ours, theirs:
        assert unix.trusted(ours) and unix.trusted(ours, 54_321)


def test_a_path_is_counted_in_bytes(tmp_path):
    with pytest.raises(ConfigError, match="at most 107 bytes"):
        unix.listen(Path("/tmp") / ("ä" * 54))
