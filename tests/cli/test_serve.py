"""``wakegate serve`` as a process, with the protocol's own client. Around 20 s."""

import argparse
import asyncio
import contextlib
import errno
import json
import select
import signal
import socket
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.cli.process import RATE, SIX_WORDS, command, environment, place, six_words, started
from tests.wake.model import ORIGINAL, copy
from wakegate.cli import main
from wakegate.cli.person import open_ledger
from wakegate.cli.serve import _Teller
from wakegate.consent.clock import SystemClock
from wakegate.consent.grant import Act, Surface
from wakegate.events import Purpose
from wakegate.journal import read
from wakegate.serve.wyoming.door import Dropped

pytest.importorskip("wyoming", reason="the extra `wyoming` is not installed")

from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncClient
from wyoming.event import Event, async_write_event
from wyoming.wake import Detect, Detection

# The word, somebody talking 2.3 s later, and silence.
SPOKEN = np.concatenate([six_words()[: 6 * RATE], np.zeros(3 * RATE, np.int16)])


def serving(home, *words, **more):
    """Start it; return the process and the line that says where it is."""
    process = started(home, "serve", *words, "--json", **more)
    out = process.stderr if "stdio://" in words else process.stdout
    assert select.select([out], [], [], 30)[0]
    line = out.readline()
    assert line.startswith(b"{"), line + process.stderr.read()
    return process, json.loads(line)


def stop(process, number=signal.SIGTERM):
    """End it as a service manager does; return its code, what was left on stdout, and on stderr."""
    with process:
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    return process.returncode, [json.loads(line) for line in out.splitlines()], err.decode()


def grant(home):
    open_ledger(SystemClock(), place(home).prepare()).grant(Purpose.ASSIST, act=Act(Surface.SCREEN, "touched yes"))


class Kept:
    """A stream writer that keeps what is written."""

    data = b""

    def write(self, data):
        self.data += data

    def writelines(self, parts):
        self.data += b"".join(parts)

    async def drain(self):
        pass


def sent(*events):
    """What the protocol's own writer makes of events."""

    async def run():
        for event in events:
            await async_write_event(event, kept)

    kept = Kept()
    asyncio.run(run())
    return kept.data


