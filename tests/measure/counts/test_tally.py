"""What a recording's end does to the counts: by the events of our engine, of a program, and of a NeMo sentence."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from wakegate.measure import corpus
from wakegate.measure.counts.tally import counted, hours, scored
from wakegate.measure.engines import Heard
from wakegate.measure.engines.said import heard
from wakegate.measure.listening.run import Hearing
from wakegate.measure.recording import Recording, Reference

RATE = 16_000
LENGTH = 2 * RATE


def hearing(excluded, *said, references=()):
    recording = Recording(
        name="a", audio=Path("a"), first=0, length=LENGTH, excluded=excluded, references=tuple(references)
    )
    return Hearing(recording=recording, heard=said)


# As our detector says it at the last chunk, and a program behind the end of the sound.
LAST = (
    Heard(word="w", at=LENGTH, score=0.9),
    heard(b'{"at_s": 2.0, "word": "w"}', LENGTH),
    heard(b'{"at_s": 2.7, "word": "w"}', LENGTH),
)


@pytest.mark.parametrize("said", LAST)
def test_what_is_heard_as_an_excluded_end_ends_counts_nowhere(said):
    assert scored("w", hearing(((RATE, LENGTH),), said), 8000) == []
    assert scored("w", hearing(((0, LENGTH),), said), 8000) == []


@pytest.mark.parametrize("said", LAST)
def test_an_end_that_is_not_excluded_counts(said):
    assert scored("w", hearing(((0, RATE), (RATE + 1, LENGTH - 1)), said), 8000) == [said]
    word = Reference(word="w", start=LENGTH - 9000, end=LENGTH - 8000)
    assert scored("w", hearing(((RATE, LENGTH - 9000),), said, references=[word]), 8000) == [said]


def test_the_end_of_a_region_inside_is_outside():
    said = Heard(word="w", at=RATE, score=0.9)
    assert scored("w", hearing(((0, RATE),), said), 8000) == [said]


@pytest.mark.parametrize("said", LAST)
def test_a_sentence_of_nemo_is_not_scored_to_its_very_end(tmp_path, said):
    soundfile.write(tmp_path / "a.wav", np.zeros(LENGTH, np.int16), RATE)
    line = {"audio_filepath": "a.wav", "duration": 2.0, "text": "turn w off"}
    (tmp_path / "m.json").write_text(json.dumps(line) + "\n")
    (one,) = corpus.read(tmp_path / "m.json", {"w"}).recordings
    heard_in = [Hearing(recording=one, heard=(said,))]
    assert counted("w", heard_in, 8000, hours(heard_in, 8000)).false.tolist() == []
