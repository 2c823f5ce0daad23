"""Corpora, right and wrong: each mistake names the file and the mend. Around 2 s."""

import json

import numpy as np
import pytest
import soundfile

from wakegate.errors import ConfigError, FormatError
from wakegate.measure import corpus
from wakegate.measure.field import ambient
from wakegate.measure.recording import Reference
from wakegate.measure.sound import Sound

RATE = 16_000


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "corpus"
    root.mkdir()
    return root


def sound(path, seconds=4.0, rate=RATE):
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = np.random.default_rng(1).integers(-900, 900, round(seconds * rate)).astype(np.int16)
    soundfile.write(path, samples, rate)
    return samples


def said(recording):
    return [(r.word, r.start / RATE, r.end / RATE, r.speaker) for r in recording.references]


def test_a_folder_with_all_below_it(folder):
    sound(folder / "b" / "two.flac")
    sound(folder / "one.wav")
    sound(folder / "b" / "c" / "three.OGG", 3.0)
    (folder / ".hidden.wav").write_bytes(b"nothing")
    (folder / "one.txt").write_text("\ufeff1.0\t1.5\tSmart Mirror\n\\\t100\t4000\n\n3.0\t3.0\t?\n2\t2\talexa\r\n")
    (folder / "b" / "two.rttm").write_text(
        ";; made by hand\n"
        "SPKR-INFO two 1 <NA> <NA> <NA> unknown anna <NA> <NA>\n"
        "SPEAKER two 1 0.50 0.70 <NA> <NA> alexa <NA> <NA>\n"
        "LEXEME two 1 2.00 0.50 computer lex anna 0.9 <NA>\n"
        "NOSCORE two 1 3.00 1.00 <NA> <NA> <NA> <NA> <NA>\n"
    )
    found = corpus.read(folder)
    three, two, one = found.recordings
    assert [r.name for r in found.recordings] == ["b/c/three.OGG", "b/two.flac", "one.wav"]
    assert said(one) == [("smart_mirror", 1.0, 1.5, ""), ("alexa", 2.0, 2.0, "")]
    assert one.excluded == ((3 * RATE, 3 * RATE),) and one.length == 4 * RATE
    assert said(two) == [("alexa", 0.5, 1.2, ""), ("computer", 2.0, 2.5, "anna")]
    assert two.excluded == ((3 * RATE, 4 * RATE),)
    assert three.references == () and three.length == 3 * RATE
    assert [name for name, _ in found.sha256] == ["b/c/three.OGG", "b/two.flac", "b/two.rttm", "one.wav", "one.txt"]
    assert found.notes == ()


def test_the_digest_is_of_sound_and_labels_and_of_nothing_else(folder):
    sound(folder / "a.wav")
    (folder / "a.txt").write_text("1\t2\talexa\n")
    before = corpus.read(folder).digest
    (folder / "README.txt").write_text("about this folder")
    assert corpus.read(folder).digest == before
    (folder / "a.txt").write_text("1\t2\tcomputer\n")
    assert corpus.read(folder).digest != before


def test_what_a_reader_should_know_is_noted(folder):
    sound(folder / "a.wav")
    sound(folder / "b.wav", rate=8000)
    (folder / "aa.txt").write_text("1\t2\talexa\n")
    stray, rates = sorted(corpus.read(folder).notes)
    assert "1 text files" in stray and "aa.txt" in stray
    assert "8000, 16000 Hz" in rates


