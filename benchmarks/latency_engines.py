"""The engines of latency.py, each in a process that reads s16le from stdin and says when it heard a word.

Owns how each is fed, the way its users feed it, and the time at which its lines come. Run as a program it is one of
them, in whatever environment has it installed: ``python latency_engines.py NAME``.
"""

import json
import os
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
RATE = 16_000
OURS = "wakegate"
WORDS = ("alexa", "computer", "jarvis", "smart_mirror", "snowboy", "view_glass")
PEERS = {"pymicro-wakeword": ("alexa",), "openwakeword": ("alexa",), "pvporcupine": WORDS}


def frames(samples: int) -> Iterator[tuple[int, bytes]]:
    """Yield frames of so many samples from stdin, with the count of samples read so far."""
    count = 0
    while len(data := sys.stdin.buffer.read(2 * samples)) == 2 * samples:
        count += samples
        yield count, data


def say(**line: object) -> None:
    """Print a line at once."""
    print(json.dumps(line), flush=True)


def ours() -> None:
    """Scorer and detector, fed and started anew after a wake as the pipeline does."""
    import numpy as np

    from wakegate.gate.limits import BLOCK
    from wakegate.wake import Detection, Detector, load

    scorer = load(WORDS)
    detector = Detector(scorer.manifest.detector_config(scorer.words))
    say(ready=True)
    for count, data in frames(BLOCK):
        for found in detector.push(scorer.push(np.frombuffer(data, np.int16))):
            if isinstance(found, Detection):
                say(word=found.word, at=count, start=found.start)
                scorer.reset()
                detector.reset(count)
                break


def pymicro() -> None:
    """10 ms at a time, the finest that it takes."""
    from pymicro_wakeword import MicroWakeWord, MicroWakeWordFeatures, Model

    engine, features = MicroWakeWord.from_builtin(Model.ALEXA), MicroWakeWordFeatures()
    say(ready=True)
    for count, data in frames(160):
        if any([engine.process_streaming(one) for one in features.process_streaming(data)]):
            say(word="alexa", at=count)


def openwakeword() -> None:
    """80 ms at a time, its own step; its README's threshold."""
    import numpy as np
    from openwakeword.model import Model

    engine = Model(wakeword_models=["alexa"], inference_framework="onnx")
    say(ready=True)
    for count, data in frames(1280):
        if engine.predict(np.frombuffer(data, np.int16))["alexa"] > 0.5:
            say(word="alexa", at=count)


def pvporcupine() -> None:
    """Its frames of 32 ms, its own sensitivity."""
    import pvporcupine as package

    engine = package.create(keywords=[word.replace("_", " ") for word in WORDS])
    say(ready=True)
    for count, data in frames(engine.frame_length):
        index = engine.process(memoryview(data).cast("h"))
        if index >= 0:
            say(word=WORDS[index], at=count)


CHILDREN: dict[str, Callable[[], None]] = {
    OURS: ours, "pymicro-wakeword": pymicro, "openwakeword": openwakeword, "pvporcupine": pvporcupine,
}  # fmt: skip


class Child:
    """A process that hears, and the lines that it says, each with the time when it came."""

    def __init__(self, name: str, command: Sequence[str], home: str, *, fed: bool = True) -> None:
        clean = {key: value for key, value in os.environ.items() if not key.startswith("OPENBLAS")}
        clean |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "ORT_DISABLE_TELEMETRY": "1", "HOME": home}
        clean |= {"PYTHONPATH": str(HERE.parent), "XDG_STATE_HOME": home, "XDG_CONFIG_HOME": home}
        self.name, self.said = name, list[tuple[float, dict[str, Any]]]()
        self.gaps = 0
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            command, env=clean, stdin=pipe if fed else subprocess.DEVNULL, stdout=pipe, stderr=subprocess.DEVNULL
        )
        assert self.process.stdout is not None
        first = self.process.stdout.readline()
        if not first:
            raise SystemExit(f"{name} does not start: {shlex.join(command)}")
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            now, told = time.monotonic(), json.loads(line)
            self.gaps += told.get("kind") == "gap"
            if told.get("kind", "wake") == "wake":
                self.said.append((now, told))

    def give(self, data: bytes) -> None:
        """Write sound to it."""
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def end(self) -> None:
        """End it, and take what it still says."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        else:
            self.process.terminate()
        self.process.wait(60)
        self._thread.join(10)
        assert self.process.stdout is not None
        self.process.stdout.close()


def child(name: str, peers: str | None, home: str) -> Child:
    """Start an engine."""
    python = sys.executable if name == OURS else str(peers)
    return Child(name, [python, __file__, name], home)


def listener(home: str, *options: str) -> Child:
    """`wakegate listen` itself."""
    run = "import sys; from wakegate.cli import main; sys.exit(main())"
    words = ",".join(WORDS)
    return Child(
        OURS, [sys.executable, "-c", run, "listen", "--json", "--words", words, *options], home, fed="-" in options
    )


if __name__ == "__main__":
    CHILDREN[sys.argv[1]]()
