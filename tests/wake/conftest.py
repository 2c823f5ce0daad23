"""Every engine that can be had here."""

import pytest

from tests.wake.model import WITHOUT_ONNXRUNTIME

ENGINES = (
    pytest.param("onnxruntime", marks=pytest.mark.skipif(WITHOUT_ONNXRUNTIME, reason="onnxruntime is not installed")),
    "numpy",
)


@pytest.fixture(scope="module", params=ENGINES)
def engine(request) -> str:
    return request.param
