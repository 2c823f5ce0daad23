"""What a run leaves where it was stopped, and whose folder it goes on with. Around 25 s."""

import fcntl
import os
import resource
import shutil
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("pyroomacoustics")

import torch

from tests.train.own.test_gather import spoken
from tests.train.own.test_run import NEAR, TINY, Killed, one_thread, order, silent  # noqa: F401
from wakegate.errors import ConfigError, FormatError
from wakegate.train.own import folder, gather, run
from wakegate.wake import manifest

QUICK = replace(
    TINY, spoken=8, near=8, kept=4, talk=4, shard=48, rooms=2,
    head=replace(TINY.head, steps=2), verifier=replace(TINY.verifier, steps=2),
)  # fmt: skip
WORD = "tami_velozu"


def quick(out, **changed):
    return order(out, amount=QUICK, near=NEAR[:4], **changed)


def stopping(stage):
    def tell(what, share):
        if what == stage:
            raise Killed

    return tell


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """A folder in which all has been learned, and nothing measured."""
    out = tmp_path_factory.mktemp("folder") / "out"
    with pytest.raises(Killed):
        run.run(quick(out), stopping("measuring"))
    return out


@pytest.fixture
def copied(stopped, tmp_path):
    out = tmp_path / "copy"
    shutil.copytree(stopped, out)
    return out


def named(out):
    return sorted(path.name for path in out.iterdir())


def test_what_was_stopped_is_for_its_user_alone(stopped):
    assert named(stopped) == [f"{WORD}.work"] and (stopped / f"{WORD}.work").stat().st_mode & 0o777 == 0o700


def test_a_run_that_was_killed_while_it_placed_its_files_is_gone_on_with(copied):
    (copied / f"{WORD}.onnx").write_bytes(b"placed, and then the power went")
    made = run.run(quick(copied), silent)
    assert manifest.read(made).verified_bytes() and len(named(copied)) == 3


@pytest.mark.parametrize("kind", [".onnx", ".html", ".json"])
def test_a_word_that_is_there_already_is_not_touched(tmp_path, kind):
    (tmp_path / f"{WORD}{kind}").write_bytes(b"somebody's")
    with pytest.raises(ConfigError, match="is there already: remove it"):
        run.run(quick(tmp_path), silent)
    assert named(tmp_path) == [f"{WORD}{kind}"] and (tmp_path / f"{WORD}{kind}").read_bytes() == b"somebody's"


def test_a_word_that_came_while_this_one_was_learned_is_not_touched(copied):
    (copied / f"{WORD}.json").touch()  # by `wakegate enrol`, say, after the run began
    with pytest.raises(ConfigError, match="is there already"):
        folder.placed(quick(copied), copied / f"{WORD}.work" / f"{WORD}.json")
    assert (copied / f"{WORD}.json").read_bytes() == b"" and (copied / f"{WORD}.work").is_dir()


def test_a_folder_that_no_training_made_is_not_taken_over(tmp_path):
    work = tmp_path / f"{WORD}.work"
    work.mkdir()
    (work / "thesis.txt").write_text("years of work")
    with pytest.raises(ConfigError, match="no training made it"):
        run.run(quick(tmp_path), silent)
    shutil.move(work, tmp_path / "elsewhere")
    work.symlink_to("elsewhere")
    with pytest.raises(ConfigError, match="no training made it"):
        run.run(quick(tmp_path), silent)
    assert named(tmp_path / "elsewhere") == ["thesis.txt"]


def test_two_runs_are_not_in_one_folder(copied):
    with (copied / f"{WORD}.work" / "lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(ConfigError, match="another training is at work"):
            run.run(quick(copied), silent)


# Another order.


def test_another_orders_beginnings_are_not_gone_on_with(copied):
    with pytest.raises(ConfigError, match=r"another training \(other --seed\)"):
        run.run(quick(copied, seed=4), silent)


def test_recordings_of_the_same_names_and_lengths_are_others(tmp_path):
    digests = []
    for seed in (1, 2):
        for take in range(4):
            spoken(tmp_path / f"{take}.wav", 10 * seed + take)
        sides = gather.recordings(tmp_path, WORD)
        digests.append(quick(tmp_path, recordings=sides).digest("onto"))
    one, two = digests
    assert {name for name in one if one[name] != two[name]} == {"--recordings"}


# Damage.


@pytest.mark.parametrize("text", ["{", "[]", "", "null"])
def test_a_damaged_order_is_said(copied, text):
    (copied / f"{WORD}.work" / "order.json").write_text(text)
    with pytest.raises(ConfigError, match=r"order\.json is damaged: remove .*tami_velozu\.work"):
        run.run(quick(copied), silent)


def evil(path):
    """Write a pickle that torch would have to run code for."""
    torch.save({"step": os.system}, path)


def objects(path):
    np.savez(path, loudness=np.array([{}], object), words=np.zeros(1), ends=np.zeros(1))


DAMAGE = {
    "an empty checkpoint": ("verifier.pt", lambda path: path.write_bytes(b""), None),
    "a cut checkpoint": ("verifier.pt", lambda path: path.write_bytes(path.read_bytes()[:5000]), None),
    "a checkpoint with code in it": ("head.pt", evil, None),
    "a cut shard": ("shards/00000.npz", lambda path: path.write_bytes(path.read_bytes()[:5000]), "head.pt"),
    "a shard of pickles": ("shards/00000.npz", objects, "head.pt"),
    "a cut utterance": ("said", lambda path: first_sound(path).write_bytes(b"fLaC"), None),
}


def first_sound(said):
    return min(said.rglob("*.flac"))


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_file_is_named_and_not_believed(copied, name):
    where, harm, gone = DAMAGE[name]
    work = copied / f"{WORD}.work"
    harm(work / where)
    if gone:
        (work / gone).unlink()
    with pytest.raises((ConfigError, FormatError), match=r"damaged.*: remove it, and run the same command again"):
        run.run(quick(copied), silent)


# Disk full.


@contextmanager
def no_file_larger_than(size):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize(
    ("size", "stage"), [(100, "order"), (4000, "said"), (60_000, "shards"), (3_000_000, "verifier"), (700_000, "draft")]
)
def test_a_full_disk_is_said_and_the_same_command_goes_on(copied, size, stage):
    work = copied / f"{WORD}.work"
    if stage in ("order", "said", "shards"):
        shutil.rmtree(work)
    elif stage == "verifier":
        (work / "verifier.pt").unlink()
    with (
        no_file_larger_than(size),
        pytest.raises(ConfigError, match=r"cannot be written \(File too large\).*which goes on where it was"),
    ):
        run.run(quick(copied), silent)
    assert not set(named(copied)) - {f"{WORD}.work"}
    if stage == "draft":
        assert run.run(quick(copied), silent).exists() and len(named(copied)) == 3


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"--out .* cannot be written"):
        run.run(quick(tmp_path / "file" / "out"), silent)
