"""Our engine says about itself all that decides its answers."""

import json
import shutil

from wakegate.measure.engines import named
from wakegate.measure.listening.worker import digest
from wakegate.wake import load


def test_another_manifest_is_another_engine(tmp_path):
    model = load().manifest.path
    for file in (model, model.with_suffix(".json")):
        shutil.copy(file, tmp_path)
    spec = f"wakegate:{tmp_path / model.name}"
    before = named(spec, None, 1.0)
    manifest = tmp_path / model.with_suffix(".json").name
    raw = json.loads(manifest.read_text())
    raw["smoothing"] += 1
    manifest.write_text(json.dumps(raw))
    after = named(spec, None, 1.0)
    assert before.about["model_sha256"] == after.about["model_sha256"]
    assert digest(before) != digest(after)
