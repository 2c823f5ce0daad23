"""A word from a few recordings to a model that wakes. Around 20 s."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx")

from tests.train.enrol.mirror import SIX_WORDS, TRUTH, Scene, utterance
from tests.train.grown import Grown
from tests.wake.sounds import detected
from wakegate.errors import ConfigError, ModelError
from wakegate.train.enrol import hearing, run, talk
from wakegate.train.enrol.takes import checked
from wakegate.train.enrol.template import scale_of
from wakegate.train.enrol.word import said, word_of
from wakegate.wake import catalogue, load, manifest

RATE = 16_000
ROOT = Path(__file__).parents[3]
SHIPPED = catalogue.installed()[0].path.with_suffix(".json")
PACES = (0.94, 0.97, 1.0, 1.03, 1.06)


def takes(count, **more):
    return tuple(checked(utterance(pace, **more), f"take at {pace}") for pace in PACES[:count])


@pytest.fixture(scope="module")
def sound():
    return talk.made(Scene(), None, 3, 3)


def order(sound, out, **changed):
    whole = run.Order(word="tami", takes=takes(5), onto=SHIPPED, sound=sound, out=out)
    return replace(whole, **changed)


def silent(what, share):
    pass


@pytest.fixture(scope="module")
def made(sound, tmp_path_factory):
    return run.enrolled(order(sound, tmp_path_factory.mktemp("enrol") / "mine"), silent)


@pytest.fixture(scope="module")
def loaded(made):
    return load(path=made.path)


@pytest.fixture(scope="module")
def spoken():
    """Six words that the shipped model knows, then the new one, as it was never recorded."""
    return np.concatenate([SIX_WORDS, utterance(1.015)])


def test_the_new_word_is_heard_where_it_was_said_and_so_are_the_others(scorer, spoken):
    found = detected(scorer, spoken)
    shipped = [entry.word for entry in manifest.read(SHIPPED).words]
    *others, own = (one for one in found if one.word == "tami")
    assert all(abs(one.at / RATE - TRUTH["smart_mirror"]["end_s"]) < 1 for one in others), "made of the same halves"
    assert [one.word for one in found if one.at < len(SIX_WORDS) and one not in others] == shipped
    start, end = len(SIX_WORDS) + 3 * RATE // 4, len(spoken) - 3 * RATE // 4
    assert abs(own.start - start) < 0.25 * RATE and abs(own.end - end) < 0.25 * RATE


def test_the_graph_is_what_the_command_measures_with(made, scorer, spoken, sound):
    ear = hearing.opened(manifest.read(SHIPPED))
    without = [ear.activations(one) for one in sound.chooses]
    scale = scale_of(without)
    five = takes(5)
    word = word_of([said(ear, take, scale, seed) for seed, take in enumerate(five)], scale, without)
    scores = scorer.push(spoken)[:, -1]
    meant = word.scores(ear.activations(spoken))[: len(scores)]
    assert scores.max() > 0.6 and np.abs(scores - meant).max() < 1e-4


def test_what_was_hung_is_not_what_the_trunk_is_seen_through(made, spoken):
    ears = [hearing.opened(manifest.read(path)) for path in (SHIPPED, made.path)]
    part = spoken[: 2 * RATE]
    assert np.array_equal(*(ear.activations(part) for ear in ears))


class TestEnrolledWord(Grown):
    word, peak = "tami", 0.5


# What is said of it, and what is left.


def test_each_take_is_scored_by_the_others_alone(made, sound, tmp_path):
    """A stranger's word among the takes raises its own score only where it helped to make the average."""
    odd = (*takes(4), checked(utterance(1.0, word="computer"), "odd one out"))
    found = run.enrolled(order(sound, tmp_path, takes=odd), silent)
    assert min(found.scores[:4]) >= 0.5 > found.scores[4] and found.names[4] == "odd one out"
    assert len(made.scores) == 5 and min(made.scores) >= 0.5
    points = {point.threshold: point for point in found.points}
    assert (points[0.5].missed, points[0.5].trials) == (1, 5) and points[0.5].frr[1] > 0.5, "five say little"


