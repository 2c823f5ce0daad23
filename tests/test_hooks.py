"""Hooks: real commands for real events, without a shell, bounded, and never in the loop's way. Around 10 s."""

import json
import os
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.gate.world import FakeEar, Scene, World
from wakegate import hooks
from wakegate.errors import ConfigError
from wakegate.events import KINDS, Gap, Muted, Muter, Reason, Wake
from wakegate.hooks import HOOKS, MOST_AT_ONCE, MOST_WAITING, Hooks
from wakegate.pipeline import Pipeline

WAKE = Wake(at=16_000, id="0123abcd", word="$(touch gone); `rm x`", score=0.9, threshold=0.5, start=100, end=900)


def gap(number=0):
    return Gap(at=number, reason=Reason.GAP, lost=1)


def eventually(true, seconds=10):
    until = time.monotonic() + seconds
    while not true() and time.monotonic() < until:
        time.sleep(0.01)
    return true()


@pytest.fixture
def script(tmp_path):
    """Write a program and return how it is started."""

    def write(text):
        path = tmp_path / "hook with spaces.py"
        path.write_text(text)
        return f'"{sys.executable}" "{path}"'

    return write


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_command_is_told_what_happened_in_its_environment_and_nowhere_else(script, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command = script(
        "import json, os, sys\n"
        "told = {k: v for k, v in os.environ.items() if k.startswith('WAKEGATE_') and 'REQUIRE' not in k}\n"
        "json.dump([sys.argv[1:], sys.stdin.read(), told], open('told.json', 'w'))\n"
    )
    with Hooks({"wake": command + " '$HOME' ; touch other > file"}) as told:
        told.tell(WAKE)
        told.tell(gap())
    words, stdin, environment = json.loads((tmp_path / "told.json").read_text())
    assert words == ["$HOME", ";", "touch", "other", ">", "file"] and stdin == "", "no shell has touched it"
    assert environment.pop("WAKEGATE_EVENT") == WAKE.to_json()
    assert environment == {
        "WAKEGATE_SCHEMA": "1", "WAKEGATE_KIND": "wake", "WAKEGATE_AT": "16000", "WAKEGATE_AT_S": "1.0",
        "WAKEGATE_ID": "0123abcd", "WAKEGATE_WORD": WAKE.word, "WAKEGATE_SCORE": "0.9", "WAKEGATE_THRESHOLD": "0.5",
        "WAKEGATE_START": "100", "WAKEGATE_END": "900",
    }  # fmt: skip
    assert {path.name for path in tmp_path.iterdir()} == {"told.json", "hook with spaces.py"}


def test_a_pipelines_events_reach_a_function_in_their_order(tmp_path):
    world, heard = World(tmp_path), []
    sound = Scene().quiet(1).word().quiet(1).samples()
    with Hooks(dict.fromkeys(HOOKS, heard.append)) as told:
        with Pipeline.open(sound, scorer=FakeEar(), place=world.place, clock=world.clock) as pipeline:
            happened = []
            for event in pipeline:
                told.tell(event)
                happened.append(event)
    assert heard == happened and len(heard) == 5


def test_what_a_command_prints_is_not_ours(script, capfd):
    with Hooks({"gap": script("print('not an event')")}) as told:
        told.tell(gap())
        assert eventually(lambda: not told._running and told._waiting.empty())
    assert capfd.readouterr().out == ""


def test_a_missing_program_is_told_once_and_the_others_go_on(caplog):
    heard = []
    with Hooks({"wake": "/nowhere/at-all", "gap": heard.append}) as told:
        for _ in range(3):
            told.tell(WAKE)
        told.tell(gap())
    assert heard == [gap()]
    assert [record.getMessage().count("/nowhere/at-all") for record in caplog.records] == [1]


def test_a_program_that_is_not_there_is_told_before_anything_happens(caplog, script):
    with Hooks({"wake": "nosuchprogram ding.wav", "gap": script("pass"), "muted": print}):
        assert [record.getMessage() for record in caplog.records] == [
            "the hook on wake cannot run: there is no program 'nosuchprogram' (this is said once)"
        ]


def test_a_function_that_fails_is_told_once_and_goes_on(caplog):
    heard = []

    def broken(event):
        heard.append(event)
        raise RuntimeError("no such light")

    with Hooks({"gap": broken}) as told:
        told.tell(gap(1))
        told.tell(gap(2))
    assert heard == [gap(1), gap(2)]
    assert [record.getMessage() for record in caplog.records] == [
        "the hook on gap failed: RuntimeError: no such light (this is said once)"
    ]


def test_only_so_many_run_at_once_and_all_are_reaped(script, tmp_path, caplog, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command = script("import os, time\nopen(f'pid{os.getpid()}', 'w').close()\ntime.sleep(1)\n")
    with Hooks({"gap": command}) as told:
        for _ in range(MOST_AT_ONCE + 3):
            told.tell(gap())
        assert eventually(told._waiting.empty) and eventually(lambda: len(list(tmp_path.glob("pid*"))) == MOST_AT_ONCE)
        assert eventually(lambda: not told._running), "nobody takes them in"
        told.tell(gap())
        assert eventually(lambda: len(list(tmp_path.glob("pid*"))) == MOST_AT_ONCE + 1)
    assert [record.getMessage().count("left out: 4 commands run already") for record in caplog.records] == [1]
    assert not any(alive(path.name.removeprefix("pid")) for path in tmp_path.glob("pid*"))


def test_a_client_s_device_has_one_hook_of_a_kind_at_a_time_and_another_s_runs(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(hooks, "PAUSE_S", 600.0)
    heard = []
    with Hooks({"wake": heard.append, "gap": heard.append}) as told:
        for device in ("", "10.0.0.7", "", "10.0.0.7", "10.0.0.8"):
            told.tell(WAKE, device)
        told.tell(gap(), "10.0.0.7")
        told.tell(WAKE)
        told.tell(WAKE)
    assert heard == [WAKE, WAKE, WAKE, gap(), WAKE, WAKE], "what no client's sound is has no share"
    assert [record.getMessage() for record in caplog.records] == [
        "the hook on wake left out: the client's device had one less than 600 s before"
    ]
    assert len(told._turns) == 4
    monkeypatch.setattr(hooks, "PAUSE_S", 0.0)
    told._has_turn(("10.0.0.9", "wake"))
    assert len(told._turns) == 1, "nothing is kept of who was here"


def test_a_client_s_command_that_runs_on_keeps_no_other_device_s_from_running(script, tmp_path, caplog, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(hooks, "PAUSE_S", 0.0)
    monkeypatch.setattr(hooks, "TOLD_EVERY_S", 0.0)
    with Hooks({"gap": script("import time\ntime.sleep(600)\n")}) as told:
        for device in ("10.0.0.7", "10.0.0.7", "10.0.0.7", "10.0.0.8", "", ""):
            told.tell(gap(), device)
        assert eventually(lambda: len(told._running) == MOST_AT_ONCE)
    assert [record.getMessage() for record in caplog.records] == [
        "the hook on gap left out: the client's device has one that runs already",
        "the hook on gap left out: the client's device has one that runs already (1 hooks since this was said last)",
    ]


def test_who_runs_too_long_is_killed_with_what_it_started(script, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(hooks, "LONGEST_S", 1.0)
    command = script(
        "import os, subprocess, time\nchild = subprocess.Popen(['sleep', '600'])\n"
        "open('pids', 'w').write(f'{os.getpid()} {child.pid}\\n')\ntime.sleep(600)\n"
    )
    with Hooks({"gap": command}) as told:
        told.tell(gap())
        assert eventually(lambda: (tmp_path / "pids").exists() and (tmp_path / "pids").read_text().endswith("\n"))
        pids = (tmp_path / "pids").read_text().split()
        assert eventually(lambda: not any(map(alive, pids)))


def test_a_command_beyond_our_reach_ends_no_other_hook(script, tmp_path, monkeypatch):
    """As with sudo: it may not be killed by us."""
    monkeypatch.setattr(hooks, "LONGEST_S", 0.1)

    def refuse(group, number):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(hooks.os, "killpg", refuse)
    called = []
    with Hooks({"gap": script("import time\ntime.sleep(3)\n"), "muted": called.append}) as told:
        told.tell(gap())
        assert eventually(lambda: told._running)
        (child,) = told._running
        time.sleep(0.5)
        told.tell(Muted(at=3, by=Muter.DEVICE))
        assert eventually(lambda: called)
        assert eventually(lambda: not told._running), "nobody takes it in when it ends"
    assert child.returncode == 0


def test_the_end_does_not_wait_for_a_command(script):
    told = Hooks({"gap": script("import time\ntime.sleep(600)\n")})
    told.tell(gap())
    assert eventually(lambda: told._running)
    (child,) = told._running
    began = time.monotonic()
    told.close()
    told.close()
    assert time.monotonic() - began < 10 and eventually(lambda: not alive(child.pid))


def test_a_function_that_hangs_costs_the_loop_nothing(caplog):
    hang = [True]
    with Hooks({"gap": lambda event: eventually(lambda: not hang[0], 60)}) as told:
        began = time.monotonic()
        for number in range(MOST_WAITING + 100):
            told.tell(gap(number))
        assert time.monotonic() - began < 5
        assert [record.getMessage().count("left out: 64 events wait") for record in caplog.records] == [1]
        hang[0] = False


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"wakes": "true"}, "give one of started"),
        ({"exposure": "true"}, "nothing is called so"),
        ({"wake": "aplay 'ding.wav"}, "No closing quotation"),
        ({"wake": ""}, "is empty"),
        ({"wake": "  "}, "is empty"),
    ],
)
def test_what_is_no_hook_is_refused(given, said):
    with pytest.raises(ConfigError, match=said):
        Hooks(given)


def test_every_kind_of_event_can_have_a_hook():
    assert {*HOOKS, "exposure"} == set(KINDS)
    assert hooks.environment(Muted(at=3, by=Muter.DEVICE))["WAKEGATE_BY"] == "device"


# In a config.


@pytest.fixture
def config(tmp_path):
    def write(text, mode=0o600):
        path = tmp_path / "wakegate.toml"
        path.write_text(text)
        path.chmod(mode)
        return path

    return write


def test_a_config_sets_hooks(config):
    from wakegate.config import read

    path = config('[on]\nwake = "aplay ding.wav"\nmuted = "light red"\n')
    assert read(path).on == {"wake": "aplay ding.wav", "muted": "light red"}
    assert read(config("[limits]\n", 0o666)).on == {}


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_hooks_that_others_can_write_are_refused(config, mode):
    from wakegate.config import read

    with pytest.raises(ConfigError, match="could run programs as you"):
        read(config('[on]\nwake = "true"\n', mode))


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to give a file away")
def test_hooks_of_another_user_are_refused(config):
    from wakegate.config import read

    path = config('[on]\nwake = "true"\n')
    os.chown(path, 65534, 65534)
    with pytest.raises(ConfigError, match="owner 65534"):
        read(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[on]\nwaking = "true"\n', "known are started"),
        ("[on]\nwake = 3\n", "give a command"),
        ('[on]\nwake = ["true"]\n', "give a command"),
        ('[on]\nwake = "\'"\n', "No closing quotation"),
        ("on = 3\n", "known sections"),
        ('[on]\rwake = "true"\n', "is not TOML"),
        ('[on]\nwake = "true\0"\n', "is not TOML"),
    ],
)
def test_what_is_no_hook_in_a_config_is_refused(config, text, said):
    from wakegate.config import read

    with pytest.raises(ConfigError, match=said):
        read(config(text))


def test_numbers_of_numpy_are_told_as_numbers():
    event = Wake(at=1, id="0", word="alexa", score=float(np.float32(0.5)), threshold=0.5, start=0, end=1)
    assert hooks.environment(event)["WAKEGATE_SCORE"] == "0.5"


def test_the_settings_and_whose_they_are_come_from_one_file(config, monkeypatch):
    """Whoever swaps the file in between does not have his hooks under another's name."""
    from wakegate.config import read

    path = config('[on]\nwake = "true"\n')
    really = Path.open

    def swapped(self, *words, **more):
        file = really(self, *words, **more)
        if not self.with_name("before").exists():
            self.rename(self.with_name("before"))
            config('[on]\nwake = "rm x"\n')
        return file

    monkeypatch.setattr(Path, "open", swapped)
    assert read(path).on == {"wake": "true"}
