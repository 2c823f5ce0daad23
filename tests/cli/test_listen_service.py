"""``wakegate listen`` as a service: a real process, a real notify socket, a full disk. Around 20 s."""

import json
import os
import resource
import select
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from types import MappingProxyType

import numpy as np
import pytest
import soundfile

from tests.cli.process import RATE, ROOT, RUN, SCENE, environment, place, six_words
from tests.cli.test_listen import grant
from wakegate.cli.listen_service import Reload
from wakegate.config import Config
from wakegate.journal import read

TEXT = '[wake]\nwords = ["alexa", "computer"]\n'


class Listener:
    """A listener on raw sound, with a service manager beside it."""

    def __init__(
        self, home, *words, name="listen", source=("--input", "-"), text=TEXT, journal=False, env=MappingProxyType({})
    ):
        self.home = home
        self.config = home / "config" / "wakegate" / "wakegate.toml"
        self.config.parent.mkdir(parents=True, exist_ok=True)
        self.config.write_text(text)
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.manager.bind(str(home / "notify"))
        # Through pipes: the disk that is full in one test must not be that of the output.
        self.copies = [self._copy(home / "out"), self._copy(home / "err")]
        out, err = (copy.stdin for copy in self.copies)
        told = {"NOTIFY_SOCKET": str(home / "notify"), "WATCHDOG_USEC": "2000000", **env}
        if journal:
            about = os.fstat(err.fileno())
            told["JOURNAL_STREAM"] = f"{about.st_dev}:{about.st_ino}"
        command = [sys.executable, "-c", RUN, name, *source, *words]
        self.process = subprocess.Popen(
            command, env=environment(home) | told, cwd=home, stdin=subprocess.PIPE, stdout=out, stderr=err,
            start_new_session=True,
        )  # fmt: skip

    @staticmethod
    def _copy(path):
        with path.open("wb") as file:
            return subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=file, start_new_session=True)

    def say(self, sound):
        self.process.stdin.write(sound.tobytes())
        self.process.stdin.flush()

    def told(self, until, within=20.0):
        """What the service manager is told, until one line begins so."""
        lines, end = [], time.monotonic() + within
        while not (lines and lines[-1].startswith(until)):
            ready = select.select([self.manager], [], [], max(0, end - time.monotonic()))[0]
            assert ready, (until, lines, self.said())
            lines += self.manager.recv(4096).decode().split("\n")
        return lines

    def said(self):
        return (self.home / "err").read_text()

    def wait_for(self, text, within=20.0):
        self.wait_until(lambda: text in self.said(), within)

    def wait_until(self, true, within=20.0):
        end = time.monotonic() + within
        while not true():
            assert time.monotonic() < end and self.process.poll() is None, self.said()
            time.sleep(0.02)

    def events(self):
        return [json.loads(line) for line in (self.home / "out").read_text().splitlines()]

    def end(self):
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        code = self.process.wait(20)
        for copy in self.copies:
            copy.stdin.close()
            copy.wait(20)
        self.manager.close()
        return code


@pytest.fixture
def listener(tmp_path):
    made = []

    def start(*words, **more):
        made.append(Listener(tmp_path, *words, **more))
        return made[-1]

    yield start
    for one in made:
        one.process.kill()
        one.end()


def quiet(seconds):
    return np.zeros(round(seconds * RATE), np.int16)


def test_ready_when_it_listens_and_stopping_when_it_ends(listener):
    service = listener("--json")
    service.say(quiet(0.5))
    assert service.told("READY=1") == ["READY=1"]
    assert service.told("STATUS=") == ["STATUS=listening for alexa, computer"]
    service.process.terminate()
    service.say(quiet(0.2))
    assert service.told("STOPPING=1")[-1] == "STOPPING=1"
    assert service.end() == 0


def test_a_sign_of_life_wants_sound_that_was_really_scored(listener):
    service = listener("--json")
    service.say(quiet(1))
    service.told("WATCHDOG=1")
    service.say(quiet(0.3))
    time.sleep(1.2)
    while select.select([service.manager], [], [], 0)[0]:
        service.manager.recv(4096)
    # The loop turns, five times a second, but no sound comes: nothing is scored, so nothing is well.
    assert not select.select([service.manager], [], [], 2.0)[0]
    service.say(quiet(0.5))
    service.told("WATCHDOG=1")
    assert service.end() == 0