def spoken(seconds=3, size=1024):
    """The events of a client that asks for alexa and sends the sound in which it is said."""
    sound = six_words()[: seconds * RATE].tobytes()
    yield Detect(names=["alexa"]).event()
    yield AudioStart(RATE, 2, 1).event()
    for at in range(0, len(sound), 2 * size):
        yield AudioChunk(RATE, 2, 1, sound[at : at + 2 * size], timestamp=at // 32).event()
    yield AudioStop().event()


async def ask(uri):
    async with AsyncClient.from_uri(uri) as client:
        for event in spoken():
            await client.write_event(event)
        return Detection.from_event(await asyncio.wait_for(client.read_event(), 10))


# The wake service.


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("scheme", ["tcp", "unix"])
def test_a_client_is_told_and_so_are_people_and_nothing_is_kept(tmp_path, scheme, number):
    uri = "tcp://127.0.0.1:0" if scheme == "tcp" else f"unix://{tmp_path}/wake.sock"
    process, serves = serving(tmp_path, "--uri", uri, "--words", "alexa,jarvis")
    assert serves["kind"] == "serving" and serves["words"] == ["alexa", "jarvis"]
    detection = asyncio.run(ask(serves["uri"]))
    code, (told,), err = stop(process, number)
    assert code == 0 and err == "" and detection.name == "alexa"
    assert told == {
        "kind": "detection", "client": 1, "id": detection.context["event"], "word": "alexa", "name": "alexa",
        "score": detection.context["score"], "threshold": detection.context["threshold"],
        "at_ms": detection.timestamp, "start_ms": detection.context["word_start_ms"],
        "end_ms": detection.context["word_end_ms"],
    }  # fmt: skip
    assert list(tmp_path.iterdir()) == [], "neither journal nor ledger nor sound"


def test_no_client_fills_the_log_by_what_it_calls_a_word(tmp_path):
    name = "ALEXA" + 12_000 * " "
    said = [Detect(names=[name]).event(), *list(spoken())[1:]]
    done = command(tmp_path, "serve", "--uri", "stdio://", "--json", stdin=sent(*said))
    assert name.encode() in done.stdout, "it is told by its own name all the same"
    told = json.loads(done.stderr.splitlines()[1])
    assert (told["word"], told["name"]) == ("alexa", name[:64])


@pytest.mark.parametrize("as_json", [True, False])
def test_people_are_told_of_a_near_miss_and_the_client_is_not(tmp_path, as_json):
    words = ("--uri", "stdio://", "--threshold", "alexa=0.97", *(["--json"] if as_json else []))
    done = command(tmp_path, "serve", *words, stdin=sent(*spoken()))
    assert done.returncode == 0 and b'"not-detected"' in done.stdout and b'"detection"' not in done.stdout
    told = done.stderr.decode().splitlines()[1]
    if as_json:
        near = json.loads(told)
        assert (near["kind"], near["client"], near["word"], near["name"]) == ("near_miss", 1, "alexa", "alexa")
        assert near["score"] < near["threshold"] == 0.97 and near["start_ms"] < near["end_ms"] and "id" not in near
    else:
        assert told.startswith("client 1 was not told of a near miss of 'alexa' (score 0.")


def test_hooks_run_on_what_a_wake_service_hears_and_of_others_in_the_config_it_says_that_they_do_not(tmp_path):
    heard, config = tmp_path / "heard", tmp_path / "wakegate.toml"
    add = f"""sh -c 'echo {{}} $WAKEGATE_KIND $WAKEGATE_WORD $WAKEGATE_AT >> {heard}'"""
    own = "".join(f'{kind} = """{add.format("config")}"""\n' for kind in ("wake", "near_miss"))
    config.write_text(f'[on]\n{own}released = "touch {heard}"\n')
    config.chmod(0o600)
    words = ("--uri", "stdio://", "--config", config, "--threshold", "alexa=0.97", "--words", "alexa,computer")
    said = [*spoken(), Detect().event(), *list(spoken(6))[1:]]
    done = command(tmp_path, "serve", *words, "--on", f"wake={add.format('line')}", stdin=sent(*said))
    assert done.returncode == 0
    told = heard.read_text().splitlines()
    # There is a second near miss, which has a hook where it is more than a second later.
    assert list(dict.fromkeys(line.rpartition(" ")[0] for line in told)) == [
        "config near_miss alexa", "line wake computer",
    ]  # fmt: skip
    assert 4 * RATE < int(told[-1].rpartition(" ")[2]) < 5 * RATE, "of the client's sound"
    notes = [line for line in done.stderr.decode().splitlines() if line.startswith("note: ")]
    assert notes == [f"note: in {config}, hooks on released are a microphone's: none of that happens here"]


def test_hooks_of_the_config_are_for_this_device_and_no_other_sets_them_off(tmp_path):
    """They were there before anybody thought of a network."""
    config = tmp_path / "wakegate.toml"
    config.write_text(f'[on]\nwake = "touch {tmp_path}/config"\nnear_miss = "touch {tmp_path}/config"\n')
    config.chmod(0o600)
    for on, ran in (([], set()), (["--on", f"wake=touch {tmp_path}/line"], {"line"})):
        words = ("--uri", "tcp://0.0.0.0:0", "--config", config, "--words", "alexa", *on)
        process, serves = serving(tmp_path, *words)
        asyncio.run(ask(serves["uri"]))
        code, _, err = stop(process)
        notes = err.splitlines()
        assert code == 0 and len(notes) == 2 and any("can be reached from other" in note for note in notes)
        passed_over = "[on] is passed over, since other devices can reach tcp://0.0.0.0:0: give --on"
        assert f"note: in {config}, {passed_over}" in notes
        assert {path.name for path in tmp_path.iterdir()} - {config.name} == ran


def test_words_of_several_models_of_ones_own(tmp_path):
    def renamed(raw):
        for entry in (*raw["words"], *raw["operating_points"]):
            entry["word"] = f"my_{entry['word']}"

    second = copy(tmp_path, renamed, lambda data: data.replace(b"wakegate", b"wakegat3"))
    words = ("--uri", "stdio://", "--words", "alexa,my_alexa", "--json")
    done = command(tmp_path, "serve", *words, "--model", ORIGINAL, "--model", second, stdin=sent(*list(spoken())[1:]))
    serves, *told = map(json.loads, done.stderr.splitlines())
    assert serves["words"] == ["alexa", "my_alexa"]
    assert [(one["kind"], one["word"]) for one in told] == [("detection", "alexa"), ("detection", "my_alexa")]


def test_output_that_nobody_takes_costs_no_client_anything(tmp_path):
    """A reader that is gone is people's loss, and no assistant's."""
    uri = f"unix://{tmp_path}/wake.sock"
    process, _ = serving(tmp_path, "--uri", uri, "--words", "alexa")

    async def twice():
        async with AsyncClient.from_uri(uri) as client:
            for event in (*spoken(), *spoken()):
                await client.write_event(event)
            return [(await asyncio.wait_for(client.read_event(), 10)).type for _ in range(2)]

    with process:
        process.stdout.close()
        try:
            assert asyncio.run(twice()) == ["detection", "detection"]
        finally:
            process.terminate()


@pytest.mark.parametrize("error", [BrokenPipeError(), OSError(errno.EIO, "the terminal is gone")], ids=repr)
def test_a_line_that_nobody_can_read_any_more_is_no_clients_trouble(error):
    def put(_):
        raise error

    _Teller(argparse.Namespace(json=True), sys.stdout, put).dropped(Dropped(1, "idle", "silent"))


def test_by_default_it_is_on_this_device_alone(tmp_path, monkeypatch, capsys):
    from wakegate.serve.wyoming import running

    seen = []
    monkeypatch.setattr(running, "run_until_stopped", lambda one, *_: seen.append(str(one._address)))
    for name, value in environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    assert main(["serve"]) == 0 and seen == ["tcp://127.0.0.1:10400"], capsys.readouterr()


def test_an_address_beyond_this_device_is_said_to_be_one(tmp_path):
    process, _ = serving(tmp_path, "--uri", "tcp://0.0.0.0:0", "--words", "alexa")
    assert "can be reached from other devices" in stop(process)[2]


@pytest.mark.parametrize("stdin", ["pipe", "file"])
def test_on_stdio_it_serves_one_client_and_ends_with_it(tmp_path, stdin):
    data = sent(*spoken())
    if stdin == "file":
        (tmp_path / "said").write_bytes(data)
        with (tmp_path / "said").open("rb") as said:
            process = started(tmp_path, "serve", "--uri", "stdio://", "--json", stdin=said)
            out, err = process.communicate(timeout=60)
    else:
        process = started(tmp_path, "serve", "--uri", "stdio://", "--json")
        out, err = process.communicate(data, timeout=60)
    header, data = map(json.loads, (b"".join(out.partition(b"\n")[:2]), out.partition(b"\n")[2]))
    assert process.returncode == 0 and header["type"] == "detection" and data["name"] == "alexa"
    assert [json.loads(line)["kind"] for line in err.splitlines()] == ["serving", "detection"]


def test_on_stdio_rubbish_is_an_error_and_an_end(tmp_path):
    done = command(tmp_path, "serve", "--uri", "stdio://", stdin=b"GET / HTTP/1.1\r\n\r\n")
    assert done.returncode == 0 and b'"type": "error"' in done.stdout
    assert b"client 1 was sent away" in done.stderr and b"Traceback" not in done.stderr


# The gated microphone.


async def listen_in(uri, speak, granted):
    """Connect, let somebody speak, and return what came; without a grant that is nothing once the wake was refused."""
    events = []
    async with AsyncClient.from_uri(uri) as client:
        await client.write_event(Event("ping", {}))
        assert (await client.read_event()).type == "pong"
        await asyncio.to_thread(speak)
        with contextlib.suppress(TimeoutError):
            while not events or events[-1].type != "audio-stop":
                events.append(await asyncio.wait_for(client.read_event(), 30 if granted else 0.5))
    return events


def microphone(home, granted):
    """Run it with sound on stdin; return what a client got, what was told, and how it ended."""
    if granted:
        grant(home)
    uri = f"unix://{home}/mic.sock"
    process, serves = serving(home, "--mic-uri", uri, "--input", "-", "--words", "alexa")
    assert serves["uri"] == uri
    told = []

    def speak():
        process.stdin.write(SPOKEN.tobytes())
        process.stdin.flush()
        while not granted and (not told or told[-1]["kind"] != "wiped"):
            told.append(json.loads(process.stdout.readline()))

    events = asyncio.run(listen_in(uri, speak, granted))
    out, err = process.communicate(timeout=60)
    return events, told + [json.loads(line) for line in out.splitlines()], process.returncode, err.decode()


def test_under_a_grant_a_client_hears_the_utterance_and_it_is_on_record(tmp_path):
    events, told, code, err = microphone(tmp_path, granted=True)
    assert code == 0 and err == ""
    assert [events[0].type, events[1].type, events[-1].type] == ["detection", "audio-start", "audio-stop"]
    heard = np.frombuffer(b"".join(AudioChunk.from_event(e).audio for e in events[2:-1]), "<i2")
    released = next(event for event in told if event["kind"] == "released")
    assert len(heard) == released["end"] - released["start"] > RATE
    assert np.array_equal(heard, SPOKEN[released["start"] : released["end"]])
    assert "opened" in [entry.kind for entry in read(place(tmp_path))]


def test_without_a_grant_it_hears_nothing(tmp_path):
    events, told, code, err = microphone(tmp_path, granted=False)
    assert code == 0 and err == "" and events == []
    assert {event["reason"] for event in told if event["kind"] == "refused"} == {"no_grant"}


def test_a_program_on_stdio_gets_the_sound_and_ends_the_listening_when_it_goes(tmp_path):
    grant(tmp_path)
    process, _ = serving(tmp_path, "--mic-uri", "stdio://", "--input", SIX_WORDS, "--words", "alexa")
    with process:
        header = json.loads(process.stdout.readline())
        assert header["type"] == "detection"
        process.stdin.close()
        process.stdin = None
        process.communicate(timeout=60)
    assert process.returncode == 0
    assert "stopped" in [entry.kind for entry in read(place(tmp_path))]


def test_its_event_socket_and_its_hooks_are_those_of_listen(tmp_path):
    path, heard = tmp_path / "events.sock", tmp_path / "heard"
    hook = f"""wake=sh -c 'echo "$WAKEGATE_WORD" >> {heard}'"""
    words = ("--input", "-", "--words", "alexa", "--events", f"unix:{path}", "--on", hook)
    process, _ = serving(tmp_path, "--mic-uri", f"unix://{tmp_path}/mic.sock", *words)
    with process, socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(60)
        peer.connect(str(path))
        with peer.makefile("r") as lines:
            assert json.loads(lines.readline())["kind"] == "status"
            peer.sendall(b'{"command": "mute", "for_s": 60}\n{"command": "unmute"}\n')
            replies = []
            while len(replies) < 2:  # "started" comes among them
                replies += [said for said in [json.loads(lines.readline())] if said["kind"] == "reply"]
            out, err = process.communicate(SPOKEN.tobytes(), timeout=60)
            told = [json.loads(line) for line in lines]
    assert (process.returncode, err) == (0, b"") and all(reply["ok"] for reply in replies)
    printed = [event for event in map(json.loads, out.splitlines()) if event["kind"] != "started"]
    assert [event for event in told if event["kind"] not in ("started", "reply")] == printed
    assert "wake" in [event["kind"] for event in printed] and heard.read_text() == "alexa\n"


# What is asked for wrongly.


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--uri", "http://127.0.0.1:80"], "is no address"),
        (["--mic-uri", "127.0.0.1"], "is no address"),
        (["--mic-uri", "tcp://0.0.0.0:10700", "--input", SIX_WORDS], "can be reached from other devices"),
        (["--mic-uri", "tcp://127.0.0.1:0", "--zeroconf", "kitchen"], "for this device alone"),
        (["--mic-uri", "stdio://", "--input", "-"], "both sound and what a client says"),
        (["--mic-uri", "stdio://", "--mic-user", "no such user"], "is no user"),
        (["--device", "USB"], "--device is a microphone's"),
        (["--mic-user", "root"], "--mic-user is a microphone's"),
        (["--events", "unix:events.sock"], "--events is a microphone's"),
        (["--on", "opened=true"], "--on opened is a microphone's, here wake and near_miss happen"),
        (["--on", "ding=true"], "a hook on 'ding'"),
        (["--on", "wake='"], "is no command"),
        (["--mqtt-site", "kitchen"], "--mqtt-site is a microphone's"),
        (["--playback", "parec"], "--playback is a microphone's"),
        (["--mic-uri", "stdio://", "--on", "ding=true"], "a hook on 'ding'"),
        (["--zeroconf", "kitchen"], "is not there for others"),
        (["--words", "hal"], "no installed model knows 'hal'"),
        (["--words", "alexa,alexa"], "'alexa' twice"),
        (["--mic-uri", "tcp://127.0.0.1:0", "--words", "hal"], "no installed model knows hal"),
        (["--threshold", "jarvis=0.5", "--words", "alexa"], "'jarvis' is not listened for"),
        (["--threshold", "alexa=0"], "threshold for 'alexa'"),
        (["--model", "gone.onnx"], "there is no manifest"),
        (["--model", ORIGINAL, "--model", "six.wav"], "--model 'six.wav' is no model file"),
        (["--model", ORIGINAL, "--model", ORIGINAL], "are one model, of the same sha256"),
        (["--mic-uri", "stdio://", "--model", ORIGINAL, "--model", ORIGINAL], "with one model: give --model once"),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, list) else "",
)
def test_what_is_asked_for_wrongly_is_said(tmp_path, monkeypatch, capsys, words, said):
    for name, value in environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    code = main(["serve", *map(str, words)])
    out, err = capsys.readouterr()
    elsewhere = words[-1] in ("gone.onnx", "no such user")
    assert code == (1 if elsewhere else 2) and out == "" and err.startswith("wakegate: ") and said in err


def test_a_missing_package_is_said_with_the_command_that_helps(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "wyoming", None)
    assert main(["serve"]) == 1
    assert "pip install 'wakegate[wyoming]'" in capsys.readouterr().err


def test_it_is_a_microphone_or_a_wake_service_and_not_both(capsys):
    with pytest.raises(SystemExit) as end:
        main(["serve", "--uri", "stdio://", "--mic-uri", "stdio://"])
    assert end.value.code == 2 and "not allowed with" in capsys.readouterr().err


def test_the_engine_that_is_named_runs_the_wake_service(tmp_path):
    process, _ = serving(tmp_path, "--uri", "tcp://127.0.0.1:0", "--engine", "numpy")
    loaded = Path(f"/proc/{process.pid}/maps").read_text()
    code, _, _ = stop(process)
    assert code == 0 and "numpy" in loaded and "onnxruntime" not in loaded
