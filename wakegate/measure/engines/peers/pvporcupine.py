"""Porcupine 1.9.5, the last that needs no key: its own keywords, no score, so it is swept by its sensitivity.

It hears a recording at eleven sensitivities at once, as eleven engines that know all the words: a sensitive one says
more. What it says at a sensitivity has the score 1 - sensitivity.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator

from . import SENSITIVITIES, Recording, chosen, frames, heard, sha256, strictness, versions

DEFAULT = 0.5
"""Its own."""


class Peer:
    """The keyword files of its wheel."""

    def __init__(self, words: list[str]) -> None:
        found = versions("pvporcupine", exactly="1.9.5", why="which needs a key and the network")
        import pvporcupine

        self._create = pvporcupine.create
        known = {name.replace(" ", "_"): name for name in pvporcupine.KEYWORDS}
        self._names = chosen(words, known, "pvporcupine")
        self.thresholds = dict.fromkeys(self._names, strictness(DEFAULT))
        self.kind = {"settings": [strictness(one) for one in SENSITIVITIES]}
        paths = [pvporcupine.KEYWORD_PATHS[name] for name in self._names.values()]
        self.about = {
            "versions": found,
            "files_sha256": sha256(pvporcupine.LIBRARY_PATH, pvporcupine.MODEL_PATH, *paths),
            "swept_by": "sensitivity",
            "settings": list(SENSITIVITIES),
            "score": "1 - sensitivity",
        }

    def hear(self, recording: Recording) -> Iterator[dict[str, object]]:
        """Yield what each sensitivity says."""
        words, names = list(self._names), list(self._names.values())
        engines = [self._create(keywords=names, sensitivities=[one] * len(names)) for one in SENSITIVITIES]
        size = engines[0].frame_length
        sound, index = (ctypes.c_short * size)(), ctypes.c_int()
        try:
            for count, frame in enumerate(frames(recording, size), 1):
                memoryview(sound).cast("B")[:] = frame.cast("B")
                for engine, sensitivity in zip(engines, SENSITIVITIES):  # noqa: B905, for Python 3.9
                    # Its process() turns every sample into a Python number first, which costs as much as it does.
                    engine.process_func(engine._handle, sound, ctypes.byref(index))
                    if index.value >= 0:
                        yield heard(count * size, words[index.value], strictness(sensitivity))
        finally:
            for engine in engines:
                engine.delete()
