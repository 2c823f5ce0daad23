"""The event socket on real unix sockets, beside a real pipeline. Around 15 s."""

import fcntl
import json
import os
import resource
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest

from tests.gate.world import FakeEar, Scene, ScriptSource
from wakegate.errors import ConfigError
from wakegate.events import SCHEMA, Gap, Muter, Purpose, Reason
from wakegate.pipeline import Pipeline
from wakegate.serve import event_socket, event_socket_client, event_socket_peer
from wakegate.serve.event_socket import MOST_EVENTS, MOST_PEERS, EventSocket
from wakegate.serve.event_socket_client import ask
from wakegate.serve.event_socket_peer import LONGEST_LINE


class Program:
    """A program on the socket that reads lines."""

    def __init__(self, path, greeted=True):
        self.connection = socket.socket(socket.AF_UNIX)
        self.connection.settimeout(20)
        self.connection.connect(str(path))
        self.stream = self.connection.makefile("rb")
        if greeted:
            self.greeting = self.read()

    def read(self):
        line = self.stream.readline()
        return json.loads(line) if line else None

    def rest(self):
        """Everything until the socket hangs up."""
        lines = []
        try:
            while (line := self.read()) is not None:
                lines.append(line)
        except ConnectionResetError:  # it hung up before it had read all that we said
            pass
        return lines

    def say(self, data):
        self.connection.sendall(data if isinstance(data, bytes) else json.dumps(data).encode() + b"\n")

    def ask(self, **command):
        self.say(command)
        while (said := self.read())["kind"] != "reply":
            pass
        return said

    def close(self):
        self.stream.close()
        self.connection.close()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "events.sock"


@pytest.fixture
def served(path, pipeline):
    with EventSocket(path, pipeline) as served:
        yield served


@contextmanager
def programs(path, count, **more):
    found = [Program(path, **more) for _ in range(count)]
    try:
        yield found
    finally:
        for program in found:
            program.close()


def gap(number):
    return Gap(at=number, reason=Reason.DEVICE_LOST, lost=0, detail="x" * 60)


def test_every_program_gets_every_event_in_the_words_of_the_command(world, path):
    sound = Scene().quiet(1).word().quiet(1).almost().quiet(1).samples()
    pipeline = Pipeline.open(sound, scorer=FakeEar(), place=world.place, clock=world.clock)
    told = []
    with pipeline, EventSocket(path, pipeline) as served, programs(path, 3) as (one, two, three):
        assert one.greeting["kind"] == "status" and one.greeting["schema"] == SCHEMA
        for event in pipeline:
            served.tell(event)
            told.append(json.loads(event.to_json()))
        served.close()
        assert one.rest() == two.rest() == three.rest() == told
    assert told[0]["kind"] == "started" and told[-1]["kind"] == "stopped" and len(told) > 4
    assert not path.exists()


def test_a_mute_over_the_socket_silences_what_is_being_listened_to(world, path):
    """The program mutes before a word and unmutes after it: only the other word wakes."""
    sound = Scene().quiet(1).word().quiet(1).word().quiet(1).samples()
    replies = []
    script = {
        8_000: lambda: replies.append(ask(path, {"command": "mute", "for_s": 60})) or None,
        30_000: lambda: replies.append(ask(path, {"command": "unmute"})) or None,
    }
    pipeline = Pipeline.open(ScriptSource(sound, script), scorer=FakeEar(), place=world.place, clock=world.clock)
    with pipeline, EventSocket(path, pipeline) as served, programs(path, 1) as (program,):
        for event in pipeline:
            served.tell(event)
        served.close()
        told = program.rest()
    assert [reply["muted"] for reply in replies] == ["socket", None]
    assert [event["kind"] for event in told if event["kind"] in ("muted", "wake", "unmuted")] == [
        "muted", "unmuted", "wake",
    ]  # fmt: skip
    assert {event["by"] for event in told if "by" in event} == {"socket"}
    assert "muted" in [entry.kind for entry in world.journal_entries()]


def test_commands_come_in_pieces_and_in_heaps_and_are_answered_in_order(served, path):
    with programs(path, 1) as (program,):
        program.say(b'{"comm')
        time.sleep(0.1)
        program.say(b'and": "status"}\n{"command": "mute"}\n\n{"command": "unmute"}\nrubbish\n{"command": "status"}\n')
        said = [program.read() for _ in range(6)]
    assert [(one["command"], one["ok"], one["muted"]) for one in said] == [
        ("status", True, None),
        ("mute", True, "socket"),
        ("", False, "socket"),
        ("unmute", True, None),
        ("", False, None),
        ("status", True, None),
    ]


