"""Sound as callers name it, opened: a path, an array, a Source of their own, or nothing for the microphone.

Owns the choice alone. Imports only what is asked for: a file needs no PortAudio.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ConfigError
from .block import Source

Sound = str | Path | NDArray[Any] | Source | None


def opened(sound: Sound) -> Source:
    """Return the source of a sound: a file, samples, a Source as it is, or the default microphone for None.

    Raises
    ------
    ConfigError
        For anything else, such as the number of a device.
    """
    if sound is None:
        from .microphone import Microphone

        return Microphone()
    if isinstance(sound, str | Path):
        from .files import FileSource

        return FileSource(sound)
    if isinstance(sound, np.ndarray):
        from .array import ArraySource

        return ArraySource(sound)
    if not callable(getattr(sound, "read", None)) or not callable(getattr(sound, "wipe", None)):
        raise ConfigError(
            f"a {type(sound).__name__} is no sound: give a path, an array, or a Source, "
            "such as wakegate.audio.microphone.Microphone(device)"
        )
    return sound
