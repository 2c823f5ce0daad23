"""The pages hold: every command and line of Python they show runs, and their output is real. Around a minute."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import numpy as np
import pytest

from tests.cli.process import on_terminal
from wakegate import Pipeline, config, testing
from wakegate.audio.block import Reading
from wakegate.cli import COMMANDS
from wakegate.events import Reason
from wakegate.gate import frames, limits
from wakegate.gate.frames import Info
from wakegate.gate.socket_sink import SocketSink
from wakegate.serve.event_socket_commands import Commands
from wakegate.wake import catalogue

ROOT = Path(__file__).resolve().parents[1]
PAGES = {
    name: (ROOT / name).read_text(encoding="utf-8")
    for name in (
        "README.md", "benchmarks/pi/README.md", "wakegate/measure/README.md", "wakegate/serve/README.md",
        "wakegate/train/README.md",
    )
}  # fmt: skip
README = PAGES["README.md"]
ASKS = ("wakegate consent grant assist", "wakegate mute off", "wakegate reset")
LASTING = ("wakegate serve", "wakegate listen --events")
"""They wait for somebody: a second terminal's, until Ctrl-C."""
START = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
START += "from wakegate.cli import main; sys.exit(main())"
LIGHT = "\nclass Light: value = None\nclass Button: pass\nlight, button = Light(), Button()\n"
LIGHT += "run(light, button, lambda samples, info: None)\nbutton.when_pressed()\nprint(light.value)\n"


def blocks(page, *kinds):
    found = re.findall(r"^```(\w+)\n(.*?)^```", PAGES[page], re.MULTILINE | re.DOTALL)
    return [text for kind, text in found if kind in kinds]


def shell(page):
    return [line for text in blocks(page, "sh") for line in text.splitlines()]


def ours(page):
    """Our own commands, however the page calls them."""
    lines = [line.removeprefix(".venv/bin/") for line in shell(page)]
    return [line for line in lines if line.startswith("wakegate ")]


@pytest.fixture
def home(tmp_path):
    """A reader's folder, with the command where the pages install it."""
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    program = tmp_path / ".venv" / "bin" / "wakegate"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!{sys.executable}\n{START}\n")
    program.chmod(0o755)
    return tmp_path


def environment(home):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "OPENBLAS_"))}
    return kept | {"HOME": str(home), "PYTHONPATH": str(ROOT), "COLUMNS": "100", "XDG_RUNTIME_DIR": str(home / "run")}


def words(line):
    """The words after ``wakegate``, as a shell would hand them over."""
    return [text.replace("$XDG_RUNTIME_DIR", "/run/user/1000") for text in shlex.split(line, comments=True)[1:]]


def run(given, home):
    command = [home / ".venv" / "bin" / "wakegate", *given]
    return subprocess.run(command, cwd=home, env=environment(home), capture_output=True, text=True, timeout=60)


def begun(line, home):
    """Start a command that lasts, on ports that are free and on a stdin that stays open, and wait until it is there."""
    given = [re.sub(r":10[47]00$", ":0", word) for word in words(line)]
    if given == ["serve"]:
        given += ["--uri", "tcp://127.0.0.1:0"]
    else:
        given += ["--input", "-"]
    process = subprocess.Popen(
        [home / ".venv" / "bin" / "wakegate", *given], cwd=home, env=environment(home), stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    if "-" in given:
        process.stdin.write(bytes(32_000))
        process.stdin.flush()
    assert re.search(rb"serving |listening to ", process.stdout.readline()), line
    return process


def ended(process):
    process.send_signal(signal.SIGINT)
    shown, _ = process.communicate(timeout=60)
    return process.returncode, shown.decode()


def in_words(text):
    return re.sub(r"\d+\.\d+", "#", text).split()


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_ours_runs_in_the_order_of_the_page(home, page):
    lasting = []
    try:
        for line in ours(page):
            if line.startswith("wakegate serve"):
                pytest.importorskip("wyoming")
            if line.startswith(LASTING):
                lasting.append(begun(line, home))
                continue
            if line in ASKS:
                code, shown = on_terminal(START, *words(line), cwd=home, environment=environment(home), answer=b"yes\n")
            else:
                done = run(words(line), home)
                code, shown = done.returncode, done.stdout + done.stderr
            # Without a sound card these say so and fail: that is their answer.
            expected = (0, 1) if line in ("wakegate devices", "wakegate doctor --mic") else (0,)
            assert code in expected and "Traceback" not in shown, f"{line}: {shown}"
        for process in lasting:
            code, shown = ended(process)
            assert code == 0 and "Traceback" not in shown, shown
    finally:
        for process in lasting:
            process.kill()


def test_the_pages_name_every_command():
    shown = "\n".join(text for page in PAGES for text in blocks(page, "sh", "text"))
    for name in COMMANDS:
        assert re.search(rf"wakegate {name}\b", shown), name


def test_every_extra_that_is_named_is_there():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = set(re.findall(r"pip install '\.\[(\w+)\]'", "".join(PAGES.values())))
    assert {"enrol", "mqtt", "ovos", "test", "train", "wyoming"} <= named <= set(project["optional-dependencies"])


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page):
    for target in re.findall(r"\]\((?!https?:)([^)]*)\)", PAGES[page]):
        path, _, section = target.partition("#")
        there = (ROOT / page).parent / path
        assert there.exists(), target
        titles = re.findall(r"^#+ (.*)$", there.read_text(encoding="utf-8"), re.MULTILINE) if section else []
        slugs = [re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles]
        assert not section or section in slugs, target


