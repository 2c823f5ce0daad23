"""Which model is taken: the one that was asked for, or none. Around 2 s."""

import json

import pytest

from tests.wake.model import copy
from wakegate.errors import ModelError
from wakegate.wake import catalogue, load


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A package folder of the test's own, with an empty ``models``."""
    (tmp_path / "models").mkdir()
    monkeypatch.setattr(catalogue, "_PACKAGE", tmp_path)
    return tmp_path / "models"


def renamed(folder, name, words):
    """Write a manifest of a model that cannot be loaded: reading the catalogue does not open models."""
    raw = json.loads(next(folder.glob("*.json")).read_text())
    entry = raw["words"][0]
    raw |= {"name": name, "operating_points": [], "words": [{**entry, "word": word} for word in words]}
    (folder / f"{name}.json").write_text(json.dumps(raw))


def test_the_installed_model_knows_the_six_words():
    assert set(load().words) == {"alexa", "computer", "jarvis", "smart_mirror", "snowboy", "view_glass"}


def test_spaces_and_capitals_are_forgiven():
    assert load([" Smart Mirror", "ALEXA"]).words == ("smart_mirror", "alexa")


@pytest.mark.parametrize("words", [["hal"], ["alexa", "hal"], [""], ["alexa "[:3]], ["smartmirror"]], ids=str)
def test_an_unknown_word_is_an_error_that_names_the_known(words):
    with pytest.raises(ModelError, match=r"no installed model knows .*alexa, computer, jarvis"):
        load(words)


@pytest.mark.parametrize("words", [[], ["alexa", "alexa"], ["smart mirror", "Smart_Mirror"]], ids=str)
def test_no_word_and_a_word_twice_are_refused(words):
    with pytest.raises(ModelError, match=r"names no word|names .* twice"):
        load(words)


def test_a_text_is_no_list_of_words():
    with pytest.raises(ModelError, match=r"give a list, \['computer'\]"):
        load("computer")


@pytest.mark.parametrize("path", ["", ".", "/", "models", "models/six", "six.tflite", "six.onnx.json.bak"])
def test_a_path_that_names_no_model_file_is_refused(path):
    with pytest.raises(ModelError, match=r"NAME\.onnx"):
        load(path=path)


def test_a_path_is_never_replaced_by_the_installed_model(tmp_path):
    with pytest.raises(ModelError, match="there is no manifest"):
        load(path=tmp_path / "six.onnx")
    with pytest.raises(ModelError, match="does not know the word 'hal'"):
        load(["hal"], copy(tmp_path))


def test_no_folder_and_an_empty_one(folder):
    with pytest.raises(ModelError, match="installed words are none"):
        load()
    folder.rmdir()
    with pytest.raises(ModelError, match="no models are installed"):
        load()


def test_the_model_that_knows_all_the_words_is_taken(folder):
    copy(folder)
    renamed(folder, "another", ["hal", "alexa"])
    assert load(["snowboy", "alexa"]).manifest.name == "six"
    with pytest.raises(ModelError, match=r"another\.onnx cannot be read"):  # asked for hal: six is no answer
        load(["hal", "alexa"])


def test_words_of_two_models_are_not_mixed(folder):
    copy(folder)
    renamed(folder, "another", ["hal"])
    with pytest.raises(ModelError, match="all these words at once"):
        load(["hal", "alexa"])


def test_a_damaged_model_is_never_passed_over(folder):
    copy(folder)
    (folder / "aaa.json").write_text("{}")
    with pytest.raises(ModelError, match=r"aaa\.json is wrong"):
        load(["alexa"])


def test_a_damaged_file_of_the_right_name_is_never_replaced(folder):
    copy(folder).write_bytes(b"damaged")
    with pytest.raises(ModelError, match="damaged or another model"):
        load(["alexa"])
