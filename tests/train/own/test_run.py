"""A word from its order to a model that wakes: the training is real, the voice the tests' own. Around 30 s."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("pyroomacoustics")

import onnx
import soundfile
import torch

from tests.train.grown import Grown
from tests.train.own.tones import Tones
from tests.wake.sounds import detected
from wakegate.errors import ModelError
from wakegate.train.network import FrontEnd
from wakegate.train.own import head, learn, plan, run, twin
from wakegate.train.own.phrase import Phrase
from wakegate.wake import catalogue, load, manifest

RATE = 16_000
NEAR = ("mori vale", "kari zulo", "tami", "velo", "zoki ramu", "what now", "tamive", "lozu")
PHRASE = Phrase(text="tami velozu", word="tami_velozu", phonemes=("T",), warnings=())
SHIPPED = catalogue.installed()[0].path.with_suffix(".json")
TINY = plan.Amount(
    spoken=48, near=40, kept=12, talk=12, shards=1, suspects=2, shard=96, rooms=4,
    head=replace(learn.HEAD, steps=100, batch=24, every=40, learning_rate=1e-2, average=0.9),
    verifier=replace(learn.VERIFIER, steps=120, batch=32, every=45, learning_rate=1e-2, average=0.8),
)  # fmt: skip


def order(out, **changed):
    return replace(
        plan.Order(
            phrase=PHRASE, near=NEAR, onto=SHIPPED, voices=(Tones(),), recordings=None, background=None, out=out,
            seed=3, amount=TINY,
        ),
        **changed,
    )  # fmt: skip


def silent(what, share):
    pass


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Killed(Exception):
    pass


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A run that was killed twice, and went on."""
    out = tmp_path_factory.mktemp("own") / "stopped"
    for stage in ("speaking", "learning, second stage"):

        def killing(what, share, stage=stage):
            if what == stage and share > 0.4:
                raise Killed

        with pytest.raises(Killed):
            run.run(order(out), killing)
        assert [path.name for path in out.iterdir()] == ["tami_velozu.work"], "something half-written"
    return run.run(order(out), silent)


@pytest.fixture(scope="module")
def loaded(made):
    return load(path=made)


@pytest.fixture(scope="module")
def spoken():
    """Six words that the shipped model knows, then the new one by a throat that was kept out; in a little noise."""
    samples, _ = soundfile.read(SHIPPED.parents[1] / "tests" / "data" / "six_words.flac", dtype="int16")
    rng = np.random.default_rng(11)
    _, kept = plan.divided(Tones.speakers)
    said = (Tones().say(PHRASE.text, kept, rng) * 12_000).astype(np.int16)
    quiet = rng.normal(0, 20, RATE).astype(np.int16)
    return np.concatenate([samples, quiet, said, quiet])


def test_what_was_stopped_is_what_was_not(made, tmp_path):
    whole = run.run(order(tmp_path / "whole"), silent)
    assert manifest.read(whole).sha256 == manifest.read(made).sha256
    assert json.loads(whole.read_text()) == json.loads(made.read_text())


def test_nothing_but_the_result_is_left(made):
    assert sorted(path.name for path in made.parent.iterdir()) == [f"tami_velozu.{x}" for x in ("html", "json", "onnx")]


