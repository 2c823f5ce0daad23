"""Doctor: what protects this device, and what does not.

Owns the checks, one function each. Must never change anything, and never calls a thing safe that it could not see.
"""

import resource
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from . import config, mute
from .audio.memory import PrivateMemory
from .consent import sealing
from .consent.clock import Clock
from .consent.grant import checked_keys
from .consent.ledger import Ledger
from .errors import WakegateError
from .events import Purpose
from .journal.read import read, verify
from .place import Place
from .wake import catalogue, engine

CORE_PATTERN = Path("/proc/sys/kernel/core_pattern")
SWAPS = Path("/proc/swaps")
BLOCK_DEVICES = Path("/sys/class/block")


class Health(StrEnum):
    """How a check came out."""

    GOOD = "good"
    WEAK = "weak"
    """Listening works, with less protection than it could have."""
    BAD = "bad"
    """Something refuses until it is mended."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: its name, how it came out, what was seen, what to do, and the number behind it where there is one."""

    name: str
    health: Health
    seen: str
    mend: str = ""
    value: float | None = None
    unit: str = ""


def examine(place: Place, clock: Clock) -> Iterator[Finding]:
    """Yield every finding; a check that fails in an unforeseen way is a bad finding, not an end."""
    checks: tuple[tuple[str, Callable[[], Finding]], ...] = (
        ("ring memory", _memory),
        ("core dumps", _core_dumps),
        ("swap", _swap),
        ("telemetry", _telemetry),
        ("models", _models),
        ("config", _config),
        ("sealing", _sealing),
        ("place of the ledger", lambda: _place(place)),
        ("clock", lambda: _clock(clock)),
        ("consent ledger", lambda: _ledger(place, clock)),
        ("journal", lambda: _journal(place)),
        ("mute", lambda: _mute(place)),
        ("microphone", _microphone),
    )
    for name, check in checks:
        try:
            yield check()
        except (WakegateError, OSError) as error:
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
    if soft != 0:
        return Finding(
            "core dumps", Health.WEAK, "on: a crash may write what onnxruntime held", "ulimit -c 0 (LimitCORE=0)"
        )
    # core(5): the limit does not hold for a kernel that pipes crashes to a program.
    pattern = CORE_PATTERN.read_text().strip()
    if pattern.startswith("|"):
        seen = f"the limit is 0, but the kernel pipes crashes to {pattern[1:].split()[0]}, which need not heed it"
        return Finding("core dumps", Health.WEAK, seen, "turn that program off, or see that it heeds a limit of 0")
    return Finding("core dumps", Health.GOOD, "off")


def _swap() -> Finding:
    swaps = [Path(line.split()[0]) for line in SWAPS.read_text().splitlines()[1:]]
    if not swaps:
        return Finding("swap", Health.GOOD, "none")
    if all(_never_clear(swap) for swap in swaps):
        return Finding("swap", Health.GOOD, "encrypted, or compressed in memory")
    seen = (
        "on a disk: memory that is not locked may be written there, and so may a clip while it is sealed (it passes "
        "through a memfd and a child process, which cannot be locked)"
    )
    return Finding("swap", Health.WEAK, seen, "use encrypted swap, zram or none")


def _never_clear(swap: Path) -> bool:
    """Whether what is swapped there reaches no disk in the clear, as far as the kernel tells."""
    device = BLOCK_DEVICES / swap.resolve().name
    try:
        if device.name.startswith("zram"):
            return (device / "backing_dev").read_text().strip() == "none"
        return (device / "dm" / "uuid").read_text().startswith("CRYPT-")  # an LVM volume is a mapper too
    except OSError:
        return False


def _telemetry() -> Finding:
    if engine.chosen() is engine.Engine.NUMPY:
        return Finding("telemetry", Health.GOOD, f"none: {engine.version()} runs the model")
    return Finding("telemetry", Health.GOOD, f"{engine.version()}'s is off, since before it was imported")


def _models() -> Finding:
    models = catalogue.installed()
    for manifest in models:
        manifest.verified_bytes()
    names = ", ".join(f"{m.name} {m.sha256[:12]}" for m in models)
    seen = f"sha256 as in the manifest: {names}; run by {engine.version()}"
    return Finding("models", Health.GOOD if models else Health.BAD, seen)


def _config() -> Finding:
    read = config.read()
    read.model()
    if read.reviewer_key is not None and sealing.tool() is not None:  # read() looks at its form alone
        with read.blamed("reviewer"):
            checked_keys(Purpose.REVIEW, [read.reviewer_key])
    return Finding("config", Health.GOOD, f"{read.path}" if read.path else "none, defaults")


def _sealing() -> Finding:
    tool = sealing.tool()
    if tool is None:
        return Finding("sealing", Health.WEAK, "nothing here can seal clips", "apt install age, or pip install pyrage")
    return Finding("sealing", Health.GOOD, f"clips for a reviewer are sealed by {tool}")


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
    ledger = Ledger.open(place, clock, _Onlooker(place))
    if ledger.trouble:
        return Finding("consent ledger", Health.BAD, ledger.trouble)
    return Finding("consent ledger", Health.GOOD, f"{ledger.head[0]} entries, the chain holds")


class _Onlooker:
    """The journal as a witness that is only read: to open it would mend a torn tail and put lines on record."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def record_ledger(self, seq: int, hash: str) -> None:
        """Write nothing."""

    def ledger_head(self) -> tuple[int, str] | None:
        """Return the newest head on record."""
        heads = [(one.number("entry"), one.text("entry_hash")) for one in read(self._place) if one.kind == "ledger"]
        return heads[-1] if heads else None


def _journal(place: Place) -> Finding:
    found = verify(place)
    if not found.files:
        return Finding("journal", Health.GOOD, "not there yet: nothing has happened")
    return Finding("journal", Health.GOOD, f"{found.lines} lines (files: {found.files}), the chain holds")


def _mute(place: Place) -> Finding:
    if mute.kept(place):
        return Finding("mute", Health.WEAK, "a person has muted this device: nothing is heard", "`wakegate mute off`")
    return Finding("mute", Health.GOOD, "nobody has muted this device")


def _microphone() -> Finding:
    from .audio.devices import choose, list_devices

    try:
        device, why = choose(list_devices(), None)
    except WakegateError as error:
        return Finding("microphone", Health.WEAK, str(error), "files and stdin work without one")
    return Finding("microphone", Health.GOOD, f"{device} ({why})")
