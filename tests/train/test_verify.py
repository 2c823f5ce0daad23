"""Shards keep what they were given, and the verifier learns from windows that end where they should. Around 3 s."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is only in the extra `train`")

from wakegate.train import verify  # noqa: E402  (they import torch)
from wakegate.train.fit import NONE, STEP, STEPS  # noqa: E402
from wakegate.train.network import MELS, STRIDE, Shape, Trunk  # noqa: E402
from wakegate.train.shards import Pool, Shard, half_decibels, power, read, write  # noqa: E402
from wakegate.train.verifier import WINDOW  # noqa: E402

FRAMES = STEPS * STRIDE


def shard(words, ends, seed=0):
    """Make examples in which band 0 counts the frames of its example, and band 1 names the example."""
    loudness = np.random.default_rng(seed).integers(0, 200, (len(words), FRAMES, MELS)).astype(np.uint8)
    loudness[:, :, 0] = np.arange(FRAMES) % 251
    loudness[:, :, 1] = np.arange(len(words))[:, None]
    return Shard(loudness, np.array(words, np.int8), np.array(ends, np.int32))


@pytest.fixture
def trunk():
    torch.set_num_threads(1)
    torch.manual_seed(1)
    return Trunk(NONE + 1, Shape(channels=8)).eval()


def test_power_survives_to_a_quarter_of_a_decibel():
    given = torch.tensor([1e-9, 1e-5, 0.3, 7.0])[None, :, None]
    kept = power(half_decibels(given))
    assert torch.allclose(10 * torch.log10(kept + 1e-9), 10 * torch.log10(given + 1e-9), atol=0.2501)
    assert half_decibels(torch.zeros(1, 1, 1)).item() == 0 and power(np.zeros((1, 1, 1), np.uint8)).item() == 0


def test_a_shard_is_read_as_it_was_written(tmp_path):
    parts = [shard([1, -1], [9000, 0]), shard([5], [20_000], seed=1)]
    write(tmp_path / "0.npz", parts)
    again = read(tmp_path / "0.npz")
    assert np.array_equal(again.loudness, np.concatenate([p.loudness for p in parts]))
    assert again.words.tolist() == [1, -1, 5] and again.ends.tolist() == [9000, 0, 20_000]
    assert [p.name for p in tmp_path.iterdir()] == ["0.npz"]


def test_the_pool_draws_power_with_its_word_and_end(tmp_path):
    write(tmp_path / "0.npz", [shard([0, 3, -1], [100, 200, 0])])
    pool = Pool(tmp_path, 10, np.random.default_rng(2))
    assert pool.refresh() == 3
    drawn, words, ends = pool.batch(16)
    which = half_decibels(drawn)[:, 0, 1]
    assert np.array_equal(words, np.array([0, 3, -1])[which]) and np.array_equal(ends, np.array([100, 200, 0])[which])


def windows_of(tmp_path, trunk, words, ends):
    write(tmp_path / "0.npz", [shard(words, ends)])
    windows = verify.Windows([tmp_path / "0.npz"], trunk, np.random.default_rng(3))
    drawn, chances, classes = windows.batch(64)
    loudness = half_decibels(drawn)
    last = loudness[:, -1, 0].astype(int)  # the frame that a window ends with, modulo 251
    return loudness, last, chances, classes.numpy()


def test_windows_of_a_word_end_just_behind_it_and_others_far_from_it(tmp_path, trunk):
    end = 30 * STEP  # frame 120
    _, last, _, classes = windows_of(tmp_path, trunk, [4, 4], [end, end])
    assert set(classes) == {4, NONE}
    after = (last[classes == 4] + 1) * 160 - end  # samples from the word's end to the window's
    assert after.min() >= -20 * 16 and after.max() <= 300 * 16
    apart = (last[classes == NONE] + 1) * 160 - end
    assert ((apart < -200 * 16) | (apart > 600 * 16)).all()


def test_windows_without_a_word_are_none(tmp_path, trunk):
    *_, classes = windows_of(tmp_path, trunk, [-1, -1], [0, 0])
    assert set(classes) == {NONE}


def test_a_window_holds_what_came_before_it(tmp_path, trunk):
    loudness, last, _, _ = windows_of(tmp_path, trunk, [2, 2], [300 * 160, 300 * 160])
    row = int(np.flatnonzero(last >= WINDOW)[0])
    frames = loudness[row, :, 0].astype(int)
    assert np.array_equal(frames, np.arange(last[row] - WINDOW + 1, last[row] + 1) % 251)


def test_chances_are_those_of_the_step_that_the_window_ends_with(tmp_path, trunk):
    _, last, chances, _ = windows_of(tmp_path, trunk, [-1], [0])
    expected = verify._chances(shard([-1], [0]), trunk)[0]
    steps = (last + 1) // STRIDE - 1  # frames beyond 250 are counted from 0 again
    sure = [row for row in range(len(last)) if np.array_equal(chances[row], expected[steps[row]])]
    assert len(sure) >= len(last) // 2 and (chances.exp().sum(1) - 1).abs().max() < 0.01


def test_a_few_steps_of_learning_leave_a_checkpoint_that_loads(tmp_path, trunk):
    write(tmp_path / "0.npz", [shard([4, -1, 2], [60 * STEP, 0, 90 * STEP])])
    saved = {"shape": {"channels": 8}, "averaged": trunk.state_dict()}
    torch.save(saved, tmp_path / "checkpoint.pt")
    plan = verify.VerifierPlan(minutes=0.02, batch=16)
    verify.learn(tmp_path, tmp_path / "checkpoint.pt", tmp_path / "verifier.pt", plan)
    loaded = verify.load_verifier(tmp_path / "verifier.pt")
    assert not loaded.training and (tmp_path / "verifier.log").exists()
    verify.learn(tmp_path, tmp_path / "checkpoint.pt", tmp_path / "2.pt", plan, tmp_path / "verifier.pt")
    assert (tmp_path / "2.pt").exists()


def test_verifiers_lie_beside_each_other_and_each_has_a_size_of_its_own(tmp_path, trunk):
    write(tmp_path / "0.npz", [shard([4, -1, 2], [60 * STEP, 0, 90 * STEP])])
    torch.save({"shape": {"channels": 8}, "averaged": trunk.state_dict()}, tmp_path / "checkpoint.pt")
    assert [path.name for path in verify.found(tmp_path)] == ["verifier.pt"], "without it there is nothing to export"
    for number in (2, 1):
        plan = verify.VerifierPlan(minutes=0.01, batch=16, shape=verify.SHAPES[number - 1])
        verify.learn(tmp_path, tmp_path / "checkpoint.pt", verify.checkpoint(tmp_path, number), plan)
    assert [path.name for path in verify.found(tmp_path)] == ["verifier.pt", "verifier2.pt"]
    assert tuple(verify.load_verifier(path).shape for path in verify.found(tmp_path)) == verify.SHAPES
