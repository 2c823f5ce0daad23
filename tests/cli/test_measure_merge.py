"""``wakegate measure merge`` on what ``wakegate journal export`` writes. Around 2 s."""

import json
import signal

import pytest

from tests.cli.process import SIX_WORDS, environment
from wakegate.cli import main

HOUR = "2026-11-22T00:00Z"


def device(folder, name, false_accepts, hours):
    rows = [{"hour": HOUR, "kind": "exposure", "words": "alexa", "seconds": 3600 * hours, "model_sha256": "a" * 64}]
    for number in range(false_accepts + 1):
        wake = {"hour": HOUR, "kind": "wake", "id": f"{number}", "word": "alexa", "score": hours / 1000 + number / 99}
        rows += [wake, {"hour": HOUR, "kind": "label", "id": f"{number}", "verdict": "false-accept"}]
    path = folder / f"{name}.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows[:-1]))  # the last wake has no label
    return path


@pytest.fixture
def devices(tmp_path):
    counts = ((0, 10), (1, 12), (0, 14), (2, 9), (40, 11))
    return [device(tmp_path, f"d{number}", *one) for number, one in enumerate(counts)]


def test_a_table_and_what_to_mind(devices, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    assert main(["measure", "merge", *map(str, devices)]) == 0
    out, said = capsys.readouterr()
    (row,) = [line.replace("│", " ").split() for line in out.splitlines() if "alexa" in line]
    assert row[:7] == ["alexa", "a" * 12, "5", "56.00", "48", "5", "43"]
    assert "note: alexa: the devices differ more than chance allows" in said
    assert "from 0 an hour (" in said and "to 3.6 (" in said and "d4.jsonl" in said
    assert "the pooled interval is too narrow, read the one by device" in said
    assert "wakes without a label" in said


def test_json_has_each_device(devices, capsys):
    assert main(["measure", "merge", "--json", *map(str, devices)]) == 0
    (row,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (row["word"], row["hours"], row["false_accepts"], row["unlabelled"]) == ("alexa", 56.0, 43, 5)
    assert row["per_hour"] == pytest.approx(43 / 56)
    assert row["equal_rates_p"] < 0.001 and row["dispersion"] > 10
    assert row["interval_by_device"][0] < row["interval"][0] < row["interval"][1] < row["interval_by_device"][1]
    assert [one["false_accepts"] for one in row["devices"]] == [0, 1, 0, 2, 40]


def test_real_exports_are_pooled_and_overlaps_refused(tmp_path, monkeypatch, capsys):
    for name, value in environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    paths = [tmp_path / "monday.jsonl", tmp_path / "tuesday.jsonl"]
    for path in paths:
        assert main(["listen", "--input", str(SIX_WORDS)]) == 0
        capsys.readouterr()
        assert main(["journal", "export"]) == 0
        path.write_text(capsys.readouterr().out)
    for number, handler in before.items():
        signal.signal(number, handler)
    assert main(["measure", "merge", *map(str, paths)]) == 1
    assert "monday.jsonl and" in (said := capsys.readouterr().err) and "overlap" in said
    assert main(["measure", "merge", "--json", str(paths[1])]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["word"], row["wakes"]) for row in rows] == [
        (word, 2) for word in ("alexa", "computer", "jarvis", "smart_mirror", "snowboy", "view_glass")
    ]
    assert rows[0]["hours"] == pytest.approx(2 * 18 / 3600, rel=0.01)


def test_a_damaged_file_is_named(devices, capsys):
    devices[2].write_text(devices[2].read_text()[:-20])
    assert main(["measure", "merge", *map(str, devices)]) == 1
    assert "d2.jsonl, line 2 is damaged" in capsys.readouterr().err
