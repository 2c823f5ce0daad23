"""``wakegate serve``: wake words for Wyoming's programs, or a microphone for them that is behind the gate."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, replace
from functools import partial
from typing import TYPE_CHECKING, TextIO

from ..errors import ConfigError, UsageError
from ..events import NearMiss, Wake
from ..notify import Notify
from . import asked, journald, listening, terminal
from .listen_events import commands, hooks
from .listen_service import Reload, has_terminal
from .listening import Listening, add_listening_options
from .printer import Printer
from .story import lost
from .terminal import plain, say
from .usage import channel, typed

if TYPE_CHECKING:
    from ..config import Config
    from ..hooks import Hooks
    from ..serve.wyoming.address import Address
    from ..serve.wyoming.door import Door, Dropped
    from ..serve.wyoming.wake import Told
    from ..wake.levels import Threshold
    from ..wake.manifest import Manifest

DEFAULT = "tcp://127.0.0.1:10400"
_DESCRIPTION = """\
Speak Wyoming, the protocol of Home Assistant's voice services (extra `wyoming`).

--uri: a wake service. Clients send their sound and are told when a wake word is in it. It is listened to in memory,
and neither kept nor passed on; there is no microphone, no grant and no journal. Hooks run on `wake` and `near_miss`,
whoever's sound it was; where other devices can reach the address, those of --on alone. Wyoming knows neither passwords
nor encryption: an address beyond this device is for a network that you trust.

--mic-uri: a microphone behind the gate, for an assistant on this device. What it hears is what the gate releases: after
a wake word, under somebody's grant (`wakegate consent grant assist`), from the pre-roll to the endpoint. Event socket,
hooks and MQTT are those of `wakegate listen`.

SIGHUP reloads words and thresholds from wakegate.toml, as for `wakegate listen`."""
_EXAMPLES = """\
examples:
  wakegate serve
  wakegate serve --uri tcp://0.0.0.0:10400 --zeroconf kitchen
  wakegate serve --on wake='aplay ding.wav'
  wakegate serve --model mine/marvin.onnx --model mine/athena.onnx
  wakegate serve --mic-uri tcp://127.0.0.1:10700 --device USB
  wakegate serve --mic-uri tcp://127.0.0.1:10700 --events unix:events.sock --on wake='aplay ding.wav'"""
