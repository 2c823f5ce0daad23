"""The chain on real files: damage, full disks, killed writers, several writers."""

import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wakegate.chain import GENESIS, MAX_LINE, Chain
from wakegate.chain.record import decode, encode
from wakegate.errors import BrokenError, ChainError, ForeignError, SchemaError, TornError


def chain(path: Path, **options: int) -> Chain:
    return Chain(path / "a.jsonl", "test-chain", 1, **options)


def filled(path: Path, count: int = 5) -> Chain:
    one = chain(path)
    for number in range(count):
        one.append([{"n": number}])
    return one


def numbers(one: Chain) -> list[object]:
    return [record.values["n"] for record in one.entries()]


def run(code: str, path: Path, *args: str) -> subprocess.Popen[bytes]:
    prelude = (
        "import sys, os, time, resource\nfrom pathlib import Path\nfrom wakegate.chain import Chain\n"
        "one = Chain(Path(sys.argv[1]) / 'a.jsonl', 'test-chain', 1)\n"
    )
    return subprocess.Popen([sys.executable, "-c", prelude + code, str(path), *args], stdout=subprocess.PIPE)


@pytest.fixture
def memory() -> Iterator[Path]:
    """A folder in memory: thousands of writes would wear a disk for nothing."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as path:
        yield Path(path)


def test_a_missing_file_is_an_empty_chain_and_nothing_is_made(tmp_path: Path) -> None:
    one = chain(tmp_path)
    assert one.load() == () and list(one.entries()) == [] and one.head == (0, GENESIS)
    assert list(tmp_path.iterdir()) == []


def test_what_is_appended_is_read_back_private_and_readable(tmp_path: Path) -> None:
    filled(tmp_path, 3)
    file = tmp_path / "a.jsonl"
    assert numbers(chain(tmp_path)) == [0, 1, 2]
    assert file.stat().st_mode & 0o777 == 0o600
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["seq"] for line in lines] == [1, 2, 3, 4]
    assert lines[0] | {"hash": ""} == {
        "seq": 1, "prev": GENESIS, "chain": "test-chain", "schema": 1, "test": False, "hash": "",
    }  # fmt: skip
    assert all(after["prev"] == before["hash"] for before, after in itertools.pairwise(lines))


@given(st.dictionaries(st.text(max_size=8).filter(lambda key: key not in {"seq", "prev", "hash"}),
                       st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
                       | st.text(max_size=30), max_size=6))  # fmt: skip
@settings(max_examples=100, deadline=None)
def test_any_plain_values_survive(values: dict[str, object]) -> None:
    line, record = encode(7, "a" * 64, values)
    assert line.count(b"\n") == 1 and decode(line) == record and record.values == values


def test_values_that_are_no_json_or_too_long_are_refused_and_nothing_is_written(tmp_path: Path) -> None:
    one = filled(tmp_path, 1)
    before = (tmp_path / "a.jsonl").read_bytes()
    for values in ({"n": float("nan")}, {"n": b"x"}, {"seq": 1}, {"hash": "x"}, {"n": "x" * MAX_LINE}):
        with pytest.raises(ChainError):
            one.append([values])
    assert (tmp_path / "a.jsonl").read_bytes() == before


def test_every_prefix_is_whole_or_torn_and_never_more(memory: Path) -> None:
    filled(memory, 4)
    file = memory / "a.jsonl"
    whole = file.read_bytes()
    ends = {0} | {place + 1 for place, byte in enumerate(whole) if byte == ord("\n")}
    for size in range(len(whole)):
        file.write_bytes(whole[:size])
        if size in ends:
            assert [record.values["n"] for record in chain(memory).load()] == list(
                range(max(0, sorted(ends).index(size) - 1))
            )
        else:
            with pytest.raises(TornError):
                chain(memory).load()


def test_every_single_bit_flip_is_seen(memory: Path) -> None:
    filled(memory, 2)
    file = memory / "a.jsonl"
    whole = file.read_bytes()
    last = whole[:-1].rindex(b"\n") + 1
    for place in range(len(whole)):
        for bit in range(8):
            damaged = bytearray(whole)
            damaged[place] ^= 1 << bit
            file.write_bytes(damaged)
            with pytest.raises((TornError, BrokenError)) as caught:
                chain(memory).load()
            # A lost newline before the last line swallows it, so that the damage reaches the end.
            assert caught.type is (TornError if place >= last - 1 else BrokenError)


def test_lines_removed_or_swapped_in_the_middle_are_seen(tmp_path: Path) -> None:
    filled(tmp_path, 5)
    file = tmp_path / "a.jsonl"
    lines = file.read_bytes().splitlines(keepends=True)
    for changed in (lines[:2] + lines[3:], [*lines[:2], lines[3], lines[2], *lines[4:]], lines[1:], lines + lines[-1:]):
        file.write_bytes(b"".join(changed))
        with pytest.raises((BrokenError, SchemaError)):
            chain(tmp_path).load()


def test_another_schema_name_or_test_mark_is_refused(tmp_path: Path) -> None:
    filled(tmp_path)
    for other, error in (
        (Chain(tmp_path / "a.jsonl", "test-chain", 2), SchemaError),
        (Chain(tmp_path / "a.jsonl", "other", 1), SchemaError),
        (Chain(tmp_path / "a.jsonl", "test-chain", 1, test=True), ForeignError),
    ):
        for use in (
            other.load,
            lambda other=other: list(other.entries()),
            lambda other=other: other.append([{"n": 1}]),
        ):
            with pytest.raises(error):
                use()


def test_symlinks_other_owners_and_writable_files_are_foreign(tmp_path: Path) -> None:
    filled(tmp_path)
    file = tmp_path / "a.jsonl"
    for mode in (0o620, 0o602, 0o666):
        file.chmod(mode)
        with pytest.raises(ForeignError, match="written by others"):
            chain(tmp_path).load()
    file.chmod(0o600)
    if os.getuid() == 0:
        os.chown(file, 12345, 12345)
        with pytest.raises(ForeignError, match="12345"):
            chain(tmp_path).append([{"n": 9}])
        os.chown(file, 0, 0)
    file.rename(tmp_path / "elsewhere")
    file.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ForeignError, match="symbolic link"):
        chain(tmp_path).load()
    file.unlink()
    os.mkfifo(file, 0o600)
    with pytest.raises((ForeignError, ChainError)):
        chain(tmp_path).append([{"n": 9}])


def test_a_torn_tail_is_kept_aside_and_the_rest_stands(tmp_path: Path) -> None:
    one = filled(tmp_path, 3)
    with (tmp_path / "a.jsonl").open("ab") as file:
        file.write(b'{"seq":5,"pre')
    with pytest.raises(TornError):
        one.append([{"n": 3}])
    aside = one.mend()
    assert aside == tmp_path / "a.jsonl.damaged-1" and aside.read_bytes() == b'{"seq":5,"pre'
    assert aside.stat().st_mode & 0o777 == 0o600
    one.append([{"n": 3}])
    assert numbers(chain(tmp_path)) == [0, 1, 2, 3] and one.mend() is None


def test_a_broken_file_is_moved_as_a_whole(tmp_path: Path) -> None:
    one = filled(tmp_path, 3)
    damaged = (tmp_path / "a.jsonl").read_bytes().replace(b'"n":1', b'"n":7')
    (tmp_path / "a.jsonl").write_bytes(damaged)
    aside = one.mend()
    assert aside is not None and aside.read_bytes() == damaged
    one.append([{"n": 9}])
    assert numbers(chain(tmp_path)) == [9]


def test_several_chains_see_each_other_and_changed_is_true_until_looked_at(tmp_path: Path) -> None:
    one, two = filled(tmp_path, 2), chain(tmp_path)
    assert len(two.refresh()) == 2 and not two.changed()
    one.append([{"n": 2}, {"n": 3}])
    assert two.changed()
    assert [record.values["n"] for record in two.refresh()] == [2, 3]
    assert two.head == one.head and two.refresh() == ()
    assert not two.changed() and not one.changed()


def test_a_file_replaced_or_cut_while_in_use_is_an_error_once(tmp_path: Path) -> None:
    one = filled(tmp_path, 3)
    file = tmp_path / "a.jsonl"
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:2]))
    with pytest.raises(BrokenError, match="replaced, cut or removed"):
        one.refresh()
    assert [record.values["n"] for record in one.refresh()] == [0]
    file.unlink()
    with pytest.raises(BrokenError):
        one.append([{"n": 1}])


def test_two_processes_append_at_once_and_every_record_stands(tmp_path: Path) -> None:
    writers = [run("for n in range(60): one.append([{'n': n, 'who': sys.argv[2]}], durable=n % 20 == 0)", tmp_path, who)
               for who in "ab"]  # fmt: skip
    assert [writer.communicate(timeout=20) and writer.returncode for writer in writers] == [0, 0]
    found = [(record.values["who"], record.values["n"]) for record in chain(tmp_path).entries()]
    assert sorted(found) == [(who, n) for who in "ab" for n in range(60)]


def test_a_killed_writer_loses_nothing_acknowledged(tmp_path: Path) -> None:
    code = "n = int(sys.argv[2])\nwhile True:\n    one.append([{'n': n}]); os.write(1, b'%d\\n' % n); n += 1"
    acknowledged = -1
    for turn in range(24):
        writer = run(code, tmp_path, str(acknowledged + 1))
        assert writer.stdout is not None
        lines = [writer.stdout.readline()]
        time.sleep(0.001 * turn)
        writer.send_signal(signal.SIGKILL)
        lines += writer.communicate()[0].splitlines()
        acknowledged = max(int(line) for line in lines if line.strip())
        found = numbers(chain(tmp_path))
        # One more than acknowledged may stand: killed between the disk and the word.
        assert found[: acknowledged + 1] == list(range(acknowledged + 1)) and len(found) <= acknowledged + 2
        acknowledged = len(found) - 1


@pytest.mark.parametrize("room", [0, 1, 100, 250, 400])
def test_a_full_disk_is_an_error_and_the_acknowledged_part_stands(tmp_path: Path, room: int) -> None:
    filled(tmp_path, 3)
    before = (tmp_path / "a.jsonl").read_bytes()
    code = (
        "limit = os.stat(one.path).st_size + int(sys.argv[2])\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))\n"
        "from wakegate.errors import ChainError\n"
        "done = 0\n"
        "try:\n"
        "    while True:\n        one.append([{'n': 3 + done}]); done += 1\n"
        "except ChainError as error: print(done, error)\n"
    )
    writer = run(code, tmp_path, str(room))
    said = writer.communicate(timeout=20)[0].decode()
    done = int(said.split()[0])
    assert "cannot be written" in said and done == room // 165
    assert (tmp_path / "a.jsonl").read_bytes()[: len(before)] == before
    assert numbers(chain(tmp_path)) == list(range(3 + done))
    chain(tmp_path).append([{"n": 99}])
    assert numbers(chain(tmp_path))[-1] == 99


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    missing = Chain(tmp_path / "no" / "a.jsonl", "test-chain", 1)
    with pytest.raises(ChainError, match="cannot be locked"):
        missing.append([{"n": 1}])


def test_rotation_links_the_files_and_forgets_nothing(tmp_path: Path) -> None:
    one, two = chain(tmp_path, max_bytes=1000), chain(tmp_path, max_bytes=1000)
    seen: list[object] = []
    for number in range(40):
        one.append([{"n": number}])
        if number % 7 == 0:
            seen += [record.values["n"] for record in two.refresh()]
    seen += [record.values["n"] for record in two.refresh()]
    assert seen == list(range(40)) == numbers(chain(tmp_path, max_bytes=1000))
    assert len(one.segments) > 3 and all(path.stat().st_size <= 1000 for path in one.files)
    two.append([{"n": 40}])
    assert numbers(one)[-1] == 40


def test_a_segment_that_was_changed_or_removed_is_seen(tmp_path: Path) -> None:
    one = chain(tmp_path, max_bytes=1000)
    for number in range(30):
        one.append([{"n": number}])
    second = one.segments[1]
    whole = second.read_bytes()
    second.write_bytes(whole.replace(b'"n":', b'"m":', 1))
    with pytest.raises(BrokenError):
        list(one.entries())
    second.unlink()
    with pytest.raises(BrokenError):
        list(one.entries())


def test_a_crash_between_rename_and_new_file_goes_on(tmp_path: Path) -> None:
    one = chain(tmp_path, max_bytes=1000)
    for number in range(6):
        one.append([{"n": number}])
    one.rotate()
    assert not (tmp_path / "a.jsonl").exists()
    again = chain(tmp_path, max_bytes=1000)
    again.append([{"n": 6}])
    assert numbers(again) == list(range(7))


def test_old_segments_go_where_keep_says_so(tmp_path: Path) -> None:
    one = chain(tmp_path, max_bytes=1000, keep=2)
    for number in range(60):
        one.append([{"n": number}])
    assert len(one.segments) == 2
    found = numbers(chain(tmp_path, max_bytes=1000, keep=2))
    assert found == list(range(found[0], 60)) and found[0] > 30
