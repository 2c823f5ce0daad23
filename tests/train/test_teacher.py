"""A teacher's file is read, its arithmetic is as written, and what is no teacher is refused. Around 3 s."""

import struct

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is only in the extra `train`")

from wakegate.errors import ModelError  # noqa: E402  (they import torch)
from wakegate.train.teacher import WIDTH, Teacher  # noqa: E402

LENGTH = 51_200


def silent_weights(rng):
    """Make an encoder that passes its place encodings on and hears nothing."""
    weights = {
        "conv1/weight": np.zeros((WIDTH, 80, 3)), "conv1/bias": np.zeros(WIDTH),
        "conv2/weight": np.zeros((WIDTH, WIDTH, 3)), "conv2/bias": np.zeros(WIDTH),
        "position_encodings/encodings": rng.normal(size=(1500, WIDTH)),
        "layer_norm/gamma": np.ones(WIDTH), "layer_norm/beta": np.zeros(WIDTH),
    }  # fmt: skip
    for number in range(4):
        for part, sizes in (("self_attention", ((3 * WIDTH, WIDTH), (WIDTH, WIDTH))),
                            ("ffn", ((4 * WIDTH, WIDTH), (WIDTH, 4 * WIDTH)))):  # fmt: skip
            name = f"layer_{number}/{part}"
            weights |= {f"{name}/layer_norm/gamma": np.ones(WIDTH), f"{name}/layer_norm/beta": np.zeros(WIDTH)}
            for linear, size in enumerate(sizes):
                weights |= {
                    f"{name}/linear_{linear}/weight": np.zeros(size),
                    f"{name}/linear_{linear}/bias": np.zeros(size[0]),
                }
    return weights


def stored(weights):
    """Lay weights out as CTranslate2 does: version 6, halves."""

    def text(name):
        return struct.pack("<H", len(name) + 1) + name.encode() + b"\0"

    parts = [struct.pack("<I", 6), text("WhisperSpec"), struct.pack("<II", 3, len(weights))]
    for name, value in weights.items():
        data = value.astype(np.float16).tobytes()
        shape = struct.pack(f"<B{value.ndim}I", value.ndim, *value.shape)
        parts += [text(f"encoder/{name}"), shape, struct.pack("<BI", 4, len(data)), data]
    return b"".join(parts)


@pytest.fixture
def weights():
    return silent_weights(np.random.default_rng(4))


def test_a_place_is_the_mean_of_four_steps(tmp_path, weights):
    (tmp_path / "model.bin").write_bytes(stored(weights))
    described = Teacher(tmp_path / "model.bin").describe(np.zeros((2, LENGTH), np.int16))
    places = weights["position_encodings/encodings"].astype(np.float16).astype(np.float64)[:160]
    normed = (places - places.mean(1, keepdims=True)) / np.sqrt(places.var(1, keepdims=True) + 1e-5)
    assert described.shape == (2, 40, WIDTH) and described.dtype == np.float16
    assert np.allclose(described[1], normed.reshape(40, 4, WIDTH).mean(1), atol=2e-3)


def test_what_is_said_is_heard_where_it_is_said(tmp_path, weights):
    rng = np.random.default_rng(5)
    weights |= {
        "conv1/weight": rng.normal(size=(WIDTH, 80, 3)) / 9,
        "conv2/weight": rng.normal(size=(WIDTH, WIDTH, 3)) / 9,
    }
    (tmp_path / "model.bin").write_bytes(stored(weights))
    teacher = Teacher(tmp_path / "model.bin")
    quiet = np.zeros((1, LENGTH), np.int16)
    said = quiet.copy()
    said[0, 12_800:25_600] = rng.normal(0, 3000, 12_800)  # places 10 to 19
    changed = np.abs(teacher.describe(said).astype(float) - teacher.describe(said[:, ::-1].copy()).astype(float))[
        0
    ].max(1)
    assert changed[10:20].min() > 1 and changed[:9].max() < 0.01


def test_no_example_has_no_description(tmp_path, weights):
    (tmp_path / "model.bin").write_bytes(stored(weights))
    assert Teacher(tmp_path / "model.bin").describe(np.empty((0, LENGTH), np.int16)).shape == (0, 40, WIDTH)


@pytest.mark.parametrize("spoilt", [b"", b"RIFF" * 20, stored({"conv1/weight": np.zeros((2, 2, 3))})])
def test_what_is_no_teacher_is_refused(tmp_path, spoilt):
    (tmp_path / "model.bin").write_bytes(spoilt)
    with pytest.raises(ModelError, match=r"model\.bin is no teacher: expected model\.bin of Whisper tiny\.en"):
        Teacher(tmp_path / "model.bin")


def test_a_torn_file_is_refused(tmp_path, weights):
    whole = stored(weights)
    (tmp_path / "model.bin").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelError, match="is no teacher"):
        Teacher(tmp_path / "model.bin")


def test_another_size_is_refused_by_name(tmp_path):
    (tmp_path / "model.bin").write_bytes(stored({"conv2/weight": np.zeros((512, 512, 3))}))
    with pytest.raises(ModelError, match=r"another size of Whisper: expected tiny\.en, 384 wide"):
        Teacher(tmp_path / "model.bin")