def test_a_reload_whose_word_nobody_can_read_any_more_ends_nothing(listener):
    service = listener("--json")
    service.say(quiet(0.5))
    service.told("STATUS=")
    service.copies[1].kill()  # who reads stderr
    service.copies[1].wait()
    service.config.write_text('[wake]\nwords = ["computer"]\n')
    service.process.send_signal(signal.SIGHUP)
    service.say(quiet(0.5))
    assert service.told("STATUS=")[-1] == "STATUS=listening for computer"


def test_muted_is_well_and_said(listener):
    service = listener("--json")
    service.say(quiet(0.5))
    service.told("STATUS=")
    place(service.home).muted.touch()
    end = time.monotonic() + 3
    while time.monotonic() < end:
        service.say(quiet(0.1))
        time.sleep(0.1)
    assert "STATUS=muted (device)" in (lines := service.told("WATCHDOG=1")) or "STATUS=muted (device)" in service.told(
        "STATUS=muted"
    ), lines
    service.told("WATCHDOG=1")
    assert service.end() == 0


def test_a_reload_takes_words_and_thresholds_in_mid_sound_and_loses_nothing(listener):
    service = listener("--json")
    words = six_words()
    service.say(words[: 4 * RATE])  # alexa, and the first half of computer
    service.told("STATUS=")
    service.config.write_text('[wake]\nwords = ["computer", "snowboy"]\nthresholds = { computer = 0.35 }\n')
    service.process.send_signal(signal.SIGHUP)
    lines = service.told("STATUS=listening for computer, snowboy")
    at = next(i for i, line in enumerate(lines) if line.startswith("RELOADING=1"))
    assert lines[at + 1].startswith("MONOTONIC_USEC=") and lines[at + 2] == "READY=1"
    service.say(words[4 * RATE :])
    assert service.end() == 0
    wakes = {event["word"]: event for event in service.events() if event["kind"] == "wake"}
    assert set(wakes) == {"alexa", "computer", "snowboy"} and wakes["computer"]["threshold"] == 0.35
    assert "reloaded, listening for computer, snowboy\n" in service.said()
    stopped = service.events()[-1]
    exposures = [entry for entry in read(place(service.home)) if entry.kind == "exposure"]
    assert stopped["at"] == len(words) == sum(entry.number("samples") for entry in exposures), "not a sample is missing"
    assert [entry.words() for entry in exposures] == [("alexa", "computer"), ("computer", "snowboy")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[wake]\nwords = 7", "words in [wake] is 7"),
        ('[wake]\nthresholds = { alexa = "0.001/h" }', "no threshold of 'alexa' was measured at 0.001/h or less"),
        ('[wake]\nwords = ["hal"]', "no installed model knows hal"),
        ('[wake]\nwords = ["alexa", "Alexa"]', "name each word once"),
        ("[wake]\nthresholds = { alexa = 0.0 }", "the threshold for 'alexa' is 0"),
        ("[consent]\nassist = true", "consent is a person's act"),
        ("[wake", "is not TOML"),
        ('[on]\rwake = "true"\n', "is not TOML"),
        (None, "cannot be read"),
    ],
    ids=[
        "a number",
        "a level nobody measured",
        "an unknown word",
        "a word twice",
        "below the floor",
        "consent",
        "no TOML",
        "old line ends",
        "gone",
    ],
)
def test_a_config_that_would_not_do_is_not_taken(listener, text, said):
    service = listener("--json")
    service.say(quiet(0.5))
    service.told("STATUS=")
    service.config.unlink() if text is None else service.config.write_text(text)
    service.process.send_signal(signal.SIGHUP)
    service.wait_for("the config was not reloaded, the old words and thresholds stay: ")
    assert said in service.said()
    service.say(six_words())
    assert service.end() == 0
    wakes = [event for event in service.events() if event["kind"] == "wake"]
    assert [event["word"] for event in wakes] == ["alexa", "computer"]


def test_no_error_of_a_reload_ends_the_listening(tmp_path, capsys):
    def take(_):
        raise RuntimeError("an error of ours")

    Reload(tmp_path / "gone.toml", Config(), take, ())()
    (path := tmp_path / "wakegate.toml").touch()
    Reload(path, Config(), take, ())()
    for line, why in zip(capsys.readouterr().err.splitlines(), ["cannot be read", "RuntimeError: an"], strict=True):
        assert line.startswith("wakegate: the config was not reloaded, the old words and thresholds stay: ")
        assert why in line


