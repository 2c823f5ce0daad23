"""The one-shot process that encrypts one clip and exits; run as a script, with nothing of wakegate in it.

Owns the only clear copy of a clip outside the Ring, for some tens of milliseconds. Reads from stdin one line of age
recipients, then the clip; writes the age file to stdout. Must never import the package, read a file, say anything
about the clip, or live longer than the process that started it.

It exists because every encryption library at hand copies its input into memory that nobody can wipe: here the whole
memory goes with the process (measured: privacy.md, findings 3 and 4). Its argument is ``pyrage``, or the path of the
``age`` command, which does the same in a process of its own that dies with this one.
"""

import ctypes
import os
import resource
import signal
import subprocess
import sys

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE = 1, 4
_NO_RECIPIENT, _FAILED = 3, 4


def main(tool: str) -> int:
    """Encrypt stdin to stdout; 0 when all of it is on disk, 3 where a recipient is not valid, 4 where age failed."""
    libc = ctypes.CDLL(None)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    libc.prctl(_PR_SET_DUMPABLE, 0)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    code = _by_pyrage() if tool == "pyrage" else _by_age(tool, libc)
    if code == 0:
        os.fsync(1)
    return code


def _by_pyrage() -> int:
    import pyrage  # after the process is undumpable

    line, _, clip = sys.stdin.buffer.read().partition(b"\n")
    try:
        recipients = [pyrage.x25519.Recipient.from_str(key) for key in line.decode().split()]
    except pyrage.RecipientError:
        return _NO_RECIPIENT
    if not recipients:  # invariant 9: to the grant's keys and to nobody else
        return _NO_RECIPIENT
    sealed = memoryview(pyrage.encrypt(clip, recipients))
    while sealed:
        sealed = sealed[os.write(1, sealed) :]
    return 0


def _by_age(command: str, libc: ctypes.CDLL) -> int:
    """Let age read the clip from where it lies; it gets the recipients through a pipe, so that no list shows them."""
    line = bytearray()
    while (byte := os.read(0, 1)) not in (b"\n", b""):  # not one byte of the clip is read here
        line += byte
    keys = line.decode().split()
    if not keys or not all(key.startswith("age1") for key in keys):  # invariant 9
        return _NO_RECIPIENT
    out, into = os.pipe()
    os.write(into, "\n".join(keys).encode())  # eight keys at most: less than a pipe holds
    os.close(into)
    done = subprocess.run(
        [command, "-R", f"/proc/self/fd/{out}"],
        stdin=0,
        stdout=1,
        stderr=subprocess.DEVNULL,
        pass_fds=(out,),
        env={},
        cwd="/",
        preexec_fn=lambda: libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL),  # one thread here
        check=False,
    )
    return _FAILED if done.returncode else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
