"""``wakegate measure tune`` from the command to the config, and the way to it beside a corpus. Around 4 s."""

import json
import shutil
import signal

import numpy as np
import pytest
import soundfile

from tests.cli.process import RATE, SIX_WORDS, bad_files, environment
from wakegate.cli import joined, main
from wakegate.cli.measure_tune_table import _nearest
from wakegate.wake import Detector, load, sweep

WORDS = ["alexa", "computer", "jarvis", "smart_mirror", "snowboy", "view_glass"]
OWN = load().manifest.entry("alexa").threshold
END = max(one.threshold for one in load().manifest.operating_points if one.word == "alexa")
ENOUGH = "600/h"  # of which none may be heard in the 18 s of the six words: 2.303 / 600 h = 13.8 s


@pytest.fixture
def tune(tmp_path, monkeypatch, capsys):
    """Run it in a home of its own; return exit code, rows, stdout and stderr."""
    for name, value in environment(tmp_path / "home").items():
        monkeypatch.setenv(name, value)

    def run(*words):
        code = main(["measure", "tune", *map(str, words)])
        out, said = capsys.readouterr()
        rows = [json.loads(line) for line in out.splitlines()] if "--json" in words else []
        return code, {row["word"]: row for row in rows}, out, said

    return run


@pytest.fixture
def restored_signals():
    """`listen` takes them for good."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def left(tmp_path):
    """Everything that lies in that home."""
    return sorted(str(path.relative_to(tmp_path)) for path in (tmp_path / "home").rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def loudest():
    """Each word's candidate in the six words."""
    scorer = load()
    samples = soundfile.read(SIX_WORDS, dtype="int16")[0]
    found = sweep.candidates(scorer, Detector(scorer.manifest.detector_config(scorer.words)), [samples])
    return {one.word: one.score for one in found}


def test_thresholds_lie_just_above_what_was_heard(tune, tmp_path, loudest):
    code, rows, _, _ = tune("--budget", ENOUGH, SIX_WORDS, "--json")
    assert code == 0 and list(rows) == WORDS
    for word, row in rows.items():
        assert loudest[word] < row["threshold"] <= loudest[word] + 1.0001e-4
        assert (row["false_accepts"], row["hours"], row["confidence"]) == (0, 18 / 3600, 0.9)
    assert rows["alexa"]["model_threshold"] == OWN
    assert {one["ends_at"] for one in rows["alexa"]["nearest"]} == {END}
    assert {one["condition"].removesuffix(" (fold)") for one in rows["alexa"]["nearest"]} == {
        "quiet, 35 dB SNR", "noise, 10 dB SNR", "far: rooms kept out, 10 dB SNR",
    }  # fmt: skip
    assert left(tmp_path) == []


def test_a_larger_budget_takes_one_event_and_ends_at_the_floor(tune):
    # 800/h over 18 s are 4 events due; the limit of 1 event is 3.89.
    code, rows, _, _ = tune("--budget", "800/h", SIX_WORDS, "--json")
    assert code == 0
    assert {(row["threshold"], row["false_accepts"]) for row in rows.values()} == {(0.1, 1)}


def test_hours_of_many_files_add_up_and_a_day_has_24(tune, tmp_path):
    folder = tmp_path / "evenings" / "monday"
    folder.mkdir(parents=True)
    shutil.copy(SIX_WORDS, folder)
    soundfile.write(folder / "quiet.wav", np.zeros(22_050 * 6, np.int16), 22_050)
    code, rows, _, _ = tune("--budget", "16000/day", folder.parent, "--json", "--confidence", "0.8")
    assert code == 0
    assert rows["alexa"]["hours"] == pytest.approx(24 / 3600, abs=1e-6)
    assert rows["alexa"]["budget_per_hour"] == pytest.approx(16_000 / 24)


def test_too_few_hours_write_nothing(tune, tmp_path):
    code, _, out, said = tune("--budget", "0.1/h", SIX_WORDS, "--write")
    assert code == 1 and out == ""
    assert "0.005 h are too few" in said and "takes 23 h, if a word never fires" in said
    assert left(tmp_path) == []


