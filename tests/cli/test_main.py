"""The command as a whole: help, usage, exit codes. Around 3 s."""

import json
import os
import re
import subprocess
import sys

import pytest

import wakegate
from tests.cli.process import ROOT, SIX_WORDS, command, environment
from wakegate import cli

HELP = """
import contextlib, io, json, sys
from wakegate.cli import COMMANDS, main
shown = {}
for words in ([], *([name] for name in COMMANDS), *(json.loads(sys.argv[1]))):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        try:
            main([*words, "--help"])
        except SystemExit as end:
            assert end.code == 0, (words, end.code)
        else:
            raise AssertionError(words)
    shown[" ".join(words)] = out.getvalue()
heavy = ("onnxruntime", "sounddevice", "rich", "numpy", "scipy", "soundfile", "soxr", "pyrage", "torch")
print(json.dumps([shown, [name for name in heavy if name in sys.modules]]))
"""
INNER = [["consent", "grant"], ["consent", "revoke"], ["consent", "status"], ["journal", "report"]]


@pytest.fixture(scope="module")
def helped(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    done = subprocess.run(
        [sys.executable, "-c", HELP, json.dumps(INNER)],
        env=environment(home),
        cwd=home,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", ["", *cli.COMMANDS, *(" ".join(words) for words in INNER)])
def test_every_command_has_help_that_teaches(helped, name):
    text = helped[0][name]
    assert text.startswith(f"usage: wakegate {name}".strip())
    if name:
        assert "wakegate " in text.split("\n\n", 1)[1], "an example or a next step"
        assert text.count("\n\n") >= 2, "more than a list of options"


def test_help_imports_nothing_that_listens_or_draws(helped):
    assert not {"onnxruntime", "sounddevice", "rich", "pyrage", "scipy", "torch"} & set(helped[1])


def test_the_top_names_every_command(helped):
    for name in cli.COMMANDS:
        assert re.search(rf"\n    {name}[ \n]", helped[0][""]), name  # a long one has its line to itself


@pytest.mark.parametrize(
    "words",
    [
        [], ["sing"], ["detect"], ["score", "a.wav"], ["detect", "a.wav", "--volume", "3"], ["models", "extra"],
        ["detect", "a.wav", "--channel", "high"], ["listen", "--rate", "fast"], ["consent"], ["journal"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_wrong_usage_is_two_and_says_how(words, capsys):
    with pytest.raises(SystemExit) as end:
        cli.main(words)
    assert end.value.code == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("usage: wakegate")


@pytest.mark.parametrize(("word", "near"), [("lisen", "listen"), ("consnt", "consent"), ("Journal", "journal")])
def test_a_command_that_is_nearly_one_is_named(word, near, capsys):
    with pytest.raises(SystemExit) as end:
        cli.main([word, "grant"])
    assert end.value.code == 2 and f"there is no command {word!r}: did you mean {near!r}?\n" in capsys.readouterr().err


@pytest.mark.parametrize(("words", "shown"), [([], "wakegate demo"), (["consent"], "grant"), (["journal"], "tail")])
def test_a_first_look_is_answered_by_what_there_is(words, shown, capsys):
    with pytest.raises(SystemExit) as end:
        cli.main(words)
    out, err = capsys.readouterr()
    assert end.value.code == 2 and out == "" and shown in err and "error" not in err


def test_the_real_process_ends_with_the_code(tmp_path):
    for words, code in ((["sing"], 2), (["detect", "gone.wav"], 1), (["models", "--json"], 0)):
        done = command(tmp_path, *words)
        assert done.returncode == code, done.stderr
        assert b"Traceback" not in done.stderr


def test_a_reader_that_goes_away_is_no_crash(tmp_path):
    read, write = os.pipe()
    os.close(read)
    try:
        done = command(tmp_path, "detect", SIX_WORDS, stdout=write)
    finally:
        os.close(write)
    assert done.returncode == 1 and done.stderr == b""


def test_the_version_is_told(capsys):
    with pytest.raises(SystemExit) as end:
        cli.main(["--version"])
    assert end.value.code == 0 and capsys.readouterr().out == f"wakegate {wakegate.__version__}\n"


def test_the_installed_script_is_this_main():
    assert 'wakegate = "wakegate.cli:main"' in (ROOT / "pyproject.toml").read_text()
