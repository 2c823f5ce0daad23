"""A corpus in conditions: what is heard, its names, and that it is always the same. Around 4 s."""

import hashlib
import json
import os
import pickle
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from tests.measure.conditions.hearing import RATE, delay, heard, loudest, noise, written
from wakegate.errors import ConfigError
from wakegate.measure import corpus as corpora
from wakegate.measure.conditions import library, plan
from wakegate.measure.conditions.draw import fraction
from wakegate.measure.conditions.excerpt import placed
from wakegate.measure.conditions.made import Codec, Simulated
from wakegate.measure.conditions.plan import Options, conditioned

WORD = (1.0, 1.6)


def test_responses_of_a_manifest_are_its_stretches(tmp_path):
    two = np.zeros(1600, np.float32)
    two[[100, 900]] = 0.5, 1.0
    written(tmp_path / "two.wav", two, subtype="FLOAT")
    lines = [{"audio": "two.wav", "offset_s": at, "duration_s": 0.05} for at in (0, 0.05)]
    (tmp_path / "rooms.jsonl").write_text("\n".join(map(json.dumps, lines)))
    found, _ = library.rooms(tmp_path / "rooms.jsonl", corpora.silent)
    assert [(one.first, one.length) for one in found] == [(0, 800), (800, 800)]


def test_conditions_that_print_alike_are_refused(corpus):
    with pytest.raises(ConfigError, match=r"two conditions are called 'gain \+10 dB'"):
        conditioned(corpus, Options(gain_db=(10, 10.0000001)))