def test_a_word_of_the_model_is_told(sound, tmp_path):
    one = TRUTH["computer"]
    first, last = (round(RATE * one[key]) + off for key, off in (("start_s", -6400), ("end_s", 6400)))
    again = tuple(checked(SIX_WORDS[first:last] // part, "it") for part in (1, 2, 3))
    found = run.enrolled(order(sound, tmp_path, takes=again), silent)
    assert found.alike == {one["word"]: 3}


def test_the_file_is_for_its_owner_alone_and_nothing_else_is_left(made):
    assert sorted(path.name for path in made.path.parent.iterdir()) == ["tami.json", "tami.onnx"]
    assert {path.stat().st_mode & 0o777 for path in made.path.parent.iterdir()} == {0o600}


def test_the_file_holds_one_average_and_no_take(made, sound):
    """Whatever is in the file besides the shipped model is as large for five takes as for three."""
    import onnx

    def more(path):
        shipped = {one.name for one in onnx.load(SHIPPED.with_suffix(".onnx")).graph.initializer}
        model = onnx.load(path.with_suffix(".onnx"))
        return {one.name: tuple(one.dims) for one in model.graph.initializer if one.name not in shipped}

    shapes = more(made.path)
    (looks,) = (shape for name, shape in shapes.items() if name.endswith("/looks"))
    assert looks == (2 * 96, 4 + 1), "activations and their squares; quarters and a power"
    of_the_word = ("/filters", "/rows", "/wide", "/looks")  # the first three are as long as it is
    shapes = {name: shape for name, shape in shapes.items() if not name.endswith(of_the_word)}
    assert all(5 not in shape for shape in shapes.values()), "nothing for each take"
    data = made.path.with_suffix(".onnx").read_bytes()
    for take in takes(5):
        assert take.samples[take.start : take.start + 400].tobytes() not in data


def test_the_manifest_says_how_much_past_counts(made):
    own, shipped = manifest.read(made.path), manifest.read(SHIPPED)
    assert own.context > shipped.context and own.entry("alexa") == shipped.entry("alexa")
    assert own.trunk == shipped.trunk != ""
    assert own.entry("tami").timing.duration > 0.5 * RATE


def test_the_same_takes_make_the_same_file(made, sound, tmp_path):
    again = run.enrolled(order(sound, tmp_path), silent)
    assert manifest.read(again.path).sha256 == manifest.read(made.path).sha256


def test_a_second_word_goes_onto_the_first(made, sound, tmp_path, spoken):
    more = takes(3, word="view_glass")
    both = run.enrolled(order(sound, tmp_path, word="zoki", takes=more, onto=made.path), silent)
    assert [entry.word for entry in manifest.read(both.path).words][-2:] == ["tami", "zoki"]
    assert np.array_equal(load(path=both.path).push(spoken)[:, :-1], load(path=made.path).push(spoken))
    third = run.enrolled(order(sound, tmp_path, word="lumo", takes=takes(3), onto=both.path), silent)
    assert np.array_equal(load(path=third.path).push(spoken)[:, :-1], load(path=both.path).push(spoken))


def test_nothing_here_needs_torch():
    program = "import sys; sys.modules['torch'] = None; import wakegate.train.enrol.run, wakegate.train.enrol.record"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


# Refusals.


def test_two_takes_are_too_few(sound, tmp_path):
    with pytest.raises(ConfigError, match="2 recordings are too few"):
        order(sound, tmp_path, takes=takes(2))


@pytest.mark.parametrize("name", ["", "9lives", "a/b", "../x", "mar vin!", "été", "x" * 41, "a\x1b[31m"])
def test_a_name_that_is_none_is_refused(name, tmp_path):
    with pytest.raises(ConfigError, match="is no word"):
        run.named(name, manifest.read(SHIPPED), tmp_path)


def test_a_name_that_is_taken_is_refused(tmp_path, made):
    base = manifest.read(SHIPPED)
    assert run.named("Hey Marvin", base, tmp_path) == "hey_marvin"
    with pytest.raises(ConfigError, match="already knows 'alexa'"):
        run.named("Alexa", base, tmp_path)
    with pytest.raises(ConfigError, match=r"tami\.onnx is there already"):
        run.named("tami", base, made.path.parent)


def test_a_full_disk_is_said_and_nothing_is_left(sound, tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfigError, match=r"No space left on device.*nothing was left"):
        run.enrolled(order(sound, tmp_path / "mine"), silent)
    assert list((tmp_path / "mine").iterdir()) == []


def test_a_folder_that_cannot_be_made_is_said(sound, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be written"):
        run.enrolled(order(sound, tmp_path / "file" / "out"), silent)


def test_ctrl_c_leaves_nothing(sound, tmp_path, monkeypatch):
    def stopped(descriptor):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", stopped)
    with pytest.raises(KeyboardInterrupt):
        run.enrolled(order(sound, tmp_path / "mine"), silent)
    assert list((tmp_path / "mine").iterdir()) == []


def test_a_model_of_another_kind_is_refused(tmp_path):
    import hashlib

    import onnx

    model = onnx.load(SHIPPED.with_suffix(".onnx"))
    for node in model.graph.node:
        for names in (node.input, node.output):
            names[:] = [f"other_{name}" if name.startswith("sum") else name for name in names]
    data = model.SerializeToString()
    (tmp_path / "x.onnx").write_bytes(data)
    raw = json.loads(SHIPPED.read_text()) | {"sha256": hashlib.sha256(data).hexdigest()}
    (tmp_path / "x.json").write_text(json.dumps(raw))
    with pytest.raises(ModelError, match="built otherwise"):
        hearing.opened(manifest.read(tmp_path / "x.json"))