def test_the_new_word_is_heard_and_so_are_the_others(scorer, spoken):
    # Only tones have taught it what is no word, so it may wake for people too: its place is what counts.
    own = [one for one in detected(scorer, spoken) if one.word == "tami_velozu"]
    assert any(len(spoken) - 2 * RATE - RATE // 2 < one.at for one in own)
    shipped = [entry.word for entry in manifest.read(SHIPPED).words]
    assert [one.word for one in detected(load(shipped, made_of(scorer)), spoken)] == shipped


def made_of(scorer):
    return scorer.manifest.path


class TestOwnWord(Grown):
    word, peak = "tami_velozu", 0.3


def test_the_manifest_says_what_was_measured_and_names_the_trunk(made):
    own, shipped = manifest.read(made), manifest.read(SHIPPED)
    assert own.trunk == shipped.trunk != "" and own.entry("alexa") == shipped.entry("alexa")
    points = [point for point in own.operating_points if point.word == "tami_velozu"]
    assert {p.condition.split(", ")[1].split(":")[0] for p in points} == {"quiet", "noise 10 dB", "far"}
    assert all(point.trials == 12 and point.hours > 0 for point in points)
    assert own.entry("tami_velozu").threshold in [point.threshold for point in points]
    assert own.entry("tami_velozu").timing.duration > 0.3 * RATE


def test_the_page_is_the_one_of_measure(made):
    page = made.with_suffix(".html").read_text()
    assert page.startswith("<!DOCTYPE html>") and "noise 10 dB" in page and "tami_velozu" in page


def test_kept_out_speakers_say_nothing_that_trains(tmp_path):
    voice = Tones()
    run._speak(order(tmp_path, voices=(voice,)), silent)
    trains, kept = map(set, plan.divided(Tones.speakers))
    heard = {True: set(), False: set()}
    for (_, among), task in zip(voice.asked, _each_utterance(order(tmp_path)), strict=True):
        heard[task].update(among)
    assert heard[True] == trains and heard[False] == kept and trains.isdisjoint(kept) and kept


class One(Tones):
    """A voice of one speaker, as most neural ones are."""

    name, speakers = "one", Tones.speakers[:1]


def test_a_voice_that_can_keep_nobody_out_measures_nothing_where_another_can(tmp_path):
    tasks = list(run._tasks(order(tmp_path, voices=(One(), Tones()))))
    said = {side: {voice.name for voice, _, _, place, _, _ in tasks if place.parent.name == side} for side in SIDES}
    assert said == {"trains": {"one", "tones"}, "kept": {"tones"}}
    counts = {side: sum(task[4] for task in tasks if task[3].parent.name == side) for side in SIDES}
    assert counts["kept"] == TINY.kept + TINY.talk
    assert {task[0].name for task in run._tasks(order(tmp_path, voices=(One(),)))} == {"one"}


SIDES = ("trains", "kept")


def _each_utterance(asked):
    for _, _, _, folder, utterances, _ in run._tasks(asked):
        yield from [folder.parent.name == "trains"] * utterances


def test_a_second_own_word_goes_onto_the_first(made, tmp_path):
    second = replace(PHRASE, text="zoki ramu", word="zoki_ramu")
    quick = replace(
        TINY,
        spoken=8,
        near=8,
        kept=4,
        talk=4,
        head=replace(TINY.head, steps=2),
        verifier=replace(TINY.verifier, steps=2),
    )
    both = run.run(order(tmp_path, phrase=second, near=NEAR[:4], onto=made, amount=quick), silent)
    words = [entry.word for entry in manifest.read(both).words]
    assert words[-2:] == ["tami_velozu", "zoki_ramu"] and len(words) == 8
    assert manifest.read(both).trunk == manifest.read(made).trunk
    sound = np.random.default_rng(2).normal(0, 2000, 3 * RATE).astype(np.int16)
    assert np.array_equal(load(path=both).push(sound)[:, :-1], load(path=made).push(sound))


def test_the_second_stage_is_asked_no_more_than_it_should_be():
    first = head.FirstStage(twin.read(onnx.load(SHIPPED.with_suffix(".onnx")), "six").trunk).eval()
    sound = [np.random.default_rng(seed).normal(0, 1500, 12 * RATE).astype(np.int16) for seed in range(4)]
    with torch.no_grad():
        for bias, expected in ((-20.0, math.log(0.1)), (20.0, 0.0)):
            first.head.odds.bias.fill_(bias)
            assert head.gate(first, sound, 8) == pytest.approx(expected)
        first.head.odds.bias.fill_(-1.5)
        between = head.gate(first, sound, 8)
        assert math.log(0.1) < between < 0
        heard = torch.from_numpy(np.stack(sound).astype(np.float32))[:, : 10 * RATE // 2560 * 2560]
        odds = first(FrontEnd()(heard))[:, :, 0].reshape(-1, 8).amax(dim=1)
        assert 0.005 < float((odds >= between).float().mean()) <= 0.02
    assert head.gate(first, [sound[0][:100]], 8) == math.log(0.1)


# Refusals.


def test_a_model_of_another_kind_is_refused(made, tmp_path):
    model = onnx.load(made.with_suffix(".onnx"))
    for one in model.graph.initializer:
        if one.name == "cosines":
            one.raw_data = bytes(len(one.raw_data))
    with pytest.raises(ModelError, match="another front end"):
        twin.read(model, "strange")
    del model.graph.node[:]
    with pytest.raises(ModelError, match="built otherwise"):
        twin.read(model, "strange")
