"""Both units under a real systemd, from boot on. As root: ``pytest -m long tests/test_boot.py``; minutes, 1 GB.

The Debian that boots is made anew by .ci/boot.sh, or kept in ``WAKEGATE_BOOT_ROOT`` for the next time. A clock that
jumps is not tried here (no namespace has a wall clock of its own): tests/test_service.py does.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

pytestmark = pytest.mark.long
SCRIPT = Path(__file__).resolve().parents[1] / ".ci" / "boot.sh"
LISTEN, WAKE = "wakegate", "wakegate-wyoming"
HEARS = "listening for alexa, computer, jarvis, smart_mirror, snowboy, view_glass"
SERVES = "serving tcp://127.0.0.1:10400"
PLAY = ("env", "PULSE_SERVER=unix:/run/pulse/native", "paplay", "/opt/six_words.flac")
SOUND = (
    "pulseaudio --system --disallow-exit --exit-idle-time=-1 -n -L module-null-sink "
    "-L 'module-native-protocol-unix auth-anonymous=1'"
)
CLIENT = """
import asyncio, soundfile
from wyoming.audio import AudioChunk, AudioStart
from wyoming.client import AsyncClient
from wyoming.wake import Detect, Detection

async def hear():
    sound = soundfile.read("/opt/six_words.flac", dtype="int16")[0][: 4 * 16_000]
    async with AsyncClient.from_uri("tcp://127.0.0.1:10400") as client:
        await client.write_event(Detect(names=["alexa"]).event())
        await client.write_event(AudioStart(rate=16_000, width=2, channels=1).event())
        for at in range(0, len(sound), 1024):
            audio = sound[at : at + 1024].tobytes()
            await client.write_event(AudioChunk(rate=16_000, width=2, channels=1, audio=audio).event())
        while event := await asyncio.wait_for(client.read_event(), 20):
            if Detection.is_type(event.type):
                return Detection.from_event(event).name

