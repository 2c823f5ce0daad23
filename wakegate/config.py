"""Config: ``wakegate.toml``, the settings of one device.

Owns which settings there are and what they may be. Must never hold consent or say where the ledger lies: a file that
tries is refused, by name, rather than read past. Every error names the file, and the setting or its section. The page
``wakegate/serve/README.md`` has every setting, with what it may be; :mod:`wakegate.config_thresholds` changes some.
"""

import os
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from .consent.grant import checked_form
from .errors import ConfigError, ModelError
from .gate.limits import Limits
from .hooks import HOOKS, from_config
from .wake import catalogue, levels
from .wake.manifest import Manifest

SYSTEM = Path("/etc/wakegate/wakegate.toml")
_KNOWN = {
    "microphone": ("device", "channel"),
    "wake": ("words", "thresholds"),
    "limits": tuple(f.name for f in fields(Limits)),
    "reviewer": ("key",),
    "on": HOOKS,
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
    thresholds : mapping of str to float or Level
        Other thresholds than the model's.
    limits : Limits
        How much of one wake may leave.
    reviewer_key : str or None
        The age key to offer when a review is granted.
    on : mapping of str to str
        Commands by kind of event.
    """

    path: Path | None = None
    device: int | str | None = None
    channel: int | None = None
    words: tuple[str, ...] | None = None
    thresholds: Mapping[str, levels.Threshold] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    reviewer_key: str | None = None
    on: Mapping[str, str] = field(default_factory=dict)

    @contextmanager
    def blamed(self, section: str) -> Iterator[None]:
        """Raise what a setting is found wrong with in here as a ConfigError that says where it stands."""
        try:
            yield
        except (ConfigError, ModelError) as error:
            raise ConfigError(f"{self.path}: in [{section}], {error}") from error

    def model(self) -> Manifest:
        """Return the installed model that knows its words at its thresholds; ConfigError where none does."""
        if self.words is None:
            model = catalogue.knowing(())[0]
        else:
            with self.blamed("wake"):
                model = catalogue.knowing(catalogue.distinct(self.words))[0]
        with self.blamed("wake"):
            model.detector_config(tuple(entry.word for entry in model.words), self.thresholds)
        return model


def usual_path() -> Path | None:
    """Return the config file that is read when none is named: the user's, else the system's, else None."""
    return next((p for p in (own_path(), SYSTEM) if p.is_file()), None)


def path_to_write() -> Path:
    """Return the file that :func:`read` takes when none is named, or where the user's own would be made."""
    return usual_path() or own_path()


def own_path() -> Path:
    """Return where this user's own config lies, or would be made."""
    base = os.environ.get("XDG_CONFIG_HOME", "")
    return (Path(base) if Path(base).is_absolute() else Path("~/.config").expanduser()) / "wakegate" / "wakegate.toml"


def read(path: Path | None = None) -> Config:
    """Read a config file; without a path the usual one, or the defaults if there is none.

    Raises
    ------
    ConfigError
        For what cannot be read, an unknown setting, a value of the wrong kind, or anything about consent.
    """
    if (path := path or usual_path()) is None:
        return Config()
    try:
        with path.open("rb") as file:
            about, raw = os.fstat(file.fileno()), tomllib.load(file)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the config {path} cannot be read ({error})") from error
    except (ValueError, RecursionError) as error:  # ValueError: TOMLDecodeError, or a number of thousands of digits
        raise ConfigError(f"the config {path} is not TOML: {error}") from error
    _check_names(path, raw)
    return Config(
        path=path,
        device=_value(path, raw, "microphone", "device", int | str, _could_be_one),
        channel=_value(path, raw, "microphone", "channel", int, lambda channel: channel >= 1),
        words=_words(path, raw),
        thresholds=_thresholds(path, raw),
        limits=_limits(path, raw.get("limits", {})),
        reviewer_key=_reviewer_key(path, raw),
        on=from_config(path, raw.get("on", {}), about),
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


def _value(
    path: Path,
    raw: Mapping[str, dict[str, object]],
    section: str,
    name: str,
    kind: Any,
    fits: Callable[[Any], bool] = lambda _: True,
) -> Any:
    value = raw.get(section, {}).get(name)
    if value is not None and (not isinstance(value, kind) or isinstance(value, bool) or not fits(value)):
        raise ConfigError(f"{path}: {name} in [{section}] is {value!r}: give {_KINDS[name]}")
    return value


def _could_be_one(device: int | str) -> bool:
    """Whether there could be such a device; whether there is one, only who opens it knows: a file is heard without."""
    return device >= 0 if isinstance(device, int) else bool(device.strip())


def _limits(path: Path, given: dict[str, Any]) -> Limits:
    try:
        return Limits(**given)
    except ConfigError as error:
        raise ConfigError(f"{path}: in [limits], {error}") from error


def _words(path: Path, raw: Mapping[str, dict[str, object]]) -> tuple[str, ...] | None:
    words = _value(path, raw, "wake", "words", list)
    if words is not None and not all(isinstance(word, str) for word in words):
        raise ConfigError(f"{path}: words in [wake] must be a list of names, got {words!r}")
    if words is None:
        return None
    try:
        catalogue.distinct(words, "words in [wake]")
    except ModelError as error:
        raise ConfigError(f"{path}: {error}") from error
    return tuple(words)


def _thresholds(path: Path, raw: Mapping[str, dict[str, object]]) -> dict[str, levels.Threshold]:
    given = _value(path, raw, "wake", "thresholds", dict) or {}
    try:
        return catalogue.by_word({word: _threshold(word, value) for word, value in given.items()})
    except ConfigError as error:
        raise ConfigError(f"{path}: in [wake], {error}") from error


def _threshold(word: str, value: object) -> levels.Threshold:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1:
        return float(value)
    if isinstance(value, str) and "/" in value:
        with suppress(ValueError):
            return levels.read(value)
    raise ConfigError(f'the threshold of {word!r} must be a number from 0 to 1, or a rate, "0.5/h", got {value!r}')


def _reviewer_key(path: Path, raw: Mapping[str, dict[str, object]]) -> str | None:
    key: str | None = _value(path, raw, "reviewer", "key", str)
    try:
        # Its form alone: a reload comes here from between two blocks of sound, and must not wait for a program.
        return None if key is None else checked_form(key)
    except ConfigError as error:
        raise ConfigError(f"{path}: key in [reviewer]: {error}") from None  # nobody knows what was pasted there