WRONG = {
    "past the end": (
        "1\t1.5\talexa\n3.5\t4.5\talexa\n",
        r"a\.txt: the label 'alexa' from 3.5 to 4.5 s lies past the end",
    ),
    "milliseconds": ("1000\t1500\talexa\n", "in seconds"),
    "overlapping": (
        "1\t2\talexa\n1.5\t2.5\tAlexa\n",
        r"a\.txt: two labels of 'alexa' at 1.00 s and 'alexa' at 1.50 s ov",
    ),
    "twice the same": ("1\t1\talexa\n1\t1\talexa\n", "overlap: remove or shorten one"),
    "inside what is not scored": ("1\t2\talexa\n1.5\t3\t?\n", "lies in a region marked"),
    "a transcript": ("HE SAID ALEXA\n", r"a\.txt, line 1: 'HE SAID ALEXA' is not `start TAB end TAB word`"),
    "spaces": ("1.0 1.5 alexa\n", "line 1.*TAB"),
    "a decimal comma": ("1,0\t1,5\talexa\n", "line 1: '1,0' is no time.*decimal point"),
    "backwards": ("2\t1\talexa\n", r"a\.txt, line 1: .*an end not before it"),
    "before the start": ("-1\t1\talexa\n", "start at 0 s or later"),
    "nan": ("nan\t1\talexa\n", "start at 0 s or later"),
    "no word": ("1\t2\t \n", "has no word: name the word, or `\\?`"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_labels_say_where_and_what_to_do(folder, name):
    text, message = WRONG[name]
    sound(folder / "a.wav")
    (folder / "a.txt").write_text(text)
    with pytest.raises(ConfigError, match=message) as caught:
        corpus.read(folder)
    assert str(folder / "a.txt") in str(caught.value)


def test_a_label_that_an_editor_rounded_past_the_end_is_taken(folder):
    sound(folder / "a.wav")
    (folder / "a.txt").write_text("3.5\t4.01\talexa\n")
    assert corpus.read(folder).recordings[0].references == (Reference(word="alexa", start=56_000, end=64_000),)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("SPEAKER b 1 0 1 <NA> <NA> alexa <NA> <NA>", "it labels 'b', the file is for 'a'"),
        ("SPEAKER a 1 0 1", "not RTTM"),
        ("alexa from 0 to 1 or so in this file", "not RTTM"),
        ("SPEAKER a 1 soon 1 <NA> <NA> alexa <NA> <NA>", "'soon' is no time"),
        ("SPEAKER a 1 3.5 1 <NA> <NA> alexa <NA> <NA>", "past the end"),
    ],
)
def test_wrong_rttm(folder, line, message):
    sound(folder / "a.wav")
    (folder / "a.rttm").write_text(line + "\n")
    with pytest.raises(ConfigError, match=message):
        corpus.read(folder)


def test_labels_that_could_belong_to_two(folder):
    sound(folder / "a.wav")
    sound(folder / "a.flac")
    assert len(corpus.read(folder).recordings) == 2
    (folder / "a.txt").write_text("")
    with pytest.raises(ConfigError, match="which labels are whose"):
        corpus.read(folder)
    (folder / "a.flac").unlink()
    (folder / "a.rttm").write_text("")
    with pytest.raises(ConfigError, match="which labels are whose"):
        corpus.read(folder)


def test_labels_that_are_no_text(folder):
    sound(folder / "a.wav")
    (folder / "a.txt").write_bytes(b"1\t2\tgr\xfc\xdf\n")
    with pytest.raises(ConfigError, match=r"a\.txt is not UTF-8"):
        corpus.read(folder)


def test_where_there_is_nothing(folder):
    with pytest.raises(ConfigError, match="holds no sound"):
        corpus.read(folder)
    with pytest.raises(ConfigError, match="nothing does not exist"):
        corpus.read(folder / "nothing")
    (folder / "notes.md").write_text("")
    with pytest.raises(ConfigError, match="neither a folder of sound nor a manifest"):
        corpus.read(folder / "notes.md")
    (folder / "a.wav").write_bytes(b"")
    with pytest.raises(FormatError, match=r"a\.wav is empty"):
        corpus.read(folder)


# Manifests.


def listed(folder, *entries):
    path = folder / "list.jsonl"
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    return path


def test_json_lines_and_csv_say_the_same(folder):
    sound(folder / "sound" / "a.wav", 10.0)
    sound(folder / "sound" / "b.wav")
    lines = listed(
        folder,
        {"audio": "sound/b.wav", "text": "names of others are left alone"},
        {
            "audio": "sound/a.wav", "offset_s": 2, "duration_s": 3.5, "speaker": "p1", "condition": "far",
            "events": [
                {"word": "Alexa", "start_s": 0.5, "end_s": 1.25}, {"word": "?", "start_s": 2, "end_s": 3},
                {"word": "alexa", "start_s": 1.5, "end_s": 2, "speaker": "p2"},
            ],
        },
        {"audio": "sound/a.wav", "offset_s": 5.5, "events": []},
    )  # fmt: skip
    table = folder / "list.csv"
    table.write_text(
        "audio,offset_s,duration_s,word,start_s,end_s,speaker,condition\n"
        "sound/a.wav,2,3.5,Alexa,0.5,1.25,p1,far\n"
        "sound/b.wav,,,,,,,\n"
        '"sound/a.wav",2,3.5,?,2,3,,far\n'
        "sound/a.wav,2,3.5,alexa,1.5,2,p2,far\n"
        "sound/a.wav,5.5,,,,,,\n"
    )
    found = corpus.read(lines)
    assert corpus.read(table).recordings == found.recordings
    first, rest, other = found.recordings
    assert [one.name for one in found.recordings] == ["sound/a.wav@2.0s", "sound/a.wav@5.5s", "sound/b.wav"]
    assert (first.first, first.length, first.condition) == (2 * RATE, 3.5 * RATE, "far")
    assert said(first) == [("alexa", 0.5, 1.25, "p1"), ("alexa", 1.5, 2.0, "p2")]
    assert first.excluded == ((2 * RATE, 3 * RATE),)
    assert (rest.first, rest.length, other.length) == (5.5 * RATE, 4.5 * RATE, 4 * RATE)
    assert [name for name, _ in found.sha256] == ["list.jsonl", "sound/a.wav", "sound/b.wav"]