def test_the_front_page_is_one():
    text = re.sub(r"^```.*?^```", "", README[: README.index("## The numbers")], flags=re.MULTILINE | re.DOTALL)
    assert len(README.splitlines()) <= 440
    assert [line for line in text.splitlines() if len(line) > 120 and not line.startswith(("|", "!["))] == []


def test_the_demo_prints_what_the_page_shows_and_twice_the_same(home):
    shown = blocks("README.md", "text")[0]
    first, second = run(["demo"], home), run(["demo"], home)
    assert first.returncode == 0 and first.stdout == second.stdout
    # Another processor may round a score or a time otherwise: the words are what must hold everywhere.
    assert in_words(first.stdout) == in_words(shown)


def test_what_install_service_says_is_what_the_page_shows(home):
    done = run(["install-service"], home)
    assert done.returncode == 0, done.stderr
    shown = [text for text in blocks("wakegate/serve/README.md", "text") if "systemctl" in text]
    assert [(done.stdout + done.stderr).replace(str(home), "/home/you")] == shown


def test_the_events_of_the_page_are_those_that_are_told(home):
    (line,) = [line for line in ours("wakegate/serve/README.md") if line.endswith("--json")]
    told = {one["kind"]: one for one in map(json.loads, run(words(line), home).stdout.splitlines())}
    (text,) = blocks("wakegate/serve/README.md", "json")
    for one in map(json.loads, text.replace("\n ", " ").splitlines()):
        real = told[one["kind"]]
        assert [*one] == [*real] and one["at"] == pytest.approx(real["at"], abs=320)
        assert (one.get("word"), one.get("threshold")) == (real.get("word"), real.get("threshold"))


def test_the_settings_of_the_page_are_all_that_there_are(tmp_path):
    (text,) = blocks("wakegate/serve/README.md", "toml")
    (tmp_path / "wakegate.toml").write_text(text)
    read = config.read(tmp_path / "wakegate.toml")
    assert read.limits == limits.Limits() and read.words == ("computer", "smart mirror") and read.on
    whole = tomllib.loads(re.sub(r"^# (\w+ = )", r"\1", text, flags=re.MULTILINE))  # with what is no value yet: a key
    shown = {section: set(settings) for section, settings in whole.items()}
    assert shown | {"on": None} == {section: set(known) for section, known in config._KNOWN.items()} | {"on": None}
    for name, bounds in limits._CEILINGS.items():
        (said,) = re.findall(rf"^{name} = .*?([\d.]+) to ([\d.]+)$", text, re.MULTILINE)
        assert tuple(map(float, said)) == bounds


