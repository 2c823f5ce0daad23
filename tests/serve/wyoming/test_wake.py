"""The wake service, asked by the protocol's own client and as Home Assistant asks it. Around 15 s."""

import asyncio
import json
import math
import sys

import numpy as np
import pytest
import soxr

from tests.memory import plant
from tests.serve.wyoming.world import (
    RATE,
    ROOT,
    TRUTH,
    WORDS,
    AudioStart,
    AudioStop,
    Detect,
    Detection,
    Event,
    chunks,
    heard,
    send,
    serving,
    six_words,
    talk,
    until,
    words,
)
from wakegate.audio.resample import HIGHEST_RATE, LOWEST_RATE
from wakegate.errors import ConfigError, ModelError
from wakegate.serve.wyoming.pcm import MOST_CHANNELS, MOST_WIDTH
from wakegate.serve.wyoming.words import MOST_LISTENING
from wakegate.wake import catalogue

from wyoming.info import Describe, Info  # isort: skip
from wyoming.wake import NotDetected  # isort: skip


def named(found):
    return [one.name for one in found]


# What it is.


def test_info_names_every_word_of_the_one_program():
    async def run():
        async with serving() as service, service.client() as client:
            await client.write_event(Describe().event())
            return Info.from_event(await client.read_event())

    info = talk(run())
    (program,) = info.wake  # Home Assistant reads no other
    assert (program.name, program.installed, program.attribution.name) == ("wakegate", True, "wakegate")
    assert program.version.count(".") == 2 and program.description
    assert sorted(model.name for model in program.models) == sorted(WORDS)
    (manifest,) = catalogue.installed()
    for model in program.models:
        assert model.installed and model.phrase == model.description == model.name.replace("_", " ")
        assert model.version == f"{manifest.name}-{manifest.sha256[:12]}"
    assert not (info.asr or info.tts or info.handle or info.intent or info.mic or info.snd or info.satellite)


def test_info_names_the_words_that_are_offered():
    async def run():
        async with serving(offered=["Smart Mirror"]) as service, service.client() as client:
            await client.write_event(Describe().event())
            return Info.from_event(await client.read_event())

    assert [model.name for model in talk(run()).wake[0].models] == ["smart_mirror"]


def test_what_cannot_be_offered_is_said_before_anybody_comes():
    with pytest.raises(ConfigError, match="no installed model knows 'hal'"):
        words(["alexa", "hal"])
    with pytest.raises(ModelError, match="names no word"):
        words([])
    with pytest.raises((ConfigError, ModelError), match="threshold"):
        words(None, {"alexa": 7.0}).load()


def test_the_page_has_the_bounds_of_the_sound_that_is_understood():
    page = " ".join((ROOT / "wakegate" / "serve" / "README.md").read_text().split())
    assert f"any rate from {LOWEST_RATE:,} to {HIGHEST_RATE:,} Hz, any width from 1 to {MOST_WIDTH} bytes" in page
    assert f"and 1 to {MOST_CHANNELS} channels" in page


# What it hears.


@pytest.mark.parametrize("uri", ["tcp://127.0.0.1:0", "tcp://[::1]:0", "unix"])
def test_every_word_is_heard_where_it_is(uri, tmp_path):
    async def run():
        where = f"unix://{tmp_path}/wake.sock" if uri == "unix" else uri
        async with serving(where) as service:
            assert service.uri.startswith(uri.removesuffix(":0"))
            async with service.client() as client:
                return await heard(client, six_words()), service.told, service.dropped

    found, told, dropped = talk(run())
    assert named(found) == WORDS and dropped == []
    wakes = [one.heard.event for one in told if one.heard.event.kind == "wake"]
    for detection, truth, wake in zip(found, TRUTH, wakes, strict=True):
        context = detection.context
        assert truth["start_s"] * 1000 < detection.timestamp <= truth["end_s"] * 1000 + 200
        assert abs(context["word_start_ms"] - truth["start_s"] * 1000) < 300
        assert abs(context["word_end_ms"] - truth["end_s"] * 1000) < 200
        assert context["threshold"] <= context["score"] <= 1 and context["gate"] == "not_asked"
        assert len(context["event"]) == 16 and wake.id == context["event"]
    assert len({one.context["event"] for one in found}) == len(WORDS)


