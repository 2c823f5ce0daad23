"""Results that cannot be written leave those before them as they were."""

import pytest

from wakegate.errors import ConfigError
from wakegate.measure import result


def test_a_full_disk_costs_no_earlier_result(tmp_path):
    (tmp_path / "results.json").write_text("earlier")
    (tmp_path / "results.json.part").symlink_to("/dev/full")
    with pytest.raises(ConfigError, match=r"results\.json cannot be written \(No space left.*: make room on that disk"):
        result.write(tmp_path, {"engines": []}, [], 8000)
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("results.json", "earlier")]
