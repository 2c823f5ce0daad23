"""Engines: whoever detects. One protocol, one module an engine.

Read ``engine`` (what an engine is), then ``own`` (ours) and ``program`` (anybody's, in a process of its own).
"""

from ...errors import ConfigError
from .engine import Engine, Heard

__all__ = ["Engine", "Heard", "named"]


def named(spec: str, threshold: float | None, limit_s: float) -> Engine:
    """Return the engine of a specification: ``wakegate``, ``wakegate:PATH.onnx`` or ``exec:COMMAND``.

    ``threshold`` stands for those of the engine's words; ``limit_s`` is how long a program may take no sound before
    it is killed.
    """
    kind, given, rest = spec.partition(":")
    if kind == "wakegate":
        from .own import Own

        return Own(spec, rest if given else None, threshold)
    if kind == "exec":
        from .program import Program

        return Program(spec, rest, limit_s)
    raise ConfigError(f"there is no engine {spec!r}: give wakegate, wakegate:PATH.onnx or exec:COMMAND")
