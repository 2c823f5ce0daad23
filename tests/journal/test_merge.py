"""Exports of many devices pooled, from files written by hand and by real journals. Around 2 s."""

import io
import json

import pytest

from wakegate.errors import JournalError
from wakegate.events import Cause, Exposure, Started, Verdict
from wakegate.journal import Format, Journal, WordRates, export, read, report
from wakegate.journal.exported import read_export
from wakegate.journal.merge import merge
from wakegate.journal.tally import Tally
from wakegate.rates import garwood

OLD, NEW = "0" * 64, "f" * 64
HOUR = "2026-11-22T00:00Z"


def heard(hours, *words, model=OLD, hour=HOUR):
    return {"hour": hour, "kind": "exposure", "words": ";".join(words), "seconds": 3600 * hours, "model_sha256": model}


def wake(event, word="alexa", score=0.9, hour=HOUR):
    return {"hour": hour, "kind": "wake", "id": event, "word": word, "score": score, "threshold": 0.4}


def label(event, verdict):
    return {"hour": HOUR, "kind": "label", "id": event, "verdict": verdict}


@pytest.fixture
def device(tmp_path):
    def write(name, *rows):
        path = tmp_path / f"{name}.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path

    return write


def test_two_devices_by_hand(device):
    #                    alexa: wakes  true  false  hours
    # kitchen                 3        1     1      10     (and one unlabelled)
    # office                  2        0     2      5
    kitchen = device(
        "kitchen", heard(4, "alexa", "jarvis"), heard(6, "alexa"),
        wake("a"), wake("b", score=0.8), wake("c", score=0.7),
        label("a", "true"), label("b", "false-accept"),
        {"hour": HOUR, "kind": "near_miss", "word": "alexa", "count": 7},
        {"hour": HOUR, "kind": "gap", "reason": "device_lost", "count": 3},
        {"hour": HOUR, "kind": "suspected", "id": "c", "reason": "no_speech"},
    )  # fmt: skip
    office = device(
        "office", heard(5, "alexa"), wake("a", score=0.5), wake("b", score=0.6), label("a", "true"),
        label("a", "false-accept"), label("b", "false-accept"), {"hour": HOUR, "kind": "stopped", "reason": "stopped"},
    )  # fmt: skip
    alexa, jarvis = merge([kitchen, office])
    assert alexa.total == WordRates(
        word="alexa", model="0" * 12, hours=15.0, wakes=5, true=1, false_accepts=3, unlabelled=1, suspected=1,
        near_misses=7,
    )  # fmt: skip
    assert alexa.total.interval() == garwood(3, 15.0)
    assert [(path, one.false_accepts, one.hours) for path, one in alexa.devices] == [
        (kitchen, 1, 10.0),
        (office, 2, 5.0),
    ]
    assert alexa.spread is not None and not alexa.spread.differ
    assert alexa.by_device is None
    assert (jarvis.total.hours, jarvis.total.wakes, len(jarvis.devices), jarvis.spread) == (4.0, 0, 1, None)


def test_models_are_kept_apart(device):
    one = device("one", heard(3, "alexa"), wake("a"), heard(2, "alexa", model=NEW), wake("b", score=0.1))
    two = device("two", heard(8, "alexa", model=NEW))
    found = merge([one, two])
    assert [(one.total.model[0], one.total.hours, one.total.wakes) for one in found] == [("0", 3.0, 1), ("f", 10.0, 1)]


def test_devices_that_differ_get_an_interval_that_minds_it(device):
    paths = []
    for number, count in enumerate([0, 0, 0, 1, 29]):
        events = [f"{n}" for n in range(count)]
        wakes = [wake(event, score=(n + 37 * number) / 1000) for n, event in enumerate(events)]
        labels = [label(one, "false-accept") for one in events]
        paths.append(device(f"d{number}", heard(100 + number, "alexa"), *wakes, *labels))
    (alexa,) = merge(paths)
    assert alexa.spread is not None and alexa.spread.differ
    low, high = alexa.total.interval() or (0, 0)
    assert alexa.by_device is not None
    assert alexa.by_device[0] < low < high < alexa.by_device[1]


@pytest.fixture
def written(place, clock, wake):
    """A real journal with several words, labels and wakes."""
    journal = Journal.open(place, clock)
    journal.record(Started(at=0, source="x", words=("alexa", "jarvis"), model_sha256="ab" * 32))
    for number in range(5):
        journal.record(wake(f"id{number}", word=("alexa", "jarvis")[number % 2]))
        journal.record(Exposure(at=1, samples=16_000 * 50, words=("alexa", "jarvis"), model_sha256="ab" * 32))
    journal.close()
    journal.label("id2", Verdict.FALSE_ACCEPT, Cause.TV)
    journal.label("id3", Verdict.TRUE)
    return place


