"""One line of the journal in words for people.

Owns the sentences, and which of them a person need not read at every wake. Must never show more than the line holds.
"""

from collections.abc import Callable

from ..events import SAMPLE_RATE, Muter, Purpose, Reason
from .lines import Entry

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
    "no_speech": "nobody spoke",
    "max_length": "the longest length was reached",
    "cancelled": "the user cancelled",
    "gap": "sound was lost",
    "overflow": "the receiver was too slow",
    "sink_failed": "the receiver failed",
    "seal_failed": "the clip could not be sealed",
    "stopped": "listening was stopped",
    "muted": "the microphone was muted",
    "device_overflow": "the microphone ran over",
    "device_lost": "the microphone is gone",
    "end_of_sound": "the sound ended",
    "sound_failed": "the sound could not be read on",
}

_ENDS = ": its button, or `wakegate mute off`, ends that"
_MUTERS = {
    "device": "a person at the device",
    "socket": "a program on the event socket",
    "hold_off": "the assistant, while it plays sound",
}


def explain(entry: Entry) -> str:
    """Return what an entry says, in words."""
    sentence = _SENTENCES.get(entry.kind)
    return sentence(entry) if sentence else entry.kind


def expected(entry: Entry) -> bool:
    """Whether an entry is a review refused because nobody opted in to it: so of every wake, and news to nobody."""
    nobody = entry.text("reason") in (Reason.NO_GRANT, Reason.REVOKED)
    return entry.kind == "refused" and nobody and entry.text("purpose") != Purpose.ASSIST


def _reason(entry: Entry) -> str:
    reason = entry.text("reason")
    return entry.text("detail") or _REASONS.get(reason, reason)


def _seconds(samples: int) -> str:
    return f"{samples / SAMPLE_RATE:.2f} s"


def _score(entry: Entry) -> str:
    score, threshold = entry.values.get("score"), entry.values.get("threshold")
    return f"score {score:.3f}, threshold {threshold:.3f}" if _floats(score) and _floats(threshold) else "no score"


def _floats(value: object) -> bool:
    return isinstance(value, int | float)


def _muter(entry: Entry) -> str:
    by = entry.text("by")
    return _MUTERS.get(by, by)


def _label(entry: Entry) -> str:
    if entry.text("verdict") == "true":
        return "labelled a true wake"
    cause = entry.text("cause")
    return f"labelled a false accept, cause: {cause}" if cause else "labelled a false accept"


def _gap(entry: Entry) -> str:
    lost = entry.number("lost")
    return f"{_seconds(lost) if lost else 'an unknown amount'} of sound was lost: {_reason(entry)}"


_SENTENCES: dict[str, Callable[[Entry], str]] = {
    "started": lambda e: f"listening to {e.text('source')} for {', '.join(e.words())}",
    "stopped": lambda e: f"listening ended: {_reason(e)}",
    "gap": _gap,
    "near_miss": lambda e: f"near miss of {e.text('word')!r} ({_score(e)})",
    "wake": lambda e: f"heard {e.text('word')!r} ({_score(e)})",
    "refused": lambda e: f"not released for {e.text('purpose')}: {_reason(e)}",
    "opened": lambda e: f"release for {e.text('purpose')} began under grant {e.text('grant')}",
    "endpoint": lambda e: f"the utterance ended: {_reason(e)}",
    "suspected": lambda e: f"looks like a false accept: {_reason(e)}",
    "released": lambda e: f"released for {e.text('purpose')}: {_seconds(e.number('end') - e.number('start'))}",
    "aborted": lambda e: (
        f"release for {e.text('purpose')} ended early, {_seconds(e.number('sent'))} had left: {_reason(e)}"
    ),
    "wiped": lambda e: "the ring and every buffer were overwritten with zeros",
    "muted": lambda e: f"muted by {_muter(e)}" + (_ENDS if e.text("by") == Muter.DEVICE else ""),
    "unmuted": lambda e: f"listening again: no longer muted by {_muter(e)}",
    "exposure": lambda e: f"listened {_seconds(e.number('samples'))} for {', '.join(e.words())}",
    "label": _label,
    "ledger": lambda e: f"entry {e.number('entry')} of the consent ledger was noted",
    "coalesced": lambda e: f"{e.number('count')} more of {e.text('of')} {e.text('what')} came too fast for a line each",
    "mended": lambda e: f"damage was moved to {e.text('aside')}: {e.text('detail')}",
    "carried": lambda e: "totals of older lines, which were dropped for their size",
    "clips": lambda e: "releases of the last day in older lines, which were dropped for their size",
}
