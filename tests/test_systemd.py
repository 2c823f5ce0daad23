"""The unit and the config: what systemd itself says of them."""

import re
import resource
import shutil
import subprocess
from pathlib import Path

import pytest

from wakegate import config, systemd
from wakegate.errors import ConfigError
from wakegate.systemd import Network, Work

PAGE = Path(__file__).parents[1] / "wakegate" / "serve" / "README.md"
LISTEN = ["/bin/true", "listen"]
UNITS = [
    (Work.MICROPHONE, Network.NONE),
    (Work.MICROPHONE, Network.DEVICE),
    (Work.MICROPHONE, Network.ANY),
    (Work.WAKE_SERVICE, Network.NONE),
    (Work.WAKE_SERVICE, Network.DEVICE),
    (Work.WAKE_SERVICE, Network.ANY),
]


def lines(text):
    """The settings of a unit, comments apart."""
    return [line for line in text.splitlines() if "=" in line and not line.startswith("#")]


def analyzed(tmp_path, *words):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed: `sudo apt install systemd`")
    environment = {"PATH": "/usr/bin:/bin", "XDG_RUNTIME_DIR": str(tmp_path), "HOME": str(tmp_path)}
    return subprocess.run(
        ["systemd-analyze", *words], env=environment, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(("work", "network"), UNITS)
@pytest.mark.parametrize("system", [False, True], ids=["user", "system"])
def test_systemd_takes_every_line(tmp_path, system, work, network):
    path = tmp_path / work.unit
    text = systemd.unit([*LISTEN, "--on", 'wake=a "b" \\ $c %d'], system=system, work=work, network=network)
    path.write_text(text)
    words = ["verify", *([] if system else ["--user"]), str(path)]
    done = analyzed(tmp_path, *words)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    path.write_text(text.replace("WatchdogSec=30", "WatchdogSec=soon").replace("[Install]", "Nonsense=1\n[Install]"))
    assert "soon" in analyzed(tmp_path, *words).stderr, "it would have told"


@pytest.mark.parametrize(("work", "network"), UNITS)
def test_the_system_service_is_exposed_to_little(tmp_path, work, network):
    path = tmp_path / work.unit
    path.write_text(systemd.unit(LISTEN, system=True, work=work, network=network))
    threshold = {Network.NONE: 20, Network.DEVICE: 25, Network.ANY: 30}[network]
    done = analyzed(tmp_path, "security", "--offline=true", f"--threshold={threshold}", str(path))
    assert done.returncode == 0, done.stdout[-400:]


def test_both_restart_notify_and_stay_off_the_network():
    for system in (False, True):
        found = lines(systemd.unit(LISTEN, system=system))
        for wanted in (
            "Type=notify", f"WatchdogSec={systemd.WATCHDOG_S}", "Restart=on-failure", "StartLimitIntervalSec=0",
            "RestrictAddressFamilies=AF_UNIX", "LimitMEMLOCK=8M", "LimitCORE=0", "ExecReload=/bin/kill -HUP $MAINPID",
            "MemoryMax=512M", "TasksMax=64",
        ):  # fmt: skip
            assert wanted in found
        assert ("User=wakegate" in found) is ("PrivateNetwork=yes" in found) is system
        assert f"WantedBy={'multi-user' if system else 'default'}.target" in found
        # What would take away what the listener needs; the module says why.
        left_out = ("MemoryDenyWriteExecute", "ProcSubset", "ProtectClock", "PrivateIPC", "PrivateDevices")
        assert not [one for one in found if one.startswith(left_out)]


def test_a_unit_reaches_as_far_as_its_options_and_no_further():
    def reach(network, *, system=True):
        found = lines(systemd.unit(LISTEN, system=system, network=network))
        return [one for one in found if one.startswith(("RestrictAddress", "PrivateNetwork", "IPAddress"))]

    assert reach(Network.DEVICE) == [
        "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6", "IPAddressDeny=any", "IPAddressAllow=localhost",
    ]  # fmt: skip
    assert reach(Network.DEVICE, system=False) == ["RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6"]
    assert reach(Network.ANY) == ["RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK"]


def test_a_wake_service_has_neither_a_microphone_nor_files_and_a_folder_that_is_not_the_listeners():
    for system in (False, True):
        found = lines(systemd.unit(LISTEN, system=system, work=Work.WAKE_SERVICE))
        listens = lines(systemd.unit(LISTEN, system=system))
        assert "RuntimeDirectory=wakegate-wyoming" in found and "RuntimeDirectory=wakegate" in listens
        assert not [one for one in found if one.startswith(("StateDirectory=", "Supp", "DeviceAllow"))]
        assert ("PrivateDevices=yes" in found) is system
        hardened = {
            one.partition("=")[0] for one in listens if not one.startswith(("ExecStart=", "State", "Supp", "Device"))
        }
        assert hardened <= {one.partition("=")[0] for one in found}


@pytest.mark.parametrize("system", [False, True], ids=["user", "system"])
def test_what_comes_next_names_the_unit(system):
    program = Path("/opt/wake gate/bin/wakegate")
    works = (Work.WAKE_SERVICE, Work.MICROPHONE)
    wake, listens = (systemd.steps(work, system=system, program=program) for work in works)
    assert "enable --now wakegate-wyoming\n" in wake and "reload wakegate-wyoming after a change" in wake
    assert "enable --now wakegate\n" in listens and "reload wakegate after a change" in listens
    assert "consent" not in wake and ("consent" in listens) is system
    assert ("sudo -u wakegate '/opt/wake gate/bin/wakegate' consent grant assist\n" in listens) is system


@pytest.mark.parametrize(
    ("word", "written"),
    [
        ("--words", "--words"),
        ("unix:/run/user/1000/a.sock", "unix:/run/user/1000/a.sock"),
        ("two words", '"two words"'),
        ("100%", "100%%"),
        ("$HOME", "$$HOME"),
        ('a"b\\c', '"a\\"b\\\\c"'),
        ("", '""'),
        ("a;b", '"a;b"'),
    ],
)
def test_a_word_reaches_the_program_as_it_is(word, written):
    assert systemd.quoted(word) == written


def test_what_a_unit_cannot_hold_is_refused():
    with pytest.raises(ConfigError, match="cannot"):
        systemd.unit([*LISTEN, "a\nExecStartPre=/bin/sh"], system=False)
    with pytest.raises(ConfigError, match="no whole path"):
        systemd.unit(["wakegate"], system=True)


def test_a_program_in_a_home_can_be_read_there(monkeypatch):
    monkeypatch.setattr(systemd.sys, "base_prefix", "/usr")
    assert "ProtectHome=yes" in lines(systemd.unit(["/opt/wakegate/bin/wakegate"], system=True))
    assert "ProtectHome=read-only" in lines(systemd.unit(["/home/pi/venv/bin/wakegate"], system=True))


def test_the_config_is_taken_as_it_is_and_means_the_defaults(tmp_path):
    path = tmp_path / "wakegate.toml"
    path.write_text(systemd.CONFIG)
    assert config.read(path) == config.Config(path=path)


def test_what_it_shows_is_what_the_page_shows():
    """And so every setting there is, which the page's own test holds it to."""
    (shown,) = re.findall(r"^```toml\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert systemd.CONFIG.partition("\n\n")[2] == re.sub(r"^(\w+ = )", r"# \1", shown, flags=re.MULTILINE)


def test_on_a_full_disk_nothing_is_left_half_written_and_what_was_there_stays(tmp_path):
    path, there = tmp_path / "new", tmp_path / "there"
    there.write_text("mine")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(ConfigError, match="cannot be written"):
            systemd.write_new(path, "x" * 5000, 0o600)
        with pytest.raises(ConfigError, match="cannot be written"):
            systemd.write_new(there, "x" * 5000, 0o600, replace=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [one.name for one in tmp_path.iterdir()] == ["there"] and there.read_text() == "mine"
    assert systemd.write_new(there, "yours", 0o600, replace=True) and there.read_text() == "yours"


def test_nothing_that_is_there_is_overwritten(tmp_path):
    path = tmp_path / "folder" / "wakegate.toml"
    assert systemd.write_new(path, "mine", 0o600) and path.stat().st_mode & 0o777 == 0o600
    assert not systemd.write_new(path, "yours", 0o600) and path.read_text() == "mine"
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "nowhere")
    assert not systemd.write_new(link, "yours", 0o600) and not (tmp_path / "nowhere").exists()
    with pytest.raises(ConfigError, match="cannot be written"):
        systemd.write_new(path / "below", "text", 0o600)
