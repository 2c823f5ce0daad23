"""The exported graph is the torch network, and targets are what they say. Around 8 s with torch, skipped without.

The weights are random: this is about arithmetic, not about words.
"""

import hashlib
import json
from dataclasses import asdict

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is only in the extra `train`")
pytest.importorskip("onnx", reason="onnx is only in the extra `train`")

from wakegate.train import export, graph, verify  # noqa: E402  (they import torch)
from wakegate.train.corpus import WORDS  # noqa: E402
from wakegate.train.ensemble import AGAIN, THROATS, other_throats, sure  # noqa: E402
from wakegate.train.fit import IGNORED, NONE, STEP, STEPS, load_network, targets  # noqa: E402
from wakegate.train.network import BINS, HOP, MELS, STRIDE, FrontEnd, Shape, Trunk, fourier, mel_bank  # noqa: E402
from wakegate.train.verifier import WINDOW, Verifier, VerifierShape, centred, loudness  # noqa: E402
from wakegate.wake import load  # noqa: E402

RATE = 16_000
SHAPE = Shape(channels=24)
RNG = np.random.default_rng(8)
SOUNDS = {
    "noise": RNG.normal(0, 2000, 3 * RATE),
    "loud noise": np.clip(RNG.normal(0, 30_000, RATE), -32768, 32767),
    "noise that comes and goes": RNG.normal(0, 1, 3 * RATE) * 3000 * np.sin(np.arange(3 * RATE) / 9000) ** 2,
    "silence": np.zeros(RATE),
    "one click": np.eye(1, RATE, 5000)[0] * 20_000,
}


def lived(network):
    """Give a network a normalisation that has seen something."""
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.5, 2.0)
            module.weight.data.uniform_(0.5, 1.5)
            module.bias.data.normal_(0, 0.3)
    return network.eval()


@pytest.fixture(scope="module")
def trunk():
    """A first stage with random weights that suspects words now and then."""
    torch.set_num_threads(1)
    torch.manual_seed(4)
    made = lived(Trunk(NONE + 1, SHAPE))
    suspicion = torch.cat([by_chunk(made, sound) for sound in SOUNDS.values()])
    made.head.bias.data[NONE] += suspicion.median() - np.log(export.GATE)  # half of all chunks pass the gate
    return made


