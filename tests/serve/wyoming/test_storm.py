"""Storms: whatever clients do, few lines are said, and how many were not. Around 3 s."""

import asyncio
import contextlib
import logging

import pytest

from tests.serve.wyoming.world import RATE, heard, serving, six_words, talk
from wakegate.serve.wyoming import storm
from wakegate.serve.wyoming.storm import Storm


class Clock:
    """Seconds by hand, and what is to be called at some of them."""

    def __init__(self):
        self.time, self.calls = 0.0, []

    def __call__(self):
        return self.time

    def later(self, seconds, call):
        self.calls.append((self.time + seconds, call))

    def wait(self, seconds):
        self.time += seconds
        due = [one for one in self.calls if one[0] <= self.time]
        self.calls = [one for one in self.calls if one not in due]
        for _, call in due:
            call()


def test_so_many_lines_at_once_and_then_a_few_a_minute_and_the_rest_is_counted(caplog):
    clock = Clock()
    lines = Storm("clients", clock.later, clock)
    assert sum(lines.passes() for _ in range(1000)) == storm.MOST
    clock.wait(storm.EVERY_S - 1)
    assert caplog.text == ""
    clock.wait(1)
    assert [one.message for one in caplog.records] == [f"lines about clients were left out: {1000 - storm.MOST}"]
    assert [lines.passes(), lines.passes()] == [True, False]
    clock.wait(1000 * storm.MOST * storm.EVERY_S)
    assert [one.message for one in caplog.records][1:] == ["lines about clients were left out: 1"]
    assert sum(lines.passes() for _ in range(1000)) == storm.MOST, "a quiet week saves nothing up for a storm"


def test_what_was_left_out_is_told_at_an_end_and_counted_anew_after_it(caplog):
    clock = Clock()
    lines = Storm("clients", clock.later, clock)
    lines.tell()
    assert sum(lines.passes() for _ in range(storm.MOST + 7)) == storm.MOST
    lines.tell()
    clock.calls.clear()  # the loop is gone, and what it was to call
    assert not lines.passes()
    clock.wait(storm.EVERY_S)
    lines.tell()
    assert [one.message for one in caplog.records] == [f"lines about clients were left out: {n}" for n in (7, 1)]


def test_a_day_of_it_is_some_thousand_lines(caplog):
    clock = Clock()
    lines = Storm("clients", clock.later, clock)
    said = 0
    for _ in range(24 * 3600):
        clock.wait(1)
        said += lines.passes()
    clock.wait(storm.EVERY_S)
    counted = sum(int(one.message.rpartition(" ")[2]) for one in caplog.records)
    assert said + len(caplog.records) < 20_000 and said + counted == 24 * 3600


def test_when_nothing_comes_after_a_storm_how_many_were_left_out_is_said_all_the_same(monkeypatch, caplog):
    monkeypatch.setattr(storm, "MOST", 2)
    monkeypatch.setattr(storm, "EVERY_S", 0.5)

    async def run():
        async with serving() as service:
            for _ in range(5):
                reader, writer = await service.raw()
                writer.write(b"rubbish\n")
                await reader.read()
                writer.close()
            while not caplog.records:
                await asyncio.sleep(0.01)
            return len(service.dropped)

    assert talk(run()) + int(caplog.records[0].message.rpartition(" ")[2]) == 5


def test_a_client_that_says_the_word_over_and_over_is_told_each_time_and_people_are_not(monkeypatch, caplog):
    monkeypatch.setattr(storm, "MOST", 2)

    async def run():
        async with serving() as service, service.client() as client:
            told = [word.name for _ in range(4) for word in await heard(client, six_words()[: 3 * RATE], ["alexa"])]
            return told, [one.heard.name for one in service.told if one.heard.event.kind == "wake"]

    assert talk(run()) == (["alexa"] * 4, ["alexa"] * 2)
    assert [one.message for one in caplog.records] == ["lines about detections were left out: 2"]


def test_near_misses_over_and_over_take_no_detections_line(monkeypatch, caplog):
    monkeypatch.setattr(storm, "MOST", 2)

    async def run():
        async with serving(thresholds={"computer": 0.97}) as service, service.client() as client:
            for _ in range(4):
                await heard(client, six_words()[: 6 * RATE], ["computer"])
            await heard(client, six_words()[: 3 * RATE], ["alexa"])
            return [(one.heard.event.kind, one.heard.name) for one in service.told]

    assert talk(run()) == [("near_miss", "computer")] * 2 + [("wake", "alexa")]
    assert [one.message for one in caplog.records] == ["lines about near misses were left out: 2"]


def test_an_error_of_ours_that_clients_can_provoke_is_no_flood_of_traces(monkeypatch, caplog):
    from wakegate.serve.wyoming.hearing import Hearing

    monkeypatch.setattr(storm, "MOST", 2)
    monkeypatch.setattr(Hearing, "begin", lambda *_: 1 / 0)

    async def run():
        async with serving() as service:
            for _ in range(5):
                with contextlib.suppress(OSError):
                    async with service.client() as client:
                        await heard(client, six_words()[:1000])

    with caplog.at_level(logging.ERROR):
        talk(run())
    assert len(caplog.records) == 2


@pytest.mark.parametrize("data", [b"rubbish\n", b'{"type": 1}\n'])
def test_rubbish_over_and_over_is_said_a_few_times(monkeypatch, caplog, data):
    monkeypatch.setattr(storm, "MOST", 2)

    async def run():
        async with serving() as service:
            for _ in range(5):
                reader, writer = await service.raw()
                writer.write(data)
                assert b'"type": "error"' in await reader.read()
                writer.close()
            return len(service.dropped), await service.is_well()

    assert talk(run()) == (2, True)
    told = ["lines about clients that were sent away were left out: 3"]
    assert [one.message for one in caplog.records] == told, "at the end, at the latest"
