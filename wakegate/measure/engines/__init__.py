"""Engines: whoever detects. One protocol, one module an engine.

Read ``engine`` (what an engine is), ``own`` (ours), ``process`` and ``said`` (talking with a process), ``program``
(anybody's), ``settings`` and ``peer`` (other people's, which are in ``peers``).
"""

from ...errors import ConfigError
from .engine import Engine, Heard

__all__ = ["Engine", "Heard", "named"]


def named(spec: str, threshold: float | None, limit_s: float) -> Engine:
    """Return the engine of a specification.

    Parameters
    ----------
    spec : str
        ``wakegate``, ``wakegate:PATH.onnx``, ``exec:COMMAND``, or ``NAME[@PYTHON][:WORD,WORD]`` of a peer.
    threshold : float or None
        In place of those of our words.
    limit_s : float
        How long an engine in a process of its own may take no sound before it is killed.

    Raises
    ------
    WakegateError
        If there is no such engine, it is not installed, or it cannot be used: before any sound is read.
    """
    kind, given, rest = spec.partition(":")
    if kind == "wakegate":
        from .own import Own

        return Own(spec, rest if given else None, threshold)
    if kind == "exec":
        from .program import Program

        return Program(spec, rest, limit_s)
    from .peer import NAMES, Peer, command

    if kind.partition("@")[0] in NAMES:
        return Peer(spec, command(spec), limit_s)
    raise ConfigError(
        f"there is no engine {spec!r}: give wakegate, wakegate:PATH.onnx, {', '.join(NAMES)} or exec:COMMAND"
    )
