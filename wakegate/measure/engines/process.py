"""A process that hears: sound goes to its stdin, and what it says on its stdout comes back line by line.

Owns feeding, collecting, the limit on waiting, and the end of whoever does not end. Must never wait for ever, fill
memory with what is said, or leave anything running. No shell; a process group of its own, killed as a whole. Only
where we ourselves are killed outright nobody kills it: its stdin ends then, and it has to take that as its end.
"""

import contextlib
import fcntl
import os
import select
import selectors
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import IO

from ...errors import EngineError
from ...events import SAMPLE_RATE

LINE_BYTES = 65_536
STDERR_BYTES = 2_000
UNREAD_S = 0.002
"""How often a full pipe is looked at, whether it has been emptied."""


class Process:
    """One process from start to end.

    Parameters
    ----------
    command : sequence of str
        The program and its arguments.
    limit_s : float
        How long it may take no sound, and how long it may take to finish when the sound has ended.
    environment : mapping of str to str, optional
        In place of ours.

    Raises
    ------
    EngineError
        If it cannot be started.
    """

    def __init__(self, command: Sequence[str], limit_s: float, environment: Mapping[str, str] | None = None) -> None:
        self._limit_s = limit_s
        pipe = subprocess.PIPE
        try:
            self._process = subprocess.Popen(
                command, stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0, start_new_session=True, env=environment
            )
        except OSError as error:
            raise EngineError(f"it cannot be started: {error.strerror}") from error
        self._rest, self._stderr = b"", b""
        self._given = 0
        self._closing = self._over = False
        self._until = 0.0

    def lines(self, data: Iterator[bytes], *, close: bool) -> Iterator[bytes]:
        """Give it the data and yield its lines as they come, without their ends; blank ones are left out.

        Parameters
        ----------
        data : iterator of bytes
            16 kHz mono s16le, or little more.
        close : bool
            Whether that is all it will ever get: then its stdin is closed, and the lines end when it has ended well.
            Otherwise they do not end by themselves: stop asking once it has said what you wait for.

        Raises
        ------
        EngineError
            If it crashes, hangs, or ends before it should.
        """
        stdin, stdout, stderr = (
            _pipe(one) for one in (self._process.stdin, self._process.stdout, self._process.stderr)
        )
        os.set_blocking(stdin.fileno(), False)
        os.set_blocking(stderr.fileno(), False)
        self._given, self._closing = 0, close
        feeding = self._feed(stdin, data)
        fed = False
        self._wait_anew()
        with selectors.DefaultSelector() as selector:
            selector.register(stdin, selectors.EVENT_WRITE)
            selector.register(stdout, selectors.EVENT_READ)
            selector.register(stderr, selectors.EVENT_READ)
            while selector.get_map():
                ready = selector.select(max(0.0, self._until - time.monotonic()))
                if not ready or time.monotonic() > self._until:
                    raise EngineError(self._hung(ended=fed))
                for key, _ in ready:
                    if key.fileobj is stdin:
                        fed = not next(feeding)
                        if fed:
                            selector.unregister(stdin)
                    elif not (said := os.read(key.fd, LINE_BYTES)):
                        selector.unregister(key.fileobj)
                    elif key.fileobj is stderr:
                        self._stderr = (self._stderr + said)[-STDERR_BYTES:]
                    else:
                        yield from self._whole(said)
        self._check_end()
        if self._rest.strip():
            yield self._rest

    def end(self) -> None:
        """Kill it and all it started, if it still runs, and close its pipes."""
        self._kill()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()
        self._process.wait()

    def _feed(self, stdin: IO[bytes], data: Iterator[bytes]) -> Iterator[bool]:
        """Write what the pipe takes at each call; yield whether there is more."""
        for piece in data:
            rest = memoryview(piece)
            while rest:
                try:
                    count = os.write(stdin.fileno(), rest)
                except BlockingIOError:
                    count = 0
                except BrokenPipeError:
                    raise self._left() from None
                rest = rest[count:]
                self._given += count
                self._wait_anew()
                yield True
        if self._closing:
            yield from self._emptied(stdin)
            stdin.close()
            self._wait_anew()
        yield False

    def _emptied(self, stdin: IO[bytes]) -> Iterator[bool]:
        """Yield until the pipe is empty: what lies in it when its reader leaves was never heard."""
        least = self._unread
        while unread := self._unread:
            if unread < least:
                least = unread
                self._wait_anew()
            if _deserted(stdin):
                raise self._left()
            time.sleep(UNREAD_S)
            yield True

    def _left(self) -> EngineError:
        """Return what to say of one that reads no more."""
        heard_s = self._heard_s
        self._wait_anew()
        self._check_end()
        return EngineError(f"it stopped listening after {heard_s:.1f} s of the sound")

    def _wait_anew(self) -> None:
        self._until = time.monotonic() + self._limit_s

    def _whole(self, said: bytes) -> Iterator[bytes]:
        """Yield the lines that are whole now, and keep the rest."""
        *whole, self._rest = (self._rest + said).split(b"\n")
        if len(self._rest) > LINE_BYTES:
            raise EngineError(f"it said more than {LINE_BYTES} bytes without a line's end: JSON Lines are expected")
        yield from (line for line in whole if line.strip())

    def _check_end(self) -> None:
        try:
            code = self._process.wait(max(0.1, self._until - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise EngineError(self._hung(ended=True)) from None
        self._kill()  # what it started and left behind
        if code:
            self._last_words()
            how = f"exit code {code}" if code > 0 else f"signal {signal.Signals(-code).name}"
            said = self._stderr.decode("utf-8", "replace").strip().splitlines()
            raise EngineError(
                f"it ended with {how} after {self._heard_s:.1f} s of the sound{f': {said[-1]}' if said else ''}"
            )

    def _kill(self) -> None:
        """Kill its session, once: its number may be another's later."""
        if not self._over:
            self._over = True
            with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS: all that is left has ended
                os.killpg(self._process.pid, signal.SIGKILL)

    def _last_words(self) -> None:
        """Take what still lies in the pipe of errors, if anything."""
        stream = _pipe(self._process.stderr)
        with contextlib.suppress(BlockingIOError):
            while data := os.read(stream.fileno(), LINE_BYTES):
                self._stderr = (self._stderr + data)[-STDERR_BYTES:]

    @property
    def _heard_s(self) -> float:
        return (self._given - self._unread) / 2 / SAMPLE_RATE

    @property
    def _unread(self) -> int:
        """Bytes that lie in the pipe to it; 0 where nobody can tell."""
        stdin = self._process.stdin
        with contextlib.suppress(OSError):
            if stdin is not None and not stdin.closed:
                return int.from_bytes(fcntl.ioctl(stdin.fileno(), termios.FIONREAD, bytes(4)), sys.byteorder)
        return 0

    def _hung(self, *, ended: bool) -> str:
        what = f"took no more sound after {self._heard_s:.1f} s"
        if ended:
            what = f"did not {'end' if self._closing else 'answer'} after the sound had ended"
        return f"it {what}, for {self._limit_s:g} s, and was killed: give it longer with --limit, or mend it"


def _deserted(pipe: IO[bytes]) -> bool:
    """Whether nobody can read from a pipe any more."""
    poll = select.poll()
    poll.register(pipe, 0)
    return bool(poll.poll(0))


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise EngineError("it has no pipes")
    return stream
