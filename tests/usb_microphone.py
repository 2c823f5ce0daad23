"""A USB microphone made of software, for the kernel's own drivers: plugged into the virtual root hub ``vhci_hcd``.

Owns one device (USB Audio 1.0, one channel, 16 bit, full speed), the USB/IP talk with the kernel, and its time: what
the room says at a moment comes out at that moment, whether anybody listens or not. Must never know of wakegate, and
never waits for a driver: what is asked for too late is lost, as with a real one.

Runs as root in a machine of its own: ``usb_microphone.py NAME SOUND CONTROL``. A line written to the FIFO ``CONTROL``
does it: ``in`` plugs it in, ``out`` pulls it out in mid-packet, ``mute`` and ``sound`` stop and start what is said,
``freeze`` leaves it plugged in and gives nothing. It starts pulled out.
"""

import argparse
import functools
import os
import select
import socket
import struct
import time
from pathlib import Path

import numpy as np
import soundfile
import soxr

HUB = Path("/sys/devices/platform/vhci_hcd.0")
FULL_SPEED = 2
SUBMIT, UNLINK, SUBMITTED, UNLINKED = 1, 2, 3, 4
IN = 1
STALL, UNLINKED_STATUS = -32, -104
ASKED = struct.Struct(">5IIiiIi8s")
ANSWERED = struct.Struct(">5IiiIII8x")
PACKET = struct.Struct(">4I")
SETUP = struct.Struct("<BBHHH")
STREAM = 1  # the interface with the sound; 0 is the one that tells what the device is
ENDPOINT = 0x81
READ = 1 << 16
TOGETHER_S = 0.006  # given at once, to cost an emulated processor less; the driver asks 12 ms ahead
LATE_S = 0.5  # packets that a busy machine asks for a little late are not lost


def descriptor(kind: int, body: bytes) -> bytes:
    return bytes([len(body) + 2, kind]) + body


def text(words: str) -> bytes:
    return descriptor(3, words.encode("utf-16-le"))


