"""The doctor changes nothing, and calls nothing good that is not."""

from pathlib import Path

import pytest

from wakegate import doctor
from wakegate.consent.grant import Act, Surface
from wakegate.consent.ledger import Ledger
from wakegate.doctor import Finding, Health
from wakegate.events import Purpose
from wakegate.journal.journal import Journal
from wakegate.place import Place
from wakegate.testing import StillClock


def finding(name: str, place: Place) -> Finding:
    return next(one for one in doctor.examine(place, StillClock()) if one.name == name)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A place with a grant and its line in the journal."""
    place = Place(tmp_path / "state")
    ledger = Ledger.open(place, StillClock(), Journal.open(place, StillClock()))
    ledger.grant(Purpose.ASSIST, act=Act(Surface.BUTTON, "pressed"))
    return place


def test_a_whole_place_is_good(place: Place) -> None:
    assert finding("consent ledger", place).health is finding("journal", place).health is Health.GOOD


def test_looking_changes_nothing(place: Place) -> None:
    with place.journal.open("ab") as journal:
        journal.write(b"torn")
    before = {path: path.read_bytes() for path in place.path.rglob("*") if path.is_file()}
    assert finding("journal", place).health is Health.BAD
    assert {path: path.read_bytes() for path in place.path.rglob("*") if path.is_file()} == before


def test_a_ledger_put_back_is_seen_though_the_journal_was_just_rotated(place: Place) -> None:
    old = place.ledger.read_bytes()
    journal = Journal.open(place, StillClock())
    Ledger.open(place, StillClock(), journal).revoke(Purpose.ASSIST)
    place.ledger.write_bytes(old)
    place.journal.rename(place.path / "journal.000001.jsonl")
    assert finding("consent ledger", place).health is Health.BAD
    assert "not there yet" not in finding("journal", place).seen


def test_a_persons_mute_is_weak_and_says_what_ends_it(place: Place) -> None:
    assert finding("mute", place).health is Health.GOOD
    place.muted.touch()
    found = finding("mute", place)
    assert found.health is Health.WEAK and found.mend == "`wakegate mute off`"


def test_crashes_that_are_piped_away_are_not_off(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wakegate.doctor.resource.getrlimit", lambda _: (0, 0))
    monkeypatch.setattr(doctor, "CORE_PATTERN", tmp_path / "pattern")
    (tmp_path / "pattern").write_text("core\n")
    assert finding("core dumps", place).health is Health.GOOD
    (tmp_path / "pattern").write_text("|/usr/share/apport/apport %p\n")
    found = finding("core dumps", place)
    assert found.health is Health.WEAK and "/usr/share/apport/apport" in found.seen


@pytest.mark.parametrize(
    ("swap", "says", "health"),
    [
        ("", {}, Health.GOOD),
        ("/swapfile", {}, Health.WEAK),
        ("/dev/dm-0", {"dm-0/dm/uuid": "LVM-abc"}, Health.WEAK),
        ("/dev/dm-0", {"dm-0/dm/uuid": "CRYPT-PLAIN-swap"}, Health.GOOD),
        ("/dev/zram0", {"zram0/backing_dev": "none\n"}, Health.GOOD),
        ("/dev/zram0", {"zram0/backing_dev": "/dev/mmcblk0p3\n"}, Health.WEAK),
    ],
)
def test_swap_is_good_only_where_no_disk_sees_it(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, swap: str, says: dict[str, str], health: Health
) -> None:
    used = f"{swap} partition 1 0 -2\n" if swap else ""
    (tmp_path / "swaps").write_text(f"Filename Type Size Used Priority\n{used}")
    monkeypatch.setattr(doctor, "SWAPS", tmp_path / "swaps")
    monkeypatch.setattr(doctor, "BLOCK_DEVICES", tmp_path)
    for name, text in says.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    found = finding("swap", place)
    assert found.health is health and ("memfd" in found.seen) is (health is Health.WEAK)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[wake]\nwords = ['hal']", "wakegate.toml: in [wake], no installed model knows hal"),
        ("[wake]\nthresholds = { hal = 0.5 }", "wakegate.toml: in [wake], model 'six' does not know the word 'hal'"),
        ("[wake]\nthresholds = { alexa = 0 }", "wakegate.toml: in [wake], the threshold for 'alexa' is 0"),
        ("[reviewer]\nkey = 'abc'", "wakegate.toml: key in [reviewer]: this is no age public key"),
        (f"[reviewer]\nkey = 'age1{58 * 'q'}'", "wakegate.toml: in [reviewer], this is no age public key"),
        ("[limits]\npre_roll_s = 9", "wakegate.toml: in [limits]"),
    ],
)
def test_a_config_that_would_stop_listening_is_bad(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, said: str
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "wakegate").mkdir()
    (tmp_path / "wakegate" / "wakegate.toml").write_text(text)
    found = finding("config", place)
    assert found.health is Health.BAD and said in found.seen
