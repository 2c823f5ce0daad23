"""``wakegate mute``: a person's mute, and the typed yes that ends it. Around 5 s."""

import os
import pty
import select
import sys
import time

import pytest

from tests.cli.process import RUN, command, environment, place
from wakegate.mute import kept


def typed(home, answer, *words):
    """Run the command on a terminal of its own and type an answer; return its exit code and what was shown."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(home)
        os.execve(sys.executable, [sys.executable, "-c", RUN, *words], environment(home))
    shown, said, until = b"", False, time.monotonic() + 60
    while time.monotonic() < until:
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                shown += os.read(terminal, 65536)
            except OSError:
                break
        elif b"Type yes" in shown and not said:
            os.write(terminal, answer)
            said = True
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.close(terminal)
    return code, shown.decode()


def test_a_person_mutes_and_a_typed_yes_ends_it(tmp_path):
    done = command(tmp_path, "mute")
    assert done.returncode == 0 and kept(place(tmp_path))
    assert command(tmp_path, "mute").returncode == 0
    code, shown = typed(tmp_path, b"yes\n", "mute", "off")
    assert code == 0 and "listens again" in shown and not kept(place(tmp_path))
    done = command(tmp_path, "mute", "off")
    assert done.returncode == 0 and b"not muted" in done.stderr


@pytest.mark.parametrize("answer", [b"\n", b"y\n", b"no\n"])
def test_anything_else_leaves_it_muted(tmp_path, answer):
    command(tmp_path, "mute")
    code, shown = typed(tmp_path, answer, "mute", "off")
    assert code == 0 and "stays muted" in shown and kept(place(tmp_path))


def test_no_script_can_unmute(tmp_path):
    command(tmp_path, "mute")
    done = command(tmp_path, "mute", "off", stdin=b"yes\n", start_new_session=True)
    assert done.returncode == 1 and b"no terminal" in done.stderr and kept(place(tmp_path))


def test_what_cannot_be_muted_is_said(tmp_path):
    place(tmp_path).prepare()
    place(tmp_path).muted.parent.rmdir()
    place(tmp_path).muted.parent.write_text("in the way")
    done = command(tmp_path, "mute")
    assert done.returncode == 1 and b"Traceback" not in done.stderr and b"Muted" not in done.stdout


def test_a_factory_reset_ends_a_mute(tmp_path):
    command(tmp_path, "mute")
    code, _ = typed(tmp_path, b"yes\n", "reset")
    assert code == 0 and not kept(place(tmp_path))
