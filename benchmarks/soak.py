"""Weeks of sound through one `wakegate listen`: whether it hears at the end what it heard first, and what it took.

    python benchmarks/soak.py --data DATA --days 21 --out benchmarks/results/soak.json

DATA holds ``background.csv`` and ``wake_words/index.csv``. One hour of its talk and noise, with each of the six words
twice, is said over and over to one process, through its standard input, faster than it was spoken; only the eight
seconds after a word are given at no more than a hundred times their speed, so that a reader of the released sound can
keep up. The person has opted in to ``assist``; a reader takes what is released and comes back every hour; a client of
the event socket comes, asks for the status and goes every hour; every day the process is told to read its config again
(SIGHUP).

The ceiling of 2,000 openings in 24 hours of the clock is reached after a week of sound: from then on every release is
refused, and what is told of later days is hearing, refusing and the journal.

Days are of sound. The wall clock runs a few hundred times slower, so nothing here shows what months of wall time do to
a microphone. The result is written after every day: who stops it early keeps what was measured.
"""

import argparse
import csv
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from home_assistant.services import WAKEGATE, consent, surroundings
from numpy.typing import NDArray

RATE = 16_000
HOUR = 3600 * RATE
AFTER_S, SPEED = 8, 100
CONFIG = "[limits]\nopenings_a_day = 2000\n"


