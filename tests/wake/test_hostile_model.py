"""A model file made to do harm, with the right hash: refused before an engine sees it. Around 5 s."""

from itertools import pairwise

import numpy as np
import pytest

from tests.wake.model import ORIGINAL, copy
from wakegate.errors import ModelError, ModelMismatchError
from wakegate.wake import Detector, load, manifest, onnx_file, trunk
from wakegate.wake.numpy_operators import OPERATORS

onnx = pytest.importorskip("onnx", reason="in the extra train")
FLOAT = onnx.TensorProto.FLOAT


def changed(change):
    """Return what rewrites the bytes of a model by changing its graph."""

    def rewritten(data):
        model = onnx.load_from_string(data)
        change(model.graph)
        return model.SerializeToString()

    return rewritten


def behind_the_scores(graph, *nodes, **constants):
    """Put nodes between what the graph gives and its scores: they read ``inner``, the last makes ``scores``."""
    node = next(one for one in graph.node if "scores" in one.output)
    node.output[0] = "inner"
    for name, value in constants.items():
        graph.initializer.append(onnx.numpy_helper.from_array(np.asarray(value), name))
    graph.node.extend(nodes)


def weights_elsewhere(place):
    """Have the weights of the front end read from another file, which no hash covers."""

    def change(graph):
        weights = next(one for one in graph.initializer if one.name == "cosines")
        length = len(weights.raw_data)
        weights.ClearField("raw_data")
        weights.data_location = onnx.TensorProto.EXTERNAL
        for key, value in (("location", place), ("offset", "0"), ("length", str(length))):
            entry = weights.external_data.add()
            entry.key, entry.value = key, value

    return change


def without_end(graph):
    sizes = (("i", onnx.TensorProto.INT64, []), ("go", onnx.TensorProto.BOOL, []), ("held", FLOAT, None))
    inputs = [onnx.helper.make_tensor_value_info(*one) for one in sizes]
    outputs = [
        onnx.helper.make_tensor_value_info(name, *rest)
        for (_, *rest), name in zip(sizes[1:], ("on", "kept"), strict=True)
    ]
    same = [onnx.helper.make_node("Identity", [a], [b]) for a, b in (("go", "on"), ("held", "kept"))]
    body = onnx.helper.make_graph(same, "body", inputs, outputs)
    loop = onnx.helper.make_node("Loop", ["times", "yes", "inner"], ["scores"], body=body)
    behind_the_scores(graph, loop, times=np.int64(2**62), yes=np.bool_(True))


def as_large_as_memory(graph):
    made = onnx.helper.make_node("ConstantOfShape", ["sizes"], ["huge"])
    behind_the_scores(
        graph, made, onnx.helper.make_node("Add", ["inner", "huge"], ["scores"]), sizes=np.array([1 << 20, 1 << 20])
    )


def state(*shape):
    def change(graph):
        for values, name in ((graph.input, "mine_before"), (graph.output, "mine")):
            values.append(onnx.helper.make_tensor_value_info(name, FLOAT, shape))
        graph.node.append(onnx.helper.make_node("Relu", ["mine_before"], ["mine"]))

    return change


def states(count):
    def change(graph):
        for number in range(count):
            for values, name in ((graph.input, f"mine{number}_before"), (graph.output, f"mine{number}")):
                values.append(onnx.helper.make_tensor_value_info(name, FLOAT, (1, 1)))
            graph.node.append(onnx.helper.make_node("Relu", [f"mine{number}_before"], [f"mine{number}"]))

    return change


def parts(count, inside=False):
    """Thousands of nodes that make nothing of the scores; or all of them in both branches of one."""

    def change(graph):
        names = ["scores" if inside else "inner", *(f"made{number}" for number in range(count))]
        nodes = [onnx.helper.make_node("Relu", [a], [b]) for a, b in pairwise(names)]
        if inside:
            kept = [onnx.helper.make_tensor_value_info(names[-1], FLOAT, (1,))]
            branch = onnx.helper.make_graph(nodes, "branch", [], kept)
            either = onnx.helper.make_node("If", ["asked"], ["made"], then_branch=branch, else_branch=branch)
            graph.node.append(either)
        else:
            behind_the_scores(graph, *nodes, onnx.helper.make_node("Relu", [names[-1]], ["scores"]))

    return change


