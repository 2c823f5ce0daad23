"""What ``wakegate listen`` and ``wakegate serve --mic-uri`` share: the gate at work, and everybody who is told.

Owns the options of a run of the pipeline and its order: who is told is there before sound comes in, and is told of the
same events; a service manager looks after either command. Where released sound goes is the command's own business.
"""

import argparse
import signal
import sys
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TextIO

from . import asked
from .listen_events import add_event_options, check_events, event_socket, hooks
from .listen_mqtt import add_mqtt_options, check_mqtt, publisher
from .listen_service import attend, service
from .terminal import put
from .usage import typed

if TYPE_CHECKING:
    from ..audio.block import Source
    from ..config import Config
    from ..events import Event
    from ..gate.sinks import Sink
    from ..pipeline import Pipeline


class _Told(Protocol):
    """Somebody who is told what happens."""

    def tell(self, event: "Event") -> None: ...


def add_listening_options(parser: argparse.ArgumentParser, *, several_models: bool = False) -> None:
    """Add what a run of the pipeline is given, but for its sound."""
    asked.add_wake_options(parser, several_models=several_models)
    asked.add_threshold_option(parser)
    parser.add_argument("--config", type=Path, metavar="FILE", help="a wakegate.toml; the usual one if not given")
    parser.add_argument("--json", action="store_true", help="events as JSON Lines")
    parser.add_argument(
        "--playback",
        metavar="COMMAND",
        help="a program, run without a shell, that writes what this device plays as 16-bit PCM: while that is loud, no "
        "word wakes (parec --device=@DEFAULT_MONITOR@ --latency-msec=20)",
    )
    add_event_options(parser)
    add_mqtt_options(parser)


def check(args: argparse.Namespace, settings: "Config") -> asked.Asked:
    """Return what to listen for; what of options or config no start would take is raised, and nothing is opened."""
    check_events(args)
    check_mqtt(args)
    if args.playback is not None:
        from ..playback import words_of

        with typed():
            words_of(args.playback)
    return asked.of_one_model(args, settings)


class Listening:
    """One run of the pipeline, as options and config say; an ExitStack gives everything back.

    Attributes
    ----------
    settings : Config
        The config.
    scorer : Scorer
        The model, loaded.
    """

    def __init__(self, args: argparse.Namespace, settings: "Config", what: asked.Asked, stack: ExitStack) -> None:
        from ..wake import load

        self._args, self._stack, self.settings = args, stack, settings
        self.scorer = load(what.words, args.model, args.engine)
        self._thresholds = what.thresholds
        # A broker may be waited for a little: before sound comes in.
        told: Iterable[_Told | None] = (stack.enter_context(publisher(args, self.scorer)), hooks(args, settings, stack))
        self._told = [one for one in told if one is not None]

    def _sound(self) -> "Source":
        """Return the sound that the options name: a file (paced where an assistant listens), stdin, a microphone."""
        args, settings = self._args, self.settings
        if args.input == "-":
            from ..audio.raw import RawSource

            rate, channels = 16_000 if args.rate is None else args.rate, 1 if args.channels is None else args.channels
            return RawSource(sys.stdin.buffer, rate, channels, channel=args.channel)
        if args.input is not None:
            from ..audio.files import FileSource

            file = FileSource(args.input, args.channel)
            if args.assist is None:
                return file
            from ..audio.paced import Paced

            return Paced(file)  # an assistant hears it live, and one that lags is cut off
        from ..audio.microphone import Microphone

        named = args.device is not None
        device = settings.device if not named else int(args.device) if args.device.isdecimal() else args.device
        return Microphone(device, settings.channel if args.channel is None else args.channel)

    def open(self, sink: "Sink | None") -> "Pipeline":
        """Open sound and gate; a service manager's stop and Ctrl-C end them as they should end: on record."""
        from ..pipeline import Pipeline

        source = service(self._sound(), self.scorer)
        pipeline = self._stack.enter_context(
            Pipeline.open(
                source, scorer=self.scorer, thresholds=self._thresholds, assist=sink, limits=self.settings.limits
            )
        )
        served = event_socket(self._args, pipeline, self._stack)
        self._told += [] if served is None else [served]
        if self._args.playback is not None:
            from ..playback import Playback, PlaybackCommand

            self._stack.enter_context(PlaybackCommand(self._args.playback, Playback(pipeline)))
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: pipeline.stop())
        attend(source, pipeline, self.scorer.manifest, self._args, self.settings, self._stack)
        return pipeline

    def run(self, pipeline: "Pipeline", out: TextIO) -> None:
        """Listen until the sound ends or somebody stops it, and say what happens to ``out`` and to all the others.

        A file waits for whoever reads that; live sound cannot.
        """
        from .printer import Printer
        from .story import line, lost

        as_json = self._args.json
        printer = None
        if self._args.input in (None, "-") or self._args.assist is not None:
            printer = Printer(out, lambda count: lost(count, out, as_json=as_json), pipeline.stop)
        try:
            for event in pipeline:
                told = line(event, out, as_json=as_json)
                put(told, out) if printer is None else printer.put(told)
                for one in self._told:
                    one.tell(event)
        finally:
            if printer is not None:
                printer.close()
