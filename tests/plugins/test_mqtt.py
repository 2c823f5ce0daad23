"""A real mosquitto is told what happens: topics, loss and return, TLS, logins. Around 15 s."""

import json
import os
import shutil
import signal
import subprocess
import time

import pytest

from tests.cli.process import SIX_WORDS, command, place, started
from tests.plugins.mosquitto import free_port, listener, needs_mosquitto, running, soon
from wakegate.errors import ConfigError, ForeignError
from wakegate.events import NearMiss, Wake
from wakegate.journal import read
from wakegate.plugins.broker import Broker, broker
from wakegate.plugins.mqtt import WAITING, Publisher

pytest.importorskip("paho.mqtt.client", reason="paho-mqtt is not installed")

WAKE = Wake(at=80_000, id="00ff", word="computer", score=0.9, threshold=0.381, start=60_000, end=72_000)
NEAR = NearMiss(at=90_000, word="jarvis", score=0.2, threshold=0.5, start=1, end=2)


@pytest.fixture
def mosquitto(tmp_path):
    with running(tmp_path) as found:
        yield found


def publisher(port, tls=False, **more):
    address = Broker(host="localhost" if tls else "127.0.0.1", port=port, tls=tls, **more)
    return Publisher(address, words=["computer"], model_sha256="ab" * 32, site="kitchen")


def on(passed, topic):
    return [text for name, text, _ in passed if name == topic]


@needs_mosquitto
def test_an_event_is_the_line_that_json_prints_and_a_wake_is_also_hermes(mosquitto):
    with listener(mosquitto) as passed:
        with publisher(mosquitto.port) as told:
            told.tell(NEAR)
            told.tell(WAKE)
        soon(lambda: on(passed, "wakegate/kitchen/status")[-1:] == ["offline"], passed)
    assert on(passed, "wakegate/kitchen/events") == [NEAR.to_json(), WAKE.to_json()]
    (hermes,) = on(passed, "hermes/hotword/computer/detected")
    assert json.loads(hermes) == {
        "modelId": "computer",
        "modelVersion": "ab" * 32,
        "modelType": "universal",
        "currentSensitivity": 0.619,
        "siteId": "kitchen",
        "sessionId": None,
        "sendAudioCaptured": False,
        "lang": None,
    }
    assert on(passed, "wakegate/kitchen/status") == ["online", "offline"]
    assert len(passed) == 5, "and nothing else"


@needs_mosquitto
def test_the_command_tells_what_it_prints_and_subscribes_to_nothing(mosquitto, tmp_path):
    with listener(mosquitto) as passed:
        address = f"mqtt://127.0.0.1:{mosquitto.port}"
        words = ("--mqtt", address, "--mqtt-prefix", "home/wake", "--mqtt-site", "hall")
        done = command(tmp_path, "listen", "--input", SIX_WORDS, "--json", *words)
        assert done.returncode == 0 and done.stderr == b""
        soon(lambda: on(passed, "home/wake/hall/status")[-1:] == ["offline"], passed)
    printed = done.stdout.decode().splitlines()
    assert on(passed, "home/wake/hall/events") == printed
    wakes = [json.loads(line)["word"] for line in printed if json.loads(line)["kind"] == "wake"]
    assert wakes == ["alexa", "computer", "jarvis", "smart_mirror", "snowboy", "view_glass"]
    assert [name.split("/")[2] for name, *_ in passed if name.startswith("hermes/hotword/")] == wakes
    assert max(len(text) for _, text, _ in passed) < 1000, "no room for sound"
    # One subscriber is on record, and it is the test's.
    assert mosquitto.log.read_text().count("Received SUBSCRIBE") == 1


@needs_mosquitto
def test_no_message_grants_or_changes_anything(mosquitto, tmp_path):
    """Whatever somebody publishes, on any topic, the listener does not so much as read it."""
    with listener(mosquitto) as passed:
        process = started(tmp_path, "listen", "--input", "-", "--json", "--mqtt", f"mqtt://127.0.0.1:{mosquitto.port}")
        soon(lambda: on(passed, "wakegate/default/events"), passed)
        from paho.mqtt.publish import multiple

        texts = ("grant assist", '{"purpose": "assist", "act": "yes"}', '{"siteId": "default"}', "unmute")
        topics = ("wakegate/default/events", "wakegate/default/grant", "hermes/hotword/toggleOff")
        multiple([(t, text, 0, False) for t in topics for text in texts], "127.0.0.1", mosquitto.port)
        out, _ = process.communicate(bytes(64_000), timeout=30)
    assert [json.loads(line)["kind"] for line in out.splitlines()] == ["started", "stopped"]
    assert process.returncode == 0
    assert {entry.kind for entry in read(place(tmp_path))} == {"started", "exposure", "stopped"}
    assert not place(tmp_path).ledger.exists()


