"""Thresholds set in ``wakegate.toml`` by a program: the rest of the file stays as its owner wrote it. Under 1 s."""

import os

import pytest

from wakegate import config, config_thresholds
from wakegate.errors import ConfigError, ForeignError

FULL = """\
# the kitchen

[microphone]
device = "USB Audio"   # by the window
[wake]   # what to listen for
words = ["computer", "smart mirror"]
thresholds = { computer = 0.7, "Smart Mirror" = 1 } # by ear
[limits]
pre_roll_s = 0.25
"""
ONE = FULL.replace("computer = 0.7, ", "")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "[wake]\nthresholds = { computer = 0.61 }\n"),
        ("[wake]\n", "[wake]\nthresholds = { computer = 0.61 }\n"),
        ("[microphone]\nchannel = 1", "[microphone]\nchannel = 1\n\n[wake]\nthresholds = { computer = 0.61 }\n"),
        (FULL, FULL.replace("0.7", "0.61")),
        (FULL.replace("\n", "\r\n"), FULL.replace("0.7", "0.61").replace("\n", "\r\n")),
        (ONE, ONE.replace("= 1 }", "= 1, computer = 0.61 }")),
        (FULL.replace(' computer = 0.7, "Smart Mirror" = 1 ', ""), FULL.replace('0.7, "Smart Mirror" = 1', "0.61")),
        (
            "[wake.thresholds]\n# computer = 0.2\n  Computer = 7e-1 # ours\n\n[limits]\n",
            "[wake.thresholds]\n# computer = 0.2\n  Computer = 0.61 # ours\n\n[limits]\n",
        ),
        ("[wake.thresholds]\nalexa = 0.5", "[wake.thresholds]\ncomputer = 0.61\nalexa = 0.5"),
        (FULL.replace("0.7", '"0.5/h"'), FULL.replace("0.7", "0.61")),
    ],
    ids=["empty", "section", "no section", "inline", "crlf", "another", "none", "table", "table without", "level"],
)  # fmt: skip
def test_only_the_threshold_changes(before, after):
    assert config_thresholds.with_thresholds(before, {"computer": 0.61}) == after


def test_a_word_keeps_its_spelling_and_a_new_word_is_quoted_where_it_must_be():
    text = config_thresholds.with_thresholds(FULL, {"smart_mirror": 0.5, "ok now, träum": 0.25})
    assert '{ computer = 0.7, "Smart Mirror" = 0.5, "ok now, träum" = 0.25 } # by ear' in text


@pytest.mark.parametrize("two", ["computer = 0.7, Computer = 0.8", '"smart mirror" = 0.5, smart_mirror = 0.5'])
def test_two_spellings_of_one_word_are_refused_and_neither_is_taken(two, tmp_path):
    path = tmp_path / "wakegate.toml"
    path.write_text(f"[wake]\nthresholds = {{ {two} }}\n")
    before = path.read_bytes()
    with pytest.raises(
        ConfigError, match=r"wakegate\.toml: in \[wake\], the thresholds .* name a word twice: give each word one"
    ):
        config.read(path)
    with pytest.raises(ConfigError, match="name a word twice"):
        config_thresholds.write_thresholds(path, {"computer": 0.61})
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "text",
    [
        "[wake]\nthresholds.computer = 0.7\n",
        "wake = { thresholds = { computer = 0.7 } }\n",
        '[reviewer]\nkey = """\n[wake]\nthresholds = { computer = 0.1 }\n"""\n[wake]\nthresholds = { computer = 0.7 }',
        '[wake]\nthresholds = { "{" = 0.7 }\n',
    ],
)
def test_what_is_too_unusual_is_refused_with_what_to_write(text):
    with pytest.raises(ConfigError, match=r"set computer = 0\.61 by hand"):
        config_thresholds.with_thresholds(text, {"computer": 0.61})


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "wakegate.toml"
    path.write_text(FULL)
    path.chmod(0o640)
    return path


def test_the_file_is_replaced_whole_with_its_mode(path):
    (path.parent / ".wakegate.toml.part").write_text("left by a crash")
    config_thresholds.write_thresholds(path, {"computer": 0.61})
    assert path.read_text() == FULL.replace("0.7", "0.61")
    assert path.stat().st_mode & 0o777 == 0o640
    assert [one.name for one in path.parent.iterdir()] == ["wakegate.toml"]
    assert config.read(path).thresholds == {"computer": 0.61, "smart_mirror": 1.0}


def test_a_disk_that_fails_leaves_the_file_as_it_was(path, monkeypatch):
    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfigError, match=r"No space left on device.*it is as it was"):
        config_thresholds.write_thresholds(path, {"computer": 0.61})
    assert path.read_text() == FULL
    assert [one.name for one in path.parent.iterdir()] == ["wakegate.toml"]


def test_a_file_is_made_with_its_folders(tmp_path):
    path = tmp_path / "config" / "wakegate" / "wakegate.toml"
    config_thresholds.write_thresholds(path, {"computer": 0.61})
    assert config.read(path).thresholds == {"computer": 0.61}


def test_what_others_can_write_or_redirect_is_refused(path):
    link = path.with_name("link.toml")
    link.symlink_to(path)
    with pytest.raises(ConfigError, match=r"symbolic link: name the file that it points to, with --config .*wakegate"):
        config_thresholds.write_thresholds(link, {"computer": 0.61})
    path.chmod(0o660)
    with pytest.raises(ForeignError, match="can be written by others"):
        config_thresholds.write_thresholds(path, {"computer": 0.61})
    assert path.read_text() == FULL


def test_a_file_that_is_no_config_is_not_touched(path):
    path.write_text("[wake]\nthreshold = 0.5\n")
    with pytest.raises(ConfigError, match="known are words, thresholds"):
        config_thresholds.write_thresholds(path, {"computer": 0.61})
    assert path.read_text() == "[wake]\nthreshold = 0.5\n"


def test_the_file_to_write_is_the_one_that_is_read(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr(config, "SYSTEM", tmp_path / "system.toml")
    own = tmp_path / "wakegate" / "wakegate.toml"
    assert config.path_to_write() == own
    config.SYSTEM.touch()
    assert config.path_to_write() == config.usual_path() == config.SYSTEM
    config_thresholds.write_thresholds(own, {"computer": 0.61})
    assert config.path_to_write() == config.usual_path() == own
