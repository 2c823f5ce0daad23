"""A model that is not exactly what its manifest says is refused. Around 3 s."""

import hashlib
import json

import pytest

from tests.wake.model import copy, retyped, unsized
from wakegate.errors import ConfigError, ModelError, ModelMismatchError
from wakegate.wake import load, manifest


def setting(*path_and_value):
    *path, last, value = path_and_value

    def change(raw):
        for key in path:
            raw = raw[key]
        raw[last] = value

    return change


def removing(*path):
    def change(raw):
        for key in path[:-1]:
            raw = raw[key]
        del raw[path[-1]]

    return change


def test_a_copy_loads(tmp_path):
    model = copy(tmp_path)
    assert load(path=model).manifest.path == model
    assert load(["alexa"], model.with_suffix(".json")).words == ("alexa",)
    assert load(path=str(model)).manifest.sha256 == hashlib.sha256(model.read_bytes()).hexdigest()


def test_a_whole_number_may_stand_for_a_float(tmp_path):
    model = copy(tmp_path, setting("words", 0, "threshold", 1))
    threshold = manifest.read(model.with_suffix(".json")).words[0].threshold
    assert threshold == 1.0 and type(threshold) is float


# The model file.


def test_the_trunk_is_read_where_it_is_named(tmp_path):
    assert manifest.read(copy(tmp_path, setting("trunk", "ab" * 32)).with_suffix(".json")).trunk == "ab" * 32
    with pytest.raises(ModelError, match="'trunk'"):
        manifest.read(copy(tmp_path, setting("trunk", 7)).with_suffix(".json"))


