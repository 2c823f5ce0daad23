"""Unix sockets: whose they are, and what stands in the way of one. Around a second."""

import fcntl
import os
import socket
import threading
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


def test_a_folder_that_is_not_there_is_to_be_made(tmp_path):
    with pytest.raises(ConfigError, match=rf"cannot listen .*make its folder, `mkdir -p -m 700 {tmp_path}/run`"):
        unix.listen(tmp_path / "run" / "assist.sock")


def test_a_path_is_counted_in_bytes(tmp_path):
    with pytest.raises(ConfigError, match="at most 107 bytes"):
        unix.listen(Path("/tmp") / ("ä" * 54))


def stale(path):
    """A socket's file whose process is gone."""
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))


def test_of_many_that_begin_at_once_one_listens_and_can_be_reached(tmp_path):
    path = tmp_path / "w.sock"
    made, barrier = [], threading.Barrier(4)

    def begin():
        barrier.wait()
        with suppress(ConfigError):
            made.append(unix.listen(path))

    for _ in range(40):
        stale(path)
        together = [threading.Thread(target=begin) for _ in range(4)]
        for one in together:
            one.start()
        for one in together:
            one.join()
        (listener,) = made
        with listener, socket.socket(socket.AF_UNIX) as peer:
            peer.connect(str(path))
            listener.accept()[0].close()
        made.clear()
        path.unlink()


def test_the_socket_is_its_owners_from_its_first_moment_and_other_threads_files_are_as_they_want(tmp_path):
    (tmp_path / "of_others").mkdir()
    modes, over = set(), threading.Event()

    def make():
        number = 0
        while not over.is_set():
            folder = tmp_path / "of_others" / str(number := number + 1)
            folder.mkdir()
            modes.add(folder.stat().st_mode & 0o777)
            folder.rmdir()

    before = os.umask(0)
    maker = threading.Thread(target=make)
    maker.start()
    try:
        for number in range(300):
            with unix.listen(tmp_path / f"{number}.sock"):
                assert (tmp_path / f"{number}.sock").stat().st_mode & 0o777 == 0o600
    finally:
        over.set()
        maker.join()
        os.umask(before)
    assert modes == {0o777}


def test_only_a_socket_that_nobody_listens_on_is_removed(tmp_path):
    path = tmp_path / "w.sock"
    first = unix.listen(path)
    path.unlink()
    with unix.listen(path) as second:
        first.close()
        unix.remove(path)
        assert path.is_socket()
        second.close()
        unix.remove(path)
        unix.remove(path)
    assert not path.exists()
    path.write_text("somebody's file")
    unix.remove(path)
    assert path.exists()


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to give a folder away")
def test_a_folder_of_another_user_will_not_do(tmp_path):
    os.chown(tmp_path, 65534, 65534)
    with pytest.raises(ConfigError, match="belongs to user 65534"):
        unix.listen(tmp_path / "w.sock")


def test_a_folder_that_somebody_keeps_locked_is_not_waited_for_without_end(tmp_path, monkeypatch):
    monkeypatch.setattr(unix, "PATIENCE_S", 0.1)
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        with pytest.raises(ConfigError, match="locked"):
            unix.listen(tmp_path / "w.sock")
    finally:
        os.close(folder)
