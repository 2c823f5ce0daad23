"""A USB microphone under the kernel's own drivers, pulled out and plugged in again, and a wall clock that jumps.

As root: ``pytest -m long tests/test_usb.py``; 2 GB, and with KVM some minutes. Without it the machine is emulated, and
its time is its own: longer, and on a busy machine longer still, but with the same outcome.

The machine is made anew by .ci/usb.sh, or kept in ``WAKEGATE_USB_ROOT`` for the next time. The microphones in it are
tests/usb_microphone.py; what takes them is snd-usb-audio, ALSA and PortAudio, and no sound server. What was measured
goes into the file ``WAKEGATE_USB_FIGURES`` names, if it names one.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.usb_machine import BACK, BEDROOM, KITCHEN, PYTHON, ROOMS, SCRIPT, WAKEGATE, Machine

pytestmark = pytest.mark.long
SYNCHRONISED = "/run/systemd/timesync/synchronized"  # systemd-timesyncd's word that a server has set the clock
GRANT = """
from wakegate.cli.person import open_ledger
from wakegate.consent.clock import SystemClock
from wakegate.consent.grant import Act, Surface
from wakegate.events import Purpose
from wakegate.place import Place
open_ledger(SystemClock(), Place.fixed().prepare()).grant(
    Purpose.ASSIST, act=Act(Surface.SCREEN, "touched yes"), days=DAYS
)
"""


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
        system = "uname -r; dpkg-query -W -f '${Version}\\n' libasound2 libportaudio2; systemd-detect-virt"
        names = ("kernel", "alsa", "portaudio", "virtualisation")
        machine.figures |= dict(zip(names, machine.do(f"{system}; true").split(), strict=True)) | {"passed": 0}
        yield machine
    finally:
        machine.end()
        shutil.rmtree(temporary)


@pytest.fixture
def usb(machine, request):
    """The machine with its microphones pulled out, before and after."""
    failed = request.session.testsfailed
    yield machine
    machine("systemctl stop listen wakegate")
    machine.pull(*ROOMS)
    machine.figures["passed"] += request.session.testsfailed == failed
    if figures := os.environ.get("WAKEGATE_USB_FIGURES"):
        told = {"date": time.strftime("%Y-%m-%d"), "command": "pytest -m long tests/test_usb.py"} | machine.figures
        Path(figures).write_text(json.dumps(told, indent=1) + "\n")


def test_a_microphone_is_listed_and_heard_without_a_sound_server(usb):
    usb.plug("Kitchen")
    listed = [json.loads(line) for line in usb.do(f"{WAKEGATE} devices --json").splitlines()]
    assert "Kitchen: USB Audio (hw:0,0)" in [one["name"] for one in listed]
    for device in (["--device", "Kitchen"], []):  # the card itself; ALSA's default, which is the first card
        with usb.listening(*device):
            usb.hear()
            usb.hear()


@pytest.fixture
def granted(usb):
    """What gives the assistant's grant, for so many days or without an end; it is taken back at the end."""
    yield lambda days=None: usb.do(f"{PYTHON} -c '{GRANT.replace('DAYS', str(days))}'")
    usb.do(f"HOME=/root {WAKEGATE} consent revoke assist; rm -f {SYNCHRONISED}")


def test_pulled_out_while_the_gate_is_open_the_release_is_cut_short_and_it_comes_back(usb, granted):
    usb.plug("Kitchen")
    granted()
    file = "/run/err"
    with usb.listening("--device", "Kitchen", "--assist", "stdout"):
        usb.until(f"grep -q '\"opened\"' {file}")
        usb.pull("Kitchen")
        usb.until(f"grep -q '\"wiped\"' {file}")
        events = usb.events(file)
        kinds = [one["kind"] for one in events]
        assert kinds[-3:] == ["gap", "aborted", "wiped"] and kinds.count("opened") == 1, kinds
        assert (events[-3]["reason"], events[-2]["reason"]) == ("device_lost", "gap"), events
        spent, sent = usb.processor_s(), usb.do("stat -c %s /run/out")
        usb.do("sleep 20")
        assert usb.processor_s() - spent < 4, "it spins"
        assert usb.events(file) == events, "nothing is said twice, and nothing opens"
        assert usb.do("stat -c %s /run/out") == sent, "and nothing goes out"
        usb.plug("Kitchen")
        usb.hear(file=file, within=15)
        usb.until(f"[ $(grep -c '\"opened\"' {file}) -ge 2 ] && grep -q '{BACK}' {file}", 10)


def test_a_grant_that_ends_is_refused_once_the_clock_has_jumped(usb, granted):
    """Back: nobody knows the day. Forward: it has ended, and stays so when the clock is right again."""
    usb.plug("Kitchen")
    usb.do(f"mkdir -p {Path(SYNCHRONISED).parent}; touch {SYNCHRONISED}")
    granted(days=30)
    with usb.listening("--device", "Kitchen", "--assist", "stdout"):
        assert usb.answer() == "opened"
        usb.do("date -s '365 days ago'")
        assert usb.answer() == "clock_went_back"
        usb.do(f"rm {SYNCHRONISED}; date -s '365 days'")
        assert usb.answer() == "clock_untrusted"
        usb.do(f"touch {SYNCHRONISED}")
        assert usb.answer() == "opened"
        usb.do("date -s '31 days'")
        assert usb.answer() == "expired"
        usb.do("date -s '31 days ago'")
        assert usb.answer() == "expired"


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
        memory, files = usb.size()
        for _ in range(4):
            for out, back in ((0.1, 0.1), (0.05, 0.6), (0.7, 0.05), (1.5, 1.2), (0.3, 2.1)):
                usb.do(f"echo out >/run/usb/Kitchen; sleep {out}; echo in >/run/usb/Kitchen; sleep {back}")
        usb.hear(within=60)
        lost, back = usb.count('"device_lost"'), usb.count(BACK, "/run/err")
        more, files_then = usb.size()
        usb.figures["quickly"] = {"unplugged": 20, "device_lost": lost, "back": back, "more_memory_kb": more - memory}
        assert lost == back >= 2
        assert files_then == files and more - memory < 8000, (files, files_then, memory, more)


def test_it_is_back_soon_however_long_it_was_away(usb):
    usb.plug("Kitchen")
    with usb.listening("--device", "Kitchen"):
        usb.hear()
        took = usb.figures["away"] = []
        for away in (1, 5, 60) * 2:
            back, heard = usb.out_and_in(away)
            took.append({"away_s": away, "listening_after_s": back, "word_after_s": heard})
        assert max(one["listening_after_s"] for one in took) < 5, took
        assert usb.count('"device_lost"') == usb.count(BACK, "/run/err") == len(took)
        usb.figures["spurious_gaps"] = usb.count("device_overflow")


def test_pulled_out_during_the_start_it_says_so(usb):
    for after in (0.5, 1.5, 2.5, 3.5):
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
    usb.plug("Study")
    for _ in range(3):
        said = usb.do(f"{WAKEGATE} doctor --mic --json --device Study")
        found = {
            one["name"]: one["seen"] for one in map(json.loads, filter(lambda line: line[0] == "{", said.splitlines()))
        }
        assert "heard 'alexa'" in found["wake word"] and "16,000 promised" in found["sample rate"], found


def test_the_service_waits_for_it_and_hears_while_the_clock_jumps(usb):
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