def test_the_fields_of_the_page_are_those_that_are_told(tmp_path):
    page = " ".join(PAGES["wakegate/serve/README.md"].split())
    with Pipeline.open(
        np.zeros(16_000, np.int16), words=["computer"], place=testing.place(tmp_path / "state")
    ) as heard:
        reply = json.loads(Commands(heard).answer(b'{"command": "status"}', 0.0))
    shown = json.loads(next(text for text in blocks("wakegate/serve/README.md", "text") if '"reply"' in text))
    assert [*shown] == [*reply]
    info = Info(id="0123", word="alexa", score=0.9, threshold=0.4, word_start=800, word_end=1600)
    (header,) = re.findall(r"The header has (.*?) the word's bounds", page)
    (end,) = re.findall(r"The end has (.*?);", page)
    assert set(json.loads(frames.header(info))) == set(re.findall(r"`(\w+)`", header)) - {"s16le"}
    assert set(json.loads(frames.end(Reason.ENDPOINT, True, 0)[4:])) == set(re.findall(r"`(\w+)`", end))


class Asks:
    """A source in the middle of whose reading a program says something."""

    name = "asks"

    def read(self, out):
        self.reply = json.loads(self.commands.answer(b'{"command": "mute", "for_s": 5}', 0.0))
        out.fill(0)
        return Reading(len(out), ended=True)

    def wipe(self):
        pass

    def close(self):
        pass


def test_a_mute_lasts_as_the_page_says(tmp_path):
    """From behind the block that is being read: what a program says never comes between two."""
    source = Asks()
    with Pipeline.open(source, words=["computer"], place=testing.place(tmp_path / "state")) as heard:
        source.commands = Commands(heard)
        list(heard)
    shown = json.loads(next(text for text in blocks("wakegate/serve/README.md", "text") if '"reply"' in text))
    for one in (shown, source.reply):
        assert (one["command"], one["muted"]) == ("mute", "socket") and 5 < one["muted_for_s"] < 5.5


def test_the_model_of_the_page_is_the_one_that_is_shipped():
    (shown,) = re.findall(r'"modelVersion": "(\w+)\.\.\."', PAGES["wakegate/serve/README.md"])
    assert catalogue.knowing(["alexa"])[0].sha256.startswith(shown)


def test_the_check_line_is_what_is_configured():
    lines = shell("README.md")
    assert "ruff format --check . && ruff check . && mypy && pytest" in lines
    assert "python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/wakegate demo" in lines
    assert "python3 -m venv .venv && .venv/bin/pip install '.[test]' && .venv/bin/pytest" in lines


def python(text, home):
    command = [sys.executable, "-c", text]
    return subprocess.run(command, cwd=home, env=environment(home), capture_output=True, text=True, timeout=60)


def test_the_six_lines_and_the_scores_run(home):
    six, scores = blocks("README.md", "python")[0], blocks("wakegate/measure/README.md", "python")[0]
    for text in (six, scores):
        done = python(text, home)
        assert done.returncode == 0, done.stderr
        assert "run `wakegate consent grant assist`" in done.stdout or text is scores
    assert len([line for line in six.splitlines() if line.strip()]) <= 6


def test_the_light_and_the_button_run(home):
    program = blocks("wakegate/serve/README.md", "python")[1]
    assert 'Microphone("USB")' in program
    done = python(program.replace('Microphone("USB")', "'tests/data/six_words.flac'") + LIGHT, home)
    assert (done.returncode, done.stdout) == (0, "False\n"), done.stderr


def test_the_reader_hears_what_was_released_and_when_it_was_cut_short(tmp_path):
    program = blocks("wakegate/serve/README.md", "python")[0]
    assert len(program.splitlines()) <= 20
    info = Info(id="0123", word="alexa", score=0.9, threshold=0.4, word_start=800, word_end=1600)
    sink = SocketSink(tmp_path / "assist.sock")
    command = [sys.executable, "-c", program, tmp_path / "assist.sock"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as reader:
        until = time.monotonic() + 30
        while not sink.ready() and time.monotonic() < until:
            time.sleep(0.01)
        for ending in (sink.close, sink.abort, lambda reason: sink.shut()):
            sink.open(info)
            assert sink.write(np.zeros(8_000, np.int16)) == 8_000
            ending(Reason.ENDPOINT)
        shown, _ = reader.communicate(timeout=30)
    assert shown.splitlines() == [
        "alexa 0.50 s endpoint True", "alexa 0.50 s endpoint False", "alexa 0.50 s gone False",
    ]  # fmt: skip
