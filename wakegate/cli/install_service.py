"""``wakegate install-service``: a systemd unit for ``wakegate listen`` or ``serve``, and a commented config."""

import argparse
import os
import stat
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ConfigError, UsageError
from .terminal import say
from .usage import typed

if TYPE_CHECKING:
    from ..serve.wyoming.address import Address
    from ..systemd import Network, Work

_DESCRIPTION = """\
Write a systemd unit that listens from boot on, and a commented wakegate.toml where there is none. Nothing is started:
what to run next is printed. What stands behind -- goes to `wakegate listen`; `serve` with its options, put last, makes
a unit for that: wakegate.service where it holds the microphone, in the place of `listen`; wakegate-wyoming.service for
a wake service, beside it. With --system the unit runs as a user of its own, with no more network than its options name;
it is printed for review, or written where root runs this."""
_EXAMPLES = """\
examples:
  wakegate install-service
  wakegate install-service -- --assist unix:$XDG_RUNTIME_DIR/wakegate-assist.sock
  wakegate install-service serve --mic-uri tcp://127.0.0.1:10700
  wakegate install-service --system --print serve --uri tcp://0.0.0.0:10400"""


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser(
        "install-service",
        help="write a systemd unit that listens from boot on, and a commented wakegate.toml",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--system", action="store_true", help="for the whole device instead of this user")
    parser.add_argument("--print", action="store_true", help="print the unit and write nothing")
    parser.add_argument("--replace", action="store_true", help="write the unit anew where another one is there")
    parser.add_argument(
        "command",
        nargs=argparse.REMAINDER,
        metavar="-- OPTION ... | serve OPTION ...",
        help="options of `wakegate listen`, or `serve` and its options",
    )
    parser.set_defaults(
        run=run,
        hint="\noptions of `wakegate listen` stand behind --, as in: wakegate install-service -- --words computer",
    )


def run(args: argparse.Namespace) -> int:
    """Write or print, and say what is next."""
    from .. import systemd

    words = args.command[1:] if args.command[:1] == ["--"] else args.command
    command = words if words and not words[0].startswith("-") else ["listen", *words]
    given, where = _parsed(command)
    hears = where is None or given.mic_uri is not None
    work = systemd.Work.MICROPHONE if hears else systemd.Work.WAKE_SERVICE
    program = _program()
    if args.system and systemd.in_a_home(program):
        say(f"note: the user {systemd.USER} must be able to read {program}: an environment in /opt is a better place")
    sockets = _sockets(given, where)
    if args.system:
        _check_reached(sockets, work)
    else:
        _check_meant(sockets)
    network = _network(given, where)
    _check_start(given, where, system=args.system)
    with typed():
        text = systemd.unit([str(program), *command], system=args.system, work=work, network=network)
    if args.print or (args.system and os.geteuid() != 0):
        print(text, end="")
        if not args.print:
            say("Nothing was written: for the whole device root must run this. It was printed for you to read.")
        return 0
    print(_write_unit(systemd.unit_path(work, system=args.system), text, replace=args.replace))
    settings = systemd.config_path(system=args.system)
    # Its hooks count only where nobody else can write it; the system's is read by a user of its own.
    fresh = systemd.write_new(settings, systemd.CONFIG, 0o644 if args.system else 0o600)
    print(f"{'Wrote' if fresh else 'Left as it is:'} {settings}")
    print(systemd.steps(work, system=args.system, program=program))
    return 0


def _write_unit(path: Path, text: str, *, replace: bool) -> str:
    from .. import systemd

    if path.is_file() and path.read_bytes() == text.encode():
        return f"Already there: {path}"
    if not systemd.write_new(path, text, 0o644, replace=replace):
        raise ConfigError(f"{path} is there and is another unit: look at it, then --replace it, or use --print")
    return f"Wrote {path}"


def _parsed(command: list[str]) -> tuple[argparse.Namespace, "Address | None"]:
    """Return what `listen` or `serve` is given, and where that serves; refuse what no service can be given."""
    from ..serve.wyoming.address import Scheme
    from . import listen, serve

    top = argparse.ArgumentParser(prog="wakegate")
    commands = top.add_subparsers(metavar="listen|serve")
    listen.add(commands)
    serve.add(commands)
    given = top.parse_args(command)
    where = serve.address_of(given) if given.run is serve.run else None
    stdout = given.assist == "stdout" if where is None else where.scheme is Scheme.STDIO
    if given.input is not None or stdout:
        raise UsageError("a service listens to a microphone, and nobody reads its stdout: leave them out")
    for option, path in (*_files(given), *_sockets(given, where).items()):
        if not path.is_absolute():
            raise UsageError(f"{option} {path} is no whole path: a service starts in another folder")
    return given, where


def _files(given: argparse.Namespace) -> list[tuple[str, Path]]:
    """Return the files that its options name, with the options."""
    names = ("config", "model", "mqtt_login", "mqtt_ca")
    named = [(f"--{name.replace('_', '-')}", getattr(given, name)) for name in names]
    return [(option, path) for option, path in named if path is not None] + [("--model", p) for p in given.more_models]


def _check_start(given: argparse.Namespace, where: "Address | None", *, system: bool) -> None:
    """Refuse what every start would refuse: the same look at options and config, and nothing is opened.

    A config that nobody named may come later.
    """
    from .. import config
    from . import listen, serve

    for option, file in _files(given):
        if not _may_be_there(file):
            raise ConfigError(f"{option} {file} is no file: make it first, or name another")
    path = given.config or (config.SYSTEM if system else config.usual_path())
    hidden = path is None or not _may_be_there(path) or (system and not os.access(path, os.R_OK))
    settings = config.Config() if hidden else config.read(path)
    if where is None:
        listen.check(given, settings)
    else:
        serve.check(given, settings)


def _may_be_there(path: Path) -> bool:
    """Return whether a path is a file; True where only the service's own user may see it."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except PermissionError:
        return True
    except OSError:
        return False


def _sockets(given: argparse.Namespace, where: "Address | None") -> dict[str, Path]:
    """Return the unix sockets that its options name, by option."""
    from ..unix import path_of

    named = {"--events": given.events, **({"--assist": given.assist} if where is None else {})}
    with typed():
        sockets = {option: path_of(uri, option) for option, uri in named.items() if uri is not None}
    if where is not None and where.path is not None:
        sockets["--uri" if given.mic_uri is None else "--mic-uri"] = where.path
    return sockets


def _check_meant(sockets: dict[str, Path]) -> None:
    """Refuse a socket where a variable that is not set leaves it: in the file system's root."""
    for option, path in sockets.items():
        top = Path(*path.parts[:2])
        if path.parent == top.parent or not top.is_dir():
            raise UsageError(
                f"{option} {path}: in / is no place for a socket; was $XDG_RUNTIME_DIR not set, as by su and sudo? Log "
                f"in as the user who listens, or write it out: unix:/run/user/{os.getuid()}/{path.name}"
            )


def _check_reached(sockets: dict[str, Path], work: "Work") -> None:
    """Refuse a socket that the system's unit cannot make."""
    from ..systemd import USER

    folder = Path("/run") / work
    for option, path in sockets.items():
        if path.parent != folder:
            raise UsageError(
                f"{option} {path}: a unit of --system can make a socket in {folder} only, which nobody but the user "
                f"{USER} and root can open. Put it there; `serve` has tcp://127.0.0.1:PORT too"
            )


def _network(given: argparse.Namespace, where: "Address | None") -> "Network":
    """Return how far its options reach."""
    from ..plugins.broker import broker
    from ..serve.wyoming.address import Address, Scheme
    from ..systemd import Network

    reached = [] if where is None or where.scheme is not Scheme.TCP else [where]
    if given.mqtt is not None:
        with typed():
            named = broker(given.mqtt)
        reached.append(Address(scheme=Scheme.TCP, host=named.host, port=named.port))
    return max((Network.DEVICE if one.on_this_device else Network.ANY for one in reached), default=Network.NONE)


def _program() -> Path:
    """Return the installed command, as a whole path."""
    scripts = Path(sysconfig.get_path("scripts")) / "wakegate"
    for path in (Path(os.path.abspath(sys.argv[0])), scripts):  # noqa: PTH100, which leaves symbolic links alone
        if path.name == "wakegate" and path.is_file() and os.access(path, os.X_OK):
            return path
    raise ConfigError(
        f"wakegate is not installed as a command ({scripts} is not there): `pip install .` in the checkout"
    )
