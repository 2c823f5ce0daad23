"""The options that make conditions, through the real command line. Around 3 s."""

import argparse
import json
import shutil

import pytest

from tests.cli.process import SIX_WORDS
from tests.measure.conditions.hearing import noise, written
from wakegate.cli import main, measure_conditions
from wakegate.measure.conditions.made import Codec, Simulated


def parsed(*words):
    parser = argparse.ArgumentParser()
    measure_conditions.add_arguments(parser)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(words)


@pytest.fixture
def measure(tmp_path, capsys):
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for name in (SIX_WORDS, SIX_WORDS.with_suffix(".txt")):
        shutil.copy(name, corpus)
    written(tmp_path / "noise" / "a.wav", noise(8, 1, 0.2))

    def run(*words):
        code = main(["measure", str(corpus), "--engine", "wakegate", "--out", str(tmp_path / "out"), *words])
        return code, capsys.readouterr()

    return run


def test_each_condition_is_a_row_of_everything(measure, tmp_path):
    options = [f"--noise={tmp_path}/noise", "--snr=20,0", "--codec=g711", "--clean"]
    code, told = measure(*options, "--json")
    rows = ["clean", "noise 20 dB, g711", "noise 0 dB, g711"]
    assert code == 0 and "too narrow" not in told.err
    found = json.loads((tmp_path / "out" / "results.json").read_text())
    rates = found["engines"][0]["rates"]
    assert list(dict.fromkeys(row["condition"] for row in rates)) == rows, "and none of all sound"
    lines = [json.loads(line) for line in told.out.splitlines()]
    assert [line for line in lines if line["kind"] == "rates"] == [
        {"kind": "rates", "engine": "wakegate", **row} for row in rates
    ]
    assert {row["trials"] for row in rates if row["word"] == "all words"} == {6} == {found["corpus"]["references"]}
    assert (found["corpus"]["recordings"], found["corpus"]["hours"]) == (1, 18.0 / 3600)
    assert found["command"][-4:] == options
    conditions = found["corpus"]["conditions"]
    assert conditions["names"] == ["clean", "noise 20 dB, g711", "noise 0 dB, g711"]
    assert conditions["files"][0][:2] == ["noise", "a.wav"] and len(conditions["files"][0][2]) == 64
    page, events = ((tmp_path / "out" / name).read_text() for name in ("report.html", "events.csv"))
    assert all(row in page and row in events for row in rows)
    clean = next(r for r in found["engines"][0]["rates"] if r["condition"] == "clean" and r["word"] == "all words")
    assert (clean["missed"], clean["trials"]) == (0, 6)


def test_a_stream_of_the_words(measure, tmp_path):
    code, _ = measure("--stream", "--gap", "5", f"--noise={tmp_path}/noise", "--snr", "30")
    found = json.loads((tmp_path / "out" / "results.json").read_text())
    assert code == 0
    assert found["command"][-4:] == [f"--noise={tmp_path}/noise", "--snr=30", "--stream", "--gap=5"]
    row = found["engines"][0]["rates"][-1]
    assert row["trials"] == 6 and row["missed"] == 0
    assert (found["corpus"]["recordings"], found["corpus"]["hours"]) == (1, (18.0 + 10) / 3600)


def test_what_is_written_comes_back_as_it_was():
    words = ["--noise=n", "--snr=20,-5", "--rir=r", "--room=3m,0.5s", "--room=1.5m,0.2s", "--gain=-20,0",
             "--codec=opus,g711", "--stream", "--gap=12.5", "--background=b", "--clean"]  # fmt: skip
    args = parsed(*words)
    assert measure_conditions.command(args) == words
    options = measure_conditions.options(args)
    assert options.snr_db == (20, -5) and options.gain_db == (-20, 0) and options.gap_s == 12.5
    assert options.rooms == (Simulated(distance_m=3, rt60_s=0.5), Simulated(distance_m=1.5, rt60_s=0.2))
    assert options.codecs == (Codec.OPUS, Codec.G711)
    assert measure_conditions.command(parsed()) == []
    assert measure_conditions.command(parsed("--stream")) == ["--stream", "--gap=60"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--snr", "10"], "--noise DIR and --snr DB[,DB...] belong together"),
        (["--noise", "x", "--snr", "ten"], "--snr: 'ten' is no number"),
        (["--noise", "x", "--snr", "10,"], "--snr: '' is no number"),
        (["--codec", "opus,aac"], "--codec: 'aac' is none of opus, mp3, g711"),
        (["--room", "3,0.5"], "give metres and seconds, such as 3m,0.5s"),
        (["--room", "1..2m,0.5s"], "give metres and seconds, such as 3m,0.5s"),
        (["--room", "3m,50s"], "0.15 to 1.2 s"),
        (["--gap", "3"], "give --stream too"),
        (["--noise", "nowhere", "--snr", "10"], "--noise: nowhere does not exist"),
    ],
)
def test_what_makes_no_sense_is_refused_before_an_engine_hears(measure, words, message, tmp_path):
    code, told = measure(*words)
    assert code == (1 if "nowhere" in words else 2) and message in told.err
    assert not (tmp_path / "out" / "results.json").exists()
