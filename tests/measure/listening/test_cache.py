"""What is known is believed, and nothing else is."""

import json
import resource
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from wakegate.errors import ConfigError
from wakegate.measure import corpus as corpora
from wakegate.measure.conditions.made import Made
from wakegate.measure.engines import Heard
from wakegate.measure.listening.cache import Cache, keys
from wakegate.measure.recording import Reference

ABOUT = "a" * 64
SAID = (Heard(word="beep", at=160, score=0.1 + 0.2), Heard(word="b\ud800", at=170))


def key(number):
    return f"{number:064x}"


@pytest.fixture
def file(tmp_path):
    """A cache of three answers."""
    cache = Cache(tmp_path, ABOUT)
    cache.add([(key(1), SAID), (key(2), ())])
    cache.add([])
    cache.add([(key(3), SAID[:1])])
    return tmp_path / "cache" / f"{ABOUT[:16]}.jsonl"


def known(file):
    cache = Cache(file.parents[1], ABOUT)
    return [cache.get(key(n)) for n in (1, 2, 3)]


def test_it_comes_back_as_it_was(file):
    assert known(file) == [SAID, (), SAID[:1]]
    assert Cache(file.parents[1], "b" * 64).get(key(1)) is None


def test_afresh(file):
    assert Cache(file.parents[1], ABOUT, fresh=True).get(key(1)) is None and not file.exists()


def test_a_torn_line_is_not_believed_and_what_follows_is_whole(file):
    whole = file.read_bytes()
    for length in range(len(whole) - 2, len(whole) - 60, -7):
        file.write_bytes(whole[:length])
        assert known(file)[2] is None and known(file)[:2] == [SAID, ()]
    Cache(file.parents[1], ABOUT).add([(key(3), ())])
    assert known(file) == [SAID, (), ()]


def test_no_changed_byte_is_believed(file):
    whole = file.read_bytes()
    lines = len(whole.splitlines()[0])
    for at in range(lines):
        changed = bytearray(whole)
        changed[at] ^= 1
        file.write_bytes(changed)
        assert known(file) == [None, (), SAID[:1]]


@pytest.mark.parametrize("foreign", [b"\xff\xfe\n", b"{}\n", b"\n\n", b"0 0\n", json.dumps([key(1), []]).encode()])
def test_foreign_lines_are_left_aside(file, foreign):
    file.write_bytes(foreign + b"\n" + file.read_bytes())
    assert known(file) == [SAID, (), SAID[:1]]


def test_a_full_disk_is_said_and_what_is_half_there_is_not_believed(file):
    cache = Cache(file.parents[1], ABOUT)
    size, limit = file.stat().st_size, resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20, limit[1]))
    try:
        for message in ("was not written to its end: make room", "cannot be written .*: make room"):
            with pytest.raises(ConfigError, match=message):
                cache.add([(key(4), SAID)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    cache.add([(key(4), ())])
    assert Cache(file.parents[1], ABOUT).get(key(4)) == () and known(file) == [SAID, (), SAID[:1]]


# Keys: the same where the answer must be, another where it may be.


@pytest.fixture
def corpus(tmp_path):
    folder = tmp_path / "corpus"
    folder.mkdir()
    for name, loud in (("a.wav", 1), ("b.wav", 2), ("same.wav", 1)):
        soundfile.write(folder / name, np.full(16_000, loud, np.int16), 16_000)
    return corpora.read(folder)


def test_the_key_is_the_content(corpus, tmp_path):
    found = keys(corpus, ABOUT)
    assert found["a.wav"] == found["same.wav"] != found["b.wav"]
    assert keys(corpus, "b" * 64)["a.wav"] != found["a.wav"]
    (tmp_path / "corpus").rename(tmp_path / "moved")
    assert keys(corpora.read(tmp_path / "moved"), ABOUT) == found


def test_a_label_may_be_mended_and_a_stretch_may_not(corpus):
    def changed(**changes):
        one, *rest = corpus.recordings
        return keys(replace(corpus, recordings=(replace(one, **changes), *rest)), ABOUT)["a.wav"]

    same = keys(corpus, ABOUT)["a.wav"]
    said = (Reference(word="beep", start=5, end=9),)
    assert changed(references=said) == changed(condition="far") == same
    made = Made(gain_db=3.0)
    others = [changed(first=1), changed(length=15_999), changed(made=made), changed(made=made, references=said)]
    assert len({same, *others}) == 5
