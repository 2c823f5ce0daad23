"""Hostile input, through the commands: an error in words and exit code 1, no traceback, no steered terminal."""

import json
import os
from pathlib import Path

import pytest

from wakegate.cli import main, terminal
from wakegate.wake import catalogue

SOUND = str(Path(__file__).parents[1] / "data" / "six_words.flac")
STEER = "\x1b[31m\x9b31m\u202e[red]x[/nope]\udcff"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the test's own."""
    for name in ("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    return tmp_path / "home"


def manifest(folder: Path, **changes: object) -> str:
    """Write the installed model's manifest with other values; the model itself is not there."""
    installed = next(catalogue.folder().glob("*.json"))
    (folder / "bad.json").write_text(json.dumps(json.loads(installed.read_text()) | changes))
    return str(folder / "bad.json")


@pytest.mark.parametrize(
    "changes",
    [
        {"smoothing": 10**12}, {"chunk": 320 * 10**9}, {"floor": 10**400}, {"name": None},
        {"words": [{"word": "a" * 3000}]}, {"words": 7},
    ],
    ids=str,
)  # fmt: skip
def test_a_manifest_out_of_range(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, object]
) -> None:
    assert main(["detect", SOUND, "--model", manifest(tmp_path, **changes)]) == 1
    assert "manifest" in capsys.readouterr().err


@pytest.mark.parametrize(
    "names", [[STEER], [f"word{n}" for n in range(33)], ["w" * 2001]], ids=["escapes", "33", "long"]
)
def test_words_that_no_line_could_show(tmp_path: Path, capsys: pytest.CaptureFixture[str], names: list[str]) -> None:
    first = json.loads(next(catalogue.folder().glob("*.json")).read_text())["words"][0]
    path = manifest(tmp_path, words=[first | {"word": name} for name in names], operating_points=[])
    assert main(["detect", SOUND, "--model", path]) == 1
    assert "'words'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 100_000,
        "a = " + "1" * 5000,
        f"[limits]\nopenings_a_day = 1{'0' * 400}",
        f"[wake]\nthresholds = {{ computer = 1{'0' * 400} }}",
    ],
    ids=["deep", "long number", "limit", "threshold"],
)
def test_a_config_out_of_range(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    (tmp_path / "bad.toml").write_text(text)
    assert main(["listen", "--input", SOUND, "--config", str(tmp_path / "bad.toml")]) == 1
    assert capsys.readouterr().err.startswith("wakegate: ")


def test_a_deep_manifest_and_an_unreadable_home(
    tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "deep.json").write_text("[" * 100_000)
    assert main(["detect", SOUND, "--model", str(tmp_path / "deep.json")]) == 1
    monkeypatch.setattr("wakegate.config.usual_path", lambda: os.stat("/proc/self/nothing"))
    assert main(["listen", "--input", SOUND]) == 1
    assert capsys.readouterr().err.count("wakegate: ") == 2


def test_names_never_steer_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / f"{STEER.replace('/', '')}{'a' * 180}.flac"
    path.write_bytes(Path(SOUND).read_bytes())
    assert main(["listen", "--input", str(path)]) == main(["journal", "tail", "-n", "1" + "0" * 30]) == 0
    assert main(["detect", "--json", str(path)]) == 0 and main(["detect", str(path) + "not"]) == 1
    terminal.table(STEER, [STEER], [[STEER]])
    terminal.emit({"name": STEER})
    shown = "".join(capsys.readouterr())
    assert "[red]x" in shown and "listening to file" in shown
    assert all(one.isprintable() or one == "\n" for one in shown)
