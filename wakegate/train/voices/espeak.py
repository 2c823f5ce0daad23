"""espeak-ng: a formant synthesiser in a package of PyPI (``espeakng-loader``), the voice that is always there.

Owns the calls into its library (``speak_lib.h``, version 1.51). One at a time: the library keeps its state to itself,
its phases too, so that the same words with the same settings never sound the same to the bit.
"""

import ctypes
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import soxr

from ...errors import ConfigError
from ...events import SAMPLE_RATE
from . import Said, trimmed

LANGUAGES = ("en-us", "en-us", "en", "en-gb-x-rp", "en-gb-scotland", "en-gb-x-gbcwmd", "en-029")
"""Accents, the first twice as often."""
NO_PERSON = ("robo", "whisper", "croak", "demonic", "tweaky", "fast", "unirobot", "anikarobot", "klatt", "storm")
"""Beginnings of variants that sound like nobody who would say a wake word."""
_SYNCHRONOUS, _EXIT_NOT = 1, 0x8000
_RATE, _PITCH, _RANGE = 1, 3, 4
_UTF8, _IPA = 1, 2
_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


class _Library:
    """The library, loaded once a process, and where its samples go."""

    def __init__(self) -> None:
        try:
            import espeakng_loader
        except ImportError as error:
            raise ConfigError(f"no voice is installed ({error.name}): pip install 'wakegate[train]'") from error
        self.data = Path(espeakng_loader.get_data_path())
        self.calls: Any = ctypes.CDLL(espeakng_loader.get_library_path())
        self.calls.espeak_TextToPhonemes.restype = ctypes.c_char_p
        self.calls.espeak_Info.restype = ctypes.c_char_p
        self.rate = self.calls.espeak_Initialize(_SYNCHRONOUS, 0, str(self.data).encode(), _EXIT_NOT)
        if self.rate <= 0:
            raise ConfigError(f"espeak-ng cannot read {self.data}: pip install --force-reinstall espeakng-loader")
        self.said: list[Said] = []
        self._kept = _CALLBACK(self._take)  # the library holds no reference to it
        self.calls.espeak_SetSynthCallback(self._kept)

    def _take(self, samples: Any, count: int, _: object) -> int:
        if samples and count > 0:
            self.said.append(np.ctypeslib.as_array(samples, (count,)).astype(np.float32) / np.float32(32768))
        return 0


@cache
def _library() -> _Library:
    return _Library()


def phonemes(word: str) -> str:
    """Return how American English says a word, in IPA with stress marks."""
    calls = _library().calls
    calls.espeak_SetVoiceByName(b"en-us")
    text = ctypes.c_char_p(word.encode())
    found: list[str] = []
    while text.value is not None:  # a clause a call; then the pointer is null
        found.append(calls.espeak_TextToPhonemes(ctypes.byref(text), _UTF8, _IPA).decode())
    return " ".join(found)


class Espeak:
    """All its voices for people, in the accents of English."""

    def __init__(self) -> None:
        library = _library()
        variants = sorted(path.name for path in (library.data / "voices" / "!v").iterdir())
        self.speakers = tuple(name for name in variants if not name.lower().startswith(NO_PERSON))
        version = library.calls.espeak_Info(None).decode().split()[0]
        self.name = f"espeak-ng {version}"

    def say(self, text: str, among: Sequence[str], rng: np.random.Generator) -> Said:
        """Speak as one of the variants in any accent, fast or slow, high or low, flat or lively."""
        library = _library()
        voice = f"{rng.choice(LANGUAGES)}+{rng.choice(list(among))}"
        if library.calls.espeak_SetVoiceByName(voice.encode()):  # it would go on as whoever spoke last
            raise ConfigError(f"espeak-ng cannot speak as {voice}: pip install --force-reinstall espeakng-loader")
        for parameter, low, high in ((_RATE, 115, 230), (_PITCH, 15, 85), (_RANGE, 20, 90)):
            library.calls.espeak_SetParameter(parameter, int(rng.integers(low, high)), 0)
        data = text.encode()
        library.said.clear()
        library.calls.espeak_Synth(data, len(data) + 1, 0, 1, 0, _UTF8, None, None)
        library.calls.espeak_Synchronize()
        if not library.said:
            return np.zeros(0, np.float32)
        spoken = trimmed(np.concatenate(library.said), library.rate)
        heard: Said = soxr.resample(spoken, library.rate, SAMPLE_RATE).astype(np.float32)
        return heard
