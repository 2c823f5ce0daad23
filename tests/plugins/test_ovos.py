"""The real ovos-plugin-manager finds, loads and runs our plugins, in a process and a home of its own."""

import importlib.metadata
import importlib.util
import json
import re
import subprocess
import sys

import pytest

from tests.cli.process import ROOT, SIX_WORDS, environment
from tests.wake.model import copy

GROUPS = {"opm.wake_word": "ovos-ww-plugin-wakegate", "opm.wake_word.verifier": "ovos-ww-verifier-wakegate"}


def installed():
    return all(name in importlib.metadata.entry_points(group=group).names for group, name in GROUPS.items())


pytestmark = [
    pytest.mark.skipif(
        importlib.util.find_spec("ovos_plugin_manager") is None, reason="ovos-plugin-manager is not installed"
    ),
    pytest.mark.skipif(not installed(), reason="wakegate is not installed here, so it has no entry points"),
]

HOST = """
import json, sys
import soundfile
from ovos_plugin_manager.templates.hotwords import HotWordEngine, HotWordVerifier
from ovos_plugin_manager.wakewords import (
    OVOSWakeWordFactory, find_wake_word_plugins, find_wake_word_verifier_plugins, load_wake_word_verifier_plugin,
)
pcm = soundfile.read(sys.argv[1], dtype="int16")[0].tobytes()
chunks = [pcm[at : at + 4096] for at in range(0, len(pcm), 4096)]
MODULE = "ovos-ww-plugin-wakegate"

def engine(word, **config):
    config = {"module": MODULE, "listen": True, "active": True, **config}
    return OVOSWakeWordFactory.create_hotword(word, {"hotwords": {word: config}})

def heard(engine, chunks=chunks):
    '''Seconds at which it says so, asked after every chunk as the listener does.'''
    at = []
    for number, chunk in enumerate(chunks, 1):
        engine.update(chunk)
        if engine.found_wake_word():
            at.append(number * 4096 / 32000)
    return at

def verifier(**config):
    return load_wake_word_verifier_plugin("ovos-ww-verifier-wakegate")(config)

def clip(start_s, end_s):
    return pcm[int(start_s * 16000) * 2 : int(end_s * 16000) * 2]

def refused(make):
    try:
        make()
    except Exception as error:
        return f"{type(error).__name__}: {error}"

def tell(**answers):
    print("ANSWER" + json.dumps(answers))
"""