def test_the_config_gets_them_and_keeps_its_comments(tune, tmp_path, loudest):
    path = tmp_path / "home" / "config" / "wakegate" / "wakegate.toml"
    path.parent.mkdir(parents=True)
    path.write_text("# mine\n[wake]\nwords = ['Smart Mirror']\nthresholds = { 'Smart Mirror' = 0.6 } # too low\n")
    code, _, out, said = tune("--budget", ENOUGH, SIX_WORDS, "--write")
    assert code == 0 and "alexa" not in out
    assert f"smart_mirror: 0.6 -> {str(loudest['smart_mirror'])[:4]}" in said and f"written to {path}" in said
    text = path.read_text()
    assert text.startswith("# mine\n[wake]\nwords = ['Smart Mirror']\nthresholds = { 'Smart Mirror' = 0.")
    assert text.endswith(" } # too low\n")
    assert left(tmp_path) == ["home/config/wakegate/wakegate.toml"]


def test_a_config_that_is_named_is_made(tune, tmp_path, capsys, restored_signals, loudest):
    code, _, _, said = tune("--budget", ENOUGH, SIX_WORDS, "--write", "--config", tmp_path / "new.toml")
    assert code == 0 and f"alexa: {OWN:g} (the model's) -> {str(loudest['alexa'])[:4]}" in said
    main(["listen", "--input", str(SIX_WORDS), "--json", "--config", str(tmp_path / "new.toml")])
    kinds = [json.loads(line)["kind"] for line in capsys.readouterr().out.splitlines()]
    assert "wake" not in kinds and kinds.count("near_miss") == 6, "they are what a listener then uses"


def test_misses_are_measured_on_the_users_own_words(tune, tmp_path):
    shutil.copy(SIX_WORDS, tmp_path)
    shutil.copy(SIX_WORDS.with_suffix(".txt"), tmp_path)
    quiet = tmp_path / "quiet.wav"
    soundfile.write(quiet, np.zeros(20 * RATE, np.int16), RATE)
    code, rows, _, _ = tune("--budget", ENOUGH, quiet, "--words", tmp_path, "--json")
    assert code == 0
    assert {(row["threshold"], row["missed"], row["trials"]) for row in rows.values()} == {(0.1, 0, 1)}
    code, rows, out, said = tune("--budget", ENOUGH, SIX_WORDS, "--words", tmp_path)
    assert "1 of 1 (21-100 %)" in out, "a threshold above the only one misses it"
    assert "1 file has labels, the first is" in said


def test_a_bad_file_counts_nowhere_and_the_exit_code_says_so(tune, tmp_path):
    bad = bad_files(tmp_path)["truncated.wav"]
    code, rows, _, said = tune("--budget", ENOUGH, SIX_WORDS, bad, "--json")
    assert code == 1 and rows["alexa"]["hours"] == 18 / 3600
    assert "failed, counts nowhere" in said and "truncated.wav" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "name files or folders of sound"),
        ((SIX_WORDS, "--microphone"), "one of the two"),
        ((SIX_WORDS, SIX_WORDS), "is named twice"),
        ((SIX_WORDS, "--hours", "1"), "are for --microphone"),
        (("--microphone", "--hours", "1"), "so short a time cannot show this budget: it takes 23 h at least"),
        (("--microphone", "--hours", "nan"), "give --hours or --seconds above 0"),
        ((SIX_WORDS, "--confidence", "1"), "the confidence is 1"),
        ((SIX_WORDS.parent / "none",), "does not exist"),
    ],
)
def test_what_cannot_be_done_is_said(tune, words, said):
    code, _, _, told = tune("--budget", "0.1/h", *words)
    assert code == (1 if SIX_WORDS.parent / "none" in words or said == "is named twice" else 2) and said in told