@pytest.mark.parametrize("names", [["alexa"], ["Smart Mirror", "alexa"], ["snowboy", "snowboy"]])
def test_the_words_that_are_asked_for_and_no_others_by_the_name_they_were_asked_for(names):
    async def run():
        async with serving() as service, service.client() as client:
            return await heard(client, six_words(), names)

    expected = [name for word in WORDS for name in dict.fromkeys(names) if catalogue.spelled(name) == word]
    assert named(talk(run())) == expected


def test_without_a_detect_every_word_is_listened_for():
    async def run():
        async with serving() as service, service.client() as client:
            for chunk in chunks(six_words()[: 6 * RATE].tobytes()):  # not even an audio-start
                await client.write_event(chunk)
            return [await client.read_event() for _ in range(2)]

    assert [Detection.from_event(event).name for event in talk(run())] == ["alexa", "computer"]


def test_a_threshold_of_its_own():
    async def run():
        async with serving(thresholds={"alexa": 1.0}) as service, service.client() as client:
            return await heard(client, six_words())

    assert named(talk(run())) == WORDS[1:]


def test_what_a_client_wants_to_have_said_back_is_said_with_each_answer_and_ours_comes_first():
    theirs = [{"room": {"name": "küche"}, "gate": "open"}, None, {"room": "hall"}]

    async def run():
        async with serving() as service, service.client() as client:
            said = []
            for context, samples in zip(
                theirs, (six_words()[: 3 * RATE], *[np.zeros(RATE, np.int16)] * 2), strict=True
            ):
                await client.write_event(Detect(names=["alexa"], context=context).event())
                await client.write_event(AudioStart(RATE, 2, 1).event())
                for chunk in chunks(samples.tobytes()):
                    await client.write_event(chunk)
                await client.write_event(AudioStop().event())
                said.append(await client.read_event())
            return said

    detection, without, last = talk(run())
    context = Detection.from_event(detection).context
    assert context["room"] == {"name": "küche"} and context["gate"] == "not_asked" and len(context["event"]) == 16
    assert [one.type for one in (without, last)] == ["not-detected"] * 2
    assert (NotDetected.from_event(without).context, NotDetected.from_event(last).context) == (None, {"room": "hall"})


@pytest.mark.parametrize("seconds", [6, 4.7], ids=["in the sound", "cut off by its end"])
def test_a_near_miss_is_for_people_and_never_for_the_client(seconds):
    async def run():
        async with serving(thresholds={"computer": 0.97}) as service, service.client() as client:
            await send(client, six_words()[: int(seconds * RATE)], ["computer"])
            await client.write_event(AudioStop().event())
            await client.write_event(Event("ping", {}))
            return [one.type for one in await until(client, "pong")], service.told

    said, (told,) = talk(run())
    assert said == ["not-detected", "pong"]
    truth = next(one for one in TRUTH if one["word"] == "computer")
    assert (told.client, told.heard.event.kind, told.heard.name) == (1, "near_miss", "computer")
    assert told.heard.event.score < 0.97 == told.heard.event.threshold
    assert abs(told.heard.start_ms - truth["start_s"] * 1000) < 300 and told.heard.at_ms <= seconds * 1000


@pytest.mark.parametrize("names", [["hal"], ["alexa", "hal"], [], ["x" * 10_000], ["alexa"] * 40])
def test_an_unknown_word_is_an_error_and_never_another_word(names):
    async def run():
        async with serving() as service, service.client() as client:
            await client.write_event(Detect(names=names).event())
            events = await until(client)
            return events, service.dropped

    (error,), (dropped,) = talk(run())
    assert error.type == "error" and error.data["code"] == "unknown-word" == dropped.code
    assert len(error.data["text"]) < 200


@pytest.mark.parametrize("names", ["alexa", {"alexa": 1}, [1], 7])
def test_names_that_are_no_list_of_words_are_an_error(names):
    async def run():
        async with serving() as service, service.client() as client:
            await client.write_event(Event("detect", {"names": names}))
            return await until(client)

    assert [event.data["code"] for event in talk(run())] == ["bad-event"]


