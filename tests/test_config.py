"""``wakegate.toml``: what it may say, and everything that is refused. Around 3 s."""

import json
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wakegate import config
from wakegate.config_thresholds import with_thresholds
from wakegate.consent import sealing
from wakegate.errors import ConfigError
from wakegate.gate.limits import Limits
from wakegate.wake.levels import Level

FULL = """
[microphone]
device = "USB Audio"
channel = 3

[wake]
words = ["computer", "smart mirror"]
thresholds = { computer = 0.7, "Smart Mirror" = 1 }

[limits]
pre_roll_s = 0.25
max_utterance_s = 20
trailing_silence_s = 1.0
no_speech_s = 2.5
cancel_s = 0
openings_a_minute = 2
openings_a_day = 50

[reviewer]
key = "age1qyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqs3290gq"
"""


@pytest.fixture
def written(tmp_path):
    def write(text):
        path = tmp_path / "wakegate.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """A user without a config, on a system without one."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(config, "SYSTEM", tmp_path / "etc" / "wakegate.toml")
    return tmp_path


def put(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return path


def test_a_full_file(written):
    path = written(FULL)
    assert config.read(path) == config.Config(
        path=path,
        device="USB Audio",
        channel=3,
        words=("computer", "smart mirror"),
        thresholds={"computer": 0.7, "smart_mirror": 1.0},
        limits=Limits(
            pre_roll_s=0.25,
            max_utterance_s=20,
            trailing_silence_s=1.0,
            no_speech_s=2.5,
            cancel_s=0,
            openings_a_minute=2,
            openings_a_day=50,
        ),
        reviewer_key="age1qyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqs3290gq",
    )


def test_an_empty_file_is_the_defaults(written):
    path = written("# nothing\n")
    assert config.read(path) == config.Config(path=path)
    assert config.Config() == config.Config(
        path=None, device=None, channel=None, words=None, thresholds={}, limits=Limits(), reviewer_key=None
    )


def test_a_device_may_be_a_number(written):
    assert config.read(written("[microphone]\ndevice = 2")).device == 2


def test_a_threshold_may_be_a_rate(written):
    text = "[wake]\nthresholds = { computer = '0.5/h', alexa = '12/day', jarvis = 0.5 }"
    assert config.read(written(text)).thresholds == {"computer": Level(0.5), "alexa": Level(0.5), "jarvis": 0.5}


@pytest.mark.parametrize("rate", ["0.5/week", "-1/h", "0/h", "nan/h", "1e999/h", "low", "/h", "0.5 /hour", "0.5"])
def test_what_is_no_rate_is_refused_with_one(written, rate):
    with pytest.raises(ConfigError, match=r'in \[wake\], the threshold of .computer. must be .*"0.5/h"'):
        config.read(written(f"[wake]\nthresholds = {{ computer = '{rate}' }}"))


# Which file is read.


def test_without_a_file_the_defaults(nowhere):
    assert config.usual_path() is None and config.read() == config.Config()


def test_the_users_file_comes_before_the_systems(nowhere):
    system = put(nowhere / "etc" / "wakegate.toml", "[microphone]\nchannel = 1")
    assert config.read().path == system and config.read().channel == 1
    user = put(nowhere / "config" / "wakegate" / "wakegate.toml", "[microphone]\nchannel = 2")
    assert config.read().path == user and config.read().channel == 2


def test_a_word_twice_is_not_an_empty_list(written):
    with pytest.raises(ConfigError, match=r"wakegate\.toml: words in \[wake\] names 'smart_mirror' twice"):
        config.read(written("[wake]\nwords = ['Smart Mirror', 'smart_mirror']\n"))
    with pytest.raises(ConfigError, match=r"words in \[wake\] names no word: name each word once, or leave it out"):
        config.read(written("[wake]\nwords = []\n"))


# The reviewer's key.

SECRET = "AGE-SECRET-KEY-1QQPQ5XA8LUQW2"


@pytest.mark.parametrize("key", ["age1...", "abc", "", SECRET])
def test_a_reviewers_key_that_is_none_is_refused_by_its_place_and_never_repeated(written, key):
    path = written(f'[reviewer]\nkey = "{key}"\n')
    with pytest.raises(ConfigError, match=r"wakegate\.toml: key in \[reviewer\]: ") as refused:
        config.read(path)
    assert SECRET not in str(refused.value) and refused.value.__cause__ is None


def test_no_program_is_asked_about_a_key_so_a_reload_waits_for_none_and_none_is_a_reason_to_hear_nothing(
    written, monkeypatch, tmp_path
):
    monkeypatch.setitem(sys.modules, "pyrage", None)
    (tmp_path / "age").write_text(f"#!/bin/sh\ntouch {tmp_path}/asked\nexit 1\n")
    (tmp_path / "age").chmod(0o755)
    monkeypatch.setattr(sealing, "COMMANDS", (tmp_path / "age",))
    key = "age1" + 58 * "q"
    assert config.read(written(f'[reviewer]\nkey = " {key}"\n')).reviewer_key == key
    assert not (tmp_path / "asked").exists()


@pytest.mark.parametrize("base", ["", "relative/config"])
def test_the_file_in_home_where_there_is_no_folder_of_configs(nowhere, monkeypatch, base):
    monkeypatch.setenv("XDG_CONFIG_HOME", base)
    monkeypatch.chdir(nowhere)
    put(nowhere / "relative" / "config" / "wakegate" / "wakegate.toml", "[microphone]\nchannel = 9")
    home = put(nowhere / "home" / ".config" / "wakegate" / "wakegate.toml")
    assert config.usual_path() == home


def test_a_file_that_is_named_and_missing_is_an_error(nowhere):
    with pytest.raises(ConfigError, match=r"gone\.toml cannot be read"):
        config.read(nowhere / "gone.toml")


def test_a_users_file_that_is_wrong_is_never_passed_over_for_the_systems(nowhere):
    put(nowhere / "etc" / "wakegate.toml")
    put(nowhere / "config" / "wakegate" / "wakegate.toml", "[nonsense]")
    with pytest.raises(ConfigError, match="nonsense"):
        config.read()


# Consent is never in a file.


@pytest.mark.parametrize(
    "text",
    [
        "consent = true", "Consent = true", "grant = 'assist'", "grants = ['assist']", "[[grants]]\npurpose = 'assist'",
        "[consent]\nassist = true", "[CONSENT]\nassist = true", "ledger = '/tmp/l'", "[ledger]\npath = '/tmp/l'",
        "place = '/tmp'", "state = '/tmp'", "[state]\npath = '/tmp'", "purpose = 'assist'", "[purposes]\nassist = true",
        "[wake]\nconsent = true", "[reviewer]\ngrant = true", "[limits]\nledger = '/tmp/l'",
        "[limits.grants]\nassist = 1",
        "[microphone]\nState = 'x'", "[wake]\nwords = ['alexa']\n[consent]\n",
    ],
)  # fmt: skip
def test_a_file_that_tries_to_consent_is_refused_by_name(written, text):
    with pytest.raises(ConfigError, match=r"sets '\w+': consent is a person's act .*wakegate consent grant"):
        config.read(written(text))


# What is unknown.


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[speaker]\nvolume = 1", r"has 'speaker': known sections are \[microphone\], \[wake\]"),
        ("words = ['alexa']", "has 'words': known sections"),
        ("wake = ['alexa']", "has 'wake': known sections"),
        ("[[wake]]\nwords = ['alexa']", "has 'wake': known sections"),
        ("[wake]\nword = 'alexa'", r"has 'word' in \[wake\]: known are words, thresholds"),
        ("[microphone]\ngain = 3", r"has 'gain' in \[microphone\]: known are device, channel"),
        ("[reviewer]\nname = 'x'", r"has 'name' in \[reviewer\]"),
        ("[limits]\nmax_clip_s = 3", r"has 'max_clip_s' in \[limits\]: known are pre_roll_s"),
    ],
)
def test_what_is_unknown_is_named(written, text, said):
    path = written(text)
    with pytest.raises(ConfigError, match=said) as caught:
        config.read(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("hook", ["", "aplay 'x"])
def test_a_hook_that_is_no_command_is_named_with_its_file(written, hook):
    path = written(f'[on]\nwake = "{hook}"\n')
    path.chmod(0o600)
    with pytest.raises(ConfigError, match=r"wakegate\.toml: in \[on\], the hook on wake is "):
        config.read(path)


# What is of the wrong kind.


@pytest.mark.parametrize(
    "text",
    [
        "[microphone]\ndevice = 1.5", "[microphone]\ndevice = true", "[microphone]\ndevice = ['usb']",
        "[microphone]\ndevice = -1", "[microphone]\ndevice = ''", "[microphone]\ndevice = ' '",
        "[microphone]\nchannel = 0", "[microphone]\nchannel = -2",
        "[microphone]\nchannel = '1'", "[microphone]\nchannel = true", "[microphone]\nchannel = 1.0",
        "[wake]\nwords = 'alexa'", "[wake]\nwords = []", "[wake]\nwords = [1]", "[wake]\nwords = { a = 1 }",
        "[wake]\nthresholds = 0.7", "[wake]\nthresholds = [0.7]", "[wake]\nthresholds = { alexa = '0.7' }",
        "[wake]\nthresholds = { alexa = true }", "[wake.thresholds.alexa]\nx = 1",
        "[reviewer]\nkey = 5", "[reviewer]\nkey = ['age1']",
        "[limits]\npre_roll_s = '0.5'", "[limits]\npre_roll_s = true", "[limits]\nopenings_a_minute = 1.5",
        "[limits]\npre_roll_s = nan", "[limits]\nmax_utterance_s = inf", "[limits]\ncancel_s = [1]",
    ],
)  # fmt: skip
def test_what_is_of_the_wrong_kind_is_refused(written, text):
    name = text.split("\n")[-1].split(" ")[0]
    with pytest.raises(ConfigError, match=rf"{name}|threshold|alexa"):
        config.read(written(text))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("pre_roll_s", 2.01), ("pre_roll_s", -0.1), ("max_utterance_s", 30.5), ("max_utterance_s", 0),
        ("trailing_silence_s", 6), ("no_speech_s", 11), ("cancel_s", 60), ("openings_a_minute", 21),
        ("openings_a_minute", 0), ("openings_a_day", 2001), ("openings_a_day", -1),
    ],
)  # fmt: skip
def test_no_file_lifts_a_ceiling(written, name, value):
    with pytest.raises(ConfigError, match=rf"{name} must be .* no setting lifts this ceiling"):
        config.read(written(f"[limits]\n{name} = {value}"))


