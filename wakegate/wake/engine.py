"""Engine: which library runs the model.

Owns the choice: onnxruntime where it is installed, numpy where it is not, or the one that the user names. Must never
change engines because one failed: what is installed and broken is an error.
"""

import importlib.util
import sys
from enum import StrEnum

from ..errors import ModelError
from .manifest import Manifest
from .session import Session


class Engine(StrEnum):
    """What can run a model. Scores are the same to 1e-5."""

    ONNXRUNTIME = "onnxruntime"
    NUMPY = "numpy"
    """In less memory, for more CPU; and where onnxruntime has no wheel."""


def chosen(wanted: str | None = None) -> Engine:
    """Return the engine that is named, or the usual one here; ModelError if it is unknown or not installed."""
    here = sys.modules.get("onnxruntime") is not None or importlib.util.find_spec("onnxruntime") is not None
    if wanted is None:
        return Engine.ONNXRUNTIME if here else Engine.NUMPY
    if wanted not in list(Engine):
        raise ModelError(f"there is no engine {wanted!r}: engines are {', '.join(Engine)}")
    if wanted == Engine.ONNXRUNTIME and not here:
        raise ModelError("onnxruntime is not installed here: `pip install onnxruntime`, or take the engine numpy")
    return Engine(wanted)


def session(manifest: Manifest, wanted: str | None = None) -> Session:
    """Load a model into the engine that is named, or the usual one."""
    if chosen(wanted) is Engine.ONNXRUNTIME:
        from .onnxruntime_session import OnnxruntimeSession

        return OnnxruntimeSession(manifest)
    from .numpy_session import NumpySession

    return NumpySession(manifest)


def version() -> str:
    """Return the name and version of the usual engine here; onnxruntime is imported for it, with its telemetry off."""
    if chosen() is Engine.ONNXRUNTIME:
        from .onnxruntime_session import import_onnxruntime

        return f"onnxruntime {import_onnxruntime().__version__}"
    import numpy as np

    return f"numpy {np.__version__}"