def test_sound_without_a_word_is_not_detected_once_it_stops():
    async def run():
        async with serving() as service, service.client() as client:
            await send(client, six_words()[: RATE // 2])
            await client.write_event(AudioStop().event())
            first = await client.read_event()
            # The next sound on the same connection is a new one.
            await send(client, six_words()[: 3 * RATE])
            await client.write_event(AudioStop().event())
            await client.write_event(Event("ping", {"text": "x"}))
            return first, await until(client, "pong")

    first, rest = talk(run())
    assert first.type == "not-detected"
    assert [event.type for event in rest] == ["detection", "pong"] and rest[-1].data == {"text": "x"}


def test_a_word_that_ends_with_the_sound_is_heard():
    end = round(TRUTH[0]["end_s"] * RATE)

    async def run():
        async with serving() as service, service.client() as client:
            return await heard(client, six_words()[:end])

    (detection,) = talk(run())
    assert detection.name == "alexa" and detection.timestamp <= math.ceil(1000 * end / RATE)


def test_the_same_word_twice_and_a_detect_between_two_requests():
    twice = np.concatenate([six_words()[: 3 * RATE]] * 2)

    async def run():
        async with serving() as service, service.client() as client:
            once = await heard(client, twice, ["alexa"])
            await send(client, six_words()[: 3 * RATE], ["alexa"], first_ms=50_000)
            first = await client.read_event()
            await client.write_event(Detect(names=["alexa"]).event())  # satellites ask anew, and send no audio-start
            for chunk in chunks(six_words()[: 3 * RATE].tobytes(), first_ms=60_000):
                await client.write_event(chunk)
            return once, first, await client.read_event()

    once, first, second = talk(run())
    one, other = once
    assert other.timestamp == pytest.approx(one.timestamp + 3000, abs=100)
    assert first.data["timestamp"] == pytest.approx(51_650, abs=200)
    assert second.data["timestamp"] == pytest.approx(61_650, abs=200)


@pytest.mark.parametrize("first_ms", [0, 7_000, 1_900_000_000_000, -5_000])
def test_the_timestamp_is_in_the_clients_own_time(first_ms):
    async def run():
        async with serving() as service, service.client() as client:
            return await heard(client, six_words()[: 3 * RATE], first_ms=first_ms)

    (detection,) = talk(run())
    assert 1000 < detection.timestamp - first_ms <= 1910


def test_time_does_not_drift_where_chunks_have_no_timestamp():
    """Chunks of 1.0625 ms: counted in whole milliseconds, 16 s would have lost one."""

    async def run():
        async with serving() as service, service.client() as client:
            return await heard(client, six_words(), size=17, stamped=False)

    assert [one.timestamp for one in talk(run())][-1] == pytest.approx(TRUTH[-1]["end_s"] * 1000, abs=200)


def test_chunks_of_any_size_give_the_same():
    async def run(size):
        async with serving() as service, service.client() as client:
            found = await heard(client, six_words(), size=size)
            return [(one.name, one.context["score"], one.timestamp) for one in found]

    whole = talk(run(1280))
    for size in (160, 1023, 10**6):
        for (*said, at), (*expected, expected_at) in zip(talk(run(size)), whole, strict=True):
            assert said == expected and abs(at - expected_at) <= 1  # a client's own stamps are whole milliseconds


# Any rate, width and channels.


def in_form(rate, width, channels):
    """Return the first three seconds as a client of this form would send them."""
    sound = six_words()[: 3 * RATE].astype(np.float64) / 32768
    sound = np.clip(soxr.resample(sound, RATE, rate), -1, 1 - 2**-15)
    frames = np.repeat(sound[:, None], channels, axis=1)
    if width == 1:
        return np.rint(frames * 127 + 128).astype(np.uint8).tobytes()
    whole = np.rint(frames * 2 ** (8 * width - 1)).astype("<i8")
    return np.ascontiguousarray(whole.reshape(-1, 1).view(np.uint8)[:, :width]).tobytes()


@pytest.mark.parametrize(
    ("rate", "width", "channels"),
    [(16_000, 2, 1), (16_000, 1, 1), (16_000, 3, 2), (44_100, 2, 2), (48_000, 4, 1), (48_000, 3, 6), (22_050, 2, 1)],
)
def test_any_form_of_sound_is_understood(rate, width, channels):
    async def run():
        async with serving() as service, service.client() as client:
            await client.write_event(AudioStart(rate, width, channels, timestamp=500).event())
            for chunk in chunks(in_form(rate, width, channels), 1000, rate, width, channels, stamped=False):
                await client.write_event(chunk)
            await client.write_event(AudioStop().event())
            return await client.read_event()

    detection = Detection.from_event(talk(run()))
    assert detection.name == "alexa" and 1500 < detection.timestamp <= 2410


def test_a_chunk_of_another_form_begins_anew():
    async def run():
        async with serving() as service, service.client() as client:
            for form in ((16_000, 2, 1), (48_000, 2, 2)):
                for chunk in chunks(in_form(*form), 4000, *form, first_ms=9000):
                    await client.write_event(chunk)
            return [await client.read_event() for _ in range(2)]

    assert [event.data["timestamp"] // 1000 for event in talk(run())] == [10, 10]


@pytest.mark.parametrize(
    "wrong",
    [
        {"rate": 0}, {"rate": 10**9}, {"rate": "16000"}, {"rate": 16000.0}, {"rate": True}, {"rate": None},
        {"width": 0}, {"width": 5}, {"width": -2}, {"channels": 0}, {"channels": 1000}, {"channels": [1]},
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("kind", ["audio-start", "audio-chunk"])
def test_a_form_that_cannot_be_is_an_error(kind, wrong):
    async def run():
        async with serving() as service, service.client() as client:
            await client.write_event(Event(kind, {"rate": RATE, "width": 2, "channels": 1} | wrong, b"1234"))
            return await until(client)

    assert [event.data["code"] for event in talk(run())] == ["bad-audio"]


def test_half_a_sample_is_an_error():
    async def run():
        async with serving() as service, service.client() as client:
            await client.write_event(Event("audio-chunk", {"rate": RATE, "width": 2, "channels": 2}, b"12345678ab"))
            return await until(client)

    assert [event.data["code"] for event in talk(run())] == ["bad-audio"]


# As Home Assistant does it.

DETECT = b'{"type": "detect", "version": "1.10.2", "data_length": 20}\n{"names": ["alexa"]}'
ANY = b'{"type": "detect", "version": "1.10.2", "data_length": 15}\n{"names": null}'
START = (
    b'{"type": "audio-start", "version": "1.10.2", "data_length": 60}\n'
    b'{"rate": 16000, "width": 2, "channels": 1, "timestamp": null}'
)


def home_assistant(size, detect):
    """What 2026.11 writes: detect, audio-start, chunks with a timestamp in ms, and never an audio-stop."""
    yield detect
    start = START.partition(b"\n")
    yield START.replace(b"60", str(len(start[2])).encode())
    sound = six_words()[: 3 * RATE].tobytes()
    for at in range(0, len(sound), size):
        piece = sound[at : at + size]
        data = b'{"rate": 16000, "width": 2, "channels": 1, "timestamp": %d}' % (at // 32)
        header = b'{"type": "audio-chunk", "version": "1.10.2", "data_length": %d, "payload_length": %d}\n'
        yield header % (len(data), len(piece)) + data + piece


@pytest.mark.parametrize("size", [320, 2048], ids=["10 ms", "1024 samples"])
@pytest.mark.parametrize("broken_into", [1, 1000, 10**9])
@pytest.mark.parametrize("detect", [DETECT, ANY], ids=["alexa", "any"])
def test_what_home_assistant_sends_byte_for_byte(size, broken_into, detect):
    async def run():
        async with serving() as service:
            reader, writer = await service.raw()
            bytes_sent = b"".join(home_assistant(size, detect))
            if broken_into == 1:  # byte by byte is slow: the words, and a chunk
                whole = len(detect) + 400
                for at in range(whole):
                    writer.write(bytes_sent[at : at + 1])
                    await writer.drain()
                bytes_sent, broken_into_now = bytes_sent[whole:], 10**9
            else:
                broken_into_now = broken_into
            for at in range(0, len(bytes_sent), broken_into_now):
                writer.write(bytes_sent[at : at + broken_into_now])
                await writer.drain()
            header = json.loads(await reader.readline())
            data = json.loads(await reader.readexactly(header["data_length"]))
            writer.close()  # as soon as it knows
            await writer.wait_closed()
            return header, data, service.dropped

    header, data, dropped = talk(run())
    assert header["type"] == "detection" and "payload_length" not in header
    assert data["name"] == "alexa" and 1000 < data["timestamp"] <= 1910 and dropped == []


# Many at once.


def test_many_clients_at_once_each_hear_their_own():
    async def one(service, word):
        at = WORDS.index(word) * 3 * RATE
        async with service.client() as client:
            return named(await heard(client, six_words()[at : at + 3 * RATE], [word], size=320))

    async def run():
        async with serving() as service:
            wanted = [WORDS[number % 6] for number in range(MOST_LISTENING)]
            return wanted, await asyncio.gather(*(one(service, word) for word in wanted))

    wanted, found = talk(run())
    assert found == [[word] for word in wanted]


def test_one_client_too_many_is_told_and_the_others_go_on():
    async def run():
        async with serving() as service:
            clients = [service.client() for _ in range(MOST_LISTENING + 1)]
            for client in clients:
                await client.connect()
                await client.write_event(Detect(names=None).event())
                await client.write_event(Event("ping", {"text": "x"}))
            answers = [(await client.read_event()) for client in clients]
            for client in clients[:2]:
                await client.disconnect()
            well = await service.is_well()  # there is room again
            for client in clients[2:]:
                await client.disconnect()
            return answers, well

    answers, well = talk(run())
    assert [event.type for event in answers] == ["pong"] * MOST_LISTENING + ["error"] and well
    assert answers[-1].data["code"] == "busy"


def test_who_sends_without_a_pause_does_not_keep_another_waiting():
    async def greedy(service):
        async with service.client() as client:
            await send(client, np.tile(six_words(), 40), size=200_000)

    async def run():
        async with serving() as service:
            loads = [asyncio.create_task(greedy(service)) for _ in range(3)]
            await asyncio.sleep(0.3)
            waits = []
            async with service.client() as client:
                for _ in range(20):
                    began = asyncio.get_running_loop().time()
                    await client.write_event(Event("ping", {"text": "x"}))
                    await client.read_event()
                    waits.append(asyncio.get_running_loop().time() - began)
            busy = [not load.done() for load in loads]
            for load in loads:
                load.cancel()
            await asyncio.gather(*loads, return_exceptions=True)
            return waits, busy

    waits, busy = talk(run())
    assert all(busy) and sorted(waits)[10] < 0.5


# What stays behind: nothing.


SENDER = """
import asyncio, sys
import soundfile
from wyoming.audio import AudioChunk, AudioStart
from wyoming.client import AsyncClient

async def main(uri, path):
    sound, rate = soundfile.read(path, dtype="int16", always_2d=True)
    async with AsyncClient.from_uri(uri) as client:
        await client.write_event(AudioStart(rate, 2, sound.shape[1]).event())
        for at in range(0, len(sound), 1024):
            piece = sound[at : at + 1024]
            await client.write_event(AudioChunk(rate, 2, sound.shape[1], piece.tobytes()).event())
        print("sent", flush=True)
        sys.stdin.readline()

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.parametrize(("rate", "channels"), [pytest.param(16_000, 1, marks=pytest.mark.long), (48_000, 2)])
def test_a_clients_sound_is_overwritten_when_it_goes(rate, channels, tmp_path):
    probes = plant(tmp_path / "noise.wav", seed=11, rate=rate, channels=channels)

    async def run():
        async with serving() as service:
            assert await service.is_well()
            sender = await asyncio.create_subprocess_exec(
                sys.executable, "-c", SENDER, service.uri, str(tmp_path / "noise.wav"),
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            )  # fmt: skip
            await sender.stdout.readline()
            await asyncio.sleep(0.5)
            during = probes.found()
            sender.stdin.close()
            await sender.wait()
            while service.words._lent:
                await asyncio.sleep(0.05)
            await asyncio.sleep(0.1)
            return during, probes.found()

    during, after = talk(run())
    assert during != {}, "the search can find it"
    assert after == {}
