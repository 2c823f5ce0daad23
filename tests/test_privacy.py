"""What the house promises (architecture.md, invariants), tried on random histories and on this process's own memory.

Ledger, journal, ring, gate, sealer, pipes and the second process are real; the ear, the clock and the sound are ours.
Around 20 s.
"""

import json
import os
import select
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyrage
import pytest

from tests.gate.world import ACT, IDENTITY, KEY, FakeEar, Scene, ScriptSource, World, find
from tests.memory import plant
from wakegate.audio.files import FileSource
from wakegate.events import Purpose, Reason
from wakegate.gate.clip import HEADER_BYTES
from wakegate.gate.limits import Limits
from wakegate.gate.sinks import CallbackSink, StreamSink
from wakegate.pipeline import Pipeline
from wakegate.wake import catalogue, load

ROOT = Path(__file__).resolve().parents[1]
KEYED = (Purpose.REVIEW, Purpose.FALSE_ACCEPT_REVIEW)
LIMITS = Limits(pre_roll_s=0.5, no_speech_s=1.0, trailing_silence_s=0.5, openings_a_minute=20)


class Elsewhere:
    """Another process with the same place, which revokes when told."""

    CODE = """
import sys
from pathlib import Path
from tests.gate.world import World
from wakegate.events import Purpose
print("ready", flush=True)
for line in sys.stdin:
    path, purpose = line.rsplit(maxsplit=1)
    World(Path(path)).ledger().revoke(Purpose(purpose))
    print("done", flush=True)
"""

    def __init__(self):
        self.process = subprocess.Popen(
            [sys.executable, "-c", self.CODE], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout.readline() == "ready\n"

    def begin(self, world, purpose):
        print(world.place.path.parent, purpose.value, file=self.process.stdin, flush=True)

    def done_within(self, seconds):
        return bool(select.select([self.process.stdout], [], [], seconds)[0])

    def revoke(self, world, purpose):
        self.begin(world, purpose)
        assert self.process.stdout.readline() == "done\n"


@pytest.fixture(scope="module")
def elsewhere():
    other = Elsewhere()
    yield other
    other.process.stdin.close()
    other.process.wait(10)
    other.process.stdout.close()


class Ear(CallbackSink):
    """An assistant that may have heard enough."""

    sated = False

    def open(self, info):
        self.sated = False
        super().open(info)

    def enough(self):
        return self.sated


class History:
    """A random history: what was said, granted, revoked, lost and taken back, and a model of what is permitted."""

    def __init__(self, seed, path, elsewhere, deny_all=False):
        self.rng = np.random.default_rng(seed)
        self.world, self.elsewhere, self.deny_all = World(path), elsewhere, deny_all
        self.granted = {purpose: 0 for purpose in Purpose}  # 0: not granted, else the number of the grant
        self.grants = 0
        self.lost = []  # (source index, samples lost there)
        self.got = []  # (source index, id, first index of the piece in the sound, length, number of the grant)
        self.ended = {}
        scene = Scene()
        for _ in range(8):
            scene.quiet(self.rng.uniform(0.3, 1.2)).word()
            if self.rng.random() < 0.7:
                scene.speech(self.rng.uniform(0.3, 2))
            scene.quiet(self.rng.uniform(0.8, 1.4))
        self.sound = scene.samples()
        actions = (self.grant, self.grant, self.grant, self.revoke, self.revoke_elsewhere, self.gap, self.cancel)
        actions += (self.enough,)
        places = self.rng.integers(0, len(self.sound), 24)
        self.source = ScriptSource(self.sound, {int(at): self.pick(actions) for at in places})
        if not deny_all:
            self.grant(Purpose.ASSIST)

    def pick(self, choices):
        return choices[self.rng.integers(len(choices))]

    def grant(self, purpose=None):
        if self.deny_all:
            return
        purpose = purpose or self.pick([Purpose.ASSIST, *KEYED])
        self.world.ledger().grant(purpose, act=ACT, keys=(KEY,) if purpose in KEYED else ())
        self.grants += 1
        self.granted[purpose] = self.grants

    def revoke(self):
        purpose = self.pick([Purpose.ASSIST, *KEYED])
        self.world.ledger().revoke(purpose)
        self.granted[purpose] = 0
        assert not self.world.clips(purpose)  # invariant 4

    def revoke_elsewhere(self):
        purpose = self.pick([Purpose.ASSIST, *KEYED])
        self.elsewhere.revoke(self.world, purpose)
        self.granted[purpose] = 0
        assert not self.world.clips(purpose)

    def gap(self):
        lost = int(self.rng.integers(0, 3000))
        self.lost.append((self.source.at, lost))
        return (Reason.DEVICE_OVERFLOW, lost, "")

    def cancel(self):
        self.pipeline.cancel()

    def enough(self):
        self.ear.sated = True

    def index(self, at):
        """Return the stream's index of a sample of the sound: what was lost before it counts."""
        return at + sum(lost for place, lost in self.lost if place <= at)

    def hear(self, samples, info):
        if info.reason is not None:
            self.ended[info.id] = info.reason
            return
        at = find(samples, self.sound)
        assert at >= 0, "released samples that nobody said"
        self.got.append((self.source.at, info.id, self.index(at), len(samples), self.granted[Purpose.ASSIST]))

    def run(self):
        """Run it; return the events with the grants as they stood at each."""
        self.ear = Ear(self.hear)
        self.pipeline = Pipeline.open(
            self.source,
            scorer=FakeEar(),
            place=self.world.place,
            clock=self.world.clock,
            assist=self.ear,
            limits=LIMITS,
        )
        told = []
        with self.pipeline as pipeline:
            ring = pipeline._ring
            for event in pipeline:
                told.append((event, dict(self.granted)))
                if event.kind == "wiped" and not pipeline.is_open:
                    assert not ring._samples.any() and ring.start == ring.end  # invariant 5
                    assert not pipeline._ear._scorer._held.any()
        return told


def check(history, told):
    """Hold everything that left against what was permitted; return how many samples left."""
    wakes = {event.id: event for event, _ in told if event.kind == "wake"}
    ends = {event.id: event.at for event, _ in told if event.kind == "endpoint"}
    wiped, last_wipe = {}, 0
    for event, _ in told:
        if event.kind == "wake":
            wiped[event.id] = last_wipe
        if event.kind in ("wiped", "gap"):
            last_wipe = event.at
    number = {}
    for _, id, start, count, grant in history.got:
        assert grant, "released while not granted"  # invariants 1 and 4
        assert number.setdefault(id, grant) == grant, "a new grant went on with an old release"
        wake = wakes[id]  # invariant 1: there was a wake
        assert start >= max(wake.start - 8_000, wiped[id])  # invariant 7
        assert start + count <= ends.get(id, sys.maxsize)
    by_id = {}
    for _, id, start, count, _ in history.got:
        assert by_id.setdefault(id, start) == start, "a hole or a repetition"
        by_id[id] = start + count
    for event, granted in told:
        if event.kind == "released":
            assert granted[event.purpose]
            if not event.clip:
                assert by_id[event.id] == event.end
    return sum(piece[3] for piece in history.got)


def clear_clips(history, told):
    """Open every clip that is left in the outboxes and hold it against its wake; return how many."""
    released = {event.clip: event for event, _ in told if event.kind == "released" and event.clip}
    wakes = {event.id: event for event, _ in told if event.kind == "wake"}
    ends = {event.id: event.at for event, _ in told if event.kind == "endpoint"}
    suspects = {event.id for event, _ in told if event.kind == "suspected"}
    count = 0
    for purpose in Purpose:
        for path in history.world.clips(purpose):
            event = released[path.name]  # invariant 6, and no .part is left
            wav = pyrage.decrypt(path.read_bytes(), [IDENTITY])
            header = json.loads(wav[44 : 44 + HEADER_BYTES])
            samples = np.frombuffer(wav, np.int16, header["samples"], 44 + HEADER_BYTES + 8)
            assert header["purpose"] == purpose.value == event.purpose.value
            start = history.index(find(samples, history.sound))
            wake = wakes[event.id]
            assert (start, start + len(samples)) == (event.start, event.end)
            assert wake.start - 8_000 <= start and event.end <= ends[event.id]
            assert (event.id in suspects) == (purpose is Purpose.FALSE_ACCEPT_REVIEW)
            count += 1
    return count


def no_sound_on_disk(history):
    """Invariant 10: no file of the place but the sealed clips, and those only sealed, holds a run of samples."""
    runs = [history.sound[at : at + 8].tobytes() for at in range(0, len(history.sound) - 8, 997)]
    for path in history.world.place.path.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert not any(run in data for run in runs), path


def test_random_histories_release_only_what_was_granted(tmp_path, elsewhere):
    samples = clips = enough = 0
    for seed in range(8):
        history = History(seed, tmp_path / str(seed), elsewhere)
        told = history.run()
        samples += check(history, told)
        clips += clear_clips(history, told)
        enough += sum(event.kind == "endpoint" and event.reason is Reason.HEARD_ENOUGH for event, _ in told)
        no_sound_on_disk(history)
    tried = f"{samples} samples, {clips} clips, {enough} times heard enough"
    assert samples > 16_000 * 20 and clips >= 3 and enough, f"these histories try too little: {tried}"


def test_deny_all_releases_nothing(tmp_path, elsewhere):
    for seed in range(100, 103):
        history = History(seed, tmp_path / str(seed), elsewhere, deny_all=True)
        told = history.run()
        kinds = {event.kind for event, _ in told}
        assert "wake" in kinds and not kinds & {"opened", "released", "aborted"}
        assert history.got == [] and history.ended == {}
        assert not list(history.world.place.path.rglob("*.age"))


# Invariant 4, at the narrowest places


def test_revoke_elsewhere_waits_for_the_block_that_is_leaving(tmp_path, elsewhere):
    world = World(tmp_path)
    world.grant(Purpose.ASSIST)
    said = []

    def slow(samples, info):
        if not said:
            said.append("begun")
            elsewhere.begin(world, Purpose.ASSIST)
            assert not elsewhere.done_within(0.5)

    sound = Scene().quiet(1).word().speech(2).samples()
    kinds = []
    with Pipeline.open(sound, scorer=FakeEar(), place=world.place, clock=world.clock, assist=slow) as pipeline:
        for event in pipeline:
            kinds.append((event.kind, getattr(event, "reason", None)))
            if event.kind == "opened":
                assert elsewhere.done_within(10)
    assert elsewhere.process.stdout.readline() == "done\n"
    assert ("aborted", Reason.REVOKED) in kinds


def test_revoke_elsewhere_waits_until_a_clip_has_begun_and_takes_its_file(tmp_path, elsewhere):
    world = World(tmp_path)
    world.grant(Purpose.REVIEW)
    sound = Scene().quiet(1).word().speech(1).quiet(1.5).samples()
    left = []
    with Pipeline.open(sound, scorer=FakeEar(), place=world.place, clock=world.clock) as pipeline:
        outbox = pipeline._gate._outbox
        begin = outbox.begin

        def slowly(*clip):
            elsewhere.begin(world, Purpose.REVIEW)
            assert not elsewhere.done_within(0.5)
            return begin(*clip)

        outbox.begin = slowly
        for event in pipeline:
            if event.kind == "wiped":
                assert elsewhere.process.stdout.readline() == "done\n"
                left += world.clips(Purpose.REVIEW)
            reason = getattr(event, "reason", None)
    assert left == [] and not world.clips(Purpose.REVIEW) and reason is Reason.END_OF_SOUND


def sealed_request(world, hook):
    """Listen to a request under a review grant; call ``hook(pipeline, sealing)`` when its clip is about to appear."""
    world.grant(Purpose.REVIEW)

    def catch():
        for sealing in pipeline._gate._outbox._under_way:
            finished = sealing.done

            def done(now, sealing=sealing, finished=finished):
                complete = finished(now)
                if complete:
                    hook(pipeline, sealing)
                return complete

            sealing.done = done

    sound = Scene().quiet(1).word().speech(1).quiet(1.5).samples()
    source = ScriptSource(sound, {len(sound) - 1280: catch})
    pipeline = Pipeline.open(source, scorer=FakeEar(), place=world.place, clock=world.clock)
    with pipeline:
        events = list(pipeline)
    return [(event.kind, getattr(event, "reason", None)) for event in events]


def test_a_revoke_between_the_last_look_and_the_lock_is_seen(tmp_path):
    world = World(tmp_path)
    events = sealed_request(world, lambda pipeline, sealing: world.ledger().revoke(Purpose.REVIEW))
    assert ("aborted", Reason.REVOKED) in events and ("released", None) not in events
    assert not world.clips(Purpose.REVIEW)
    assert "released" not in [line.kind for line in world.journal_entries()]


def test_revoke_elsewhere_waits_for_the_clip_that_appears_and_takes_it(tmp_path, elsewhere):
    world = World(tmp_path)

    def slow_disk(pipeline, sealing):
        record = pipeline.journal.record

        def slowly(event, durable=False):
            if event.kind == "released":
                elsewhere.begin(world, Purpose.REVIEW)
                assert not elsewhere.done_within(0.5)
            record(event, durable)

        pipeline.journal.record = slowly

    events = sealed_request(world, slow_disk)
    assert elsewhere.process.stdout.readline() == "done\n"
    assert ("released", None) in events and not world.clips(Purpose.REVIEW)


def test_no_clip_appears_without_its_line_in_the_journal(tmp_path):
    """Invariant 6."""
    world = World(tmp_path)

    def break_journal(pipeline, sealing):
        for path in world.place.path.glob("journal*"):
            path.unlink()
        world.place.journal.mkdir()

    assert ("aborted", Reason.JOURNAL_UNWRITABLE) in sealed_request(world, break_journal)
    assert not world.clips(Purpose.REVIEW)


# Memory


class TimedEar(FakeEar):
    """Hears the word after so many samples, whatever they are; before that, lets an inner scorer hear them too."""

    def __init__(self, after, look, inner=None):
        super().__init__()
        self.after, self.look, self.inner = after, look, inner

    def push(self, samples):
        before, self.heard = self.heard, self.heard + len(samples)
        if self.inner is not None:
            self.inner.push(samples)
        fires = before < self.after <= self.heard
        if fires:
            self.look()
        return np.full((len(samples) // 320, 1), 1.0 if fires else 0.0, np.float32)

    def reset(self):
        if self.inner is not None:
            self.inner.reset()


def real_ear():
    if not catalogue.installed():
        pytest.skip("no model is installed in this checkout")
    return load()


@pytest.mark.parametrize("real", [pytest.param(False, marks=pytest.mark.long), True], ids=["fake ear", "real ear"])
def test_after_a_refusal_memory_holds_no_copy(tmp_path, real):
    inner = real_ear() if real else None
    probes = plant(tmp_path / "noise.wav", seed=11)
    before = []
    ear = TimedEar(24_000, lambda: before.append(probes.found()), inner)
    world = World(tmp_path)
    with Pipeline.open(tmp_path / "noise.wav", scorer=ear, place=world.place, clock=world.clock) as pipeline:
        for event in pipeline:
            if event.kind == "wiped":
                assert probes.found() == {}
    assert before[0], "the positive control found nothing"
    assert probes.found() == {}


def test_after_a_revoke_and_after_sealing_memory_holds_no_copy(tmp_path):
    probes = plant(tmp_path / "noise.wav", seed=12, seconds=4)
    world = World(tmp_path)
    world.grant(Purpose.ASSIST, Purpose.REVIEW)
    reader = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    during, kinds = [], []
    ear = TimedEar(16_000, lambda: during.append(probes.found()))

    class Noise(FileSource):
        reads = 0

        def read(self, out):
            Noise.reads += 1
            if Noise.reads == 25:
                world.ledger().revoke(Purpose.ASSIST)
            return super().read(out)

    limits = Limits(pre_roll_s=0.5, max_utterance_s=3)
    sink = StreamSink(reader.stdin.fileno())
    source = Noise(tmp_path / "noise.wav")
    with Pipeline.open(
        source, scorer=ear, place=world.place, clock=world.clock, assist=sink, limits=limits
    ) as pipeline:
        for event in pipeline:
            kinds.append(event.kind)
            if event.kind in ("wiped", "released"):
                assert probes.found() == {}
    reader.stdin.close()
    reader.wait(10)
    assert during[0] and {"aborted", "released", "wiped"} <= set(kinds)
    assert len(world.clips(Purpose.REVIEW)) == 1


# The process


def test_listening_opens_no_connection_and_leaves_home_empty(tmp_path):
    """Invariant 12, for everything but the model (tests/wake)."""
    code = """
import sys
told = []
sys.addaudithook(lambda event, args: told.append(event) if event.startswith("socket.") else None)
from pathlib import Path
from tests.gate.world import FakeEar, Scene, World
from wakegate.pipeline import Pipeline
world = World(Path(sys.argv[1]))
sound = Scene().quiet(1).word().quiet(1).samples()
with Pipeline.open(sound, scorer=FakeEar(), place=world.place, clock=world.clock) as pipeline:
    kinds = [event.kind for event in pipeline]
assert "wake" in kinds
assert not told, told
heavy = {"sounddevice", "rich", "scipy"} & set(sys.modules)
assert not heavy, heavy
"""
    home = tmp_path / "home"
    home.mkdir()
    environment = {key: value for key, value in os.environ.items() if key not in ("CI", "XDG_STATE_HOME")}
    environment |= {"HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, env=environment, check=True)
    assert list(home.iterdir()) == []


COPIES = (".tobytes(", "bytes(memoryview", ".copy(", ".astype(", "pickle", "print(", "tolist(")
ALLOWED = {("gate/sinks.py", ".copy(")}  # CallbackSink: released sound is the caller's


@pytest.mark.parametrize("path", ["pipeline.py", *(f"gate/{p.name}" for p in (ROOT / "wakegate/gate").glob("*.py"))])
def test_the_gate_copies_no_sound(path):
    text = (ROOT / "wakegate" / path).read_text()
    assert {(path, copy) for copy in COPIES if copy in text} <= ALLOWED
