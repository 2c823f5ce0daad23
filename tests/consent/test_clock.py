"""When a clock may be believed, from what the kernel says."""

import ctypes
from pathlib import Path

import pytest

from wakegate.consent import clock as module
from wakegate.consent.clock import SystemClock


@pytest.mark.parametrize(
    ("state", "status", "synchronised", "trusted"),
    [
        (0, 0x0001, False, True),
        (0, 0x0040, False, False),
        (5, 0x0001, False, False),
        (5, 0x0040, False, False),
        (-1, 0x0000, False, False),
        (5, 0x0040, True, True),
    ],
)
def test_the_kernels_word_or_timesyncds_file_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: int, status: int, synchronised: bool, trusted: bool
) -> None:
    file = tmp_path / "synchronized"
    if synchronised:
        file.touch()
    monkeypatch.setattr(module, "_TIMESYNC", file)
    one = SystemClock()

    def adjtimex(pointer: object) -> int:
        one._timex.status = status
        return state

    monkeypatch.setattr(one, "_adjtimex", adjtimex)
    assert one.now().trusted is trusted


def test_without_a_boot_id_nothing_is_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "synchronized").touch()
    monkeypatch.setattr(module, "_TIMESYNC", tmp_path / "synchronized")
    assert SystemClock().now().trusted
    monkeypatch.setattr(module, "_BOOT_ID", tmp_path / "missing")
    assert not SystemClock().now().trusted


def test_the_kernel_writes_within_the_structure() -> None:
    one = SystemClock()
    assert ctypes.sizeof(module._Timex) >= 208
    one.now()
    assert not any(one._timex.rest[40:])