def test_who_reads_too_slowly_is_told_and_dropped_and_the_others_miss_nothing(served, path, monkeypatch):
    monkeypatch.setattr(event_socket_peer, "LINGER_S", 60)
    with programs(path, 2) as (slow, quick):
        for start in range(0, 8_000, 200):
            for number in range(start, start + 200):
                served.tell(gap(number))
            assert [quick.read()["at"] for _ in range(200)] == list(range(start, start + 200))
        got = slow.rest()
        assert got[-1]["kind"] == "dropped" and "too slowly" in got[-1]["error"]
        heard = [line["at"] for line in got[:-1]]
        assert heard == list(range(len(heard))) and 500 < len(heard) < 8_000, "lines are whole and in order"
        served.tell(gap(9_999))
        assert quick.read()["at"] == 9_999


def test_a_reader_that_never_reads_again_is_let_go(served, path, monkeypatch):
    monkeypatch.setattr(event_socket_peer, "LINGER_S", 0.2)
    with programs(path, 2) as (_, quick):
        for start in range(0, 8_000, 200):
            for number in range(start, start + 200):
                served.tell(gap(number))
            for _ in range(200):
                quick.read()
        assert eventually(lambda: len(served._peers) == 1)


def eventually(true, seconds=10):
    until = time.monotonic() + seconds
    while not true() and time.monotonic() < until:
        time.sleep(0.01)
    return true()


@pytest.mark.parametrize("rubbish", [b"x" * (LONGEST_LINE + 1), b"\0" * 200_000, b"a" * 3000 + b"\n"])
def test_a_line_without_an_end_is_told_and_dropped(served, path, rubbish):
    with programs(path, 2) as (wild, tame):
        try:
            wild.say(rubbish)
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert wild.rest()[-1] == {"schema": SCHEMA, "kind": "dropped", "error": "a command has at most 1024 bytes"}
        assert tame.ask(command="status")["ok"]


def test_the_longest_line_is_still_a_command(served, path):
    with programs(path, 1) as (program,):
        line = b'{"command": "status"}'
        program.say(line + b" " * (LONGEST_LINE - len(line)) + b"\n")
        assert program.read()["ok"]


def test_who_hangs_up_by_half_is_answered_first(served, path):
    with programs(path, 1) as (program,):
        program.say(b'{"command": "status"}\n{"command": "status"}\n{"comm')
        program.connection.shutdown(socket.SHUT_WR)
        assert [line["command"] for line in program.rest()] == ["status", "status"]
    assert eventually(lambda: not served._peers)


def test_half_open_connections_hold_nobody_up(served, path):
    with programs(path, 30) as idle, programs(path, 1) as (program,):
        for one in idle[:10]:
            one.say(b'{"command": "mu')
        for one in idle[10:20]:
            one.close()
        for one in idle[20:25]:
            one.connection.shutdown(socket.SHUT_RDWR)
        assert program.ask(command="status")["ok"]
        served.tell(gap(1))
        assert program.read()["at"] == 1
        assert eventually(lambda: len(served._peers) == 16)


def test_a_thousand_connections(served, path):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 1400:
        pytest.skip(f"at most {hard} descriptors here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 1400), hard))
    try:
        with programs(path, 1000) as many:
            kinds = [program.greeting["kind"] for program in many]
            assert kinds == ["status"] * MOST_PEERS + ["dropped"] * (1000 - MOST_PEERS)
            assert "connected already" in many[-1].greeting["error"] and many[-1].read() is None
            served.tell(gap(7))
            assert [program.read()["at"] for program in many[:MOST_PEERS]] == [7] * MOST_PEERS
        assert eventually(lambda: not served._peers)
        with programs(path, 1) as (program,):
            assert program.ask(command="status")["ok"]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_without_descriptors_those_who_wait_are_served_later(served, path):
    with programs(path, 1) as (program,):
        waiting = socket.socket(socket.AF_UNIX)
        waiting.settimeout(20)
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        taken = []
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 512), hard))
        try:
            with pytest.raises(OSError, match="Too many open files"):
                while True:
                    taken.append(os.open("/dev/null", os.O_RDONLY))
            waiting.connect(str(path))
            assert program.ask(command="status")["ok"]
        finally:
            for fd in taken:
                os.close(fd)
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert b'"status"' in waiting.recv(4096)
        waiting.close()