# What is no config at all.


@pytest.mark.parametrize("text", ["not toml", "[wake", "[wake]\nwords = ", "[wake]\n[wake]\n", "a = 1\na = 2\n"])
def test_what_is_not_toml_says_where(written, text):
    with pytest.raises(ConfigError, match=r"wakegate\.toml is not TOML: .*at (line|end of)"):
        config.read(written(text))


def test_what_cannot_be_read(written, tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        config.read(written(b"\xff\xfe\x00"))
    with pytest.raises(ConfigError, match="cannot be read"):
        config.read(tmp_path)


PIECES = [
    "[wake]", "[on]", "[[on]]", "[wake.thresholds]", "[limits]", "[consent]", "\n", "\r", "\0", "=", '"', "'", "[", "]",
    "{", "}", ",", ".", "#", "nan", "-inf", "1e999", "true", "12:00:00", "9" * 5000, "words", "thresholds", "computer",
    "wake", "\ud800", "[" * 2000,
]  # fmt: skip
HOOKED = FULL + '\n[on]\nwake = "aplay ding.wav"\n'
places = st.integers(0, len(HOOKED)) | st.sampled_from([at for at, one in enumerate(HOOKED) if one == "\n"])
edits = st.lists(st.tuples(places, st.integers(0, 3), st.sampled_from(PIECES)), min_size=1, max_size=3)


numbers = st.integers(-3, 40) | st.integers() | st.floats()
simple = st.one_of(
    st.booleans(), numbers, st.text(max_size=6), st.sampled_from(["0.5/h", "1/day", "0/h", "age1", "aplay 'x"])
)
values = st.recursive(
    simple,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)
known = st.sampled_from([(section, name) for section, names in config._KNOWN.items() for name in names])
files = st.dictionaries(known | st.tuples(st.text(max_size=5), st.text(max_size=5)), values, max_size=4)


def toml(value):
    """Write a value as TOML: JSON's strings are TOML's, but for one character."""
    match value:
        case dict():
            return "{" + ", ".join(f"{toml(name)} = {toml(inner)}" for name, inner in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(toml, value)) + "]"
        case str() | bool():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value)


