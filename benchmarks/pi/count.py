"""Instructions per second of sound on the processors of Raspberry Pis, ours beside pymicro-wakeword's.

    python benchmarks/pi/count.py --root ROOT [--out benchmarks/results/pi.json]

ROOT is what ``root.sh`` made: a Debian of another architecture, with wakegate in /opt/wakegate. Every engine of
``benchmarks/cost.py`` runs there under QEMU's user emulation, as each processor, on thirty seconds of a kitchen (the
demo's scene), and a plugin counts its instructions (``count.c``), importing and loading left out. What a board would
need is an *estimate*: instructions, over the clock times the instructions per cycle assumed in ``BOARDS``. Nobody has
run this on a board; memory that is slow and chips that grow hot are in nobody's count.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import soundfile

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from cost import BY_NUMPY, OURS, PEERS  # noqa: E402  (a script beside us, no package)

SCENE = HERE.parents[1] / "wakegate" / "cli" / "scene.flac"
ENGINES = (OURS[0], OURS[2], *BY_NUMPY, PEERS[0])
BOARDS = {
    "Raspberry Pi Zero 2 W": ("cortex-a53", 1.0, 0.6),
    "Raspberry Pi 3 B+": ("cortex-a53", 1.4, 0.6),
    "Raspberry Pi 4": ("cortex-a72", 1.5, 1.1),
    "Raspberry Pi 5": ("cortex-a76", 2.4, 1.8),
}
"""Processor, clock in GHz, and instructions per cycle as we assume them for Python with small matrices."""


def scene() -> tuple[str, float]:
    """Write the scene as a WAV file; return it and its seconds."""
    sound, rate = soundfile.read(SCENE, dtype="int16")
    path = str(Path(tempfile.mkdtemp()) / "scene.wav")
    soundfile.write(path, sound, rate, subtype="PCM_16")
    return path, len(sound) / rate


def plugin() -> str:
    """Compile the counter."""
    made = str(Path(tempfile.mkdtemp()) / "libcount.so")
    subprocess.run(["gcc", "-shared", "-fPIC", "-O2", "-o", made, str(HERE / "count.c")], check=True)
    return made


def instructions(root: Path, processor: str, engine: str, sound: str, counter: str) -> int:
    """Run one engine over a sound in the root and return how many instructions that took it."""
    emulator = "qemu-arm" if (root / "lib" / "ld-linux-armhf.so.3").exists() else "qemu-aarch64"
    (packages,) = (root / "opt" / "wakegate" / "lib").glob("python3*/site-packages")
    found = [str(packages), *(str(p) for p in root.glob("usr/lib/python3/dist-packages"))]
    given = {"PYTHONPATH": ":".join(found), "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "HOME": "/tmp"}
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        command = [emulator, "-cpu", processor, "-L", str(root), "-plugin", counter, "-d", "plugin", "-D", str(log)]
        # Debian's numpy finds its linear algebra by links that lead out of the root.
        linear = [str(p) for name in ("openblas-pthread", "blas", "lapack") for p in root.glob(f"usr/lib/arm-*/{name}")]
        command += ["-E", f"LD_LIBRARY_PATH={':'.join(linear)}"] if linear else []
        python = str(next(root.glob("usr/bin/python3.[0-9]*[0-9]")))
        subprocess.run(
            [*command, python, str(HERE.parent / "cost.py"), "--child", engine, "--sound", sound],
            env={"PATH": os.environ["PATH"], **given}, check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        begun, ended = (int(count) for count in log.read_text().split()[-2:])
        return ended - begun


def write(out: Path, about: dict[str, object], rows: list[dict[str, object]]) -> None:
    """Write the results; what the file holds of others that were not counted now, it keeps."""
    before = json.loads(out.read_text()) if out.exists() else {"conditions": {}, "counts": []}
    counted = [(row["processor"], row["engine"]) for row in rows]
    rows = rows + [row for row in before["counts"] if (row["processor"], row["engine"]) not in counted]
    rows.sort(key=lambda row: (row["processor"], ENGINES.index(str(row["engine"]))))
    out.write_text(json.dumps({"conditions": before["conditions"] | about, "counts": rows}, indent=1) + "\n")


def main() -> None:
    """Count and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--processor", action="append", help="cortex-a53, ...: all boards' if not given")
    parser.add_argument("--engine", action="append", choices=ENGINES)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    counter, (sound, seconds) = plugin(), scene()
    rows = []
    for processor in args.processor or sorted({board[0] for board in BOARDS.values()}):
        for engine in args.engine or ENGINES:
            millions = instructions(args.root.resolve(), processor, engine, sound, counter) / seconds / 1e6
            shares = {
                name: round(100 * millions / (1000 * clock * ipc), 2)
                for name, (one, clock, ipc) in BOARDS.items()
                if one == processor
            }
            rows.append(
                {"processor": processor, "engine": engine, "million_instructions_per_s_of_sound": round(millions, 2),
                 "estimated_percent_of_one_core": shares}
            )  # fmt: skip
            print(f"{processor:<12} {engine:<44} {millions:8.2f} M/s  {shares}", flush=True)
    if args.out:
        boards = {n: dict(zip(("processor", "clock_ghz", "assumed_ipc"), b, strict=True)) for n, b in BOARDS.items()}
        about = {"command": "python benchmarks/pi/count.py --root ROOT", "seconds": seconds, "boards": boards}
        write(args.out, about, rows)


if __name__ == "__main__":
    main()
