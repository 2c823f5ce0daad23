"""A virtual machine with USB microphones in it, for tests/test_usb.py: what can be done to it and asked of it.

Owns the machine made by .ci/usb.sh, from its start to its end. Times are the machine's own: without KVM its clock
counts instructions, and its seconds are not ours.
"""

import json
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[1] / ".ci" / "usb.sh"
PYTHON, WAKEGATE = "/opt/wakegate/bin/python", "/opt/wakegate/bin/wakegate"
ROOMS = {
    "Kitchen": (0, "0 3"),
    "Bedroom": (1, "3 6"),
    "Twin": (2, "3 6"),
    "Study": (3, "0.7 2.1"),
}  # its port, and what it says: a word, over and over; the Study's so often that any three seconds hold it whole
KITCHEN, BEDROOM = "alexa", "computer"
BACK = "Kitchen.* is back"


class Machine:
    """A virtual machine, and its microphones. Its time may be its own: what is waited for is waited for in it."""

    def __init__(self, root, folder):
        self._socket, self._asked, self.code = folder / "agent", 0, 0
        self.figures = {}  # what was measured in it
        with (folder / "boot.log").open("wb") as log:
            self.process = subprocess.Popen(
                [SCRIPT, "boot", root, self._socket], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        end = time.monotonic() + 60
        while not self._socket.exists():
            assert time.monotonic() < end and self.process.poll() is None, (folder / "boot.log").read_text()
            time.sleep(0.1)

    def __call__(self, text, within=60):
        """Run a shell's text in it; return what it said, on stdout and stderr."""
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(1200)  # by our clock: on a busy machine
            link.connect(str(self._socket))
            self._asked += 1
            asked = {"id": self._asked, "words": ["sh", "-c", f"exec 2>&1; {text}"], "within": within}
            link.sendall(json.dumps(asked).encode() + b"\n")
            lines = link.makefile()
            while (answer := json.loads(lines.readline()))["id"] != self._asked:
                continue  # to somebody who was ended before it came
        self.code = answer["code"]
        return answer["out"] + answer["err"]

    def do(self, text, within=60):
        said = self(text, within)
        assert self.code == 0, (text, said)
        return said

    def until(self, condition, within=30):
        said = self(f"for _ in $(seq {5 * within}); do {condition} && exit; sleep 0.2; done; exit 1", 10 + 5 * within)
        assert self.code == 0, (condition, said, self("tail -n 20 /run/out /run/err"))

    def plug(self, *names):
        """Plug them in, in this order: the first free number is the card's."""
        for name in names:
            port = ROOMS[name][0]
            self.do(f"echo in >/run/usb/{name}")
            self.until(f"grep -qs 'vhci_hcd.0-{port + 1},' /proc/asound/cards && udevadm settle")

    def pull(self, *names):
        for name in names:
            port = ROOMS[name][0]
            self.do(f"echo out >/run/usb/{name}")
            self.until(f"! grep -q 'vhci_hcd.0-{port + 1},' /proc/asound/cards")

    def events(self, file="/run/out"):
        return [json.loads(line) for line in self.do(f"cat {file}").splitlines() if line.startswith("{")]

    def count(self, text, file="/run/out"):
        return int(self(f"grep -c -- '{text}' {file}"))

    def hear(self, word=KITCHEN, file="/run/out", within=40):
        """Wait for a word that comes from now on."""
        wake = f'"kind": "wake".*"word": "{word}"'
        before = self.count(wake, file)
        self.until(f"[ $(grep -c '{wake}' {file}) -gt {before} ]", within)

    def answer(self, file="/run/err"):
        """What the assistant's gate says to the first word that comes once it is closed: opened, or why not."""
        self.until(f'awk \'/"opened"/ {{open = 1}} /"wiped"/ {{open = 0}} END {{exit open}}\' {file}', 40)
        asked = '"\\(opened\\|refused\\)".*"assist"'
        before = self.count(asked, file)
        self.until(f"[ $(grep -c '{asked}' {file}) -gt {before} ]", 40)
        said = [one for one in self.events(file) if one["kind"] in ("opened", "refused") and one["purpose"] == "assist"]
        return said[before].get("reason", "opened")

    @contextmanager
    def listening(self, *words):
        """Keep a listener; in the end it stops in peace, whatever was done to it."""
        self("rm -f /run/out /run/err; systemctl reset-failed listen")
        self.do(
            "systemd-run -q --unit listen -p StandardOutput=file:/run/out -p StandardError=file:/run/err "
            "-E HOME=/root -E PYTHONFAULTHANDLER=1 "
            f"{WAKEGATE} listen --json --words {KITCHEN},{BEDROOM} {' '.join(words)}"
        )
        self.until("grep -qs '\"started\"' /run/out /run/err", 60)
        process = self.do("systemctl show --value -p MainPID listen")
        yield
        assert self.do("systemctl show --value -p MainPID listen") == process != "0\n", self("cat /run/err")
        self.do("systemctl stop listen")
        assert self.do("systemctl show --value -p Result listen").strip() == "success", self("cat /run/err")

    def out_and_in(self, away_s):
        """Pull the Kitchen out for so long; return the seconds from plugging it in to listening, and to a word."""
        self.pull("Kitchen")
        self.until("grep -q 'device_lost' /run/out")
        backs, wakes = self.count(BACK, "/run/err"), self.count('"wake"')
        said = self.do(
            f"sleep {away_s}; cut -d' ' -f1 /proc/uptime; echo in >/run/usb/Kitchen; "
            f"for _ in $(seq 900); do [ $(grep -c '{BACK}' /run/err) -gt {backs} ] && break; sleep 0.05; done; "
            "cut -d' ' -f1 /proc/uptime; "
            f"for _ in $(seq 900); do [ $(grep -c '\"wake\"' /run/out) -gt {wakes} ] && break; sleep 0.05; done; "
            "cut -d' ' -f1 /proc/uptime",
            120,
        )
        began, back, heard = map(float, said.split())
        return round(back - began, 2), round(heard - began, 2)

    def size(self):
        """What the listener holds: memory in kB, and open files."""
        said = self.do(
            "process=$(systemctl show --value -p MainPID listen); "
            "awk '/VmRSS/ {print $2}' /proc/$process/status; ls /proc/$process/fd | wc -l"
        )
        return tuple(map(int, said.split()))

    def processor_s(self):
        return int(self.do("systemctl show --value -p CPUUsageNSec listen")) / 1e9

    def end(self):
        self.process.kill()
        self.process.wait(20)
