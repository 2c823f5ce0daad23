"""``wakegate mute``: a person's mute, and the typed yes that ends it. Around 5 s."""

import pytest

from tests.cli.process import command, place, typed
from wakegate.mute import kept


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


def test_a_factory_reset_leaves_a_mute_and_says_so(tmp_path):
    command(tmp_path, "mute")
    code, shown = typed(tmp_path, b"yes\n", "reset")
    assert code == 0 and kept(place(tmp_path))
    notice, _, done = " ".join(shown.split()).partition("Type yes")
    assert "A mute stays until `wakegate mute off`" in notice and "It stays muted until `wakegate mute off`" in done
    typed(tmp_path, b"yes\n", "mute", "off")
    assert "stays muted" not in typed(tmp_path, b"yes\n", "reset")[1]
