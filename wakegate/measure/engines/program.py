"""Any program as an engine: PCM on its stdin, one JSON line on its stdout for each thing it hears.

Owns the conversation with a process per recording: 16 kHz mono s16le in, a line like ``{"at_s": 1.62, "word": "alexa",
"score": 0.9}`` out (``score`` in any unit, higher is surer; always or never). Must never wait for ever, believe a line
that it does not understand, or count a recording that the program did not hear to its end. No shell; a process group of
its own, killed as a whole.
"""

import contextlib
import hashlib
import json
import math
import os
import selectors
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO

from ...audio.block import Samples
from ...errors import ConfigError, EngineError
from ...events import SAMPLE_RATE
from ...wake.catalogue import spelled
from .engine import Heard

LINE_BYTES = 65_536
STDERR_BYTES = 2_000
LATE_S = 1.0
"""How far behind the end of the sound an engine may place what it heard last."""


class Program:
    """A command line, split as a shell would and started without one.

    Parameters
    ----------
    name, command : str
        As on the command line, and what of it is to be run.
    limit_s : float
        How long it may take no sound, and how long it may take to end when the sound has ended.
    """

    def __init__(self, name: str, command: str, limit_s: float) -> None:
        try:
            self._words = shlex.split(command)
        except ValueError as error:
            raise ConfigError(f"the command of {name!r} cannot be split ({error}): check its quotes") from error
        if not self._words or shutil.which(self._words[0]) is None:
            raise ConfigError(f"{name!r} names no program that can be run: check its path, or install it")
        self.name = name
        self.thresholds: Mapping[str, float] | None = None
        self.about: Mapping[str, object] = {"command": self._words, "files_sha256": _files(self._words)}
        self._limit_s = limit_s
        self._scores: bool | None = None

    def hear(self, sound: Iterable[Samples]) -> list[Heard]:
        """Let the program hear one recording; EngineError if it crashes, hangs or says what cannot be understood."""
        talk = _Talk(self._words, self._limit_s)
        try:
            lines = talk.run(sound)
        finally:
            talk.end()
        found = [_heard(line, talk.seconds) for line in lines]
        kinds = {one.score is not None for one in found} | ({self._scores} if self._scores is not None else set())
        if len(kinds) > 1:
            raise EngineError("it gave a score with some of what it heard and not with the rest: always or never")
        self._scores = kinds.pop() if kinds else None
        return found