def an_hour(data: Path, seed: int = 1) -> tuple[NDArray[np.int16], list[int]]:
    """Return an hour of talk and noise with twelve words in it, (HOUR,) int16, and where each word ends."""
    rng = np.random.default_rng(seed)
    with (data / "background.csv").open(newline="") as file:
        paths = [row["path"] for row in csv.DictReader(file) if row["source"] != "drama"]
    rng.shuffle(paths)
    sound, at = np.zeros(HOUR, np.int16), 0
    for path in paths:
        piece, rate = soundfile.read(data / path, dtype="int16")
        if rate == RATE and piece.ndim == 1:
            piece = piece[: HOUR - at]
            sound[at : at + len(piece)] = piece
            at += len(piece) + int(rng.integers(RATE))
        if at >= HOUR:
            break
    with (data / "wake_words" / "index.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    ends = []
    for number, word in enumerate(sorted({row["wake_word"] for row in rows}) * 2):
        row = rng.choice([row for row in rows if row["wake_word"] == word])
        piece, _ = soundfile.read(data / row["path"], dtype="int16")
        begin = (number * 290 + 30) * RATE
        sound[begin - RATE : begin + len(piece) + 6 * RATE] //= 50
        sound[begin : begin + len(piece)] = piece
        ends.append(begin + round(float(row["end_s"]) * RATE))
    return sound, ends


class Reader(threading.Thread):
    """An assistant that takes what is released, and comes anew when told to."""

    def __init__(self, path: Path) -> None:
        super().__init__(daemon=True)
        self.path, self.taken, self._own = path, 0, None
        self.start()

    def run(self) -> None:
        """Read, for as long as there is somebody to read from."""
        while True:
            try:
                with socket.socket(socket.AF_UNIX) as own:
                    own.connect(str(self.path))
                    self._own = own
                    while data := own.recv(65_536):
                        self.taken += len(data)
            except OSError:
                pass
            time.sleep(0.05)

    def anew(self) -> None:
        """Hang up."""
        try:
            if self._own is not None:
                self._own.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


class Listener:
    """`wakegate listen` and what it says."""

    def __init__(self, home: Path) -> None:
        consent(home, "grant")
        (config := home / "wakegate.toml").write_text(CONFIG)
        self.assist, self.events = home / "assist.sock", home / "events.sock"
        command = [*WAKEGATE, "listen", "--input", "-", "--json", "--config", str(config)]
        command += ["--assist", f"unix:{self.assist}", "--events", f"unix:{self.events}"]
        clean = {name: value for name, value in surroundings(home).items() if not name.startswith("OPENBLAS")}
        self.errors = (home / "stderr").open("w+")
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=self.errors, env=clean)
        self.kinds, self.wakes = Counter[str](), list[dict[str, Any]]()
        self._thread = threading.Thread(target=self._hear, daemon=True)
        self._thread.start()

    def _hear(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            told = json.loads(line)
            self.kinds[told["kind"]] += 1
            if told["kind"] == "wake":
                self.wakes.append(told)

    def say(self, sound: NDArray[np.int16], ends: list[int]) -> None:
        """Give it an hour."""
        assert self.process.stdin is not None
        piece, at = RATE // 10, 0
        while at < len(sound):
            slow = any(end - RATE <= at < end + AFTER_S * RATE for end in ends)
            size = piece if slow else 10 * RATE
            if slow:
                time.sleep(size / RATE / SPEED)
            else:
                size = min([size, *(end - RATE - at for end in ends if end - RATE > at)])
            self.process.stdin.write(sound[at : at + size].tobytes())
            at += size
        self.process.stdin.flush()

    def state(self) -> dict[str, Any]:
        """Return its memory, threads, descriptors and CPU seconds."""
        proc = Path(f"/proc/{self.process.pid}")
        said = dict(line.split(":", 1) for line in (proc / "status").read_text().splitlines())
        ticks = (proc / "stat").read_text().rsplit(")", 1)[1].split()[11:13]
        return {
            "memory_mb": round(int(said["VmRSS"].split()[0]) / 1024, 2),
            "threads": int(said["Threads"]),
            "descriptors": len(list((proc / "fd").iterdir())),
            "cpu_s": round(sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK"), 1),
        }

    def ask(self) -> None:
        """Come to the event socket, ask for the status, wait for the answer, go."""
        with socket.socket(socket.AF_UNIX) as own:
            own.settimeout(30)
            own.connect(str(self.events))
            own.sendall(b'{"command": "status"}\n')
            with own.makefile("rb") as lines:
                if not any(json.loads(line)["kind"] == "reply" for line in lines):
                    raise RuntimeError("the event socket hung up before it answered")


def place(wake: dict[str, Any]) -> tuple[str, int, float]:
    """Return what one wake has in common with the same word an hour before: word, samples into the hour, score."""
    return wake["word"], wake["start"] % HOUR, wake["score"]


def main() -> None:
    """Say it, and write down what came of it after every day."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--days", type=int, default=21)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    sound, ends = an_hour(args.data)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        listener = Listener(home)
        reader = Reader(listener.assist)
        days: list[dict[str, Any]] = []
        first: set[tuple[str, int, float]] = set()
        began = time.monotonic()
        for day in range(1, args.days + 1):
            before = Counter(listener.kinds)
            for _ in range(24):
                listener.say(sound, ends)
                listener.ask()
                reader.anew()
            listener.process.send_signal(signal.SIGHUP)
            time.sleep(1)
            heard, listener.wakes = listener.wakes, []
            first = first or {place(one) for one in heard}
            days.append(
                {
                    "day": day, **listener.state(),
                    "wakes": Counter(one["word"] for one in heard),
                    "unlike_the_first_day": sum(place(one) not in first for one in heard),
                    "last_sample": heard[-1]["end"] if heard else None,
                    "events": dict(listener.kinds - before),
                    "released_mb": round(reader.taken / 1e6, 1),
                    "journal_kb": sum(p.stat().st_size for p in (home / "state").rglob("*") if p.is_file()) // 1024,
                    "wall_s": round(time.monotonic() - began),
                }
            )  # fmt: skip
            print(json.dumps(days[-1]), flush=True)
            if args.out:
                about = {
                    "command": "python benchmarks/soak.py --data DATA --days N", "python": sys.version.split()[0],
                    "words_an_hour": len(ends), "load_average": [round(one, 1) for one in os.getloadavg()],
                }  # fmt: skip
                args.out.write_text(json.dumps({"conditions": about, "days": days}, indent=1) + "\n")
        assert listener.process.stdin is not None
        listener.process.stdin.close()
        listener.process.wait(60)
        listener.errors.seek(0)
        print(f"ended with {listener.process.returncode}; stderr:\n{listener.errors.read()[-2000:]}")


if __name__ == "__main__":
    main()
