"""Merge: many devices' counts and hours as one, without any sound and without naming a device.

Owns the adding up, by word and model, and the refusal of what would count twice. Pure but for the files it reads.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from ..errors import JournalError
from ..measure.counts.bootstrap import by_device
from ..measure.counts.dispersion import Dispersion, dispersion
from .exported import Exported, read_export
from .report import WordRates


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooled:
    """One word of one model on all devices that listened for it.

    Parameters
    ----------
    total : WordRates
        Their sum, with its exact interval.
    devices : tuple of (Path, WordRates)
        Each file's own.
    spread : Dispersion or None
        Whether their rates differ; None with fewer than two devices with hours, or no false accept.
    by_device : tuple of float or None
        95 % interval of the rate, resampling devices; None with fewer than five.
    """

    total: WordRates
    devices: tuple[tuple[Path, WordRates], ...]
    spread: Dispersion | None
    by_device: tuple[float, float] | None


def merge(paths: Sequence[Path], seed: int = 0) -> tuple[Pooled, ...]:
    """Pool the exports of several devices, by word, then by model: models are never mixed.

    Parameters
    ----------
    paths : sequence of Path
        One file a device, of ``wakegate journal export --format jsonl``.
    seed : int
        Of what is drawn.

    Raises
    ------
    JournalError
        For a file that is damaged or no export, and for two that hold the same hours of one device.
    """
    exports = [read_export(path) for path in paths]
    for one, two in combinations(exports, 2):
        _check_apart(one, two)
    found: dict[tuple[str, str], list[tuple[Path, WordRates]]] = {}
    for export in exports:
        for word in export.words:
            found.setdefault((word.word, word.model), []).append((export.path, word))
    return tuple(_pool(found[key], seed) for key in sorted(found))


def _pool(devices: Sequence[tuple[Path, WordRates]], seed: int) -> Pooled:
    words = [one for _, one in devices]
    total = WordRates(
        word=words[0].word,
        model=words[0].model,
        hours=sum(one.hours for one in words),
        wakes=sum(one.wakes for one in words),
        true=sum(one.true for one in words),
        false_accepts=sum(one.false_accepts for one in words),
        unlabelled=sum(one.unlabelled for one in words),
        suspected=sum(one.suspected for one in words),
        near_misses=sum(one.near_misses for one in words),
    )
    events = [one.false_accepts for one in words if one.hours]
    hours = [one.hours for one in words if one.hours]
    return Pooled(
        total=total,
        devices=tuple(devices),
        spread=dispersion(events, hours, seed),
        by_device=by_device(events, hours, seed),
    )


def _check_apart(one: Exported, two: Exported) -> None:
    """Refuse hours that would count twice. An export does not say whose it is, so what was heard must tell."""
    if one.path.resolve() == two.path.resolve():
        raise JournalError(f"{one.path} is given twice: give each device once")
    if one.digest == two.digest:
        raise JournalError(f"{one.path} and {two.path} say the same: one device's export, copied: give it once")
    if one.runs & two.runs:
        raise JournalError(
            f"{one.path} and {two.path} overlap: the same events follow each other in both, so they are exports of one "
            f"device: give the newest of them alone"
        )
