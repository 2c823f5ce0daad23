"""Recordings cut into tasks, drawn by hand."""

from pathlib import Path

import pytest

from wakegate.measure.conditions.made import Excerpt, Made
from wakegate.measure.listening.units import absolute, cut
from wakegate.measure.recording import Recording

MINUTE = 60 * 16_000


def stretch(audio, first, length, made=None):
    return Recording(name=f"{audio}@{first}", audio=Path(audio), first=first, length=length, made=made)


def sizes(recordings, processes):
    groups = list(cut(recordings, processes))
    assert [one for group in groups for one in group] == list(recordings)
    return [len(group) for group in groups]


@pytest.mark.parametrize(
    ("minutes", "processes", "expected"),
    [
        ([0.5] * 100, 1, [19] * 5 + [5]),  # ten minutes a task, two seconds a file beside its sound
        ([0.5] * 100, 2, [13] * 7 + [9]),  # an eighth each
        ([0.5] * 100, 64, [4] * 25),  # two minutes at least
        ([0.5, 600, 0.5, 0.5], 2, [2, 2]),  # a long file ends its task
        ([1e-4] * 1000, 1, [250] * 4),  # what costs is not the sound
        ([1.0], 8, [1]),
        ([], 8, []),
    ],
)
def test_short_files_share_a_task(minutes, processes, expected):
    files = [stretch(f"{n:03}.wav", 0, round(length * MINUTE)) for n, length in enumerate(minutes)]
    assert sizes(files, processes) == expected


def test_stretches_of_a_file_stay_together():
    files = [stretch("a.wav", n * MINUTE, MINUTE) for n in range(60)] + [stretch("b.wav", 0, MINUTE)]
    assert sizes(files, 8) == [60, 1]


def test_what_is_made_on_the_fly_is_cut_anywhere():
    made = Made(gain_db=-6.0)
    assert sizes([stretch("a.wav", n * MINUTE, 4 * MINUTE, made) for n in range(4)], 8) == [1, 1, 1, 1]


def test_paths_that_mean_the_same_in_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    noise = Excerpt(at=0, audio=Path("n/noise.wav"), sha256="0", first=0, length=5)
    one = absolute(stretch("a.wav", 0, 5, Made(noise=(noise,), snr_db=3.0)))
    assert one.audio == tmp_path / "a.wav" and one.made.noise[0].audio == tmp_path / "n" / "noise.wav"
    assert absolute(one) == one
