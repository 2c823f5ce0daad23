"""Folder: where a run keeps what is not finished, and how the result leaves it.

Owns whose the folder is: one order's, one run's at a time, for the user alone to read, for what is in it comes of
people's recordings. Must never take over, nor remove, a folder that no training made; a result appears whole, its
manifest last.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ...errors import ConfigError
from .plan import Order, existing

OWN = ("order.json", "order.part", "lock")
"""What is in a folder before anything else."""
KINDS = (".onnx", ".html", ".json")
"""The manifest last: without it there is no model."""


@contextmanager
def begun(order: Order, onto: str) -> Iterator[None]:
    """Make the work folder and hold it, or refuse one that is not this order's, or that another run holds.

    Raises
    ------
    ConfigError
        If it cannot be used; the message says why, and what to do.
    """
    _nothing_there(order)
    try:
        if order.work.is_symlink() or (order.work.exists() and not _ours(order.work)):
            raise ConfigError(f"{order.work} is there, and no training made it: name another folder with --out")
        order.work.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (order.work / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise ConfigError(
                    f"another training is at work in {order.work}: let it end, or name another folder with --out"
                ) from error
            _same(order, order.digest(onto))
            yield
    except OSError as error:
        raise ConfigError(
            f"--out {order.out}: {error.filename or order.work} cannot be written ({error.strerror}): make room there "
            f"and run the same command again, which goes on where it was; or name another folder"
        ) from error


def _nothing_there(order: Order) -> None:
    """Refuse a word that is there; one that was being placed when the run ended has no manifest yet."""
    there = existing(order)
    whole = order.out / f"{order.phrase.word}.json" in there
    if there and (whole or not (order.work / "order.json").exists()):
        raise ConfigError(f"{there[0]} is there already: remove it, or name another folder with --out")


def _ours(work: Path) -> bool:
    names = {path.name for path in work.iterdir()}
    return "order.json" in names or names <= set(OWN)


def _same(order: Order, digest: Mapping[str, str]) -> None:
    """Write down whose folder this is, or refuse another order's."""
    path = order.work / "order.json"
    if path.exists():
        try:
            before = json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            before = None
        if not isinstance(before, dict):
            raise ConfigError(f"{path} is damaged: remove {order.work}, and run the same command again")
        changed = [name for name in digest if before.get(name) != digest[name]]
        if changed:
            raise ConfigError(
                f"{order.work} holds the beginnings of another training (other {', '.join(changed)}): run that command "
                f"again to go on with it, or remove the folder"
            )
    part = path.with_suffix(".part")
    part.write_text(json.dumps(digest), encoding="utf-8")
    part.replace(path)


def written(path: Path, data: bytes) -> None:
    """Write a file of the result so that it is on the disk, not on its way there."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def placed(order: Order, draft: Path) -> Path:
    """Put NAME.onnx, NAME.html and NAME.json into their place, remove the work folder, and return the last."""
    _nothing_there(order)
    for kind in KINDS:
        draft.with_suffix(kind).replace(order.out / f"{order.phrase.word}{kind}")
    made = order.out / f"{order.phrase.word}.json"
    try:
        shutil.rmtree(order.work)
    except OSError as error:
        raise ConfigError(
            f"{made} is made, but {order.work} could not be removed ({error.strerror}): remove it, for what is in it "
            f"comes of your recordings"
        ) from error
    return made