@pytest.fixture
def corpus(tmp_path):
    """Two clips with a word in each, and 25 s without."""
    root = tmp_path / "corpus"
    for name, seed, level in (("a", 1, 0.05), ("b", 2, 0.02), ("talk", 3, 0.03)):
        samples = noise(25 if name == "talk" else 2.5, seed, level)
        if name != "talk":
            samples[: RATE // 2] *= 3  # louder than the word: not what the SNR is about
            (root / f"{name}.txt").parent.mkdir(exist_ok=True)
            (root / f"{name}.txt").write_text("{}\t{}\talexa\n".format(*WORD))
        written(root / f"{name}.wav", samples)
    return corpora.read(root)


@pytest.fixture
def hum(tmp_path):
    """Noise: long, short and at another rate."""
    root = tmp_path / "noise"
    written(root / "long.flac", noise(20, 11, 0.2))
    written(root / "short.wav", noise(0.7, 12, 0.01))
    written(root / "wide.wav", noise(9, 13, 0.1), 48_000)
    return root


@pytest.fixture
def rooms(tmp_path):
    root = tmp_path / "rooms"
    for number, direct in enumerate((0, 50, 400)):
        impulse = np.random.default_rng(number).standard_normal(3000) * np.exp(-np.arange(3000) / 500) * 0.1
        impulse[:direct] *= 0.1
        impulse[direct] = 1
        written(root / f"{number}.wav", impulse, subtype="FLOAT")
    return root


def by_name(found):
    return {one.name: one for one in found.recordings}


@pytest.mark.parametrize("snr_db", [20.0, 5.0, -5.0])
def test_the_snr_is_what_was_asked_for(corpus, hum, snr_db):
    found = by_name(conditioned(corpus, Options(noise=hum, snr_db=(snr_db,))))
    start, end = (round(second * RATE) for second in (WORD[1] - 1, WORD[1]))
    for name in ("a.wav", "b.wav"):
        mixed = heard(found[f"{name} [noise {snr_db:g} dB]"]).astype(float)
        clean = heard(by_name(corpus)[name]).astype(float)
        # A mixture is turned down as a whole where it must be: find the two factors from the samples.
        added = found[f"{name} [noise {snr_db:g} dB]"].made.noise
        down = np.linalg.lstsq(np.stack([clean, bed(added)], axis=1), mixed, rcond=None)[0]
        speech, noise_alone = clean * down[0], mixed - clean * down[0]
        snr = 10 * np.log10(loudest(speech, start, end) / loudest(noise_alone, start, end))
        assert snr == pytest.approx(snr_db, abs=0.1)


def bed(excerpts):
    return np.concatenate([*placed(excerpts, sum(one.length for one in excerpts))]).astype(float)


def test_talk_without_words_gets_noise_by_its_median_stretch(corpus, hum):
    found = by_name(conditioned(corpus, Options(noise=hum, snr_db=(10,))))["talk.wav [noise 10 dB]"]
    clean, mixed = (heard(one).astype(float) for one in (by_name(corpus)["talk.wav"], found))
    down = np.linalg.lstsq(np.stack([clean, bed(found.made.noise)], axis=1), mixed, rcond=None)[0]
    speech, added = clean * down[0], mixed - clean * down[0]
    bounds = ((0, 160_000), (160_000, 320_000), (320_000, 400_000))
    each = [10 * np.log10(loudest(speech, *one) / loudest(added, *one)) for one in bounds]
    assert np.median(each) == pytest.approx(10, abs=0.1)


def test_each_snr_has_the_same_noise_and_room(corpus, hum, rooms):
    found = by_name(conditioned(corpus, Options(noise=hum, snr_db=(10, 0), rir=rooms, codecs=(Codec.G711,))))
    one, two = found["a.wav [noise 10 dB, rir, g711]"].made, found["a.wav [noise 0 dB, rir, g711]"].made
    assert one.noise == two.noise and one.room == two.room
    assert len({found[f"{name} [noise 0 dB, rir, g711]"].made.noise for name in ("a.wav", "b.wav")}) == 2


def test_the_product_and_its_names(corpus, hum, rooms, monkeypatch):
    monkeypatch.setattr(plan, "ROOMS", 2)
    options = Options(
        noise=hum, snr_db=(10, 5), rir=rooms, rooms=(Simulated(distance_m=1, rt60_s=0.2),), gain_db=(-20, 6), clean=True
    )
    marked = replace(corpus, recordings=(replace(corpus.recordings[0], condition="far"), *corpus.recordings[1:]))
    found = conditioned(marked, options)
    rows = ["noise 10 dB, rir, gain -20 dB", "noise 10 dB, rir, gain +6 dB", "noise 5 dB, rir, gain -20 dB",
            "noise 5 dB, rir, gain +6 dB"]  # fmt: skip
    rows += [row.replace("rir", "room 1 m 0.2 s") for row in rows]
    assert found.conditions.names == ("clean", *rows)
    assert len({one.name for one in found.recordings}) == len(found.recordings) == 9 * 3
    assert {one.condition for one in found.recordings} == {"clean", *rows} | {f"far, {row}" for row in ("clean", *rows)}
    assert list(dict.fromkeys(one.made_condition for one in found.recordings)) == ["clean", *rows]
    assert [(kind, name) for kind, name, _ in found.conditions.files] == [
        ("noise", "long.flac"), ("noise", "short.wav"), ("noise", "wide.wav"),
        ("rir", "0.wav"), ("rir", "1.wav"), ("rir", "2.wav"),
    ]  # fmt: skip
    assert found.digest == corpus.digest
    assert dict(found.conditions.versions).keys() == {"libsndfile", "numpy", "soxr", "pyroomacoustics"}


def test_nothing_asked_is_the_corpus_itself(corpus):
    assert conditioned(corpus, Options(clean=True)) is corpus


def test_gain_clips_as_a_converter(corpus):
    louder, quieter = conditioned(corpus, Options(gain_db=(20, -20))).recordings[0::3]
    clean = heard(corpus.recordings[0]).astype(float)
    assert np.array_equal(heard(louder), np.clip(np.rint(clean * np.float32(10)), -32_768, 32_767))
    assert np.abs(heard(quieter) - clean / 10).max() <= 0.5


def test_words_stay_where_they_are_through_everything(corpus, hum, rooms):
    clean = heard(corpus.recordings[0])
    for one in conditioned(corpus, Options(noise=hum, snr_db=(20,), rir=rooms, codecs=tuple(Codec))).recordings[0::3]:
        found = heard(one)
        assert len(found) == len(clean) and one.references == corpus.recordings[0].references
        assert abs(delay(clean, found)) <= 32, one.name  # 2 ms


def test_a_loud_mixture_is_turned_down_and_never_clipped(corpus, hum, tmp_path):
    loud = tmp_path / "loud"
    written(loud / "a.wav", np.clip(noise(3, 1, 0.5), -0.99, 0.99))
    (one,) = conditioned(corpora.read(loud), Options(noise=hum, snr_db=(0,))).recordings
    assert 16_000 < np.abs(heard(one).astype(int)).max() < 32_767


def test_silence_stays_silence(tmp_path, hum):
    written(tmp_path / "quiet" / "a.wav", np.zeros(32_000))
    (one,) = conditioned(corpora.read(tmp_path / "quiet"), Options(noise=hum, snr_db=(10,))).recordings
    assert not heard(one).any()


def test_the_same_in_another_process_and_order(corpus, hum, rooms):
    """The description is enough: it is sent to a process that never saw the folders."""
    options = Options(noise=hum, snr_db=(10,), rir=rooms, codecs=(Codec.G711,), seed=3)
    recordings = conditioned(corpus, options).recordings
    assert conditioned(corpus, options).recordings == recordings
    there = """
import hashlib, json, pickle, sys
from tests.measure.conditions.hearing import heard
found = [hashlib.sha256(heard(one).tobytes()).hexdigest() for one in pickle.load(sys.stdin.buffer)]
print(json.dumps(found[::-1]))
"""
    done = subprocess.run(
        [sys.executable, "-c", there], input=pickle.dumps(recordings[::-1]), capture_output=True, check=True,
        env={**os.environ, "PYTHONHASHSEED": "7"},
    )  # fmt: skip
    assert json.loads(done.stdout) == [hashlib.sha256(heard(one).tobytes()).hexdigest() for one in recordings]


def test_draws_are_the_same_on_any_machine():
    """Written down once: the first 52 bits of SHA-256 of "(0, 'a.wav', 'noise', 0)", and so on."""
    assert fraction(0, "a.wav", "noise", 0) == 0.7857043176376626
    assert fraction(0, "a", "b") != fraction(0, "ab") and fraction(0, "a") != fraction(1, "a")


def test_another_seed_draws_otherwise(corpus, hum):
    one, two = (
        conditioned(corpus, Options(noise=hum, snr_db=(10,), seed=seed)).recordings[0].made.noise for seed in (1, 2)
    )
    assert one != two


def test_a_key_says_what_is_heard_and_not_where_it_lies(corpus, hum, rooms):
    made = conditioned(corpus, Options(noise=hum, snr_db=(10,), rir=rooms)).recordings[0].made
    elsewhere = replace(made, noise=tuple(replace(one, audio=hum / "x") for one in made.noise))
    assert elsewhere.key == made.key
    others = [
        replace(made, snr_db=11.0), replace(made, gain_db=1.0), replace(made, codec=Codec.MP3),
        replace(made, room=None),
        replace(made, noise=(replace(made.noise[0], first=1), *made.noise[1:])),
        replace(made, noise=(replace(made.noise[0], sha256="0"), *made.noise[1:])),
    ]  # fmt: skip
    assert len({made.key, *(one.key for one in others)}) == 7


def test_noise_goes_on_in_whole_files_where_one_is_not_enough(corpus, hum):
    for one in conditioned(corpus, Options(noise=hum, snr_db=(10,))).recordings:
        ends = [part.at + part.length for part in one.made.noise]
        assert [part.at for part in one.made.noise] == [0, *ends[:-1]] and ends[-1] == one.length
        lengths = {"long.flac": 320_000, "short.wav": 11_200, "wide.wav": 48_000}
        for part in one.made.noise[:-1]:
            assert part.first == 0 and part.length == lengths[part.audio.name]


def test_noise_is_not_drawn_where_its_file_is_silent(corpus, tmp_path):
    """0.5 s of sound, 1 s of silence, 0.8 s of sound, and padding that only dithers."""
    parts = [noise(0.5, 1), np.zeros(RATE), noise(0.8, 2), np.full(RATE, 1 / 32_768, np.float32)]
    written(tmp_path / "padded" / "dog.wav", np.concatenate(parts))
    for one in conditioned(corpus, Options(noise=tmp_path / "padded", snr_db=(10,))).recordings:
        assert {(part.first, part.length) for part in one.made.noise[:-1]} == {(round(1.5 * RATE), round(0.8 * RATE))}
        heard(one)


REFUSED = {
    "--snr without --noise": (lambda at: Options(snr_db=(10,)), "belong together"),
    "--noise without --snr": (lambda at: Options(noise=at), "belong together"),
    "no number": (lambda at: Options(noise=at, snr_db=(float("nan"),)), "give -40 to 80"),
    "twice": (lambda at: Options(noise=at, snr_db=(5, 5)), "--snr: one value is given twice"),
    "background alone": (lambda at: Options(background=at), "give --stream too"),
    "gap": (lambda at: Options(gap_s=float("nan")), "from 0 to 3600"),
    "gain": (lambda at: Options(gain_db=(float("inf"),)), "give -80 to 80"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_options_that_make_no_sense(case, tmp_path):
    make, message = REFUSED[case]
    with pytest.raises(ConfigError, match=message):
        make(tmp_path)


def test_folders_that_cannot_be_used(corpus, tmp_path):
    def refused(message, **options):
        with pytest.raises(ConfigError, match=message):
            conditioned(corpus, Options(**options))

    (tmp_path / "empty").mkdir()
    refused("--noise: .*empty holds no sound", noise=tmp_path / "empty", snr_db=(1,))
    refused("--rir: .*nowhere does not exist", rir=tmp_path / "nowhere")
    written(tmp_path / "silent" / "a.wav", np.zeros(1000))
    refused(r"--noise: .*a\.wav is digital silence", noise=tmp_path / "silent", snr_db=(1,))
    refused(r"--rir: .*a\.wav is silent: it is no room", rir=tmp_path / "silent")
    written(tmp_path / "long" / "a.wav", noise(10.5))
    refused(r"--rir: .*a\.wav is 10\.5 s long", rir=tmp_path / "long")


def test_reading_is_told(corpus, hum):
    said = []
    conditioned(corpus, Options(noise=hum, snr_db=(1,)), lambda what, share: said.append((what.split()[0], share)))
    assert {what for what, _ in said} == {"lengths", "hashes", "levels"}
    assert all(0 <= share < 1 for _, share in said)
