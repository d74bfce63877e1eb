"""A run starts from the weights that a file holds, all of them, or says in a line why it cannot."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from learner.checkpoint import Checkpoints, load_checkpoint, save_checkpoint
from learner.encoders import Encoder, build_encoder
from learner.export import export_encoder
from learner.start import start_from
from sim.errors import InputError
from tests.learner.test_checkpoint import Trap, _one_thread, learner_of, pairs_of  # noqa: F401
from tests.learner.timm_here import stand_in
from tests.references.resnet import expected_state

State = dict[str, torch.Tensor]


def published(name: str = "resnet18", *, seed: int = 0, dtype: torch.dtype = torch.float32) -> State:
    """A state dict as torchvision publishes them, with a classifier."""
    generator = torch.Generator().manual_seed(seed)
    shapes = {**expected_state(name), "fc.weight": (1000, 512), "fc.bias": (1000,)}
    return {
        key: torch.zeros(shape, dtype=torch.int64)
        if key.endswith("num_batches_tracked")
        else torch.rand(shape, generator=generator).to(dtype)
        for key, shape in shapes.items()
    }


def without_counters(state: State) -> State:
    return {name: tensor for name, tensor in state.items() if not name.endswith("num_batches_tracked")}


def assert_started(encoder: Encoder, state: State) -> None:
    found = encoder.network.state_dict()
    for name, tensor in without_counters(found).items():
        torch.testing.assert_close(tensor, state[name].to(tensor.dtype), rtol=0, atol=0)


@pytest.mark.parametrize(("ending", "counters"), [("safetensors", True), ("pth", False), ("pt", True)])
def test_torchvisions_weights_are_taken_and_their_classifier_left(ending: str, counters: bool, tmp_path: Path) -> None:
    state, path = published(), tmp_path / f"resnet18.{ending}"
    stored = state if counters else without_counters(state)  # as files from before PyTorch 0.4.1
    save_file(stored, path) if ending == "safetensors" else torch.save(stored, path)
    encoder = build_encoder("resnet18", seed=5)
    noted = start_from(encoder, str(path))
    assert noted == {"file": str(path), "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    assert_started(encoder, state)
    encoder(torch.zeros(2, 3, 32, 32)).sum().backward()  # the weights can still be trained


def test_weights_in_half_precision_are_taken_in_full(tmp_path: Path) -> None:
    state = published(dtype=torch.float16)
    save_file(state, tmp_path / "half.safetensors")
    encoder = build_encoder("resnet18", seed=0)
    start_from(encoder, str(tmp_path / "half.safetensors"))
    assert {tensor.dtype for tensor in encoder.parameters()} == {torch.float32}
    assert_started(encoder, state)


def test_a_models_own_classifier_is_left_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch)
    encoder = build_encoder("timm:tiny_transformer", seed=0)
    state = {name: torch.rand(tensor.shape) for name, tensor in encoder.network.state_dict().items()}
    save_file({**state, "head.weight": torch.zeros(10, 12)}, tmp_path / "model.safetensors")
    start_from(encoder, str(tmp_path / "model.safetensors"))
    assert_started(encoder, state)


@pytest.mark.parametrize("name", ["small", "timm:tiny_convolution"])
def test_runs_and_exported_encoders_are_taken(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch)
    learner = learner_of(encoder=name)
    learner.step(pairs_of(0))
    (tmp_path / "run").mkdir()
    Checkpoints(tmp_path / "run/checkpoints").save(1, *learner.state(), best=True)
    export_encoder(tmp_path / "alone", learner.encoder, name=name, image_size=32, trained={})
    export_encoder(tmp_path / "finished/encoder", learner.encoder, name=name, image_size=32, trained={})
    for path in ("alone", "finished", "run", "run/checkpoints/best.safetensors", "alone/encoder.safetensors"):
        other = build_encoder(name, seed=9)
        start_from(other, str(tmp_path / path))
        ours, theirs = learner.encoder.state_dict(), other.state_dict()
        assert all(torch.equal(ours[key], theirs[key]) for key in ours), path


def test_a_run_that_goes_on_is_taken_where_it_is_and_not_where_it_was_exported(tmp_path: Path) -> None:
    learner = learner_of()
    export_encoder(tmp_path / "encoder", learner.encoder, name="small", image_size=32, trained={})
    learner.step(pairs_of(0))
    Checkpoints(tmp_path / "checkpoints").save(1, *learner.state())
    encoder = build_encoder("small", seed=9)
    start_from(encoder, str(tmp_path))
    assert_started(encoder, learner.encoder.state_dict())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda state: state.pop("layer2.0.conv1.weight"),
            "layer2.0.conv1.weight is missing there and [128, 64, 3, 3] in the encoder",
        ),
        (
            lambda state: state.update({"bn1.bias": torch.zeros(32)}),
            "bn1.bias is [32] there and [64] in the encoder",
        ),
        (
            lambda state: state.update({"layer1.2.bn1.bias": torch.zeros(64)}),
            "layer1.2.bn1.bias is [64] there and missing in the encoder",
        ),
        (
            lambda state: state.update({"fcx.bias": torch.zeros(3)}),
            "fcx.bias is [3] there and missing in the encoder",
        ),
    ],
)
def test_weights_that_do_not_fit_are_refused_and_nothing_is_loaded(change, message: str, tmp_path: Path) -> None:
    state, path = published(), str(tmp_path / "other.safetensors")
    change(state)
    save_file(state, path)
    encoder = build_encoder("resnet18", seed=0)
    before = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}
    with pytest.raises(InputError) as told:
        start_from(encoder, path)
    assert str(told.value) == f"init={path}: {message}: another network's weights"
    assert all(torch.equal(before[name], tensor) for name, tensor in encoder.state_dict().items())


def test_files_that_hold_no_weights_are_refused_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "plain.txt").write_text("weights")
    for name in ("noise.pth", "noise.safetensors"):
        (tmp_path / name).write_bytes(np.random.default_rng(0).bytes(100))
    for name in ("empty.pth", "empty.safetensors"):
        (tmp_path / name).touch()
    for name, content in (("list.pt", [1, 2]), ("nested.pt", {"state_dict": published()}), ("one.pt", torch.ones(2))):
        torch.save(content, tmp_path / name)
    (tmp_path / "pickled.pth").write_bytes(pickle.dumps(Trap(tmp_path / "sprung"), protocol=2))
    torch.save({"conv1.weight": Trap(tmp_path / "sprung")}, tmp_path / "trap.pth")
    for name, message in {
        "folder": "neither an exported encoder nor a run's checkpoint is there",
        "plain.txt": "the ending must be .safetensors, .pth or .pt",
        "missing.pth": "no weights that can be read",
        "missing.safetensors": "no weights that can be read",
        "noise.pth": "no weights that can be read",
        "noise.safetensors": "no weights that can be read",
        "empty.pth": "no weights that can be read",
        "empty.safetensors": "no weights that can be read",
        "pickled.pth": "no weights that can be read",
        "trap.pth": "no weights that can be read",
        "list.pt": "no state dict",
        "nested.pt": "no state dict",
        "one.pt": "no state dict",
    }.items():
        with pytest.raises(InputError, match=f"init=.*{name}: {message}") as told:
            start_from(build_encoder("small", seed=0), str(tmp_path / name))
        assert "\n" not in str(told.value)
    assert not (tmp_path / "sprung").exists()


def test_a_learner_notes_where_it_started_and_remembers_it(tmp_path: Path) -> None:
    export_encoder(tmp_path / "from", build_encoder("small", seed=7), name="small", image_size=32, trained={})
    started = learner_of(init=str(tmp_path / "from"))
    assert_started(started.encoder, build_encoder("small", seed=7).state_dict())
    digest = hashlib.sha256((tmp_path / "from/encoder.safetensors").read_bytes()).hexdigest()
    assert started.init == {"file": str(tmp_path / "from"), "sha256": digest}
    started.step(pairs_of(0))
    save_checkpoint(tmp_path / "state", *started.state())
    resumed = learner_of()
    resumed.restore(*load_checkpoint(tmp_path / "state"))
    assert resumed.init == started.init
    assert learner_of().init == {}