@needs_mosquitto
def test_without_a_broker_it_listens_and_when_it_comes_it_tells(mosquitto, caplog, monkeypatch):
    monkeypatch.setattr("wakegate.plugins.mqtt.PATIENCE_S", 0.2)
    mosquitto.stop()
    with publisher(mosquitto.port) as told:
        assert "no broker at 127.0.0.1" in caplog.text and "Connection refused" in caplog.text
        for _ in range(5):
            told.tell(NEAR)
        assert caplog.text.count("events are not sent") == 1 and "is away" in caplog.text
        mosquitto.start()
        with listener(mosquitto) as passed:
            soon(lambda: on(passed, "wakegate/kitchen/status") == ["online"], passed)
            told.tell(WAKE)
            soon(lambda: on(passed, "wakegate/kitchen/events"), passed)
            # What was missed is told as a number, and never sent late.
            assert on(passed, "wakegate/kitchen/events") == [WAKE.to_json()]
            assert "takes events again: 5 were not sent" in caplog.text


@needs_mosquitto
def test_a_broker_that_restarts_is_found_again(mosquitto):
    with publisher(mosquitto.port) as told:
        mosquitto.stop()
        mosquitto.start()
        with listener(mosquitto) as passed:
            soon(lambda: "online" in on(passed, "wakegate/kitchen/status"), passed)
            told.tell(NEAR)
            soon(lambda: on(passed, "wakegate/kitchen/events"), passed)


@needs_mosquitto
def test_a_broker_that_hangs_holds_nothing_up_and_fills_no_memory(mosquitto, caplog, monkeypatch):
    monkeypatch.setattr("wakegate.plugins.mqtt.PATIENCE_S", 0.5)
    with publisher(mosquitto.port) as told:
        mosquitto.freeze()
        long = NearMiss(at=1, word="w" * 20_000, score=0.2, threshold=0.5, start=1, end=2)
        slowest = 0.0
        for _ in range(1000):  # 20 MB: more than the kernel's buffers take
            before = time.perf_counter()
            told.tell(long)
            slowest = max(slowest, time.perf_counter() - before)
        assert len(told._sent) <= WAITING
        assert 1 <= caplog.text.count("is slow") < 20, "told, and not with every event"
        assert slowest < 0.5, "a machine that is busy, not a network that is waited for"
        before = time.perf_counter()
    assert time.perf_counter() - before < 5, "leaving does not wait for a broker that hangs"


@needs_mosquitto
def test_if_it_is_killed_the_broker_says_offline(mosquitto, tmp_path):
    with listener(mosquitto) as passed:
        process = started(tmp_path, "listen", "--input", "-", "--mqtt", f"mqtt://127.0.0.1:{mosquitto.port}")
        soon(lambda: on(passed, "wakegate/default/status") == ["online"], passed)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        soon(lambda: on(passed, "wakegate/default/status") == ["online", "offline"], passed)
    with listener(mosquitto) as later:
        soon(lambda: ("wakegate/default/status", "offline", True) in later, "it is retained")


def login(folder, text, mode=0o600):
    path = folder / "login"
    path.write_text(text)
    path.chmod(mode)
    return path


