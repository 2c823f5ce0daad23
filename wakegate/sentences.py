"""What happened, in words for people: of an event, and of a line of the journal.

Owns the sentences, and which of them a person need not read at every wake. Must never show more than the event or the
line holds, of which any field may be missing.
"""

from collections.abc import Callable, Mapping

from .events import SAMPLE_RATE, Muter, Reason

Values = Mapping[str, object]

_REASONS = {
    "no_grant": "nobody opted in",
    "revoked": "the consent was taken back",
    "expired": "the consent has run out",
    "ledger_unreadable": "the consent ledger cannot be read",
    "ledger_torn": "the consent ledger is torn",
    "ledger_rolled_back": "the consent ledger is older than the journal knows",
    "ledger_foreign": "the consent ledger is not this program's",
    "clock_untrusted": "the clock cannot be trusted",
    "clock_went_back": "the clock went back",
    "journal_unwritable": "the journal cannot be written",
    "cap_reached": "a limit was reached",
    "nowhere_to_go": "nothing is connected that would take it",
    "endpoint": "the speaker stopped",
    "heard_enough": "the assistant has heard enough",
    "no_speech": "nobody spoke",
    "max_length": "the longest length was reached",
    "cancelled": "the user cancelled",
    "gap": "sound was lost",
    "overflow": "the receiver was too slow",
    "sink_failed": "the receiver failed",
    "seal_failed": "the clip could not be sealed",
    "suspected": "it looks like a false accept",
    "not_suspected": "it does not look like a false accept",
    "stopped": "listening was stopped",
    "muted": "somebody has muted it",
    "device_overflow": "the microphone ran over",
    "device_lost": "the microphone is gone",
    "end_of_sound": "the sound ended",
    "sound_failed": "the sound could not be read on",
}

_ENDS = ": its button, or `wakegate mute off`, ends that"
_CONNECTS = ", which it does where `--assist` or `--mic-uri` points"
_MUTERS = {
    "device": "a person at the device",
    "socket": "a program on the event socket",
    "hold_off": "the assistant, while it plays sound",
}


def sentence(kind: str, values: Values) -> str:
    """Return what happened, by the kind of event or line and its fields."""
    said = _SENTENCES.get(kind)
    return said(values) if said else kind


def _text(values: Values, name: str) -> str:
    value = values.get(name)
    return value if isinstance(value, str) else ""


def _number(values: Values, name: str) -> int:
    value = values.get(name)
    return value if isinstance(value, int) else 0


def _words(values: Values) -> str:
    value = values.get("words")
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else ""


def _reason(values: Values) -> str:
    reason = _text(values, "reason")
    said = _text(values, "detail") or _REASONS.get(reason, reason)
    # Whoever refuses knows that nobody is there, and not where one would come.
    return said + _CONNECTS if reason == Reason.NOWHERE_TO_GO and "`" not in said else said


def _seconds(samples: int) -> str:
    return f"{samples / SAMPLE_RATE:.2f} s"


def _score(values: Values) -> str:
    score, threshold = values.get("score"), values.get("threshold")
    return f"score {score:.3f}, threshold {threshold:.3f}" if _floats(score) and _floats(threshold) else "no score"


def _floats(value: object) -> bool:
    return isinstance(value, int | float)


def _muter(values: Values) -> str:
    by = _text(values, "by")
    return _MUTERS.get(by, by)


def _label(values: Values) -> str:
    if _text(values, "verdict") == "true":
        return "labelled a true wake"
    cause = _text(values, "cause")
    return f"labelled a false accept, cause: {cause}" if cause else "labelled a false accept"


def _gap(values: Values) -> str:
    lost = _number(values, "lost")
    return f"{_seconds(lost) if lost else 'an unknown amount'} of sound was lost: {_reason(values)}"


_SENTENCES: dict[str, Callable[[Values], str]] = {
    "started": lambda v: f"listening to {_text(v, 'source')} for {_words(v)}",
    "stopped": lambda v: f"listening ended: {_reason(v)}",
    "gap": _gap,
    "near_miss": lambda v: f"near miss of {_text(v, 'word')!r} ({_score(v)})",
    "wake": lambda v: f"heard {_text(v, 'word')!r} ({_score(v)})",
    "refused": lambda v: f"not released for {_text(v, 'purpose')}: {_reason(v)}",
    "opened": lambda v: f"release for {_text(v, 'purpose')} began under grant {_text(v, 'grant')}",
    "endpoint": lambda v: f"the utterance ended: {_reason(v)}",
    "suspected": lambda v: f"looks like a false accept: {_reason(v)}",
    "released": lambda v: f"released for {_text(v, 'purpose')}: {_seconds(_number(v, 'end') - _number(v, 'start'))}",
    "aborted": lambda v: (
        f"release for {_text(v, 'purpose')} ended early, {_seconds(_number(v, 'sent'))} had left: {_reason(v)}"
    ),
    "wiped": lambda v: "the ring and every buffer were overwritten with zeros",
    "muted": lambda v: f"muted by {_muter(v)}" + (_ENDS if _text(v, "by") == Muter.DEVICE else ""),
    "unmuted": lambda v: f"listening again: no longer muted by {_muter(v)}",
    "exposure": lambda v: f"listened {_seconds(_number(v, 'samples'))} for {_words(v)}",
    "label": _label,
    "ledger": lambda v: f"entry {_number(v, 'entry')} of the consent ledger was noted",
    "coalesced": lambda v: (
        f"{_number(v, 'count')} more of {_text(v, 'of')} {_text(v, 'what')} came too fast for a line each"
    ),
    "mended": lambda v: f"damage was moved to {_text(v, 'aside')}: {_text(v, 'detail')}",
    "carried": lambda v: "totals of older lines, which were dropped for their size",
    "clips": lambda v: "releases of the last day in older lines, which were dropped for their size",
}
