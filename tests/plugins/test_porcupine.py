"""A program written for pvporcupine, with its import changed: the loop of its demos, its arguments, its exceptions."""

import inspect
import re
import struct
import wave

import numpy as np
import pytest

import wakegate.plugins.porcupine as pvporcupine
from tests.cli.process import ROOT, six_words
from tests.wake.model import ORIGINAL, copy
from wakegate.plugins.sensitivity import threshold
from wakegate.wake import manifest

SPOKEN = [  # as tests/data/make.py put them: keyword, end in seconds
    ("alexa", 1.71),
    ("computer", 4.75),
    ("jarvis", 7.68),
    ("smart mirror", 10.93),
    ("snowboy", 13.72),
    ("view glass", 16.81),
]
PARAMETERS = ["access_key", "library_path", "model_path", "device", "keyword_paths", "keywords", "sensitivities"]


def demo(path, arguments):
    """Read a WAV file as the demos of pvporcupine do, and return [(keyword, seconds)]."""
    porcupine = pvporcupine.create(**arguments)
    keywords = arguments.get("keywords") or [
        name.rsplit("/", 1)[1].replace(".ppn", "").split("_")[0] for name in arguments["keyword_paths"]
    ]
    with wave.open(str(path)) as file:
        assert file.getframerate() == porcupine.sample_rate
        raw = file.readframes(file.getnframes())
    audio = struct.unpack(f"{len(raw) // 2}h", raw)
    found = []
    for i in range(len(audio) // porcupine.frame_length):
        frame = audio[i * porcupine.frame_length : (i + 1) * porcupine.frame_length]
        result = porcupine.process(frame)
        if result >= 0:
            found.append((keywords[result], (i + 1) * porcupine.frame_length / porcupine.sample_rate))
    porcupine.delete()
    return found


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    path = tmp_path_factory.mktemp("demo") / "six.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(six_words().tobytes())
    return path


def agrees(found, expected):
    assert [keyword for keyword, _ in found] == [keyword for keyword, _ in expected]
    for (_, at), (_, end) in zip(found, expected, strict=True):
        assert end - 0.5 < at < end + 0.5


def test_the_demos_loop_hears_every_word_once(recording):
    names = [word for word, _ in SPOKEN]
    agrees(demo(recording, {"access_key": "no key", "keywords": names}), SPOKEN)
    # The newer demo takes its words by KEYWORD_PATHS, and shows the end of each.
    paths = [pvporcupine.KEYWORD_PATHS[name] for name in names]
    agrees(demo(recording, {"access_key": "", "keyword_paths": paths}), SPOKEN)


def test_the_index_follows_the_order_that_was_asked_for():
    porcupine = pvporcupine.create(keywords=["view glass", "Alexa"])
    sound = six_words()
    frames = [sound[at : at + 512] for at in range(0, len(sound) - 511, 512)]
    heard = [porcupine.process(frame) for frame in frames]
    assert [index for index in heard if index >= 0] == [1, 0]
    other = pvporcupine.create(keywords=["view glass", "Alexa"])
    assert [other.process(frame.tolist()) for frame in frames[:80]] == heard[:80], "a list is as good as an array"


def test_the_readmes_lines_run():
    page = (ROOT / "README.md").read_text()
    (text,) = re.findall(r"^```python\n(import wakegate\.plugins\.porcupine.*?)^```", page, re.MULTILINE | re.DOTALL)
    said = {}
    exec(text, said)
    assert said["index"] == -1


def test_names_and_shapes_are_those_of_pvporcupine():
    assert list(inspect.signature(pvporcupine.create).parameters) == PARAMETERS
    assert pvporcupine.KEYWORDS == {word for word, _ in SPOKEN} == set(pvporcupine.KEYWORD_PATHS)
    assert set(pvporcupine.__all__) <= {*dir(pvporcupine), "KEYWORDS", "KEYWORD_PATHS"}
    porcupine = pvporcupine.create(keywords=["alexa"])
    assert (porcupine.frame_length, porcupine.sample_rate) == (512, 16_000)
    assert porcupine.version.count(".") == 2
    assert pvporcupine.available_devices() == ["cpu"]
    for name in pvporcupine.__all__:
        if name.endswith("Error"):
            assert issubclass(getattr(pvporcupine, name), pvporcupine.PorcupineError)
    with pytest.raises(AttributeError, match="train_wake_word_from_phrase"):
        _ = pvporcupine.train_wake_word_from_phrase


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "must be set"),
        ({"keywords": ["porcupine"]}, "'porcupine' is not known.*known are alexa, computer"),
        ({"keywords": ["computer", "hey google"]}, "'hey google' is not known"),
        ({"keywords": "computer"}, "give a list"),
        ({"keywords": []}, "give a list"),
        ({"keywords": ["computer", "Computer"]}, "each one once"),
        ({"keywords": ["computer"], "sensitivities": [0.5, 0.5]}, "1 keywords, but 2 sensitivities"),
        ({"keywords": ["computer"], "sensitivities": [1.01]}, "from 0 to 1"),
        ({"keywords": ["computer"], "sensitivities": [float("nan")]}, "from 0 to 1"),
        ({"keywords": ["computer"], "sensitivities": ["high"]}, "from 0 to 1"),
        ({"keyword_paths": ["/tmp/hey-you_linux.ppn"]}, "Picovoice"),
        ({"keywords": ["computer"], "model_path": "porcupine_params_de.pv"}, "Picovoice"),
        ({"keyword_paths": [str(ORIGINAL)]}, f"knows 6 words: name one of them, {ORIGINAL}/alexa"),
        ({"keyword_paths": [f"{ORIGINAL}/porcupine"]}, "'porcupine' is not known"),
        ({"keyword_paths": [f"{ORIGINAL}/alexa"], "model_path": "/tmp/other.onnx"}, "one model"),
    ],
)
def test_what_cannot_be_had_is_an_error_that_programs_catch(arguments, message):
    for kind in (pvporcupine.PorcupineInvalidArgumentError, pvporcupine.PorcupineError, ValueError):
        with pytest.raises(kind, match=message):
            pvporcupine.create(**arguments)


