"""A peer that is none: it speaks as one, and does what its first word says. Standard library only."""

import json
import os
import sys
import time

STDIN = sys.stdin.buffer
SCORES = {"step": 1600, "origin": 0, "floor": 0.2}
BAD = -1
"""A first sample that makes it fail in the way of its second word."""


def say(record):
    print(json.dumps(record), flush=True)


def recording():
    """Return the samples of the next recording."""
    samples = []
    while True:
        head = STDIN.read(4)
        if not head:
            raise SystemExit
        count = int.from_bytes(head, "little")
        if not count:
            return samples
        samples += memoryview(STDIN.read(count)).cast("h")


def answer(kind, samples):
    """Digits of thousands, one each 0.1 s, are scores; or settings that say "a" then; or the events of a plain one."""
    digits = [sample // 1000 for sample in samples[:: SCORES["step"]]]
    if kind == "scores":
        say({"scores": [[one / 10, 0] for one in digits]})
        return
    for step, digit in enumerate(digits):
        for setting in range(1, digit + 1):
            say({"at_s": (step + 1) / 10, "word": "a", "score": setting / 10})
    if kind == "plain":
        say({"at_s": 0, "word": "pid", "score": os.getpid()})


def misbehave(how):
    if how == "crash":
        raise SystemExit("the model is broken")
    if how == "hang":
        time.sleep(60)
    elif how == "leave":
        os._exit(0)
    else:
        print(how, flush=True)


def main(how, *rest):
    if how == "unusable":
        say({"unusable": "it is not installed: pip install it"})
    elif how == "nonsense":
        print("hello", flush=True)
    elif how == "broken":
        raise SystemExit("ModuleNotFoundError: No module named 'ctypes'")
    elif how == "asleep":
        time.sleep(60)
    elif how == "high":
        say({"thresholds": {"a": 3}, "about": {}, "kind": SCORES})
    if how not in ("plain", "scores", "settings", "moody"):
        return
    kind = {"scores": SCORES, "settings": {"settings": [one / 10 for one in range(1, 10)]}}.get(how, {})
    about = {"telemetry": os.environ.get("ORT_DISABLE_TELEMETRY")}
    if how == "moody":  # another version each time it starts
        about["version"] = time.monotonic()
    say({"thresholds": {"a": 0.5, "pid": 0.5}, "about": about, "kind": kind})
    while True:
        samples = recording()
        if samples[0] == BAD:
            misbehave(rest[0])
        answer(how, samples)
        say({"heard": len(samples)})


main(*sys.argv[1:])
