"""The pages' figures are those of ``benchmarks/results``, digit by digit: who measures anew, writes anew."""

import hashlib
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FRONT, CARD, PI, MEASURE, HOW = (
    (ROOT / name).read_text(encoding="utf-8")
    for name in (
        "README.md", "models/README.md", "benchmarks/pi/README.md", "wakegate/measure/README.md",
        "benchmarks/README.md",
    )
)  # fmt: skip


def results(name):
    return json.loads((ROOT / "benchmarks" / "results" / f"{name}.json").read_text())


def percent(share, digits=0):
    return f"{100 * share:.{digits}f}"


@pytest.mark.parametrize("page", [FRONT, CARD], ids=["README.md", "models/README.md"])
def test_each_word_at_its_default_threshold(page):
    six = results("six")
    assert six["model_sha256"] == hashlib.sha256((ROOT / "models" / "six.onnx").read_bytes()).hexdigest()
    for word, threshold in six["thresholds"].items():
        points = [p for p in six["operating_points"] if (p["word"], p["threshold"]) == (word, threshold)]
        rate, (low, high) = points[0]["false_accepts"] / points[0]["hours"], points[0]["per_hour"]
        row = f"| {word.replace('_', ' ')} | {threshold:g} | {rate:.2f} ({low:.2f}-{high:.2f}) |"
        for point in points:
            interval = "-".join(map(percent, point["frr"]))
            row += f" {percent(point['missed'] / point['trials'], 1)} % ({interval}) |"
        assert row in page


@pytest.mark.parametrize("page", [FRONT, CARD], ids=["README.md", "models/README.md"])
def test_the_fold_at_other_rates(page):
    for point in results("six")["pooled"]:
        row = f"| {point['false_accepts_per_hour_a_word']:g} |"
        for one in point.values():
            if isinstance(one, dict):
                interval = "-".join(percent(end, 1) for end in one["by_speaker_95"])
                row += f" {percent(one['mean'], 1)} % ({interval}) |"
        assert row in page


def test_beside_peers():
    rows = results("six_words")["rows"]
    front, how = ([line for line in page.splitlines() if line.startswith("| ")] for page in (FRONT, HOW))
    for engine in {row["engine"] for row in rows}:
        theirs = [row for row in rows if row["engine"] == engine]
        cells = [f"{percent(row['frr'], 1)} ({'-'.join(map(percent, row['frr_95']))})" for row in theirs]
        mean = percent(sum(row["frr"] for row in theirs) / len(theirs), 1)
        (line,) = [line for line in how if all(f"| {cell} |" in line for cell in cells)]
        name, false_accepts = line.split(" | ")[0], line.split(" | ")[-1]
        assert f"| **{mean}** |" in line
        words = "6" if len(theirs) == 6 else ", ".join(row["word"] for row in theirs)
        assert f"{name} | {words} | **{mean} %** | {false_accepts}" in front
    (alexa,) = [row["frr"] for row in rows if row["engine"].startswith("wakegate") and row["word"] == "alexa"]
    assert f"Ours missed {percent(alexa, 1)} % of alexa." in FRONT


def test_cost_beside_peers():
    told = [one for one in results("cost")["engines"] if "scorer alone" not in one["engine"]]
    for one in told:
        seconds = " / ".join(f"{one['cpu_s_per_hour'][name]:.1f}" for name in ("min", "median", "max"))
        assert f"| {one['engine']} | {seconds} | {one['peak_mb']:.0f} |" in FRONT
    cpu = {one["engine"]: one["cpu_s_per_hour"]["median"] for one in told}
    peer = cpu["pymicro-wakeword, alexa"]
    whole, live = cpu["wakegate detect, six words"] / peer, cpu["wakegate listen, six words"] / peer
    assert f"cost {live:.2f} times" in FRONT and f"({whole:.2f} times over a whole file)" in FRONT


