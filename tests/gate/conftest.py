"""What the gate's tests share: how much is listened to at a time while the gate is shut."""

import pytest

from tests.gate.world import FakeEar


@pytest.fixture(params=[1280, 2560], ids=["80 ms", "160 ms"])
def block(request, monkeypatch):
    """As much as the model needs for its next look: half of the shipped one's, and all of it."""
    monkeypatch.setattr(FakeEar, "needs", request.param)
    return request.param
