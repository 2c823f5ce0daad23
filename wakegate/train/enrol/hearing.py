"""Hearing: what the trunk of a model makes of sound, a step at a time.

Owns the session that shows the trunk's last activations, which no shipped graph gives out. They are features of sound:
they stay in memory here, and only averages over them ever leave (``template``).
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from ...errors import ModelError
from ...wake.manifest import Manifest
from ...wake.onnxruntime_session import import_onnxruntime
from ...wake.session import BEFORE, Pcm
from ..graph import CHUNK, STEPS
from ..sizes import HOP

Activations = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Hearing:
    """A model file, opened to look at its trunk.

    Parameters
    ----------
    model : ModelProto
        As it is in the file.
    last : str
        The name of the trunk's last activations, (STEPS, channels).
    """

    model: onnx.ModelProto
    last: str
    _session: Any = field(repr=False)
    _state: dict[str, tuple[int, ...]] = field(repr=False)

    def activations(self, samples: NDArray[np.int16]) -> Activations:
        """Return what a fresh stream of (n,) int16 makes of every whole step: (n // step, channels) float32."""
        pcm = Pcm(HOP + CHUNK, CHUNK)
        names = [self.last, *(name.removesuffix(BEFORE) for name in self._state)]
        state = {name: np.zeros(shape, np.float32) for name, shape in self._state.items()}
        heard = []
        try:
            for at in range(0, len(samples), CHUNK):
                piece = samples[at : at + CHUNK]
                pcm.chunk[0, : len(piece)], pcm.chunk[0, len(piece) :] = piece, 0
                last, *rows = self._session.run(names, {"pcm": pcm.whole, **state})
                pcm.keep()
                heard.append(last)
                for (name, before), made in zip(list(state.items()), rows, strict=True):
                    state[name] = np.concatenate([before, made])[-len(before) :]
        finally:
            pcm.whole[:] = 0
        whole: Activations = np.concatenate(heard)[: len(samples) * STEPS // CHUNK]
        return whole


def opened(manifest: Manifest) -> Hearing:
    """Open a model.

    Raises
    ------
    ModelError
        If it is not built as this wakegate builds models.
    """
    model = onnx.load_from_string(manifest.verified_bytes())
    made = {name for node in model.graph.node for name in node.output}
    depth = max((n for n in range(1, 20) if f"sum{n}" in made), default=0)
    if not depth or manifest.chunk != CHUNK or manifest.chunk // manifest.step != STEPS:
        raise ModelError(
            f"{manifest.path} is built otherwise than this wakegate builds models: begin with one of its own"
        )
    last = f"sum{depth}"
    shown = onnx.ModelProto()
    shown.CopyFrom(model)
    graph = shown.graph
    # Without the scores nothing but the trunk is run.
    kept = [one for one in graph.output if one.name != "scores" and not one.name.startswith("own/")]
    inputs = [one for one in graph.input if not one.name.startswith("own/")]
    nodes = [one for one in graph.node if not one.name.startswith(("own/", "scores"))]
    for field_, values in ((graph.output, kept), (graph.input, inputs), (graph.node, nodes)):
        del field_[:]
        field_.extend(values)
    if all(one.name != last for one in graph.output):
        graph.output.append(helper.make_tensor_value_info(last, TensorProto.FLOAT, None))
    ort = import_onnxruntime()
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 3
    try:
        session = ort.InferenceSession(shown.SerializeToString(), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has no common base for its errors
        raise ModelError(f"{manifest.path} cannot be looked into: begin with a model of wakegate's own") from error
    state = {one.name: tuple(one.shape) for one in session.get_inputs() if one.name != "pcm"}
    return Hearing(model, last, session, state)
