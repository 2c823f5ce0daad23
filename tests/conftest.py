"""What tests of models share: a scorer that has heard nothing."""

import pytest


@pytest.fixture
def scorer(loaded):
    """The module's ``loaded`` scorer, fresh: loading takes longer than forgetting."""
    loaded.reset()
    yield loaded
    loaded.reset()
