"""Messages: what we say, in the words of the ``wyoming`` package.

The only importer of that package (extra ``wyoming``), which owns the names of types and fields. Never holds a sample:
of a chunk of sound these are the words before it.
"""

import importlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from ...errors import ClientError, ConfigError
from ...events import SAMPLE_RATE
from ...wake.manifest import Manifest

WIDTH, CHANNELS = 2, 1
NAME = "wakegate"


def check_installed() -> None:
    """Raise ConfigError, with the command that helps, where the ``wyoming`` package is missing."""
    try:
        import wyoming  # noqa: F401
    except ImportError as error:
        raise ConfigError("the wyoming package is not installed: pip install 'wakegate[wyoming]'") from error


def packed(message: Any, payload: int = 0) -> bytes:
    """Return the bytes of a message, up to the ``payload`` bytes of sound that follow it.

    Raises
    ------
    ClientError
        Where a client's own words in it are nested too deeply.
    """
    from wyoming.version import __version__

    event = message.event()
    try:
        data = json.dumps(event.data).encode() if event.data else b""  # ASCII: text may hold half a surrogate
    except RecursionError as error:  # a little less deep than what could be read
        raise ClientError("bad-event", "what is to be said back is nested too deeply") from error
    header: dict[str, object] = {"type": event.type, "version": __version__}
    header |= {"data_length": len(data)} if data else {}
    header |= {"payload_length": payload} if payload else {}
    return json.dumps(header).encode() + b"\n" + data


def error(code: str, text: str) -> bytes:
    """Say what could not be done."""
    from wyoming.error import Error

    return packed(Error(text=text, code=code))


def pong(text: object) -> bytes:
    """Answer a ping, with its text."""
    from wyoming.ping import Pong

    return packed(Pong(text=text if isinstance(text, str) else None))


def wake_service(words: Mapping[str, Manifest]) -> bytes:
    """Describe the wake service: one program, whose models are the words."""
    from wyoming.info import Info

    return packed(Info(wake=[_wake_program(words)]))


def gated_microphone(words: Mapping[str, Manifest]) -> bytes:
    """Describe the microphone, to programs that read one and to those that run satellites."""
    from wyoming.audio import AudioFormat
    from wyoming.info import Info, MicProgram, Satellite

    about = _artifact("a microphone behind a gate: sound only after a wake word and under a grant")
    sound = AudioFormat(rate=SAMPLE_RATE, width=WIDTH, channels=CHANNELS)
    return packed(
        Info(
            wake=[_wake_program(words)],
            mic=[MicProgram(mic_format=sound, **about)],
            satellite=Satellite(has_vad=True, active_wake_words=list(words), max_active_wake_words=len(words), **about),
        )
    )


def detection(name: str, timestamp: int, context: Mapping[str, object]) -> bytes:
    """Say that a word was heard, at a time in ms."""
    from wyoming.wake import Detection

    return packed(Detection(name=name, timestamp=timestamp, context=dict(context)))


def not_detected(context: Mapping[str, object]) -> bytes:
    """Say that the sound ended without a word."""
    from wyoming.wake import NotDetected

    return packed(NotDetected(context=dict(context) or None))


def run_pipeline(word: str) -> bytes:
    """Ask whoever runs satellites to understand what follows; there is no loudspeaker for an answer."""
    from wyoming.pipeline import PipelineStage, RunPipeline

    return packed(RunPipeline(start_stage=PipelineStage.ASR, end_stage=PipelineStage.HANDLE, wake_word_name=word))


def audio_start() -> bytes:
    """Begin an utterance; its first sample is at 0 ms."""
    from wyoming.audio import AudioStart

    return packed(AudioStart(rate=SAMPLE_RATE, width=WIDTH, channels=CHANNELS, timestamp=0))


def audio_chunk(samples: int, timestamp: int) -> bytes:
    """Say what comes before so many samples, the first of them at a time in ms."""
    from wyoming.audio import AudioChunk

    chunk = AudioChunk(rate=SAMPLE_RATE, width=WIDTH, channels=CHANNELS, audio=b"", timestamp=timestamp)
    return packed(chunk, WIDTH * samples)


def audio_stop(timestamp: int) -> bytes:
    """End a whole utterance."""
    from wyoming.audio import AudioStop

    return packed(AudioStop(timestamp=timestamp))


def _artifact(description: str, name: str = NAME, version: str | None = None) -> dict[str, Any]:
    from wyoming.info import Attribution

    return {
        "name": name,
        "attribution": Attribution(name=NAME, url=""),  # the project has no page of its own yet
        "installed": True,
        "description": description,
        "version": version or importlib.import_module("wakegate").__version__,
    }


def _wake_program(words: Mapping[str, Manifest]) -> Any:
    from wyoming.info import WakeProgram

    return WakeProgram(models=list(_models(words.items())), **_artifact("wake words, on this device"))


def _models(words: Iterable[tuple[str, Manifest]]) -> Iterable[Any]:
    from wyoming.info import WakeModel

    for word, manifest in words:
        phrase = word.replace("_", " ")
        version = f"{manifest.name}-{manifest.sha256[:12]}"
        # A manifest does not say which language its words are of.
        yield WakeModel(languages=[], phrase=phrase, **_artifact(phrase, word, version))
