"""Tasks over real processes, some of which are killed. Around 10 s."""

import hashlib
import shlex
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from wakegate.errors import ConfigError
from wakegate.measure.conditions.made import Excerpt, Made, Measured
from wakegate.measure.engines import Heard
from wakegate.measure.listening import units, worker
from wakegate.measure.listening.pool import Pool
from wakegate.measure.listening.worker import Answer, Maker, Task, digest
from wakegate.measure.recording import Recording

RATE = 16_000
KILLER = """
import os, pathlib, signal, sys
data = sys.stdin.buffer.read()
mark = pathlib.Path(sys.argv[2] + "." + str(data[0]))
if data[0] in eval(sys.argv[1]):
    if len(sys.argv) < 4 or not mark.exists():
        mark.touch()
        os.kill(os.getppid(), signal.SIGKILL)
print('{"at_s": %g, "word": "beep"}' % (data[0] / 100))
"""
"""Says where the first sample of a recording points to; kills whoever listens to some (``once``: the first time)."""


@pytest.fixture
def recordings(tmp_path):
    """Eight, which an engine can tell apart by their first sample."""
    made = []
    for number in range(8):
        samples = np.zeros(RATE, np.int16)
        samples[0] = number
        path = tmp_path / f"{number}.wav"
        soundfile.write(path, samples, RATE)
        made.append(Recording(name=path.name, audio=path, first=0, length=RATE))
    return made


def maker(tmp_path, deadly, *more):
    script = tmp_path / "killer.py"
    script.write_text(KILLER)
    return Maker(spec=f"exec:{shlex.join([sys.executable, str(script), str(deadly), str(tmp_path / 'mark'), *more])}")


def answers(pool, made, *groups):
    about = digest(made.engine())
    tasks = [Task(maker=made, about=about, recordings=tuple(group)) for group in groups]
    found = {}
    for task, given in pool.hear(tasks):
        for one, answer in zip(task.recordings, given, strict=True):
            assert one.name not in found, "answered twice"
            found[one.name] = answer
    return [found[name] for name in sorted(found)]


def beep(number):
    return Answer(heard=(Heard(word="beep", at=number * 160),))


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_every_recording_is_answered_whoever_hears_it(tmp_path, recordings, jobs):
    with Pool(jobs) as pool:
        found = answers(pool, maker(tmp_path, []), recordings[:3], recordings[3:4], recordings[4:])
    assert found == [beep(n) for n in range(8)]


def test_a_task_whose_process_is_killed_is_tried_again(tmp_path, recordings):
    with Pool(2) as pool:
        found = answers(pool, maker(tmp_path, [2, 5], "once"), *([one] for one in recordings))
    assert found == [beep(n) for n in range(8)]
    assert len(list(tmp_path.glob("mark.*"))) == 2, "nobody was killed"


def test_who_kills_again_is_blamed_and_no_neighbour(tmp_path, recordings):
    with Pool(2) as pool:
        found = answers(pool, maker(tmp_path, [1, 6]), recordings[:4], recordings[4:])
    assert [found[n] for n in (0, 2, 3, 4, 5, 7)] == [beep(n) for n in (0, 2, 3, 4, 5, 7)]
    for number in (1, 6):
        assert found[number].heard == () and "was killed, and again when it was tried alone" in found[number].failure
        assert "SIGKILL" in found[number].failure


def test_one_engine_a_process(tmp_path, recordings):
    """A process that made its engine anew for each task would say another number."""
    script = tmp_path / "counter.py"
    script.write_text("import sys\nsys.stdin.buffer.read()\n")
    made = Maker(spec=f"exec:{sys.executable} {script}")
    with Pool(1) as pool:
        answers(pool, made, recordings[:1])
        kept = worker._kept.engine
        answers(pool, made, recordings[1:2])
        assert worker._kept.engine is kept


def test_another_engine_than_the_runs_own_is_refused(tmp_path, recordings):
    made = maker(tmp_path, [])
    about = digest(made.engine())
    Path(tmp_path / "killer.py").write_text(KILLER + "\n")
    for jobs in (1, 2):
        with Pool(jobs) as pool, pytest.raises(ConfigError, match=r"has another .* than this run"):
            list(pool.hear([Task(maker=made, about=about, recordings=(r,), elsewhere=True) for r in recordings]))


def test_files_that_are_missing_or_others_elsewhere_are_refused(tmp_path, recordings):
    made = maker(tmp_path, [])
    task = Task(maker=made, about=digest(made.engine()), recordings=tuple(recordings[:1]), elsewhere=True)
    noise, room = tmp_path / "noise.wav", tmp_path / "room.wav"
    for path in (noise, room):
        path.write_bytes(path.name.encode())
    hashes = {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in (recordings[0].audio, noise, room)}
    placed = Excerpt(at=0, audio=noise, sha256=hashes[noise], first=0, length=RATE)
    place = Measured(audio=room, sha256=hashes[room], first=0, length=9)
    mixed = replace(recordings[0], made=Made(noise=(placed,), snr_db=0.0, room=place))
    task = replace(task, files=tuple(units.files(mixed, hashes[mixed.audio])))
    assert dict(task.files) == hashes
    assert len(worker.hear(task)) == 1
    worker._check.cache_clear()  # another process
    room.write_bytes(b"another")
    with pytest.raises(ConfigError, match=r"has another .*room\.wav than this run"):
        worker.hear(task)
    noise.unlink()
    with pytest.raises(ConfigError, match=r"has no .*noise\.wav"):
        worker._check.cache_clear()
        worker.hear(task)


def test_another_decoder_makes_another_engine_of_it(tmp_path, monkeypatch):
    before = digest(maker(tmp_path, []).engine())
    monkeypatch.setattr(soundfile, "__libsndfile_version__", "0.0")
    assert digest(maker(tmp_path, []).engine()) != before


def test_whatever_an_engine_throws_fails_that_recording_alone(tmp_path, recordings, monkeypatch):
    from wakegate.measure.engines.program import Program

    def broken(self, sound):
        if next(iter(sound))[0] == 3:
            raise RuntimeError("no such tensor")
        return []

    monkeypatch.setattr(Program, "hear", broken)
    task = Task(maker=maker(tmp_path, []), about=digest(maker(tmp_path, []).engine()), recordings=tuple(recordings))
    found = worker.hear(task)
    assert [one.failure for one in found] == ["", "", "", "RuntimeError: no such tensor", "", "", "", ""]


@pytest.mark.parametrize("cluster", ["tcp://127.0.0.1:8786", "ray:auto"])
def test_a_cluster_is_named_as_one(cluster):
    with pytest.raises(ConfigError, match="give dask:tcp://HOST:PORT"):
        Pool(1, cluster)


def test_a_scheduler_that_does_not_answer_is_said(monkeypatch):
    pytest.importorskip("distributed")
    from wakegate.measure.listening import pool

    monkeypatch.setattr(pool, "PATIENCE_S", 1)
    with pytest.raises(
        ConfigError, match=r"no scheduler answers at tcp://127\.0\.0\.1:9: start one with `dask scheduler`"
    ):
        Pool(1, "dask:tcp://127.0.0.1:9")
