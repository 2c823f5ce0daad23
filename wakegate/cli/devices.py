"""``wakegate devices``: which microphones there are, and which one would be used."""

import argparse
from typing import TYPE_CHECKING, Any

from ..errors import DeviceError
from .terminal import emit, plain, table

if TYPE_CHECKING:
    from ..audio.devices import Device


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "devices",
        help="list microphones and say which one would be used",
        description="List the input devices of this machine, and say which one `wakegate listen` would use and why.",
        epilog="example: wakegate devices --device usb    (then: wakegate listen --device usb)",
    )
    parser.add_argument(
        "--device",
        metavar="WHICH",
        help="say which one this number, name or part of a name would choose (default: the system's default input)",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a device, on stdout")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the list; an error, after the list, where none or several would fit."""
    from ..audio.devices import choose, list_devices

    devices = list_devices()
    used, why, error = None, "", None
    try:
        used, why = choose(devices, args.device)
    except DeviceError as problem:
        error = problem
    if args.json:
        for device in devices:
            emit(_record(device, why if device == used else ""))
    elif devices:
        rows = [(*_cells(device), "used" if device == used else "") for device in devices]
        table("Input devices", ("number", "name", "system", "channels", "rate", ""), rows)
        if used is not None:
            print(plain(f"`wakegate listen` would use {used}, because {why}."))
    if error is not None:
        raise error
    return 0


def _cells(device: "Device") -> tuple[object, ...]:
    return device.number, device.name, device.host, device.channels, device.rate


def _record(device: "Device", why: str) -> dict[str, object]:
    number, name, host, channels, rate = _cells(device)
    used = {"used": True, "why": why} if why else {"used": False}
    return {"number": number, "name": name, "system": host, "channels": channels, "rate": rate, **used}
