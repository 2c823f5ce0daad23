"""Manifests of others, NeMo's and Lhotse's: what their lines mean, and what is refused. Around 2 s.

Lhotse is the real one; its tests are skipped where it is not installed.
"""

import gzip
import json
import sys
import warnings

import numpy as np
import pytest
import soundfile

from wakegate.errors import ConfigError
from wakegate.measure import corpus
from wakegate.measure.forms.entry import keyword

RATE = 16_000
WORDS = ("alexa", "smart_mirror")


@pytest.fixture
def folder(tmp_path):
    for name in ("a.wav", "b.wav"):
        samples = np.random.default_rng(2).integers(-900, 900, 10 * RATE).astype(np.int16)
        soundfile.write(tmp_path / name, samples, RATE)
    return tmp_path


def listed(folder, *lines, name="list.json"):
    (folder / name).write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder / name


def said(recording):
    return [(r.word, r.start / RATE, r.end / RATE, r.speaker) for r in recording.references]


def spans(recording):
    return [(start / RATE, end / RATE) for start, end in recording.excluded]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("alexa", "alexa"), ("  Alexa!", "alexa"), ("SMART MIRROR", "smart_mirror"), ("smart-mirror", "smart_mirror"),
        ("Alexa, play something", "?"), ("my smart mirror", "?"), ("smart", ""), ("alexandra", ""), ("", ""),
        ("--", ""), ("a lexa", ""), ("smart, said the mirror", ""),
    ],
)  # fmt: skip
def test_a_transcript_is_a_word_or_holds_one_or_neither(text, word):
    assert keyword(text, WORDS) == word


# NeMo.


def nemo(start, seconds, audio="a.wav", **more):
    return {"audio_filepath": audio, "offset": start, "duration": seconds, **more}


def test_nemo_classes_and_transcripts(folder):
    path = listed(
        folder,
        nemo(0, 1.0, label="Alexa", speaker=7),
        nemo(1.0, 1.5, command="smart mirror"),
        nemo(2.5, 1, label="unknown"),
        nemo(3.5, 1, command="marvin", condition="far"),
        nemo(4.5, 1, text="alexa", speaker="p2"),
        nemo(5.5, 2, text="Alexa, stop!"),
        nemo(7.5, 1, text="nothing of that kind"),
        {"audio_filename": "b.wav", "duration": None, "label": "infer", "text": "-"},
    )
    found = corpus.read(path, WORDS)
    assert [said(one) for one in found.recordings] == [
        [("alexa", 0, 1, "7")], [("smart_mirror", 0, 1.5, "")], [], [], [("alexa", 0, 1, "p2")], [], [], [],
    ]  # fmt: skip
    assert [spans(one) for one in found.recordings] == [[], [], [], [], [], [(0, 2)], [], []]
    assert [(r.first / RATE, r.length / RATE) for r in found.recordings[:3]] == [(0, 1), (1, 1.5), (2.5, 1)]
    assert found.recordings[-1].length == 10 * RATE and found.recordings[3].condition == "far"
    form, classes = found.notes
    assert "NeMo manifest" in form and "whole stretch" in form
    assert classes.endswith("count as sound without a wake word: marvin")


def test_nemo_where_the_engine_does_not_say_what_it_knows(folder):
    path = listed(folder, nemo(0, 1, label="alexa"), nemo(1, 1, label="marvin"), nemo(2, 1, label="_silence_"))
    found = corpus.read(path)
    assert [said(one) for one in found.recordings] == [[("alexa", 0, 1, "")], [("marvin", 0, 1, "")], []]
    assert len(found.notes) == 1
    with pytest.raises(ConfigError, match=r"line 2: its `text` may be a wake word or any sentence.*as `label`"):
        corpus.read(listed(folder, nemo(0, 1, text=""), nemo(1, 1, text="alexa")))


def test_nemo_paths_are_from_the_manifest_or_from_here(folder, monkeypatch):
    monkeypatch.chdir(folder)
    (folder / "lists").mkdir()
    path = listed(folder, nemo(0, 1, label="alexa"), name="lists/train.json")
    assert corpus.read(path, WORDS).recordings[0].audio.resolve() == folder / "a.wav"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (nemo(0, None, label="alexa"), "line 2: 'alexa' is said in it, and no `duration`"),
        (nemo(0, "1.0", label="alexa"), "line 2 is wrong at 'duration'.*audio_filepath"),
        (nemo(9.5, 1, label="alexa"), "line 2: 9.5 to 10.5 s is no stretch"),
        ({"audio": "a.wav"}, "line 2 is wrong at 'audio_filepath'"),
        (nemo(0.5, 1, audio="b.wav", label="alexa"), "line 2: the same sound as .*line 1"),
    ],
)
def test_wrong_nemo_lines(folder, line, message):
    with pytest.raises(ConfigError, match=message):
        corpus.read(listed(folder, nemo(0, 1, audio="b.wav", text="x"), line), WORDS)


# Lhotse.


@pytest.fixture
def lhotse():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("lhotse")


