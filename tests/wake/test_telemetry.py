"""Loading and scoring leave no trace in HOME and open no socket. Around 3 s.

onnxruntime stays quiet where ``CI`` is set, so these children run without it.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

QUIET = """
import os, sys
asked = []
sys.addaudithook(lambda name, _: asked.append(name) if name.startswith("socket.") else None)

def sockets():
    links = []
    for name in os.listdir("/proc/self/fd"):
        try:
            links.append(os.readlink(f"/proc/self/fd/{name}"))
        except FileNotFoundError:  # the listing's own
            pass
    return [link for link in links if link.startswith("socket:")]

before = sockets()
import numpy
from wakegate.wake import load
assert "onnxruntime" not in sys.modules, "imported before it is needed"
scorer = load()
assert "onnxruntime" in sys.modules and os.environ["ORT_DISABLE_TELEMETRY"] == "1"
opened = sockets()
scorer.push(numpy.zeros(16000, numpy.int16))
scorer.reset()
assert sockets() == opened == before, sockets()
assert asked == [], asked
print(len(os.listdir("/proc/self/task")))
"""


def child(code, home, **more):
    home.mkdir(exist_ok=True)
    environment = {"HOME": str(home), "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **more}
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    assert "CI" not in environment
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=home, capture_output=True, text=True, check=False
    )


def test_load_and_score_leave_home_empty_and_open_no_socket(tmp_path):
    home = tmp_path / "home"
    done = child(QUIET, home)
    assert done.returncode == 0, done.stderr
    assert list(home.rglob("*")) == []


def test_even_where_the_environment_says_that_telemetry_is_wanted(tmp_path):
    home = tmp_path / "home"
    done = child(QUIET, home, ORT_DISABLE_TELEMETRY="0")
    assert done.returncode == 0, done.stderr
    assert list(home.rglob("*")) == []


# A stand-in for onnxruntime: only that it was imported counts here, and the real one would write into HOME.
LATE = """
import sys, types
sys.modules["onnxruntime"] = types.ModuleType("onnxruntime")
from wakegate.errors import ModelError
from wakegate.wake import load
try:
    load()
except ModelError as error:
    print(error)
"""


def test_onnxruntime_imported_first_with_telemetry_on_is_refused_with_the_line_to_add(tmp_path):
    done = child(LATE, tmp_path / "home")
    assert 'import os; os.environ["ORT_DISABLE_TELEMETRY"] = "1"' in done.stdout, done.stderr
    assert "before that import" in done.stdout


def test_the_line_that_is_named_helps(tmp_path):
    home = tmp_path / "home"
    code = 'import os; os.environ["ORT_DISABLE_TELEMETRY"] = "1"\nimport onnxruntime\nfrom wakegate.wake import load\n'
    done = child(code + "load(); print('loaded')", home)
    assert done.stdout == "loaded\n", done.stderr
    assert list(home.rglob("*")) == []


def test_one_quiet_thread(tmp_path):
    done = child(QUIET, tmp_path / "home", OPENBLAS_NUM_THREADS="1")
    assert done.stdout == "1\n", f"{done.stdout} threads: {done.stderr}"