WRONG_LINES = {
    "missing": ({"audio": "gone.wav"}, FormatError, r"line 2: .*gone\.wav does not exist"),
    "no audio": ({"file": "a.wav"}, ConfigError, "line 2 is wrong at 'audio'"),
    "a list": (["a.wav"], ConfigError, "line 2 is wrong at"),
    "text for a time": ({"audio": "a.wav", "offset_s": "1"}, ConfigError, "line 2 is wrong at .*should be float"),
    "true for a time": ({"audio": "a.wav", "duration_s": True}, ConfigError, "should be float"),
    "an event that is a word": ({"audio": "a.wav", "events": ["alexa"]}, ConfigError, "line 2 is wrong at"),
    "past the file": ({"audio": "a.wav", "offset_s": 9},
    ConfigError, "line 2: 9 to 4 s is no stretch of .*which is 4.00 s long"),
    "longer than the file": ({"audio": "a.wav", "duration_s": 9}, ConfigError, "line 2: 0 to 9 s is no stretch"),
    "nothing of it": ({"audio": "a.wav", "duration_s": 0}, ConfigError, "no stretch"),
    "infinite": ({"audio": "a.wav", "duration_s": float("inf")}, ConfigError, "line 2: 0 to inf s"),
    "not a number": ({"audio": "a.wav", "offset_s": float("nan")}, ConfigError, "no stretch"),
    "twice in part": ({"audio": "b.wav", "offset_s": 1}, ConfigError, "line 2: the same sound as .*line 1"),
    "an event past the end": (
        {"audio": "a.wav", "duration_s": 1, "events": [{"word": "w", "start_s": 1.5, "end_s": 2}]},
        ConfigError,
        "line 2: the label 'w' from 1.5 to 2 s lies past the end of a.wav, which is 1.00 s",
    ),
    "an event without an end": (
        {"audio": "a.wav", "events": [{"word": "w", "start_s": 1.5}]}, ConfigError, "line 2 is wrong at 'end_s'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG_LINES)
def test_wrong_lines(folder, name):
    entry, error, message = WRONG_LINES[name]
    sound(folder / "a.wav")
    sound(folder / "b.wav")
    with pytest.raises(error, match=message):
        corpus.read(listed(folder, {"audio": "b.wav"}, entry))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no column audio, end_s, start_s, word"),
        ("audio,word,start_s\n", "no column end_s"),
        ("audio,word,start_s,end_s\n", "lists nothing"),
        ("audio,word,start_s,end_s\na.wav,alexa,1,\n", "row 2: give word, start_s and end_s, or leave all three empty"),
        ("audio,word,start_s,end_s\na.wav,alexa,one,2\n", "row 2: start_s is 'one'"),
        ("audio,word,start_s,end_s\n,alexa,1,2\n", "row 2 names no sound"),
        ("audio,word,start_s,end_s\na.wav,alexa,2,1\n", "row 2: the label 'alexa' from 2 to 1 s"),
        ("audio,word,start_s,end_s,condition\na.wav,w,1,2,far\na.wav,w,3,4,near\n", "a recording has one condition"),
        ('audio,word,start_s,end_s\n"a.wav,w,1,2\n', "not CSV"),
        (
            "audio,keyword,start_s,end_s\n",
            "no column word: its first line names audio, keyword, start_s, end_s. Rename",
        ),
        ("", "its first line names none.*has a row with the last three empty: a.wav,,,"),
    ],
)
def test_wrong_tables(folder, text, message):
    sound(folder / "a.wav")
    path = folder / "list.csv"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message) as caught:
        corpus.read(path)
    assert str(path) in str(caught.value)


def test_a_line_that_is_no_json(folder):
    path = folder / "list.jsonl"
    path.write_text("audio: a.wav\n")
    with pytest.raises(ConfigError, match=r"list\.jsonl, line 1 is not JSON"):
        corpus.read(path)


