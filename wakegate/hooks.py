"""Hooks: a command, or a function, for what happens: a sound at a wake, a light while the gate is open.

Owns one thread that starts them, in the order of events, and ends them. The listening loop only puts an event into a
bounded queue. A command is run without a shell: its words are split once, when it is set, and what happened reaches
it in its environment alone, so that no text of an event is ever taken for a command::

    WAKEGATE_KIND=wake WAKEGATE_WORD=computer WAKEGATE_ID=9f3c0a1b2d4e5f60 WAKEGATE_SCORE=0.93 … aplay ding.wav

(every field of the event, and all of it as JSON in ``WAKEGATE_EVENT``). Never hands over audio, and never waits for a
command: at most :data:`MOST_AT_ONCE` run, each at most :data:`LONGEST_S`; what has no room is left out, which is told
once in :data:`TOLD_EVERY_S`. Where a client's sound is what happened, its device has a share of that, and no more.
"""

import logging
import os
import queue
import shlex
import shutil
import signal
import stat
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from .errors import ConfigError
from .events import KINDS, Event, Exposure

HOOKS = tuple(kind for kind in KINDS if kind != Exposure.kind)
"""What a hook can be set on: the kinds of events."""
MOST_AT_ONCE = 4
MOST_WAITING = 64
LONGEST_S = 60.0
"""How long a command may run before it is killed, seconds."""
PAUSE_S = 1.0
"""From one hook for a client's device to the next of that kind, seconds: who plays a wake word without a pause starts a
program with each."""
TOLD_EVERY_S = 60.0
_LOOK_S = 0.2

_log = logging.getLogger(__name__)

Hook = str | Callable[[Event], object]
_Whose = tuple[str, str]
"""A client's device, and the kind of event: a near miss takes no wake's turn."""


class Hooks:
    """Commands and functions by kind of event.

    Parameters
    ----------
    hooks : mapping of str to str or callable
        By kind (:data:`HOOKS`): a command as one would type it, or ``function(event)``, called in the hooks' thread.

    Raises
    ------
    ConfigError
        For an unknown kind, and a command without words or with an open quote.
    """

    def __init__(self, hooks: Mapping[str, Hook]) -> None:
        for kind in hooks:
            check_kind(kind)
        self._hooks = {kind: hook if callable(hook) else tuple(words_of(kind, hook)) for kind, hook in hooks.items()}
        self._waiting: queue.Queue[tuple[Event, str | None] | None] = queue.Queue(MOST_WAITING)
        self._running: dict[subprocess.Popen[bytes], tuple[float, _Whose | None]] = {}
        self._told: set[str] = set()
        self._turns: dict[_Whose, float] = {}
        self._left_out, self._say_again = 0, 0.0
        for kind, hook in self._hooks.items():
            if isinstance(hook, tuple) and shutil.which(hook[0]) is None:  # it may yet come: no reason to stop
                self._say_once(kind, f"cannot run: there is no program {hook[0]!r}")
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="hooks", daemon=True)
        self._thread.start()

    def tell(self, event: Event, device: str | None = None) -> None:
        """Have the hook of an event run, if there is one and it has room.

        Parameters
        ----------
        event : Event
            What happened.
        device : str, optional
            Where a client's sound is what happened, the device it is on, "" for this one. Of each kind it has one hook
            in :data:`PAUSE_S`; and another device only one command that runs.
        """
        if event.kind not in self._hooks:
            return
        if device is not None and not self._has_turn((device, event.kind)):
            self._leave_out(event.kind, f"the client's device had one less than {PAUSE_S:g} s before")
            return
        try:
            self._waiting.put_nowait((event, device))
        except queue.Full:
            self._leave_out(event.kind, f"{MOST_WAITING} events wait for their hooks already")

    def close(self) -> None:
        """Run what waits, and kill what still runs after a moment. Safe to call twice."""
        self._closing.set()
        with suppress(queue.Full):
            self._waiting.put_nowait(None)  # a bell; a full queue needs none
        self._thread.join(timeout=2)

    def kill(self) -> None:
        """Kill what runs, at once. Safe in a signal handler; for a process that ends without more ado."""
        for child in tuple(self._running):
            if child.returncode is None:
                with suppress(OSError):
                    os.killpg(child.pid, signal.SIGKILL)

    def __enter__(self) -> "Hooks":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _has_turn(self, whose: _Whose) -> bool:
        now = time.monotonic()
        self._turns = {one: at for one, at in self._turns.items() if now - at < PAUSE_S}
        if whose in self._turns:
            return False
        self._turns[whose] = now
        return True

    # In the thread

    def _work(self) -> None:
        while not (self._closing.is_set() and self._waiting.empty()):
            with suppress(queue.Empty):
                told = self._waiting.get(timeout=_LOOK_S if self._running else None)
                if told is not None:
                    self._run(*told)
            self._reap(time.monotonic())
        until = time.monotonic() + 1
        while self._running and time.monotonic() < until:
            time.sleep(0.02)
            self._reap(time.monotonic())
        self._reap(float("inf"))

    def _run(self, event: Event, device: str | None) -> None:
        hook = self._hooks[event.kind]
        if callable(hook):
            try:
                hook(event)
            except Exception as error:  # somebody else's function: the others still have theirs
                self._say_once(event.kind, f"failed: {type(error).__name__}: {error}")
            return
        self._reap(time.monotonic())
        if len(self._running) == MOST_AT_ONCE:
            self._leave_out(event.kind, f"{MOST_AT_ONCE} commands run already")
            return
        whose = (device, event.kind) if device else None  # this device has all the room there is, as at the door
        if whose is not None and whose in (one for _, one in self._running.values()):
            self._leave_out(event.kind, "the client's device has one that runs already")
            return
        try:
            # Its stdout is not ours, which may carry events or sound; what it complains of is for whoever reads stderr.
            child = subprocess.Popen(
                hook, env={**os.environ, **environment(event)}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                start_new_session=True,
            )  # fmt: skip
        except (OSError, ValueError) as error:
            self._say_once(event.kind, f"cannot run: {error}")
            return
        self._running[child] = (time.monotonic(), whose)

    def _reap(self, now: float) -> None:
        """Take in who has ended, and kill whoever runs too long."""
        for child, (began, _) in tuple(self._running.items()):
            if child.poll() is None and now - began > LONGEST_S:
                # What may not be killed by us (sudo), or hangs in the kernel, goes on counting as running.
                with suppress(OSError, subprocess.TimeoutExpired):
                    os.killpg(child.pid, signal.SIGKILL)
                    child.wait(1)
            if child.returncode is not None:
                del self._running[child]

    def _leave_out(self, kind: str, why: str) -> None:
        self._left_out += 1
        if (now := time.monotonic()) >= self._say_again:
            since = f" ({self._left_out} hooks since this was said last)" if self._say_again else ""
            _log.warning("the hook on %s left out: %s%s", kind, why, since)
            self._left_out, self._say_again = 0, now + TOLD_EVERY_S

    def _say_once(self, kind: str, what: str) -> None:
        if kind not in self._told:
            self._told.add(kind)
            _log.warning("the hook on %s %s (this is said once)", kind, what)