def test_a_changed_byte_is_seen(tmp_path):
    model = copy(tmp_path)
    data = bytearray(model.read_bytes())
    data[len(data) // 2] ^= 1
    model.write_bytes(data)
    with pytest.raises(ModelMismatchError, match=r"has sha256 .* its manifest says .* reinstall"):
        load(path=model)


def test_a_truncated_model_is_seen(tmp_path):
    model = copy(tmp_path)
    model.write_bytes(model.read_bytes()[:-1000])
    with pytest.raises(ModelMismatchError, match="damaged or another model"):
        load(path=model)


def test_another_hash_in_the_manifest_is_seen(tmp_path):
    with pytest.raises(ModelMismatchError):
        load(path=copy(tmp_path, setting("sha256", "0" * 64)))


@pytest.mark.parametrize(
    "graph",
    [lambda data: data[: len(data) // 2], lambda data: b"", lambda data: b"not a model at all", lambda data: data[9:]],
    ids=["half", "empty", "text", "headless"],
)
def test_garbage_with_the_right_hash_is_a_model_error(tmp_path, engine, graph):
    with pytest.raises(ModelError, match=r"is no model that wakegate loads: "):
        load(path=copy(tmp_path, graph=graph), engine=engine)


def test_a_missing_model_and_a_missing_manifest(tmp_path):
    model = copy(tmp_path)
    model.unlink()
    with pytest.raises(ModelError, match=r"cannot be read \(No such file"):
        load(path=model)
    model.with_suffix(".json").unlink()
    with pytest.raises(ModelError, match=r"there is no manifest .* NAME\.onnx and NAME\.json"):
        load(path=model)


# A graph that is not what the manifest says.

GRAPH = {
    "longer chunks": setting("chunk", 5120),
    "shorter chunks": setting("chunk", 640),
    "finer steps": setting("step", 160),
    "a word too few": removing("words", 0),
    "a word too many": lambda raw: raw["words"].append({**raw["words"][0], "word": "hal"}),
}


@pytest.mark.parametrize("change", GRAPH.values(), ids=GRAPH.keys())
def test_shapes_that_differ_are_a_mismatch(tmp_path, engine, change):
    def whole(raw):
        raw["operating_points"] = []
        change(raw)

    with pytest.raises(ModelMismatchError, match=r"has '(pcm|scores)' as .* its manifest means"):
        load(path=copy(tmp_path, whole), engine=engine)


def test_a_graph_that_takes_floats_is_a_mismatch(tmp_path, engine):
    with pytest.raises(ModelMismatchError, match=r"'pcm' as \('tensor\(float\)'"):
        load(path=copy(tmp_path, graph=lambda data: retyped(data, "pcm", 5, 1)), engine=engine)


def test_a_state_of_no_fixed_size_is_a_mismatch(tmp_path, engine):
    with pytest.raises(ModelMismatchError, match="'means_before'"):
        load(path=copy(tmp_path, graph=lambda data: unsized(data, "means_before")), engine=engine)


# The manifest file.

TOP = (
    "format",
    "name",
    "sample_rate",
    "sha256",
    "chunk",
    "step",
    "context",
    "floor",
    "smoothing",
    "refractory",
    "fall",
)
FIELDS = [
    *((key,) for key in (*TOP, "words", "operating_points")),
    *(("words", 0, key) for key in ("word", "threshold", "lag", "crossing_lag", "duration")),
    *(
        ("operating_points", 0, key)
        for key in ("word", "threshold", "condition", "false_accepts", "hours", "per_hour", "missed", "trials", "frr")
    ),
]


@pytest.fixture
def measured(tmp_path):
    """Make a manifest with one operating point, whatever the installed model has."""

    def made(change):
        def whole(raw):
            raw["operating_points"] = [
                {
                    "word": raw["words"][0]["word"], "threshold": 0.5, "condition": "quiet", "false_accepts": 1,
                    "hours": 1.5, "per_hour": [0.1, 2.0], "missed": 1, "trials": 10, "frr": [0.0, 0.3],
                }
            ]  # fmt: skip
            change(raw)

        return copy(tmp_path, whole).with_suffix(".json")

    return made


def test_the_measured_manifest_itself_is_good(measured):
    (point,) = manifest.read(measured(lambda raw: None)).operating_points
    assert (point.per_hour, point.frr, point.trials) == ((0.1, 2.0), (0.0, 0.3), 10)


@pytest.mark.parametrize("path", FIELDS, ids=str)
def test_a_missing_field_is_named(measured, path):
    with pytest.raises(ModelError, match=rf"is wrong at .*{path[-1]}.*reinstall"):
        manifest.read(measured(removing(*path)))


@pytest.mark.parametrize("path", FIELDS, ids=str)
@pytest.mark.parametrize("value", [None, True, {"a": 1}, [5, "x", 7]], ids=str)
def test_a_field_of_the_wrong_kind_is_refused(measured, path, value):
    with pytest.raises(ModelError, match=r"is wrong at .*reinstall"):
        manifest.read(measured(setting(*path, value)))


@pytest.mark.parametrize("value", ["320", 320.0])
def test_a_text_or_a_float_is_no_whole_number(measured, value):
    with pytest.raises(ModelError, match=r"'step'.*should be int"):
        manifest.read(measured(setting("step", value)))


RANGES = {
    "format of yesterday": (("format", 1), "this wakegate reads format 2 at 16000 Hz; a word of your own is to be"),
    "format of tomorrow": (("format", 3), "this wakegate reads format 2 at 16000 Hz"),
    "another rate": (("sample_rate", 8000), "16000 Hz"),
    "no words": (("words", []), "'words'"),
    "floor 0": (("floor", 0.0), "'floor'"),
    "floor 1": (("floor", 1), "'floor'"),
    "floor nan": (("floor", float("nan")), "'floor'"),
    "threshold below the floor": (("words", 0, "threshold", 0.001), "'threshold'"),
    "threshold above 1": (("words", 0, "threshold", 1.5), "'threshold'"),
    "threshold nan": (("words", 0, "threshold", float("nan")), "'threshold'"),
    "negative duration": (("words", 0, "duration", -1), "'duration'"),
    "step 0": (("step", 0), "'step'"),
    "negative step": (("step", -320), "'step'"),
    "no fall": (("fall", 0), "'fall'"),
    "refractory below fall": (("refractory", 320), "'refractory'"),
    "chunk 0": (("chunk", 0), "'chunk'"),
    "negative chunk": (("chunk", -1280), "'chunk'"),
    "half a step": (("chunk", 1440), "'chunk'"),
    "smoothing 0": (("smoothing", 0), "'smoothing'"),
    "measured over no time": (("operating_points", 0, "hours", 0), "'operating_points'"),
    "more missed than said": (("operating_points", 0, "missed", 11), "'operating_points'"),
    "measured on a stranger": (("operating_points", 0, "word", "hal"), "'operating_points'"),
    "half an interval": (("operating_points", 0, "frr", [0.1]), "wrong at"),
}


@pytest.mark.parametrize("case", RANGES)
def test_a_value_out_of_range_is_refused(measured, case):
    change, message = RANGES[case]
    with pytest.raises(ModelError, match=message):
        manifest.read(measured(setting(*change)))


def test_a_word_twice_is_refused(measured):
    with pytest.raises(ModelError, match="twice"):
        manifest.read(measured(lambda raw: raw["words"].append(raw["words"][0])))


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"5", b"null", b'"six"', b"{", b"\xff\xfe", b"{}"], ids=["nothing", "list", "number", "null",
    "text", "torn", "no UTF-8", "empty"],
)  # fmt: skip
def test_what_is_no_manifest_is_refused(tmp_path, text):
    path = tmp_path / "six.json"
    path.write_bytes(text)
    with pytest.raises(ModelError, match="reinstall the model"):
        manifest.read(path)


# What the detector is told.


def test_thresholds_given_replace_the_models_own(tmp_path):
    read = manifest.read(copy(tmp_path).with_suffix(".json"))
    config = read.detector_config(["snowboy", "alexa"], {"alexa": 0.9})
    assert list(config.thresholds) == ["snowboy", "alexa"]
    assert config.thresholds == {"snowboy": read.entry("snowboy").threshold, "alexa": 0.9}
    assert config.timing["alexa"] == read.entry("alexa").timing
    assert (config.floor, config.step, config.fall) == (read.floor, read.step, read.fall)


def test_a_threshold_for_an_unknown_word_is_refused(tmp_path):
    read = manifest.read(copy(tmp_path).with_suffix(".json"))
    with pytest.raises(ModelError, match="'hal'"):
        read.detector_config(["alexa"], {"hal": 0.9})


@pytest.mark.parametrize("threshold", [7.0, 0.0, -1.0, float("nan")])
def test_a_threshold_out_of_range_is_the_users_mistake(tmp_path, threshold):
    read = manifest.read(copy(tmp_path).with_suffix(".json"))
    with pytest.raises(ConfigError, match="'alexa'"):
        read.detector_config(["alexa"], {"alexa": threshold})


def test_the_installed_manifests_say_what_their_files_are():
    from wakegate.wake import catalogue

    for one in catalogue.installed():
        assert hashlib.sha256(one.verified_bytes()).hexdigest() == one.sha256
        assert json.loads(one.path.with_suffix(".json").read_text())["name"] == one.name == one.path.stem
