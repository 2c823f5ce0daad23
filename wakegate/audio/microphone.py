"""Sound from a microphone, through PortAudio.

Owns the stream, its queue, and coming back when a device vanishes. The callback copies into the queue and does nothing
else. Never keeps what was read: slots are zeroed as they are taken. What this process cannot wipe: PortAudio's own
buffers (some tens of milliseconds, in its heap), the sound server's, and the kernel's ring (``/dev/snd``), all of which
hold the last moments of sound and are overwritten as new sound comes.

What comes back is the very device that was lost, by its name and its card; no other is ever taken in its place, not
even where ALSA's own `default` has become another card. (Behind a sound server that is the server's own device: which
microphone it passes on is the server's choice.)

Coming back restarts PortAudio, which closes every PortAudio stream of this process: a program that plays sound through
PortAudio itself should do so in another process.
"""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from ..errors import AudioError, DeviceError
from ..events import SAMPLE_RATE, Reason
from . import cards
from .block import Reading, Samples
from .devices import again, choose, list_devices, portaudio, restart_portaudio
from .fifo import Fifo
from .formats import Format, check_channel, formats_to_try
from .resample import Converter

QUEUE_S = 2.0  # what a stall of the disk or the processor may last
CALLBACKS_A_SECOND = 25
RING_S = 3 / CALLBACKS_A_SECOND  # PortAudio's ALSA makes it 4 periods of a callback each; more would make them longer
WAIT_S = 0.2  # the longest that read() waits: revocation and Ctrl-C are seen this soon
SILENT_S = 2.0  # a device without a single callback for so long is gone
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0