def test_the_command_line_comes_first_at_a_reload_too_and_the_rest_waits(listener):
    service = listener("--json", "--words", "alexa", "--threshold", "0.3")
    service.say(quiet(0.5))
    service.told("STATUS=")
    service.config.write_text('[wake]\nwords = ["jarvis"]\nthresholds = { alexa = 0.9 }\n[limits]\npre_roll_s = 1.0\n')
    service.process.send_signal(signal.SIGHUP)
    service.wait_for("reloaded, listening for alexa; changes in limits wait for a restart")
    service.say(six_words())
    assert service.end() == 0
    assert {(e["word"], e["threshold"]) for e in service.events() if e["kind"] == "wake"} == {("alexa", 0.3)}


def test_a_full_disk_refuses_every_release_and_the_listening_goes_on(listener):
    """The kernel itself refuses what would make the journal longer. Nothing leaves until it is written again."""
    scene, _ = soundfile.read(SCENE, dtype="int16")
    service = listener("--words", "computer", "--assist", "unix:assist.sock", "--json")
    grant(service.home)
    assistant = None
    try:
        service.say(quiet(0.5))
        service.told("STATUS=")
        assistant = socket.socket(socket.AF_UNIX)
        assistant.connect(str(service.home / "assist.sock"))
        call = scene[round(13 * RATE) : round(18.5 * RATE)]  # one "computer" with its request
        full = place(service.home).journal.stat().st_size + 10
        resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (full, resource.RLIM_INFINITY))
        service.say(np.concatenate([quiet(1), call, quiet(2)]))
        service.told("STATUS=listening for computer; nothing can be released, the journal cannot be written")
        while "refused" not in [event["kind"] for event in service.events()]:
            time.sleep(0.05)
        assert not select.select([assistant], [], [], 1.0)[0], "not one byte"
        resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        service.say(np.concatenate([quiet(1), call, quiet(2)]))
        assert select.select([assistant], [], [], 20)[0] and assistant.recv(10).startswith(b'{"schema"')
        service.told("STATUS=listening for computer")
    finally:
        if assistant is not None:
            assistant.close()
    assert service.end() == 0
    events = [event["kind"] for event in service.events()]
    assert events.count("wake") == 2 and events.count("opened") == 1
    assert [e["reason"] for e in service.events() if e.get("purpose") == "assist" and e["kind"] == "refused"] == [
        "journal_unwritable"
    ]
    assert "cannot be written" in service.said() and "the journal can be written again" in service.said()
    on_record = [entry.kind for entry in read(place(service.home))]
    assert on_record.count("wake") == 2, "what was heard meanwhile is on record in the end"


def test_lines_for_the_journal_have_priorities_and_others_have_none(listener, tmp_path):
    words = ("--words", "computer", "--assist", "stdout")
    service = listener(*words, journal=True)
    service.say(six_words())
    service.told("STATUS=")
    service.config.write_text("[wake")
    service.process.send_signal(signal.SIGHUP)
    service.wait_for("not reloaded")
    assert service.end() == 0
    lines = service.said().splitlines()
    assert all(line[0] == "<" and line[2] == ">" for line in lines)
    urgent = {line[3:].split("s  ")[-1].split()[0]: int(line[1]) for line in lines}
    assert (urgent["listening"], urgent["heard"], urgent["the"]) == (5, 6, 7)
    assert [line for line in lines if line.startswith("<3>wakegate: the config was not reloaded")]
    assert "\x1b" not in service.said()


def test_a_hangup_from_a_terminal_ends_it(tmp_path):
    """Nobody who closes a terminal wants a microphone to stay open behind it."""
    import pty

    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(tmp_path)
        sound = f"{sys.executable} -c 'import sys,time; [(sys.stdout.buffer.write(bytes(3200)), sys.stdout.flush()"
        sound += ", time.sleep(0.05)) for _ in range(600)]'"
        listen = f"exec {sys.executable} -c 'from wakegate.cli import main; import sys; sys.exit(main())' listen"
        env = environment(tmp_path) | {"PYTHONPATH": str(ROOT)}
        os.execve("/bin/sh", ["sh", "-c", f"(trap '' HUP; {sound}) | ({listen} --input - --json > out 2>&1)"], env)
    end = time.monotonic() + 20
    while not ((tmp_path / "out").exists() and "started" in (tmp_path / "out").read_text()):
        assert time.monotonic() < end
        time.sleep(0.05)
    os.close(terminal)
    os.waitpid(pid, 0)
    while not (there := [e for e in read(place(tmp_path)) if e.kind == "stopped"]):
        assert time.monotonic() < end
        time.sleep(0.05)
    assert there[0].values["reason"] == "stopped"
