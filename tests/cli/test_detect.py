"""``wakegate detect`` on real files. Around 3 s."""

import json

import numpy as np
import pytest
import soundfile

from tests.cli.process import RATE, ROOT, SIX_WORDS, bad_files, command, six_words
from wakegate.cli import main

TRUTH = json.loads((ROOT / "tests" / "data" / "six_words.json").read_text())
WORDS = [entry["word"] for entry in TRUTH]


@pytest.fixture
def detect(capsys):
    def run(*words):
        code = main(["detect", *map(str, words)])
        out, err = capsys.readouterr()
        return code, [json.loads(line) for line in out.splitlines()], err

    return run


@pytest.fixture
def sound(tmp_path):
    """Write a variant of the six words."""

    def write(samples, rate=RATE, name="variant.wav", **more):
        path = tmp_path / name
        soundfile.write(path, samples, rate, **more)
        return path

    return write


@pytest.mark.parametrize("name", ["detect", "score"])
def test_every_kind_of_file_that_its_help_names_is_read(name, tmp_path, capsys):
    with pytest.raises(SystemExit):
        main([name, "--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert "WAV, FLAC, OGG or MP3" in said
    files = [tmp_path / f"as_{kind}.{kind}" for kind in ("wav", "flac", "ogg", "mp3")]
    for path in files:
        soundfile.write(path, six_words()[: 3 * RATE], RATE)
    assert main([name, *map(str, files), *(["--out", str(tmp_path)] if name == "score" else [])]) == 0
    if name == "detect":
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert [(line["file"], line["word"]) for line in lines] == [(str(path), "alexa") for path in files]


def heard(lines):
    return [{name: value for name, value in line.items() if name != "file"} for line in lines]


def test_the_lines(detect):
    code, lines, err = detect(SIX_WORDS)
    assert code == 0 and err == ""
    assert [line["word"] for line in lines] == WORDS
    for line, truth in zip(lines, TRUTH, strict=True):
        assert list(line) == ["file", "word", "start_s", "at_s", "score"]
        assert line["file"] == str(SIX_WORDS)
        assert 0 < line["score"] <= 1
        assert line["start_s"] < line["at_s"]
        assert line["start_s"] == pytest.approx(truth["start_s"], abs=0.45)
        assert line["at_s"] == pytest.approx(truth["end_s"], abs=0.4)


def test_the_real_process_says_the_same(tmp_path, detect):
    done = command(tmp_path, "detect", SIX_WORDS)
    assert done.returncode == 0 and done.stderr == b""
    assert [json.loads(line) for line in done.stdout.splitlines()] == detect(SIX_WORDS)[1]
    assert list(tmp_path.iterdir()) == [], "it writes nothing"


def test_a_threshold_may_be_for_one_word(detect):
    everything = detect(SIX_WORDS)[1]
    _, lines, _ = detect(SIX_WORDS, "--threshold", "Computer=1")
    assert lines == [line for line in everything if line["word"] != "computer"] != everything


def test_raising_the_threshold_only_removes_lines(detect):
    before = None
    for threshold in (0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 0.99, 1.0):
        _, lines, _ = detect(SIX_WORDS, "--threshold", threshold)
        assert all(line["score"] >= threshold - 5e-5 for line in lines)
        if before is not None:
            assert [line for line in before if line in lines] == lines, "the same lines, in the same order"
        before = lines
    assert len(before) < len(detect(SIX_WORDS, "--threshold", 0.1)[1])


def test_words_are_chosen_and_the_rest_is_not_heard(detect):
    _, lines, _ = detect(SIX_WORDS, "--words", "Smart Mirror, jarvis")
    assert [line["word"] for line in lines] == ["jarvis", "smart_mirror"]
    assert heard(lines) == [line for line in heard(detect(SIX_WORDS)[1]) if line["word"] in ("jarvis", "smart_mirror")]


def test_several_files_are_streams_of_their_own(detect, sound):
    other = sound(six_words()[: 3 * RATE], name="first.flac")
    _, lines, _ = detect(other, SIX_WORDS, other)
    alone = detect(other)[1]
    assert [line["word"] for line in alone] == ["alexa"]
    assert lines == [*alone, *detect(SIX_WORDS)[1], *alone]


def test_eight_khz_is_taken(detect, sound):
    code, lines, err = detect(sound(six_words()[::2], 8000))
    assert code == 0 and err == "" and {line["word"] for line in lines} <= set(WORDS)


def test_another_rate_and_container_hear_the_same_words(detect, sound):
    import soxr

    samples = soxr.resample(six_words().astype(np.float64) / 32768, RATE, 44_100)
    for name in ("variant.wav", "variant.flac", "variant.ogg"):
        _, lines, _ = detect(sound(samples, 44_100, name))
        assert [line["word"] for line in lines] == WORDS, name


def test_six_channels_are_mixed_or_one_is_taken(detect, sound):
    samples = np.zeros((len(six_words()), 6), np.int16)
    samples[:, 2] = six_words()
    six = sound(samples)
    assert heard(detect(six, "--channel", 3)[1]) == heard(detect(SIX_WORDS)[1])
    assert detect(six, "--channel", 1)[1] == []
    assert [line["word"] for line in detect(six)[1]] == WORDS
    code, lines, err = detect(six, "--channel", 7)
    assert code == 1 and lines == [] and "channel" in err


@pytest.mark.parametrize(
    "name",
    [
        "nan.wav",
        "truncated.wav",
        "no samples.wav",
        "text.wav",
        "empty.flac",
        "broken.flac",
        "folder.wav",
        "missing.wav",
    ],
)
def test_what_is_no_sound_is_said_and_nothing_before_it_is_lost(detect, tmp_path, name):
    bad = bad_files(tmp_path)[name]
    code, lines, err = detect(SIX_WORDS, bad)
    assert code == 1 and [line["word"] for line in lines if line["file"] == str(SIX_WORDS)] == WORDS
    assert err.startswith("wakegate: ") and name in err and "Traceback" not in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--words", "hal"], "no installed model knows hal: installed words are alexa"),
        (["--words", ","], "names no word"),
        (["--words", "alexa,alexa"], "name each word once"),
        (["--threshold", "7"], "the threshold for 'alexa' is 7"),
        (["--threshold", "0.01"], "the model's floor"),
        (["--threshold", "nan"], "the threshold for"),
        (["--threshold", "high"], "'high' is not a number: write 0.7, computer=0.7"),
        (["--threshold", "marvin=0.5"], "'marvin' is not listened for"),
        (["--model", "gone.onnx"], "there is no manifest gone.json"),
        (["--model", ""], "NAME.onnx"),
    ],
)
def test_what_is_asked_for_wrongly_is_said(detect, words, said):
    code, lines, err = detect(SIX_WORDS, *words)
    assert code == (1 if "gone.onnx" in words else 2) and lines == [] and said in err


def test_a_word_at_the_very_end_of_a_file(detect, sound):
    end = round(TRUTH[0]["end_s"] * RATE)
    _, (line,), _ = detect(sound(six_words()[:end]))
    assert line["word"] == "alexa" and line["at_s"] <= end / RATE


def test_a_bad_file_costs_no_other(detect, tmp_path):
    bad = bad_files(tmp_path)["missing.wav"]
    code, lines, err = detect(bad, SIX_WORDS)
    assert code == 1 and [line["word"] for line in lines] == WORDS and "missing.wav" in err