def environment(event: Event) -> dict[str, str]:
    """Return what a command is told of an event."""
    told = {name: ",".join(value) if isinstance(value, list) else value for name, value in event.to_dict().items()}
    return {f"WAKEGATE_{name.upper()}": str(value) for name, value in told.items()} | {
        "WAKEGATE_EVENT": event.to_json()
    }


def check_kind(kind: str) -> None:
    """Raise ConfigError where a hook can be set on nothing that is called so."""
    if kind not in HOOKS:
        raise ConfigError(f"a hook on {kind!r:.40}: nothing is called so, give one of {', '.join(HOOKS)}")


def words_of(kind: str, command: str) -> list[str]:
    """Split a command as a shell would, without any of a shell's powers; ConfigError where that leaves nothing."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise ConfigError(f"the hook on {kind} is no command ({error}): {command!r:.80}") from error
    if not words:
        raise ConfigError(f"the hook on {kind} is empty: give a command, or leave it out")
    return words


def from_config(path: Path, commands: Mapping[str, object], about: os.stat_result) -> dict[str, str]:
    """Return the commands that a config file sets in ``[on]``.

    Whoever can write them runs programs as this user: they count only in a file that nobody else can write.

    Parameters
    ----------
    path : Path
        The file, for messages.
    commands : mapping
        What stands in its ``[on]``.
    about : os.stat_result
        Of the very file that was read.

    Raises
    ------
    ConfigError
        For a file of another user than this one and root, or that others can write, where it sets a hook; for a hook
        on nothing, or one that is no command.
    """
    if not commands:
        return {}
    if about.st_uid not in (0, os.getuid()) or about.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise ConfigError(
            f"{path} sets hooks, and other users can write it (owner {about.st_uid}, mode {about.st_mode & 0o777:o}): "
            "they could run programs as you. Make it yours: chmod go-w"
        )
    for kind, command in commands.items():
        if not isinstance(command, str):
            raise ConfigError(f"{path}: {kind} in [on] is {command!r:.40}: give a command, as text")
        try:
            words_of(kind, command)
        except ConfigError as error:
            raise ConfigError(f"{path}: in [on], {error}") from error
    return {kind: str(command) for kind, command in commands.items()}
