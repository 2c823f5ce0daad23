"""``wakegate completion`` in the shells themselves: what TAB would offer. Around 5 s."""

import shutil
import subprocess
import sys

import pytest

from tests.cli.process import command
from wakegate.cli import COMMANDS, main

pytest.importorskip("shtab", reason="the extra `completion` is not installed")

BASH = """
source ./script
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*" COMP_POINT=${#COMP_LINE}
words=($(complete -p wakegate))
for ((at = 0; at < ${#words[@]}; at++)); do [ "${words[at]}" = -F ] && offer=${words[at + 1]}; done
$offer wakegate "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""


def script(home, shell):
    done = command(home, "completion", shell)
    assert (done.returncode, done.stderr) == (0, b"")
    (home / "script").write_bytes(done.stdout)


def offered(home, *words):
    """What bash offers for the last of these words."""
    done = subprocess.run(["bash", "--norc", "-c", BASH, "bash", *words], cwd=home, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return set(done.stdout.split())


def test_bash_completes_commands_options_choices_and_files(tmp_path):
    script(tmp_path, "bash")
    assert offered(tmp_path, "wakegate", "") >= set(COMMANDS) and "tune" not in offered(tmp_path, "wakegate", "")
    assert offered(tmp_path, "wakegate", "lis") == {"listen"}
    assert offered(tmp_path, "wakegate", "listen", "--thr") == {"--threshold"}
    assert offered(tmp_path, "wakegate", "listen", "--engine", "") == {"onnxruntime", "numpy"}
    assert offered(tmp_path, "wakegate", "consent", "gr") == {"grant"}
    assert offered(tmp_path, "wakegate", "completion", "") == {"bash", "zsh", "fish"}
    (tmp_path / "evening.flac").touch()
    for words in (["detect"], ["listen", "--input"], ["listen", "--config"], ["measure"], ["score"]):
        assert offered(tmp_path, "wakegate", *words, "even") == {"evening.flac"}, words


@pytest.mark.parametrize(("shell", "check"), [("zsh", ["zsh", "-n"]), ("fish", ["fish", "--no-execute"])])
def test_zsh_and_fish_can_read_theirs(tmp_path, shell, check):
    script(tmp_path, shell)
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    done = subprocess.run([*check, "script"], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_fish_offers_commands_and_options(tmp_path):
    if shutil.which("fish") is None:
        pytest.skip("fish is not installed")
    script(tmp_path, "fish")
    ask = "source ./script; complete -C 'wakegate lis'; complete -C 'wakegate listen --thr'"
    done = subprocess.run(
        ["fish", "--no-config", "-c", ask], cwd=tmp_path, capture_output=True, text=True, env={"HOME": str(tmp_path)}
    )
    assert [line.split("\t")[0] for line in done.stdout.splitlines()] == ["listen", "--threshold"], done


def test_a_missing_package_is_said_with_the_command_that_helps(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "shtab", None)
    assert main(["completion", "bash"]) == 1
    assert "pip install 'wakegate[completion]'" in capsys.readouterr().err