def test_a_disk_that_hangs_holds_up_no_event_of_the_loop_and_the_loss_is_told(served, path, pipeline, world):
    """A label waits for the journal's lock; the loop goes on telling, and memory stays bounded."""
    iterator = iter(pipeline)
    next(iterator)  # a journal with a first line, and its lock
    (lock,) = [name for name in world.place.path.iterdir() if "journal" in name.name and "lock" in name.name]
    with lock.open() as held, programs(path, 1) as (program,):
        world.grant(Purpose.ASSIST)  # somebody else writes: the label has to look
        fcntl.flock(held, fcntl.LOCK_EX)
        program.say({"command": "label", "id": "0123", "verdict": "true"})
        time.sleep(0.3)
        for number in range(MOST_EVENTS + 500):
            served.tell(gap(number))
        assert len(served._waiting) == MOST_EVENTS
        fcntl.flock(held, fcntl.LOCK_UN)
        assert program.read()["command"] == "label"
        assert program.read() == {"schema": SCHEMA, "kind": "lost", "count": 500}
        assert program.read()["at"] == 500
    iterator.close()


def test_the_socket_is_its_owners_and_goes_away(path, pipeline):
    served = EventSocket(path, pipeline)
    assert path.stat().st_mode & 0o777 == 0o600
    served.close()
    served.close()
    served.tell(gap(1))
    assert not path.exists() and not served._thread.is_alive()


def test_a_second_listener_is_refused_and_a_dead_ones_socket_is_taken_over(served, path, pipeline):
    with pytest.raises(ConfigError, match="in use"):
        EventSocket(path, pipeline)
    with programs(path, 1) as (program,):
        assert program.ask(command="status")["ok"]
    stale = path.with_name("stale.sock")
    with closing(socket.socket(socket.AF_UNIX)) as dead:  # as a killed process leaves it
        dead.bind(str(stale))
    with EventSocket(stale, pipeline), programs(stale, 1) as (program,):
        assert program.ask(command="status")["ok"]


def test_a_place_that_will_not_do_is_said(tmp_path, pipeline):
    with pytest.raises(ConfigError, match="at most 107 bytes"):
        EventSocket(tmp_path / ("x" * 108), pipeline)
    with pytest.raises(ConfigError, match="No such file"):
        EventSocket(tmp_path / "gone" / "events.sock", pipeline)
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ConfigError, match="cannot listen"):
        EventSocket(tmp_path / "file", pipeline)
    assert (tmp_path / "file").read_text() == "mine"
    tmp_path.chmod(0o777)
    with pytest.raises(ConfigError, match="other users"):
        EventSocket(tmp_path / "events.sock", pipeline)


AS_ANOTHER = """
import os, socket, sys
path, group, further = sys.argv[1], int(sys.argv[2]), [int(g) for g in sys.argv[3].split(",") if g]
os.setgroups(further); os.setgid(group); os.setuid(65534)
s = socket.socket(socket.AF_UNIX); s.settimeout(20)
try:
    s.connect(path)
    s.sendall(b'{"command": "mute"}\\n')
    print("greeted" if b"status" in s.recv(4096) else "hung up on")
except PermissionError:
    print("PermissionError")
except (BrokenPipeError, ConnectionResetError):  # hung up on before it had spoken, or before it was heard
    print("hung up on")
"""


@pytest.fixture
def public():
    folder = Path("/tmp") / f"wakegate-events-{os.getpid()}"
    folder.mkdir(mode=0o755)
    yield folder / "events.sock"
    folder.rmdir()


def another(path, group, further=""):
    done = subprocess.run(
        [sys.executable, "-c", AS_ANOTHER, path, str(group), further], capture_output=True, text=True, timeout=60
    )
    return done.stdout.strip() or done.stderr


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to be another user")
def test_another_user_is_kept_out(public, pipeline):
    with EventSocket(public, pipeline) as served:
        assert another(public, 65534) == "PermissionError"
        public.chmod(0o666)  # even then
        assert another(public, 65534) == "hung up on"
        assert pipeline.muted is None and not served._peers


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to be another user")
def test_a_group_that_was_named_may_come_in(public, pipeline):
    with EventSocket(public, pipeline, group=54_321):
        assert public.stat().st_mode & 0o777 == 0o660 and public.stat().st_gid == 54_321
        assert another(public, 65534) == "PermissionError"
        assert another(public, 54_321) == "greeted"
        assert another(public, 65534, further="54322,54321") == "greeted"
        assert eventually(lambda: pipeline.muted is Muter.SOCKET)
        public.chmod(0o666)
        assert another(public, 65534, further="54322") == "hung up on"


