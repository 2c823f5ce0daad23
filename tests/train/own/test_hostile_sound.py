"""Folders of sound made to do harm: each bad file is named and left out, and nothing hangs. Around 5 s."""

import os
import struct

import numpy as np
import pytest
import soundfile

pytest.importorskip("torch", reason="torch is only in the extra `train`")

from tests.train.own.test_gather import RATE, noise, spoken
from wakegate.train.own import gather


def header(path, rate=RATE, channels=1, promised=32_000):
    """Write a WAV header that says what it likes, and a second of sound."""
    form = struct.pack("<IHHIIHH", 16, 1, channels, rate, min(2**32 - 1, rate * channels * 2), channels * 2 % 65536, 16)
    size = struct.pack("<I", promised)
    path.write_bytes(b"RIFF" + size + b"WAVEfmt " + form + b"data" + size + noise(1).tobytes())


def endless_flac(path):
    """Promise 2**36 - 1 samples: 256 GB."""
    soundfile.write(path.with_suffix(".flac"), noise(1), RATE)
    data = bytearray(path.with_suffix(".flac").read_bytes())
    data[21] |= 0x0F
    data[22:26] = b"\xff" * 4
    path.with_suffix(".flac").write_bytes(data)


def with_one(value):
    def write(path):
        samples = noise(1).astype(np.float32) / 32768
        samples[9000] = value
        soundfile.write(path, samples, RATE, subtype="FLOAT")

    return write


def pickled(path):
    np.save(path.with_suffix(".npy"), np.array([{}], object), allow_pickle=True)
    path.with_suffix(".npy").rename(path)


BAD = {
    "a sample": lambda path: soundfile.write(path, noise(1)[:1], RATE),
    "NaN": with_one(np.nan),
    "infinity": with_one(np.inf),
    "384 kHz": lambda path: soundfile.write(path, noise(1), 384_000),
    "1 Hz": lambda path: header(path, rate=1),
    "2 GHz": lambda path: header(path, rate=2**31 - 1),
    "1000 channels": lambda path: header(path, channels=1000),
    "cut short": lambda path: header(path, promised=0x7FFFFFF0),
    "endless": endless_flac,
    "a pickle": pickled,
    "a pipe": os.mkfifo,
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "itself": lambda path: path.symlink_to(path),
    "nothing": lambda path: path.symlink_to("nowhere"),
    "a folder": lambda path: path.mkdir(),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("option", ["recordings", "background", "enrol"])
def test_a_bad_file_is_left_out_and_said(tmp_path, option, name):
    for number in range(3):
        spoken(tmp_path / f"{number}.wav", number)
    if option == "background":
        soundfile.write(tmp_path / "evening.wav", noise(400), RATE)
    (tmp_path / "round").symlink_to(tmp_path)
    BAD[name](tmp_path / "bad.wav")
    if option == "enrol":
        pytest.importorskip("onnx")
        from wakegate.train.enrol import takes

        read, left_out = takes.read(tmp_path)
        assert len(read) == 3
    else:
        sides = gather.recordings(tmp_path, "marvin") if option == "recordings" else gather.background(tmp_path)
        heard = {clip.name.split(" ")[0] for clip in (*sides.trains, *sides.kept)}
        assert heard == ({"evening.wav"} if option == "background" else {"0.wav", "1.wav", "2.wav"})
        left_out = sides.left_out
    assert [line for line in left_out if line.startswith("bad.")] or name in ("a folder", "nothing")


def test_a_name_of_any_bytes_is_a_name(tmp_path):
    for number in range(2):
        spoken(tmp_path / f"{number}.wav", number)
    os.rename(tmp_path / "0.wav", os.fsencode(tmp_path) + b"/\xff.wav")
    sides = gather.recordings(tmp_path, "marvin")
    assert {clip.name for clip in sides.trains} == {"1.wav", r"\xff.wav"}


def test_a_device_with_many_channels_and_another_rate_is_heard(tmp_path):
    spoken(tmp_path / "one.wav")
    samples, _ = soundfile.read(tmp_path / "one.wav", dtype="int16")
    soundfile.write(tmp_path / "eight.wav", np.stack([samples] * 8, axis=1), RATE)
    eight, one = gather.recordings(tmp_path, "marvin").trains
    assert (eight.start, eight.end) == (one.start, one.end) and np.abs(
        eight.samples - one.samples.astype(int)
    ).max() < 2