class Microphone:
    """Listen to an input device.

    16 kHz mono int16 is asked for first and goes straight into the lent slice; else the device's own rate, channels
    and float32 are taken and converted.

    Parameters
    ----------
    device : int, str or None
        Number, name or part of a name, as :func:`~wakegate.audio.devices.choose` takes it; None for the default.
    channel : int, optional
        The device's channel to take, counted from 1; without it all are mixed.
    formats : sequence of Format, optional
        What to ask for, in this order, where the built-in order does not suit a device.
    pause : callable, optional
        Sleeps for seconds while a lost device is waited for; tests give their own.

    Raises
    ------
    DeviceError
        Where there is no PortAudio, no such device, or it refuses every format.
    """

    def __init__(
        self,
        device: int | str | None = None,
        channel: int | None = None,
        *,
        formats: Sequence[Format] | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._channel = channel
        self._formats = formats
        self._pause = pause
        self._bell = threading.Lock()  # held = nothing new; the callback opens it, and never waits for it
        self._stream: Any = None
        self._closed = False
        self._missed = False  # its loss was reported, and no sound has come since
        self._pause_s = FIRST_PAUSE_S
        self._until_retry_s = 0.0
        self._nodes = cards.nodes()
        self._card: cards.Card | None = None
        devices = list_devices()
        self.device, _ = choose(devices, device)
        same = [one for one in devices if (one.host, one.model) == (self.device.host, self.device.model)]
        self._twins = len(same) > 1
        self._open()
        self._card = self._card_now
        self._twins |= cards.twinned(self._card)

    @property
    def name(self) -> str:
        """Words for people and the journal."""
        return f"microphone {self.device.name}"

    def read(self, out: Samples) -> Reading:
        """Fill ``out`` (n,) int16, waiting at most about 0.2 s beyond the sound's own time.

        A gap comes alone (count 0): what was heard before it has been delivered by then. A device that is gone is a
        gap DEVICE_LOST, once; after that ``Reading(0)`` comes until it is back.

        Raises
        ------
        AudioError
            After :meth:`close`.
        """
        if self._closed:
            raise AudioError("this microphone was closed: open it again")
        if self._stream is None:
            return self._await_device()
        count = self._gather(out)
        if count:
            self._missed, self._pause_s = False, FIRST_PAUSE_S
            return Reading(count)
        if self._broken:
            return Reading(0, gap=self._end_gap())
        if self._silent_s >= SILENT_S or not self._active():
            return self._lose()
        return Reading(0)

    def wipe(self) -> None:
        """Overwrite the queue and what is being resampled; their time comes as silence."""
        self._fifo.silence()
        if self._converter is not None:
            self._converter.wipe()

    def close(self) -> None:
        """Give the device back and wipe. Safe to call twice."""
        self._closed = True
        self._drop_stream()

    def _open(self) -> None:
        """Start the first format that the device takes."""
        sounddevice = portaudio()
        others = cards.recorded()
        refusals = []
        for form in self._formats or formats_to_try(self.device, self._channel):
            check_channel(self.device, form, self._channel)
            self._prepare(form)
            try:
                self._stream = sounddevice.RawInputStream(
                    samplerate=form.rate, channels=form.channels, dtype=form.dtype, device=self.device.number,
                    blocksize=form.rate // CALLBACKS_A_SECOND, latency=RING_S, dither_off=True, callback=self._callback,
                )  # fmt: skip
                self._stream.start()
                self._card_now = _only(cards.recorded() - others)
                break
            except sounddevice.PortAudioError as error:
                self._drop_stream()
                refusals.append(f"{form.rate} Hz, {form.channels} channels, {form.dtype}: {error}")
        else:
            refused = "; ".join(refusals)
            raise DeviceError(
                f"input {self.device} cannot be opened ({refused}): is another program using it, or is none plugged in?"
            )
        if self._card is not None and not self._is_it(self._card):
            self._drop_stream()
            raise DeviceError(f"input {self.device} is another microphone now")

    def _is_it(self, card: cards.Card) -> bool:
        return self._card_now == card if self._twins else card.may_be(self._card_now)

    def _prepare(self, form: Format) -> None:
        self.format = form
        self._fifo = Fifo(round(QUEUE_S * form.rate) * form.frame_size)
        direct = form == Format(SAMPLE_RATE, 1, "int16")
        self._converter = None if direct else Converter(form.rate, form.channels, form.dtype, self._channel)
        self._broken = False  # set by the callback, cleared by the reader once the gap is reported
        self._lost: int = 0
        self._device_overflow = False
        self._silent_s = 0.0

    def _callback(self, frames: Any, count: int, _time: Any, status: Any) -> None:
        # PortAudio's thread. From a loss on nothing is queued until the reader has seen it: order is kept.
        if status.input_overflow:
            self._broken = self._device_overflow = True
        if self._broken or not self._fifo.put(frames):
            self._broken = True
            self._lost += count
        if self._bell.locked():
            self._bell.release()

    def _gather(self, out: Samples) -> int:
        """Wait until ``out`` is full, a gap comes or nothing comes; return how many samples there are."""
        filled = self._drain(out)
        while filled < len(out) and not self._broken:
            if not self._bell.acquire(timeout=WAIT_S):
                self._silent_s += WAIT_S
                break
            self._silent_s = 0.0
            filled += self._drain(out[filled:])
        return filled

    def _drain(self, out: Samples) -> int:
        if self._converter is None:
            return self._fifo.take(out.view(np.uint8)) // 2
        filled = self._converter.take(out)
        inlet = self._converter.inlet
        while filled < len(out) and self._fifo.waiting:
            count = self._fifo.take(inlet.reshape(-1).view(np.uint8)) // self.format.frame_size
            self._converter.push(count)
            filled += self._converter.take(out[filled:])
        return filled

    def _end_gap(self) -> tuple[Reason, int, str]:
        """Take note of the loss, and let sound in again."""
        lost = round(self._lost * SAMPLE_RATE / self.format.rate)
        by_device = self._device_overflow
        self._restart_converter()
        self._lost, self._device_overflow = 0, False
        self._broken = False
        if by_device:
            return Reason.DEVICE_OVERFLOW, 0, "the device overflowed: this machine was too busy to take the sound"
        return Reason.DEVICE_OVERFLOW, lost, f"the queue of {QUEUE_S:g} s was full: the listening loop stood still"

    def _restart_converter(self) -> None:
        if self._converter is not None:
            self._converter.restart()

    def _active(self) -> bool:
        try:
            return bool(self._stream.active)
        except portaudio().PortAudioError:
            return False

    def _lose(self) -> Reading:
        self._drop_stream()
        if self._missed:  # it came back in name only
            self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
        self._until_retry_s = self._pause_s
        self._nodes = cards.nodes()
        self._twins |= cards.twinned(self._card)  # one may have been plugged in since
        if self._missed:
            return Reading(0)
        self._missed = True
        return Reading(0, gap=(Reason.DEVICE_LOST, 0, f"input {self.device} is gone: waiting for it"))

    def _await_device(self) -> Reading:
        nap = min(WAIT_S, self._until_retry_s)
        self._pause(nap)
        self._until_retry_s -= nap
        if (nodes := cards.nodes()) != self._nodes:  # something was plugged in or pulled out: no need to be patient
            self._nodes, self._pause_s = nodes, FIRST_PAUSE_S
            self._until_retry_s = min(self._until_retry_s, FIRST_PAUSE_S)
        if self._until_retry_s <= 1e-9:
            try:
                restart_portaudio()
                # Not what would be chosen now: where a microphone is gone, the default is another one.
                self.device = again(list_devices(), self.device, self._twins, self._card)
                self._open()
                self._card = self._card_now or self._card  # it may be plugged in elsewhere now
            except DeviceError:
                self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
                self._until_retry_s = self._pause_s
        return Reading(0)

    def _drop_stream(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            with suppress(portaudio().PortAudioError):
                stream.close(ignore_errors=True)
        self.wipe()
        self._restart_converter()

    def __repr__(self) -> str:
        """Show the device, never the samples."""
        return f"Microphone({self.device}, {self.format})"


def _only(numbers: frozenset[int]) -> cards.Card | None:
    """Return the card that has one of these numbers; None where there is not one."""
    return cards.card(next(iter(numbers))) if len(numbers) == 1 else None