def cut(lhotse, folder, start, seconds, *supervisions, name="c", **custom):
    """Return a real cut; supervisions are (text, start, end, alignment) in the recording's own time."""
    from lhotse.supervision import AlignmentItem

    recording = lhotse.Recording.from_file(folder / "a.wav")
    found = [
        lhotse.SupervisionSegment(
            id=f"s{n}", recording_id=recording.id, start=at, duration=end - at, text=text, speaker=f"p{n}",
            alignment={"word": [AlignmentItem(*item) for item in aligned]} if aligned else None,
        ).with_offset(-start)
        for n, (text, at, end, *aligned) in enumerate(supervisions)
    ]  # fmt: skip
    return lhotse.MonoCut(
        id=name, start=start, duration=seconds, channel=0, recording=recording, supervisions=found,
        custom=custom or None,
    )  # fmt: skip


def written(lhotse, folder, *cuts, name="cuts.jsonl.gz"):
    lhotse.CutSet.from_cuts(cuts).to_file(folder / name)
    return folder / name


@pytest.mark.parametrize("name", ["cuts.jsonl", "cuts.jsonl.gz"])
def test_cuts_their_supervisions_and_alignments(lhotse, folder, name):
    one = cut(lhotse, folder, 1, 4, ("Alexa", 2.0, 2.6), ("HELLO", 3, 4), condition="far", name="one")
    # An alignment counts from the recording's start: MIRROR ends at 7.5 s of the file, 2.5 s of the cut.
    aligned = (("MY", 6.0, 0.5), ("SMART", 6.5, 0.5), ("MIRROR", 7.0, 0.5), ("", 7.5, 0.5))
    two = cut(lhotse, folder, 5, 3, ("MY SMART MIRROR", 6, 8, *aligned), name="two")
    three = cut(lhotse, folder, 8, 2, ("alexa, stop", 8.5, 9.5), ("alexa", 7.5, 8.25), name="three")
    found = corpus.read(written(lhotse, folder, three, one, two, name=name), WORDS)
    assert [said(r) for r in found.recordings] == [
        [("alexa", 1.0, 1.6, "p0")], [("smart_mirror", 1.5, 2.5, "p0")], [],
    ]  # fmt: skip
    # In a sentence without alignment, and over the cut's edge, nobody knows: not scored.
    assert [spans(r) for r in found.recordings] == [[], [], [(0, 0.25), (0.5, 1.5)]]
    assert [r.condition for r in found.recordings] == ["far", "", ""]
    assert [(r.first / RATE, r.length / RATE) for r in found.recordings] == [(1, 4), (5, 3), (8, 2)]
    assert "read as Lhotse cuts" in found.notes[0]


def test_cuts_that_are_no_stretch_of_a_plain_file(lhotse, folder):
    plain = cut(lhotse, folder, 0, 2, name="plain")
    for other, message in (
        (plain.pad(duration=3), "is a MixedCut, which is no stretch of one file: make plain files"),
        (plain.perturb_speed(1.1), "is changed by Lhotse as it is read"),
        (plain.resample(8000), "is changed by Lhotse"),
    ):
        with pytest.raises(ConfigError, match=message):
            corpus.read(written(lhotse, folder, other), WORDS)
    soundfile.write(folder / "a.wav", np.zeros((RATE, 2), np.int16), RATE)
    recording = lhotse.Recording.from_file(folder / "a.wav")
    stereo = lhotse.MonoCut(id="s", start=0, duration=1, channel=1, recording=recording)
    with pytest.raises(ConfigError, match="cut s is one of 2 channels"):
        corpus.read(written(lhotse, folder, stereo), WORDS)


def test_a_cut_whose_sound_is_a_command_is_never_run(lhotse, folder):
    path = written(lhotse, folder, cut(lhotse, folder, 0, 2), name="cuts.jsonl")
    row = json.loads(path.read_text())
    row["recording"]["sources"][0].update(type="command", source=f"touch {folder / 'ran'}")
    path.write_text(json.dumps(row) + "\n")
    with pytest.raises(ConfigError, match="is no plain file"):
        corpus.read(path, WORDS)
    assert not (folder / "ran").exists()


def test_cuts_need_words_and_whole_files(lhotse, folder):
    path = written(lhotse, folder, cut(lhotse, folder, 0, 2, ("Alexa", 0.5, 1)))
    with pytest.raises(ConfigError, match="cut c: supervision s0 may be a wake word or any sentence"):
        corpus.read(path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ConfigError, match=r"cuts\.jsonl\.gz cannot be read: .*copy it again"):
        corpus.read(path, WORDS)


CUT = {"id": "c", "start": 0, "duration": 1, "channel": 0, "supervisions": [], "type": "MonoCut"}


def test_without_lhotse_the_extra_is_named(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "lhotse", None)
    with pytest.raises(ConfigError, match=r"pip install 'wakegate\[lhotse\]'"):
        corpus.read(listed(folder, CUT), WORDS)


def test_what_lhotse_writes_beside_cuts_and_what_else_is_packed(folder):
    recordings = {"id": "r", "sources": [], "sampling_rate": 16000}
    with pytest.raises(ConfigError, match="but no cuts: join"):
        corpus.read(listed(folder, recordings), WORDS)
    with gzip.open(folder / "ours.jsonl.gz", "wt") as file:
        file.write('{"audio": "a.wav"}\n')
    with pytest.raises(ConfigError, match="nothing else is read packed: unpack it"):
        corpus.read(folder / "ours.jsonl.gz")
