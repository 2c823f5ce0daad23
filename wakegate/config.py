"""Config: ``wakegate.toml``, the settings of one device.

Owns which settings there are and what they may be, and the one change that a program makes: thresholds, with the rest
of the file left as its owner wrote it. Must never hold consent or say where the ledger lies: a file that tries is
refused, by name, rather than read past. The page ``wakegate/serve/README.md`` has every setting, with what it may be.
"""

import json
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from .chain.file import READ, open_own, sync_folder
from .errors import ConfigError
from .gate.limits import Limits
from .hooks import HOOKS, from_config
from .wake.catalogue import by_word, spelled

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
    thresholds : mapping of str to float
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
    thresholds: Mapping[str, float] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    reviewer_key: str | None = None
    on: Mapping[str, str] = field(default_factory=dict)


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
        reviewer_key=_value(path, raw, "reviewer", "key", str),
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
    if words is not None and (not words or not all(isinstance(word, str) for word in words)):
        raise ConfigError(f"{path}: words in [wake] must be a list of names, got {words!r}")
    return None if words is None else tuple(words)


def _thresholds(path: Path, raw: Mapping[str, dict[str, object]]) -> dict[str, float]:
    given = _value(path, raw, "wake", "thresholds", dict) or {}
    for word, value in given.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise ConfigError(f"{path}: the threshold of {word!r} must be a number from 0 to 1, got {value!r}")
    try:
        return by_word({word: float(value) for word, value in given.items()})
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def write_thresholds(path: Path, thresholds: Mapping[str, float]) -> None:
    """Set thresholds in a config file, which is made if it is not there; everything else stays, comments too.

    The file is replaced as a whole or not at all.

    Parameters
    ----------
    path : Path
        The file.
    thresholds : mapping of str to float
        By word, in [0, 1]; other words keep theirs.

    Raises
    ------
    ConfigError
        For a file that :func:`read` refuses, one that is a symbolic link, or one too unusual to be changed safely.
    ForeignError
        For a file of another user, or one that others can write.
    """
    changed, mode = changed_by(path, thresholds)
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode), "wb") as file:
            file.write(changed.encode())
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise ConfigError(f"{path} cannot be written ({error.strerror}): it is as it was") from error


def changed_by(path: Path, thresholds: Mapping[str, float]) -> tuple[str, int]:
    """Return what :func:`write_thresholds` would write, and the file's mode; its errors are raised here too."""
    if path.is_symlink():
        raise ConfigError(f"{path} is a symbolic link: name the file that it points to, with --config {path.resolve()}")
    if not path.exists():
        return with_thresholds("", thresholds), 0o644
    with os.fdopen(open_own(path, READ), "rb") as file:
        text, mode = file.read(), os.fstat(file.fileno()).st_mode & 0o777
    read(path)
    return with_thresholds(text.decode(), thresholds), mode


def with_thresholds(text: str, thresholds: Mapping[str, float]) -> str:
    """Return a config's text with thresholds set; ConfigError where that cannot be done without touching the rest."""
    before = tomllib.loads(text)
    given = before.get("wake", {}).get("thresholds", {})
    # A word keeps the spelling that the file gives it.
    names = {name: thresholds[spelled(name)] for name in given if spelled(name) in thresholds}
    names |= {word: value for word, value in thresholds.items() if word not in map(spelled, given)}
    changed = _set_lines(text, names)
    expected = {**before, "wake": {**before.get("wake", {}), "thresholds": {**given, **names}}}
    try:
        right = tomllib.loads(changed) == expected
    except tomllib.TOMLDecodeError:
        right = False
    if not right:
        wanted = ", ".join(_written(*item) for item in names.items())
        raise ConfigError(f"the config is written in a way that is not changed by program: set {wanted} by hand")
    return changed


_ENTRY = r"""(?P<name>"[^"]*"|'[^']*'|[A-Za-z0-9_-]+)(?P<is>\s*=\s*)[0-9.eE+_-]+"""
_INLINE = re.compile(r"(?P<start>\s*thresholds\s*=\s*\{)(?P<inside>[^{}]*)(?P<rest>\}.*)", re.DOTALL)
_HEADER = re.compile(r"\s*\[")


def _set_lines(text: str, names: Mapping[str, float]) -> str:
    """Set entries where thresholds stand, or put them where they belong. What comes of it is checked by the caller."""
    lines = text.split("\n")
    end = "\r" if lines[0].endswith("\r") else ""
    section, wake, table = "", -1, -1
    for at, line in enumerate(lines):
        if _HEADER.match(line):
            section = "".join(line.split("#")[0].split())
            wake = at if section == "[wake]" else wake
            table = at if section == "[wake.thresholds]" else table
        elif section == "[wake]" and (found := _INLINE.fullmatch(line)):
            inside, new = _set_entries(_ENTRY, found["inside"].strip(), names)
            lines[at] = f"{found['start']} {', '.join([*([inside] if inside else []), *new])} {found['rest']}"
            return "\n".join(lines)
    if table >= 0:
        after = next((at for at in range(table + 1, len(lines)) if _HEADER.match(lines[at])), len(lines))
        inside, new = _set_entries(rf"(?m)^[ \t]*{_ENTRY}", "\n".join(lines[table + 1 : after]), names)
        lines[table + 1 : after] = [*(f"{one}{end}" for one in new), *inside.split("\n")]
        return "\n".join(lines)
    row = f"thresholds = {{ {', '.join(_written(*item) for item in names.items())} }}{end}"
    if wake >= 0:
        lines.insert(wake + 1, row)
        return "\n".join(lines)
    gap = "" if not text else f"{end}\n" if text.endswith("\n") else f"{end}\n{end}\n"
    return f"{text}{gap}[wake]{end}\n{row}\n"


def _set_entries(pattern: str, text: str, names: Mapping[str, float]) -> tuple[str, list[str]]:
    """Return entries with their values set, and those that were not among them, as written."""
    rest = dict(names)

    def put(found: re.Match[str]) -> str:
        name = found["name"].strip("\"'")
        lead = found[0][: found.start("name") - found.start()]
        return f"{lead}{found['name']}{found['is']}{rest.pop(name)}" if name in rest else found[0]

    return re.sub(pattern, put, text), [_written(*item) for item in rest.items()]


def _written(word: str, threshold: float) -> str:
    """Return an entry as TOML."""
    bare = re.fullmatch("[A-Za-z0-9_-]+", word)
    return f"{word if bare else json.dumps(word, ensure_ascii=False)} = {threshold}"