def test_any_setting_of_any_kind_is_a_config_or_an_error_that_names_the_file(written):
    @settings(max_examples=200, deadline=None, derandomize=True, database=None)
    @given(files)
    def read(given):
        path = written("\n".join(f"{toml(one)}.{toml(name)} = {toml(value)}" for (one, name), value in given.items()))
        path.chmod(0o600)
        try:
            config.read(path)
        except ConfigError as error:
            assert str(path) in str(error)

    read()


@pytest.mark.parametrize("kind", [st.text(max_size=60), st.binary(max_size=60)], ids=["text", "bytes"])
def test_random_text_and_bytes_are_a_config_or_an_error_that_names_the_file(written, kind):
    @settings(max_examples=200, deadline=None, derandomize=True, database=None)
    @given(kind)
    def read(given):
        path = written(given)
        try:
            assert config.read(path).path == path
        except ConfigError as error:
            assert str(path) in str(error)

    read()


def test_any_text_is_a_config_or_an_error_that_says_why(written):
    @settings(max_examples=300, deadline=None, derandomize=True, database=None)
    @given(edits)
    def edit(changes):
        changed = HOOKED
        for at, gone, piece in changes:
            changed = changed[:at] + piece + changed[at + gone :]
        path = written(changed.encode("utf-8", "surrogatepass"))
        path.chmod(0o600)
        with suppress(ConfigError):
            known = config.read(path)
            assert known.path == path
            with_thresholds(path.read_bytes().decode(), {"computer": 0.25})

    edit()