print(asyncio.run(hear()))
"""


class Machine:
    """A booted system, seen from its own namespaces."""

    def __init__(self, root, log):
        self.root = root
        self.process = subprocess.Popen([SCRIPT, "boot", root], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.first = 0  # its process 1, by our own count
        try:
            until(lambda: self._booted(), 60)
        except BaseException:
            self.end()
            raise

    def _booted(self):
        assert self.process.poll() is None, "it did not boot"
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        if not children or b"systemd" not in Path(f"/proc/{children[0]}/cmdline").read_bytes():
            return False
        self.first = int(children[0])
        return self("systemctl", "is-system-running", "--wait").returncode == 0

    def __call__(self, *words):
        command = ["nsenter", "--target", str(self.first), "--all", "--root", *words]
        return subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=90, check=False
        )

    def show(self, unit, name):
        return self("systemctl", "show", "--value", "--property", name, unit).stdout.strip()

    def log(self, unit):
        return self("journalctl", "--no-pager", "--output", "cat", "--unit", unit).stdout

    def runs(self, unit, status):
        return self.show(unit, "ActiveState") == "active" and self.show(unit, "StatusText") == status

    def words_heard(self):
        return self.log(LISTEN).count("heard 'alexa'")

    def end(self):
        """Leave neither a process nor a mount nor a control group."""
        if self.first:
            os.kill(self.first, signal.SIGKILL)
        else:
            self.process.kill()
        self.process.wait(20)
        for tree in Path("/sys/fs/cgroup").rglob(f"wakegate-boot-{self.process.pid}"):
            for group, _, _ in os.walk(tree, topdown=False):
                until(lambda group=group: removed(group), 10)
        assert str(self.root) not in Path("/proc/self/mounts").read_text()


def removed(group):
    with suppress(OSError):  # its last process is still ending
        os.rmdir(group)
        return True
    return False


def until(true, within):
    end = time.monotonic() + within
    while not true():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.5)


def made(root, *words):
    done = subprocess.run(
        [SCRIPT, words[0], root, *words[1:]], capture_output=True, text=True, timeout=3000, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    if os.geteuid() != 0:
        pytest.skip("only root can boot a system")
    for program in ("debootstrap", "unshare", "nsenter", "findmnt"):
        if shutil.which(program) is None:
            pytest.skip(f"there is no {program}: `sudo apt install debootstrap util-linux`")
    if " cgroup2 " not in Path("/proc/self/mounts").read_text():
        pytest.skip("no cgroup2 is mounted")
    temporary = tmp_path_factory.mktemp("boot")
    root = Path(os.environ.get("WAKEGATE_BOOT_ROOT") or temporary / "root")
    machine = None
    try:
        made(root, "make", sys.executable)
        assert f"enable --now {LISTEN}\n" in made(root, "install")
        made(root, "install", "serve", "--uri", "tcp://127.0.0.1:10400")
        with (temporary / "boot.log").open("wb") as log:
            machine = Machine(root, log)
        yield machine
    finally:
        if machine is not None:
            machine.end()
        shutil.rmtree(temporary)


@pytest.fixture(scope="module")
def hearing(machine):
    """The machine with a sound server, which stands for a microphone that is plugged in after the boot."""
    assert machine("systemd-run", "--unit=sound", "sh", "-c", f"exec {SOUND}").returncode == 0
    until(lambda: machine.runs(LISTEN, HEARS), 60)
    return machine


def test_both_start_at_boot_and_without_a_microphone_it_is_tried_again(machine):
    until(lambda: machine.runs(WAKE, SERVES), 30)
    until(lambda: int(machine.show(LISTEN, "NRestarts")) >= 2, 60)
    assert machine.log(LISTEN).count("there is no input device: plug a microphone in") >= 2


def test_a_wyoming_client_hears_a_word(machine):
    done = machine("/opt/wakegate/bin/python", "-c", CLIENT)
    assert done.stdout == "alexa\n", done.stderr


def test_a_microphone_that_comes_later_is_listened_to(hearing):
    assert hearing(*PLAY).returncode == 0
    until(lambda: hearing.words_heard() == 1, 10)
    assert hearing.show(LISTEN, "User") == "wakegate" and "not released" in hearing.log(LISTEN)


def test_a_full_disk_is_told_and_the_listening_goes_on(hearing):
    process, heard = hearing.show(LISTEN, "MainPID"), hearing.words_heard()
    hearing("dd", "if=/dev/zero", "of=/var/lib/wakegate/full", "bs=4k")
    hearing(*PLAY)
    until(lambda: "nothing can be released, the journal cannot be written" in hearing.show(LISTEN, "StatusText"), 10)
    assert hearing.words_heard() == heard + 1
    hearing("rm", "/var/lib/wakegate/full")
    hearing(*PLAY)
    until(lambda: hearing.runs(LISTEN, HEARS), 40)
    assert "the journal can be written again" in hearing.log(LISTEN) and hearing.show(LISTEN, "MainPID") == process


@pytest.mark.parametrize(("name", "said"), [("KILL", "code=killed, status=9/KILL"), ("STOP", "Watchdog timeout")])
def test_killed_or_hanging_both_come_back(hearing, name, said):
    status = {LISTEN: HEARS, WAKE: SERVES}
    before = {unit: hearing.show(unit, "MainPID") for unit in status}
    assert hearing("systemctl", "kill", "--kill-whom=main", f"--signal={name}", *status).returncode == 0
    for unit in status:
        until(lambda unit=unit: hearing.show(unit, "MainPID") not in ("0", before[unit]), 90)
        until(lambda unit=unit: hearing.runs(unit, status[unit]), 30)
        assert said in hearing.log(unit)
    assert hearing("/opt/wakegate/bin/python", "-c", CLIENT).stdout == "alexa\n"
    heard = hearing.words_heard()
    hearing(*PLAY)
    until(lambda: hearing.words_heard() == heard + 1, 10)
