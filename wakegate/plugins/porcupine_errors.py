"""The exceptions that programs written for pvporcupine catch, as wakegate's own errors.

Owns the names alone. ``message`` and ``message_stack`` are there because such programs print them. Where pvporcupine
raises a ValueError or OSError instead, ours is one too, so that either ``except`` catches it.
"""

from ..errors import WakegateError


class PorcupineError(WakegateError):
    """Base of them all."""

    @property
    def message(self) -> str:
        """What went wrong, and what to do."""
        return str(self)

    @property
    def message_stack(self) -> tuple[str, ...]:
        """Empty: everything is in the message."""
        return ()


class PorcupineMemoryError(PorcupineError):
    """Never raised here; programs name it."""


class PorcupineIOError(PorcupineError, OSError):
    """A model file cannot be read, or is damaged."""


class PorcupineInvalidArgumentError(PorcupineError, ValueError):
    """An argument is wrong: an unknown keyword, a sensitivity, a frame."""


class PorcupineStopIterationError(PorcupineError):
    """Never raised here; programs name it."""


class PorcupineKeyError(PorcupineError):
    """Never raised here; programs name it."""


class PorcupineInvalidStateError(PorcupineError):
    """The engine was used after ``delete()``."""


class PorcupineRuntimeError(PorcupineError):
    """Never raised here; programs name it."""


class PorcupineActivationError(PorcupineError):
    """Never raised here: there is no key to activate."""


class PorcupineActivationLimitError(PorcupineError):
    """Never raised here: there is no key to activate."""


class PorcupineActivationThrottledError(PorcupineError):
    """Never raised here: there is no key to activate."""


class PorcupineActivationRefusedError(PorcupineError):
    """Never raised here: there is no key to activate."""
