"""How long after the end of the word the event comes, ours beside our peers' on the same recordings.

    python benchmarks/latency.py --data DIR --peers PYTHON --out benchmarks/results/latency.json

DIR holds ``wake_words/index.csv`` (path, wake_word, start_s, end_s). PYTHON is that of an environment with
``pymicro-wakeword``, ``openwakeword==0.5.1`` and ``pvporcupine==1.9.5``; without ``--peers`` only we run.

Four parts, each on one long track of recordings with 1.5 s of soft noise between them (``--parts`` chooses some):

- ``files``: every recording, as fast as it is taken. An event comes when the engine has been given all the sound that
  it wanted before it said so: what it waits for, no computing.
- ``pre_roll``: the same recordings, ours alone: whether what would be released begins before the word does.
- ``paced``: some recordings of each word, no faster than they were spoken, to all engines at once through pipes (ours
  is ``wakegate listen --input - --json``), by the wall clock, until the line is there.
- ``pulse``: the same, played into PulseAudio's null sink; ours is ``wakegate listen --json`` on its monitor, the peers
  get what a second microphone of ours reads. Zero is when the word's end reached a recorder that asks for 10 ms.

An event belongs to a word from its start to 1.5 s after its end; the first counts. Nothing else is counted here: false
accepts and misses are in `six_words.py`. Latency below zero: the word was known before its labelled end.
"""

import argparse
import csv
import json
import os
import platform
import shlex
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from latency_engines import OURS, PEERS, RATE, WORDS, Child, child, listener
from latency_track import GAP_S, LATE_S, Spoken, Track, chosen, matched, quantiles, table, track

HERE = Path(__file__).resolve().parent
PRE_ROLL_S = 0.5


def files(whole: Track, names: Sequence[str], peers: str | None) -> dict[str, Any]:
    """Measure all recordings, as fast as they are taken."""
    found: dict[str, list[dict[str, Any] | None]] = {}
    for name in names:
        with tempfile.TemporaryDirectory() as home:
            engine = child(name, peers, home)
            for at in range(0, len(whole.samples), RATE):
                engine.give(whole.samples[at : at + RATE].tobytes())
            engine.end()
        events = [(told["at"] / RATE, told) for _, told in engine.said]
        found[name] = matched(whole, events, [one.end / RATE for one in whole.spoken])
    return table(whole, found)


def pre_roll(whole: Track, names: Sequence[str], peers: str | None) -> dict[str, Any]:
    """Measure, on all recordings, how long before a word's labelled start the sound begins that would be released.

    Where it begins after the label, something is cut off: how loud that is, and which engines know the word without it,
    says whether it can be of the word.
    """
    with tempfile.TemporaryDirectory() as home:
        engine = child(OURS, peers, home)
        for at in range(0, len(whole.samples), RATE):
            engine.give(whole.samples[at : at + RATE].tobytes())
        engine.end()
    events = [(told["at"] / RATE, told) for _, told in engine.said]
    heard = matched(whole, events, [one.end / RATE for one in whole.spoken])
    before, cut = [], []
    for one, told in zip(whole.spoken, heard, strict=True):
        if told is not None:
            first = told["start"] - round(PRE_ROLL_S * RATE)
            before.append((one.start - first) / RATE)
            if first > one.start:
                lost, word = (loudest_db(whole.samples[a:b]) for a, b in ((one.start, first), (first, one.end)))
                whole_word, left = (part(whole, one, begin) for begin in (one.start, first))
                knew = [name for name in names if knows(name, whole_word, peers)]
                cut.append(
                    {
                        "path": one.path, "cut_off_s": round(-before[-1], 3),
                        "db_below_the_word": round(word - lost, 1),
                        "left_s": round((one.end - first) / RATE, 3), "known_by": knew,
                        "known_without_it_by": [name for name in knew if knows(name, left, peers)],
                    }
                )  # fmt: skip
    return {
        "seconds": round(len(whole.samples) / RATE), "pre_roll_s": PRE_ROLL_S, "words_heard": len(before),
        "sound_before_the_labelled_start_s": quantiles(before), "labelled_start_cut_off": cut,
    }  # fmt: skip


def part(whole: Track, one: Spoken, begin: int) -> Track:
    """Return one word of a track from a sample on, between two silences."""
    import numpy as np

    silence = np.zeros(round(GAP_S * RATE), np.int16)
    samples = np.concatenate([silence, whole.samples[begin : one.end], silence])
    return Track(samples, [Spoken(one.word, len(silence), len(silence) + one.end - begin)])


