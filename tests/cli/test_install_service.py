"""``wakegate install-service`` in a home of its own."""

import importlib.util
import os
import stat

import pytest

from tests.cli.process import environment
from wakegate import config, systemd
from wakegate.cli import main

needs_wyoming = pytest.mark.skipif(
    importlib.util.find_spec("wyoming") is None, reason="the extra `wyoming` is not installed"
)


@pytest.fixture
def install(tmp_path, monkeypatch, capsys):
    """Run it as an installed command; return exit code, stdout and stderr."""
    for name, value in environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    program = tmp_path / "bin" / "wakegate"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setattr("sys.argv", [str(program)])
    monkeypatch.setattr(systemd, "SYSTEM_UNITS", tmp_path / "etc")
    monkeypatch.setattr(config, "SYSTEM", tmp_path / "etc" / "wakegate.toml")

    def run(*words):
        code = main(["install-service", *words])
        return code, *capsys.readouterr()

    return run


def test_unit_and_config_are_written_and_what_comes_next_is_said(install, tmp_path):
    code, out, err = install("--", "--assist", "unix:/run/a.sock", "--words", "alexa")
    unit, settings = tmp_path / "config/systemd/user/wakegate.service", tmp_path / "config/wakegate/wakegate.toml"
    assert (code, err) == (0, "")
    assert f"ExecStart={tmp_path}/bin/wakegate listen --assist unix:/run/a.sock --words alexa\n" in unit.read_text()
    assert settings.read_text() == systemd.CONFIG and stat.S_IMODE(settings.stat().st_mode) == 0o600
    assert config.usual_path() == settings, "it lies where it is read"
    for step in ("systemctl --user enable --now wakegate", "loginctl enable-linger", str(unit), str(settings)):
        assert step in out
    assert {path.name for path in tmp_path.iterdir()} == {"bin", "config"}


def test_a_second_time_changes_nothing_and_another_unit_wants_a_word(install, tmp_path):
    install()
    unit, settings = tmp_path / "config/systemd/user/wakegate.service", tmp_path / "config/wakegate/wakegate.toml"
    settings.write_text('[wake]\nwords = ["alexa"]\n')
    before = unit.read_text()
    code, out, _ = install()
    assert code == 0 and f"Already there: {unit}" in out and f"Left as it is: {settings}" in out
    code, _, err = install("--", "--words", "alexa")
    assert code == 1 and "is another unit" in err and unit.read_text() == before
    unit.write_bytes(b"\xff")
    assert install()[0] == 1 and unit.read_bytes() == b"\xff"
    assert install("--replace", "--", "--words", "alexa")[0] == 0
    assert "--words alexa" in unit.read_text() and settings.read_text() == '[wake]\nwords = ["alexa"]\n'


