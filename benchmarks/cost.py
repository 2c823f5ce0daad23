"""What listening costs: CPU seconds per hour of audio and peak memory, ours beside our peers' on the same sound.

    python benchmarks/cost.py [--sound FILE.wav] [--minutes 10] [--rounds 3] [--peers PYTHON] [--microphone] [--out F]

Every engine runs in a process of its own, pinned to one core and one thread, fed 80 ms blocks as fast as it takes them;
CPU is user + system time around that loop, imports and loading excluded; memory is the process's peak, everything
included. Rounds are interleaved, so that a machine that slows down slows everybody. ``--peers`` is the Python of an
environment with ``pymicro-wakeword`` and ``openwakeword==0.5.1``; without it only we run. ``--microphone`` adds our
listening to the default microphone for as long as it takes, PortAudio included. The OPENBLAS variables are taken out of
the environment: they slow numpy down. ``by numpy`` is the engine for where onnxruntime has no wheel.
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
import threading
import time
import wave
from collections.abc import Callable
from functools import partial
from pathlib import Path

HERE = Path(__file__).resolve().parent
BLOCK = 1280
OURS = ("wakegate listen, six words", "wakegate detect, six words", "wakegate scorer alone, six words")
BY_NUMPY = ("wakegate listen by numpy, six words", "wakegate scorer alone by numpy, six words")
MICROPHONE = "wakegate listen, microphone"
MICROPHONE_S = 20
PEERS = ("pymicro-wakeword, alexa", "openwakeword 0.5.1, alexa")


def blocks(path: str) -> list[bytes]:
    """Return a 16 kHz mono WAV as blocks of 80 ms."""
    with wave.open(path) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16_000, 1, 2), "16 kHz mono 16 bit"
        data = file.readframes(file.getnframes())
    return [data[i : i + 2 * BLOCK] for i in range(0, len(data) - 2 * BLOCK + 1, 2 * BLOCK)]


def listen(path: str, engine: str | None = None) -> Callable[[], None]:
    """Ours: source, ring, scorer, detector, gate and journal, as a device runs them."""
    from wakegate import Pipeline, load, testing

    place = testing.place(Path(tempfile.mkdtemp()) / "state")
    pipeline = Pipeline.open(path, scorer=load(engine=engine), place=place)

    def run() -> None:
        for _ in pipeline:
            pass

    return run


def microphone(_: str) -> Callable[[], None]:
    """Ours: the default microphone, as long as it takes."""
    from wakegate import Pipeline, testing

    pipeline = Pipeline.open(None, place=testing.place(Path(tempfile.mkdtemp()) / "state"))

    def run() -> None:
        threading.Timer(MICROPHONE_S, pipeline.stop).start()
        for _ in pipeline:
            pass

    return run


def detect(path: str) -> Callable[[], None]:
    """Ours: a whole file."""
    from wakegate.audio.files import FileSource
    from wakegate.wake import Detector, load, sweep

    scorer = load()
    detector = Detector(scorer.manifest.detector_config(scorer.words))
    return lambda: [None for _ in sweep.candidates(scorer, detector, sweep.pieces(FileSource(path)))].clear()


def scorer_alone(path: str, engine: str | None = None) -> Callable[[], None]:
    """Ours: the model and nothing else, 80 ms at a time."""
    import numpy as np

    from wakegate.wake import load

    scorer, parts = load(engine=engine), [np.frombuffer(b, np.int16) for b in blocks(path)]

    def run() -> None:
        for part in parts:
            scorer.push(part)

    return run


def pymicro(path: str) -> Callable[[], None]:
    """Peer: pymicro-wakeword as its README feeds it."""
    from pymicro_wakeword import MicroWakeWord, MicroWakeWordFeatures, Model

    word, features, parts = MicroWakeWord.from_builtin(Model.ALEXA), MicroWakeWordFeatures(), blocks(path)

    def run() -> None:
        for part in parts:
            for made in features.process_streaming(part):
                word.process_streaming(made)

    return run


def openwakeword(path: str) -> Callable[[], None]:
    """Peer: openWakeWord's alexa by onnxruntime, 80 ms at a time."""
    import numpy as np
    import openwakeword
    from openwakeword.model import Model

    models = [p for p in openwakeword.get_pretrained_model_paths("onnx") if "alexa" in p]
    model = Model(wakeword_models=models, inference_framework="onnx")
    parts = [np.frombuffer(b, np.int16) for b in blocks(path)]

    def run() -> None:
        for part in parts:
            model.predict(part)

    return run