class _Talk:
    """One process from start to end: feeds it and collects its lines, at flat memory and within the limit."""

    def __init__(self, words: list[str], limit_s: float) -> None:
        self._limit_s = limit_s
        pipe = subprocess.PIPE
        try:
            self._process = subprocess.Popen(
                words, stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0, start_new_session=True
            )
        except OSError as error:
            raise EngineError(f"it cannot be started: {error.strerror}") from error
        self._rest, self._stderr = b"", b""
        self._lines: list[bytes] = []
        self._given = 0

    @property
    def seconds(self) -> float:
        """How much sound it has taken."""
        return self._given / 2 / SAMPLE_RATE

    def run(self, sound: Iterable[Samples]) -> list[bytes]:
        """Return the program's lines once it has heard all and ended well."""
        stdin, stdout, stderr = _pipe(self._process.stdin), _pipe(self._process.stdout), _pipe(self._process.stderr)
        os.set_blocking(stdin.fileno(), False)
        os.set_blocking(stderr.fileno(), False)
        feeding = self._feed(stdin, iter(sound))
        until = time.monotonic() + self._limit_s
        with selectors.DefaultSelector() as selector:
            selector.register(stdin, selectors.EVENT_WRITE)
            selector.register(stdout, selectors.EVENT_READ)
            selector.register(stderr, selectors.EVENT_READ)
            while selector.get_map():
                ready = selector.select(max(0.0, until - time.monotonic()))
                if not ready or time.monotonic() > until:
                    raise EngineError(self._hung(ended=stdin.closed))
                for key, _ in ready:
                    if key.fileobj is stdin:
                        until = time.monotonic() + self._limit_s
                        if not next(feeding):
                            selector.unregister(stdin)
                            stdin.close()
                    elif not self._take(key.fd, errors=key.fileobj is stderr):
                        selector.unregister(key.fileobj)
        self._check_end(until)
        return [*self._lines, *([self._rest] if self._rest.strip() else [])]

    def end(self) -> None:
        """Kill it and all it started, if it still runs, and close its pipes."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()
        self._process.wait()

    def _feed(self, stdin: IO[bytes], sound: Iterator[Samples]) -> Iterator[bool]:
        """Write what the pipe takes at each call; yield whether there is more."""
        for piece in sound:
            data = memoryview(piece.astype("<i2").tobytes())
            while data:
                try:
                    count = os.write(stdin.fileno(), data)
                except BlockingIOError:
                    count = 0
                except BrokenPipeError:
                    self._check_end(time.monotonic() + self._limit_s)
                    raise EngineError(f"it stopped listening after {self.seconds:.1f} s of the sound") from None
                data = data[count:]
                self._given += count
                yield True
        yield False

    def _take(self, descriptor: int, *, errors: bool) -> bool:
        """Take what the program says; return False once it has closed that pipe."""
        data = os.read(descriptor, LINE_BYTES)
        if errors:
            self._stderr = (self._stderr + data)[-STDERR_BYTES:]
            return bool(data)
        *whole, self._rest = (self._rest + data).split(b"\n")
        self._lines += [line for line in whole if line.strip()]
        if len(self._rest) > LINE_BYTES:
            raise EngineError(f"it said more than {LINE_BYTES} bytes without a line's end: JSON Lines are expected")
        return bool(data)

    def _check_end(self, until: float) -> None:
        try:
            code = self._process.wait(max(0.1, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise EngineError(self._hung(ended=True)) from None
        if code:
            self._last_words()
            how = f"exit code {code}" if code > 0 else f"signal {signal.Signals(-code).name}"
            said = self._stderr.decode("utf-8", "replace").strip().splitlines()
            raise EngineError(
                f"it ended with {how} after {self.seconds:.1f} s of the sound{f': {said[-1]}' if said else ''}"
            )

    def _last_words(self) -> None:
        """Take what still lies in the pipe of errors, if anything."""
        stream = _pipe(self._process.stderr)
        with contextlib.suppress(BlockingIOError):
            while data := os.read(stream.fileno(), LINE_BYTES):
                self._stderr = (self._stderr + data)[-STDERR_BYTES:]

    def _hung(self, *, ended: bool) -> str:
        what = "did not end after the sound had ended" if ended else f"took no more sound after {self.seconds:.1f} s"
        return f"it {what}, for {self._limit_s:g} s, and was killed: give it longer with --limit, or mend it"


def _heard(line: bytes, seconds: float) -> Heard:
    """Read one line; ``seconds`` is how much sound there was."""
    told = line[:200].decode("utf-8", "replace")
    try:
        raw = json.loads(line)
        word, at_s, score = raw["word"], raw["at_s"], raw.get("score")
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise EngineError(f'it said {told!r}, which is not {{"at_s": 1.62, "word": "alexa", "score": 0.9}}') from error
    if not isinstance(word, str) or not spelled(word) or not _number(at_s) or not (score is None or _number(score)):
        raise EngineError(f"it said {told!r}: word is a text, at_s and score are finite numbers")
    if not 0 <= at_s <= seconds + LATE_S:
        raise EngineError(
            f"it said {told!r} in {seconds:.1f} s of sound: at_s is in seconds (not samples, not ms) from its start"
        )
    at = min(round(at_s * SAMPLE_RATE), round(seconds * SAMPLE_RATE))
    return Heard(word=spelled(word), at=at, score=None if score is None else float(score))


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise EngineError("it has no pipes")
    return stream


def _files(words: list[str]) -> dict[str, str]:
    """Return the hash of the program and of every file that its command line names."""
    named = [shutil.which(words[0]) or words[0], *words[1:]]
    hashes: dict[str, str] = {}
    for name in named:
        try:
            if Path(name).is_file():
                with Path(name).open("rb") as file:
                    hashes[name] = hashlib.file_digest(file, "sha256").hexdigest()
        except (OSError, ValueError) as error:
            raise ConfigError(f"{name} cannot be read: {error}") from error
    return hashes
