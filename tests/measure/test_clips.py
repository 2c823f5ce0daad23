"""Clips: the sound of the loudest mistakes, sample for sample, within bounds. Around 1 s."""

import base64
import io
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import numpy as np
import pytest
import soundfile

from tests.measure.test_report import document, heard
from wakegate.measure import clips, corpus
from wakegate.measure.report import page

RATE = 16_000


def samples(uri):
    head, data = uri.split(",")
    assert head == "data:audio/wav;base64"
    found, rate = soundfile.read(io.BytesIO(base64.b64decode(data, validate=True)), dtype="int16")
    assert rate == RATE
    return found


@pytest.fixture
def evenings(tmp_path):
    """Two files of noise, the second with one wake word in it; and what they hold."""
    rng = np.random.default_rng(5)
    held = {name: rng.integers(-9000, 9000, 20 * RATE).astype(np.int16) for name in ("a.wav", "b.wav")}
    for name, sound in held.items():
        soundfile.write(tmp_path / name, sound, RATE)
    (tmp_path / "b.txt").write_text("10\t10.75\talexa\n")
    return corpus.read(tmp_path).recordings, held


def test_each_is_the_corpus_sound_around_the_mistake(evenings):
    recordings, held = evenings
    said = [heard(("alexa", 0.5, 0.9), ("alexa", 7.25, 0.8), ("alexa", 19.75, 0.7)), ()]
    found = document(recordings, [("e", {"alexa": 0.5}, said)])
    cut = clips.cut(found, recordings)
    spans = {
        ("a.wav", 0.5): ("a.wav", 0, 1.0), ("a.wav", 7.25): ("a.wav", 5.75, 7.75),
        ("a.wav", 19.75): ("a.wav", 18.25, 20), ("b.wav", 10.0): ("b.wav", 9.5, 11.25),
    }  # fmt: skip
    assert cut.uris.keys() == spans.keys() and cut.wanted == 4
    for place, (name, start, end) in spans.items():
        assert np.array_equal(samples(cut.uris[place]), held[name][round(start * RATE) : round(end * RATE)]), place
    assert cut.seconds == pytest.approx(1 + 2 + 1.75 + 1.75)
    assert cut.about() == {"count": 4, "wanted": 4, "seconds": 6.5, "bytes": sum(map(len, cut.uris.values()))}


def test_a_page_with_sound_says_so_and_loads_nothing_else(evenings):
    recordings, _ = evenings
    found = document(recordings, [("e", {"alexa": 0.5}, [heard(("alexa", 7.25, 0.8)), ()])])
    cut = clips.cut(found, recordings)
    shown = page(found, cut)
    ET.fromstring(shown)
    players = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attributes):
            assert tag not in ("script", "link", "img", "iframe", "object")
            if tag == "audio":
                players.append(dict(attributes))

    Reader().feed(shown)
    assert [one["src"] for one in players] == list(cut.uris.values())
    assert all(one["preload"] == "none" and "controls" in one for one in players)
    assert "media-src data:" in shown and len(re.findall("src=", shown)) == 2
    assert "This page holds sound, since --clips asked for it: 2 clips, 3.8 s" in shown
    without = page(found)
    assert "audio/wav" not in without and "media-src" not in without and "<audio" not in without


def test_there_are_so_many_and_no_more(evenings, monkeypatch):
    recordings, _ = evenings
    said = heard(*(("alexa", n + 0.5, 0.9 - n / 100) for n in range(19)))
    found = document(recordings, [("e", {"alexa": 0.5}, [said, heard(("alexa", 10.1, 0.9))])])
    cut = clips.cut(found, recordings)
    assert len(cut.uris) == clips.EACH == cut.wanted and ("a.wav", 0.5) in cut.uris and ("a.wav", 18.5) not in cut.uris
    monkeypatch.setattr(clips, "MOST_BYTES", 200_000)
    cut = clips.cut(found, recordings)
    assert 0 < sum(map(len, cut.uris.values())) <= 200_000 and cut.wanted == 10 and ("a.wav", 0.5) in cut.uris
    assert f"({10 - len(cut.uris)} more had no room or could not be read)" in page(found, cut)


def test_sound_that_has_gone_costs_its_clips_alone(evenings, tmp_path):
    recordings, _ = evenings
    found = document(recordings, [("e", {"alexa": 0.5}, [heard(("alexa", 7.25, 0.8)), ()])])
    (tmp_path / "a.wav").unlink()
    cut = clips.cut(found, recordings)
    assert cut.uris.keys() == {("b.wav", 10.0)} and cut.wanted == 2
