"""Sound files of every kind, and what is no sound file."""

import os
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from tests.audio.reading import BLOCKS, loudest_hertz, tone, whole
from wakegate.audio.files import FileSource
from wakegate.errors import AudioError, FormatError

NOISE = np.random.default_rng(6).integers(-30_000, 30_000, 9_007).astype(np.int16)


@pytest.fixture
def wav(tmp_path):
    path = tmp_path / "noise.wav"
    soundfile.write(path, NOISE, 16_000)
    return path


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("kind", ["wav", "flac"])
def test_16_khz_mono_passes_bit_for_bit(tmp_path, kind, block):
    path = tmp_path / f"noise.{kind}"
    soundfile.write(path, NOISE, 16_000, subtype="PCM_16")
    source = FileSource(path)
    assert source.seconds == len(NOISE) / 16_000
    assert source.name == f"file noise.{kind}"
    assert np.array_equal(whole(source, block), NOISE)


def test_it_is_read_straight_into_what_was_lent(wav):
    backing = np.full(100, 7, dtype=np.int16)
    assert FileSource(wav).read(backing[10:60]).count == 50
    assert np.array_equal(backing, np.concatenate([[7] * 10, NOISE[:50], [7] * 40]))


@pytest.mark.parametrize("length", [1, 1279, 1280, 1281, 2560])
def test_the_end_comes_once_and_nothing_is_lost(tmp_path, length):
    soundfile.write(tmp_path / "a.wav", NOISE[:length], 16_000)
    assert np.array_equal(whole(FileSource(tmp_path / "a.wav")), NOISE[:length])
    soundfile.write(tmp_path / "b.wav", np.stack([NOISE[:length]] * 2, axis=1), 16_000)
    assert np.array_equal(whole(FileSource(tmp_path / "b.wav")), NOISE[:length])


@pytest.mark.parametrize(
    ("kind", "subtype", "rate", "channels"),
    [("wav", "PCM_16", 44_100, 2), ("wav", "FLOAT", 48_000, 6), ("flac", "PCM_24", 96_000, 1),
     ("wav", "PCM_U8", 8_000, 1), ("ogg", "VORBIS", 32_000, 2), ("wav", "DOUBLE", 192_000, 1),
     ("wav", "ULAW", 16_000, 1), ("ogg", "OPUS", 48_000, 1), ("mp3", "MPEG_LAYER_III", 16_000, 1)],
)  # fmt: skip
def test_every_kind_keeps_the_tone_in_any_block_size(tmp_path, kind, subtype, rate, channels):
    path = tmp_path / f"tone.{kind}"
    soundfile.write(path, np.repeat(tone(700, 1.5, rate)[:, None], channels, axis=1), rate, subtype=subtype)
    expected = whole(FileSource(path), 100_000)
    assert len(expected) == pytest.approx(24_000, abs=1)
    assert loudest_hertz(expected[2000:22_000]) == pytest.approx(700, abs=2)
    assert np.abs(expected[2000:22_000]).max() == pytest.approx(0.3 * 32768, rel=0.05)
    for block in BLOCKS:
        assert np.array_equal(whole(FileSource(path), block), expected), block


def test_a_channel_can_be_picked(tmp_path):
    path = tmp_path / "three.wav"
    soundfile.write(path, np.stack([NOISE, NOISE[::-1], np.zeros_like(NOISE)], axis=1), 16_000)
    assert np.array_equal(whole(FileSource(path, channel=2)), NOISE[::-1])
    assert not whole(FileSource(path, channel=3)).any()
    with pytest.raises(FormatError, match="no channel 4: choose 1 to 3"):
        FileSource(path, channel=4)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nan_is_said_with_its_second(tmp_path, bad):
    sound = np.zeros((5 * 8000, 2), dtype=np.float32)
    sound[int(3.25 * 8000), 1] = bad
    soundfile.write(tmp_path / "nan.wav", sound, 8000, subtype="FLOAT")
    with pytest.raises(FormatError, match=r"NaN or infinity at 3\.25 s"):
        whole(FileSource(tmp_path / "nan.wav"))


