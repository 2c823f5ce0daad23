"""Doctor: what protects this device, and what does not.

Owns the checks, one function each. Must never change anything, and never calls a thing safe that it could not see.
"""

import resource
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from . import config
from .audio.memory import PrivateMemory
from .consent.clock import Clock
from .consent.ledger import Ledger
from .errors import WakegateError
from .journal import journal as journals
from .journal.read import verify
from .place import Place
from .wake import catalogue


class Health(StrEnum):
    """How a check came out."""

    GOOD = "good"
    WEAK = "weak"
    """Listening works, with less protection than it could have."""
    BAD = "bad"
    """Something refuses until it is mended."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: its name, how it came out, what was seen, and what to do."""

    name: str
    health: Health
    seen: str
    mend: str = ""


def examine(place: Place, clock: Clock) -> Iterator[Finding]:
    """Yield every finding; a check that fails in an unforeseen way is a bad finding, not an end."""
    checks: tuple[Callable[[], Finding], ...] = (
        _memory, _core_dumps, _swap, _telemetry, _models, _config, lambda: _place(place), lambda: _clock(clock),
        lambda: _ledger(place, clock), lambda: _journal(place), _microphone,
    )  # fmt: skip
    for check in checks:
        try:
            yield check()
        except (WakegateError, OSError) as error:
            name = getattr(check, "__name__", "check").strip("_<>")
            yield Finding(name, Health.BAD, str(error))


def _memory() -> Finding:
    memory = PrivateMemory(2 * 16_000 * 30)
    locked, undumpable = memory.locked, memory.undumpable
    memory.close()
    if locked and undumpable:
        return Finding("ring memory", Health.GOOD, "locked in memory, kept out of core dumps")
    missing = [said for said, has in (("locked", locked), ("kept out of core dumps", undumpable)) if not has]
    return Finding(
        "ring memory", Health.WEAK, f"not {' and not '.join(missing)}", "raise `ulimit -l` (LimitMEMLOCK=8M)"
    )


def _core_dumps() -> Finding:
    soft, _ = resource.getrlimit(resource.RLIMIT_CORE)
    if soft == 0:
        return Finding("core dumps", Health.GOOD, "off")
    return Finding(
        "core dumps", Health.WEAK, "on: a crash may write what onnxruntime held", "ulimit -c 0 (LimitCORE=0)"
    )


def _swap() -> Finding:
    swaps = Path("/proc/swaps").read_text().splitlines()[1:]
    encrypted = bool(swaps) and all(line.startswith(("/dev/dm-", "/dev/mapper/", "/dev/zram")) for line in swaps)
    if not swaps:
        return Finding("swap", Health.GOOD, "none")
    if encrypted:
        return Finding("swap", Health.GOOD, "on a device mapper or compressed memory alone")
    return Finding("swap", Health.WEAK, "on a disk: memory that is not locked may be written there", "use zram or none")


def _telemetry() -> Finding:
    catalogue.onnxruntime_version()
    return Finding("telemetry", Health.GOOD, "onnxruntime's is off, since before it was imported")


def _models() -> Finding:
    models = catalogue.installed()
    for manifest in models:
        manifest.verified_bytes()
    names = ", ".join(f"{m.name} {m.sha256[:12]}" for m in models)
    return Finding("models", Health.GOOD if models else Health.BAD, f"sha256 as in the manifest: {names}")


def _config() -> Finding:
    read = config.read()
    return Finding("config", Health.GOOD, f"{read.path}" if read.path else "none, defaults")


def _place(place: Place) -> Finding:
    if trouble := place.trouble():
        return Finding("place of the ledger", Health.BAD, trouble)
    if not place.path.exists():
        return Finding("place of the ledger", Health.GOOD, f"{place.path} is not there yet: nothing was ever granted")
    loose = [p.name for p in place.path.rglob("*") if stat.S_IMODE(p.lstat().st_mode) & 0o077]
    if loose:
        return Finding("place of the ledger", Health.WEAK, f"others can see {', '.join(loose[:5])}", "chmod go= them")
    return Finding("place of the ledger", Health.GOOD, f"{place.path}, this user's alone")


def _clock(clock: Clock) -> Finding:
    if clock.now().trusted:
        return Finding("clock", Health.GOOD, "synchronised")
    seen = "not known to be right: grants that expire are refused (assist without an end works)"
    return Finding("clock", Health.WEAK, seen, "set it by network time (systemd-timesyncd, chrony)")


def _ledger(place: Place, clock: Clock) -> Finding:
    witness = journals.Journal.open(place, clock) if place.journal.exists() else None
    ledger = Ledger.open(place, clock, witness)
    if ledger.trouble:
        return Finding("consent ledger", Health.BAD, ledger.trouble)
    return Finding("consent ledger", Health.GOOD, f"{ledger.head[0]} entries, the chain holds")


def _journal(place: Place) -> Finding:
    if not place.journal.exists():
        return Finding("journal", Health.GOOD, "not there yet: nothing has happened")
    found = verify(place)
    return Finding("journal", Health.GOOD, f"{found.lines} lines in {found.files} files, the chain holds")


def _microphone() -> Finding:
    from .audio.devices import choose, list_devices

    try:
        device, why = choose(list_devices(), None)
    except WakegateError as error:
        return Finding("microphone", Health.WEAK, str(error), "files and stdin work without one")
    return Finding("microphone", Health.GOOD, f"{device} ({why})")