@needs_mosquitto
def test_a_login_is_taken_from_a_file_and_a_wrong_one_is_said(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr("wakegate.plugins.mqtt.PATIENCE_S", 2)
    known = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", known, "device", "a secret"], check=True)
    with running(tmp_path, "allow_anonymous false", f"password_file {known}") as found:
        address = f"mqtt://127.0.0.1:{found.port}"
        right = broker(address, login(tmp_path, "device\na secret\n"))
        assert "secret" not in repr(right)
        with Publisher(right, words=["computer"], model_sha256="") as told:
            assert told._client.is_connected()
        assert caplog.text == ""
        wrong = broker(address, login(tmp_path, "device\na guess\n"))
        with Publisher(wrong, words=["computer"], model_sha256="") as told:
            told.tell(WAKE)
        assert "Not authorized" in caplog.text and "guess" not in caplog.text


needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed, to make keys")


def certificate(folder, name):
    made = ["-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem", "-days", "2", "-subj", f"/CN={name}"]
    alternative = ["-addext", "subjectAltName=DNS:localhost"]
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    subprocess.run(["openssl", "req", "-x509", *curve, *made, *alternative], check=True, capture_output=True)
    return folder / f"{name}.pem"


@pytest.fixture
def secret_mosquitto(tmp_path):
    """One that speaks TLS alone, and its certificate."""
    own = certificate(tmp_path, "localhost")
    with running(tmp_path, f"certfile {own}", f"keyfile {own.with_suffix('.key')}") as found:
        yield found, own


@needs_mosquitto
@needs_openssl
def test_over_tls_the_broker_with_the_right_certificate_is_told(secret_mosquitto, caplog):
    mosquitto, own = secret_mosquitto
    with publisher(mosquitto.port, tls=True, ca=own, login=("device", "secret")) as told:
        told.tell(WAKE)
    soon(lambda: mosquitto.log.read_text().count("Received PUBLISH") == 4, "online, hermes, the event, offline")
    assert caplog.text == ""


@needs_mosquitto
@needs_openssl
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # paho leaves such sockets to the GC
def test_over_tls_no_other_broker_is_told(secret_mosquitto, tmp_path, caplog, monkeypatch):
    monkeypatch.setattr("wakegate.plugins.mqtt.PATIENCE_S", 1)
    mosquitto, _ = secret_mosquitto
    for wrong in (certificate(tmp_path, "other"), None):  # None: the system's, which know nothing of it
        with publisher(mosquitto.port, tls=True, ca=wrong, login=("device", "secret")) as told:
            told.tell(WAKE)
    assert "Received" not in mosquitto.log.read_text(), "not even a login"
    assert caplog.text.count("certificate verify failed") == 4


# What needs no broker.


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("mqtt://hall.local", ("hall.local", 1883, False)),
        ("mqtts://10.0.0.2/", ("10.0.0.2", 8883, True)),
        ("mqtt://[::1]:1884", ("::1", 1884, False)),
    ],
)
def test_addresses(url, expected):
    found = broker(url)
    assert (found.host, found.port, found.tls) == expected


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("hall.local:1883", "write mqtt://HOST:PORT"),
        ("http://hall.local", "write mqtt://HOST:PORT"),
        ("mqtt://", "write mqtt://HOST:PORT"),
        ("mqtt://hall.local:99999", "from 1 to 65535"),
        ("mqtt://hall.local:0", "from 1 to 65535"),
        ("mqtt://hall.local/wakegate", "write mqtt://HOST:PORT"),
        ("mqtt://me:secret@hall.local", "put it into a file"),
    ],
)
def test_what_is_no_address(url, message):
    with pytest.raises(ConfigError, match=message) as caught:
        broker(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "device", "device\n\n", "a\nb\nc\n", "\nsecret\n", "device\n\xff\n"])
def test_a_file_that_is_no_login_is_refused_and_not_told(tmp_path, text):
    path = login(tmp_path, "")
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigError, match="two lines") as caught:
        broker("mqtt://localhost", path)
    assert "secret" not in str(caught.value)


def test_a_login_that_others_can_read_or_hear_is_refused(tmp_path):
    text = "device\nsecret\n"
    for mode in (0o640, 0o604):
        with pytest.raises(ConfigError, match="can be read by others"):
            broker("mqtt://localhost", login(tmp_path, text, mode))
    safe = login(tmp_path, text)
    with pytest.raises(ConfigError, match="could be read by the whole network"):
        broker("mqtt://hall.local", safe)
    assert broker("mqtts://hall.local", safe).login == ("device", "secret")
    assert broker("mqtt://127.0.0.1", safe).login == ("device", "secret")
    (tmp_path / "link").symlink_to(safe)
    with pytest.raises(ForeignError, match="symbolic link"):
        broker("mqtt://localhost", tmp_path / "link")
    if os.getuid() == 0:
        os.chown(safe, 65534, 65534)
        with pytest.raises(ForeignError, match="belongs to user 65534"):
            broker("mqtt://localhost", safe)


def test_certificates_belong_to_tls_and_must_be_some(tmp_path):
    with pytest.raises(ConfigError, match="mqtts://"):
        broker("mqtt://localhost", ca=tmp_path / "ca.pem")
    with pytest.raises(ConfigError, match="cannot be read"):
        Publisher(broker("mqtts://localhost", ca=tmp_path / "ca.pem"), words=["a"], model_sha256="")


@pytest.mark.parametrize(
    "names",
    [
        {"site": "a/b"},
        {"site": ""},
        {"site": "#"},
        {"site": "a+"},
        {"site": "$SYS"},
        {"site": "a\n"},
        {"prefix": "/a"},
        {"prefix": "a//b"},
        {"prefix": "hermes"},
        {"prefix": "hermes/hotword"},
        {"words": ["a/b"]},
    ],
)
def test_names_that_cannot_be_part_of_a_topic_are_refused(names):
    with pytest.raises(ConfigError, match=r"topic|assistant's own"):
        Publisher(broker("mqtt://localhost"), **{"words": ["a"], "model_sha256": "", **names})


def test_the_command_refuses_half_a_broker(tmp_path):
    done = command(tmp_path, "listen", "--input", SIX_WORDS, "--mqtt-site", "hall")
    assert done.returncode == 2 and b"name it, --mqtt" in done.stderr and done.stdout == b""


def test_nobody_there_is_said_once_and_costs_no_event(tmp_path):
    done = command(tmp_path, "listen", "--input", SIX_WORDS, "--json", "--mqtt", f"mqtt://127.0.0.1:{free_port()}")
    assert done.returncode == 0
    assert len([line for line in done.stdout.splitlines() if b'"wake"' in line]) == 6
    said = done.stderr.decode()
    assert said.count("no broker at") == 1 and said.count("events are not sent") == 1