def exported(entries, path):
    out = io.StringIO()
    export(entries, out, Format.JSONL)
    path.write_text(out.getvalue())
    return path


def test_an_export_gives_the_same_rates_as_its_journal(written, tmp_path):
    assert read_export(exported(read(written), tmp_path / "d.jsonl")).words == report(read(written)).words


def test_totals_of_lines_that_are_gone_are_exported_too(written, tmp_path):
    entries = list(read(written))
    tally = Tally()
    for entry in entries:
        tally.add(entry)
    from wakegate.journal import Entry

    later = Entry(99, "", entries[-1].wall, True, "", "wake", {"id": "later", "word": "alexa"})
    carried = [Entry(98, "", entries[-1].wall, True, "", "carried", tally.carried()), later]
    assert read_export(exported(carried, tmp_path / "d.jsonl")).words == report([*entries, later]).words


def test_the_same_device_twice_is_refused(written, tmp_path, device):
    one = exported(read(written), tmp_path / "one.jsonl")
    two = exported(read(written), tmp_path / "two.jsonl")
    assert one.read_text() != two.read_text(), "the ids are new"
    with pytest.raises(JournalError, match=r"one\.jsonl and .*two\.jsonl say the same: one device's export, copied"):
        merge([one, two])
    with pytest.raises(JournalError, match="is given twice"):
        merge([one, tmp_path / "." / "one.jsonl"])
    rows = [json.loads(line) for line in one.read_text().splitlines()]
    longer = device("longer", *rows, wake("z", score=0.123), heard(1, "alexa"))
    with pytest.raises(JournalError, match=r"one\.jsonl and .*longer\.jsonl overlap: .* give the newest"):
        merge([one, longer])


def test_devices_in_one_room_are_not_taken_for_one(device):
    one = device("one", heard(1, "alexa"), *(wake(f"{n}", score=n / 1000) for n in range(50)))
    two = device("two", heard(1, "alexa"), *(wake(f"{n}", score=(n + n % 3) / 1000) for n in range(50)))
    (alexa,) = merge([one, two])
    assert alexa.total.wakes == 100


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('{"hour": "2026-11-22T00:00Z", "kind": "wa', "line 2 is damaged (no JSON)"),
        ("", "line 2 is damaged"),
        ("[]", "no line of an export"),
        ('{"kind": "wake"}', "no line of an export (no hour and kind)"),
        ('{"hour": "2026-11-22T07:31Z", "kind": "wake"}', "no line of an export"),
        ('{"hour": "2026-99-22T00:00Z", "kind": "gap"}', "gap without a right hour"),
        ('{"hour": "2026-11-22T00:00Z", "kind": "wake", "id": "a"}', "wake without a right word"),
        (
            '{"hour": "2026-11-22T00:00Z", "kind": "label", "id": "a", "verdict": "yes"}',
            "label without a right verdict",
        ),
        (json.dumps({**heard(1, "a"), "seconds": -1}), "exposure without a right seconds"),
        (json.dumps({**heard(1, "a"), "seconds": "1"}), "exposure without a right seconds"),
        (json.dumps({**heard(1, "a"), "seconds": float("nan")}), "exposure without a right seconds"),
        (json.dumps({**heard(1, "a"), "words": None}), "exposure without a right words"),
        ('{"hour": "2026-11-22T00:00Z", "kind": "gap", "count": 1.5}', "gap without a right count"),
        ('{"hour": "2026-11-22T00:00Z", "kind": "gap", "count": true}', "gap without a right count"),
        ('{"seq": 1, "wall": 1.5, "kind": "wake"}', "should not leave its device: give what `wakegate journal export`"),
    ],
)
def test_what_is_damaged_or_foreign_is_refused_by_line(device, line, words):
    path = device("d", heard(1, "alexa"))
    with path.open("a") as file:
        file.write(line + "\n")
    with pytest.raises(JournalError) as caught:
        merge([path])
    assert "d.jsonl, line 2" in str(caught.value) and words in str(caught.value)


def test_files_that_are_no_export_are_refused(tmp_path, written):
    path = tmp_path / "d"
    with pytest.raises(JournalError, match="cannot be read"):
        merge([path])
    path.write_bytes(b"")
    with pytest.raises(JournalError, match="is empty"):
        merge([path])
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(JournalError, match="is no text"):
        merge([path])
    out = io.StringIO()
    export(read(written), out, Format.CSV)
    path.write_text(out.getvalue())
    with pytest.raises(JournalError, match=r"this is CSV: .*--format jsonl"):
        merge([path])
    with pytest.raises(JournalError, match="this is a journal itself"):
        merge([written.journal])
