"""``wakegate listen --events --on``, ``wakegate tell`` and the page's C client, each in a process. Around 20 s."""

import contextlib
import json
import re
import shutil
import socket
import subprocess
import sys
import threading
import time

import pytest

from tests.cli.process import ROOT, RUN, command, environment, place, six_words, started
from wakegate.cli import main
from wakegate.journal import read

PAGE = (ROOT / "wakegate" / "serve" / "README.md").read_text(encoding="utf-8")
C = re.search(r"^```c\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@contextlib.contextmanager
def listening(home, *more):
    """A listener on a stdin that stays open; yields the process and its socket."""
    path = home / "events.sock"
    words = ("--input", "-", "--json", "--words", "alexa", "--events", f"unix:{path}", *more)
    with started(home, "listen", *words) as process:
        try:
            until = time.monotonic() + 60
            while not path.exists() and process.poll() is None and time.monotonic() < until:
                time.sleep(0.05)
            assert path.exists(), process.stderr.read()
            yield process, path
        finally:
            process.kill()


def end(process, sound=b""):
    """Give it the rest of its sound; return the events that it printed."""
    out, err = process.communicate(sound, timeout=60)
    assert process.returncode == 0 and err == b"", err
    return [json.loads(line) for line in out.splitlines()]


def tell(home, path, *words):
    done = command(home, "tell", f"unix:{path}", *words)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def test_a_word_to_a_listener(tmp_path):
    with listening(tmp_path) as (process, path):
        assert tell(tmp_path, path, "status") == (0, "listening for alexa; the gate is closed\n", "")
        code, out, _ = tell(tmp_path, path, "mute", "--for", "60s")
        assert code == 0 and re.fullmatch(r"muted by socket for (60|5\d)\.\d s more\n", out)
        code, out, _ = tell(tmp_path, path, "unmute", "--json")
        assert code == 0 and json.loads(out)["muted"] is None
        done = command(tmp_path, "tell", "--json", f"unix:{path}", "status")
        assert json.loads(done.stdout)["words"] == ["alexa"]
        code, out, err = tell(tmp_path, path, "cancel")
        assert (code, out) == (1, "") and "the gate is closed" in err
        code, out, err = tell(tmp_path, path, "label", "0123", "false-accept", "--cause", "own-sound")
        assert code == 1 and "no wake '0123'" in err
        code, _, err = tell(tmp_path, path, "mute", "--for", "90")
        assert code == 1 and "60 seconds" in err
        code, _, err = tell(tmp_path, path, "mute", "--for", "a while")
        assert code == 2 and "not a time" in err
        events = end(process, six_words().tobytes())
    assert "wake" in [event["kind"] for event in events] and not path.exists()
    assert tell(tmp_path, path, "status")[0] == 1, "nobody is there: later, perhaps"
    assert command(tmp_path, "tell", "events.sock", "status").returncode == 2, "no unix:PATH, now and ever"


def test_what_a_listener_says_does_not_steer_the_terminal(tmp_path, capsys):
    path = tmp_path / "other.sock"
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen()

        def answer():
            with other.accept()[0] as peer:
                peer.sendall(b'{"kind": "reply", "error": "", "words": ["\\u001b[2J"]}\n')
                peer.recv(4096)

        thread = threading.Thread(target=answer)
        thread.start()
        assert main(["tell", f"unix:{path}", "status"]) == 0
        thread.join()
    assert capsys.readouterr().out == "listening for \\x1b[2J; the gate is closed\n"


def test_output_on_a_full_disk_is_lost_and_the_listening_goes_on(tmp_path):
    with open("/dev/full", "w") as full:
        words = ("listen", "--json", "--input", ROOT / "tests/data/six_words.flac")
        done = subprocess.run([sys.executable, "-c", RUN, *words], env=environment(tmp_path), stdout=full, stderr=full)
    kinds = [entry.kind for entry in read(place(tmp_path))]
    assert kinds.count("wake") == 6 and "stopped" in kinds and done.returncode != 0


def test_a_listener_muted_over_the_socket_hears_nothing(tmp_path):
    with listening(tmp_path) as (process, path):
        assert tell(tmp_path, path, "mute")[0] == 0
        events = end(process, six_words().tobytes())
    assert [event["kind"] for event in events] == ["started", "muted", "stopped"]
    assert [entry.kind for entry in read(place(tmp_path))] == ["started", "muted", "stopped"], "no hours were counted"


def test_a_person_mutes_every_listener_and_no_word_unmutes(tmp_path):
    with listening(tmp_path) as (process, path):
        done = command(tmp_path, "mute")
        assert done.returncode == 0 and b"Muted" in done.stdout
        code, _, err = tell(tmp_path, path, "unmute")
        assert code == 1 and "only a person at the device" in err
        events = end(process, six_words().tobytes())
    assert [event["kind"] for event in events] == ["started", "muted", "stopped"]
    done = command(tmp_path, "listen", "--input", ROOT / "tests" / "data" / "six_words.flac", "--json")
    assert b'"wake"' not in done.stdout and b'"by": "device"' in done.stdout, "a restart has unmuted it"
    assert b"no terminal" in command(tmp_path, "mute", "off", start_new_session=True).stderr


def test_a_hook_runs_and_says_nothing_on_stdout(tmp_path):
    heard = tmp_path / "heard"
    hook = f"""wake=sh -c 'echo noise; echo "$WAKEGATE_WORD" >> {heard}'"""
    with listening(tmp_path, "--on", hook) as (process, _):
        events = end(process, six_words().tobytes())
    wakes = [event["word"] for event in events if event["kind"] == "wake"]
    assert heard.read_text().split() == wakes == ["alexa"]


def test_a_hook_of_the_config_and_the_command_line_before_it(tmp_path):
    config = tmp_path / "config" / "wakegate" / "wakegate.toml"
    config.parent.mkdir(parents=True)
    config.write_text(f'[on]\nwake = "touch {tmp_path}/config-wake"\nstopped = "touch {tmp_path}/config-stopped"\n')
    config.chmod(0o600)
    with listening(tmp_path, "--on", f"wake=touch {tmp_path}/line-wake") as (process, _):
        end(process, six_words().tobytes())
    assert {path.name for path in tmp_path.glob("*-*")} == {"line-wake", "config-stopped"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--events", "tcp:1.2.3.4:80"], "not unix:PATH"),
        (["--events", "unix:"], "not unix:PATH"),
        (["--events", "unix:/nowhere/events.sock"], "cannot listen"),
        (["--events", "unix:" + "x" * 200], "at most 107 bytes"),
        (["--events-group", "audio"], "add --events"),
        (["--events", "unix:e.sock", "--events-group", "no such group"], "no such group"),
        (["--on", "aplay ding.wav"], "not KIND=COMMAND"),
        (["--on", "ding=aplay"], "a hook on 'ding'"),
        (["--on", "wake="], "is empty"),
        (["--playback", "no_such_program"], "the playback command cannot be run"),
    ],
)
def test_what_is_asked_for_wrongly_is_said(tmp_path, words, said):
    done = command(tmp_path, "listen", "--input", ROOT / "tests" / "data" / "six_words.flac", *words)
    elsewhere = words[-1] in ("unix:/nowhere/events.sock", "no such group", "no_such_program")
    assert done.returncode == (1 if elsewhere else 2) and done.stdout == b"" and said in done.stderr.decode()
    assert not list(tmp_path.glob("*.sock"))


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
def test_the_c_client_of_the_page(tmp_path):
    assert C is not None and len(C[1].splitlines()) <= 30
    (tmp_path / "client.c").write_text(C[1])
    build = ["cc", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-o", tmp_path / "client", tmp_path / "client.c"]
    subprocess.run(build, check=True)
    with listening(tmp_path) as (process, path):
        words = [tmp_path / "client", path, '{"command": "status"}']
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment(tmp_path)) as client:
            shown = []
            while shown[-1:] != ["reply"]:
                shown.append(json.loads(client.stdout.readline())["kind"])
            assert [kind for kind in shown if kind != "started"] == ["status", "reply"], "it may come in between"
            events = end(process, six_words().tobytes())
            lines = client.stdout.read().splitlines()
            assert client.wait(20) == 0
    told = [json.loads(line) for line in lines if line.startswith("{")]
    assert [event for event in told if event["kind"] != "started"] == events[1:], "it may have come before the first"
    assert [line for line in lines if not line.startswith("{")] == ["light on", "light off"]
    done = subprocess.run([tmp_path / "client", path], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "events.sock" in done.stderr
