"""The receipt: a person's own copy of a grant, in the fields of ISO/IEC TS 27560:2023.

Owns the mapping from a grant to those fields, in the terms of the W3C Data Privacy Vocabulary's guide to it. Must never
claim a field that wakegate does not know: controllers, recipients' names and jurisdiction are whoever's device it is.
"""

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from ..events import Purpose
from . import notice
from .grant import Grant
from .purposes import DAY_S, RULES

SCHEMA_VERSION = "ISO/IEC TS 27560:2023"
UNKNOWN = "to be named by whoever runs this device"

_DATA: Mapping[Purpose, tuple[str, ...]] = MappingProxyType(
    {
        Purpose.ASSIST: ("live_voice",),
        Purpose.REVIEW: ("voice_clip",),
        Purpose.FALSE_ACCEPT_REVIEW: ("voice_clip",),
        Purpose.IMPROVE: ("reviewed_voice_clip",),
    }
)


def receipt(grant: Grant, now: float) -> dict[str, object]:
    """Return the receipt of a grant as plain values for JSON.

    Parameters
    ----------
    grant : Grant
        The grant as the ledger decides it.
    now : float
        Unix time of the receipt in seconds.
    """
    seals = RULES[grant.purpose].needs_keys
    days = None if grant.expires is None else round((grant.expires - grant.granted) / DAY_S)
    return {
        "header": {
            "schema_version": SCHEMA_VERSION,
            "record_id": grant.id,
            "receipt_id": secrets.token_hex(8),
            "receipt_time": iso(now),
            "pii_principal_id": "the people of this household; wakegate gives them no identifier",
        },
        "processing": {
            "privacy_notice": {"version": notice.VERSION, "sha256": grant.notice_sha256},
            "language": notice.LANGUAGE,
            "purpose": grant.purpose.value,
            "purpose_description": notice.TITLES[grant.purpose],
            "lawful_basis": "consent",
            "pii_information": [
                {"pii_type": kind, "special_category": False, "used_to_identify": False}
                for kind in _DATA[grant.purpose]
            ],
            "pii_controllers": UNKNOWN,
            "collection_method": "microphone, after the wake word",
            "processing_method": "sealed to the keys below, on the device" if seals else "live, nothing kept",
            "storage_locations": ["the outbox on this device, sealed"] if seals else [],
            "retention": "on this device until sent or revoked" if seals else "none on this device",
            "processing_locations": UNKNOWN,
            "recipients": list(grant.keys) or ["the assistant set up on this device"],
            "limits": {
                "clip_s": RULES[grant.purpose].clip_s,
                "clips_a_day": RULES[grant.purpose].clips_a_day,
                "seconds_a_day": RULES[grant.purpose].seconds_a_day,
            },
            "jurisdiction": UNKNOWN,
            "withdrawal_method": f"wakegate consent revoke {grant.purpose}",
        },
        "parties": [
            {"party_id": key, "party_type": "reviewer", "party_name": UNKNOWN, "party_contact": UNKNOWN}
            for key in grant.keys
        ],
        "events": [
            {
                "event_time": iso(grant.granted),
                "validity_duration": "until revoked" if days is None else f"P{days}D",
                "valid_until": None if grant.expires is None else iso(grant.expires),
                "entity_id": "a person at this device",
                "event_type": "explicit",
                "event_state": "given",
                "surface": grant.act.surface.value,
                "act": grant.act.did,
            }
        ],
    }


def iso(wall: float) -> str:
    """Return a unix time as ISO 8601 in UTC, to the second."""
    return datetime.fromtimestamp(wall, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
