"""A clock that the test moves, and a place of its own for each test."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from wakegate.consent.clock import Moment
from wakegate.events import NearMiss, Wake
from wakegate.place import Place

MODEL = "ab" * 32


class FakeClock:
    """Starts at a round hour; stands still until the test moves it."""

    def __init__(self) -> None:
        self.wall, self.since_boot, self.trusted, self.boot_id = 1_795_305_600.0, 100.0, True, "boot-one"

    def now(self) -> Moment:
        return Moment(self.wall, self.trusted, self.since_boot, self.boot_id)

    def boot(self) -> float:
        return self.since_boot

    def advance(self, seconds: float) -> None:
        self.wall += seconds
        self.since_boot += seconds


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def place() -> Iterator[Place]:
    # Real files; in memory where the machine has such a place, because these tests wait for the disk a thousand times.
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder:
        yield Place(Path(folder) / "state", test=True)


@pytest.fixture
def wake() -> Callable[..., Wake]:
    def make(event_id: str, word: str = "alexa", at: int = 16_000) -> Wake:
        return Wake(at=at, id=event_id, word=word, score=0.9, threshold=0.8, start=at - 8000, end=at)

    return make


@pytest.fixture
def near() -> Callable[[int], NearMiss]:
    def make(at: int) -> NearMiss:
        return NearMiss(at=at, word="alexa", score=0.5, threshold=0.8, start=at, end=at + 100)

    return make
