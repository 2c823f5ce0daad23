"""Which device is meant, and the command that says so."""

import argparse
import json
import os
import subprocess
import sys

import pytest

from wakegate.audio.devices import Device, again, choose
from wakegate.cli import devices as command
from wakegate.errors import DeviceError


def made(number, name, default=False):
    return Device(number=number, name=name, host="ALSA", channels=2, rate=48_000, default=default)


DEVICES = (made(0, "HDA Intel"), made(3, "USB Audio"), made(4, "USB Audio Pro"), made(7, "default", default=True))


@pytest.mark.parametrize(
    ("wanted", "number", "why"),
    [
        (None, 7, "default input"),
        (3, 3, "number is 3"),
        ("4", 4, "number is 4"),
        ("USB Audio", 3, "exactly that"),
        ("hda", 0, "only one whose name holds 'hda'"),
        ("Audio P", 4, "only one"),
    ],
)
def test_a_device_is_chosen_by_number_name_or_part(wanted, number, why):
    chosen, said = choose(DEVICES, wanted)
    assert chosen.number == number
    assert why in said


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("usb", r"'usb' fits 2 inputs: choose one by its number \(3: USB Audio; 4: USB Audio Pro\)"),
        ("kitchen", r"no input 'kitchen': choose .*0: HDA Intel; 3: USB Audio"),
        (1, "no input 1"),
        ("", "no input ''"),
        (-1, "no input -1"),
    ],
)
def test_an_unclear_device_is_never_guessed(wanted, message):
    with pytest.raises(DeviceError, match=message):
        choose(DEVICES, wanted)


def test_no_default_and_no_device_at_all():
    with pytest.raises(DeviceError, match="no default input: choose one"):
        choose(DEVICES[:2], None)
    with pytest.raises(DeviceError, match="no input device: plug"):
        choose((), None)


def run(*arguments):
    parser = argparse.ArgumentParser()
    command.add(parser.add_subparsers())
    args = parser.parse_args(["devices", *arguments])
    return args.run(args)


@pytest.mark.pulse
def test_the_command_lists_and_says_which_and_why(pulse, capsys):
    assert run() == 0
    shown = capsys.readouterr().out
    assert "default, because it is the system's default input" in shown
    assert run("--json") == 0
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [record["name"] for record in records if record["used"]] == ["default"]
    with pytest.raises(DeviceError, match="no input 'kitchen'"):
        run("--json", "--device", "kitchen")
    assert len(capsys.readouterr().out.splitlines()) == len(records)


def test_missing_portaudio_is_said_with_what_to_do(tmp_path):
    (tmp_path / "sounddevice.py").write_text("raise OSError('PortAudio library not found')\n")
    program = """
from wakegate.audio.devices import list_devices
from wakegate.errors import DeviceError
try:
    list_devices()
except DeviceError as error:
    print(error)
"""
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}:."}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert "PortAudio library not found" in done.stdout
    assert "sudo apt install libportaudio2" in done.stdout


def test_importing_the_sources_does_not_import_sounddevice():
    program = """
import sys
import wakegate.audio.microphone, wakegate.audio.files, wakegate.audio.raw, wakegate.cli.devices
print([name for name in ("sounddevice", "onnxruntime", "rich", "scipy") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# What was lost and comes back.


USB = made(2, "USB Audio: - (hw:1,0)")
INSIDE = made(0, "HDA Intel: ALC (hw:0,0)", default=True)


@pytest.mark.parametrize(
    ("there", "twins", "number"),
    [
        ((INSIDE, made(5, "USB Audio: - (hw:1,0)")), False, 5),
        ((INSIDE, made(3, "USB Audio: - (hw:2,0)")), False, 3),  # another card number for the same plug
        ((made(1, "USB Audio: - (hw:1,0)"), made(3, "USB Audio: - (hw:2,0)")), True, 1),
    ],
)
def test_a_lost_device_is_found_again_by_its_name(there, twins, number):
    assert again(there, USB, twins).number == number


@pytest.mark.parametrize(
    ("there", "twins"),
    [
        ((), False),
        ((INSIDE,), False),  # the default, now that the other is gone
        ((INSIDE, made(2, "USB Speaker: - (hw:1,0)")), False),  # its number, and its place
        ((INSIDE, made(4, "USB Audio: - (hw:2,0)")), True),  # its twin
        ((made(3, "USB Audio: - (hw:2,0)"), made(4, "USB Audio: - (hw:3,0)")), False),  # nobody can tell
    ],
)
def test_no_other_device_is_taken_in_its_place(there, twins):
    with pytest.raises(DeviceError, match="USB Audio"):
        again(there, USB, twins)
