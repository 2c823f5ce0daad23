"""What systemd needs to start ``wakegate listen`` or ``serve`` at boot: a unit, and a commented ``wakegate.toml``.

Owns their text, and where they lie. Never starts, enables or reloads anything, and never changes a file that is there:
:mod:`wakegate.cli.install_service` writes what is new, and a person does the rest.

The user's unit uses only what needs no namespaces, which not every system lets a user make. In neither unit, and why:
MemoryDenyWriteExecute (PortAudio's binding makes its callback at run time), PrivateIPC (ALSA's dsnoop shares a
microphone through it), ProcSubset=pid (consent asks /proc/sys which start of the machine this is), ProtectClock (it
forbids to ask whether the clock is synchronised; nobody here has the right to set it).

What holds the microphone is one unit, since two gates would both open; the wake service, which has none, is another.
"""

import os
import re
import shlex
import sys
from collections.abc import Sequence
from contextlib import suppress
from enum import IntEnum, StrEnum
from pathlib import Path

from . import config
from .errors import ConfigError
from .place import SERVICE

SYSTEM_UNITS = Path("/etc/systemd/system")
USER = "wakegate"
"""Whom the system's service runs as."""
WATCHDOG_S = 30


class Work(StrEnum):
    """What a unit does, by its name."""

    MICROPHONE = "wakegate"
    WAKE_SERVICE = "wakegate-wyoming"

    @property
    def unit(self) -> str:
        """The unit's file."""
        return f"{self}.service"


class Network(IntEnum):
    """How far a unit reaches."""

    NONE = 0
    DEVICE = 1
    ANY = 2


_UNIT = """\
[Unit]
Description=wakegate: {about}
{after}

[Service]
Type=notify
NotifyAccess=main
ExecStart={command}
ExecReload=/bin/kill -HUP $MAINPID
# What is not there yet, or may be mended (a microphone, an address, wakegate.toml): tried again for ever. What stands
# wrong in the command above is not: 2.
Restart=on-failure
RestartSec=5
RestartPreventExitStatus=2
# {hangs}
WatchdogSec={watchdog}
TimeoutStopSec=15
{who}# What was heard stays in memory: locked, and in no core dump.
LimitMEMLOCK=8M
LimitCORE=0
UMask=0077
# With its hooks, whatever they start.
MemoryMax=512M
TasksMax=64
NoNewPrivileges=yes
{network}
SystemCallArchitectures=native
SystemCallErrorNumber=EPERM
# adjtimex is how one asks whether the clock is synchronised.
SystemCallFilter=@system-service adjtimex clock_adjtime clock_adjtime64
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
KeyringMode=private
{more}
[Install]
WantedBy={target}
"""

_ABOUT = {
    Work.MICROPHONE: "a wake word, and a gate before the microphone",
    Work.WAKE_SERVICE: "wake words for programs that speak Wyoming",
}
_HANGS = {
    Work.MICROPHONE: "No sound scored for so long, and no reason for it: it hangs.",
    Work.WAKE_SERVICE: "Nobody looked after for so long: it hangs.",
}
_FAMILIES = {
    Network.NONE: """\
# Nothing but unix sockets: the sound server's, the journal's, the assistant's.
RestrictAddressFamilies=AF_UNIX""",
    Network.DEVICE: """\
# For programs on this device: a unit of --system is kept to it, below; a user's unit by its options alone.
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6""",
    Network.ANY: """\
# For the network that its options name; AF_NETLINK tells which addresses this device has.
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK""",
}

_SYSTEM_WHO = """\
User={user}
Group={user}
"""
_SYSTEM_MICROPHONE = """\
# The sound card, without a sound server in between.
SupplementaryGroups=audio
StateDirectory=wakegate
StateDirectoryMode=0700
"""
_SYSTEM_REACH = {
    Network.NONE: "PrivateNetwork=yes\nIPAddressDeny=any\n",
    Network.DEVICE: "IPAddressDeny=any\nIPAddressAllow=localhost\n",
    Network.ANY: "",
}
_SYSTEM_DEVICES = {
    Work.MICROPHONE: "DevicePolicy=closed\nDeviceAllow=char-alsa rw",
    Work.WAKE_SERVICE: "PrivateDevices=yes",
}
_SYSTEM_MORE = """\
CapabilityBoundingSet=
AmbientCapabilities=
{reach}{devices}
ProtectSystem=strict
ProtectHome={home}
PrivateTmp=yes
ProtectProc=invisible
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectHostname=yes
RemoveIPC=yes
"""

CONFIG = """\
# wakegate.toml: the settings of this device. A setting that is not here has its default, as the limits show theirs.
# Words and thresholds are taken while listening (`systemctl reload`), everything else at a start.
# What may leave is not set here and cannot be: that is `wakegate consent grant`, typed by a person.

[microphone]
# device = "USB Audio"        # number, name, or part of a name (`wakegate devices`); else the system's default
# channel = 1                 # from 1; all are mixed if not given

[wake]
# words = ["computer", "smart mirror"]    # all that the model knows if not given
# thresholds = { computer = 0.7 }         # higher wakes less (`wakegate measure tune`); "0.5/h": by `wakegate models`

[limits]
# pre_roll_s = 0.5            # before the word: 0 to 2
# max_utterance_s = 15.0      # the longest request, pre-roll and word included: pre_roll_s + 2.5 to 30
# trailing_silence_s = 0.8    # ends a request: 0.2 to 5
# no_speech_s = 3.0           # after the word, ends it and makes the wake suspect: 0.5 to 10
# cancel_s = 3.0              # a cancel so soon makes the wake suspect: 0 to 10
# openings_a_minute = 6       # 1 to 20
# openings_a_day = 500        # 1 to 2000

[on]                        # a command by kind of event; the file must be nobody else's to write
# wake = "aplay ding.wav"

[reviewer]
# key = "age1..."           # a reviewer's public key, offered when somebody grants a review
"""
"""The page's sample, all of it commented out."""


