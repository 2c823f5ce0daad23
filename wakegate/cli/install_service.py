"""``wakegate install-service``: a systemd unit for ``wakegate listen``, and a commented config."""

import argparse
import os
import sys
import sysconfig
from pathlib import Path

from ..errors import ConfigError
from .terminal import say

_DESCRIPTION = """\
Write a systemd unit that listens from boot on, and a commented wakegate.toml where there is none. Nothing is started:
what to run next is printed. What stands behind -- goes to `wakegate listen`. With --system the unit runs as a user of
its own, with no network at all; it is printed for review, or written where root runs this."""
_EXAMPLES = """\
examples:
  wakegate install-service
  wakegate install-service -- --assist unix:$XDG_RUNTIME_DIR/wakegate/assist.sock
  wakegate install-service --system --print"""


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
    parser.add_argument("listen", nargs="*", metavar="-- OPTION", help="options of `wakegate listen`")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write or print, and say what is next."""
    from .. import systemd

    _check(args.listen)
    program = _program()
    if args.system and systemd.in_a_home(program):
        say(f"note: the user {systemd.USER} must be able to read {program}: an environment in /opt is a better place")
    text = systemd.unit([str(program), "listen", *args.listen], system=args.system)
    if args.print or (args.system and os.geteuid() != 0):
        print(text, end="")
        if not args.print:
            say("Nothing was written: for the whole device root must run this. It was printed for you to read.")
        return 0
    path = systemd.SYSTEM_UNIT if args.system else systemd.user_unit_path()
    print(_write_unit(path, text, replace=args.replace))
    settings = systemd.config_path(system=args.system)
    # Its hooks count only where nobody else can write it; the system's is read by a user of its own.
    fresh = systemd.write_new(settings, systemd.CONFIG, 0o644 if args.system else 0o600)
    print(f"{'Wrote' if fresh else 'Left as it is:'} {settings}")
    print(systemd.steps(system=args.system))
    return 0


def _write_unit(path: Path, text: str, *, replace: bool) -> str:
    from .. import systemd

    if path.is_file() and path.read_bytes() == text.encode():
        return f"Already there: {path}"
    if not systemd.write_new(path, text, 0o644, replace=replace):
        raise ConfigError(f"{path} is there and is another unit: look at it, then --replace it, or use --print")
    return f"Wrote {path}"


def _check(options: list[str]) -> None:
    """Refuse options that `wakegate listen` would refuse at every start."""
    from . import listen

    top = argparse.ArgumentParser(prog="wakegate")
    listen.add(top.add_subparsers())
    given = top.parse_args(["listen", *options])
    if given.input is not None or given.assist == "stdout":
        raise ConfigError("a service listens to a microphone, and nobody reads its stdout: leave them out")
    for name in ("config", "model", "mqtt_login", "mqtt_ca", "assist", "events"):
        path = str(getattr(given, name) or "/").removeprefix("unix:")
        if not Path(path).is_absolute():
            raise ConfigError(f"--{name.replace('_', '-')} {path} is no whole path: a service starts in another folder")


def _program() -> Path:
    """Return the installed command, as a whole path."""
    scripts = Path(sysconfig.get_path("scripts")) / "wakegate"
    for path in (Path(os.path.abspath(sys.argv[0])), scripts):  # noqa: PTH100, which leaves symbolic links alone
        if path.name == "wakegate" and path.is_file() and os.access(path, os.X_OK):
            return path
    raise ConfigError(f"wakegate is not installed as a command ({scripts} is not there): `pip install wakegate`")
