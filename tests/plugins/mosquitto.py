"""A real mosquitto on a port of its own, and somebody who listens to everything that passes through it."""

import getpass
import shutil
import signal
import socket
import subprocess
import time
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

PROGRAM = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
needs_mosquitto = pytest.mark.skipif(PROGRAM is None, reason="mosquitto is not installed (apt-get install mosquitto)")


def free_port():
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Mosquitto:
    """A broker that can be started, frozen, stopped and started again on the same port."""

    def __init__(self, folder: Path, *more: str) -> None:
        self.folder, self.port = folder, free_port()
        self.log = folder / "mosquitto.log"
        anonymous = () if any(line.startswith("allow_anonymous") for line in more) else ("allow_anonymous true",)
        lines = (f"listener {self.port} 127.0.0.1", f"user {getpass.getuser()}", "log_type all", *anonymous, *more)
        (folder / "mosquitto.conf").write_text("\n".join(lines) + "\n")
        self.process = None

    def start(self):
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [PROGRAM, "-c", self.folder / "mosquitto.conf"], stdout=log, stderr=subprocess.STDOUT
            )
        until = time.monotonic() + 10
        while time.monotonic() < until and self.process.poll() is None:
            with closing(socket.socket()) as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            time.sleep(0.02)
        raise AssertionError(self.log.read_text())

    def stop(self):
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            self.process.wait(10)
            self.process = None

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)


@contextmanager
def running(folder, *more):
    broker = Mosquitto(folder, *more)
    try:
        yield broker.start()
    finally:
        broker.stop()


@contextmanager
def listener(broker):
    """Yield the list of (topic, text, retained) that grows as messages pass."""
    from paho.mqtt.client import Client
    from paho.mqtt.enums import CallbackAPIVersion

    passed = []
    client = Client(CallbackAPIVersion.VERSION2)
    client.on_message = lambda _c, _d, message: passed.append((message.topic, message.payload.decode(), message.retain))
    client.connect("127.0.0.1", broker.port)
    client.subscribe("#", 1)
    client.loop_start()
    try:
        yield passed
    finally:
        client.disconnect()
        client.loop_stop()


def soon(check, what="", seconds=10.0):
    """Wait until something is so."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = check()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds} s: {what}")
