"""Voices speak, each time otherwise, and what they said lies in whole folders. Around 3 s."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from wakegate.errors import ConfigError
from wakegate.train import voices
from wakegate.train.voices.kokoro import Kokoro
from wakegate.train.voices.piper import Piper
from wakegate.wake import Detector, load, sweep
from wakegate.wake.onnxruntime_session import import_onnxruntime

RATE = 16_000
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def espeak():
    pytest.importorskip("espeakng_loader")
    from wakegate.train.voices.espeak import Espeak

    return Espeak()


def test_espeak_says_a_word_that_the_shipped_model_hears(espeak):
    rng, heard = np.random.default_rng(3), 0
    scorer = load(["computer", "snowboy"])
    for _ in range(12):
        said = (espeak.say("computer", espeak.speakers, rng) * 20_000).astype(np.int16)
        sound = np.concatenate([np.zeros(RATE, np.int16), said, np.zeros(RATE // 2, np.int16)])
        detector = Detector(scorer.manifest.detector_config(scorer.words))
        found = {one.word for one in sweep.candidates(scorer, detector, [sound]) if one.detected}
        assert found <= {"computer"}
        heard += bool(found)
    assert heard >= 2


def test_espeak_draws_the_same_for_a_seed(espeak):
    def said(seed):
        return espeak.say("hey marvin", espeak.speakers, np.random.default_rng(seed))

    one, same, other = said(1), said(1), said(2)
    assert len(one) == len(same) != len(other)
    assert one.dtype == np.float32 and 0.3 * RATE < len(one) < 1.6 * RATE and 0.05 < np.abs(one).max() <= 1


def test_espeak_knows_every_accent_that_it_is_asked_for(espeak):
    from wakegate.train.voices import espeak as module

    calls = module._library().calls
    assert not [name for name in module.LANGUAGES if calls.espeak_SetVoiceByName(f"{name}+f2".encode())]


def test_espeak_never_goes_on_as_whoever_spoke_last(espeak, monkeypatch):
    from wakegate.train.voices import espeak as module

    monkeypatch.setattr(module, "LANGUAGES", ("en-nowhere",))
    with pytest.raises(ConfigError, match=r"cannot speak as en-nowhere\+m1"):
        espeak.say("hello", ["m1"], np.random.default_rng(1))


def test_espeak_speaks_as_who_it_is_told(espeak):
    assert len(espeak.speakers) > 50 and espeak.name.startswith("espeak-ng 1.")
    low = espeak.say("hello", ["m1"], np.random.default_rng(1))
    high = espeak.say("hello", ["f2"], np.random.default_rng(1))
    assert not np.array_equal(low[:4000], high[:4000])


def test_nothing_to_say_is_no_sound(espeak):
    assert len(espeak.say("", espeak.speakers, np.random.default_rng(1))) == 0


def test_silence_around_speech_is_cut_to_50_ms():
    samples = np.zeros(RATE, np.float32)
    samples[6000:9000] = 0.5
    assert len(voices.trimmed(samples, RATE)) == 3000 + 2 * 800 - 1
    assert len(voices.trimmed(np.zeros(RATE, np.float32), RATE)) == 0


def test_a_folder_is_written_whole_or_not_at_all(tmp_path):
    def say(text, phonemes, rng):
        if text == "broken":
            raise RuntimeError("the voice broke")
        return np.zeros(100 if text == "short" else RATE, np.float32) + 0.1

    lines = [("one", ""), ("short", ""), ("two", "tU")]
    voices.write(say, lines, tmp_path / "a", 6, 1)
    with (tmp_path / "a" / "index.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["text"] for row in rows] == ["one", "two"] * 2 and rows[1]["phonemes"] == "tU"
    assert all(soundfile.info(tmp_path / "a" / row["file"]).samplerate == RATE for row in rows)
    with pytest.raises(RuntimeError):
        voices.write(say, [("one", ""), ("broken", "")], tmp_path / "b", 2, 1)
    assert not (tmp_path / "b").exists()
    voices.write(say, lines, tmp_path / "b", 2, 1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_a_piper_voice_is_checked_before_it_speaks(tmp_path):
    pytest.importorskip("espeakng_loader")
    voice = tmp_path / "voice.onnx"
    with pytest.raises(ConfigError, match=r"voice\.onnx\.json is missing"):
        Piper(voice)
    settings = SETTINGS | {"espeak": {"voice": "de"}}
    beside = tmp_path / "voice.onnx.json"
    beside.write_text(json.dumps(settings))
    with pytest.raises(ConfigError, match="speaks 'de': give a voice that speaks English"):
        Piper(voice)
    settings["espeak"]["voice"] = "en-us"
    beside.write_text(json.dumps(settings))
    voice.write_bytes(b"no network")
    with pytest.raises(ConfigError, match="is no voice that can be run"):
        Piper(voice)


SETTINGS = {
    "phoneme_id_map": {"_": [0], "^": [1], "$": [2]}, "audio": {"sample_rate": 22050}, "num_speakers": 1,
    "espeak": {"voice": "en-us"},
}  # fmt: skip
HOSTILE = {
    "no end": "[" * 100_000,
    "a list": "[1]",
    "no symbols": {"phoneme_id_map": {}},
    "a list of symbols": {"phoneme_id_map": []},
    "symbols that are no numbers": {"phoneme_id_map": {"_": "ab", "^": 3, "$": None}},
    "no rate": {"audio": {"sample_rate": 0}},
    "an endless rate": {"audio": {"sample_rate": float("inf")}},
    "nobody": {"num_speakers": 0},
    "everybody": {"num_speakers": 8_000_000_000},
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_piper_voice_whose_settings_are_none_is_refused(tmp_path, name):
    pytest.importorskip("espeakng_loader")
    changed = HOSTILE[name]
    (tmp_path / "voice.onnx").write_bytes(b"")
    text = changed if isinstance(changed, str) else json.dumps(SETTINGS | changed)
    (tmp_path / "voice.onnx.json").write_text(text)
    with pytest.raises(ConfigError, match="no settings of a Piper voice"):
        Piper(tmp_path / "voice.onnx")


def test_a_network_that_is_no_voice_cannot_speak(tmp_path):
    pytest.importorskip("espeakng_loader")
    (tmp_path / "six.onnx").write_bytes(load().manifest.path.read_bytes())
    (tmp_path / "six.onnx.json").write_text(json.dumps(SETTINGS))
    voice = Piper(tmp_path / "six.onnx")
    with pytest.raises(ConfigError, match=r"Piper six cannot speak \(.*is it a voice"):
        voice.say("hello", voice.speakers, np.random.default_rng(1))


@pytest.mark.parametrize("vocabulary", ["[]", '{"vocab": [1]}', '{"vocab": {"a": "b"}}', "[" * 100_000], ids=len)
def test_a_kokoro_vocabulary_that_is_none_is_refused(tmp_path, vocabulary):
    pytest.importorskip("hibari")
    (tmp_path / "vocab.json").write_text(vocabulary)
    with pytest.raises(ConfigError, match="does not hold the Kokoro voice"):
        Kokoro(tmp_path)


def test_a_kokoro_network_that_is_none_is_refused(tmp_path):
    pytest.importorskip("hibari")
    (tmp_path / "speakers").mkdir()
    np.zeros((510, 256), np.float32).tofile(tmp_path / "speakers" / "af_one.bin")
    (tmp_path / "vocab.json").write_text('{"vocab": {"h": 1}}')
    (tmp_path / "model.onnx").write_bytes(b"no network")
    with pytest.raises(ConfigError, match=r"is no Kokoro-82M as kokoro-onnx exports it \(no ONNX file\)"):
        Kokoro(tmp_path)
    (tmp_path / "model.onnx").write_bytes(load().manifest.path.read_bytes())
    with pytest.raises(ConfigError, match=r"is no Kokoro-82M .*\(it has no /encoder/Squeeze_output_0\)"):
        Kokoro(tmp_path)


def network(*, silent=False):
    """A network with Kokoro's names inside: what it says is its pitch, energy and lengths, each its style's numbers."""
    onnx = pytest.importorskip("onnx")
    make, ready = onnx.helper.make_node, onnx.numpy_helper.from_array
    made = ("/encoder/Squeeze_output_0", "/encoder/Squeeze_1_output_0", "/encoder/Div_output_0")
    nodes, constants = [], [ready(np.array([1], np.int64), "axis")]
    for number, name in enumerate(made):
        constants += [ready(np.array([3 * number + k], np.int64), f"{name}{k}") for k in (0, 3)]
        nodes.append(make("Slice", ["style", f"{name}0", f"{name}3", "axis"], [name]))
    nodes.append(make("Concat", [*made], ["audio"], axis=1))
    value = onnx.helper.make_tensor_value_info
    inputs = [value("style", 1, [1, 256]), *([] if silent else [value("tokens", 7, [1, "n"]), value("speed", 1, [1])])]
    graph = onnx.helper.make_graph(nodes, "voice", inputs, [value("audio", 1, None)], constants)
    whole = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    return whole.SerializeToString()


def test_knobs_turn_pitch_energy_and_lengths():
    pytest.importorskip("onnx")
    from wakegate.train.voices import knobs

    session = import_onnxruntime().InferenceSession(knobs.opened(network()), providers=["CPUExecutionProvider"])
    style = np.zeros((1, 256), np.float32)
    style[0, :9] = [0, 100, 200, 1, 2, 3, 4, 5, 6]
    numbers = {"f0_ref": 100, "f0_scale": 1.5, "f0_range": 2, "energy_scale": 0.5, "speed": 1}
    feed = {name: np.array([value], np.float32) for name, value in numbers.items()}
    lengths, tokens = np.array([1, 2, 3], np.float32), np.zeros((1, 3), np.int64)
    (said,) = session.run(None, {**feed, "style": style, "tokens": tokens, "dur_mul": lengths})
    # 100 Hz stays the middle: 150 * (200 / 100) ** 2 = 600.
    assert said[0] == pytest.approx([0, 150, 600, 0.5, 1, 1.5, 4, 10, 18], abs=1e-3)


def test_a_network_that_is_not_told_what_to_say_cannot_speak(tmp_path):
    pytest.importorskip("hibari")
    (tmp_path / "speakers").mkdir()
    np.zeros((510, 256), np.float32).tofile(tmp_path / "speakers" / "af_one.bin")
    (tmp_path / "vocab.json").write_text('{"vocab": {"h": 1}}')
    (tmp_path / "model.onnx").write_bytes(network(silent=True))
    voice = Kokoro(tmp_path)
    with pytest.raises(ConfigError, match="Kokoro-82M cannot speak"):
        voice.say("hello", voice.speakers, np.random.default_rng(1))


def test_kokoro_asks_more_than_one_dictionary_how_a_name_is_said(tmp_path, monkeypatch):
    pytest.importorskip("hibari")
    (tmp_path / "speakers").mkdir()
    np.zeros((510, 256), np.float32).tofile(tmp_path / "speakers" / "af_one.bin")
    (tmp_path / "vocab.json").write_text('{"vocab": {"h": 1}}')
    (tmp_path / "model.onnx").write_bytes(network())
    voice, told = Kokoro(tmp_path), []
    monkeypatch.setattr(voice, "speak", lambda phonemes, *_: told.append(phonemes) or np.zeros(1, np.float32))
    rng = np.random.default_rng(1)
    for _ in range(60):
        voice.say("athena", voice.speakers, rng)
    heard = {one[:-1] for one in told}
    assert {"əθˈinə", "æθˈiːnə"} < heard  # by two of them; a third says "uh-THEE-nee"


def test_kokoro_reads_what_espeak_wrote_in_its_own_symbols():
    from wakegate.train.voices.kokoro import _spelt

    assert _spelt("dʒˈɑːɹvɪs tʃˈeɪn snˈoʊbɔɪ maɪ haʊs") == "ʤˈɑːɹvɪs ʧˈAn snˈObY mI hWs"


@pytest.mark.parametrize("library", ["hibari", "onnx"])
def test_without_what_kokoro_needs_it_says_how_to_get_it(library):
    if library == "onnx":
        pytest.importorskip("hibari")
    program = f"""
import sys
sys.modules["{library}"] = None
from pathlib import Path
from wakegate.train.voices.kokoro import Kokoro
Kokoro(Path("voices"))
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    last = done.stderr.splitlines()[-1]
    assert f"the voices in voices need {library}" in last and "pip install 'wakegate[train]'" in last


def test_a_kokoro_folder_is_checked_before_it_speaks(tmp_path):
    pytest.importorskip("hibari")
    with pytest.raises(ConfigError, match="does not hold the Kokoro voice"):
        Kokoro(tmp_path)