def test_names_of_stretches_differ_however_near_they_are(folder):
    sound(folder / "a.wav", 10.0)
    starts = (1.0, 1.0000625 * 2, 2.000250)
    parts = [{"audio": "a.wav", "offset_s": at, "duration_s": 0.00005} for at in starts]
    names = [one.name for one in corpus.read(listed(folder, *parts)).recordings]
    assert len(set(names)) == len(names) == 3


@pytest.mark.parametrize("again", ["link.wav", "below/../a.wav"])
def test_sound_under_another_name_is_the_same_sound(folder, again):
    sound(folder / "a.wav", 10.0)
    (folder / "below").mkdir()
    (folder / "link.wav").symlink_to("a.wav")
    with pytest.raises(ConfigError, match=r"line 2: the same sound as .*line 1, in part"):
        corpus.read(listed(folder, {"audio": "a.wav"}, {"audio": again, "offset_s": 1.0}))
    parts = {"audio": "a.wav", "duration_s": 1.0}, {"audio": again, "offset_s": 1.0}
    one, two = corpus.read(listed(folder, *parts)).recordings
    assert one.name != two.name and (one.first, two.first) == (0, RATE)


def test_what_cannot_be_written_is_refused(folder):
    sound(folder / "a.wav")
    event = {"word": "w", "start_s": 1, "end_s": 2}
    for bad in ({"condition": "f\ud800r"}, {"speaker": "p\n1"}, {"events": [{**event, "word": "w\udc80"}]}):
        with pytest.raises(ConfigError, match=r"line 1: .* cannot be written as UTF-8"):
            corpus.read(listed(folder, {"audio": "a.wav", "events": [event], **bad}))


# Folders that are no corpus.


def test_hidden_folders_are_not_looked_into(folder):
    sound(folder / "a.wav")
    for hidden in (folder / ".git" / "annex" / "a.wav", folder / "b" / ".cache" / "b.wav"):
        sound(hidden)
    assert [one.name for one in corpus.read(folder).recordings] == ["a.wav"]
    assert ambient.files([folder]) == [folder / "a.wav"]


def test_a_linked_folder_is_noted(folder, tmp_path):
    sound(folder / "a.wav")
    sound(tmp_path / "more" / "b.wav")
    (folder / "more").symlink_to(tmp_path / "more")
    (folder / "loop").symlink_to(folder)
    found = corpus.read(folder)
    assert [one.name for one in found.recordings] == ["a.wav"]
    assert f"2 linked folders are not looked into, the first is {folder / 'loop'}" in found.notes[0]


def test_one_file_under_two_names_is_refused(folder):
    sound(folder / "a.wav")
    (folder / "b.wav").symlink_to("a.wav")
    with pytest.raises(ConfigError, match=r"b\.wav is the same file as .*a\.wav, and would count twice"):
        corpus.read(folder)


# The sound of the recordings.


def test_each_recording_is_its_own_samples_in_any_order(folder):
    samples = sound(folder / "a.wav", 10.0)
    path = listed(folder, *({"audio": "a.wav", "offset_s": at, "duration_s": 1.7} for at in (0, 1.7, 3.9, 8.3)))
    recordings = corpus.read(path).recordings
    with Sound() as source:
        for one in (*recordings, *reversed(recordings)):
            heard = np.concatenate([piece.copy() for piece in source.of(one)])
            assert np.array_equal(heard, samples[one.first : one.first + one.length])


def test_a_recording_that_was_left_half_heard_spoils_no_other(folder):
    samples = sound(folder / "a.wav", 10.0)
    one, two = corpus.read(
        listed(folder, {"audio": "a.wav", "duration_s": 4}, {"audio": "a.wav", "offset_s": 4.25})
    ).recordings
    with Sound() as source:
        next(source.of(one))
        assert np.array_equal(np.concatenate([piece.copy() for piece in source.of(two)]), samples[68_000:])
        assert np.array_equal(np.concatenate([piece.copy() for piece in source.of(one)]), samples[:64_000])


def test_a_file_that_has_become_shorter_says_so(folder):
    sound(folder / "a.wav", 4.0)
    (one,) = corpus.read(folder).recordings
    sound(folder / "a.wav", 3.0)
    with Sound() as source, pytest.raises(FormatError, match=r"a\.wav ends after 3.00 s"):
        list(source.of(one))


def test_another_rate_comes_at_ours(folder):
    sound(folder / "a.wav", 3.0, 44_100)
    (one,) = corpus.read(folder).recordings
    with Sound() as source:
        assert abs(sum(len(piece) for piece in source.of(one)) - 3 * RATE) <= 1
