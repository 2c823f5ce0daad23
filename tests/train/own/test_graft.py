"""How many words a model file has room for. Around 5 s."""

import pytest

pytest.importorskip("torch", reason="torch is only in the extra `train`")
onnx = pytest.importorskip("onnx", reason="onnx is only in the extra `train`")

from wakegate.train.own import graft, twin  # noqa: E402  (they import torch)
from wakegate.train.own.head import Head  # noqa: E402
from wakegate.wake import catalogue, onnx_file  # noqa: E402
from wakegate.wake.manifest import MOST_WORDS  # noqa: E402


def test_the_shipped_model_may_grow_until_it_knows_as_many_words_as_a_manifest_may_name():
    shipped = catalogue.installed()[0]
    model = onnx.load(shipped.path)
    known = twin.read(model, shipped.name)
    grown = graft.grafted(model, known, "marvin", (Head(known.trunk.shape.channels), known.verifier()), 0.0)
    before, after = (onnx_file.parse(one.SerializeToString()) for one in (model, grown))
    more = MOST_WORDS - len(shipped.words)
    bounds = ((onnx_file._parts, onnx_file.MOST_PARTS), (lambda graph: len(graph.inputs), onnx_file.MOST_INPUTS))
    for count, most in bounds:
        assert count(before) + more * (count(after) - count(before)) <= most
