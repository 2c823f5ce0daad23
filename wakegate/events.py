"""Every event that users receive and the journal writes: frozen values under one schema version.

Owns the vocabulary of what happened. Never holds audio, features or embeddings: a field is a number, a word or an
enum. Times are sample indices at 16 kHz since the stream began; wall time is added by the journal alone.
"""

import json
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import ClassVar

SCHEMA = 1
SAMPLE_RATE = 16_000


class Purpose(StrEnum):
    """What audio may be released for. Closed: each is its own opt-in, and none is on by default."""

    ASSIST = "assist"
    """Answer me now: live audio to the assistant, nothing kept."""
    REVIEW = "review"
    """A person may listen to the clip of a request."""
    FALSE_ACCEPT_REVIEW = "false_accept_review"
    """A person may listen to a short clip of a suspected false wake."""
    IMPROVE = "improve"
    """Reviewed clips may train models. Releases nothing by itself; needs a review grant beside it."""


class Reason(StrEnum):
    """Why something was refused, or why it ended."""

    # Consent says no.
    NO_GRANT = "no_grant"
    REVOKED = "revoked"
    EXPIRED = "expired"
    LEDGER_UNREADABLE = "ledger_unreadable"
    LEDGER_TORN = "ledger_torn"
    LEDGER_ROLLED_BACK = "ledger_rolled_back"
    LEDGER_FOREIGN = "ledger_foreign"
    CLOCK_UNTRUSTED = "clock_untrusted"
    CLOCK_WENT_BACK = "clock_went_back"
    # The gate says no.
    JOURNAL_UNWRITABLE = "journal_unwritable"
    CAP_REACHED = "cap_reached"
    NOWHERE_TO_GO = "nowhere_to_go"
    # The release ended.
    ENDPOINT = "endpoint"
    HEARD_ENOUGH = "heard_enough"
    NO_SPEECH = "no_speech"
    MAX_LENGTH = "max_length"
    CANCELLED = "cancelled"
    GAP = "gap"
    OVERFLOW = "overflow"
    SINK_FAILED = "sink_failed"
    SEAL_FAILED = "seal_failed"
    SUSPECTED = "suspected"
    NOT_SUSPECTED = "not_suspected"
    STOPPED = "stopped"
    MUTED = "muted"
    # The sound.
    DEVICE_OVERFLOW = "device_overflow"
    DEVICE_LOST = "device_lost"
    END_OF_SOUND = "end_of_sound"
    SOUND_FAILED = "sound_failed"


class Muter(StrEnum):
    """Who silenced the microphone, the strongest first."""

    DEVICE = "device"
    """A person, at the device itself: a button, the terminal. No message takes it back."""
    SOCKET = "socket"
    """A program, over the event socket."""
    HOLD_OFF = "hold_off"
    """The program that listens, while the device plays sound of its own."""


class Verdict(StrEnum):
    """A later label of a wake."""

    TRUE = "true"
    FALSE_ACCEPT = "false-accept"


class Cause(StrEnum):
    """What made a false accept."""

    TV = "tv"
    SIMILAR_PHRASE = "similar-phrase"
    BACKGROUND_TALK = "background-talk"
    NOISE = "noise"
    OWN_SOUND = "own-sound"
    CHILD = "child"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened at a sample of the stream.

    It holds no time of day: take ``time.time()`` when it arrives, where that is wanted.

    Parameters
    ----------
    at : int
        Sample index since the stream began, at 16 kHz.
    """

    kind: ClassVar[str] = "event"
    at: int

    def __str__(self) -> str:
        """Return what happened in words: of a refusal why, and what to do."""
        from .sentences import sentence

        return sentence(self.kind, self.to_dict())

    def to_dict(self) -> dict[str, object]:
        """Return the event as plain values, with ``schema``, ``kind`` and ``at_s`` (seconds)."""
        values: dict[str, object] = {"schema": SCHEMA, "kind": self.kind, "at_s": round(self.at / SAMPLE_RATE, 3)}
        for field in fields(self):
            value = getattr(self, field.name)
            values[field.name] = list(value) if isinstance(value, tuple) else value
        return values

    def to_json(self) -> str:
        """Return :meth:`to_dict` as one line of JSON: what every program outside receives."""
        return json.dumps(self.to_dict())


@dataclass(frozen=True, slots=True, kw_only=True)
class Started(Event):
    """Listening began."""

    kind: ClassVar[str] = "started"
    source: str
    words: tuple[str, ...]
    model_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped(Event):
    """Listening ended."""

    kind: ClassVar[str] = "stopped"
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap(Event):
    """Samples were lost: the stream is broken here and starts anew. ``lost`` is 0 where nobody knows how many."""

    kind: ClassVar[str] = "gap"
    reason: Reason
    lost: int = 0
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NearMiss(Event):
    """A candidate whose score stayed between the model's floor and the threshold."""

    kind: ClassVar[str] = "near_miss"
    word: str
    score: float
    threshold: float
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wake(Event):
    """A wake word fired. ``start`` and ``end`` are the estimated bounds of the word."""

    kind: ClassVar[str] = "wake"
    id: str
    word: str
    score: float
    threshold: float
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused(Event):
    """Audio of this wake was not released for this purpose. ``detail`` says what to do."""

    kind: ClassVar[str] = "refused"
    id: str
    purpose: Purpose
    reason: Reason
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened(Event):
    """A release began: a durable record of the intent, written before any released sample can be seen."""

    kind: ClassVar[str] = "opened"
    id: str
    purpose: Purpose
    grant: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint(Event):
    """The utterance ended."""

    kind: ClassVar[str] = "endpoint"
    id: str
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspected(Event):
    """The wake looks like a false accept: no speech followed, or the user cancelled."""

    kind: ClassVar[str] = "suspected"
    id: str
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Released(Event):
    """A release is complete: samples [start, end) left for this purpose. ``clip`` is the sealed file's name."""

    kind: ClassVar[str] = "released"
    id: str
    purpose: Purpose
    start: int
    end: int
    clip: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aborted(Event):
    """A release ended early; ``sent`` samples had left by then (0 for a clip: nothing appears)."""

    kind: ClassVar[str] = "aborted"
    id: str
    purpose: Purpose
    reason: Reason
    sent: int = 0
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiped(Event):
    """The ring and every buffer of ours were overwritten with zeros; the ear starts anew."""

    kind: ClassVar[str] = "wiped"
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Muted(Event):
    """Nothing is listened to from here on: sound is overwritten as it comes. ``by`` is the strongest who wants it."""

    kind: ClassVar[str] = "muted"
    by: Muter


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmuted(Event):
    """Listening goes on. ``by`` is whose mute it was that ended."""

    kind: ClassVar[str] = "unmuted"
    by: Muter


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure(Event):
    """How much was listened to since the last such line: the hours behind every rate.

    ``samples`` were heard by the detector (closed gate); samples while open, muted or lost are not in it.
    """

    kind: ClassVar[str] = "exposure"
    samples: int
    words: tuple[str, ...]
    model_sha256: str


KINDS: dict[str, type[Event]] = {
    cls.kind: cls
    for cls in (
        Started, Stopped, Gap, NearMiss, Wake, Refused, Opened, Endpoint, Suspected, Released, Aborted, Wiped,
        Muted, Unmuted, Exposure,
    )
}  # fmt: skip
