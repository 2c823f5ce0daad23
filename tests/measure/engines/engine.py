"""A program that can be measured, and does what its first word says. Standard library only: it must start quickly."""

import json
import os
import signal
import subprocess
import sys
import time

RATE = 16_000


def say(**record):
    print(json.dumps(record), flush=True)


def loud(score):
    """Say "beep" where the sound begins to be loud: blocks of 10 ms, whatever comes from the pipe."""
    held, at, quiet = b"", 0, True
    while data := sys.stdin.buffer.read(1 << 16):
        held += data
        while len(held) >= 320:
            block, held = held[:320], held[320:]
            high = max(map(abs, memoryview(block).cast("h")))
            at += 160
            if high > 8000 and quiet:
                say(at_s=at / RATE, word="beep", **({"score": high / 32768} if score else {}))
            quiet = high < 8000


def main(how, *rest):
    if how in ("loud", "plain"):
        loud(how == "loud")
    elif how == "nothing":
        sys.stdin.buffer.read()
    elif how == "say":  # the lines on the command line, then the sound
        print("\n".join(rest), flush=True)
        sys.stdin.buffer.read()
    elif how == "last":  # a line without an end
        sys.stdin.buffer.read()
        sys.stdout.write(rest[0])
    elif how == "crash":
        sys.stdin.buffer.read(2000)
        raise SystemExit("the model is broken")
    elif how == "die":
        sys.stdin.buffer.read(2000)
        os.kill(os.getpid(), signal.SIGSEGV)
    elif how == "leave":
        sys.stdin.buffer.read(2000)
    elif how == "hang":
        time.sleep(60)
    elif how == "linger":
        sys.stdin.buffer.read()
        time.sleep(60)
    elif how == "chatter":
        sys.stdin.close()
        while True:
            print("thinking", file=sys.stderr, flush=True)
            time.sleep(0.02)
    elif how == "endless":
        sys.stdout.write("x" * 200_000)
    elif how == "child":  # hangs in a child of its own
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        with open(rest[0], "w") as file:
            file.write(str(child.pid))
        time.sleep(60)
    elif how == "noisy":
        sys.stderr.write("warning\n" * 50_000)
        loud(True)


main(*sys.argv[1:])
