"""Programs as engines, real processes all: what they hear, and every way in which they fail. Around 5 s."""

import os
import shlex
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from wakegate.errors import ConfigError, EngineError
from wakegate.measure.engines import Heard, named

RATE = 16_000
ENGINE = Path(__file__).parent / "engine.py"


def engine(*words, limit_s=10.0):
    return named(f"exec:{shlex.join([sys.executable, '-S', '-E', str(ENGINE), *words])}", None, limit_s)


@pytest.fixture(scope="module")
def sound():
    """Ten seconds, loud for half a second from 2.0 and from 6.0 s."""
    samples = np.zeros(10 * RATE, np.int16)
    samples[2 * RATE : 2 * RATE + 8000] = 16_384
    samples[6 * RATE : 6 * RATE + 8000] = -24_576
    return samples


def cut(samples, size):
    return (samples[at : at + size] for at in range(0, len(samples), size))


def ended(process):
    """Whether a process ends within seconds; nobody here is its parent, so it may stay a zombie."""
    for _ in range(100):
        try:
            if Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.02)
    return False


BEEPS = [Heard(word="beep", at=2 * RATE + 160, score=0.5), Heard(word="beep", at=6 * RATE + 160, score=0.75)]


@pytest.mark.parametrize("size", [160_000, 1280, 977])
def test_it_hears_the_sound_however_it_is_cut(sound, size):
    assert engine("loud").hear(cut(sound, size)) == BEEPS


def test_an_engine_without_scores(sound):
    assert [one.score for one in engine("plain").hear([sound])] == [None, None]


def test_each_recording_is_a_stream_of_its_own(sound):
    one = engine("loud")
    assert one.hear([sound]) == one.hear([sound]) == BEEPS


def test_what_it_says_on_stderr_is_its_own_business(sound):
    assert engine("noisy").hear([sound]) == BEEPS


def test_a_last_line_without_an_end_counts(sound):
    assert engine("last", '{"at_s": 1, "word": "Smart Mirror", "more": [1]}').hear([sound]) == [
        Heard(word="smart_mirror", at=RATE)
    ]


def test_a_word_in_the_tail_lies_at_the_end_of_the_sound(sound):
    (one,) = engine("say", '{"at_s": 10.4, "word": "a", "score": -3}').hear([sound])
    assert (one.at, one.score) == (10 * RATE, -3.0)


