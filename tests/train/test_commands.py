"""``python -m wakegate.train``: a step that lacks something says what. Around 1 s after torch is imported."""

import sys

import numpy as np
import pytest
import soundfile

pytest.importorskip("torch")
pytest.importorskip("onnx")

from wakegate.train import __main__ as commands
from wakegate.train import corpus


def run(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["train", *map(str, words)])
    with pytest.raises(SystemExit) as stopped:
        commands.main()
    return stopped.value.code


@pytest.mark.parametrize("step", [step for step, needed in commands.NEEDS.items() if needed])
def test_what_a_step_lacks_is_named(monkeypatch, capsys, tmp_path, step):
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, step) == 2
    assert f"{step} needs --{commands.NEEDS[step][0]}" in capsys.readouterr().err


def test_what_is_wrong_with_a_corpus_is_said_in_a_line(monkeypatch, capsys, tmp_path):
    (tmp_path / "wake_words").mkdir()
    (tmp_path / "wake_words" / "index.csv").write_text("speaker,path,start_s,end_s,wake_word,recording\n")
    (tmp_path / "background.csv").write_text("kind,path,source,speaker_or_class\n")
    folders = [part for name in ("data", "voices", "background") for part in (f"--{name}", tmp_path)]
    assert run(monkeypatch, "draw", *folders, "--work", tmp_path) == 1
    assert "no wake words or no background" in capsys.readouterr().err


def test_a_damaged_file_of_a_corpus_is_named(tmp_path):
    soundfile.write(tmp_path / "a.flac", np.zeros(16_000, np.int16), 16_000)
    (tmp_path / "a.flac").write_bytes((tmp_path / "a.flac").read_bytes()[:60])
    with pytest.raises(Exception, match=r"a\.flac is no sound, or damaged"):
        corpus.read_sound(tmp_path / "a.flac")
