"""OVOS: a wake-word plugin and a verifier for ovos-plugin-manager (entry points ``opm.wake_word``, ``...verifier``).

Owns these two classes; the only importer of ovos_plugin_manager, whose listener takes nothing but its subclasses. OVOS
loads this module by its entry point, nothing else imports it. In OVOS's configuration::

    "hotwords": {"computer": {"module": "ovos-ww-plugin-wakegate", "listen": true, "active": true}},
    "listener": {"ww_verifiers": {"ovos-ww-verifier-wakegate": {"key_phrase": ["computer"]}}}

``key_phrase`` is the word (the name of the section if not given, as in smart_mirror: OVOS wants no spaces there),
``threshold`` another than the model's, ``model`` a path to NAME.onnx. A word that no model knows is an error, and no
other word is taken for it (unless the section has OVOS's own ``fallback_ww``).

No gate stands here: OVOS owns the microphone, and what it does with its sound it does without wakegate.
"""

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
from ovos_plugin_manager.templates.hotwords import HotWordEngine, HotWordVerifier

from ..audio.block import Samples
from ..ear import Ear
from ..errors import ConfigError, FormatError, WakegateError
from ..events import Wake
from ..wake import Detector, Scorer, load, sweep

_log = logging.getLogger(__name__)
Config = dict[str, Any]
"""A section of OVOS's configuration: what lies in it besides ours is OVOS's."""


class WakegateWakeWord(HotWordEngine):
    """Hears one wake word in OVOS's stream.

    Parameters
    ----------
    key_phrase : str
        The section's name: the word, unless ``config`` has a ``key_phrase``.
    config : dict, optional
        The section.

    Raises
    ------
    ConfigError, ModelError
        For a setting of the wrong kind, or a word that no model knows.
    """

    def __init__(self, key_phrase: str, config: Config | None = None) -> None:
        super().__init__(key_phrase, config)
        words = _words(self.config.get("key_phrase", self.key_phrase))
        if len(words) != 1:
            raise ConfigError(f"the hotword {key_phrase!r} names {len(words)} words: make a section for each")
        self._ear: Ear | None = Ear(*_loaded(words, self.config))
        self._found = False

    def update(self, chunk: bytes) -> None:
        """Take the next samples: 16-bit little-endian PCM, 16 kHz, mono. After :meth:`stop` nothing is heard."""
        if self._ear is not None and any(isinstance(one, Wake) for one in self._ear.hear(_samples(chunk))):
            self._found = True

    def found_wake_word(self) -> bool:
        """Return whether the word was heard since the last time that somebody asked."""
        found, self._found = self._found, False
        return found

    def reset(self) -> None:
        """Begin a new stream: what was heard is forgotten, what is held is overwritten."""
        self._found = False
        if self._ear is not None:
            self._ear.restart(0)

    def stop(self) -> None:
        """Overwrite what is held and let the model go; ``shutdown()`` is the same. Safe to call twice."""
        self.reset()
        self._ear = None


class WakegateVerifier(HotWordVerifier):
    """Says of the audio behind a detection, of any engine, whether our model hears a wake word in it.

    OVOS asks every verifier that is installed, for all its hotwords, and never says which: ``key_phrase`` must name
    every word that OVOS wakes to, or those that are left out will never wake it. Without a ``key_phrase`` it does not
    load. OVOS goes on without a verifier that does not load or that raises, so this one answers a doubt with no.

    Parameters
    ----------
    config : dict
        ``key_phrase`` (a word or a list of words), and ``threshold`` and ``model`` as above.

    Raises
    ------
    ConfigError, ModelError
        For a setting that is missing or of the wrong kind, or a word that no model knows.
    """

    def __init__(self, config: Config | None = None) -> None:
        super().__init__(config)
        if "key_phrase" not in self.config:
            raise ConfigError(
                "the verifier has no key_phrase, and would refuse every other word: name the words that wake OVOS, "
                'or turn it off with "enabled": false'
            )
        self._scorer, self._detector = _loaded(_words(self.config["key_phrase"]), self.config)

    def verify(self, chunk: bytes) -> bool:
        """Return whether one of the words is in a clip: 16-bit little-endian PCM, 16 kHz, mono."""
        try:
            clip = _samples(chunk)
            return any(found.detected for found in sweep.candidates(self._scorer, self._detector, [clip]))
        except Exception as error:  # OVOS takes one that raises for none, and would wake
            _log.warning("not verified: %s", error if isinstance(error, WakegateError) else type(error).__name__)
            return False
        finally:
            self._scorer.reset()  # nothing of the clip is held


def _words(given: object) -> list[str]:
    """Return the words of a ``key_phrase``: text, or a list of texts."""
    words = [given] if isinstance(given, str) else given
    if not isinstance(words, list) or not words or not all(isinstance(word, str) and word.strip() for word in words):
        raise ConfigError(f"key_phrase is {given!r}: give a word, or a list of words")
    return words


def _loaded(words: Sequence[str], config: Config) -> tuple[Scorer, Detector]:
    """Load the model that a section names."""
    threshold, model = config.get("threshold"), config.get("model")
    if isinstance(threshold, bool) or not isinstance(threshold, int | float | None):
        raise ConfigError(f"threshold is {threshold!r}: give a number, or leave it out for the model's own")
    if not isinstance(model, str | None):
        raise ConfigError(f"model is {model!r}: give the path of a NAME.onnx, or leave it out for the installed one")
    scorer = load(words, model)
    thresholds = None if threshold is None else dict.fromkeys(scorer.words, float(threshold))
    return scorer, Detector(scorer.manifest.detector_config(scorer.words, thresholds))


def _samples(chunk: bytes) -> Samples:
    """Return raw PCM as (n,) int16."""
    if not isinstance(chunk, bytes | bytearray) or len(chunk) % 2:
        got = f"{len(chunk)} bytes" if isinstance(chunk, bytes | bytearray) else type(chunk).__name__
        raise FormatError(f"a chunk is {got}: give bytes of whole 16-bit samples, 16 kHz, mono")
    return np.frombuffer(chunk, "<i2").astype(np.int16, copy=False)
