"""``wakegate score``: what a researcher reads back. Around 2 s."""

import json
import shutil

import numpy as np
import pytest

from tests.cli.process import RATE, SIX_WORDS, bad_files, command, six_words
from wakegate.cli import main
from wakegate.wake import load, sweep


def test_the_file_holds_the_scorers_scores(tmp_path, capsys):
    assert (
        main(["score", str(SIX_WORDS), "--out", str(tmp_path / "a" / "b"), "--words", "snowboy,alexa", "--json"]) == 0
    )
    written = tmp_path / "a" / "b" / "six_words.npz"
    scorer = load(["snowboy", "alexa"])
    expected = scorer.push(np.concatenate([six_words(), np.zeros(sweep.TAIL, np.int16)]))
    with np.load(written, allow_pickle=False) as saved:
        assert set(saved) == {"scores", "words", "step", "model_sha256"}
        assert saved["scores"].dtype == np.float32 and np.array_equal(saved["scores"], expected)
        assert saved["words"].tolist() == ["snowboy", "alexa"]
        assert saved["step"] == scorer.step and saved["model_sha256"] == scorer.manifest.sha256
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line) == {"file": str(SIX_WORDS), "out": str(written), "steps": len(expected)}


def test_rows_are_steps_of_the_sound(tmp_path):
    main(["score", str(SIX_WORDS), "--out", str(tmp_path), "--words", "alexa"])
    with np.load(tmp_path / "six_words.npz") as saved:
        best = (int(saved["scores"][: 3 * RATE // int(saved["step"]), 0].argmax()) + 1) * int(saved["step"])
    assert best / RATE == pytest.approx(1.8, abs=0.4)  # alexa is said from 1.0 to 1.7 s


def test_for_people_it_says_where_on_stderr(tmp_path):
    done = command(tmp_path, "score", SIX_WORDS, "--out", "scores")
    assert done.returncode == 0 and done.stdout == b""
    assert b"six_words.flac -> scores/six_words.npz" in done.stderr
    assert [path.name for path in (tmp_path / "scores").iterdir()] == ["six_words.npz"]


def test_two_files_of_one_name_are_refused_before_anything_is_written(tmp_path, capsys):
    (tmp_path / "other").mkdir()
    other = shutil.copy(SIX_WORDS, tmp_path / "other" / "six_words.flac")
    assert main(["score", str(SIX_WORDS), str(other), "--out", str(tmp_path / "out")]) == 2
    assert "six_words" in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_a_folder_that_is_a_file_is_said(tmp_path, capsys):
    (tmp_path / "out").write_text("mine")
    assert main(["score", str(SIX_WORDS), "--out", str(tmp_path / "out")]) == 1
    assert "cannot write scores to" in capsys.readouterr().err and (tmp_path / "out").read_text() == "mine"


def test_a_bad_file_writes_nothing_and_keeps_what_was_written(tmp_path, capsys):
    bad = bad_files(tmp_path)
    assert main(["score", str(SIX_WORDS), str(bad["nan.wav"]), "--out", str(tmp_path / "out")]) == 1
    assert "nan.wav" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["six_words.npz"]
    assert main(["score", str(bad["missing.wav"]), "--out", str(tmp_path / "none")]) == 1
    assert not list((tmp_path / "none").glob("*"))
