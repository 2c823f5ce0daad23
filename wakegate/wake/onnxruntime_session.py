"""The onnxruntime session: the engine wherever onnxruntime has a wheel.

The only importer of onnxruntime, and the owner of its silence: the telemetry switch is set before the import, one
thread, no spinning, no arena (it would keep float copies of past audio). Must never hold more audio than one chunk and
the overlap of frames before it, nor features of more than the context and the last few chunks.
"""

import os
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..audio.memory import frees_overwritten
from ..errors import ModelError
from .manifest import Manifest
from .past import Past
from .session import BEFORE, TURNS, Pcm, state_of

_TELEMETRY = "ORT_DISABLE_TELEMETRY"


def import_onnxruntime() -> Any:
    """Import onnxruntime with its telemetry off (official Linux builds write a device id under HOME otherwise)."""
    if "onnxruntime" in sys.modules and os.environ.get(_TELEMETRY) != "1":
        raise ModelError(
            "onnxruntime was imported before wakegate, with its telemetry on: put this line before that import: "
            f'import os; os.environ["{_TELEMETRY}"] = "1"'
        )
    os.environ[_TELEMETRY] = "1"
    try:
        import onnxruntime
    except ImportError as error:
        raise ModelError(f"onnxruntime cannot be imported: {error}; reinstall it, or take the engine numpy") from error

    onnxruntime.disable_telemetry_events()  # builds for Windows ignore the variable
    return onnxruntime


class OnnxruntimeSession:
    """A model run by onnxruntime, in place.

    Parameters
    ----------
    manifest : Manifest
        What to load; its sha256 is checked.

    Raises
    ------
    ModelError
        If onnxruntime cannot be had or cannot load it.
    ModelMismatchError
        If the file is not what its manifest says.
    """

    def __init__(self, manifest: Manifest) -> None:
        self._session, self.version = _loaded(manifest)
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        taken, made = ({n.name: (n.type, *n.shape) for n in nodes} for nodes in (inputs, outputs))
        sizes = state_of(manifest, taken, made)
        self._samples = Pcm(taken["pcm"][2], manifest.chunk)
        self.pcm: NDArray[np.int16] = self._samples.chunk
        self.scores: NDArray[np.float32] = np.zeros(
            (1, manifest.chunk // manifest.step, len(manifest.words)), np.float32
        )
        self._state = {name: Past(*size, TURNS) for name, size in sizes.items()}
        self._turns = tuple(self._bind(turn) for turn in range(TURNS))
        self._turn = 0
        try:
            self.forget()
        except ModelError as error:
            raise ModelError(f"{manifest.path}: {error}") from error

    def run(self) -> None:
        """Run one chunk; each turn's state lies behind that of the turn before."""
        self._run(self._turns[self._turn])
        self._samples.keep()
        turn = (self._turn + 1) % TURNS
        if not turn:
            for past in self._state.values():
                past.begin_again()
        self._turn = turn

    def forget(self) -> None:
        """Overwrite everything with zeros."""
        self._wipe()
        # Where malloc does not overwrite what onnxruntime frees, runs on silence mostly take the same buffers again.
        for turn in self._turns[:2]:
            self._run(turn)
        self._wipe()

    def _run(self, binding: Any) -> None:
        """Run one chunk; what onnxruntime frees meanwhile is overwritten by malloc itself (2 % of the run's time)."""
        try:
            with frees_overwritten:
                self._session.run_with_iobinding(binding)
        except Exception as error:  # onnxruntime has no common base for its errors
            raise ModelError(f"the model cannot be run by {self.version}: {_reason(error)}") from error

    def _wipe(self) -> None:
        self._turn = 0
        self._samples.whole[:] = 0
        self.scores[:] = 0
        for past in self._state.values():
            past.wipe()

    def _bind(self, turn: int) -> Any:
        binding = self._session.io_binding()
        bound: list[tuple[str, NDArray[Any], bool]] = [
            ("pcm", self._samples.whole, True),
            ("scores", self.scores, False),
        ]
        for name, past in self._state.items():
            bound += [(name + BEFORE, past.before(turn), True), (name, past.new(turn), False)]
        for name, array, is_input in bound:
            bind = binding.bind_input if is_input else binding.bind_output
            bind(name, "cpu", 0, array.dtype.type, array.shape, array.ctypes.data)
        return binding


def _loaded(manifest: Manifest) -> tuple[Any, str]:
    """Make a session of one quiet thread that keeps no memory of what went through it; say what it is."""
    ort = import_onnxruntime()
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 3
    data = manifest.verified_bytes()
    version = f"onnxruntime {ort.__version__}"
    try:
        return ort.InferenceSession(data, options, providers=["CPUExecutionProvider"]), version
    except Exception as error:  # onnxruntime has no common base for its errors
        raise ModelError(f"{manifest.path} cannot be loaded by {version}: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    return str(error).split("\n")[0]
