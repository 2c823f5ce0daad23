"""Other people's engines themselves, where they are installed: here, or in the environment WAKEGATE_PEERS. 3 s each."""

import ast
import os
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from wakegate.errors import ConfigError
from wakegate.measure.engines import named, peers
from wakegate.measure.engines.peer import NAMES

RATE = 16_000
DATA = Path(__file__).parents[2] / "data"
FOLDER = Path(peers.__file__).parent
PLACE = f"@{os.environ['WAKEGATE_PEERS']}" if os.environ.get("WAKEGATE_PEERS") else ""
SIX = "alexa,computer,jarvis,smart_mirror,snowboy,view_glass"
HEARD = {
    "openwakeword": ("", {"alexa"}),
    "pymicro-wakeword": ("", {"alexa"}),
    "pvporcupine": (f":{SIX}", set(SIX.split(","))),
    # A synthetic voice says the words; it finds these at its own threshold.
    "pocketsphinx": (":alexa,jarvis,smart mirror,snowboy", {"alexa", "jarvis", "smart_mirror", "snowboy"}),
    "snowboy": ("", {"alexa"}),
}


def installed(name, words=""):
    try:
        return named(f"{name}{PLACE}{words}", None, 60.0)
    except ConfigError as error:
        if "not installed" in str(error) or "No module named" in str(error):
            pytest.skip(str(error))
        raise


@pytest.fixture(scope="module")
def sound():
    return soundfile.read(DATA / "six_words.flac", dtype="int16")[0]


@pytest.fixture(scope="module")
def labels():
    rows = (line.split("\t") for line in (DATA / "six_words.txt").read_text().splitlines())
    return {word: (float(start) * RATE, float(end) * RATE) for start, end, word in rows}


@pytest.mark.parametrize("name", HEARD)
def test_it_hears_what_it_knows_where_it_is_said(name, sound, labels):
    words, expected = HEARD[name]
    one = installed(name, words)
    found = one.hear(sound[at : at + RATE] for at in range(0, len(sound), RATE))
    within = {
        heard.word
        for heard in found
        if heard.score >= one.thresholds[heard.word]
        and heard.word in labels
        and labels[heard.word][0] < heard.at < labels[heard.word][1] + RATE / 2
    }
    assert within >= expected
    assert one.hear([sound]) == found, "a recording is a stream of its own, however it is cut"
    assert not [heard for heard in one.hear([np.zeros(RATE, np.int16)]) if heard.score >= one.thresholds[heard.word]]
    assert all(len(sha) == 64 for sha in one.about["files_sha256"].values())
    assert one.about["peer_sha256"]


def test_pocketsphinx_in_one_pass_says_what_it_says_at_each_threshold(sound):
    """The claim that its score rests on: a search at that threshold alone detects just those."""
    pocketsphinx = pytest.importorskip("pocketsphinx")
    found = named("pocketsphinx:alexa", None, 60.0).hear([sound[: 3 * RATE]])
    padded = np.concatenate([sound[: 3 * RATE], np.zeros(RATE, np.int16)]).tobytes()
    counts = {}
    for power in (-40, 0, 30):
        decoder = pocketsphinx.Decoder(lm=None, loglevel="FATAL", keyphrase="alexa", kws_threshold=10.0**power)
        decoder.start_utt()
        decoder.process_raw(padded)
        counts[power] = len(list(decoder.seg() or ()))
        decoder.end_utt()
    assert counts == {power: sum(one.score >= power for one in found) for power in counts}
    assert counts[0] > counts[30]


def test_a_porcupine_at_each_sensitivity_says_what_it_says_alone():
    one = installed("pvporcupine", ":alexa")
    assert one.about["swept_by"] == "sensitivity"
    assert (one.thresholds, one.about["settings"][5]) == ({"alexa": 0.5}, 0.5)


# What is asked for, and what is missing.


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("pvporcupine@/nowhere", "names no Python that can be run"),
        ("pvporcupine@", "names no Python that can be run"),
        ("porcupine", r"there is no engine 'porcupine': give .* pvporcupine, pocketsphinx, snowboy or exec:COMMAND"),
    ],
)
def test_specifications_that_are_none(spec, message):
    with pytest.raises(ConfigError, match=message):
        named(spec, None, 10.0)


