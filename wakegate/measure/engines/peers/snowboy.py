"""Snowboy, where it was built: the models that lie beside it, no score, so it is swept by its sensitivity.

No wheel exists: build its Python module from its sources and put the folder, with ``resources``, on the path of the
Python that is named. A word is heard at eleven sensitivities by as many detectors.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from . import SENSITIVITIES, Recording, Unusable, chosen, frames, heard, sha256, strictness

FRAME = 1600
DEFAULTS = {"alexa": 0.6, "computer": 0.6, "hey_extreme": 0.6, "jarvis": 0.8, "neoya": 0.7, "view_glass": 0.7}
"""The sensitivities that its README gives its models; 0.5 for the others."""
PLAIN = ("snowboy", "smart_mirror")
"""Models that are to hear the sound without its front end."""


class Peer:
    """One detector a word and sensitivity."""

    def __init__(self, words: list[str]) -> None:
        try:
            from snowboy import snowboydetect
        except ImportError:
            try:
                import snowboydetect
            except ImportError as error:
                raise Unusable(f"{error}: build snowboydetect from its sources (it has no wheel)") from error
        folder = Path(snowboydetect.__file__).parent
        models = {path.stem: str(path) for path in sorted(folder.rglob("*.umdl"), reverse=True)}
        common = next(folder.rglob("common.res"), None)
        if not models or common is None:
            raise Unusable(f"snowboydetect has no models beside it: copy its resources folder to {folder}")
        self._engines = {
            word: [self._made(snowboydetect.SnowboyDetect, common, word, model, one) for one in SENSITIVITIES]
            for word, model in chosen(words, models, "snowboy").items()
        }
        self.thresholds = {word: strictness(DEFAULTS.get(word, 0.5)) for word in self._engines}
        self.kind = {"settings": [strictness(one) for one in SENSITIVITIES]}
        self.about = {
            "files_sha256": sha256(common, *(models[word] for word in self._engines), *folder.glob("_snowboydetect*")),
            "swept_by": "sensitivity",
            "settings": list(SENSITIVITIES),
            "score": "1 - sensitivity",
        }

    def _made(self, kind: type, common: Path, word: str, model: str, sensitivity: float) -> Any:
        """Return a detector; a model may know several ways to say its word, each with a sensitivity."""
        engine = kind(str(common).encode(), model.encode())
        engine.SetSensitivity(",".join([f"{sensitivity:.1f}"] * engine.NumHotwords()).encode())
        engine.ApplyFrontend(word not in PLAIN)
        return engine

    def hear(self, recording: Recording) -> Iterator[dict[str, object]]:
        """Yield what each sensitivity says."""
        for engines in self._engines.values():
            for engine in engines:
                engine.Reset()
        for count, frame in enumerate(frames(recording, FRAME), 1):
            data = frame.tobytes()
            for word, engines in self._engines.items():
                for engine, sensitivity in zip(engines, SENSITIVITIES):  # noqa: B905, for Python 3.9
                    if engine.RunDetection(data) > 0:
                        yield heard(count * FRAME, word, strictness(sensitivity))