FAILURES = {
    "crash": (["crash"], r"ended with exit code 1 after \d+\.\d s of the sound: the model is broken"),
    "die": (["die"], "ended with signal SIGSEGV"),
    "leave": (["leave"], r"stopped listening after \d+\.\d s of the sound"),
    "hang": (["hang"], r"took no more sound after \d+\.\d s, for 0.5 s, and was killed: give it longer with --limit"),
    "linger": (["linger"], "did not end after the sound had ended, for 0.5 s, and was killed"),
    "chatter": (["chatter"], "killed"),
    "endless": (["endless"], "without a line's end"),
    "not JSON": (["say", "listening..."], r"it said 'listening...', which is not \{\"at_s\""),
    "a number": (["say", "5"], "which is not"),
    "no word": (["say", '{"at_s": 1}'], "which is not"),
    "an empty word": (["say", '{"at_s": 1, "word": " "}'], "word is a text"),
    "nan": (["say", '{"at_s": NaN, "word": "a"}'], "finite numbers"),
    "half a character": (["say", '{"at_s": 1, "word": "a\\ud800"}'], "can be written as UTF-8"),
    "two lines": (["say", '{"at_s": 1, "word": "a\\nb"}'], "can be written as UTF-8"),
    "true": (["say", '{"at_s": true, "word": "a"}'], "finite numbers"),
    "a score in words": (["say", '{"at_s": 1, "word": "a", "score": "high"}'], "finite numbers"),
    "milliseconds": (["say", '{"at_s": 1620, "word": "a"}'], r"at_s is in seconds \(not samples, not ms\)"),
    "before the start": (["say", '{"at_s": -1, "word": "a"}'], "at_s is in seconds"),
    "some scores": (
        ["say", '{"at_s": 1, "word": "a"}', '{"at_s": 1, "word": "a", "score": 1}'], "always or never",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAILURES)
def test_how_it_fails_is_said(sound, name):
    words, message = FAILURES[name]
    begun = time.monotonic()
    with pytest.raises(EngineError, match=message):
        # A pipe swallows two seconds of sound whoever reads it: ten are enough to be noticed.
        engine(*words, limit_s=0.5 if "killed" in message else 10.0).hear([sound])
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("samples", [1600, 8000, 5 * RATE])
@pytest.mark.parametrize("code", ["import os; os.close(0); time.sleep(0.1)", "pass", "time.sleep(0.3)"])
def test_who_reads_nothing_has_not_heard_a_clip_however_short(samples, code):
    deaf = named(f"exec:{shlex.join([sys.executable, '-S', '-c', f'import time; {code}'])}", None, 10.0)
    with pytest.raises(EngineError, match=r"stopped listening after 0\.0 s of the sound"):
        deaf.hear([np.zeros(samples, np.int16)])


def test_who_reads_late_or_in_small_bites_has_heard_it_all():
    code = "import os, time; time.sleep(0.4)\nwhile os.read(0, 300): time.sleep(0.001)"
    slow = named(f"exec:{shlex.join([sys.executable, '-S', '-c', code])}", None, 10.0)
    assert slow.hear([np.zeros(8000, np.int16)]) == []


def test_nobody_says_more_than_can_be_heard(sound):
    line = '{"at_s": 1, "word": "a"}'
    assert len(engine("say", *[line] * 1000).hear([sound[:1]])) == 1000
    code = f"import os\nwhile True: os.write(1, {(line + chr(10)).encode() * 100!r})"
    flood = named(f"exec:{shlex.join([sys.executable, '-S', '-c', code])}", None, 10.0)
    with pytest.raises(EngineError, match="say each event once"):
        flood.hear([sound])


def test_what_it_started_is_killed_with_it(sound, tmp_path):
    where = tmp_path / "pid"
    with pytest.raises(EngineError, match="killed"):
        engine("child", str(where), limit_s=1.0).hear([sound])
    assert ended(int(where.read_text()))


def test_what_it_leaves_behind_is_killed_too(sound, tmp_path):
    code = (
        "import pathlib, subprocess, sys\n"
        "left = subprocess.Popen(['sleep', '60'], stdin=-3, stdout=-3, stderr=-3)\n"
        f"pathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(left.pid))\n"
        "sys.stdin.buffer.read()"
    )
    assert named(f"exec:{shlex.join([sys.executable, '-S', '-c', code])}", None, 10.0).hear([sound]) == []
    assert ended(int((tmp_path / "pid").read_text()))


def test_sound_that_breaks_off_ends_the_program_too(sound):
    def broken():
        yield sound
        raise EngineError("the file is damaged")

    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(EngineError, match="the file is damaged"):
        engine("nothing").hear(broken())
    assert len(os.listdir("/proc/self/fd")) == before


def test_its_files_are_hashed():
    about = engine("loud").about
    assert set(about["files_sha256"]) == {sys.executable, str(ENGINE)}
    assert all(len(sha) == 64 for sha in about["files_sha256"].values())


def test_a_file_that_is_named_in_an_option_is_hashed(tmp_path):
    (tmp_path / "model").write_bytes(b"one")
    spec = f"exec:{sys.executable} {ENGINE} loud --model={tmp_path / 'model'}"
    one = named(spec, None, 1.0).about
    (tmp_path / "model").write_bytes(b"two")
    assert named(spec, None, 1.0).about != one


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("exec:", "names no program"),
        ("exec:/nowhere/engine --fast", "names no program that can be run"),
        ("exec:python 'engine.py", "check its quotes"),
        ("heed", "there is no engine 'heed': give wakegate, wakegate:PATH.onnx, .* or exec:COMMAND"),
        ("", "there is no engine"),
    ],
)
def test_engines_that_are_none(spec, message):
    with pytest.raises(ConfigError, match=message):
        named(spec, None, 1.0)