@pytest.mark.parametrize(
    ("name", "install"),
    [
        ("openwakeword", "openwakeword==0.5.1"),
        ("pymicro-wakeword", "pymicro-wakeword"),
        ("pvporcupine", "pvporcupine==1.9.5"),
        ("pocketsphinx", "pocketsphinx"),
    ],
)
def test_a_missing_package_is_named_with_what_installs_it(name, install, tmp_path):
    bare = tmp_path / "bin" / "python"
    bare.parent.mkdir()
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n')
    bare.chmod(0o755)
    with pytest.raises(ConfigError, match=f"{name} is not installed for .*: pip install {install}$"):
        named(f"{name}@{tmp_path}", None, 10.0)


def test_another_version_is_refused(tmp_path, monkeypatch):
    """From 2.0 on it wants a key, which it checks on the network."""
    (tmp_path / "pvporcupine-2.0.1.dist-info").mkdir()
    (tmp_path / "pvporcupine-2.0.1.dist-info" / "METADATA").write_text("Name: pvporcupine\nVersion: 2.0.1\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(ConfigError, match=r"is 2.0.1, which needs a key.*: pip install pvporcupine==1\.9\.5"):
        named("pvporcupine", None, 10.0)


def test_what_lies_about_is_not_imported(tmp_path, monkeypatch):
    for name in ("json.py", "peers.py", "pocketsphinx.py"):
        (tmp_path / name).write_text("raise SystemExit('I was imported')\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"pocketsphinx (hears any words|is not installed)"):
        named("pocketsphinx", None, 10.0)


def test_words_that_an_engine_does_not_know():
    pytest.importorskip("pocketsphinx")
    with pytest.raises(ConfigError, match="the dictionary of pocketsphinx has no 'mycroft'"):
        named("pocketsphinx:alexa,hey mycroft", None, 10.0)


SNOWBOY = '''
class SnowboyDetect:
    """Says its word in a loud frame if it is as sensitive as that is loud; two ways to say it."""

    def __init__(self, common, model):
        assert common.endswith(b"common.res") and model.endswith(b".umdl")

    def NumHotwords(self):
        return 2

    def SetSensitivity(self, text):
        one, two = text.decode().split(",")
        assert one == two
        self.sensitivity = float(one)

    def ApplyFrontend(self, on):
        pass

    def Reset(self):
        pass

    def RunDetection(self, data):
        high = max(memoryview(data).cast("h"))
        return 2 if high and high >= (1 - self.sensitivity) * 10000 else -2
'''


def test_snowboy_is_swept_by_its_sensitivity(tmp_path, monkeypatch):
    (tmp_path / "resources").mkdir()
    (tmp_path / "resources" / "common.res").touch()
    (tmp_path / "resources" / "jarvis.umdl").touch()
    (tmp_path / "snowboydetect.py").write_text(SNOWBOY)
    (tmp_path / "snowboy.py").write_text("")  # whatever is installed under this name is not asked
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    one = named("snowboy", None, 10.0)
    assert one.thresholds == {"jarvis": 0.2}, "its README says 0.8"
    sound = np.zeros(5 * RATE, np.int16)
    sound[RATE], sound[3 * RATE] = 3500, 9500
    assert [(heard.at, heard.score) for heard in one.hear([sound])] == [(RATE + 1600, 0.3), (3 * RATE + 1600, 0.9)]


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_a_peer_needs_nothing_of_wakegate(path):
    """It runs where wakegate is not installed, under an older Python."""
    tree = ast.parse(path.read_text(), feature_version=(3, 9))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert node.level <= 1
            assert not (node.module or "").startswith("wakegate")
        elif isinstance(node, ast.Import):
            assert not any(alias.name.startswith("wakegate") for alias in node.names)


def test_each_name_has_its_peer():
    assert {path.stem for path in FOLDER.glob("*.py")} == {"__init__", *(name.replace("-", "_") for name in NAMES)}
