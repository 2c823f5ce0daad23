"""Peers: other people's engines, each a small program that is run as a process of its own.

Read this file, then any other: one an engine. They run under whatever Python (3.9 or later) has the engine installed,
so they must never import wakegate, and their libraries are imported when they are made, not before.

What is spoken, first to last: they say one line about themselves (:func:`main`). Then, for each recording, they get
pieces on stdin, each a count of bytes (4, little-endian) and so many of 16 kHz mono s16le, and a count of 0 at its end.
They say ``{"at_s", "word", "score"}`` for each event, or ``{"scores": [[...], ...]}``, a row a step and a column a
word; and ``{"heard": SAMPLES}`` when the recording is over. When stdin ends, they end.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import platform
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import BinaryIO

RATE = 16_000
ROWS = 100
"""Rows of scores in one line."""
SENSITIVITIES = tuple(tenth / 10 for tenth in range(11))
"""Those at which an engine without scores is heard at once."""


class Unusable(Exception):
    """The engine cannot be used as it is installed here; the message says how to mend it."""


def main() -> None:
    """Be the peer that the command line names (``FOLDER NAME WORD...``) until stdin ends."""
    said = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # whatever a library prints is no answer
    try:
        module = importlib.import_module(f".{sys.argv[2]}", __name__)
        peer = module.Peer(sys.argv[3:])
    except (Unusable, ImportError, OSError) as error:
        print(json.dumps({"unusable": str(error)}), file=said)
        return
    about = {"python": platform.python_version(), **peer.about, "peer_sha256": sha256(__file__, str(module.__file__))}
    print(json.dumps({"thresholds": peer.thresholds, "about": about, "kind": peer.kind}), file=said)
    while True:
        recording = Recording(sys.stdin.buffer)
        rows = []
        for found in peer.hear(recording):
            if isinstance(found, dict):
                print(json.dumps(found), file=said)
                continue
            rows.append(found)
            if len(rows) == ROWS:
                print(json.dumps({"scores": rows}), file=said)
                rows = []
        if rows:
            print(json.dumps({"scores": rows}), file=said)
        print(json.dumps({"heard": recording.samples}), file=said)


class Recording:
    """The pieces of one recording from stdin, as bytes; SystemExit if stdin ends."""

    def __init__(self, stdin: BinaryIO) -> None:
        self._stdin = stdin
        self.samples = 0

    def __iter__(self) -> Iterator[bytes]:
        """Yield each piece."""
        while count := int.from_bytes(self._read(4), "little"):
            self.samples += count // 2
            yield self._read(count)

    def _read(self, count: int) -> bytes:
        data = self._stdin.read(count)
        if len(data) < count:
            raise SystemExit
        return data


def frames(pieces: Recording, samples: int) -> Iterator[memoryview]:
    """Yield frames of just so many int16 samples; what is left at the end is dropped."""
    held, size = b"", 2 * samples
    for piece in pieces:
        held += piece
        view, whole = memoryview(held), len(held) - len(held) % size
        yield from (view[at : at + size].cast("h") for at in range(0, whole, size))
        held = held[whole:]


def heard(samples: int, word: str, score: float) -> dict[str, object]:
    """Return an event that the engine says after so many samples."""
    return {"at_s": samples / RATE, "word": word, "score": score}


def strictness(sensitivity: float) -> float:
    """Return the score of what a sensitivity says, 1 - sensitivity to the tenth: a sensitive engine says more."""
    return round(1 - sensitivity, 1)


def versions(package: str, *others: str, exactly: str | None = None, why: str = "") -> dict[str, str]:
    """Return the versions of an engine and of what it computes with; Unusable if it is another or is missing."""
    install = f"pip install {package}{'==' + exactly if exactly else ''}"
    try:
        found = metadata.version(package)
    except metadata.PackageNotFoundError:
        raise Unusable(f"{package} is not installed for {sys.executable}: {install}") from None
    if exactly and found != exactly:
        raise Unusable(f"{package} is {found}, {why}: {install}")
    return {package: found, **{name: metadata.version(name) for name in others}}


def chosen(words: list[str], known: dict[str, str], package: str) -> dict[str, str]:
    """Return what to use of ``known`` (its words as we spell them, and its own names): all if none is asked for."""
    unknown = [word for word in words if word not in known]
    if unknown:
        raise Unusable(f"{package} knows no {unknown[0]!r}: it knows {', '.join(sorted(known))}")
    return {word: known[word] for word in words or sorted(known)}


def sha256(*paths: str | Path) -> dict[str, str]:
    """Return the hash of each file, by its name."""
    return {Path(path).name: hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in paths}
