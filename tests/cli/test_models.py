"""``wakegate models``: what is installed and measured. Around 2 s."""

import json

import pytest

from tests.wake.model import copy
from wakegate.cli import main
from wakegate.wake import catalogue


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "models").mkdir()
    monkeypatch.setattr(catalogue, "_PACKAGE", tmp_path)
    monkeypatch.setenv("COLUMNS", "250")
    return tmp_path / "models"


def point(**more):
    plain = {
        "word": "alexa", "threshold": 0.5, "condition": "quiet", "false_accepts": 3, "hours": 1.5,
        "per_hour": [0.4, 5.8], "missed": 1, "trials": 20, "frr": [0.01, 0.24],
    }  # fmt: skip
    return {**plain, **more}


def shown(capsys, *words):
    code = main(["models", *words])
    out, err = capsys.readouterr()
    return code, out, err


def test_json_is_the_whole_manifest(capsys):
    code, out, _ = shown(capsys, "--json")
    lines = [json.loads(line) for line in out.splitlines()]
    manifests = catalogue.installed()
    assert code == 0 and [line["name"] for line in lines] == [one.name for one in manifests]
    for line, one in zip(lines, manifests, strict=True):
        assert line["path"] == str(one.path) and line["sha256"] == one.sha256 and line["floor"] == one.floor
        assert [word["word"] for word in line["words"]] == [entry.word for entry in one.words]
        assert len(line["operating_points"]) == len(one.operating_points) > 0


def test_the_table_names_every_word_and_its_numbers(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    code, out, _ = shown(capsys)
    assert code == 0 and "words missed of those that a column names" in out and "(fold)" in out
    for entry in catalogue.installed()[0].words:
        assert entry.word in out and f"{entry.threshold:g}" in out


def test_one_word_of_the_table(capsys):
    for name in ("alexa", "Alexa"):
        code, out, _ = shown(capsys, "--word", name)
        assert code == 0 and "alexa" in out and "snowboy" not in out


def test_an_unknown_word_is_said(capsys):
    code, out, err = shown(capsys, "--word", "hal")
    assert code == 1 and out == "" and "hal" in err and "alexa" in err


def test_a_model_of_ones_own_by_its_name(folder, capsys, tmp_path):
    copy(folder, lambda raw: raw.update(name="mine"))
    (own,) = folder.glob("*.json")
    own.rename(tmp_path / "mine.json")
    code, out, err = shown(capsys, "--model", str(tmp_path / "mine.onnx"), "--word", "Alexa")
    assert code == 0 and "mine" in out and "alexa" in out and "snowboy" not in out, err
    assert shown(capsys, "--model", str(tmp_path / "mine.onnx"), "--word", "hal")[0] == 1
    assert "there is no manifest" in shown(capsys, "--model", str(tmp_path / "gone.onnx"))[2]


def test_conditions_that_were_not_measured_leave_their_cell_empty(folder, capsys):
    points = [point(), point(condition="far", missed=5), point(word="jarvis", condition="far", missed=2, trials=8)]
    points.append(point(word="jarvis", missed=0, trials=0, frr=[0.0, 1.0]))
    copy(folder, lambda raw: raw.update(operating_points=points))
    code, out, err = shown(capsys)
    assert code == 0, err
    (alexa,) = [line for line in out.splitlines() if "alexa" in line]
    (jarvis,) = [line for line in out.splitlines() if "jarvis" in line]
    assert "2.00 (0.40-5.80)" in alexa and "5 (1-24)" in alexa and "25 (1-24)" in alexa
    cells = [cell.strip() for cell in jarvis.split("│")]
    assert "25 (1-24)" in cells[-2] and cells[-3] == ""  # far was measured, quiet was not


def test_a_model_without_measurements_says_so_by_an_empty_table(folder, capsys):
    copy(folder, lambda raw: raw.update(operating_points=[]))
    code, out, _ = shown(capsys)
    assert code == 0 and "0.00 h" in out


def test_a_word_of_one_of_several_models(folder, capsys):
    model = copy(folder)
    raw = json.loads(model.with_suffix(".json").read_text())
    entry = {**raw["words"][0], "word": "hal"}
    raw |= {"name": "aaa", "words": [entry], "operating_points": [point(word="hal")]}
    (folder / "aaa.json").write_text(json.dumps(raw))
    code, out, err = shown(capsys, "--word", "snowboy")
    assert code == 0 and "snowboy" in out and "hal" not in out, err
    code, out, err = shown(capsys, "--word", "nobody")
    assert code == 1 and "hal" in err and "snowboy" in err


def test_a_damaged_manifest_is_said(folder, capsys):
    copy(folder, lambda raw: raw.pop("floor"))
    code, out, err = shown(capsys)
    assert code == 1 and out == "" and "floor" in err