def test_a_model_that_cannot_be_read_is_an_io_error(tmp_path):
    for arguments in (
        {"keywords": ["computer"], "model_path": str(tmp_path / "none.onnx")},
        {"keyword_paths": [str(tmp_path / "none.onnx")]},
    ):
        with pytest.raises(pvporcupine.PorcupineIOError, match="no manifest") as caught:
            pvporcupine.create(**arguments)
        assert isinstance(caught.value, OSError) and caught.value.message == str(caught.value)
    damaged = copy(tmp_path)
    damaged.write_bytes(damaged.read_bytes()[:-1])
    with pytest.raises(pvporcupine.PorcupineIOError, match="damaged"):
        pvporcupine.create(keywords=["computer"], model_path=str(damaged))


@pytest.mark.parametrize(
    "frame",
    [
        [0] * 511,
        [0] * 513,
        [],
        [0.0] * 512,
        [0] * 511 + [40_000],
        bytes(512),
        np.zeros((512, 1), np.int16),
        None,
        [[0], 0] * 256,
    ],
    ids=["short", "long", "empty", "floats", "too loud", "bytes", "column", "None", "rows"],
)
def test_what_is_no_frame_is_refused_and_harms_nothing(frame):
    porcupine = pvporcupine.create(keywords=["alexa"])
    with pytest.raises(pvporcupine.PorcupineInvalidArgumentError):
        porcupine.process(frame)
    sound = six_words()
    assert 0 in [porcupine.process(sound[at : at + 512]) for at in range(0, 48_000, 512)]


def test_after_delete_nothing_is_heard():
    porcupine = pvporcupine.create(keywords=["alexa"])
    porcupine.delete()
    porcupine.delete()
    with pytest.raises(pvporcupine.PorcupineInvalidStateError, match="create another"):
        porcupine.process([0] * 512)


POINT = {"condition": "quiet", "false_accepts": 1, "hours": 2.0, "per_hour": [0.01, 2.8], "frr": [0.0, 0.2]}


def points(raw, *thresholds):
    """Give alexa these operating points and nobody else any, and 0.4 as its own threshold."""
    counts = {"missed": 1, "trials": 20}
    raw["operating_points"] = [{**POINT, **counts, "word": "alexa", "threshold": value} for value in thresholds]
    next(entry for entry in raw["words"] if entry["word"] == "alexa")["threshold"] = 0.4


def test_a_sensitivity_is_a_threshold_between_measured_ones(tmp_path):
    model = copy(tmp_path, lambda raw: points(raw, 0.3, 0.4, 0.8))
    read = manifest.read(model.with_suffix(".json"))
    mapped = {value: threshold(read, "alexa", value) for value in (0, 0.25, 0.5, 0.75, 1)}
    assert mapped == pytest.approx({0: 0.8, 0.25: 0.6, 0.5: 0.4, 0.75: 0.35, 1: 0.3})
    made = pvporcupine.create(keywords=["computer", "alexa"], sensitivities=[0.5, 0.75], model_path=str(model))
    assert made.thresholds == (read.entry("computer").threshold, pytest.approx(0.35))


def test_a_sensitivity_that_nobody_measured_is_refused(tmp_path):
    model = copy(tmp_path, lambda raw: points(raw, 0.4, 0.8))
    pvporcupine.create(keywords=["alexa"], sensitivities=[0.2], model_path=str(model))
    with pytest.raises(pvporcupine.PorcupineInvalidArgumentError, match=r"0\.7 of 'alexa' cannot be mapped.*below"):
        pvporcupine.create(keywords=["alexa"], sensitivities=[0.7], model_path=str(model))
    with pytest.raises(pvporcupine.PorcupineInvalidArgumentError, match=r"'computer' cannot be mapped.*above"):
        pvporcupine.create(keywords=["computer"], sensitivities=[0.4], model_path=str(model))


def test_the_shipped_model_maps_every_sensitivity():
    """And rising sensitivities never raise the threshold."""
    model = manifest.read(ORIGINAL.with_suffix(".json"))
    if not model.operating_points:
        pytest.skip("the model beside this checkout has not been measured yet")
    for entry in model.words:
        thresholds = [threshold(model, entry.word, value / 10) for value in range(11)]
        assert thresholds == sorted(thresholds, reverse=True)
        assert thresholds[0] > thresholds[5] == entry.threshold > thresholds[10]
