"""One engine over a corpus: order, failures, and memory that does not grow with the file. Around 10 s."""

import os
import resource
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from tests.cli.process import environment
from wakegate.errors import ConfigError
from wakegate.measure import corpus as corpora
from wakegate.measure.listening.cache import Cache
from wakegate.measure.listening.pool import Pool
from wakegate.measure.listening.run import MIXED, listen
from wakegate.measure.listening.worker import Maker, digest

RATE = 16_000
MOODY = """
import json, sys
data = sys.stdin.buffer.read()
for said in [[], [0.5], [None], [], [0.7]][data[0]]:
    print(json.dumps({"at_s": 0.5, "word": "beep"} | ({} if said is None else {"score": said})))
"""


@pytest.fixture
def corpus(tmp_path):
    (tmp_path / "corpus").mkdir()
    for number in range(5):
        samples = np.zeros(RATE, np.int16)
        samples[0] = number
        soundfile.write(tmp_path / "corpus" / f"{number}.wav", samples, RATE)
    return corpora.read(tmp_path / "corpus")


def test_an_engine_gives_scores_always_or_never_whoever_runs_it(corpus, tmp_path):
    (tmp_path / "moody.py").write_text(MOODY)
    maker = Maker(spec=f"exec:{sys.executable} {tmp_path / 'moody.py'}")
    about = digest(maker.engine())

    def heard():
        told = []
        with Pool(1) as pool:
            found = listen(maker, about, corpus, pool, Cache(tmp_path, about), lambda *now: told.append(now))
        assert [one.recording for one in found] == list(corpus.recordings)
        assert [bool(one.heard) for one in found] == [False, True, False, False, True]
        assert [bool(one.failure) for one in found] == [False, False, True, False, False]
        return found[2].failure, told

    assert heard() == (MIXED, [(0.0, True), (5.0, False)])
    assert heard() == (MIXED, [(5.0, True)])


def test_two_recordings_of_one_name_are_refused(corpus, tmp_path):
    one, two, *rest = corpus.recordings
    same = replace(corpus, recordings=(one, replace(two, name=one.name), *rest))
    with Pool(1) as pool, pytest.raises(ConfigError, match=r"two recordings are called '0\.wav'"):
        listen(Maker(spec="exec:true"), "a" * 64, same, pool, Cache(tmp_path, "a" * 64), lambda *_: None)


HEAR = """
import resource, sys
from wakegate.cli import main
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
before = []
for corpus in sys.argv[2:]:
    code = main(["measure", corpus, "--engine", "wakegate", "--out", sys.argv[1], "--jobs", "1", "--fresh"])
    assert code == 0
    before.append(peak())
print(before)
assert before[1] - before[0] < 25, before
"""


def peak_of_two(tmp_path, minutes, kind):
    """Measure a minute, then a long file of noise and silence, in one process whose memory must not grow."""
    rng = np.random.default_rng(1)
    noise = rng.integers(-3000, 3000, 30 * RATE, dtype=np.int16)
    for name, count in (("short", 1), ("long", minutes)):
        (tmp_path / name).mkdir()
        with soundfile.SoundFile(tmp_path / name / f"a.{kind}", "w", RATE, 1) as file:
            for _ in range(count):
                file.write(noise)
                file.write(np.zeros(30 * RATE, np.int16))
    call = [sys.executable, "-c", HEAR, tmp_path / "out", tmp_path / "short", tmp_path / "long"]
    done = subprocess.run(call, env=environment(tmp_path), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("kind", ["wav", "flac"])
def test_memory_is_flat_for_files_of_any_length(tmp_path, kind):
    peak_of_two(tmp_path, 20, kind)  # 38 MB of samples, which would show


@pytest.mark.long
def test_memory_is_flat_for_ten_hours(tmp_path):
    peak_of_two(tmp_path, 600, "flac")


@pytest.mark.long
def test_a_hundred_thousand_files(tmp_path):
    """Read, dispatched, heard and written: minutes, and a few hundred MB."""
    folder = tmp_path / "corpus"
    for part in range(100):
        (folder / f"{part:02}").mkdir(parents=True)
        tiny = folder / f"{part:02}" / "000.wav"
        soundfile.write(tiny, np.arange(160, dtype=np.int16), RATE)
        for number in range(1, 1000):
            os.link(tiny, tiny.with_name(f"{number:03}.wav"))
    script = "import sys; from wakegate.cli import main; sys.exit(main())"
    call = [sys.executable, "-c", script, "measure", folder, "--engine", "wakegate", "--out", tmp_path / "out"]
    done = subprocess.run(call, env=environment(tmp_path), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024 < 1000