def configuration(rate: int) -> bytes:
    interface, of_class, endpoint, of_endpoint = 4, 0x24, 5, 0x25
    sound = b"".join(
        [
            descriptor(of_class, struct.pack("<BBHBBHBB", 2, 1, 0x0201, 0, 1, 0, 0, 0)),  # terminal 1: a microphone
            descriptor(of_class, struct.pack("<BBHBBB", 3, 2, 0x0101, 0, 1, 0)),  # terminal 2: to USB, from 1
        ]
    )
    whole = b"".join(
        [
            descriptor(interface, bytes([0, 0, 0, 1, 1, 0, 0])),
            descriptor(of_class, struct.pack("<BHHBB", 1, 0x0100, 9 + len(sound), 1, STREAM)),
            sound,
            descriptor(interface, bytes([STREAM, 0, 0, 1, 2, 0, 0])),  # costs no bandwidth: nobody listens
            descriptor(interface, bytes([STREAM, 1, 1, 1, 2, 0, 0])),
            descriptor(of_class, struct.pack("<BBBH", 1, 2, 1, 1)),  # from terminal 2, PCM
            descriptor(of_class, bytes([2, 1, 1, 2, 16, 1]) + rate.to_bytes(3, "little")),
            descriptor(endpoint, struct.pack("<BBHBBB", ENDPOINT, 0x05, 2 * (rate // 1000), 1, 0, 0)),
            descriptor(of_endpoint, bytes([1, 1, 0, 0, 0])),
        ]
    )
    return descriptor(2, struct.pack("<HBBBBB", 9 + len(whole), 2, 1, 0, 0x80, 50)) + whole


class Pulled(Exception):
    """The kernel has let go of the device."""


class Microphone:
    """One microphone, plugged in: made, it is; ``turn`` until ``close``."""

    def __init__(self, name: str, serial: str, rate: int, port: int, room: "Room") -> None:
        self._rate, self._room = rate, room
        device = struct.pack("<HBBBBHHHBBBB", 0x0110, 0, 0, 0, 64, 0x1209, 0x0001, 0x0100, 1, 2, 3, 1)
        self._told = {0x0100: descriptor(1, device), 0x0200: configuration(rate), 0x0300: b"\x04\x03\x09\x04"}
        self._told |= {0x0300 + at: text(words) for at, words in enumerate(("tests", name, serial), 1)}
        self._waiting: list[tuple[float, int, tuple[int, ...]]] = []  # due, number, the lengths asked for
        self._next = 0.0  # when the next packet of sound is due
        self._asked = b""  # and not yet read as a whole
        self._answers: list[bytes] = []
        self.frozen = False
        ours, kernels = socket.socketpair()
        (HUB / "attach").write_text(f"{port} {kernels.fileno()} {port + 1} {FULL_SPEED}")
        kernels.close()
        self.socket = ours

    def close(self) -> None:
        self.socket.close()

    def due_in(self) -> float | None:
        """Seconds until sound is due; None if nobody asks for it."""
        if not self._waiting or self.frozen:
            return None
        return max(0.0, self._waiting[0][0] + TOGETHER_S - time.monotonic())

    def turn(self, asked: bool) -> None:
        """Take what the kernel asks, and give what is due."""
        if asked:
            self._more(READ)
        while len(self._asked) >= ASKED.size:
            self._obey()
        if self.due_in() == 0:
            now = time.monotonic()
            while self._waiting and self._waiting[0][0] <= now:
                self._deliver(*self._waiting.pop(0))
        if self._answers:
            try:
                self.socket.sendall(b"".join(self._answers))
            except OSError as error:
                raise Pulled from error
            self._answers.clear()

    def _obey(self) -> None:
        command, number, _, direction, endpoint, *asked = ASKED.unpack(self._take(ASKED.size))
        if command == UNLINK:
            before = len(self._waiting)
            self._waiting = [one for one in self._waiting if one[1] != asked[0]]
            self._answer(UNLINKED, number, UNLINKED_STATUS if len(self._waiting) < before else 0)
            return
        _, size, _, packets, _, setup = asked
        data = self._take(size) if direction != IN else b""
        if endpoint == 0:
            self._control(number, data, *SETUP.unpack(setup))
            return
        lengths = tuple(one[1] for one in PACKET.iter_unpack(self._take(PACKET.size * packets)))
        now = time.monotonic()
        if self._next < now - LATE_S:  # nobody listened: packets went by
            self._next = now
        self._next += packets / 1000
        self._waiting.append((self._next, number, lengths))

    def _take(self, count: int) -> bytes:
        while len(self._asked) < count:
            self._more(count - len(self._asked))
        taken, self._asked = self._asked[:count], self._asked[count:]
        return taken

    def _more(self, most: int) -> None:
        try:
            more = self.socket.recv(most)
        except OSError as error:
            raise Pulled from error
        if not more:
            raise Pulled
        self._asked += more

    def _control(self, number: int, data: bytes, kind: int, request: int, value: int, index: int, size: int) -> None:
        if kind == 0x80 and request == 6:  # GET_DESCRIPTOR
            if (answer := self._told.get(value)) is None:
                self._answer(SUBMITTED, number, STALL)
            else:
                self._answer(SUBMITTED, number, 0, answer[:size])
        elif kind == 0x80 and request == 0:  # GET_STATUS
            self._answer(SUBMITTED, number, 0, b"\0\0"[:size])
        elif kind == 0xA2 and request == 0x81:  # GET_CUR of the endpoint: its rate
            self._answer(SUBMITTED, number, 0, self._rate.to_bytes(3, "little")[:size])
        elif kind & 0x80:
            self._answer(SUBMITTED, number, STALL)
        else:  # SET_CONFIGURATION, SET_INTERFACE, SET_CUR: there is but one to choose
            self._answer(SUBMITTED, number, 0, size=len(data))

    def _deliver(self, due: float, number: int, lengths: tuple[int, ...]) -> None:
        frames = self._rate // 1000
        sound = self._room.heard(due - len(lengths) / 1000, frames * len(lengths))
        self._answer(SUBMITTED, number, 0, sound, packets=packets_of(lengths, 2 * frames), count=len(lengths))

    def _answer(
        self, command: int, number: int, status: int, data: bytes = b"", *, size: int = 0, packets: bytes = b"",
        count: int = 0xFFFFFFFF,
    ) -> None:  # fmt: skip
        head = ANSWERED.pack(command, number, 0, 0, 0, status, len(data) or size, 0, count, 0)
        self._answers += [head, data, packets]


@functools.cache
def packets_of(lengths: tuple[int, ...], filled: int) -> bytes:
    return b"".join(PACKET.pack(sum(lengths[:at]), length, filled, 0) for at, length in enumerate(lengths))


class Room:
    """What is to be heard, over and over, from now on; with the hiss of a microphone, which is never all zeros."""

    def __init__(self, path: str, first_s: float, last_s: float, rate: int) -> None:
        sound, given = soundfile.read(path, dtype="int16")
        sound = soxr.resample(sound[round(first_s * given) : round(last_s * given)], given, rate)
        hiss = np.random.default_rng(0).integers(-3, 4, len(sound))
        self._speech = np.clip(sound + hiss, -32768, 32767).astype("<i2").tobytes()
        self._hiss = hiss.astype("<i2").tobytes()
        self._began, self._rate = time.monotonic(), rate
        self.speaks = True

    def heard(self, since: float, count: int) -> bytes:
        """So many frames from that moment on."""
        sound = self._speech if self.speaks else self._hiss
        at = 2 * round((since - self._began) * self._rate) % len(sound)
        piece = sound[at : at + 2 * count]
        return piece if len(piece) == 2 * count else piece + sound[: 2 * count - len(piece)]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("sound")
    parser.add_argument("control")
    parser.add_argument("--part", type=float, nargs=2, default=(0.0, 3.0), help="from and to, in seconds")
    parser.add_argument("--serial", default="1")
    parser.add_argument("--rate", type=int, default=48_000)
    parser.add_argument("--port", type=int, default=0)
    args = parser.parse_args()
    room = Room(args.sound, *args.part, args.rate)
    os.mkfifo(args.control)
    control = os.open(args.control, os.O_RDWR)  # both, so that it never ends
    microphone, lines = None, b""
    while True:
        inputs = [control] if microphone is None else [control, microphone.socket]
        ready = select.select(inputs, [], [], microphone and microphone.due_in())[0]
        if control in ready:
            *whole, lines = (lines + os.read(control, 4096)).split(b"\n")
            for line in whole:
                if line == b"in" and microphone is None:
                    microphone = plugged(args, room)
                elif line == b"out" and microphone is not None:
                    microphone.close()
                    microphone = None
                elif line == b"freeze" and microphone is not None:
                    microphone.frozen = True
                elif line in (b"mute", b"sound"):
                    room.speaks = line == b"sound"
        elif microphone is not None:
            try:
                microphone.turn(microphone.socket in ready)
            except Pulled:
                microphone.close()
                microphone = None


def plugged(args: argparse.Namespace, room: Room) -> Microphone:
    end = time.monotonic() + 10
    while True:
        try:
            return Microphone(args.name, args.serial, args.rate, args.port, room)
        except OSError:  # the port is still letting go of what was pulled out
            if time.monotonic() > end:
                raise
            time.sleep(0.01)


if __name__ == "__main__":
    main()
