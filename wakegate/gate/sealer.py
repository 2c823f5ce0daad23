"""The one-shot process that encrypts one clip and exits; run as a script, with nothing of wakegate in it.

Owns the only clear copy of a clip outside the Ring, for some tens of milliseconds. Reads from stdin one line of age
recipients, then the clip; writes the age file to stdout. Must never import the package, read a file, say anything
about the clip, or live longer than the process that started it.

It exists because every encryption library at hand copies its input into memory that nobody can wipe: here the whole
memory goes with the process (measured: privacy.md, findings 3 and 4).
"""

import ctypes
import os
import resource
import signal
import sys

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE = 1, 4


def main() -> int:
    """Encrypt stdin to stdout; 0 when all of it is on disk, 3 where there is no valid recipient."""
    libc = ctypes.CDLL(None)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    libc.prctl(_PR_SET_DUMPABLE, 0)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    import pyrage  # after the process is undumpable

    line, _, clip = sys.stdin.buffer.read().partition(b"\n")
    try:
        recipients = [pyrage.x25519.Recipient.from_str(key) for key in line.decode().split()]
    except pyrage.RecipientError:
        return 3
    if not recipients:  # invariant 9: to the grant's keys and to nobody else
        return 3
    sealed = memoryview(pyrage.encrypt(clip, recipients))
    while sealed:
        sealed = sealed[os.write(1, sealed) :]
    os.fsync(1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
