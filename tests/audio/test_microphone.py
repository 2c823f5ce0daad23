"""The microphone on a real PortAudio stream (PulseAudio's null sink), and its queue."""

import os
import time
from pathlib import Path

import numpy as np
import pytest
import soxr

from tests.audio.reading import loudest_hertz, tone
from wakegate.audio import microphone
from wakegate.audio.devices import Device, list_devices, restart_portaudio
from wakegate.audio.fifo import Fifo
from wakegate.audio.formats import Format, formats_to_try
from wakegate.audio.microphone import Microphone
from wakegate.errors import AudioError, DeviceError
from wakegate.events import Reason


def listen(source, seconds, stop=lambda reading: False):
    """Read 80 ms blocks until so much sound has come, or ``stop`` says so; return samples and gaps."""
    out, pieces, gaps = np.empty(1280, dtype=np.int16), [np.empty(0, dtype=np.int16)], []
    deadline = time.monotonic() + 10
    while sum(map(len, pieces)) < 16_000 * seconds:
        assert time.monotonic() < deadline, "no sound came"
        began = time.monotonic()
        reading = source.read(out)
        assert time.monotonic() - began < 1.0, "a read must not hang"
        pieces.append(out[: reading.count].copy())
        if reading.gap:
            assert reading.count == 0
            gaps.append(reading.gap)
        if stop(reading):
            break
    return np.concatenate(pieces), gaps


@pytest.fixture
def open_microphone():
    opened = []

    def open_one(*args, **kwargs):
        opened.append(Microphone(*args, **kwargs))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()


@pytest.mark.pulse
def test_what_is_played_arrives_at_16_khz(pulse, open_microphone):
    source = open_microphone()
    assert source.format == Format(16_000, 1, "int16")
    seconds = np.arange(48_000) / 48_000
    chirp = 0.4 * np.sin(2 * np.pi * (200 * seconds + 2900 * seconds**2))
    listen(source, 0.2)
    pulse.play(chirp, 48_000)
    heard, gaps = listen(source, 1.6)
    assert gaps == []
    played = soxr.resample(chirp, 48_000, 16_000)
    size = 1 << 16
    product = np.fft.rfft(heard, size) * np.conj(np.fft.rfft(played, size))
    lag = int(np.argmax(np.fft.irfft(product)))
    found = heard[lag : lag + len(played)]
    assert np.corrcoef(found, played[: len(found)])[0, 1] > 0.95


@pytest.mark.pulse
def test_a_device_that_refuses_falls_back_to_its_own_format(pulse, open_microphone):
    own = Format(44_100, 2, "float32")
    source = open_microphone(formats=[Format(16_000, 33, "int16"), own])
    assert source.format == own
    pulse.play(np.stack([tone(440, 3, 44_100), tone(440, 3, 44_100)], axis=1), 44_100)
    heard, gaps = listen(source, 1.6)
    assert gaps == []
    assert loudest_hertz(heard[-8000:]) == pytest.approx(440, abs=3)
    assert np.abs(heard[-8000:]).max() == pytest.approx(0.3 * 32768, rel=0.05)


@pytest.mark.pulse
@pytest.mark.parametrize(("channel", "hertz"), [(1, 500), (2, 1200)])
def test_a_channel_is_picked(pulse, open_microphone, channel, hertz):
    source = open_microphone("default", channel=channel)
    pulse.play(np.stack([tone(500, 3, 48_000), tone(1200, 3, 48_000)], axis=1), 48_000)
    heard, _ = listen(source, 1.2)
    assert loudest_hertz(heard[-8000:]) == pytest.approx(hertz, abs=3)


@pytest.mark.pulse
def test_a_lost_device_is_reported_once_and_comes_back(pulse, open_microphone):
    naps = []

    def nap(seconds):
        naps.append(seconds)
        time.sleep(0.005)

    source = open_microphone(pause=nap)
    listen(source, 0.3)
    pulse.crash()
    _, gaps = listen(source, 99, stop=lambda reading: len(naps) > 30)
    assert [gap[0] for gap in gaps] == [Reason.DEVICE_LOST]
    assert "is gone: waiting" in gaps[0][2]
    assert max(naps) <= 0.2, "read() must come back soon, however long the pause"
    pulse.start()
    pulse.play(tone(900, 4, 48_000), 48_000)
    heard, gaps = listen(source, 1.0)
    assert gaps == []
    assert loudest_hertz(heard[-8000:]) == pytest.approx(900, abs=3)