def knows(name: str, said: Track, peers: str | None) -> bool:
    """Whether an engine knows the one word of a track."""
    return bool(files(said, list({OURS, name}), peers)["engines"][name]["heard"])


def loudest_db(samples: Any) -> float:
    """Return the level of the loudest 50 ms of samples (n,) int16, in dB."""
    import numpy as np

    size = RATE // 20
    pieces = [samples[at : at + size].astype(np.float64) for at in range(0, max(1, len(samples) - size // 2), size)]
    return 10 * float(np.log10(max(np.mean(piece**2) for piece in pieces) + 1e-9))


def paced(some: Track, names: Sequence[str], peers: str | None) -> dict[str, Any]:
    """Measure some recordings, as they are spoken, all engines at once."""
    with tempfile.TemporaryDirectory() as home:
        engines = [listener(home, "--input", "-"), *(child(name, peers, home) for name in names if name != OURS)]
        piece, began = RATE // 50, time.monotonic()
        for at in range(0, len(some.samples), piece):
            data = some.samples[at : at + piece].tobytes()
            time.sleep(max(0.0, began + (at + len(data) // 2) / RATE - time.monotonic()))
            for engine in engines:
                engine.give(data)
        return by_the_clock(some, engines, [began + one.end / RATE for one in some.spoken])


def pulse(some: Track, names: Sequence[str], peers: str | None) -> dict[str, Any]:
    """Measure some recordings, played into a sound server."""
    import soundfile

    with tempfile.TemporaryDirectory() as home:
        script = str(HERE.parent / ".ci" / "pulse.sh")
        with Path(home, "script.log").open("wb") as log:
            said = subprocess.run(
                [script, "start", home], stdout=subprocess.PIPE, stderr=log, text=True, check=True
            ).stdout
        os.environ.update(part.split("=", 1) for line in said.splitlines() for part in shlex.split(line))
        try:
            engines = [listener(home), *(child(name, peers, home) for name in names if name != OURS)]
            soundfile.write(Path(home, "track.wav"), some.samples, RATE)
            recorder, shared = Recorder(), Shared(engines[1:])
            time.sleep(1)
            subprocess.run(["paplay", "--latency-msec=50", str(Path(home, "track.wav"))], check=True)
            time.sleep(2)
            shared.end()
            found = by_the_clock(some, engines, recorder.end(some))
            return {**found, "gaps_in_our_sound": engines[0].gaps, "gaps_in_the_peers_sound": shared.lost}
        finally:
            subprocess.run([script, "stop", home], check=False, stderr=subprocess.DEVNULL)


class Recorder:
    """Records the sink with as little delay as it gives, and notes when each piece came."""

    def __init__(self) -> None:
        command = ["parec", "--raw", "--rate=16000", "--channels=1", "--format=s16le", "--latency-msec=10"]
        self._process = subprocess.Popen([*command, "--device=wakegate.monitor"], stdout=subprocess.PIPE)
        self._data, self._came = bytearray(), list[tuple[int, float]]()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        while data := os.read(self._process.stdout.fileno(), 4096):
            self._data += data
            self._came.append((len(self._data) // 2, time.monotonic()))

    def end(self, some: Track) -> list[float]:
        """Return when each word's end was there: where it lies in what was recorded, by the quickest pieces near it."""
        import numpy as np

        self._process.terminate()
        self._process.wait(10)
        self._thread.join(10)
        assert self._process.stdout is not None
        self._process.stdout.close()
        heard = np.frombuffer(bytes(self._data[: len(self._data) // 2 * 2]), np.int16).astype(np.float64)
        lag = found_at(heard, some.samples)
        counts, times = (np.array(column) for column in zip(*self._came, strict=True))
        ends = []
        for one in some.spoken:
            near = max(0, lag + one.start - RATE)
            begin = near + found_at(heard[near : lag + one.end + RATE], some.samples[one.start : one.end])
            at = begin + one.end - one.start
            close = np.abs(counts - at) < RATE
            ends.append(float(np.min((times - counts / RATE)[close])) + at / RATE)
        return ends


def found_at(heard: Any, piece: Any) -> int:
    """Return where a piece lies in what was heard, both (n,), by cross-correlation."""
    import numpy as np

    size = 1 << (len(heard) + len(piece)).bit_length()
    both = np.fft.rfft(heard, size) * np.conj(np.fft.rfft(piece.astype(np.float64), size))
    return int(np.argmax(np.fft.irfft(both)[: len(heard)]))


class Shared:
    """A microphone of ours whose sound goes to the peers, 10 ms at a time; ``lost`` says how often it had a gap."""

    def __init__(self, engines: Sequence[Child]) -> None:
        import numpy as np

        from wakegate.audio.microphone import Microphone

        self._source, self._over, self.lost = Microphone(), False, 0
        self._engines, self._out = engines, np.empty(160, np.int16)
        self._thread = threading.Thread(target=self._pass, daemon=True)
        self._thread.start()

    def _pass(self) -> None:
        while not self._over:
            reading = self._source.read(self._out)
            self.lost += reading.gap is not None
            for engine in self._engines:
                engine.give(self._out[: reading.count].tobytes())

    def end(self) -> None:
        """Close the microphone."""
        self._over = True
        self._thread.join(10)
        self._source.close()


def by_the_clock(some: Track, engines: Sequence[Child], ends: Sequence[float]) -> dict[str, Any]:
    """End the engines and return what they said, by when it came."""
    for engine in engines:
        engine.end()
    return table(some, {engine.name: matched(some, engine.said, ends) for engine in engines})


def show(part: str, result: Mapping[str, Any]) -> None:
    """Print a part."""
    print(f"{part}: {result['seconds']} s")
    if part == "pre_roll":
        print("\n".join(f"  {name}: {value}" for name, value in result.items()))
        return
    for name, engine in result["engines"].items():
        at = {key: f"{1000 * value:5.0f}" for key, value in engine["latency_s"].items()}
        heard = f"{engine['heard']} of {engine['words']}"
        print(f"  {name:<18} p50 {at.get('p50')} ms  p99 {at.get('p99')} ms   heard {heard}")
    for name in ("gaps_in_our_sound", "gaps_in_the_peers_sound"):
        if result.get(name):
            print(f"  {name.replace('_', ' ')}: {result[name]}, so this machine is too busy to measure on")
    for name, pair in result["on_the_same_words"].items():
        ours_ms, theirs_ms = (f"{1000 * pair[who]['p50']:.0f}" for who in ("ours", "theirs"))
        print(f"  the {pair['words']} words that {name} heard too: ours {ours_ms} ms, {name} {theirs_ms} ms")


def conditions(args: argparse.Namespace) -> dict[str, Any]:
    """Return what the figures rest on."""
    from wakegate.wake import load

    manifest = load(WORDS).manifest
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    cpu = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())
    return {
        "command": "python benchmarks/latency.py --data DIR --peers PYTHON", "machine": platform.machine(), "cpu": cpu,
        "cores": os.cpu_count(),
        "python": platform.python_version(), "model": manifest.name, "model_sha256": manifest.sha256,
        "chunk_ms": 1000 * manifest.chunk // RATE, "gap_s": GAP_S, "event_up_to_s_after_the_word": LATE_S,
        "each_word_live": args.each, "peers": PEERS if args.peers else {},
        "note": "our model has learned from these people; peers may have too. Labels of ends are within some 50 ms.",
    }  # fmt: skip


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder with wake_words/index.csv")
    parser.add_argument("--peers", help="Python of an environment with the peers")
    parser.add_argument("--parts", default="files,pre_roll,paced,pulse", help="which of them (default: %(default)s)")
    parser.add_argument(
        "--each", type=int, default=6, help="recordings of a word that are played (default: %(default)s)"
    )
    parser.add_argument("--most", type=int, help="at most so many recordings in `files` and `pre_roll`, for a trial")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    with (args.data / "wake_words" / "index.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    names = [OURS, *(PEERS if args.peers else ())]
    result: dict[str, Any] = {"conditions": conditions(args)}
    for part in args.parts.split(","):
        run = {"files": files, "pre_roll": pre_roll, "paced": paced, "pulse": pulse}[part]
        every = rows[:: max(1, len(rows) // args.most)] if args.most else rows
        own = every if part in ("files", "pre_roll") else chosen(rows, args.each)
        load = [round(one, 2) for one in os.getloadavg()]
        result[part] = {**run(track(args.data, own), names, args.peers), "load_average_before": load}
        show(part, result[part])
        if args.out:
            before = json.loads(args.out.read_text()) if args.out.exists() else {}
            args.out.write_text(json.dumps({**before, **result}, indent=1) + "\n")


if __name__ == "__main__":
    main()