HOSTILE = {
    "thousands of tiny states": (states(2000), "has 200. inputs, .*: at most 64"),
    "thousands of nodes": (parts(5000), "at most 64 and 5000"),
    "thousands of nodes in branches": (parts(2500, inside=True), "at most 64 and 5000"),
    "weights in a file of the system": (weights_elsewhere("/etc/passwd"), "a field of number 13"),
    "weights in a file beside": (weights_elsewhere("weights.bin"), "a field of number 13"),
    "a loop without end": (without_end, "'Identity' is no operator|'Loop' is no operator"),
    "a constant as large as memory": (as_large_as_memory, "'ConstantOfShape' is no operator"),
    "a state of 4 TB": (state(1, 1 << 40), "absurdly large"),
    "a state of 1 GB": (state(1, 1 << 28), "absurdly large"),
    "a state of nothing": (state(1, 0), "'mine_before'"),
    "a state of less than nothing": (state(1, -3), "'mine_before'"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_made_to_do_harm_is_refused(tmp_path, monkeypatch, engine, name):
    change, said = HOSTILE[name]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "weights.bin").write_bytes(bytes(1 << 20))
    with pytest.raises(ModelError, match=said):
        load(path=copy(tmp_path, graph=changed(change)), engine=engine)


@pytest.mark.parametrize(
    ("constant", "value", "said"),
    [("rows1", 99, "indices|picks"), ("right_axes", 0, "[Aa]xis"), ("wide1", 5, "mismatch|the shape")],
)
def test_what_picks_or_cuts_what_is_not_there_is_refused_before_it_hears_anything(
    tmp_path, engine, constant, value, said
):
    def change(graph):
        numbers = next(one for one in graph.initializer if one.name == constant)
        changed_numbers = onnx.numpy_helper.to_array(numbers).copy()
        changed_numbers[-1] = value
        numbers.CopyFrom(onnx.numpy_helper.from_array(changed_numbers, constant))

    def heard(raw):
        raw.update(trunk="")

    with pytest.raises(ModelError, match=said):
        load(path=copy(tmp_path, heard, changed(change)), engine=engine)


@pytest.mark.parametrize("score", [np.nan, np.inf, 7.0])
def test_what_is_no_score_is_an_error_and_not_a_device_that_hears_nothing(tmp_path, engine, score):
    def change(graph):
        add = onnx.helper.make_node("Add", ["inner", "more"], ["scores"])
        behind_the_scores(graph, add, more=np.float32(score))

    scorer = load(path=copy(tmp_path, graph=changed(change)), engine=engine)
    detector = Detector(scorer.manifest.detector_config(scorer.words))
    with pytest.raises(ModelError, match=f"the score {score}"):
        detector.push(scorer.push(np.zeros(scorer.manifest.chunk, np.int16)))


def test_every_operator_that_a_file_may_hold_is_known_to_numpy():
    assert {*OPERATORS, "Constant", "If"} == onnx_file.KINDS


# The trunk.


def test_the_installed_model_names_its_trunk():
    read = manifest.read(ORIGINAL.with_suffix(".json"))
    assert read.trunk == trunk.digest(onnx_file.parse(ORIGINAL.read_bytes()).constants)


def test_a_word_on_another_trunk_than_its_manifest_says_is_refused(tmp_path, engine):
    def heavier(graph):
        weights = next(one for one in graph.initializer if one.name == "bias1")
        weights.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(weights) + 1, "bias1"))

    said = manifest.read(ORIGINAL.with_suffix(".json")).trunk
    model = copy(tmp_path, lambda raw: raw.update(trunk=said), changed(heavier))
    with pytest.raises(ModelMismatchError, match=rf"hangs on the trunk .* its manifest says {said[:12]}"):
        load(path=model, engine=engine)


def test_what_hangs_on_a_trunk_does_not_change_its_name():
    weights = {"weight0_half": np.ones(3), "bias0": np.zeros(2), "mel_bank": np.ones(1)}
    more = {"own/x/weight0_half": np.ones(1), "head": np.ones(1)}
    assert trunk.digest(weights) == trunk.digest({**weights, **more})
    assert trunk.digest(weights) != trunk.digest({**weights, "bias0": np.ones(2)})


# The manifest.

HOSTILE_FIELDS = {
    "a word that lasts a minute": (("words", 0, "duration"), 960_000, "'duration'"),
    "a word heard a minute late": (("words", 0, "crossing_lag"), -960_000, "'lag'"),
    "a word with capitals": (("words", 0, "word"), "Alexa", "nobody can ask for it"),
    "a word of spaces": (("words", 0, "word"), " ", "nobody can ask for it"),
    "a word that clears the screen": (("words", 0, "word"), "alexa\x1b[2J", "cannot be printed"),
    "a word that turns the line round": (("words", 0, "word"), "alexa\u202e", "cannot be printed"),
    "a threshold that no score has": (("operating_points", 0, "threshold"), 2.0, "'operating_points'"),
    "hours without end": (("operating_points", 0, "hours"), float("inf"), "'operating_points'"),
    "an interval of nothing known": (("operating_points", 0, "per_hour"), [float("nan"), 1.0], "'operating_points'"),
    "an interval the wrong way round": (("operating_points", 0, "frr"), [0.5, 0.1], "'operating_points'"),
    "more missed than there are": (("operating_points", 0, "frr"), [0.5, 1.5], "'operating_points'"),
}


@pytest.mark.parametrize("name", HOSTILE_FIELDS)
def test_a_manifest_made_to_do_harm_is_refused(tmp_path, name):
    path, value, said = HOSTILE_FIELDS[name]

    def change(raw):
        raw["operating_points"] = raw["operating_points"][-1:]
        *where, last = path
        for key in where:
            raw = raw[key]
        raw[last] = value

    with pytest.raises(ModelError, match=said):
        manifest.read(copy(tmp_path, change).with_suffix(".json"))


@pytest.mark.parametrize("text", ["[" * 100_000, "9" * 5000, '{"format": 1' + " " * (1 << 26)], ids=str.__len__)
def test_a_manifest_of_any_depth_and_length_is_refused(tmp_path, text):
    path = tmp_path / "six.json"
    path.write_text(text)
    with pytest.raises(ModelError, match="manifest"):
        manifest.read(path)
