"""What the command line and the config ask for together."""

import argparse
from pathlib import Path

import pytest

from wakegate.cli import asked, main
from wakegate.config import Config
from wakegate.ear import Ear
from wakegate.errors import ConfigError, ModelError, UsageError
from wakegate.wake import catalogue
from wakegate.wake.levels import Level, resolved

SETTINGS = Config(words=("computer", "Smart Mirror"), thresholds={"computer": 0.6, "snowboy": 0.7})


def given(*words):
    parser = argparse.ArgumentParser()
    asked.add_wake_options(parser)
    asked.add_threshold_option(parser)
    return parser.parse_args(words)


def test_the_command_line_comes_before_the_config():
    assert asked.words(given(), Config()) is None
    assert asked.words(given(), SETTINGS) == ("computer", "Smart Mirror")
    args = given("--words", "alexa,computer", "--threshold", "0.4", "--threshold", "Computer=0.5")
    assert asked.words(args, SETTINGS) == ["alexa", "computer"]
    chosen = asked.thresholds(args, SETTINGS, ("alexa", "computer"))
    assert chosen == {"alexa": 0.4, "computer": 0.5, "snowboy": 0.7}, "a config may speak of other words too"


def test_a_threshold_of_a_word_that_is_not_listened_for_is_refused_in_the_same_words_everywhere():
    with pytest.raises(ConfigError) as ours:
        asked.thresholds_of(["jarvis=0.5"], ("computer",))
    with pytest.raises(ConfigError) as ears:
        Ear.open(["computer"], {"Jarvis": 0.5})
    assert str(ours.value) == str(ears.value)
    assert str(ours.value).startswith("'jarvis' is not listened for, only computer: ")


def test_a_threshold_may_be_named_by_its_rate_by_whoever_gives_it():
    settings = Config(path=Path("w.toml"), thresholds={"computer": Level(0.5), "alexa": 0.6})
    what = asked.of_one_model(given("--threshold", "jarvis=0.5/h", "--threshold", "Snowboy=12/day"), settings)
    chosen = what.model.detector_config(what.words, what.thresholds).thresholds
    points = what.model.operating_points
    for word in ("computer", "jarvis", "snowboy"):
        assert chosen[word] == resolved(Level(0.5), word, points)
    assert chosen["alexa"] == 0.6
    with pytest.raises(UsageError, match=r"^no threshold of 'jarvis' was measured at 0\.001/h or less: .* at 0\.17, "):
        asked.of_one_model(given("--words", "jarvis", "--threshold", "0.001/h"), Config())
    with pytest.raises(ConfigError, match=r"^w\.toml: in \[wake\], no threshold of 'jarvis' was measured") as config:
        asked.of_one_model(given(), Config(path=Path("w.toml"), thresholds={"jarvis": Level(0.001)}))
    assert not isinstance(config.value, UsageError)
    with pytest.raises(UsageError, match=r"give a number above 0, as 0\.5/h"):
        asked.of_one_model(given("--threshold", "0/h"), Config())
    with pytest.raises(UsageError, match=r"'1/week' is not a number: write 0\.7, computer=0\.7 or 0\.5/h"):
        asked.of_one_model(given("--threshold", "1/week"), Config())


def test_where_no_model_is_installed_no_config_is_to_blame(tmp_path, monkeypatch):
    (tmp_path / "models").mkdir()
    monkeypatch.setattr(catalogue, "_PACKAGE", tmp_path)
    for settings in (Config(), Config(path=tmp_path / "wakegate.toml")):
        with pytest.raises(ModelError, match=r"^no installed model knows"):
            asked.of_one_model(given(), settings)
        with pytest.raises(ModelError, match=r"^no installed model knows"):
            settings.model()


def test_a_model_that_is_missing_or_damaged_is_this_devices_fault_whoever_named_the_words(tmp_path, monkeypatch):
    """Exit code 1: while wakegate is upgraded or a disk is full a service is started again, until it comes up."""
    monkeypatch.setattr(catalogue, "_PACKAGE", tmp_path)
    pytest.importorskip("wyoming", reason="the extra `wyoming` is not installed")
    for damage in (lambda: None, (tmp_path / "models").mkdir, (tmp_path / "models" / "six.json").touch):
        damage()
        for words in (["listen", "--input", "-"], ["serve"]):
            assert main([*words, "--words", "computer"]) == 1


def test_a_wrong_word_and_a_wrong_threshold_are_whose_they_are():
    settings = Config(path=Path("w.toml"), words=("hal",), thresholds={"alexa": 0.0})
    with pytest.raises(ConfigError, match=r"^w\.toml: in \[wake\], no installed model knows hal") as config:
        asked.of_one_model(given(), settings)
    assert not isinstance(config.value, UsageError)
    with pytest.raises(UsageError, match=r"^no installed model knows hal"):
        asked.of_one_model(given("--words", "hal"), Config())
    with pytest.raises(ConfigError, match=r"^w\.toml: in \[wake\], the threshold for 'alexa' is 0"):
        asked.of_one_model(given("--words", "alexa"), settings)
    with pytest.raises(UsageError, match=r"^the threshold for 'alexa' is 2"):
        asked.of_one_model(given("--words", "alexa", "--threshold", "2"), Config())


@pytest.mark.parametrize("twice", [("--model", "a.onnx", "--model", "b.onnx"), ("--words", ",", "--words", "computer")])
def test_of_two_models_or_two_lists_of_words_none_wins_in_silence(twice, capsys):
    with pytest.raises(SystemExit, match="2"):
        given(*twice)
    assert f"{twice[0]} is given more than once: this command takes one" in capsys.readouterr().err


@pytest.mark.parametrize("command", [("models",), ("measure", "tune", "a.wav", "--budget", "1/h"), ("listen",)])
def test_every_command_that_takes_one_model_refuses_two(command, capsys):
    with pytest.raises(SystemExit, match="2"):
        main([*command, "--model", "a.onnx", "--model", "b.onnx"])
    assert "--model is given more than once" in capsys.readouterr().err


def test_where_several_models_are_served_every_one_counts():
    parser = argparse.ArgumentParser()
    asked.add_wake_options(parser, several_models=True)
    args = parser.parse_args(["--model", "a.onnx", "--model", "b.onnx", "--model", "c.onnx"])
    assert (args.model, args.more_models) == (Path("a.onnx"), (Path("b.onnx"), Path("c.onnx")))
