"""The Ring: indices, wrapping, wiping, and what its memory is."""

import re
from pathlib import Path

import numpy as np
import pytest

from tests.memory import plant
from wakegate.audio.files import FileSource
from wakegate.audio.ring import Ring
from wakegate.errors import AudioError, ConfigError


def feed(ring: Ring, values: np.ndarray) -> None:
    while len(values):
        lent = ring.lend(len(values))
        lent[:] = values[: len(lent)]
        ring.commit(len(lent))
        values = values[len(lent) :]


def held(ring: Ring) -> np.ndarray:
    return np.concatenate(ring.pieces(ring.start, ring.end))


def raw(ring: Ring) -> np.ndarray:
    return ring._memory.array(np.int16, ring.capacity)


def test_it_holds_what_was_committed_under_its_index():
    ring = Ring(100)
    lent = ring.lend(10)
    lent[:] = range(10)
    block = ring.commit(7)
    assert (block.start, block.end, ring.start, ring.end) == (0, 7, 0, 7)
    assert block.samples.tolist() == list(range(7))
    assert raw(ring)[7:].sum() == 0, "the rest of the slice must be zeroed"


@pytest.mark.parametrize("block", [1, 3, 7, 10, 13, 20])
def test_it_is_the_end_of_the_stream_whatever_the_block_length(block):
    ring, stream = Ring(20), np.arange(1, 204, dtype=np.int16)
    for at in range(0, len(stream), block):
        feed(ring, stream[at : at + block])
        ring.forget(ring.end - 9)
        assert held(ring).tolist() == stream[max(0, ring.end - 9) : ring.end].tolist()
        assert np.count_nonzero(raw(ring)) == min(9, ring.end), "what was forgotten must be zero"


def test_a_lap_drops_the_oldest():
    ring = Ring(8)
    feed(ring, np.arange(1, 13, dtype=np.int16))
    assert (ring.start, ring.end) == (4, 12)
    assert held(ring).tolist() == list(range(5, 13))
    with pytest.raises(AudioError, match="samples 3 to 12 are not held"):
        ring.pieces(3, 12)


def test_lending_gives_up_what_lies_there():
    ring = Ring(8)
    feed(ring, np.arange(8, dtype=np.int16))
    ring.lend(3)
    assert ring.start == 3
    ring.commit(0)
    assert held(ring).tolist() == [3, 4, 5, 6, 7]


def test_a_second_lend_does_not_leave_the_first_behind():
    ring = Ring(8)
    ring.lend(6)[:] = 1
    ring.lend(2)[:] = 2
    ring.commit(2)
    assert raw(ring).tolist() == [2, 2, 0, 0, 0, 0, 0, 0]


def test_wipe_and_skip_zero_everything_and_indices_go_on():
    ring = Ring(8)
    feed(ring, np.arange(1, 6, dtype=np.int16))
    ring.lend(2)[:] = 9
    ring.wipe()
    assert (ring.start, ring.end) == (5, 5)
    assert not raw(ring).any()
    with pytest.raises(AudioError, match="lend"):
        ring.commit(1)
    feed(ring, np.arange(1, 3, dtype=np.int16))
    ring.skip(1001)
    assert (ring.start, ring.end) == (1008, 1008)
    assert not raw(ring).any()
    feed(ring, np.arange(1, 4, dtype=np.int16))
    assert held(ring).tolist() == [1, 2, 3]


def test_forget_never_goes_beyond_what_is_there():
    ring = Ring(8)
    feed(ring, np.arange(1, 6, dtype=np.int16))
    ring.forget(-4)
    assert ring.start == 0
    ring.forget(99)
    assert (ring.start, ring.end) == (5, 5)
    assert not raw(ring).any()


def test_nobody_can_write_into_the_past():
    ring = Ring(8)
    feed(ring, np.arange(6, dtype=np.int16))
    ring.lend(1)
    for view in (ring.commit(1).samples, *ring.pieces(0, 7)):
        with pytest.raises(ValueError, match="read-only"):
            view[0] = 1
        with pytest.raises(ValueError, match="cannot set WRITEABLE"):
            view.flags.writeable = True


def test_close_wipes_and_ends_it():
    ring = Ring(8)
    feed(ring, np.arange(1, 6, dtype=np.int16))
    ring.close()
    ring.close()
    assert not raw(ring).any()
    with pytest.raises(AudioError, match="closed"):
        ring.lend(1)


def test_misuse_is_said():
    with pytest.raises(ConfigError, match="at least 1 sample, got 0"):
        Ring(0)
    ring = Ring(8)
    with pytest.raises(AudioError, match="cannot lend 0"):
        ring.lend(0)
    with pytest.raises(AudioError, match="never go back"):
        ring.skip(-1)
    ring.lend(2)
    with pytest.raises(AudioError, match="3 samples committed where 2"):
        ring.commit(3)


def test_repr_holds_no_samples():
    ring = Ring(8)
    ring.lend(1)[:] = 12345
    assert "12345" not in f"{ring!r} {ring.commit(1)!r}"


def within(address: int, bounds: str) -> bool:
    start, end = (int(bound, 16) for bound in bounds.split("-"))
    return start <= address < end


def test_its_memory_is_private_anonymous_locked_and_not_dumped():
    ring = Ring(16_000 * 32)
    if not (ring.locked and ring.undumpable):
        pytest.skip("this system does not let us lock memory (ulimit -l)")
    address = ring._samples.ctypes.data
    lines = Path("/proc/self/smaps").read_text().splitlines()
    heads = [n for n, line in enumerate(lines) if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line)]
    head = next(n for n in heads if within(address, lines[n].split()[0]))
    assert lines[head].split()[1] == "rw-p"
    assert lines[head].split()[4] == "0", "anonymous: no inode"
    rest = dict(line.split(":", 1) for line in lines[head + 1 : min([n for n in heads if n > head])])
    assert int(rest["Locked"].split()[0]) >= 16_000 * 32 * 2 // 1024
    assert {"dd", "lo", "wf"} <= set(rest["VmFlags"].split())


@pytest.mark.parametrize(("rate", "channels"), [(16_000, 1), (48_000, 1)])
def test_after_a_wipe_no_copy_is_left_in_this_process(tmp_path, rate, channels):
    probes = plant(tmp_path / "noise.wav", seed=rate + channels, rate=rate, channels=channels)
    assert probes.found() == {}, "the scan must not find its own probes"
    ring, source = Ring(1280 * 40), FileSource(tmp_path / "noise.wav")
    while True:
        reading = source.read(ring.lend(1280))
        ring.commit(reading.count)
        if reading.ended or ring.end > 24_000:
            break
    assert probes.found().get("stored int16" if rate == 16_000 else "given int16", 0) >= 10, "the positive control"
    ring.wipe()
    source.wipe()
    assert probes.found() == {}
