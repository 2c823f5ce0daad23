"""What a program may say on the event socket, and what it is answered.

Owns the parsing of a line and the five commands. There is none that grants: consent is a person's act. There is none
that ends a mute which a person made at the device. An unknown word, an unknown field or a value of another type is
refused, and changes nothing.

A command is one line of JSON, and each gets one line of answer, in order::

    {"command": "status"}
    {"command": "mute"}                     until unmute; {"command": "mute", "for_s": 5} ends by itself, 60 s at most
    {"command": "unmute"}                   of a mute that came over this socket
    {"command": "cancel"}                   the person took the request back
    {"command": "label", "id": "9f3c0a1b2d4e5f60", "verdict": "false-accept", "cause": "tv"}

    {"schema": 1, "kind": "reply", "command": "mute", "ok": true, "error": "", "at": 48000, "at_s": 3.0,
     "words": ["computer"], "open": false, "cancelling": false, "muted": "socket", "muted_for_s": 5.16}

``cancelling`` says that a cancel was taken while the gate is still ``open``: the block that is being read may leave,
then it closes. ``muted`` is device, socket, hold_off or null; ``muted_for_s`` counts from ``at``, and is null where
only a word ends it. A mute is in force with the block that is being read, and its event says so; how long it lasts
counts from behind that.
"""

import json
from collections import deque
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypeVar

from ..errors import ConfigError, WakegateError
from ..events import SAMPLE_RATE, SCHEMA, Cause, Muter, Verdict
from ..pipeline import Pipeline

LABELS_A_MINUTE = 20
"""Each is a line of the journal that waits for the disk."""

E = TypeVar("E", bound=StrEnum)

_FIELDS: dict[str, tuple[str, ...]] = {
    "status": (),
    "mute": ("for_s",),
    "unmute": (),
    "cancel": (),
    "label": ("id", "verdict", "cause"),
}


class Commands:
    """Answers what programs say to one pipeline.

    Parameters
    ----------
    pipeline : Pipeline
        What they speak to.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._labels: deque[float] = deque(maxlen=LABELS_A_MINUTE)

    def status(self) -> str:
        """Return the line that greets a program."""
        return json.dumps({"schema": SCHEMA, "kind": "status", **self._state()})

    def answer(self, line: bytes, now: float) -> str:
        """Do what one line says, at ``now`` (seconds that pass); return the line to answer."""
        command, error = "", ""
        try:
            command, values = parse(line)
            self._do(command, values, now)
        except (WakegateError, OSError) as refused:
            error = str(refused)
        said = {"schema": SCHEMA, "kind": "reply", "command": command, "ok": not error, "error": error}
        return json.dumps({**said, **self._state()})

    def _state(self) -> dict[str, object]:
        at, cancelling = self._pipeline.at, self._pipeline.cancelling
        is_open = self._pipeline.is_open  # asked after: the loop may close it in between, and then that is said
        return {
            "at": at,
            "at_s": round(at / SAMPLE_RATE, 3),
            "words": list(self._pipeline.words),
            "open": is_open,
            "cancelling": is_open and cancelling,
            "muted": self._pipeline.muted,
            "muted_for_s": self._pipeline.muted_for_s,
        }

    def _do(self, command: str, values: Mapping[str, Any], now: float) -> None:
        match command:
            case "mute":
                self._pipeline.mute(Muter.SOCKET, values.get("for_s"))
            case "unmute":
                self._pipeline.unmute(Muter.SOCKET)
                if self._pipeline.muted is Muter.DEVICE:
                    raise ConfigError("a person muted this device, and only a person at the device can unmute it")
            case "cancel":
                if not self._pipeline.is_open:
                    raise ConfigError("the gate is closed: there is nothing to cancel")
                self._pipeline.cancel()
            case "label":
                self._label(values, now)

    def _label(self, values: Mapping[str, Any], now: float) -> None:
        if len(self._labels) == LABELS_A_MINUTE and now - self._labels[0] < 60:
            raise ConfigError(f"at most {LABELS_A_MINUTE} labels a minute: wait a little")
        cause = values.get("cause")
        verdict = _one_of(Verdict, "verdict", values.get("verdict"))
        chosen = None if cause is None else _one_of(Cause, "cause", cause)
        wake = values.get("id")
        if not isinstance(wake, str):
            raise ConfigError("id must be the event id of a wake, as text")
        self._labels.append(now)
        self._pipeline.journal.label(wake, verdict, chosen)


def parse(line: bytes) -> tuple[str, dict[str, Any]]:
    """Return the command in a line and its other fields; types of their values are not checked yet.

    Raises
    ------
    ConfigError
        For anything that is not a JSON object with a known command and only fields that it has.
    """
    try:
        said = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ConfigError('a command is one line of JSON: {"command": "status"}') from error
    if not isinstance(said, dict) or not isinstance(said.get("command"), str) or said["command"] not in _FIELDS:
        raise ConfigError(f'give {{"command": WORD}} with one of {", ".join(_FIELDS)}')
    command = said.pop("command")
    unknown = sorted(set(said) - set(_FIELDS[command]))
    if unknown:
        known = ", ".join(_FIELDS[command]) or "none"
        raise ConfigError(f"{command} has no field {unknown[0]!r:.40}; its fields: {known}")
    return command, said


def _one_of(kind: type[E], name: str, value: object) -> E:
    try:
        return kind(str(value))
    except ValueError as error:
        raise ConfigError(f"{name} is {value!r:.40}: give one of {', '.join(kind)}") from error
