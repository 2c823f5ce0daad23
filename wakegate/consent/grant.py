"""Grant, Denial and Act: the answers of consent, as values, never a bool.

Owns their shape and the check of reviewers' keys. Must never echo a secret key that was given by mistake.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from ..errors import ConfigError
from ..events import Purpose, Reason
from . import sealing
from .purposes import RULES

MAX_KEYS = 8


class Surface(StrEnum):
    """Where a person acted."""

    TERMINAL = "terminal"
    BUTTON = "button"
    SCREEN = "screen"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Act:
    """What a person did to grant.

    Parameters
    ----------
    surface : Surface
        Where. ``TEST`` is accepted in test places alone.
    did : str
        What, in a few words ("typed yes", "held the button for three seconds"); 1 to 200 characters.
    """

    surface: Surface
    did: str

    def __post_init__(self) -> None:
        """Refuse an unknown surface or an act that says nothing."""
        try:
            object.__setattr__(self, "surface", Surface(self.surface))
        except ValueError as error:
            raise ConfigError(f"surface {self.surface!r} is none of {', '.join(Surface)}") from error
        if not isinstance(self.did, str) or not 1 <= len(self.did.strip()) <= 200:
            raise ConfigError("an act must say what the person did, in 1 to 200 characters")


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A person's yes to one purpose.

    Parameters
    ----------
    id : str
        Random, of this grant alone.
    purpose : Purpose
        What it permits, and nothing else.
    granted, expires : float, float or None
        Unix times in seconds; None is without an end.
    keys : tuple of str
        The reviewers' age public keys: clips are sealed to these and to no others.
    notice_sha256 : str
        Hash of the notice as it was shown.
    act : Act
        What the person did.
    """

    id: str
    purpose: Purpose
    granted: float
    expires: float | None
    keys: tuple[str, ...]
    notice_sha256: str
    act: Act


@dataclass(frozen=True, slots=True)
class Denial:
    """A no, with why and what to do.

    Parameters
    ----------
    purpose : Purpose
        What was asked for.
    reason : Reason
        Why not.
    detail : str
        One sentence for people, with what to do.
    """

    purpose: Purpose
    reason: Reason
    detail: str


def checked_keys(purpose: Purpose, keys: Sequence[str]) -> tuple[str, ...]:
    """Return the reviewers' keys if ``purpose`` takes them and each is a valid age public key.

    Raises
    ------
    ConfigError
        If one is not. A secret key is named as such and never repeated.
    """
    if isinstance(keys, str):
        raise ConfigError("keys must be a list of age public keys, got a single text: put it in a list")
    if len(keys) > MAX_KEYS:
        raise ConfigError(f"{len(keys)} reviewer keys were given, {MAX_KEYS} are the most")
    checked = tuple(_checked(key) for key in keys)
    if len(set(checked)) != len(checked):
        raise ConfigError("the same reviewer key was given twice")
    if RULES[purpose].needs_keys and not checked:
        raise ConfigError(
            f"{purpose} needs the reviewer's age public key, to which alone clips are sealed: give --key age1... (the "
            "reviewer makes a pair with `age-keygen -o key.txt`, away from this device)"
        )
    if checked and not RULES[purpose].needs_keys:
        raise ConfigError(f"{purpose} takes no reviewer key: nothing is sealed for it")
    return checked


def checked_form(key: str) -> str:
    """Return a key, stripped, if it has the form of an age public key; its checksum only age knows.

    Raises
    ------
    ConfigError
        If it has not. A secret key is named as such and never repeated.
    """
    if not isinstance(key, str):
        raise ConfigError("a reviewer key must be text that begins with age1")
    if "AGE-SECRET-KEY" in key.upper():
        raise ConfigError(
            "that is a secret key, which must never be on this device: give the public key (age1...), which "
            "`age-keygen -y` prints, and treat the secret one as seen by others"
        )
    if not sealing.has_form(plain := key.strip()):
        raise _no_key(key)
    return plain


def _checked(key: str) -> str:
    """Return one key in its canonical form, refusing what age itself would refuse."""
    plain = checked_form(key)
    if (by := sealing.tool()) is None:
        raise ConfigError(sealing.MISSING)
    try:
        return sealing.canonical(plain, by)
    except ConfigError:  # a ValueError too, and no fault of the key's
        raise
    except ValueError:
        raise _no_key(key) from None


def _no_key(key: str) -> ConfigError:
    """Return the error; the key is not echoed, and nothing is chained: nobody knows what was pasted here."""
    return ConfigError(
        f"this is no age public key ({len(key)} characters): it must begin with age1 and have 62 characters; "
        "the reviewer's `age-keygen` prints it after `public key:`"
    )