def test_a_truncated_wav_is_said(tmp_path, wav):
    whole_bytes = wav.read_bytes()
    for keep in (len(whole_bytes) - 2, len(whole_bytes) // 2, 44):
        wav.write_bytes(whole_bytes[:keep])
        with pytest.raises(FormatError, match=f"promises 18014 bytes of sound and {keep - 44} are there"):
            FileSource(wav)
    wav.write_bytes(whole_bytes[:30])
    with pytest.raises(FormatError, match="cut short"):
        FileSource(wav)


def test_a_wav_of_unknown_length_is_read_to_its_end(wav):
    content = bytearray(wav.read_bytes())
    content[40:44] = b"\xff\xff\xff\xff"
    wav.write_bytes(content)
    assert np.array_equal(whole(FileSource(wav)), NOISE)


def test_a_truncated_flac_is_said(tmp_path):
    path = tmp_path / "a.flac"
    soundfile.write(path, NOISE, 16_000)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(FormatError, match=r"breaks off|damaged"):
        whole(FileSource(path))


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "empty"), (b"hello, this is a text", "not a sound file"), (os.urandom(4000), "not a sound file")],
)
def test_what_is_not_sound_is_said(tmp_path, content, message):
    for name in ("x.wav", "x.txt", "x.raw"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(FormatError, match=message):
            FileSource(tmp_path / name)


def test_no_file_a_folder_a_pipe(tmp_path):
    with pytest.raises(FormatError, match="does not exist"):
        FileSource(tmp_path / "no.wav")
    with pytest.raises(FormatError, match="is a folder"):
        FileSource(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FormatError, match="not an ordinary file: pipe raw"):
        FileSource(tmp_path / "pipe")


def test_a_header_without_sound_and_a_low_rate_are_said(tmp_path):
    soundfile.write(tmp_path / "none.wav", NOISE[:0], 16_000)
    with pytest.raises(FormatError, match="holds no sound"):
        FileSource(tmp_path / "none.wav")
    soundfile.write(tmp_path / "low.wav", NOISE, 6_000)
    with pytest.raises(FormatError, match="6000 samples a second"):
        FileSource(tmp_path / "low.wav")


def test_the_same_file_twice_and_reading_after_close(wav):
    one, two = FileSource(wav), FileSource(wav)
    assert np.array_equal(whole(one), whole(two))
    one.close()
    one.close()
    with pytest.raises(AudioError, match="was closed"):
        one.read(np.empty(9, dtype=np.int16))


def test_a_long_file_is_read_at_flat_memory(tmp_path):
    """An hour of 48 kHz stereo (690 MB, sparse; five minutes of it are read) takes no more memory than a second."""
    path = tmp_path / "long.wav"
    soundfile.write(path, np.zeros((48_000, 2), dtype=np.int16), 48_000)
    size = 48_000 * 4 * 3600
    with path.open("r+b") as stream:
        stream.truncate(44 + size)
        stream.seek(4)
        stream.write((36 + size).to_bytes(4, "little"))
        stream.seek(40)
        stream.write(size.to_bytes(4, "little"))
    program = """
import resource, sys
import numpy as np
from wakegate.audio.files import FileSource
source, out = FileSource(sys.argv[1]), np.empty(16_000, dtype=np.int16)
peaks, count = [], 0
while True:
    reading = source.read(out)
    count += reading.count
    peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    if reading.ended or count > 16_000 * 300:
        break
print(source.seconds, count, peaks[-1] - peaks[5])
"""
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True)
    seconds, count, growth = done.stdout.split()
    assert float(seconds) == 3600
    assert int(count) > 16_000 * 300
    assert int(growth) < 1024, f"grew by {growth} kB over five minutes of sound"


def test_a_resampled_file_can_be_wiped_and_closed_at_its_end(tmp_path):
    path = tmp_path / "short.wav"
    soundfile.write(path, np.zeros(4410), 44_100)
    source = FileSource(path)
    while not source.read(np.zeros(1280, np.int16)).ended:
        pass
    source.wipe()
    source.close()


def test_a_name_that_is_not_utf8_is_only_a_name(tmp_path):
    path = tmp_path / os.fsdecode(b"x\xff.wav")
    soundfile.write(os.fsencode(path), np.ones(100, np.int16), 16_000)
    out = np.zeros(200, np.int16)
    assert FileSource(path).read(out).count == 100