def unit_path(work: Work, *, system: bool) -> Path:
    """Return where a unit lies."""
    return (SYSTEM_UNITS if system else config.own_path().parent.parent / "systemd" / "user") / work.unit


def config_path(*, system: bool) -> Path:
    """Return where the service reads its config."""
    return config.SYSTEM if system else config.own_path()


def unit(command: Sequence[str], *, system: bool, work: Work = Work.MICROPHONE, network: Network = Network.NONE) -> str:
    """Return a unit that runs a command.

    Parameters
    ----------
    command : sequence of str
        The program, as a whole path, and its arguments.
    system : bool
        Whether it runs as a user of its own, from boot, in the system's hands; else as this user.
    work : Work
        What it does.
    network : Network
        How far it reaches.

    Raises
    ------
    ConfigError
        For a command that a unit cannot hold.
    """
    if not Path(command[0]).is_absolute():
        raise ConfigError(f"{command[0]!r} is no whole path: a unit needs one")
    home = "read-only" if in_a_home(Path(command[0])) or in_a_home(Path(sys.base_prefix)) else "yes"
    hears = work is Work.MICROPHONE
    sound = "sound.target" if system else "pipewire-pulse.service pipewire.service pulseaudio.service"
    who = _SYSTEM_WHO.format(user=USER) + (_SYSTEM_MICROPHONE if hears else "") if system else ""
    return _UNIT.format(
        about=_ABOUT[work],
        # Without a limit on restarts: a microphone may be away for a week.
        after=f"After={sound if hears else 'network.target'}\nStartLimitIntervalSec=0",
        command=" ".join(map(quoted, command)),
        hangs=_HANGS[work],
        watchdog=WATCHDOG_S,
        who=f"{who}RuntimeDirectory={work}\nRuntimeDirectoryMode={'0750' if system else '0700'}\n",
        network=_FAMILIES[network],
        more=_SYSTEM_MORE.format(reach=_SYSTEM_REACH[network], devices=_SYSTEM_DEVICES[work], home=home)
        if system
        else "",
        target="multi-user.target" if system else "default.target",
    )


def in_a_home(path: Path) -> bool:
    """Return whether a path lies where other users often cannot read."""
    return path.is_relative_to("/home") or path.is_relative_to("/root")


def quoted(word: str) -> str:
    """Return a word as systemd.service(5) wants it in a command line, taken as it stands; ConfigError if it cannot."""
    if not word.isprintable():
        raise ConfigError(f"{word!r:.80} holds what a unit cannot: leave it out")
    plain = word.replace("%", "%%").replace("$", "$$")
    if re.fullmatch(r"[A-Za-z0-9_@%+=:,./$-]+", plain):
        return plain
    escaped = plain.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def write_new(path: Path, text: str, mode: int, *, replace: bool = False) -> bool:
    """Write a file that is not there yet, its folder too, as a whole or not at all; False if it is there, as anything.

    With ``replace`` it takes the place of what is there.

    Raises
    ------
    ConfigError
        Where it cannot be written.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode), "w") as file:
            file.write(text)
        if replace:
            part.replace(path)
        else:
            os.link(part, path)  # a rename would overwrite
    except OSError as error:
        if isinstance(error, FileExistsError) and os.path.lexists(path):
            return False
        raise ConfigError(f"{path} cannot be written ({error.strerror}): check its folder, or use --print") from error
    finally:
        with suppress(OSError):
            part.unlink()
    return True


def steps(work: Work, *, system: bool, program: Path) -> str:
    """Return what a person runs next; ``program`` is the unit's, which is seldom in root's PATH."""
    control, read = ("systemctl", "journalctl") if system else ("systemctl --user", "journalctl --user")
    hears = work is Work.MICROPHONE
    again = f"{control} reload {work} after a change of words or thresholds."
    begin = f"  {control} daemon-reload\n  {control} enable --now {work}\n"
    if not system:
        first = "Next, to start it now, at every login, and at boot before anybody logs in:\n"
        return f"{first}{begin}  loginctl enable-linger\nThen: {read} -u {work} -f; {again}"
    grant = f"sudo -u {USER} {shlex.quote(str(program))} consent grant assist"
    consent = f"Consent is kept by that user: {grant}\n" if hears else ""
    return f"""\
Next, as root:
  useradd --system --home-dir {SERVICE} --no-create-home --shell /usr/sbin/nologin --groups audio {USER}
{begin}{consent}Then: {read} -u {work} -f; {again}"""


__all__ = ["CONFIG", "Network", "Work", "config_path", "in_a_home", "quoted", "steps", "unit", "unit_path", "write_new"]