@pytest.fixture
def host(tmp_path):
    """Run a piece of a program that embeds OVOS's plugin manager; return what it tells."""

    def run(script):
        done = subprocess.run(
            [sys.executable, "-c", HOST + script, str(SIX_WORDS)],
            env={**environment(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache"), "XDG_DATA_HOME": str(tmp_path)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(next(line for line in done.stdout.splitlines() if line.startswith("ANSWER"))[6:])

    return run


def test_both_are_found_by_their_entry_points_and_are_what_the_listener_takes(host):
    told = host("""
one, other = find_wake_word_plugins()[MODULE], find_wake_word_verifier_plugins()["ovos-ww-verifier-wakegate"]
tell(engine=issubclass(one, HotWordEngine), verifier=issubclass(other, HotWordVerifier), offline=not
     one.runtime_requirements.requires_internet)
""")
    assert told == {"engine": True, "verifier": True, "offline": True}


def test_the_word_is_heard_once_where_it_is_spoken(host):
    told = host("""
spaced = engine("smart mirror")
tell(computer=heard(engine("computer")), smart_mirror=heard(spaced), by_config=heard(engine("kitchen",
     key_phrase="view glass")), deaf=heard(engine("computer", threshold=0.999)))
""")
    for name, end in (("computer", 4.75), ("smart_mirror", 10.93), ("by_config", 16.81)):
        assert len(told[name]) == 1 and end - 0.5 < told[name][0] < end + 0.5
    assert told["deaf"] == []


def test_the_readmes_configuration_works(host):
    page = (ROOT / "README.md").read_text()
    (text,) = re.findall(r"^```json\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    told = host(f"""
config = json.loads({text!r})
(name, section), = config["listener"]["ww_verifiers"].items()
tell(heard=heard(OVOSWakeWordFactory.create_hotword("computer", config)),
     verified=load_wake_word_verifier_plugin(name)(section).verify(clip(3.2, 4.75)))
""")
    assert len(told["heard"]) == 1 and told["verified"] is True


def test_found_is_said_once_and_reset_and_stop_forget(host):
    told = host("""
word = engine("computer")
for chunk in chunks[:45]:
    word.update(chunk)
twice = [word.found_wake_word(), word.found_wake_word()]
for chunk in chunks[:45]:
    word.update(chunk)
word.reset()
after_reset = word.found_wake_word()
again = heard(word)
half = engine("computer")
cut = 34  # in mid-word: a reset there leaves nothing to complete
for chunk in chunks[:cut]:
    half.update(chunk)
half.reset()
cut_short = heard(half, chunks[cut:])
word.shutdown()
word.stop()
tell(twice=twice, after_reset=after_reset, again=again, cut_short=cut_short, stopped=heard(word))
""")
    assert told["twice"] == [True, False]
    assert told["after_reset"] is False and len(told["again"]) == 1
    assert told["cut_short"] == [] and told["stopped"] == []


def test_what_is_wrong_is_an_error_and_never_another_word(host, tmp_path):
    told = host("""
word = engine("computer")
tell(unknown=refused(lambda: engine("hey_mycroft")), threshold=refused(lambda: engine("computer", threshold="high")),
     low=refused(lambda: engine("computer", threshold=0.01)), two=refused(lambda: engine("x", key_phrase=["a", "b"])),
     model=refused(lambda: engine("computer", model="/nowhere/six.onnx")), odd=refused(lambda: word.update(b"123")),
     text=refused(lambda: word.update("1234")), none=refused(lambda: verifier()),
     empty=refused(lambda: verifier(key_phrase=[])), unsure=refused(lambda: verifier(key_phrase="hey mycroft")))
""")
    expected = {
        "unknown": "ModelError: no installed model knows hey_mycroft: installed words are alexa",
        "threshold": "ConfigError: threshold is 'high'",
        "low": "ConfigError: the threshold for 'computer' is 0.01",
        "two": "ConfigError: the hotword 'x' names 2 words",
        "model": "ModelError: there is no manifest",
        "odd": "FormatError: a chunk is 3 bytes",
        "text": "FormatError: a chunk is str",
        "none": "ConfigError: the verifier has no key_phrase",
        "empty": "ConfigError: key_phrase is []",
        "unsure": "ModelError: no installed model knows hey_mycroft",
    }
    for name, start in expected.items():
        assert told[name].startswith(start)


def test_a_model_of_ones_own_is_named_by_its_path(host, tmp_path):
    model = copy(tmp_path, lambda raw: (raw["words"][1].update(word="moshi"), raw["operating_points"].clear()))
    told = host(f"tell(heard=heard(engine('moshi', model={str(model)!r})))")
    assert len(told["heard"]) == 1


def test_the_verifier_says_whether_the_word_is_in_a_clip(host):
    told = host("""
one, two = verifier(key_phrase="computer"), verifier(key_phrase=["computer", "view glass"])
clips = {"computer": clip(3.2, 4.75), "view_glass": clip(15.0, 16.9), "alexa": clip(0.5, 2.0), "silence": bytes(64000),
         "nothing": b""}
broken = verifier(key_phrase="computer")
broken._detector = None
tell(broken=broken.verify(clips["computer"]), one={name: one.verify(sound) for name, sound in clips.items()},
     two={name: two.verify(sound) for name, sound in clips.items()},
     again=one.verify(clips["computer"]), odd=one.verify(b"123"), text=one.verify("text"), strict=verifier(
     key_phrase="computer", threshold=0.999).verify(clips["computer"]))
""")
    nothing = {"alexa": False, "silence": False, "nothing": False}
    assert told["one"] == {"computer": True, "view_glass": False, **nothing}
    assert told["two"] == {"computer": True, "view_glass": True, **nothing}
    # A listener goes on without a verifier that raises: a doubt is a no, and so is a fault of ours.
    assert told["broken"] is False
    assert (told["again"], told["odd"], told["text"], told["strict"]) == (True, False, False, False)
