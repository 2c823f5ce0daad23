"""The part of ``wakegate listen`` that tells an MQTT broker what happens."""

import argparse
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UsageError
from .usage import typed

if TYPE_CHECKING:
    from ..plugins.mqtt import Publisher
    from ..wake import Scorer


def add_mqtt_options(parser: argparse.ArgumentParser) -> None:
    """Add what names a broker and the topics."""
    group = parser.add_argument_group(
        "MQTT", "events to a broker (extra `mqtt`): never audio, and no message from it is listened to"
    )
    group.add_argument("--mqtt", metavar="mqtt[s]://HOST[:PORT]", help="the broker; mqtts:// is encrypted")
    group.add_argument("--mqtt-login", type=Path, metavar="FILE", help="user name and password, one a line, mode 600")
    group.add_argument("--mqtt-ca", type=Path, metavar="FILE", help="certificates (PEM) to check an mqtts:// broker by")
    group.add_argument("--mqtt-prefix", metavar="NAME", help="what topics begin with (default: wakegate)")
    group.add_argument("--mqtt-site", metavar="NAME", help="this device's name in topics (default: default)")


def check_mqtt(args: argparse.Namespace) -> None:
    """Raise UsageError for what none of these options can be; no file that they name is looked at."""
    from ..plugins.broker import broker
    from ..plugins.mqtt import check_part

    given = [name for name in ("login", "ca", "prefix", "site") if getattr(args, f"mqtt_{name}") is not None]
    if args.mqtt is None:
        if given:
            raise UsageError(f"--mqtt-{given[0]} says how to speak to a broker: name it, --mqtt mqtt://HOST:PORT")
        return
    with typed():
        broker(args.mqtt, ca=args.mqtt_ca)
        for name, part in (("prefix", args.mqtt_prefix), ("site", args.mqtt_site)):
            if part is not None:
                check_part(name, part)


def publisher(args: argparse.Namespace, scorer: "Scorer") -> "AbstractContextManager[Publisher | None]":
    """Return what tells the broker that the options name, or None in its place."""
    if args.mqtt is None:
        return nullcontext()
    from ..plugins.broker import broker
    from ..plugins.mqtt import Publisher

    return Publisher(
        broker(args.mqtt, args.mqtt_login, args.mqtt_ca),
        words=scorer.words,
        model_sha256=scorer.manifest.sha256,
        prefix="wakegate" if args.mqtt_prefix is None else args.mqtt_prefix,
        site="default" if args.mqtt_site is None else args.mqtt_site,
    )
