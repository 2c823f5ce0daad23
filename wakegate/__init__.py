"""wakegate: a wake word engine with a gate.

Audio leaves only when the wake word fired and a person opted in to that purpose; what happened is on record, and no
record holds audio. The public names::

    Pipeline        listen, and iterate over what happens
    load            a model's scorer: samples in, scores out
    events          every event, purpose and reason
    errors          every exception
    testing         grants for the tests of programs that embed wakegate

Importing this imports neither onnxruntime nor a sound library: they come with the first model or microphone.
"""

from typing import TYPE_CHECKING

from . import errors, events

if TYPE_CHECKING:
    from . import testing
    from .pipeline import Pipeline
    from .wake import load

__all__ = ["Pipeline", "errors", "events", "load", "testing"]
__version__ = "0.1.0"

_LAZY = {"Pipeline": "pipeline", "load": "wake"}


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> object:
    import importlib

    if name == "testing":
        return importlib.import_module(".testing", __name__)
    if name in _LAZY:
        return getattr(importlib.import_module(f".{_LAZY[name]}", __name__), name)
    raise AttributeError(f"module 'wakegate' has no attribute {name!r}: the public names are {', '.join(__all__)}")
