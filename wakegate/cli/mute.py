"""``wakegate mute``: the person at the device has it hear nothing, and lets it listen again.

Owns the two acts at a terminal. Muting asks nothing; letting it listen again wants a typed yes, since no program may.
"""

import argparse

from ..errors import ConfigError
from ..mute import forget, keep, kept
from ..place import Place
from .person import ask
from .terminal import say

_NOTICE = """\
Every listener of this user hears again, for wake words. What may leave after one is as it was: see `wakegate consent \
status`."""


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser(
        "mute",
        help="a person at the device silences it, restarts included; `mute off` ends that",
        description="Silence everything that wakegate listens to as this user, a file and stdin too, at once and after "
        "every restart, until `wakegate mute off`, which wants a typed yes on the terminal. Programs mute over the "
        "event socket instead: see `wakegate tell`. Sound that clients send to `wakegate serve --uri` is theirs to "
        "mute.",
        epilog="example: wakegate mute",
    )
    parser.add_argument("off", nargs="?", choices=["off"], help="let it listen again")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Mute, or ask and let listen again."""
    place = Place.fixed()
    if args.off is None:
        if not keep(place.prepare()):
            raise ConfigError(f"this device is not muted: {place.muted} cannot be made. Stop the listener instead")
        print("Muted: nothing is heard, from a microphone, a file or stdin, until `wakegate mute off`.")
    elif not kept(place):
        say("This device is not muted.")
    elif ask(_NOTICE, "Type yes to let this device listen again, anything else to leave it muted: "):
        forget(place)
        print("This device listens again.")
    else:
        say("It stays muted.")
    return 0
