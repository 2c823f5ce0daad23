"""PocketSphinx, spotting key phrases of its dictionary's words with the English model of its wheel.

Its ``kws_threshold`` is compared with a ratio that its detections carry, and what it detects does not change how it
goes on: so one pass at a low threshold tells the highest one at which each is still said. Its log10 is the score.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator
from pathlib import Path

from . import RATE, Recording, Unusable, heard, sha256, versions

FLOOR = 1e-40
DEFAULT = 1e-30
"""Its own kws_threshold."""
TAKEN_OFF = 1500
"""KWS_MAX of its kws_search.c, which a detection's ratio has lost."""
UNIT = 1024
"""Of that ratio, in steps of its logarithm's base (SENSCR_SHIFT)."""
SPLIT = {"snowboy": "snow boy"}
"""Words that are not in its dictionary, in words that are."""


class Peer:
    """One search for all phrases."""

    def __init__(self, words: list[str]) -> None:
        found = versions("pocketsphinx")
        import pocketsphinx

        if not words:
            raise Unusable(
                "pocketsphinx hears any words of its dictionary: name them, as pocketsphinx:alexa,view_glass"
            )
        model = Path(pocketsphinx.get_model_path("en-us"))
        self._decoder = pocketsphinx.Decoder(lm=None, loglevel="FATAL")
        spaced = {word: SPLIT.get(word, word).replace("_", " ") for word in words}
        for part in " ".join(spaced.values()).split():
            if self._decoder.lookup_word(part) is None:
                raise Unusable(f"the dictionary of pocketsphinx has no {part!r}: leave out the word")
        with tempfile.TemporaryDirectory() as folder:
            phrases = Path(folder) / "phrases"
            phrases.write_text("".join(f"{phrase} /{FLOOR}/\n" for phrase in spaced.values()))
            self._decoder.add_kws("words", str(phrases))
        self._decoder.activate_search("words")
        self._words = {phrase: word for word, phrase in spaced.items()}
        self._mean = self._decoder.get_cmn()
        self._log = self._decoder.get_logmath()
        self.thresholds = dict.fromkeys(words, math.log10(DEFAULT))
        self.kind: dict[str, object] = {}
        files = sorted(path for path in model.parent.rglob("*") if path.is_file())
        self.about = {
            "versions": found,
            "files_sha256": sha256(*files),
            "floor": math.log10(FLOOR),
            "score": "log10 of the highest kws_threshold at which it is said",
        }

    def hear(self, recording: Recording) -> Iterator[dict[str, object]]:
        """Yield the detections of one recording, all at its end."""
        self._decoder.set_cmn(self._mean)
        self._decoder.start_stream()
        self._decoder.start_utt()
        for piece in recording:
            self._decoder.process_raw(piece)
        for found in self._decoder.seg() or ():
            yield heard((found.end_frame + 1) * RATE // 100, self._words[found.word.strip()], self._score(found.prob))
        self._decoder.end_utt()

    def _score(self, ratio: float) -> float:
        """Return the highest threshold, which it rounds down to whole units, that is not above the ratio."""
        units = round(self._log.log(ratio)) + TAKEN_OFF
        return float(self._log.log_to_log10((units + 1) * UNIT - 1))
