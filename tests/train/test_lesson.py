"""The verifier is told what the teacher hears, where it hears it, and nothing where nothing is known. Around 2 s."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is only in the extra `train`")

from wakegate.train import lesson as lesson_module  # noqa: E402  (they import torch)
from wakegate.train import verify  # noqa: E402
from wakegate.train.fit import NONE, STEPS  # noqa: E402
from wakegate.train.lesson import DIMENSIONS, Basis, Head, Lesson, Taught, taught_head  # noqa: E402
from wakegate.train.network import MELS, STRIDE, Shape, Trunk  # noqa: E402
from wakegate.train.shards import Shard, read, write  # noqa: E402
from wakegate.train.verifier import PLACES, WINDOW  # noqa: E402

CELLS = STEPS * STRIDE // 8


@pytest.fixture(autouse=True)
def seeded():
    torch.set_num_threads(1)
    torch.manual_seed(3)


def taught(n=4, known=1.0):
    described = torch.randn(n, PLACES, DIMENSIONS)
    return Taught(
        torch.rand(n, WINDOW, MELS), torch.randn(n, 3).log_softmax(1), torch.zeros(n, dtype=torch.long),
        described * known, torch.full((n, PLACES), known),
    )  # fmt: skip


def counting(width=DIMENSIONS):
    """Descriptions that say which place of the example they are."""
    return np.broadcast_to(np.arange(CELLS)[:, None], (CELLS, width)).astype(np.float16)


def test_a_window_is_given_the_places_that_it_covers():
    for end, first in ((WINDOW, 0), (WINDOW + 8, 1), (WINDOW + 12, 1.5), (CELLS * 8, CELLS - PLACES)):
        described, known = verify._described(counting(), end)
        assert described[:, 0].tolist() == [first + k for k in range(PLACES)] and known.min() == 1


def test_what_was_before_the_example_is_not_known():
    described, known = verify._described(counting(), 80)
    assert known.tolist() == [0] * 15 + [1] * 10
    assert not described[:15].any() and described[15:, 0].tolist() == list(range(10))


def test_the_basis_keeps_the_main_directions_and_no_mean():
    rng = np.random.default_rng(1)
    hidden = rng.normal(size=(400, CELLS, 5))
    described = (hidden @ rng.normal(size=(5, 384)) + 7).astype(np.float16)
    kept = Basis(described)(described).astype(np.float64)
    assert kept.shape == (400, CELLS, DIMENSIONS) and np.abs(kept.mean((0, 1))).max() < 0.05
    back, *_ = np.linalg.lstsq(kept.reshape(-1, DIMENSIONS)[:2000], hidden.reshape(-1, 5)[:2000], rcond=None)
    off = kept.reshape(-1, DIMENSIONS)[2000:] @ back - hidden.reshape(-1, 5)[2000:]
    assert np.sqrt(np.square(off).mean()) < 0.05


def test_a_pupil_that_has_learned_all_has_nothing_to_lose():
    head = Head(3, torch.tensor(0.3)).eval()
    lesson = Lesson(head, DIMENSIONS)
    with torch.no_grad():
        lesson.hint.weight.copy_(torch.eye(DIMENSIONS)[:, :, None])
        lesson.hint.bias.zero_()
    given = taught()
    places, logits = given.described.transpose(1, 2), head(given.described, given.chances)
    assert lesson(places, logits, given, in_place=True).item() == pytest.approx(0, abs=1e-6)
    assert lesson(places + 1, logits, given, in_place=True).item() == pytest.approx(1, abs=1e-4)
    assert lesson(places + 1, logits, given, in_place=False).item() == pytest.approx(0, abs=1e-6)
    assert lesson(places, -logits, given, in_place=True).item() > 0.001


def test_nothing_is_asked_where_nothing_is_known():
    lesson = Lesson(Head(3, torch.tensor(0.3)), 16)
    assert lesson(torch.randn(4, 16, PLACES), torch.randn(4, 3), taught(known=0.0), in_place=True).item() == 0


def test_the_head_is_no_part_of_what_is_learned_with_the_verifier():
    lesson = Lesson(Head(3, torch.tensor(0.3)), 16)
    assert [name for name, _ in lesson.named_parameters()] == ["hint.weight", "hint.bias"]


def test_the_head_learns_what_the_descriptions_say(monkeypatch):
    monkeypatch.setattr(lesson_module, "HEAD_BATCH", 32)  # enough, and seconds sooner

    def draw(size):
        given = taught(size)
        return given._replace(classes=(given.described[:, :, 0].mean(1) > 0).long())

    head = taught_head(draw, 3, torch.tensor(0.0), steps=600).eval()
    asked = draw(400)
    assert (head(asked.described, asked.chances).argmax(1) == asked.classes).float().mean() > 0.75


def test_windows_of_a_described_shard_say_so_and_others_do_not(tmp_path):
    rng = np.random.default_rng(2)
    loudness = rng.integers(0, 200, (3, STEPS * STRIDE, MELS)).astype(np.uint8)
    words, ends = np.array([0, 1, -1], np.int8), np.array([20_000, 30_000, 0], np.int32)
    described = rng.normal(size=(3, CELLS, 384)).astype(np.float16)
    for name, more in (("plain", None), ("described", described)):
        write(tmp_path / f"{name}.npz", [Shard(loudness, words, ends, more)])
    trunk = Trunk(NONE + 1, Shape(channels=8)).eval()
    plain = verify.Windows([tmp_path / "plain.npz"], trunk, np.random.default_rng(3))
    assert not plain.described and not plain.taught(16).known.any()
    windows = verify.Windows([tmp_path / "described.npz"], trunk, np.random.default_rng(3))
    given = windows.taught(64)
    assert windows.described and given.described.shape == (64, PLACES, DIMENSIONS) and given.known.mean() > 0.4
    assert np.array_equal(read(tmp_path / "described.npz").described, described)
