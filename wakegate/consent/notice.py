"""The notice a person sees before a grant, in plain words.

Owns the texts and their version. A grant carries the sha256 of the text that was shown, before a terminal broke its
lines; the same purpose, keys and days give the same text again. Must say who listens, what leaves, for how long and how
to stop it.
"""

import hashlib
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from ..events import Purpose
from .purposes import KEEP_DAYS, RULES

VERSION = "3"
LANGUAGE = "en"

TITLES: Mapping[Purpose, str] = MappingProxyType(
    {
        Purpose.ASSIST: "send what you say after the wake word to your assistant",
        Purpose.REVIEW: "let a person listen to recordings of your requests",
        Purpose.FALSE_ACCEPT_REVIEW: "let a person listen to short recordings of suspected false wakes",
        Purpose.IMPROVE: "let reviewed recordings train wake word models",
    }
)

_WHAT: Mapping[Purpose, str] = MappingProxyType(
    {
        Purpose.ASSIST: """\
What leaves: live sound, from up to 2 seconds before the wake word until you stop speaking (30 seconds at most), to \
the assistant program set up on this device. wakegate keeps no copy; what the assistant does with it, its makers must \
say. A television or a guest who says the wake word opens it too.""",
        Purpose.REVIEW: """\
A PERSON WILL LISTEN to what you said. What leaves: recordings of what follows the wake word, {clip_s:g} seconds each \
at most, no more than {clips} a day. They hold voices and words of whoever was speaking, guests and children too: \
tell the others in your home. No name, address, serial number or exact time goes with them, but a voice can be \
recognised.""",
        Purpose.FALSE_ACCEPT_REVIEW: """\
A PERSON WILL LISTEN to sound that nobody meant to give: moments when the device thinks it woke by mistake. What \
leaves: recordings of {clip_s:g} seconds each at most, no more than {clips} a day. They may hold a piece of any talk \
in the room: tell the others in your home. No name, address, serial number or exact time goes with them, but a voice \
can be recognised.""",
        Purpose.IMPROVE: """\
Recordings that you let a person listen to may also be used to train wake word models. Nothing more leaves than under \
those grants. What a model has learnt cannot be taken out of it again; recordings can be erased by their holder.""",
    }
)


def short(key: str) -> str:
    """Return the short form of a reviewer's key, for people to compare ("age1qy…8x3k2")."""
    return f"{key[:10]}…{key[-6:]}"


def text(purpose: Purpose, keys: Sequence[str] = (), days: int | None = None) -> str:
    """Return the notice for a grant of ``purpose``.

    Parameters
    ----------
    purpose : Purpose
        What is to be granted.
    keys : sequence of str
        The reviewers' age keys.
    days : int or None
        For how long; None is without an end.
    """
    rule = RULES[purpose]
    parts = [f"You are asked to {TITLES[purpose]} (purpose: {purpose}).", ""]
    parts += [_WHAT[purpose].format(clip_s=rule.clip_s, clips=rule.clips_a_day), ""]
    for key in keys:
        parts.append(f"Who can open the recordings: whoever holds the key {short(key)}, in full")
        parts.append(f"  {key}")
    if keys:
        parts += ["This device cannot open them itself. Ask the reviewer to read you the key, and compare.", ""]
    span = "1 day" if days == 1 else f"{days} days"
    parts.append(f"For how long: {f'{span}, then it ends by itself.' if days else 'until you revoke it.'}")
    parts.append(f"How to stop it at once, at any time, without a question: wakegate consent revoke {purpose}")
    if rule.needs_keys:
        parts.append("Recordings still on this device are erased then; ask the key's holder to erase what was sent.")
        parts.append(
            f"How long they keep it: every recording says, inside, the day after which its holder must delete it "
            f"(delete_after, {KEEP_DAYS} days after it was made). This device cannot check that they do."
        )
    parts.append("If you refuse, everything else works as before.")
    return "\n".join(parts)


def sha256(shown: str) -> str:
    """Return the sha256 of a notice as it was shown, 64 hex digits."""
    return hashlib.sha256(shown.encode()).hexdigest()
