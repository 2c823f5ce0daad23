"""Which card is which, in trees of files such as Linux shows them; the real ones are tests/test_usb.py's."""

import subprocess
import sys

import pytest

from wakegate.audio import cards, devices
from wakegate.audio.cards import Card
from wakegate.audio.devices import Device, again
from wakegate.errors import DeviceError


class Tree:
    def __init__(self, root):
        self.root, self.nodes = root, root / "dev"
        self.kinds, self.files = root / "class", root / "fd"
        for folder in (self.nodes, self.kinds, self.files):
            folder.mkdir()

    def plug(self, number, port, serial=None, usb=True, interface=0):
        device = self.root / "devices" / port
        interface = device / f"{port}:1.{interface}"
        interface.mkdir(parents=True, exist_ok=True)
        if usb:
            (device / "idVendor").write_text("1209\n")
            (device / "idProduct").write_text("0001\n")
        if serial:
            (device / "serial").write_text(f"{serial}\n")
        (self.kinds / f"card{number}").mkdir()
        (self.kinds / f"card{number}" / "device").symlink_to(interface)
        (self.nodes / f"controlC{number}").touch()

    def pull(self, number):
        (self.kinds / f"card{number}" / "device").unlink()
        (self.kinds / f"card{number}").rmdir()
        (self.nodes / f"controlC{number}").unlink()


@pytest.fixture
def tree(tmp_path, monkeypatch):
    made = Tree(tmp_path)
    for name, folder in (("_NODES", made.nodes), ("_CLASS", made.kinds), ("_FILES", made.files)):
        monkeypatch.setattr(cards, name, folder)
    return made


def microphone(number, card, name="USB"):
    return Device(number=number, name=f"{name}: - (hw:{card},0)", host="ALSA", channels=1, rate=48_000, default=False)


def test_a_card_is_known_by_what_it_says_wherever_it_is_plugged_in(tree):
    tree.plug(0, "1-1", "A")
    tree.plug(2, "1-2", "B")
    first = cards.card(0)
    assert first == Card(("1209", "0001", "A", "1.0"), "1-1") and cards.cards() == (first, cards.card(2))
    assert cards.card(1) is None and not first.may_be(cards.card(2)) and not first.may_be(None)
    tree.pull(0)
    tree.plug(3, "1-4", "A")
    assert first.may_be(cards.card(3)) and first != cards.card(3)


def test_two_cards_in_one_plug_are_two(tree):
    tree.plug(0, "1-1", "A")
    tree.plug(1, "1-1", "A", interface=3)
    assert not cards.card(0).may_be(cards.card(1))


def test_one_inside_is_known_by_its_place_alone(tree):
    tree.plug(0, "sound", usb=False)
    tree.plug(1, "modem", usb=False)
    assert cards.card(0).may_be(cards.card(0)) and not cards.card(0).may_be(cards.card(1))


def test_what_comes_and_goes_is_seen_and_what_is_not_there_is_nothing(tree, monkeypatch):
    before = cards.nodes()
    tree.plug(0, "1-1")
    assert cards.nodes() != before
    monkeypatch.setattr(cards, "_NODES", tree.root / "missing")
    monkeypatch.setattr(cards, "_FILES", tree.root / "missing")
    assert cards.nodes() == cards.recorded() == frozenset() and cards.cards() == ()


def test_a_twin_is_one_somewhere_else_that_says_the_same(tree):
    tree.plug(0, "1-1")
    ours = cards.card(0)
    assert not cards.twinned(ours) and not cards.twinned(None)
    tree.plug(1, "1-2", "B")
    assert not cards.twinned(ours)
    tree.plug(2, "1-3")
    assert cards.twinned(ours)
    tree.pull(0)
    assert cards.twinned(ours), "what is there now is not ours"


def test_without_a_descriptor_left_nobody_can_tell(tree):
    tree.plug(0, "1-1", "A")
    program = f"""
import os, resource
from pathlib import Path
from wakegate.audio import cards
cards._CLASS, cards._NODES = Path({str(tree.kinds)!r}), Path({str(tree.nodes)!r})
assert cards.card(0).kind == ("1209", "0001", "A", "1.0")
resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) - 1, 4096))
assert cards.card(0) is None and cards.cards() == () and cards.recorded() == frozenset()
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_what_this_process_records_is_told_by_its_open_files(tree):
    for at, name in enumerate(("pcmC1D0c", "pcmC2D0p", "controlC3", "timer")):
        (tree.files / str(at)).symlink_to(tree.nodes / name)
    assert cards.recorded() == {1}


def test_of_two_of_a_kind_the_serial_number_tells_and_else_the_plug(tree):
    tree.plug(1, "1-1", "A")
    before, card = microphone(3, 1), cards.card(1)
    tree.pull(1)
    tree.plug(1, "1-2", "B")
    other = microphone(3, 1)
    with pytest.raises(DeviceError, match="no input"):  # its name, and its number
        again([other], before, False, card)
    tree.plug(2, "1-1", "A")
    assert again([other, microphone(4, 2)], before, False, card) == microphone(4, 2)


def test_without_serial_numbers_their_plugs_tell_twins_apart(tree):
    tree.plug(1, "1-1")
    before, card = microphone(3, 1), cards.card(1)
    tree.pull(1)
    tree.plug(1, "1-2")
    with pytest.raises(DeviceError, match="no input"):
        again([microphone(3, 1)], before, True, card)
    tree.plug(2, "1-1")
    assert again([microphone(3, 1), microphone(4, 2)], before, True, card) == microphone(4, 2)
    assert again([microphone(3, 1), microphone(4, 2)], before, False, card) == microphone(4, 2)


def test_a_name_that_is_no_card_s_is_found_by_its_name(tree):
    before = Device(number=3, name="default", host="ALSA", channels=1, rate=48_000, default=True)
    assert before.address is None and again([before], before, False, Card((), "x")) == before
    assert devices.again([before], before, False) == before
