"""Hermes: the one message of its protocol that a wake word has, ``hermes/hotword/WORD/detected``.

Owns topic and fields, as Rhasspy reads them. Says that a word was said and nothing more: it carries no audio, and asks
that none be kept (``sendAudioCaptured`` is false). Whether anything was released is on the JSON topic alone.
"""

from ..events import Wake


def topic(word: str) -> str:
    """Return where a word is told."""
    return f"hermes/hotword/{word}/detected"


def detected(wake: Wake, *, model_sha256: str, site: str) -> dict[str, object]:
    """Return the fields of a wake's message.

    ``currentSensitivity`` is 1 - threshold: Hermes wants a number that grows as more is let through, and has no other
    place for it. ``sessionId`` is left for the dialogue manager to choose.
    """
    return {
        "modelId": wake.word,
        "modelVersion": model_sha256,
        "modelType": "universal",
        "currentSensitivity": round(1 - wake.threshold, 4),
        "siteId": site,
        "sessionId": None,
        "sendAudioCaptured": False,
        "lang": None,
    }