_OF_A_MICROPHONE = (
    "device", "channel", "input", "mic_user", "playback", "events", "events_group", "mqtt", "mqtt_login", "mqtt_ca",
    "mqtt_prefix", "mqtt_site",
)  # fmt: skip
_LONGEST_NAME = 64
"""What a client calls a word may have thousands of blanks around it, and a log has it with each detection."""
_HAPPENS = (Wake.kind, NearMiss.kind)
"""What happens to a wake service of all that a hook can be set on; the rest is the gate's."""


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser(
        "serve",
        help="a Wyoming wake service, or a Wyoming microphone behind the gate",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--uri", metavar="URI", help=f"tcp://HOST:PORT, unix:///PATH or stdio:// (default: {DEFAULT})")
    kind.add_argument("--mic-uri", metavar="URI", help="the same for a gated microphone; on this device only")
    parser.add_argument("--zeroconf", metavar="NAME", help="announce a --uri on the network by this name")
    parser.add_argument("--device", help="with --mic-uri: microphone, as for `wakegate listen`")
    parser.add_argument(
        "--channel", type=channel, help="with --mic-uri: channel to take, from 1; all are mixed if not given"
    )
    parser.add_argument("--input", metavar="FILE|-", help="with --mic-uri: a sound file in the microphone's place")
    parser.add_argument(
        "--mic-user", metavar="NAME", help="with --mic-uri tcp://: a user whose programs may listen, beside you"
    )
    add_listening_options(parser, several_models=True)
    # An assistant hears a file live, as it was spoken.
    parser.set_defaults(run=run, listens=True, rate=None, channels=None, assist="wyoming")


def run(args: argparse.Namespace) -> int:
    """Serve until somebody stops it."""
    from .. import config

    where = address_of(args)
    settings = config.read(args.config)
    return _wake(args, settings, where) if args.mic_uri is None else _microphone(args, settings, where)


def address_of(args: argparse.Namespace) -> "Address":
    """Return where to serve; UsageError for what no start would take."""
    from ..serve.wyoming import address, announce, messages, microphone

    messages.check_installed()
    if args.mic_uri is None:
        for name in _OF_A_MICROPHONE:
            if getattr(args, name) not in (None, []):
                raise UsageError(f"--{name.replace('_', '-')} is a microphone's: give --mic-uri, or leave it out")
        for kind in commands(args):
            if kind not in _HAPPENS:
                happens = " and ".join(_HAPPENS)
                raise UsageError(
                    f"--on {kind} is a microphone's, here {happens} happen: give --mic-uri, or leave it out"
                )
        with typed():
            return announce.checked(args.zeroconf, address.parse(args.uri or DEFAULT))
    if args.zeroconf is not None:
        raise UsageError("a gated microphone is for this device alone: leave --zeroconf out, or give --uri")
    if args.more_models:
        raise UsageError("a gated microphone listens with one model: give --model once, or give --uri")
    with typed():
        where = microphone.checked(address.parse(args.mic_uri))
    _users(args.mic_user)
    if args.input == "-" and where.scheme is address.Scheme.STDIO:
        raise UsageError("stdin cannot carry both sound and what a client says: give --input a file")
    return where


def check(args: argparse.Namespace, settings: "Config") -> None:
    """Raise what of options or config no start would take; nothing is opened."""
    if args.mic_uri is None:
        _asked(args, settings, _models(args))
    else:
        listening.check(args, settings)


def _wake(args: argparse.Namespace, settings: "Config", where: "Address") -> int:
    from ..serve.wyoming import address
    from ..serve.wyoming.announce import announced
    from ..serve.wyoming.door import Door
    from ..serve.wyoming.running import run_until_stopped
    from ..serve.wyoming.wake import MOST_CLIENTS, WakeService
    from ..serve.wyoming.words import Words

    models = _models(args)
    words = Words(models, *_asked(args, settings, models), args.engine)
    words.load()

    def take(settings: "Config") -> Iterable[str]:
        words.retune(*_asked(args, settings, models))
        return words.offered

    journald.log()
    out = sys.stderr if where.scheme is address.Scheme.STDIO else sys.stdout
    printer = Printer(out, lambda count: lost(count, out, as_json=args.json))
    tell = _Teller(args, out, printer.put)
    stack = ExitStack()
    if settings.on and not where.on_this_device:
        say(f"note: in {settings.path}, [on] is passed over, since other devices can reach {where}: give --on")
        settings = replace(settings, on={})
    reload = None if has_terminal() else Reload(args.config, settings, take, ("on",) if where.on_this_device else ())
    hook = _hooks(args, settings, stack)
    service = WakeService(words, tell.heard, (lambda *_: None) if hook is None else hook.tell)
    door = Door(where, service.serve, most=MOST_CLIENTS, dropped=tell.dropped, storms=service.storms)
    if not where.on_this_device:
        say(f"note: {where} can be reached from other devices, and Wyoming knows neither passwords nor encryption")
    try:
        with stack, announced(args.zeroconf, where):
            opened = partial(tell.opened, words=words.offered)
            run_until_stopped(door, opened, Notify.take(), reload, partial(_leave, door, hook))
    finally:
        with suppress(BrokenPipeError):
            printer.close()
    return 0


def _hooks(args: argparse.Namespace, settings: "Config", stack: ExitStack) -> "Hooks | None":
    """Return the hooks on what happens here; of the config's others it is said that they will not run."""
    if never := [kind for kind in settings.on if kind not in _HAPPENS]:
        say(f"note: in {settings.path}, hooks on {', '.join(never)} are a microphone's: none of that happens here")
    happens = {kind: command for kind, command in settings.on.items() if kind in _HAPPENS}
    return hooks(args, replace(settings, on=happens), stack)


def _leave(door: "Door", hook: "Hooks | None") -> None:
    """End the process at once, at a second Ctrl-C; no command of a hook runs on, and no socket's file stays.

    What it still waits for is nobody's any more: a model that is being loaded for a client that has gone, a reader. An
    exception would not end that: the interpreter waits for the model's thread, and the next one aborts it in there.
    """
    try:
        door.shut()
        if hook is not None:
            hook.kill()
    finally:
        os._exit(terminal.STOPPED)


def _models(args: argparse.Namespace) -> "Sequence[Manifest]":
    from ..serve.wyoming.words import check_distinct
    from ..wake import catalogue

    if (named := asked.named_model(args)) is None:
        return catalogue.installed()
    models = (named, *map(asked.model_at, args.more_models))
    with typed():
        check_distinct(models)
    return models


def _asked(
    args: argparse.Namespace, settings: "Config", models: "Sequence[Manifest]"
) -> tuple[Sequence[str] | None, "dict[str, Threshold]"]:
    """Return the words to offer, all if None, and thresholds; raise what is wrong with them by whoever gave them."""
    from ..serve.wyoming.words import Words

    words = asked.words(args, settings)
    with asked.blamed(args, settings, models):
        offered = Words(models, words, {}).offered
    asked.check_thresholds(args, settings, offered)
    return words, asked.thresholds(args, settings, offered)


def _microphone(args: argparse.Namespace, settings: "Config", where: "Address") -> int:
    from ..serve.wyoming import address
    from ..serve.wyoming.microphone import GatedMicrophone

    what = listening.check(args, settings)
    tell = _Teller(args, sys.stderr if where.scheme is address.Scheme.STDIO else sys.stdout)
    with ExitStack() as stack:
        heard = Listening(args, settings, what, stack)
        scorer = heard.scorer
        # Of clients another thread tells: apart from the events.
        sink = GatedMicrophone(
            where,
            lambda: dict.fromkeys(scorer.words, scorer.manifest),  # which a reload may change
            _Teller(args, sys.stderr).dropped,
            users=_users(args.mic_user),
        )
        pipeline = heard.open(sink)
        stack.enter_context(sink)
        stack.callback(pipeline.close)  # before the sink goes: whoever listens is told of the end
        tell.opened(sink.found_at, scorer.words)
        sink.when_over(pipeline.stop)
        heard.run(pipeline, tell.out)
    return 0


def _users(name: str | None) -> frozenset[int]:
    import pwd

    try:
        return frozenset() if name is None else frozenset({pwd.getpwnam(name).pw_uid})
    except KeyError as error:
        raise ConfigError(f"--mic-user {name!r} is no user of this device") from error


class _Teller:
    """Prints what happens, one line each."""

    def __init__(self, args: argparse.Namespace, out: TextIO, put: Callable[[str], None] | None = None) -> None:
        self._as_json: bool = args.json
        self.out, self._put = out, put or partial(terminal.put, out=out)

    def opened(self, found_at: str, words: Iterable[str]) -> None:
        names = list(words)
        self._say({"kind": "serving", "uri": found_at, "words": names}, f"serving {found_at} for {', '.join(names)}")

    def heard(self, told: "Told") -> None:
        heard, event = told.heard, told.heard.event
        called = {"word": event.word, "name": heard.name[:_LONGEST_NAME]}
        score = {**called, "score": heard.score, "threshold": event.threshold}
        times = {"at_ms": heard.at_ms, "start_ms": heard.start_ms, "end_ms": heard.end_ms}
        if isinstance(event, Wake):
            line = f"client {told.client} was told of {event.word!r} (score {heard.score:.3f})"
            self._say({"kind": "detection", "client": told.client, "id": event.id, **score, **times}, line)
        else:
            scores = f"score {heard.score:.3f}, threshold {event.threshold:.3f}"
            line = f"client {told.client} was not told of a near miss of {event.word!r} ({scores})"
            line = journald.lines(line, journald.priority(event.kind), self.out)
            self._say({"kind": event.kind, "client": told.client, **score, **times}, line)

    def dropped(self, who: "Dropped") -> None:
        self._say({"kind": "dropped", **asdict(who)}, f"client {who.client} was sent away: {who.why}")

    def _say(self, values: Mapping[str, object], line: str) -> None:
        with suppress(OSError):  # nobody reads it any more, and clients are served all the same
            self._put(json.dumps(values) if self._as_json else plain(line))