def test_for_the_whole_device_it_is_printed_to_whoever_is_not_root(install, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    code, out, err = install("--system")
    assert code == 0 and out.startswith("[Unit]") and "User=wakegate" in out and "Nothing was written" in err
    assert {path.name for path in tmp_path.iterdir()} == {"bin"}


def test_for_the_whole_device_root_writes_it(install, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    code, out, _ = install("--system")
    assert code == 0 and "useradd --system" in out
    assert f"sudo -u wakegate {tmp_path}/bin/wakegate consent grant assist\n" in out, "the unit's: it is in no PATH"
    assert "User=wakegate" in (tmp_path / "etc" / "wakegate.service").read_text()
    assert stat.S_IMODE(config.SYSTEM.stat().st_mode) == 0o644
    assert {path.name for path in tmp_path.iterdir()} == {"bin", "etc"}


def test_printing_writes_nothing(install, tmp_path):
    code, out, err = install("--print")
    assert code == 0 and out.startswith("[Unit]") and "User=" not in out and err == ""
    assert {path.name for path in tmp_path.iterdir()} == {"bin"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--input", "evening.flac"], "a service listens to a microphone"),
        (["--assist", "stdout"], "a service listens to a microphone"),
        (["--config", "wakegate.toml"], "--config wakegate.toml is no whole path"),
        (["--model", "six.onnx"], "--model six.onnx is no whole path"),
        (["--mqtt", "mqtt://localhost", "--mqtt-login", "login"], "--mqtt-login login is no whole path"),
        (["--assist", "unix:assist.sock"], "--assist assist.sock is no whole path"),
        (["--events", "unix:events.sock"], "--events events.sock is no whole path"),
        (["--events", "unix://events.sock"], "--events events.sock is no whole path"),
        (["--events", "/run/events.sock"], "is not unix:PATH"),
        (["--mqtt", "localhost:1883"], "is no address"),
        (["--on", "wake=a\nb"], "cannot"),
        (["--on", "foo=bar"], "a hook on 'foo': nothing is called so"),
        (["--on", "wake"], "is not KIND=COMMAND"),
        (["--threshold", "2"], "the threshold for 'alexa' is 2"),
        (["--threshold", "hal=0.5"], "'hal' is not listened for"),
        (["--words", "foo"], "no installed model knows foo"),
        (["--events-group", "audio"], "add --events"),
        (["--events", "unix:/run/e.sock", "--events-group", "no such group"], "no such group"),
        (["--rate", "8000"], "describe raw sound on stdin"),
        (["--mqtt-site", "kitchen"], "name it, --mqtt"),
        (["--mqtt", "mqtt://localhost", "--mqtt-site", "a/b"], "cannot be part of an MQTT topic"),
        (["--playback", "'"], "the playback command cannot be run"),
        (["--model", "/nowhere/mine.txt"], "is no file"),
    ],
)
def test_what_would_fail_at_every_start_is_refused_now(install, tmp_path, words, said):
    code, out, err = install("--print", "--", *words)
    elsewhere = said in ("is no file", "no such group")
    assert (code, out) == (1 if elsewhere else 2, "") and said in err
    assert {path.name for path in tmp_path.iterdir()} == {"bin"}


@pytest.mark.parametrize("words", [(), ("serve", "--uri", "tcp://127.0.0.1:10400"), ("--system",)], ids=" ".join)
def test_so_are_a_file_that_is_not_there_and_a_config_that_would_not_do(install, tmp_path, words):
    """Wrong all the same, and mended elsewhere than on the command line."""
    if "serve" in words:
        pytest.importorskip("wyoming")
    command = ["--print", *[word for word in words if word == "--system"], "--"]
    command += [word for word in words if word != "--system"]
    code, out, err = install(*command, "--config", "/nope.toml")
    assert (code, out) == (1, "") and "--config /nope.toml is no file" in err
    named = tmp_path / "mine.toml"
    named.write_text("[wake]\nwords = ['hal']\n")
    code, out, err = install(*command, "--config", str(named))
    assert (code, out) == (1, "") and f"{named}: in [wake], no installed model knows" in err
    settings = systemd.config_path(system="--system" in words)
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text("[wake]\nthresholds = { alexa = 0 }\n")
    code, out, err = install(*command)
    assert (code, out) == (1, "") and f"{settings}: in [wake], the threshold for 'alexa' is 0" in err
    settings.unlink()
    assert install(*command)[0] == 0, "one that nobody named may come later"


def test_options_of_listen_want_their_place(install, capsys):
    with pytest.raises(SystemExit) as ended:
        install("--engine", "numpy")
    assert ended.value.code == 2 and "stand behind --, as in: wakegate install-service -- " in capsys.readouterr().err


def test_what_a_unit_starts_exits_with_2_where_starting_again_would_not_help():
    """As ``listen`` does for what was typed (:mod:`wakegate.cli.usage`), and for nothing else."""
    assert "RestartPreventExitStatus=2\n" in systemd.unit(["/bin/true", "listen"], system=False)


def test_an_option_that_listen_does_not_know_is_wrong_usage(install):
    with pytest.raises(SystemExit) as ended:
        install("--", "--grant", "assist")
    assert ended.value.code == 2


def executed(text):
    return next(line for line in text.splitlines() if line.startswith("ExecStart=")).partition("/bin/wakegate ")[2]


@needs_wyoming
def test_a_gated_microphone_takes_the_place_of_listen(install, tmp_path):
    unit = tmp_path / "config/systemd/user/wakegate.service"
    words = ["serve", "--mic-uri", "tcp://127.0.0.1:10700", "--events", "unix:/run/a.sock"]
    code, out, _ = install(*words)
    assert code == 0 and "enable --now wakegate\n" in out and executed(unit.read_text()) == " ".join(words)
    for line in (
        "Type=notify", "ExecReload=/bin/kill -HUP $MAINPID", "WatchdogSec=30",
        "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6",
    ):  # fmt: skip
        assert f"{line}\n" in unit.read_text()
    assert install("--", *words)[:2] == (
        0,
        out.replace("Wrote", "Already there:", 1).replace("Wrote", "Left as it is:"),
    )
    code, _, err = install()
    assert code == 1 and "is another unit" in err, "two of them would both open the microphone"


@needs_wyoming
def test_a_wake_service_is_a_unit_of_its_own_beside_the_listener(install, tmp_path):
    assert install()[0] == 0
    code, out, _ = install("serve", "--uri", "tcp://0.0.0.0:10400", "--zeroconf", "kitchen")
    units = tmp_path / "config/systemd/user"
    assert code == 0 and "enable --now wakegate-wyoming\n" in out
    assert {path.name for path in units.iterdir()} == {"wakegate.service", "wakegate-wyoming.service"}
    text = (units / "wakegate-wyoming.service").read_text()
    assert executed(text) == "serve --uri tcp://0.0.0.0:10400 --zeroconf kitchen" and "AF_NETLINK\n" in text


@needs_wyoming
@pytest.mark.parametrize(
    ("words", "families", "private"),
    [
        (["listen"], "AF_UNIX", True),
        (["--mqtt", "mqtt://broker"], "AF_UNIX AF_INET AF_INET6 AF_NETLINK", False),
        (["--mqtt", "mqtt://127.0.0.1:1883"], "AF_UNIX AF_INET AF_INET6", False),
        (["--mqtt", "mqtts://localhost"], "AF_UNIX AF_INET AF_INET6", False),
        (["--mqtt", "mqtt://[::1]"], "AF_UNIX AF_INET AF_INET6", False),
        (["--mqtt", "mqtt://192.168.1.2"], "AF_UNIX AF_INET AF_INET6 AF_NETLINK", False),
        (
            ["serve", "--mic-uri", "tcp://127.0.0.1:10700", "--mqtt", "mqtt://broker"],
            "AF_UNIX AF_INET AF_INET6 AF_NETLINK",
            False,
        ),
        (
            ["serve", "--mic-uri", "unix:///run/wakegate/mic.sock", "--mqtt", "mqtt://127.0.0.1"],
            "AF_UNIX AF_INET AF_INET6",
            False,
        ),
        (["serve"], "AF_UNIX AF_INET AF_INET6", False),
        (["serve", "--uri", "unix:///run/wakegate-wyoming/wake.sock"], "AF_UNIX", True),
        (["serve", "--mic-uri", "unix:///run/wakegate/mic.sock"], "AF_UNIX", True),
        (["serve", "--mic-uri", "tcp://[::1]:10700"], "AF_UNIX AF_INET AF_INET6", False),
        (["serve", "--uri", "tcp://192.168.1.2:10400"], "AF_UNIX AF_INET AF_INET6 AF_NETLINK", False),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_the_network_is_what_the_options_name(install, words, families, private):
    out = install("--system", "--print", "--", *words)[1]
    assert f"RestrictAddressFamilies={families}\n" in out and ("PrivateNetwork=yes\n" in out) is private
    assert executed(out).replace('"', "") == " ".join(words if words[0] in ("listen", "serve") else ["listen", *words])


@needs_wyoming
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--uri", "stdio://"], "nobody reads its stdout"),
        (["--mic-uri", "stdio://"], "nobody reads its stdout"),
        (["--mic-uri", "tcp://127.0.0.1:1", "--input", "a.flac"], "a service listens to a microphone"),
        (["--mic-uri", "tcp://0.0.0.0:10700"], "can be reached from other devices"),
        (
            ["--mic-uri", "unix:///run/mic.sock", "--events", "unix:events.sock"],
            "--events events.sock is no whole path",
        ),
        (["--uri", "unix:wake.sock"], "is no address"),
        (["--mic-uri", "tcp://127.0.0.1:1", "--mic-user", "nobodyxyz"], "'nobodyxyz' is no user"),
        (["--uri", "tcp://127.0.0.1:10400", "--zeroconf", "kitchen"], "is not there for others"),
        (["--device", "USB"], "--device is a microphone's"),
        (["--model", "six.onnx"], "--model six.onnx is no whole path"),
        (["--model", "/six.onnx", "--model", "two.onnx"], "--model two.onnx is no whole path"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_serve_would_refuse_at_every_start_is_refused_now(install, tmp_path, words, said):
    code, out, err = install("serve", *words)
    assert code == (1 if "--mic-user" in words else 2) and out == "" and said in err
    assert {path.name for path in tmp_path.iterdir()} == {"bin"}


@needs_wyoming
@pytest.mark.parametrize(
    ("words", "folder"),
    [
        (["--events", "unix:/run/events.sock"], "/run/wakegate"),
        (["--assist", "unix:/run/wakegate-wyoming/assist.sock"], "/run/wakegate"),
        (["serve", "--mic-uri", "unix:///run/mic.sock"], "/run/wakegate"),
        (["serve", "--uri", "unix:///run/wakegate/wake.sock"], "/run/wakegate-wyoming"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_socket_that_the_systems_unit_could_not_make_is_refused(install, words, folder):
    code, out, err = install("--system", "--print", "--", *words)
    assert code == 2 and out == "" and f"in {folder} only" in err and "root can open" in err
    assert install("--print", "--", *words)[0] == 0, "a user's unit may"


@pytest.mark.parametrize("path", ["/wakegate-assist.sock", "///wakegate-assist.sock", "/wakegate/wakegate-assist.sock"])
@pytest.mark.parametrize("option", ["--assist", "--events"])
def test_a_socket_where_an_unset_variable_leaves_it_is_refused(install, tmp_path, option, path):
    """``unix:$XDG_RUNTIME_DIR/wakegate-assist.sock`` in a shell that does not know it."""
    code, out, err = install("--", option, f"unix:{path}")
    assert code == 2 and out == "" and "was $XDG_RUNTIME_DIR not set" in err
    assert f"unix:/run/user/{os.getuid()}/wakegate-assist.sock" in err
    assert {path.name for path in tmp_path.iterdir()} == {"bin"}


@needs_wyoming
def test_so_is_a_services_own(install):
    assert "was $XDG_RUNTIME_DIR not set" in install("serve", "--mic-uri", "unix:///wakegate/mic.sock")[2]
    assert install("--print", "serve", "--mic-uri", "unix:///run/user/1000/wakegate/mic.sock")[0] == 0


@pytest.mark.parametrize("words", [["detect"], ["serve", "--print"], ["--", "--", "--words", "alexa"]], ids=" ".join)
def test_another_command_and_own_options_behind_it_are_wrong_usage(install, tmp_path, words):
    with pytest.raises(SystemExit) as ended:
        install(*words)
    assert ended.value.code == 2 and {path.name for path in tmp_path.iterdir()} == {"bin"}


def test_a_checkout_is_no_installed_command(install, monkeypatch):
    monkeypatch.setattr("sys.argv", ["/usr/bin/python3"])
    monkeypatch.setattr("sysconfig.get_path", lambda _: "/nowhere")
    code, _, err = install()
    assert code == 1 and "is not installed as a command" in err and "`pip install .` in the checkout" in err