def by_chunk(trunk, sound):
    """Return each chunk's highest log odds of a word against none."""
    samples = sound[: len(sound) // graph.CHUNK * graph.CHUNK].astype(np.int16)
    chances = first_stage(trunk, samples)[0]
    return (chances[:, :NONE].amax(1) - chances[:, NONE]).reshape(-1, graph.STEPS).amax(1)


@pytest.fixture(scope="module")
def verifiers():
    """A second stage of two verifiers with random weights, one of them as words of one's own have it."""
    torch.manual_seed(5)
    made = []
    own = VerifierShape(channels=(3, 5, 7, 9), mixed=11, deep=(9, 7), answers=3)
    for shape in (own, VerifierShape(channels=(4, 6, 8, 10), mixed=12)):
        made.append(lived(Verifier(NONE + 1, shape)))
        made[-1].place.data.normal_(0, 1)
        made[-1].value.weight.data *= 10  # so that it finds more in one window than in another
        made[-1].value.bias.data[NONE :: NONE + 1] += 2.2
    return made


@pytest.fixture(scope="module", params=["onnxruntime", "numpy"])
def exported(trunk, verifiers, tmp_path_factory, request):
    """The same networks through checkpoints, the export and the Scorer."""
    folder = tmp_path_factory.mktemp("train")
    saved = {"shape": {"channels": SHAPE.channels}, "averaged": trunk.state_dict()}
    torch.save(saved, folder / "checkpoint.pt")
    for number, one in enumerate(verifiers, 1):
        torch.save({"shape": asdict(one.shape), "averaged": one.state_dict()}, verify.checkpoint(folder, number))
    export.run(folder / "checkpoint.pt", folder / "out", "tiny")
    manifest = folder / "out" / "tiny.json"
    assert (
        json.loads(manifest.read_text())["sha256"]
        == hashlib.sha256(manifest.with_suffix(".onnx").read_bytes()).hexdigest()
    )
    assert json.loads(manifest.read_text())["trunk"], "what loads is checked against it"
    return load(path=manifest, engine=request.param)


def heard(samples):
    return FrontEnd().power(torch.from_numpy(samples.astype(np.float32))[None])


def first_stage(trunk, samples):
    with torch.no_grad():
        return torch.log_softmax(trunk(FrontEnd().normalised(heard(samples))), dim=2)


def by_torch(trunk, verifiers, samples):
    """Score chunk by chunk: nothing where the first stage suspects nothing, else both stages together."""
    chances, power = first_stage(trunk, samples), heard(samples)
    power = torch.nn.functional.pad(power, (0, 0, WINDOW, 0))
    scores = np.zeros((chances.shape[1], len(WORDS)), np.float32)
    for at in range(0, len(scores), graph.STEPS):
        steps = chances[0, at : at + graph.STEPS]
        if (steps[:, :NONE] - steps[:, NONE:]).max() < np.log(export.GATE):
            continue
        end = WINDOW + (at + graph.STEPS) * STRIDE
        with torch.no_grad():
            window = centred(loudness(power[:, end - WINDOW : end]))[0]
            scores[at : at + graph.STEPS] = sure(verifiers, window, steps)[:, :NONE].numpy()
    return scores


@pytest.mark.parametrize("name", SOUNDS)
def test_the_exported_graph_is_the_torch_networks(trunk, verifiers, exported, name):
    samples = SOUNDS[name].astype(np.int16)
    samples = samples[: len(samples) // graph.CHUNK * graph.CHUNK]
    exported.reset()
    scores, expected = exported.push(samples), by_torch(trunk, verifiers, samples)
    assert scores.shape == expected.shape
    assert np.abs(scores - expected).max() < 1e-3
    quiet = ("silence", "one click")  # nothing there is suspected
    assert name in quiet or expected.std() > 1e-3, "the comparison says nothing if every score is the same"


def test_some_chunks_are_suspected_and_some_are_not(trunk, verifiers):
    """Else the comparison above would say nothing of the gate."""
    samples = np.concatenate(list(SOUNDS.values())).astype(np.int16)
    samples = samples[: len(samples) // graph.CHUNK * graph.CHUNK]
    suspected = by_torch(trunk, verifiers, samples).reshape(-1, graph.STEPS * len(WORDS)).any(axis=1)
    assert suspected.any() and not suspected.all()


def test_some_windows_are_looked_at_again_and_some_are_not(trunk, verifiers):
    """Else the comparison above would say nothing of the other throats."""
    samples = np.concatenate(list(SOUNDS.values())).astype(np.int16)
    best = by_torch(trunk, verifiers, samples[: len(samples) // graph.CHUNK * graph.CHUNK])
    best = best.reshape(-1, graph.STEPS * len(WORDS)).max(axis=1)
    assert (best >= AGAIN).any() and ((0 < best) & (best < AGAIN)).any()


def test_other_throats_say_it_higher_and_lower():
    """A tone in one band comes out at its place over the stretch, shared by the two bands next to it."""
    features = torch.zeros(WINDOW, MELS)
    features[:, 20] = 1
    for said, stretch in zip(features @ other_throats(), THROATS, strict=True):
        assert said[0].argmax() == round(20 / stretch)
        assert (said[0] @ torch.arange(MELS).float() / said[0].sum()).item() == pytest.approx(20 / stretch, abs=0.6)


def test_a_checkpoint_loads_as_it_was(trunk, tmp_path):
    torch.save({"shape": {"channels": SHAPE.channels}, "averaged": trunk.state_dict()}, tmp_path / "c.pt")
    loaded = load_network(tmp_path / "c.pt")
    assert not loaded.training
    assert all(torch.equal(value, trunk.state_dict()[name]) for name, value in loaded.state_dict().items())


def test_the_network_never_looks_ahead(trunk):
    samples = SOUNDS["noise"].astype(np.int16)
    changed = samples.copy()
    changed[2 * RATE :] = 0
    before = 2 * RATE // (HOP * STRIDE)
    first, second = first_stage(trunk, samples)[0].numpy(), first_stage(trunk, changed)[0].numpy()
    assert np.array_equal(first[:before], second[:before]) and not np.allclose(first[before:], second[before:])


def test_context_is_as_far_as_the_network_looks_back(trunk):
    features = torch.zeros(1, 400, MELS)
    with torch.no_grad():
        plain = trunk(features)
        features[0, 0] = 1.0
        reach = int(torch.nonzero((trunk(features) != plain).any(dim=2))[:, 1].max()) + 1
    # The last step that one frame moves, and the rest of that frame.
    assert reach * STRIDE * HOP <= export.context(trunk) <= (reach + 1) * STRIDE * HOP + HOP


def test_level_vanishes_in_the_features():
    samples = torch.from_numpy(SOUNDS["noise"].astype(np.float32))[None]
    front_end = FrontEnd()
    assert torch.allclose(front_end(samples), front_end(samples / 30), atol=1e-3)


def test_the_front_end_is_made_of_triangles_and_a_window():
    assert fourier().shape == (320, 2 * len(BINS)) and mel_bank().shape == (2 * len(BINS), MELS)
    assert np.allclose(mel_bank().sum(axis=0), 2.0, atol=1e-5) and (mel_bank() >= 0).all()


# Targets.


def classes(word, end):
    (row,) = targets(np.array([word], np.int8), np.array([end], np.int32)).numpy()
    assert row.shape == (STEPS,) and row.dtype == np.int64
    return row


def test_targets_of_a_word_are_its_end_with_ignored_steps_around():
    end = 50 * STEP  # step i ends at (i + 1) * STEP, 40 ms a step
    row = classes(3, end)
    expected = np.full(STEPS, NONE)
    expected[44:65] = IGNORED  # 200 ms before to 600 ms after
    expected[49:55] = 3  # 20 ms before to 220 ms after
    assert np.array_equal(row, expected)


def test_no_word_is_none_everywhere_wherever_it_ends():
    assert (classes(-1, 50 * STEP) == NONE).all() and (classes(-1, 0) == NONE).all()


def test_the_first_word_is_a_word():
    assert (classes(0, 50 * STEP) == 0).sum() == 6


def test_a_word_that_ends_outside_leaves_nothing_wrong():
    assert set(classes(2, (STEPS + 500) * STEP)) == {NONE}
    assert set(classes(2, (STEPS + 5) * STEP)) == {NONE, IGNORED}


def test_rows_do_not_mix():
    both = targets(np.array([1, -1], np.int8), np.array([50 * STEP, 50 * STEP], np.int32)).numpy()
    assert np.array_equal(both[0], classes(1, 50 * STEP)) and (both[1] == NONE).all()