@pytest.mark.pulse
def test_no_other_device_is_taken_in_its_place_in_silence(pulse, open_microphone):
    """Asked for by its number, which another one has after the plug was pulled."""
    config = Path(os.environ["ALSA_CONFIG_PATH"])
    whole = config.read_text()

    def plugged(name):
        # One of its card comes before `default`, so a name that goes leaves its number to the next.
        config.write_text(f'pcm.{name} {{ type pulse hint {{ show on description "{name}" }} }}\n{whole}')

    try:
        plugged("kitchen")
        restart_portaudio()
        numbers = {one.name: one.number for one in list_devices()}
        source = open_microphone(numbers["kitchen"], pause=lambda seconds: time.sleep(0.002))
        listen(source, 0.3)
        pulse.crash()
        listen(source, 99, stop=lambda reading: reading.gap)
        pulse.start()
        plugged("bedroom")
        until = time.monotonic() + 2
        _, gaps = listen(source, 0.01, stop=lambda reading: time.monotonic() > until)
        assert gaps == [] and source._stream is None
        assert {one.name: one.number for one in list_devices()}["bedroom"] == numbers["kitchen"], "nothing to mistake"
        plugged("kitchen")
        listen(source, 0.3)
        assert source.device.name == "kitchen"
    finally:
        config.write_text(whole)


@pytest.mark.pulse
def test_pauses_grow_to_half_a_minute(pulse, open_microphone):
    naps = []
    source = open_microphone(pause=naps.append)
    listen(source, 0.1)
    pulse.crash()
    listen(source, 99, stop=lambda reading: sum(naps) > 0.5 + 1 + 2 + 4 + 8 + 16 + 30 + 30)
    assert source._pause_s == 30
    assert max(naps) <= 0.2


@pytest.mark.pulse
def test_a_full_queue_is_a_gap_after_what_came_before_it(pulse, open_microphone, monkeypatch):
    monkeypatch.setattr(microphone, "QUEUE_S", 0.4)
    source = open_microphone()
    listen(source, 0.2)
    time.sleep(1.0)
    heard, gaps = listen(source, 99, stop=lambda reading: reading.gap)
    assert len(heard) == 0.4 * 16_000, "what was queued comes first, whole"
    ((reason, lost, detail),) = gaps
    assert reason is Reason.DEVICE_OVERFLOW
    assert lost == pytest.approx(0.6 * 16_000, abs=0.15 * 16_000)
    assert "loop stood still" in detail
    _, gaps = listen(source, 0.5)
    assert gaps == []


@pytest.mark.pulse
def test_nothing_is_left_after_wipe_and_close(pulse, open_microphone):
    source = open_microphone(formats=[Format(48_000, 2, "float32")])
    pulse.play(np.full((48_000 * 3, 2), 0.25), 48_000)
    listen(source, 0.6)
    time.sleep(0.2)
    waiting = source._fifo.waiting
    assert source._fifo._bytes.any(), "the positive control"
    source._stream.stop()
    source.wipe()
    assert not source._fifo._bytes.any()
    assert source._fifo.waiting >= waiting > 0, "its time comes as silence"
    assert not source.read(np.empty(1280, dtype=np.int16)).gap
    source.close()
    source.close()
    with pytest.raises(AudioError, match="closed"):
        source.read(np.empty(9, dtype=np.int16))


@pytest.mark.pulse
def test_unknown_devices_and_channels_are_said(pulse):
    with pytest.raises(DeviceError, match=r"no input 'kitchen': choose one by number or name \(.*default"):
        Microphone("kitchen")
    with pytest.raises(DeviceError, match="no channel 40: choose 1 to 32"):
        Microphone(channel=40)
    with pytest.raises(DeviceError, match=r"cannot be opened \(16000 Hz, 33 channels, int16"):
        Microphone(formats=[Format(16_000, 33, "int16")])


def device(channels, rate=48_000):
    return Device(number=0, name="USB", host="ALSA", channels=channels, rate=rate, default=True)


def test_the_cheapest_format_is_asked_for_first():
    assert formats_to_try(device(2), None)[0] == Format(16_000, 1, "int16")
    asked = formats_to_try(device(6, 44_100), None)
    assert Format(44_100, 6, "float32") in asked
    assert len(asked) == len(set(asked))


def test_a_picked_channel_asks_a_card_for_all_and_a_server_for_enough():
    assert {form.channels for form in formats_to_try(device(6), 3)} == {6}
    assert {form.channels for form in formats_to_try(device(32), 3)} == {4}
    assert {form.channels for form in formats_to_try(device(32), 1)} == {2}


def test_the_queue_is_the_stream_and_zero_behind():
    queue, stream = Fifo(10), bytes(range(1, 200))
    got, out = b"", np.empty(4, dtype=np.uint8)
    for at in range(0, len(stream) - 3, 3):
        assert queue.put(stream[at : at + 3])
        count = queue.take(out)
        got += out[:count].tobytes()
        assert not queue._bytes.any()
    assert got == stream[: len(got)]


def test_a_full_queue_takes_nothing_and_silence_keeps_time():
    queue, out = Fifo(10), np.empty(20, dtype=np.uint8)
    assert queue.put(b"123456")
    assert not queue.put(b"78901"), "all or nothing"
    assert queue.put(b"7890")
    queue.take(out[:7])
    assert queue.put(b"abc")
    queue.silence()
    assert not queue._bytes.any()
    assert queue.waiting == 6
    assert queue.take(out) == 6
    assert not out[:6].any()
