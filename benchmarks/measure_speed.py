"""How fast `wakegate measure` is: hours of audio a CPU second for each engine, and what the harness itself costs.

    python benchmarks/measure_speed.py [--engine ENGINE ...] [--sound FILE] [--minutes 10] [--rounds 3] [--out F]

ENGINE is as for `wakegate measure`; ours if none is given. Every figure is CPU time, user and system, the engine's own
processes included, taken in a process of its own with one core, imports and loading excluded. Each engine hears the
same sound in two ways, `alone`, from samples that lie in memory, and `measured`, through all that `measure` does in one
process (reading a WAV, dispatch, cache): once as one file and once cut into files of ten seconds, each a stream of its
own. Rounds are interleaved, and overhead is the median of the ratios within a round: measured / alone - 1. The OPENBLAS
variables are taken out of the environment: they slow numpy down. Compare rows of one run only.
"""

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

HERE = Path(__file__).resolve().parent
RATE = 16_000
WAYS = ("alone file", "measured file", "alone small", "measured small")
SMALL_S = 10


def cpu_s() -> float:
    """Return what this process and its ended children have used."""
    mine, theirs = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return mine.ru_utime + mine.ru_stime + theirs.ru_utime + theirs.ru_stime


def living_s() -> float:
    """Return what children that still run have used."""
    import psutil

    total = 0.0
    for one in psutil.Process().children(recursive=True):
        times = one.cpu_times()
        total += times.user + times.system
    return total


def prepared(spec: str, way: str, folder: Path) -> Callable[[], None]:
    """Return what is measured: an engine over the sound of a folder."""
    import numpy as np
    import soundfile

    from wakegate.measure import corpus
    from wakegate.measure.listening import worker
    from wakegate.measure.listening.cache import Cache
    from wakegate.measure.listening.pool import Pool
    from wakegate.measure.listening.run import listen

    maker = worker.Maker(spec=spec)
    engine = maker.engine()
    about = worker.digest(engine)
    how, size = way.split()
    read = corpus.read(folder / size)
    sounds = [soundfile.read(one.audio, dtype="int16")[0] for one in read.recordings]
    engine.hear([np.zeros(RATE, np.int16)])  # loads whatever is loaded late

    def alone() -> None:
        for sound in sounds:
            engine.hear(sound[at : at + RATE] for at in range(0, len(sound), RATE))

    def through() -> None:
        hearings = listen(maker, about, read, Pool(1), Cache(folder / "out", about, fresh=True), lambda *_: None)
        assert not any(one.failure for one in hearings), hearings[0].failure

    if how == "alone":
        return alone
    with Pool(1) as pool:  # what is loaded late, here too; and the worker's engine
        one = replace(read.recordings[0], length=RATE)
        listen(maker, about, replace(read, recordings=(one,)), pool, Cache(folder / "out", about), lambda *_: None)
    return through


def child(spec: str, way: str, folder: Path) -> None:
    """Measure one engine in one way and print what it cost."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    run = prepared(spec, way, folder)
    before, begun = cpu_s() + living_s(), time.monotonic()
    run()
    print(json.dumps({"cpu_s": cpu_s() + living_s() - before, "wall_s": time.monotonic() - begun}))


def measure(spec: str, way: str, folder: Path) -> dict[str, float]:
    """Run one engine in one way in a process of its own."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("OPENBLAS")}
    clean |= {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(HERE.parent)}
    words = [sys.executable, __file__, "--child", way, "--engine", spec, "--sound", str(folder)]
    done = subprocess.run(words, env=clean, check=False, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(f"{spec} failed, {way}: see above")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def laid_out(sound: Path, minutes: float, folder: Path) -> float:
    """Write the sound as one file and as many; return its hours."""
    import numpy as np
    import soundfile

    samples, rate = soundfile.read(sound, dtype="int16")
    assert (rate, samples.ndim) == (RATE, 1), "give 16 kHz mono"
    samples = np.resize(samples, int(minutes * 60 * RATE))
    for name in ("file", "small"):
        (folder / name).mkdir()
    soundfile.write(folder / "file" / "sound.wav", samples, RATE)
    for number, at in enumerate(range(0, len(samples), SMALL_S * RATE)):
        soundfile.write(folder / "small" / f"{number:05}.wav", samples[at : at + SMALL_S * RATE], RATE)
    return len(samples) / RATE / 3600


def summary(spec: str, runs: list[dict[str, dict[str, float]]], hours: float) -> dict[str, object]:
    """Return one engine's row; ``runs`` has the ways of each round."""
    speeds = [hours / one["measured file"]["cpu_s"] for one in runs]
    over = {
        size: round(100 * (statistics.median(_ratio(one, size) for one in runs) - 1), 1) for size in ("file", "small")
    }
    return {
        "engine": spec,
        "hours_per_cpu_s": {
            name: float(f"{how(speeds):.3g}")
            for name, how in (("min", min), ("median", statistics.median), ("max", max))
        },
        "times_real_time_one_core": round(
            statistics.median(hours * 3600 / one["measured file"]["wall_s"] for one in runs)
        ),
        "overhead_percent": over,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", action="append", help="as for `wakegate measure`; give several")
    parser.add_argument("--sound", type=Path, help="16 kHz mono, repeated or cut; the tests' own if not given")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--out", type=Path, help="write it too")
    parser.add_argument("--child", choices=WAYS, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        return child(args.engine[0], args.child, args.sound)
    engines = args.engine or ["wakegate"]
    runs: dict[str, list[dict[str, dict[str, float]]]] = {spec: [] for spec in engines}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        hours = laid_out(args.sound or HERE.parent / "tests" / "data" / "six_words.flac", args.minutes, folder)
        for _ in range(args.rounds):
            for spec in engines:
                runs[spec].append({way: measure(spec, way, folder) for way in WAYS})
    rows = [summary(spec, found, hours) for spec, found in runs.items()]
    conditions = {
        "command": ["python", "benchmarks/measure_speed.py", *sys.argv[1:]], "minutes": args.minutes,
        "rounds": args.rounds, "machine": platform.machine(), "cpu": _cpu(), "cores": os.cpu_count(),
        "load_1_min": os.getloadavg()[0], "python": platform.python_version(),
    }  # fmt: skip
    text = json.dumps({"conditions": conditions, "engines": rows}, indent=1)
    if args.out:
        args.out.write_text(text + "\n")
    if args.json:
        print(text)
        return None
    for row in rows:
        speed, over = row["hours_per_cpu_s"], row["overhead_percent"]
        print(f"{row['engine']}: {speed['median']} h of audio a CPU second ({speed['min']} to {speed['max']}), harness "
              f"{over['file']:+} %, with files of {SMALL_S} s {over['small']:+} %")  # fmt: skip
    return None


def _ratio(ways: dict[str, dict[str, float]], size: str) -> float:
    return ways[f"measured {size}"]["cpu_s"] / ways[f"alone {size}"]["cpu_s"]


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())


if __name__ == "__main__":
    main()
