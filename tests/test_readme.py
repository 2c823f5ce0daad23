"""The front door holds: every command and every line of Python in the README runs, and its output is real."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.process import on_terminal
from wakegate.cli import COMMANDS

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
SHELL = [line for kind, text in BLOCKS if kind == "sh" for line in text.splitlines()]
OURS = [line for line in SHELL if line.startswith("wakegate ")]
PYTHON = [text for kind, text in BLOCKS if kind == "python"]
ASKS = ("wakegate consent grant assist", "wakegate mute off", "wakegate reset")
START = "import sys; from wakegate.cli import main; sys.exit(main())"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reader")
    (folder / "tests").symlink_to(ROOT / "tests")
    return folder


def environment(home):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "OPENBLAS_"))}
    return kept | {"HOME": str(home), "PYTHONPATH": str(ROOT), "COLUMNS": "100"}


def run(words, home):
    command = [sys.executable, "-c", START, *words]
    return subprocess.run(command, cwd=home, env=environment(home), capture_output=True, text=True, timeout=60)


def in_words(text):
    return re.sub(r"\d+\.\d+", "#", text).split()


def test_every_command_of_ours_runs_in_the_order_of_the_page(home):
    for line in OURS:
        words = line.split()[1:]
        if line in ASKS:
            code, shown = on_terminal(START, *words, cwd=home, environment=environment(home), answer=b"yes\n")
        else:
            done = run(words, home)
            code, shown = done.returncode, done.stdout + done.stderr
        # Without a sound card `devices` says so and fails: that is its answer. And no listener is left for `tell`.
        expected = (0, 1) if words[0] in ("devices", "tell") else (0,)
        assert code in expected and "Traceback" not in shown, f"{line}: {shown}"


def test_the_page_names_every_command():
    for name in COMMANDS:
        assert any(line.split()[1] == name for line in OURS) or f"bin/wakegate {name}" in README


def test_the_demo_prints_what_the_page_shows_and_twice_the_same(home):
    shown = next(text for kind, text in BLOCKS if kind == "text")
    first, second = run(["demo"], home), run(["demo"], home)
    assert first.returncode == 0 and first.stdout == second.stdout
    # Another processor may round a score or a time otherwise: the words are what must hold everywhere.
    assert in_words(first.stdout) == in_words(shown)


def test_the_check_line_is_what_is_configured():
    assert "ruff format --check . && ruff check . && mypy && pytest" in SHELL
    assert "python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/wakegate demo" in SHELL
    assert "python3 -m venv .venv && .venv/bin/pip install '.[test]' && .venv/bin/pytest" in SHELL


def test_the_six_lines_and_the_scores_run(home):
    for text in (PYTHON[0], PYTHON[2]):
        done = subprocess.run(
            [sys.executable, "-c", text], cwd=home, env=environment(home), capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
    assert len([line for line in PYTHON[0].splitlines() if line.strip()]) <= 6


def test_the_light_and_the_button_run(home):
    program = PYTHON[1].replace("Pipeline.open(", "Pipeline.open('tests/data/six_words.flac', ", 1)
    program += "\nclass Light: value = None\nclass Button: pass\nlight, button = Light(), Button()\n"
    program += "run(light, button, lambda samples, info: None)\nbutton.when_pressed()\nprint(light.value)\n"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=home, env=environment(home), capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (0, "False\n"), done.stderr
