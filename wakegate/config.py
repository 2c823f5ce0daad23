"""Config: ``wakegate.toml``, the settings of one device.

Owns which settings there are and what they may be. Must never hold consent or say where the ledger lies: a file that
tries is refused, by name, rather than read past.

::

    [microphone]
    device = "USB Audio"        # number, name, or part of a name; the system's default if not given
    channel = 1                 # counted from 1; all are mixed if not given

    [wake]
    words = ["computer", "smart mirror"]
    thresholds = { computer = 0.7 }

    [limits]                    # see wakegate.gate.limits.Limits; no value lifts a ceiling
    pre_roll_s = 0.5

    [reviewer]
    key = "age1..."             # offered when somebody grants a review; granting is still a person's typed act
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from .errors import ConfigError
from .gate.limits import Limits
from .wake.catalogue import spelled

SYSTEM = Path("/etc/wakegate/wakegate.toml")
_KNOWN = {
    "microphone": ("device", "channel"),
    "wake": ("words", "thresholds"),
    "limits": tuple(f.name for f in fields(Limits)),
    "reviewer": ("key",),
}
_KINDS = {
    "device": "a number, a name or part of a name",
    "channel": "a number, from 1",
    "words": 'a list of names, ["computer"]',
    "thresholds": "numbers by word, { computer = 0.7 }",
    "key": "one age public key, as text",
}
_CONSENT = ("consent", "grant", "grants", "ledger", "purpose", "purposes", "place", "state")


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The settings of one device; every one has a default.

    Parameters
    ----------
    path : Path or None
        The file they came from.
    device : int, str or None
        Microphone.
    channel : int or None
        Channel of it, from 1.
    words : tuple of str or None
        Wake words; all that the model knows if None.
    thresholds : mapping of str to float
        Other thresholds than the model's.
    limits : Limits
        How much of one wake may leave.
    reviewer_key : str or None
        The age key to offer when a review is granted.
    """

    path: Path | None = None
    device: int | str | None = None
    channel: int | None = None
    words: tuple[str, ...] | None = None
    thresholds: Mapping[str, float] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    reviewer_key: str | None = None


def usual_path() -> Path | None:
    """Return the config file that is read when none is named: the user's, else the system's, else None."""
    base = os.environ.get("XDG_CONFIG_HOME", "")
    root = Path(base) if Path(base).is_absolute() else Path("~/.config").expanduser()
    return next((p for p in (root / "wakegate" / "wakegate.toml", SYSTEM) if p.is_file()), None)


def read(path: Path | None = None) -> Config:
    """Read a config file; without a path the usual one, or the defaults if there is none.

    Raises
    ------
    ConfigError
        For what cannot be read, an unknown setting, a value of the wrong kind, or anything about consent.
    """
    path = path or usual_path()
    if path is None:
        return Config()
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the config {path} cannot be read ({error})") from error
    except (ValueError, RecursionError) as error:  # ValueError: TOMLDecodeError, or a number of thousands of digits
        raise ConfigError(f"the config {path} is not TOML: {error}") from error
    _check_names(path, raw)
    return Config(
        path=path,
        device=_value(path, raw, "microphone", "device", int | str),
        channel=_value(path, raw, "microphone", "channel", int),
        words=_words(path, raw),
        thresholds=_thresholds(path, raw),
        limits=_limits(path, raw.get("limits", {})),
        reviewer_key=_value(path, raw, "reviewer", "key", str),
    )


def _check_names(path: Path, raw: Mapping[str, object]) -> None:
    for section, content in raw.items():
        names = list(content) if isinstance(content, dict) else []
        for name in (section, *names):
            if name.lower() in _CONSENT:
                raise ConfigError(
                    f"{path} sets {name!r}: consent is a person's act and the ledger has one fixed place, so neither "
                    f"can be in a config; remove it and use `wakegate consent grant`"
                )
        if section not in _KNOWN or not isinstance(content, dict):
            raise ConfigError(f"{path} has {section!r}: known sections are [{'], ['.join(_KNOWN)}]")
        for name in names:
            if name not in _KNOWN[section]:
                raise ConfigError(f"{path} has {name!r} in [{section}]: known are {', '.join(_KNOWN[section])}")


def _value(path: Path, raw: Mapping[str, dict[str, object]], section: str, name: str, kind: Any) -> Any:
    value = raw.get(section, {}).get(name)
    if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
        raise ConfigError(f"{path}: {name} in [{section}] is {value!r}: give {_KINDS[name]}")
    return value


def _limits(path: Path, given: dict[str, Any]) -> Limits:
    try:
        return Limits(**given)
    except ConfigError as error:
        raise ConfigError(f"{path}: in [limits], {error}") from error


def _words(path: Path, raw: Mapping[str, dict[str, object]]) -> tuple[str, ...] | None:
    words = _value(path, raw, "wake", "words", list)
    if words is not None and (not words or not all(isinstance(word, str) for word in words)):
        raise ConfigError(f"{path}: words in [wake] must be a list of names, got {words!r}")
    return None if words is None else tuple(words)


def _thresholds(path: Path, raw: Mapping[str, dict[str, object]]) -> dict[str, float]:
    given = _value(path, raw, "wake", "thresholds", dict) or {}
    for word, value in given.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise ConfigError(f"{path}: the threshold of {word!r} must be a number from 0 to 1, got {value!r}")
    return {spelled(word): float(value) for word, value in given.items()}
