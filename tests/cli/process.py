"""The real command in a process of its own, with a home of its own; and sounds to give it."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import numpy as np
import soundfile

from wakegate.place import Place

ROOT = Path(__file__).parents[2]
RATE = 16_000
SIX_WORDS = ROOT / "tests" / "data" / "six_words.flac"
SCENE = ROOT / "wakegate" / "cli" / "scene.flac"
# A shell's background jobs ignore Ctrl-C, and so would what they start.
RUN = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from wakegate.cli import main
sys.exit(main())
"""


def environment(home: Path) -> dict[str, str]:
    """Everything of this user's lies below ``home``."""
    return {
        "HOME": str(home),
        "XDG_STATE_HOME": str(home / "state"),
        "XDG_CONFIG_HOME": str(home / "config"),
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "COLUMNS": "200",
    }


def place(home: Path) -> Place:
    """Where ``environment(home)`` keeps ledger and journal."""
    return Place(home / "state" / "wakegate")


def started(home: Path, *words: object, **more: object) -> "subprocess.Popen[bytes]":
    """Start the command with pipes."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(
        [sys.executable, "-c", RUN, *map(str, words)], env=environment(home), cwd=home, **{**pipes, **more}
    )


def command(home: Path, *words: object, stdin: bytes = b"", **more: object) -> "subprocess.CompletedProcess[bytes]":
    """Run the command to its end."""
    with started(home, *words, **more) as process:
        out, err = process.communicate(stdin, timeout=60)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def on_terminal(
    script: str,
    *words: str,
    cwd: Path,
    environment: dict[str, str],
    answer: bytes,
    early: bytes = b"",
    columns: int = 0,
) -> tuple[int, str]:
    """Run Python on a terminal of its own and answer its question; return the exit code and all that was shown.

    ``early`` is typed before anything is asked; a terminal of 0 columns does not say how wide it is.
    """
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(cwd)
        os.execve(sys.executable, [sys.executable, "-c", script, *words], environment)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("4H", 24, columns, 0, 0))
    os.write(terminal, early)
    shown, answered, end = b"", False, time.monotonic() + 60
    while time.monotonic() < end and select.select([terminal], [], [], 30)[0]:
        try:
            more = os.read(terminal, 65536)
        except OSError:
            break
        if not more:
            break
        shown += more
        if not answered and b"anything else" in shown:
            os.write(terminal, answer)
            answered = True
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.close(terminal)
    return code, shown.decode().replace("\r\n", "\n")


def typed(home: Path, answer: bytes, *words: str, columns: int = 0) -> tuple[int, str]:
    """Run the command :func:`on_terminal` in ``home``."""
    return on_terminal(RUN, *words, cwd=home, environment=environment(home), answer=answer, columns=columns)


def narrow() -> tuple[int, int]:
    """Return the ends of a pipe that holds 4096 bytes: what is read, what is written to."""
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    return reading, writing


def six_words() -> np.ndarray:
    """(n,) int16."""
    return soundfile.read(SIX_WORDS, dtype="int16")[0]


def bad_files(folder: Path) -> dict[str, Path]:
    """Files that are no sound, by what is wrong with them."""
    nan = np.zeros(2 * RATE, np.float32)
    nan[RATE] = np.nan
    soundfile.write(folder / "nan.wav", nan, RATE, subtype="FLOAT")
    soundfile.write(folder / "whole.wav", six_words()[: 4 * RATE], RATE)
    (folder / "truncated.wav").write_bytes((folder / "whole.wav").read_bytes()[: 2 * RATE])
    soundfile.write(folder / "no samples.wav", np.zeros(0, np.int16), RATE)
    (folder / "text.wav").write_text("this is no sound\n" * 100)
    (folder / "empty.flac").write_bytes(b"")
    (folder / "broken.flac").write_bytes(SIX_WORDS.read_bytes()[:5000])
    (folder / "folder.wav").mkdir()
    names = ["nan.wav", "truncated.wav", "no samples.wav", "text.wav", "empty.flac", "broken.flac", "folder.wav"]
    return {name: folder / name for name in [*names, "missing.wav"]}
