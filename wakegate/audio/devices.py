"""Which microphones there are, and which one is meant.

Owns PortAudio's list and the choice by number, name or part of a name. Never guesses: a name that fits two devices, or
none, is an error that lists what there is.
"""

import importlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import DeviceError
from . import cards

_HARDWARE = r" *\(hw:(\d+),(\d+)\)$"


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """An input device as PortAudio lists it.

    Parameters
    ----------
    number : int
        PortAudio's index; it may change when devices come and go.
    name, host : str
        Its name, and the sound system behind it (ALSA, Core Audio, ...).
    channels : int
        Input channels it offers.
    rate : int
        Frames a second it prefers.
    default : bool
        The system's default input.
    """

    number: int
    name: str
    host: str
    channels: int
    rate: int
    default: bool

    @property
    def model(self) -> str:
        """The name without the numbers that ALSA gives a card when it is plugged in, such as ``(hw:1,0)``."""
        return re.sub(_HARDWARE, "", self.name)

    @property
    def address(self) -> tuple[int, int] | None:
        """The numbers that ALSA gave card and device; None where the name stands for whichever that may be."""
        match = re.search(_HARDWARE, self.name)
        return (int(match[1]), int(match[2])) if match else None

    def __str__(self) -> str:
        """Show the number and the name."""
        return f"{self.number}: {self.name}"


def portaudio() -> Any:
    """Import and return sounddevice, the binding to PortAudio: 23 MB that only a microphone needs.

    Raises
    ------
    DeviceError
        Where the binding or the library is missing, or PortAudio cannot start.
    """
    try:
        return importlib.import_module("sounddevice")
    except ImportError as error:
        raise DeviceError("the Python package sounddevice is missing: `pip install sounddevice`") from error
    except Exception as error:  # OSError without the library; PortAudioError from its start
        raise DeviceError(
            f"PortAudio is missing or does not start ({error}): `sudo apt install libportaudio2` "
            "(files and stdin work without it)"
        ) from error


def restart_portaudio() -> None:
    """Make PortAudio look for devices anew: it lists them once, at its start. Closes every stream of this process."""
    sounddevice = portaudio()
    try:
        sounddevice._terminate()
        sounddevice._initialize()
    except sounddevice.PortAudioError as error:
        raise DeviceError(f"PortAudio does not start again: {error}") from error


def list_devices() -> tuple[Device, ...]:
    """Return every input device, in PortAudio's order.

    Raises
    ------
    DeviceError
        Where PortAudio is missing.
    """
    sounddevice = portaudio()
    try:
        found, hosts = sounddevice.query_devices(), sounddevice.query_hostapis()
        default = sounddevice.default.device["input"]
    except sounddevice.PortAudioError as error:
        raise DeviceError(f"PortAudio cannot list devices: {error}") from error
    if default < 0 and hosts:
        default = hosts[0]["default_input_device"]
    return tuple(
        Device(
            number=number,
            name=entry["name"],
            host=hosts[entry["hostapi"]]["name"],
            channels=entry["max_input_channels"],
            rate=round(entry["default_samplerate"]),
            default=number == default,
        )
        for number, entry in enumerate(found)
        if entry["max_input_channels"] > 0
    )


def choose(devices: Sequence[Device], wanted: int | str | None) -> tuple[Device, str]:
    """Return the device that is meant, and why it is that one.

    Parameters
    ----------
    devices : sequence of Device
        What there is.
    wanted : int, str or None
        A number (or its digits), a name, a part of a name that fits one device only, or None for the default.

    Raises
    ------
    DeviceError
        Where there is no such device, or more than one. The message lists the choices.
    """
    if not devices:
        raise DeviceError(
            "there is no input device: plug a microphone in, end the program that has it (ALSA gives a card to one "
            "alone), start the sound server, or look at `arecord -l`"
        )
    if wanted is None:
        fitting, why = [device for device in devices if device.default], "it is the system's default input"
    elif isinstance(wanted, int) or wanted.isdecimal():
        fitting, why = [device for device in devices if device.number == int(wanted)], f"its number is {wanted}"
    elif exact := [device for device in devices if device.name == wanted]:
        fitting, why = exact, "its name is exactly that"
    else:
        part = wanted.casefold()
        fitting = [device for device in devices if part and part in device.name.casefold()]
        why = f"it is the only one whose name holds {wanted!r}"
    if len(fitting) == 1:
        return fitting[0], why
    raise DeviceError(_complaint(devices, fitting, wanted))


def again(devices: Sequence[Device], before: Device, twins: bool, card: cards.Card | None = None) -> Device:
    """Return a device that was lost, found again; never another one.

    Parameters
    ----------
    devices : sequence of Device
        What there is now.
    before : Device
        As it was listed. Its number is no help, and neither is the card's number that ALSA puts behind a name.
    twins : bool
        Whether another one of its name was there: then only its place, or that number, tells them apart, and must be
        the same.
    card : Card, optional
        Its card, where that is known.

    Raises
    ------
    DeviceError
        Where it is not there, or nobody can tell which one it is.
    """
    fitting = [one for one in devices if one.host == before.host and one.model == before.model]
    if card is not None and before.address is not None:
        there = {
            one: cards.card(one.address[0]) for one in fitting if one.address and one.address[1] == before.address[1]
        }
        fitting = [one for one, found in there.items() if card.may_be(found)]
        if twins or len(fitting) > 1:
            fitting = [one for one in fitting if there[one] == card]
    elif twins or any(one.name == before.name for one in fitting):
        fitting = [one for one in fitting if one.name == before.name]
    if len(fitting) != 1:
        raise DeviceError(_complaint(devices, fitting, before.name))
    return fitting[0]


def _complaint(devices: Sequence[Device], fitting: Sequence[Device], wanted: int | str | None) -> str:
    if fitting:
        return f"{wanted!r} fits {len(fitting)} inputs: choose one by its number ({'; '.join(map(str, fitting))})"
    what = "there is no default input" if wanted is None else f"there is no input {wanted!r}"
    return f"{what}: choose one by number or name ({'; '.join(map(str, devices))})"
