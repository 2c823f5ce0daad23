"""The ledger's entries: what may stand in it, and how a record becomes one.

Owns the closed list of kinds. Must never guess: a record that is not exactly one of these is an error, and an error
denies.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from ..errors import ChainError, ConfigError, ForeignError, SchemaError, TornError
from ..events import Purpose, Reason
from . import notice
from .clock import Moment
from .grant import Act

DOUBTS = frozenset(
    {
        Reason.LEDGER_UNREADABLE,
        Reason.LEDGER_TORN,
        Reason.LEDGER_ROLLED_BACK,
        Reason.LEDGER_FOREIGN,
        Reason.JOURNAL_UNWRITABLE,
    }
)


def reason_of(error: ChainError) -> Reason:
    """Return the reason to refuse that a damaged ledger is."""
    if isinstance(error, TornError):
        return Reason.LEDGER_TORN
    return Reason.LEDGER_FOREIGN if isinstance(error, ForeignError) else Reason.LEDGER_UNREADABLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """A person said yes to one purpose."""

    kind: ClassVar[str] = "grant"
    stamp: Moment
    id: str
    purpose: Purpose
    days: int | None
    keys: tuple[str, ...]
    notice_version: str
    notice_sha256: str
    language: str
    act: Act


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoked:
    """A purpose was taken back."""

    kind: ClassVar[str] = "revoke"
    stamp: Moment
    purpose: Purpose


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubted:
    """The ledger could not be trusted: every grant before this line is void. ``kept`` names the damaged file."""

    kind: ClassVar[str] = "doubt"
    stamp: Moment
    reason: Reason
    kept: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """Time went by: what boot time and trusted wall time were, so that neither can be turned back."""

    kind: ClassVar[str] = "mark"
    stamp: Moment


Entry = Granted | Revoked | Doubted | Marked


def granted_now(purpose: Purpose, keys: tuple[str, ...], days: int | None, act: Act, now: Moment) -> Granted:
    """Return the entry of a grant given now, under the notice as it stands."""
    return Granted(
        stamp=now,
        id=secrets.token_hex(8),
        purpose=purpose,
        days=days,
        keys=keys,
        notice_version=notice.VERSION,
        notice_sha256=notice.sha256(notice.text(purpose, keys, days)),
        language=notice.LANGUAGE,
        act=act,
    )


def to_values(entry: Entry) -> dict[str, object]:
    """Return an entry as plain values for a record."""
    stamp = entry.stamp
    values: dict[str, object] = {
        "kind": entry.kind,
        "at": round(stamp.wall, 3),
        "trusted": stamp.trusted,
        "boot": round(stamp.boot, 3),
        "boot_id": stamp.boot_id,
    }
    match entry:
        case Granted():
            values |= {
                "id": entry.id,
                "purpose": entry.purpose.value,
                "days": entry.days,
                "keys": list(entry.keys),
                "notice_version": entry.notice_version,
                "notice_sha256": entry.notice_sha256,
                "language": entry.language,
                "surface": entry.act.surface.value,
                "did": entry.act.did,
            }
        case Revoked():
            values["purpose"] = entry.purpose.value
        case Doubted():
            values |= {"reason": entry.reason.value, "kept": entry.kept}
        case Marked():
            pass
    return values


def from_values(values: Mapping[str, object]) -> Entry:
    """Return the entry of a record's values.

    Raises
    ------
    SchemaError
        If they are not exactly what this version writes.
    """
    try:
        entry = _build(values)
    except (KeyError, TypeError, ValueError, ConfigError) as error:
        raise SchemaError(
            f"the ledger holds an entry this wakegate does not know ({error}): use a newer one"
        ) from error
    if to_values(entry) != dict(values):
        raise SchemaError("the ledger holds an entry with fields this wakegate does not know: use a newer one")
    return entry


def _build(values: Mapping[str, object]) -> Entry:
    stamp = Moment(_number(values["at"]), values["trusted"] is True, _number(values["boot"]), str(values["boot_id"]))
    match values["kind"]:
        case Granted.kind:
            days, keys = values["days"], values["keys"]
            if not (days is None or (type(days) is int and days > 0)) or not isinstance(keys, list):
                raise ValueError("days or keys")
            return Granted(
                stamp=stamp,
                id=str(values["id"]),
                purpose=Purpose(str(values["purpose"])),
                days=days,
                keys=tuple(str(key) for key in keys),
                notice_version=str(values["notice_version"]),
                notice_sha256=str(values["notice_sha256"]),
                language=str(values["language"]),
                act=Act(values["surface"], values["did"]),  # type: ignore[arg-type]  # checked by Act itself
            )
        case Revoked.kind:
            return Revoked(stamp=stamp, purpose=Purpose(str(values["purpose"])))
        case Doubted.kind:
            reason = Reason(str(values["reason"]))
            if reason not in DOUBTS:
                raise ValueError("reason")
            return Doubted(stamp=stamp, reason=reason, kept=str(values["kept"]))
        case Marked.kind:
            return Marked(stamp=stamp)
    raise ValueError(f"kind {values['kind']!r}")


def _number(value: object) -> float:
    if type(value) not in (int, float):
        raise TypeError("a time must be a number")
    return float(value)  # type: ignore[arg-type]  # just checked
