"""The one place: its paths and who may write there."""

import os
from pathlib import Path

import pytest

from wakegate.errors import ConfigError
from wakegate.events import Purpose
from wakegate.place import Place


def test_the_place_is_private_and_made_on_first_use(tmp_path: Path) -> None:
    place = Place(tmp_path / "a" / "b")
    assert place.trouble() == "" and not place.path.exists()
    assert place.prepare() is place and place.path.stat().st_mode & 0o777 == 0o700
    assert place.ledger.parent == place.journal.parent == place.lock.parent == place.path
    assert place.outbox(Purpose.REVIEW) == place.path / "outbox" / "review"


def test_the_fixed_place_follows_xdg_and_never_a_relative_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr("wakegate.place.SERVICE", tmp_path / "service")
    assert Place.fixed() == Place(tmp_path / "state" / "wakegate")
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    assert Place.fixed() == Place(tmp_path / ".local" / "state" / "wakegate")
    monkeypatch.setenv("HOME", "here")
    with pytest.raises(ConfigError, match="HOME"):
        Place.fixed()
    (tmp_path / "service").mkdir()
    assert Place.fixed() == Place(tmp_path / "service") and not Place.fixed().test


def test_a_place_that_others_can_write_is_refused(tmp_path: Path) -> None:
    place = Place(tmp_path / "a").prepare()
    place.path.chmod(0o770)
    assert "written by others" in place.trouble()
    with pytest.raises(ConfigError, match="chmod 700"):
        place.prepare()
    place.path.chmod(0o700)
    if os.getuid() == 0:
        os.chown(place.path, 12345, 12345)
        assert "12345" in place.trouble()
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError):
        Place(tmp_path / "file").prepare()
    with pytest.raises(ConfigError):
        Place(tmp_path / "file" / "below").prepare()


def test_a_place_that_another_user_could_put_there_is_refused(tmp_path: Path) -> None:
    place = Place(tmp_path / "open" / "wakegate").prepare()
    place.path.parent.chmod(0o777)
    assert "by everybody" in place.trouble()
    place.path.parent.chmod(0o1777)
    assert place.trouble() == ""
    link = Place(tmp_path / "link")
    link.path.symlink_to(place.path)
    assert link.trouble() == ""
    if os.getuid() == 0:
        os.lchown(link.path, 12345, 12345)
        assert "12345" in link.trouble()
