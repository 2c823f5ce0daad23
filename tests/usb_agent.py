"""Runs commands in a virtual machine for a test outside: a line of JSON in, a line out, one after the other.

Owns the machine's end of one serial port. Never decides anything: ``{"id": 1, "words": [...], "within": seconds}`` is
run as root, and ``{"id": 1, "code": 0, "out": "", "err": ""}`` is what came of it, wanted or not.
"""

import json
import subprocess
import sys
import time


def run(words: list[str], within: float) -> dict[str, object]:
    try:
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=within,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return {"code": -1, "out": "", "err": str(error)}
    return {"code": done.returncode, "out": done.stdout, "err": done.stderr}


def main() -> None:
    with open(sys.argv[1], "r+b", buffering=0) as port:
        line = b""
        while True:
            more = port.read(1)  # a byte at a time: what the port has is never waited beyond
            if not more:  # nobody is at the other end
                time.sleep(0.1)
            line += more
            if line.endswith(b"\n"):
                asked = json.loads(line)
                line = b""
                answer = {"id": asked["id"], **run(asked["words"], asked["within"])}
                whole = json.dumps(answer).encode() + b"\n"
                while whole:
                    whole = whole[port.write(whole) :]


if __name__ == "__main__":
    main()