def test_a_muted_device_is_not_listened_to(tune):
    assert main(["mute"]) == 0
    code, _, _, said = tune("--budget", "0.1/h", "--microphone", "--hours", "24")
    assert code == 1 and "a person has muted this device" in said


@pytest.mark.parametrize("budget", ["", "often", "0.1/week", "-1/h", "0", "1e999"])
def test_a_budget_is_a_rate(tune, budget):
    code, _, _, said = tune(f"--budget={budget}", SIX_WORDS)
    assert code == 2 and "budget" in said


# How it is reached.


def test_the_first_word_decides():
    assert joined(["measure", "tune", "x"]) == ["measure tune", "x"]
    for words in (["measure", "./tune", "x"], ["measure", "--engine", "tune"], ["measure"], [], ["tune"]):
        assert joined(words) == words


def test_a_corpus_may_be_called_tune(tune, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["measure", "./tune", "--engine", "wakegate", "--out", "out"]) == 1
    assert "tune does not exist" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["measure", "measure tune", "measure merge", "measure shadow"])
def test_help_names_them_all(name, capsys):
    with pytest.raises(SystemExit) as caught:
        main([*name.split(), "--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert caught.value.code == 0 and shown.startswith(f"usage: wakegate {name} ") and "example" in shown
    if name == "measure":
        assert all(f"wakegate measure {one}" in shown for one in ("tune", "merge", "shadow"))


def test_a_config_that_cannot_be_changed_is_told_before_listening(tune, tmp_path):
    link = tmp_path / "link.toml"
    link.symlink_to(tmp_path / "real.toml")
    code, _, out, said = tune("--budget", ENOUGH, SIX_WORDS, "--write", "--config", link)
    assert code == 1 and out == "" and "is a symbolic link" in said
    assert not (tmp_path / "real.toml").exists()


def test_the_models_card_is_told_with_the_side_on_which_it_lies(tune):
    _, _, out, _ = tune("--budget", ENOUGH, SIX_WORDS)
    (alexa,) = [line for line in out.splitlines() if "alexa" in line]
    assert f"unknown above {END:g}" in alexa and ">= " not in alexa
    _, _, out, _ = tune("--budget", "800/h", SIX_WORDS)
    (alexa,) = [line for line in out.splitlines() if "alexa" in line]
    assert "<= " in alexa and ">= " not in alexa, "and the floor can only miss less"
    assert "only as good as this sound is like all your days" in " ".join(out.split())
    assert "0.1 (lower)" in alexa and "0.1 is the lowest the model reports" in out
    point = {"condition": "quiet", "threshold": 0.5, "missed": 18, "trials": 204, "ends_at": 0.6}
    assert _nearest({"threshold": 0.54, "nearest": [point]}, "quiet") == ">= 18 of 204 @0.5"


def test_a_threshold_below_the_models_own_is_written_only_if_it_is_asked_for(tune, tmp_path):
    path = tmp_path / "new.toml"
    code, _, _, said = tune("--budget", "800/h", SIX_WORDS, "--write", "--config", path)
    own = f"alexa: {OWN:g} (the model's) -> {OWN:g} (the model's own; 0.1 would do, --lower takes it)"
    assert code == 0 and own in said and f"alexa = {OWN:g}," in path.read_text()
    code, _, _, said = tune("--budget", "800/h", SIX_WORDS, "--write", "--lower", "--config", path)
    assert code == 0 and f"alexa: {OWN:g} -> 0.1\n" in said and "alexa = 0.1," in path.read_text()


def test_too_few_hours_are_refused_from_the_headers(tune, tmp_path):
    """The labels of --words are wrong, which is only seen when its sound is to be heard: hours come before that."""
    (tmp_path / "words").mkdir()
    shutil.copy(SIX_WORDS, tmp_path / "words")
    (tmp_path / "words" / "six_words.txt").write_text("nonsense")
    code, _, out, said = tune("--budget", "0.1/h", SIX_WORDS, "--words", tmp_path / "words")
    assert code == 1 and out == "" and "0.005 h are too few" in said and "nonsense" not in said
