"""Scorer: samples to scores, streaming.

The only importer of onnxruntime, and the owner of its silence: the telemetry switch is set before the import, one
thread, no spinning, no arena (it would keep float copies of past audio). Owns the network's state and the samples of a
step that is not complete yet; ``reset`` overwrites both. The network always runs in the same step, so the scores do not
depend on how the samples came. Must never hold more audio than one step and the context in its state.
"""

import ctypes
import math
import os
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..audio.memory import PrivateMemory
from ..errors import FormatError, ModelError, ModelMismatchError
from .manifest import Manifest

_TELEMETRY = "ORT_DISABLE_TELEMETRY"
_M_PERTURB = -6  # glibc's malloc.h: fill what is freed with this byte
_MALLOPT = getattr(ctypes.CDLL(None), "mallopt", None)


def import_onnxruntime() -> Any:
    """Import onnxruntime with its telemetry off (official Linux builds write a device id under HOME otherwise)."""
    if "onnxruntime" in sys.modules and os.environ.get(_TELEMETRY) != "1":
        raise ModelError(
            "onnxruntime was imported before wakegate, with its telemetry on: put this line before that import: "
            f'import os; os.environ["{_TELEMETRY}"] = "1"'
        )
    os.environ[_TELEMETRY] = "1"
    import onnxruntime

    onnxruntime.disable_telemetry_events()  # builds for Windows ignore the variable
    return onnxruntime


class Scorer:
    """A loaded model and its streaming state.

    Parameters
    ----------
    manifest : Manifest
        What to load; its sha256 is checked.
    words : sequence of str
        Words to score, in the order of the score's columns.

    Raises
    ------
    ModelError
        If a word is unknown or the model cannot be run.
    ModelMismatchError
        If the file is not what its manifest says.
    """

    def __init__(self, manifest: Manifest, words: Sequence[str]) -> None:
        self.manifest = manifest
        self.words = tuple(manifest.entry(word).word for word in words)
        known = [entry.word for entry in manifest.words]
        self._columns = np.array([known.index(word) for word in self.words])
        self._session = _session(manifest)
        steps = manifest.chunk // manifest.step
        self._pcm = _private((1, manifest.chunk), np.int16)
        self._scores = np.zeros((1, steps, len(known)), np.float32)
        self._state = _state(self._session, manifest)
        self._turns = (self._bind(0), self._bind(1))
        self._turn = 0
        self._held = 0

    @property
    def step(self) -> int:
        """Samples between two scores."""
        return self.manifest.step

    def push(self, samples: NDArray[np.int16]) -> NDArray[np.float32]:
        """Take samples and return the scores of every step they complete.

        Parameters
        ----------
        samples : (n,) int16
            16 kHz mono, any n.

        Returns
        -------
        (steps, words) float32
            In [0, 1]. Scores come in whole chunks (``manifest.chunk`` samples): often 0 steps for short blocks.

        Raises
        ------
        FormatError
            If the samples are not (n,) int16.
        """
        if not isinstance(samples, np.ndarray) or samples.dtype != np.int16 or samples.ndim != 1:
            kind, shape = getattr(samples, "dtype", type(samples).__name__), np.shape(samples)
            raise FormatError(
                f"samples are {kind} of shape {shape}: give (n,) int16 at 16 kHz "
                f"(for floats: (x * 32767).astype(numpy.int16))"
            )
        chunk = self.manifest.chunk
        runs = (self._held + len(samples)) // chunk
        steps = chunk // self.manifest.step
        out = np.empty((runs * steps, len(self.words)), np.float32)
        at = 0
        for run in range(runs):
            need = chunk - self._held
            self._pcm[0, self._held :] = samples[at : at + need]
            at += need
            self._held = 0
            self._run(self._turns[self._turn])
            self._turn ^= 1
            out[run * steps : (run + 1) * steps] = self._scores[0][:, self._columns]
        rest = len(samples) - at
        self._pcm[0, self._held : self._held + rest] = samples[at:]
        self._held += rest
        return out

    def reset(self) -> None:
        """Begin a new stream: overwrite the state and every sample held with zeros."""
        self._forget()
        # Where malloc does not overwrite what onnxruntime frees, runs on silence mostly take the same buffers again.
        for turn in self._turns:
            self._run(turn)
        self._forget()

    def _run(self, binding: Any) -> None:
        """Run one chunk; what onnxruntime frees meanwhile is overwritten by malloc itself (2 % of the run's time)."""
        if _MALLOPT is None:
            self._session.run_with_iobinding(binding)
            return
        _MALLOPT(_M_PERTURB, 0xFF)
        try:
            self._session.run_with_iobinding(binding)
        finally:
            _MALLOPT(_M_PERTURB, 0)

    def _forget(self) -> None:
        self._pcm[:] = 0
        self._scores[:] = 0
        self._held = self._turn = 0
        for pair in self._state.values():
            for array in pair:
                array[:] = 0

    def _bind(self, turn: int) -> Any:
        """Bind inputs and outputs in place: the state is read from one copy and written to the other, in turns."""
        binding = self._session.io_binding()
        bound: list[tuple[str, NDArray[Any], bool]] = [("pcm", self._pcm, True), ("scores", self._scores, False)]
        for name, pair in self._state.items():
            bound += [(name, pair[turn], True), (f"{name}_next", pair[1 - turn], False)]
        for name, array, is_input in bound:
            bind = binding.bind_input if is_input else binding.bind_output
            bind(name, "cpu", 0, array.dtype.type, array.shape, array.ctypes.data)
        return binding


def _session(manifest: Manifest) -> Any:
    """Make a session of one quiet thread that keeps no memory of what went through it."""
    ort = import_onnxruntime()
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 3
    data = manifest.verified_bytes()
    try:
        return ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has no common base for its errors
        reason = str(error).split("\n")[0]
        raise ModelError(f"{manifest.path} cannot be loaded by onnxruntime {ort.__version__}: {reason}") from error


def _state(session: Any, manifest: Manifest) -> dict[str, tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Make two zeroed copies of every state tensor, after checking that the graph is what the manifest says."""
    found = {n.name: (n.type, *n.shape) for n in (*session.get_inputs(), *session.get_outputs())}
    steps = manifest.chunk // manifest.step
    state = {n.name: tuple(n.shape) for n in session.get_inputs() if n.name != "pcm"}
    expected = {
        "pcm": ("tensor(int16)", 1, manifest.chunk),
        "scores": ("tensor(float)", 1, steps, len(manifest.words)),
    }
    for name, shape in state.items():
        # A size that the graph leaves open has no number here: no array could be made for it.
        whole = tuple(size if isinstance(size, int) else "a number" for size in shape)
        expected |= {name: ("tensor(float)", *whole), f"{name}_next": ("tensor(float)", *whole)}
    for name, meant in expected.items():
        if found.get(name) != meant:
            raise ModelMismatchError(
                f"{manifest.path} has {name!r} as {found.get(name)}, its manifest means {meant}: reinstall it"
            )
    return {name: (_private(shape, np.float32), _private(shape, np.float32)) for name, shape in state.items()}


def _private(shape: tuple[int, ...], dtype: type[np.int16] | type[np.float32]) -> NDArray[Any]:
    """Zeros in memory of our own, locked and kept out of core dumps where the OS allows: samples pass through it."""
    count = math.prod(shape)
    return PrivateMemory(count * np.dtype(dtype).itemsize).array(dtype, count).reshape(shape)
