"""Find traces of a known sound in this process's own memory.

``plant`` lets a child process write a file of noise, so that the noise was never in this process, and returns probes:
short runs of its samples in every form they could take (int16, float32, float64), masked by XOR so that the probes do
not find themselves. ``Probes.found`` reads all writable memory through /proc/self/mem and counts how many are there.

    probes = plant(tmp_path / "noise.wav", seed=1)
    ... let the code under test read that file, check `probes.found()` finds it (the positive control), wipe ...
    assert probes.found() == {}
"""

import json
import mmap
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np

MASK = np.uint64(0xA5C3_96E1_5AB4_D287)
WORDS = 4  # a probe is 32 bytes
PROBES = 20  # a form
CHUNK = 1 << 20


class Probes:
    """Masked probes, by form: {form: (n, 4) uint64}."""

    def __init__(self, masked: dict[str, list[list[int]]]) -> None:
        self._forms = {tuple(probe): form for form, probes in masked.items() for probe in probes}
        self._table = np.zeros(1 << 16, dtype=bool)
        for probe in self._forms:
            self._table[probe[0] >> 48] = True  # the top bits: the bottom ones of whole float64 numbers are zero
        # Mappings of their own, so that the scan can leave them out.
        self._chunk_map = mmap.mmap(-1, CHUNK + 64, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self._chunk = np.frombuffer(self._chunk_map, dtype=np.uint8)

    def found(self) -> dict[str, int]:
        """Count the probes in memory by form; forms that are nowhere are left out."""
        counts: Counter[str] = Counter()
        own = self._chunk.ctypes.data
        memory = os.open("/proc/self/mem", os.O_RDONLY)
        try:
            for start, end in _writable():
                for at in range(start, end, CHUNK):
                    if at <= own < at + CHUNK or own <= at < own + len(self._chunk):
                        counts.update(self._scan(memory, at, min(own, end)) if at < own else [])
                        counts.update(self._scan(memory, own + len(self._chunk), min(at + CHUNK, end)))
                    else:
                        counts.update(self._scan(memory, at, min(at + CHUNK, end)))
        finally:
            self._chunk.fill(0)
            os.close(memory)
        return dict(counts)

    def _scan(self, memory: int, start: int, end: int) -> list[str]:
        hits = []
        for shift in (0, 2, 4, 6):
            # Read anew at each shift: numpy copies what is not aligned, unmasked, into a buffer that it frees as it is,
            # and the next scan would find there what this one has read.
            if end <= start + shift:
                break
            try:
                size = os.preadv(memory, [self._chunk_map], start + shift)
            except OSError:
                break
            limit = min(size, end - start - shift + 8 * WORDS) // 8 * 8
            words = self._chunk[:limit].view(np.uint64) ^ MASK
            for index in np.flatnonzero(self._table[words >> np.uint64(48)]):
                form = self._forms.get(tuple(words[index : index + WORDS].tolist()))
                if form and 8 * index + shift < end - start:
                    hits.append(form)
        return hits


def plant(path: Path, *, seed: int, seconds: float = 2.0, rate: int = 16_000, channels: int = 1) -> Probes:
    """Let a child write noise to ``path`` (16-bit WAV); return probes of it as stored and as FileSource gives it."""
    arguments = [str(path), str(seed), str(seconds), str(rate), str(channels)]
    root = Path(__file__).resolve().parents[1]
    done = subprocess.run([sys.executable, __file__, *arguments], capture_output=True, check=True, cwd=root, text=True)
    return Probes(json.loads(done.stdout))


def _writable() -> list[tuple[int, int]]:
    regions = []
    for line in Path("/proc/self/maps").read_text().splitlines():
        bounds, permissions, *rest = line.split()
        name = rest[3] if len(rest) > 3 else ""
        if "w" in permissions and not name.startswith(("/dev/", "[v")):
            start, end = (int(bound, 16) for bound in bounds.split("-"))
            regions.append((start, end))
    return regions


def _masked(samples: np.ndarray) -> dict[str, list[list[int]]]:
    """Take probes of int16 samples in every form, spread over the sound."""
    floats = samples.astype(np.float64)
    forms = {
        "int16": samples,
        "float32": floats.astype(np.float32),
        "float32 unit": (floats / 32768).astype(np.float32),
        "float64": floats,
        "float64 unit": floats / 32768,
    }
    taken: dict[str, list[list[int]]] = {}
    for form, values in forms.items():
        length = 8 * WORDS // values.itemsize
        starts = np.linspace(0, len(values) - length - 1, PROBES).astype(int)
        taken[form] = [(values[at : at + length].view(np.uint64) ^ MASK).tolist() for at in starts]
    return taken


def _main(path: str, seed: str, seconds: str, rate: str, channels: str) -> None:
    import soundfile

    sys.path.insert(0, ".")
    from wakegate.audio.files import FileSource

    count = round(float(seconds) * int(rate))
    noise = np.random.default_rng(int(seed)).integers(-20_000, 20_000, count).astype(np.int16)
    soundfile.write(path, np.repeat(noise[:, None], int(channels), axis=1), int(rate), subtype="PCM_16")
    given = np.zeros(round(float(seconds) * 16_000) + 16_000, dtype=np.int16)
    reading = FileSource(path).read(given)
    probes = {f"stored {form}": found for form, found in _masked(noise).items()}
    if int(rate) != 16_000:
        probes |= {f"given {form}": found for form, found in _masked(given[: reading.count]).items()}
    json.dump(probes, sys.stdout)


if __name__ == "__main__":
    _main(*sys.argv[1:])
