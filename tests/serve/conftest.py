"""A place of its own, and a pipeline that hears what it is told to."""

import numpy as np
import pytest

from tests.gate.world import FakeEar, World
from wakegate.pipeline import Pipeline


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


@pytest.fixture
def pipeline(world):
    sound = np.zeros(16_000, np.int16)
    with Pipeline.open(sound, scorer=FakeEar(), place=world.place, clock=world.clock) as pipeline:
        yield pipeline
