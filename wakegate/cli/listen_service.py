"""What a service manager sees of whoever listens: ready, alive, reloaded, stopped.

Owns what a reload takes from ``wakegate.toml``: the words of the model that is loaded, and thresholds. A config that
would not do at a start is not taken, and the old one stays, as a whole.
"""

import argparse
import os
import signal
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ConfigError, WakegateError
from ..notify import Notify
from . import asked, journald
from .journald import Priority
from .terminal import say

if TYPE_CHECKING:
    from ..audio.block import Source
    from ..config import Config
    from ..pipeline import Pipeline
    from ..service import Service
    from ..wake import Scorer
    from ..wake.manifest import Manifest

_TAKEN = ("path", "words", "thresholds")
"""Settings that a reload takes; a run of the pipeline takes all others at its start only."""


def service(source: "Source", scorer: "Scorer") -> "Service":
    """Return a source that is looked after as a service; where there is no service manager, it tells nobody."""
    from ..service import Service

    return Service(source, Notify.take(), lambda: scorer.chunks)


def attend(
    looked_after: "Service", pipeline: "Pipeline", model: "Manifest", args: argparse.Namespace, settings: "Config",
    stack: ExitStack,
) -> None:  # fmt: skip
    """Let SIGHUP read the config again; where a terminal may send it, let it end the listening as Ctrl-C does."""
    journald.log()
    restart = [one.name for one in fields(settings) if one.name not in _TAKEN]
    looked_after.attend(pipeline, Reload(args.config, settings, _Retune(pipeline, model, args), restart))
    before = signal.getsignal(signal.SIGHUP)
    if before == signal.SIG_IGN:  # nohup
        return
    # A terminal that is closed sends it too, and nobody who closes one wants a microphone to stay open behind it.
    act = pipeline.stop if has_terminal() else looked_after.ask_reload
    signal.signal(signal.SIGHUP, lambda *_: act())
    stack.callback(signal.signal, signal.SIGHUP, before)


class Reload:
    """Reads the config again when it is called, and takes of it what can be taken while listening.

    Parameters
    ----------
    path : Path or None
        The file that was named.
    started : Config
        What was read at the start.
    take : callable
        Takes words and thresholds, and returns the words.
    restart : sequence of str
        Settings that are taken at a start only.
    """

    def __init__(
        self, path: Path | None, started: "Config", take: Callable[["Config"], Iterable[str]], restart: Iterable[str]
    ) -> None:
        self._path, self._started, self._take, self._restart = path or started.path, started, take, restart

    def __call__(self) -> None:
        """Take the new words and thresholds, or keep the old ones; says which."""
        from .. import config

        try:
            if self._path is None and config.usual_path() is None:
                raise ConfigError(f"there is no config to reload: write {config.path_to_write()}")
            settings = config.read(self._path)
            words = self._take(settings)
        except Exception as error:  # whatever it was, even an error of ours: the listening goes on
            what = error if isinstance(error, WakegateError | OSError) else f"{type(error).__name__}: {error}"
            told = f"wakegate: the config was not reloaded, the old words and thresholds stay: {what}"
            say(told, Priority.ERROR)
            return
        later = [name for name in self._restart if getattr(self._started, name) != getattr(settings, name)]
        waits = f"; changes in {', '.join(later)} wait for a restart" if later else ""
        say(f"wakegate: reloaded, listening for {', '.join(words)}{waits}")


class _Retune:
    """Takes words and thresholds into a pipeline that runs."""

    def __init__(self, pipeline: "Pipeline", model: "Manifest", args: argparse.Namespace) -> None:
        self._pipeline, self._model, self._args = pipeline, model, args

    def __call__(self, settings: "Config") -> tuple[str, ...]:
        from ..wake import catalogue

        wanted = asked.words(self._args, settings)
        words = self._words(None if wanted is None else catalogue.distinct(wanted))
        self._pipeline.retune(words, asked.thresholds(self._args, settings, words))
        return words

    def _words(self, wanted: tuple[str, ...] | None) -> tuple[str, ...]:
        """Return the words, all of the loaded model's; ConfigError where a start would take another model."""
        from ..wake import catalogue, manifest

        path = self._args.model
        model = catalogue.knowing(wanted or ())[0] if path is None else manifest.read(path.with_suffix(".json"))
        if model.sha256 != self._model.sha256:
            raise ConfigError(f"these words want the model {model.name!r}, which is not the one loaded: restart")
        return tuple(one.word for one in model.words) if wanted is None else wanted


def has_terminal() -> bool:
    """Whether this process belongs to a terminal, which sends SIGHUP when it is closed."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError:
        return False
    return True
