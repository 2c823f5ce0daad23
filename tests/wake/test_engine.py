"""Which engine runs the model is said, and never changes because one failed."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.wake.model import WITHOUT_ONNXRUNTIME
from wakegate.errors import ModelError
from wakegate.wake import load
from wakegate.wake.engine import Engine, chosen, version
from wakegate.wake.numpy_tape import Tape

ROOT = Path(__file__).parents[2]
# A finder that finds no onnxruntime, as on a board where it has no wheel.
ABSENT = """
import importlib.util, sys
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, *more: None if name == "onnxruntime" else found(name, *more)
sys.modules["onnxruntime"] = None  # whoever imports it fails
"""


def child(code):
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.skipif(WITHOUT_ONNXRUNTIME, reason="onnxruntime is not installed")
def test_onnxruntime_where_it_is_installed():
    assert chosen() is Engine.ONNXRUNTIME and version().startswith("onnxruntime ")


def test_numpy_where_it_is_not_and_every_word_of_it_says_so():
    code = """
from wakegate.wake import load, engine
print(load().engine)
print(engine.version())
print(engine.chosen())
from wakegate import doctor
print(doctor._telemetry().seen)
print(doctor._models().seen)
from wakegate.cli import main
main(["models", "--json"])
"""
    loaded, told, name, telemetry, models, listed = child(ABSENT + code)
    assert loaded == told and loaded.startswith("numpy ") and name == "numpy"
    assert telemetry == f"none: {told} runs the model" and models.endswith(f"run by {told}")
    assert '"engine": "numpy"' in listed


def test_the_engine_that_is_named_is_taken_or_refused():
    assert load(engine="numpy").engine.startswith("numpy ")
    with pytest.raises(ModelError, match="no engine 'tflite': engines are onnxruntime, numpy"):
        load(engine="tflite")
    code = """
from wakegate.errors import ModelError
from wakegate.wake import load
try:
    load(engine="onnxruntime")
except ModelError as error:
    print(error)
"""
    (said,) = child(ABSENT + code)
    assert said.startswith("onnxruntime is not installed here") and "take the engine numpy" in said


def test_an_onnxruntime_that_is_broken_is_an_error_and_no_reason_for_numpy(tmp_path):
    (tmp_path / "onnxruntime.py").write_text("raise ImportError('no such symbol')\n")
    code = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
from wakegate.errors import ModelError
from wakegate.wake import load
try:
    load()
except ModelError as error:
    print(error)
"""
    (said,) = child(code)
    assert "no such symbol" in said and "onnxruntime" in said


def test_numpy_alone_runs_it_in_one_thread_of_linear_algebra_and_imports_no_other_engine():
    code = """
import sys
import numpy
from threadpoolctl import threadpool_info
from wakegate.wake import load
load(engine="numpy").push(numpy.zeros(16000, numpy.int16))
print({found["num_threads"] for found in threadpool_info() if found["user_api"] == "blas"} <= {1})
print([name for name in ("onnxruntime", "onnx", "google.protobuf", "scipy") if name in sys.modules])
"""
    assert child(code) == ["True", "[]"]


def test_what_lives_shortly_shares_memory_and_everything_else_does_not():
    tape = Tape()
    first, smaller, larger = tape.short_lived((4, 5)), tape.short_lived((2, 3)), tape.short_lived((50,))
    assert np.shares_memory(first, smaller) and not np.shares_memory(first, larger)
    assert np.shares_memory(tape.short_lived((7, 7)), larger)
    assert not any(np.shares_memory(tape.new((4, 5)), one) for one in (first, larger))
    assert sum(one.size for one in tape.arrays) == 20 + 50 + 20 + 20, "and all of it is overwritten with the rest"