def test_how_soon_a_word_is_told():
    def ms(seconds):
        return str(round(1000 * seconds))

    latency, front = results("latency"), " ".join(FRONT.split())
    for part, words in (("files", "1,159 recordings of people the model knows"), ("pulse", "42 words")):
        ours = latency[part]["engines"]["wakegate"]["latency_s"]
        assert f"{words}: p50 {ms(ours['p50'])} ms, p99 {ms(ours['p99'])} ms" in front
    told = {"pymicro-wakeword": "pymicro-wakeword {} against our {}", "pvporcupine": "Porcupine {} against {}"}
    told["openwakeword"] = "openWakeWord's alexa {} (before the word is over) against {}"
    for engine, words in told.items():
        both = latency["files"]["on_the_same_words"][engine]
        assert words.format(ms(both["theirs"]["p50"]), ms(both["ours"]["p50"])) in front


def test_what_a_raspberry_pi_needs():
    percents = {}
    for one in results("pi")["counts"]:
        percents.setdefault(one["engine"], {}).update(one["estimated_percent_of_one_core"])
    boards = [f"Raspberry Pi {name}" for name in ("Zero 2 W", "3 B+", "4", "5")]
    rows = {"wakegate listen, six words": "wakegate listen, six words"}
    rows |= {"wakegate listen by numpy, six words": "the same with `--engine numpy`"}
    rows |= {"pymicro-wakeword, alexa": "pymicro-wakeword 2.5.0, alexa"}
    for engine, name in rows.items():
        assert f"| {name} |" + "".join(f" {percents[engine][board]:.1f} % |" for board in boards) in PI
    ours = percents["wakegate listen, six words"].values()
    assert f"estimated at {min(ours):.1f} to {max(ours):.1f} % of one core" in " ".join(FRONT.split())


def test_how_fast_it_measures():
    (ours,) = [one for one in results("measure_speed")["engines"] if one["engine"] == "wakegate"]
    times = f"{ours['times_real_time_one_core']:,}"
    assert f"{times} hours in an hour of one core" in " ".join(MEASURE.split()) and f"({times} times real time)" in HOW


def test_a_word_of_ones_own():
    train = " ".join((ROOT / "wakegate" / "train" / "README.md").read_text(encoding="utf-8").split())
    for word, none in (("snowboy", True), ("athena", False)):
        (row,) = [row for row in results("own_word")[word]["rows"] if row["false_accepts_per_hour"] == 1.0]
        quiet, noise = row["quiet"], row["noise, 10 dB"]
        said = f"none of {quiet['trials']} in quiet" if none else f"{quiet['missed']} of {quiet['trials']} volunteers'"
        assert (quiet["missed"] == 0) is none and said in train
        assert f"{noise['missed']} of {noise['trials']} in that noise" in train
    five = results("enrol")["unknown words, 1 person, 5 recordings each"]["threshold own"]
    for name in ("the same people, quiet", "the same people, noise 10 dB", "others, quiet", "others, noise 10 dB"):
        one = five["missed"][name]
        low, high = (percent(end) for end in one["95 %"])
        assert f"({low}-{high})" in train and f"{one['mean'] * 100:.0f} %" in train, name
    assert f"false accepts {five['false accepts an hour']:.1f} an hour" in train


def test_what_came_of_a_usb_microphone_that_was_pulled_out():
    usb = results("usb")
    serve = " ".join((ROOT / "wakegate" / "serve" / "README.md").read_text(encoding="utf-8").split())
    assert f"Linux {usb['kernel']} of Debian 12" in serve and f"{usb['passed']} of 11 passed" in serve
    took = [one["listening_after_s"] for one in usb["away"]]
    assert f"{len(took)} times out for 1 to 60 s it listened again {min(took)} to {max(took)} s after" in serve
    quickly = usb["quickly"]
    assert f"{quickly['unplugged']} pulls of 0.05 to 1.5 s were told as {quickly['device_lost']} gaps" in serve
    assert quickly["more_memory_kb"] <= 0 and "memory did not grow" in serve
    assert quickly["device_lost"] == quickly["back"] and usb["spurious_gaps"] == 0