def test_ask_says_why_there_is_no_answer(served, path, tmp_path):
    assert ask(path, {"command": "status"})["open"] is False
    with pytest.raises(ConfigError, match="refuses: the gate is closed"):
        ask(path, {"command": "cancel"})
    with pytest.raises(ConfigError, match="no listener answers"):
        ask(tmp_path / "gone.sock", {"command": "status"})
    with closing(socket.socket(socket.AF_UNIX)) as other:
        other.bind(str(tmp_path / "other.sock"))
        other.listen()

        def speak(words):
            with other.accept()[0] as peer:
                peer.sendall(words)
                peer.recv(4096)

        for words, said in ((b"220 mail\n", "no listener of wakegate"), (b"[1]\n", "no listener"), (b"", "hung up")):
            thread = threading.Thread(target=speak, args=(words,))
            thread.start()
            with pytest.raises(ConfigError, match=said):
                ask(tmp_path / "other.sock", {"command": "status"})
            thread.join()
    with programs(path, MOST_PEERS), pytest.raises(ConfigError, match="connected already"):
        ask(path, {"command": "status"})


@pytest.mark.parametrize("words", [b'{"kind": "wake"}\n' * 50, b"x" * 4000, b"[" * 4000], ids=["events", "x", "[["])
def test_ask_does_not_wait_or_gather_without_end(tmp_path, monkeypatch, words):
    """Whoever answers there never comes to the point."""
    monkeypatch.setattr(event_socket_client, "ANSWER_S", 0.5)
    with closing(socket.socket(socket.AF_UNIX)) as other:
        other.bind(str(tmp_path / "other.sock"))
        other.listen()

        def speak():
            with other.accept()[0] as peer, suppress(OSError):
                while True:
                    peer.sendall(words)
                    time.sleep(0.001)

        thread = threading.Thread(target=speak)
        thread.start()
        began = time.monotonic()
        with pytest.raises(ConfigError, match="no listener"):
            ask(tmp_path / "other.sock", {"command": "status"})
        thread.join()
        assert time.monotonic() - began < 5


FLOOD = """
import selectors, socket, sys, time
selector, until = selectors.DefaultSelector(), time.monotonic() + 3
for _ in range(60):
    one = socket.socket(socket.AF_UNIX)
    one.connect(sys.argv[1])
    one.setblocking(False)
    selector.register(one, selectors.EVENT_READ | selectors.EVENT_WRITE)
print("flooding", flush=True)
while time.monotonic() < until and selector.get_map():
    for key, mask in selector.select(0.1):
        try:
            if mask & selectors.EVENT_READ and not key.fileobj.recv(65536):
                selector.unregister(key.fileobj)
            elif mask & selectors.EVENT_WRITE:
                key.fileobj.send(b'{"command": "mute", "for_s": 0.01}\\n' * 20)
        except BlockingIOError:
            pass
        except OSError:
            selector.unregister(key.fileobj)
"""


def test_a_flood_of_commands_does_not_hold_the_loop_up(world, path):
    """Blocks are taken in time: far below the two seconds that the microphone's queue holds."""
    taken = []

    class Live(ScriptSource):
        def read(self, out):
            time.sleep(0.02)
            taken.append(time.monotonic())
            return super().read(out)

    source = Live(np.zeros(16_000 * 8, np.int16))
    pipeline = Pipeline.open(source, scorer=FakeEar(), place=world.place, clock=world.clock)
    with pipeline, EventSocket(path, pipeline) as served:
        with subprocess.Popen([sys.executable, "-c", FLOOD, path], stdout=subprocess.PIPE) as flood:
            assert flood.stdout.readline() == b"flooding\n"
            kinds = []
            for event in pipeline:
                served.tell(event)
                kinds.append(event.kind)
            flood.kill()
    assert "muted" in kinds, "no command came through"
    assert len(taken) == 100 and np.diff(taken).max() < 1


def test_a_program_that_talks_without_end_leaves_the_loop_its_time(served, path):
    """However much is said, the thread rests between rounds: at most a line of each, a hundred times a second."""
    with programs(path, 8) as many:
        began = time.monotonic()
        for program in many:
            program.say(b'{"command": "status"}\n' * 40)
        for program in many:
            for _ in range(40):
                assert program.read()["ok"]
        assert time.monotonic() - began >= 40 * event_socket.PAUSE_S * 0.9
