"""Thresholds in ``wakegate.toml``: the one change that a program makes there.

Owns it, with the rest of the file left as its owner wrote it. Must never write a file that says anything else than
before: what comes of a change is read again and compared.
"""

import json
import os
import re
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from .chain.file import READ, open_own, sync_folder
from .config import read
from .errors import ConfigError
from .wake.catalogue import spelled


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
        For a file that :func:`~wakegate.config.read` refuses, one that is a symbolic link, or one too unusual to be
        changed safely.
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


_ENTRY = r"""(?P<name>"[^"]*"|'[^']*'|[A-Za-z0-9_-]+)(?P<is>\s*=\s*)([0-9.eE+_-]+|"[^"]*"|'[^']*')"""
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
