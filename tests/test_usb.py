"""A USB microphone under the kernel's own drivers, pulled out and plugged in again, and a wall clock that jumps.

As root: ``pytest -m long tests/test_usb.py``; 2 GB, and with KVM some minutes. Without it the machine is emulated, and
its time is its own: longer, and on a busy machine longer still, but with the same outcome.

The machine is made anew by .ci/usb.sh, or kept in ``WAKEGATE_USB_ROOT`` for the next time. The microphones in it are
tests/usb_microphone.py; what takes them is snd-usb-audio, ALSA and PortAudio, and no sound server.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

pytestmark = pytest.mark.long
SCRIPT = Path(__file__).resolve().parents[1] / ".ci" / "usb.sh"
PYTHON, WAKEGATE = "/opt/wakegate/bin/python", "/opt/wakegate/bin/wakegate"
ROOMS = {
    "Kitchen": (0, "0 3"),
    "Bedroom": (1, "3 6"),
    "Twin": (2, "3 6"),
}  # its port, and what it says: a word, over and over
KITCHEN, BEDROOM = "alexa", "computer"
GRANT = """
from wakegate.consent import SystemClock, open_ledger
from wakegate.consent.receipt import Act, Surface
from wakegate.events import Purpose
from wakegate.place import Place
open_ledger(SystemClock(), Place.fixed().prepare()).grant(Purpose.ASSIST, act=Act(Surface.SCREEN, "touched yes"))
"""


class Machine:
    """A virtual machine, and its microphones. Its time may be its own: what is waited for is waited for in it."""

    def __init__(self, root, folder):
        self._socket, self._asked, self.code = folder / "agent", 0, 0
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

    @contextmanager
    def listening(self, *words, out="file:/run/out"):
        """Keep a listener; in the end it stops in peace, whatever was done to it."""
        self("rm -f /run/out /run/err; systemctl reset-failed listen")
        self.do(
            f"systemd-run -q --unit listen -p StandardOutput={out} -p StandardError=file:/run/err -E HOME=/root "
            f"-E PYTHONFAULTHANDLER=1 {WAKEGATE} listen --json --words {KITCHEN},{BEDROOM} {' '.join(words)}"
        )
        self.until("grep -qs '\"started\"' /run/out /run/err", 60)
        process = self.do("systemctl show --value -p MainPID listen")
        yield
        assert self.do("systemctl show --value -p MainPID listen") == process != "0\n", self("cat /run/err")
        self.do("systemctl stop listen")
        assert self.do("systemctl show --value -p Result listen").strip() == "success", self("cat /run/err")

    def processor_s(self):
        return int(self.do("systemctl show --value -p CPUUsageNSec listen")) / 1e9

    def end(self):
        self.process.kill()
        self.process.wait(20)


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    if os.geteuid() != 0:
        pytest.skip("only root can make a Debian")
    for program in ("debootstrap", "qemu-system-x86_64", "mkfs.ext4"):
        if shutil.which(program) is None:
            pytest.skip(f"there is no {program}: `sudo apt install debootstrap e2fsprogs qemu-system-x86`")
    temporary = tmp_path_factory.mktemp("usb")
    root = Path(os.environ.get("WAKEGATE_USB_ROOT") or temporary / "root")
    made = subprocess.run(
        [SCRIPT, "make", root, sys.executable], capture_output=True, text=True, timeout=3000, check=False
    )
    assert made.returncode == 0, made.stdout[-3000:] + made.stderr[-3000:]
    machine = Machine(root, temporary)
    try:
        machine.do("systemctl is-system-running --wait", 300)
        # boot.sh's sound server is for other tests: ALSA is to have none.
        machine.do("rm -f /etc/alsa/conf.d/*pulse* /usr/share/alsa/alsa.conf.d/pulse*; mkdir /run/usb")
        for name, (port, part) in ROOMS.items():
            machine.do(
                f"systemd-run -q --unit usb-{name} {PYTHON} /opt/usb_microphone.py {name.replace('Twin', 'Kitchen')} "
                f"/opt/six_words.flac /run/usb/{name} --port {port} --part {part} --serial {name}"
            )
        machine.until(f"[ $(ls /run/usb | wc -l) = {len(ROOMS)} ]", 90)
        yield machine
    finally:
        machine.end()
        shutil.rmtree(temporary)


@pytest.fixture
def usb(machine):
    """The machine with its microphones pulled out, before and after."""
    yield machine
    machine("systemctl stop listen wakegate")
    machine.pull(*ROOMS)


def test_a_microphone_is_listed_and_heard_without_a_sound_server(usb):
    usb.plug("Kitchen")
    listed = [json.loads(line) for line in usb.do(f"{WAKEGATE} devices --json").splitlines()]
    assert "Kitchen: USB Audio (hw:0,0)" in [one["name"] for one in listed]
    for device in (["--device", "Kitchen"], []):  # the card itself; ALSA's default, which is the first card
        with usb.listening(*device):
            usb.hear()
            usb.hear()


def test_pulled_out_while_the_gate_is_open_the_release_is_cut_short_and_it_comes_back(usb):
    usb.plug("Kitchen")
    usb.do(f"{PYTHON} -c '{GRANT}'")
    file = "/run/err"
    try:
        with usb.listening("--device", "Kitchen", "--assist", "stdout", out="null"):
            usb.until(f"grep -q '\"opened\"' {file}")
            usb.pull("Kitchen")
            usb.until(f"grep -q '\"device_lost\"' {file}")
            kinds = [one["kind"] for one in usb.events(file)]
            rest = kinds[kinds.index("opened") :]
            assert rest.count("opened") == 1 and "released" not in rest and rest[-1] == "wiped", rest
            assert sorted(rest[1:]) == ["aborted", "gap", "wiped"] or "aborted" in rest, rest
            spent = usb.processor_s()
            usb.do("sleep 20")
            assert usb.processor_s() - spent < 4, "it spins"
            assert usb.events(file)[-1]["kind"] == "wiped", "nothing is said twice, and nothing opens"
            usb.plug("Kitchen")
            usb.hear(file=file, within=15)
            usb.until(f"[ $(grep -c '\"opened\"' {file}) -ge 2 ] && grep -q 'Kitchen.* is back' {file}", 10)
    finally:
        usb.do(f"HOME=/root {WAKEGATE} consent revoke assist")


@pytest.mark.parametrize("device", [["--device", "Kitchen"], []], ids=["by name", "default"])
def test_no_other_microphone_is_taken_in_its_place(usb, device):
    usb.plug("Kitchen")
    with usb.listening(*device):
        usb.hear()
        usb.pull("Kitchen")
        usb.plug("Bedroom")  # the first card now, and so ALSA's default
        usb.do("sleep 12")
        usb.plug("Kitchen")
        if device:  # with another number
            usb.hear(within=15)
        else:
            usb.do("sleep 5")
            usb.pull("Kitchen", "Bedroom")
            usb.plug("Kitchen")
            usb.hear(within=15)
        assert usb.count(f'"word": "{BEDROOM}"') == 0


def test_of_two_of_a_kind_it_is_the_very_same(usb):
    usb.plug("Kitchen", "Twin")
    with usb.listening("--device", "0"):
        usb.hear()
        usb.pull("Kitchen", "Twin")
        usb.plug("Twin")
        usb.do("sleep 8")
        usb.plug("Kitchen")  # they have changed numbers
        usb.hear(within=15)
        assert usb.count(f'"word": "{BEDROOM}"') == 0


def test_many_times_quickly_and_slowly(usb):
    usb.plug("Kitchen")
    with usb.listening("--device", "Kitchen"):
        usb.hear()
        for _ in range(10):
            for out, back in ((0.1, 0.1), (0.05, 0.6), (0.7, 0.05), (1.5, 1.2), (0.3, 2.1)):
                usb.do(
                    f"echo out >/run/usb/Kitchen; sleep {out}; echo in >/run/usb/Kitchen; sleep {back}"
                )  # fmt: skip
        usb.hear(within=60)
        assert usb.count('"device_lost"') >= 10


def test_pulled_out_during_the_start_it_says_so(usb):
    for after in (0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4):
        usb.plug("Kitchen")
        said = usb(
            f"(sleep {after}; echo out >/run/usb/Kitchen) & timeout --signal=TERM 10 {WAKEGATE} listen --device Kitchen"
        )
        assert ("no input" in said or "cannot be opened" in said or "is gone: waiting" in said) and (
            "Traceback" not in said
        ), (after, said)
        assert usb.code in (0, 1, 124), (after, usb.code, said)
        usb.pull("Kitchen")


def test_the_doctor_hears_it(usb):
    usb.plug("Kitchen")
    said = usb.do(f"{WAKEGATE} doctor --mic --json --device Kitchen")
    found = {
        one["name"]: one["seen"] for one in map(json.loads, filter(lambda line: line[0] == "{", said.splitlines()))
    }
    assert "heard 'alexa'" in found["wake word"] and "16,000 promised" in found["sample rate"], found


def test_the_service_waits_for_it_and_its_clock_may_jump(usb):
    """No wake is lost to a clock that is set, and a grant that expires is refused once nobody knows the day."""
    usb.do(f"{WAKEGATE} install-service --system -- --device Kitchen --words {KITCHEN}; systemctl daemon-reload")
    usb.do("systemctl start --no-block wakegate")
    usb.until("[ $(systemctl show --value -p NRestarts wakegate) -ge 1 ]", 40)
    usb.plug("Kitchen")
    usb.until("systemctl is-active -q wakegate", 60)
    heard = "journalctl -o cat -u wakegate | grep -c \"heard 'alexa'\""
    process = usb.do("systemctl show --value -p MainPID wakegate")
    for jump in ("1 hour", "1 hour ago", "1 year ago"):
        usb.do(f"date -s '{jump}'")
        before = int(usb(heard))
        usb.until(f"[ $({heard}) -gt {before} ]", 40)
    usb.pull("Kitchen")
    usb.until("systemctl show --value -p StatusText wakegate | grep -q 'waiting for microphone'")
    usb.plug("Kitchen")
    before = int(usb(heard))
    usb.until(f"[ $({heard}) -gt {before} ]", 40)
    assert usb.do("systemctl show --value -p MainPID wakegate") == process
