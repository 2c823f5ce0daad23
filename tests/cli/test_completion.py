"""``wakegate completion`` in the shells themselves: what TAB would offer. Around 5 s."""

import os
import pty
import select
import shutil
import subprocess
import sys
import time

import pytest

from tests.cli.process import command
from wakegate.cli import COMMANDS, main
from wakegate.events import Purpose
from wakegate.wake import catalogue

pytest.importorskip("shtab", reason="the extra `completion` is not installed")

BASH = """
source ./script
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*" COMP_POINT=${#COMP_LINE}
words=($(complete -p wakegate))
for ((at = 0; at < ${#words[@]}; at++)); do [ "${words[at]}" = -F ] && offer=${words[at + 1]}; done
$offer wakegate "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""

WORDS = [entry.word for model in catalogue.installed() for entry in model.words]


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


def test_bash_completes_purposes_installed_words_and_what_stands_behind_install_service(tmp_path):
    script(tmp_path, "bash")
    assert offered(tmp_path, "wakegate", "consent", "grant", "") == set(Purpose)
    assert offered(tmp_path, "wakegate", "consent", "revoke", "fa") == {"false_accept_review"}
    assert offered(tmp_path, "wakegate", "models", "--word", "") == set(WORDS)
    for name in ("listen", "serve", "detect", "score"):
        assert offered(tmp_path, "wakegate", name, "--words", "") == set(WORDS)
    assert offered(tmp_path, "wakegate", "listen", "--words", "alexa,s") == {"alexa,smart_mirror", "alexa,snowboy"}
    left = {f"alexa,computer,{word}" for word in WORDS if word not in ("alexa", "computer")}
    assert offered(tmp_path, "wakegate", "listen", "--words", "alexa,computer,") == left, "none is given twice"
    assert offered(tmp_path, "wakegate", "install-service", "--sy") == {"--system"}
    assert offered(tmp_path, "wakegate", "install-service", "serve", "--mic-u") == {"--mic-uri", "--mic-user"}


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


def test_fish_offers_purposes_and_words_and_says_of_a_command_what_it_is_in_one_whole_line(tmp_path):
    if shutil.which("fish") is None:
        pytest.skip("fish is not installed")
    script(tmp_path, "fish")

    def offered(line):
        ask = ["fish", "--no-config", "-c", f"source ./script; complete -C '{line}'"]
        done = subprocess.run(ask, cwd=tmp_path, capture_output=True, text=True, env={"HOME": str(tmp_path)})
        return dict(told.split("\t") for told in done.stdout.splitlines())

    assert set(offered("wakegate consent grant ")) == set(Purpose)
    assert set(offered("wakegate listen --words ")) == set(WORDS)
    assert set(offered("wakegate listen --words alexa,com")) == {"alexa,computer"}
    left = {f"alexa,computer,{word}" for word in WORDS if word not in ("alexa", "computer")}
    assert set(offered("wakegate listen --words alexa,computer,")) == left, "none is given twice"
    assert set(offered("wakegate install-service serve --mic-u")) == {"--mic-uri", "--mic-user"}
    assert offered("wakegate lis") == {"listen": "listen, and release audio only after a wake word and under a grant"}


def test_zsh_offers_them_at_tab(tmp_path):
    if shutil.which("zsh") is None:
        pytest.skip("zsh is not installed")
    script(tmp_path, "zsh")
    (tmp_path / "script").rename(tmp_path / "_wakegate")
    pid, terminal = pty.fork()
    if pid == 0:
        surroundings = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "TERM": "dumb"}
        os.execvpe("zsh", ["zsh", "-f", "-i"], surroundings)

    def shown(typed, until):
        """Type something; return what is on the terminal once the last of it stands there."""
        os.write(terminal, typed.encode())
        came, end = "", time.monotonic() + 20
        while until not in came and time.monotonic() < end:
            if select.select([terminal], [], [], 0.1)[0]:
                came += os.read(terminal, 65_536).decode(errors="replace")
        return came

    shown(f"stty cols 300; fpath=({tmp_path} $fpath); autoload -Uz compinit; compinit -u -D; echo re''ady\n", "ready\r")
    for line, offered in (
        ("wakegate consent grant ", sorted(Purpose)),
        ("wakegate listen --words ", sorted(WORDS)),
        ("wakegate install-service serve --mic", ["the same for a gated microphone; on this device only"]),
        ("wakegate m", ["a person at the device silences it, restarts included; `mute off` ends that"]),
    ):
        came = shown(f"{line}\t\t", offered[-1])
        assert all(one in came for one in offered), came
        shown("\x15echo ne''xt\n", "next\r")
    os.write(terminal, b"\x15exit\n")
    os.waitpid(pid, 0)
    os.close(terminal)


def test_a_missing_package_is_said_with_the_command_that_helps(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "shtab", None)
    assert main(["completion", "bash"]) == 1
    assert "pip install 'wakegate[completion]'" in capsys.readouterr().err