ENGINES: dict[str, Callable[[str], Callable[[], None]]] = dict(
    zip((*OURS, *PEERS), (listen, detect, scorer_alone, pymicro, openwakeword), strict=True)
)
ENGINES |= {name: partial(run, engine="numpy") for name, run in zip(BY_NUMPY, (listen, scorer_alone), strict=True)}
ENGINES[MICROPHONE] = microphone


def child(name: str, path: str) -> None:
    """Run one engine over the file and print what it cost."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    run = ENGINES[name](path)
    before = time.process_time()
    run()
    cpu_s = time.process_time() - before
    print(json.dumps({"cpu_s": cpu_s, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


def measure(python: str, name: str, path: str) -> dict[str, float]:
    """Run one engine in a process of its own."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("OPENBLAS")}
    clean |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(HERE.parent)}
    done = subprocess.run(
        [python, __file__, "--child", name, "--sound", path], env=clean, check=True, capture_output=True, text=True
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def summary(name: str, found: list[dict[str, float]], seconds: float) -> dict[str, object]:
    """Return one engine's row."""
    hourly = [run["cpu_s"] * 3600 / seconds for run in found]
    spread = {"min": min(hourly), "median": statistics.median(hourly), "max": max(hourly)}
    return {
        "engine": name,
        "cpu_s_per_hour": {key: round(value, 2) for key, value in spread.items()},
        "peak_mb": round(max(run["peak_mb"] for run in found), 1),
    }


def bundled(minutes: float) -> str:
    """Write the test recordings, repeated, as a WAV file to measure on."""
    import numpy as np
    import soundfile

    sound, rate = soundfile.read(HERE.parent / "tests" / "data" / "six_words.flac", dtype="int16")
    path = str(Path(tempfile.mkdtemp()) / "bundled.wav")
    soundfile.write(path, np.resize(sound, int(minutes * 60 * rate)), rate)
    return path


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sound", help="16 kHz mono WAV; the tests' recordings, repeated, if not given")
    parser.add_argument("--minutes", type=float, default=10.0, help="length of the repeated recordings")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--microphone", action="store_true", help="listen to the default microphone too")
    parser.add_argument("--peers", help="Python of an environment with the peers")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        return child(args.child, args.sound)
    path = args.sound or bundled(args.minutes)
    seconds = len(blocks(path)) * BLOCK / 16_000
    names = [*OURS, *BY_NUMPY, *([MICROPHONE] if args.microphone else ()), *(PEERS if args.peers else ())]
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for _ in range(args.rounds):
        for name in names:
            runs[name].append(measure(args.peers if name in PEERS else sys.executable, name, path))
    rows = [summary(name, found, MICROPHONE_S if name == MICROPHONE else seconds) for name, found in runs.items()]
    for row in rows:
        cpu = row["cpu_s_per_hour"]
        spread = " ".join(f"{cpu[key]:8.2f}" for key in ("min", "median", "max"))
        print(f"{row['engine']:<34} {spread} CPU s/h {row['peak_mb']:8.1f} MB")
    if args.out:
        about = {
            "command": "python benchmarks/cost.py --sound FILE.wav --peers PYTHON", "minutes": seconds / 60,
            "rounds": args.rounds, "machine": platform.machine(), "cpu": _cpu(), "python": platform.python_version(),
        }  # fmt: skip
        args.out.write_text(json.dumps({"conditions": about, "engines": rows}, indent=1) + "\n")
    return None


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())


if __name__ == "__main__":
    main()
