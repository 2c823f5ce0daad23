"""``wakegate measure --clips``: sound on disk if and only if a person asked, and said. Around 2 s."""

import base64
import io
import json
import re
import shutil

import numpy as np
import pytest
import soundfile

from tests.cli.process import RATE, SIX_WORDS, six_words
from wakegate.cli import main


@pytest.fixture
def measured(tmp_path, capsys):
    """Measure the six words with one label on the wrong word, so that there is a false accept and a miss."""
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    shutil.copy(SIX_WORDS, corpus)
    labels = SIX_WORDS.with_suffix(".txt").read_text().replace("computer", "jarvis", 1)
    (corpus / SIX_WORDS.with_suffix(".txt").name).write_text(labels)

    def run(*words):
        code = main(["measure", str(corpus), "--engine", "wakegate", "--out", str(tmp_path / "out"), *words])
        assert code == 0
        found = json.loads((tmp_path / "out" / "results.json").read_text())
        return found, (tmp_path / "out" / "report.html").read_text(), capsys.readouterr().err

    return run


def test_without_the_option_no_sound_is_written(measured, tmp_path):
    found, shown, said = measured()
    assert "clips" not in found and "--clips" not in found["command"]
    assert "audio/wav" not in shown and "<audio" not in shown and "can hear" not in said
    spoken = six_words()[5 * RATE // 2 : 5 * RATE // 2 + 320].tobytes()
    files = [one for one in (tmp_path / "out").rglob("*") if one.is_file()]
    assert len(files) >= 3 and not any(spoken in one.read_bytes() or b"RIFF" in one.read_bytes() for one in files)


def test_with_it_the_page_holds_the_corpus_sound_and_all_say_so(measured):
    found, shown, said = measured("--clips")
    (false,) = found["engines"][0]["mistakes"][0]["false_accepts"]["loudest"]
    assert false["word"] == "computer" and found["command"][-1] == "--clips"
    assert (found["clips"]["count"], found["clips"]["wanted"]) == (2, 2)
    assert re.search(
        r"--clips: report\.html holds 2 clips, \d\.\d s of the corpus's sound: whoever gets the page", said
    )
    assert "This page holds sound, since --clips asked for it" in shown
    uris = re.findall(r'src="data:audio/wav;base64,([^"]+)"', shown)
    sound, rate = soundfile.read(io.BytesIO(base64.b64decode(uris[0])), dtype="int16")
    first = round((false["at_s"] - 1.5) * RATE)
    assert rate == RATE and len(sound) == 2 * RATE
    assert np.array_equal(sound, six_words()[first : first + 2 * RATE])
    assert "base64" not in json.dumps(found)
