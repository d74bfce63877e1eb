"""A learner goes on exactly where it stopped, and no file runs code."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.episode import Pairs
from learner.augment import AugmentSettings
from learner.checkpoint import load_checkpoint, save_checkpoint
from learner.methods import METHODS, MethodSettings
from learner.optimizer import OptimizerSettings
from learner.probes import embed
from learner.training import Learner
from sim.errors import InputError


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def learner_of(
    method: str = "aa-simclr", *, encoder: str = "small", seed: int = 0, action_size: int = 7, init: str = ""
) -> Learner:
    return Learner(
        method=method,
        encoder=encoder,
        image_size=32,
        action_size=action_size,
        categories=3,
        method_settings=MethodSettings(),
        augment_settings=AugmentSettings(),
        optimizer_settings=OptimizerSettings(),
        horizon=20,
        seed=seed,
        init=init,
    )


def pairs_of(seed: int, batch: int = 8) -> Pairs:
    rng = np.random.default_rng(seed)

    def images() -> torch.Tensor:
        pixels = rng.integers(0, 256, (batch, 32, 32, 3), dtype=np.uint8)
        return torch.from_numpy(pixels).permute(0, 3, 1, 2)

    return Pairs(
        first=images(),
        second=images(),
        action=torch.from_numpy(rng.standard_normal((batch, 7), dtype=np.float32)),
        category=torch.from_numpy(rng.integers(0, 3, batch)),
        instance=torch.arange(batch),
        episode=torch.arange(batch),
        gap=torch.ones(batch),
    )


def losses_at(learner: Learner, step: int) -> dict[str, float]:
    """The losses of a step on the pairs of that seed."""
    return {name: float(value) for name, value in learner.step(pairs_of(step)).losses.items()}


@pytest.mark.parametrize("method", sorted(METHODS))
def test_a_restored_learner_goes_on_bit_for_bit(method: str, tmp_path: Path) -> None:
    learner = learner_of(method)
    learner.freeze_standardisation(pairs_of(99, 32).action)
    for step in range(3):
        learner.step(pairs_of(step))
    save_checkpoint(tmp_path / "state", *with_more(learner))
    undisturbed = [losses_at(learner, step) for step in range(3, 6)]

    tensors, state = load_checkpoint(tmp_path / "state")
    assert state["more"] == {"text": 'ü"\n', "big": 2**127}
    other = learner_of(method)
    with torch.no_grad():
        for tensor in other.method.state_dict().values():
            tensor.zero_()  # every weight is to be replaced
    other.restore(tensors, state["learner"])
    assert other.steps == 3
    assert [losses_at(other, step) for step in range(3, 6)] == undisturbed
    ours, theirs = learner.state()[0], other.state()[0]
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def with_more(learner: Learner) -> tuple[dict[str, torch.Tensor], dict[str, object]]:
    tensors, state = learner.state()
    return tensors, {"learner": state, "more": {"text": 'ü"\n', "big": 2**127}}


def test_a_restored_probe_knows_what_it_learned(tmp_path: Path) -> None:
    learner, other = learner_of(), learner_of(seed=5)
    for step in range(3):
        learner.step(pairs_of(step))
    save_checkpoint(tmp_path / "state", *learner.state())
    other.restore(*load_checkpoint(tmp_path / "state"))
    features = torch.from_numpy(embed(learner.encoder, np.zeros((2, 32, 32, 3), np.uint8)))
    assert torch.equal(learner.probe.predict(features), other.probe.predict(features))


def test_standardisation_is_frozen_and_restored() -> None:
    learner = learner_of()
    actions = torch.randn(500, 7, generator=torch.Generator().manual_seed(0)) * 3 + 1
    actions[:, 2] = 4.0  # a constant component carries no information, and no division by zero
    actions[:, 5] *= 1e-6  # nor does one of rounding
    learner.freeze_standardisation(actions)
    scaled = (actions - learner.action_mean) / learner.action_std
    assert scaled[:, 2].abs().max() == 0
    assert scaled[:, 5].abs().max() < 1e-4
    rest = [0, 1, 3, 4, 6]
    torch.testing.assert_close(scaled.mean(0), torch.zeros(7), atol=1e-5, rtol=0)
    torch.testing.assert_close(scaled.std(0)[rest], torch.ones(5), atol=1e-5, rtol=0)
    learner.step(pairs_of(0))
    other = learner_of()
    other.restore(*learner.state())
    assert torch.equal(other.action_mean, actions.mean(0))
    assert torch.equal(other.action_std, learner.action_std)


def test_a_checkpoint_of_other_networks_is_refused_in_a_line() -> None:
    learner = learner_of()
    learner.step(pairs_of(0))
    tensors, state = learner.state()
    for other in (learner_of("simclr"), learner_of(encoder="resnet18"), learner_of(action_size=14)):
        with pytest.raises(InputError, match="of another run") as told:
            other.restore(tensors, state)
        assert "\n" not in str(told.value)
    with pytest.raises(InputError, match="of another run"):
        learner_of().restore({}, {})


def test_what_a_step_draws_depends_on_seed_and_step_alone() -> None:
    """So a learner that goes on at step 2 augments as one that was there before."""
    one, two, other = learner_of(), learner_of(), learner_of(seed=1)
    for step in range(2):
        one.step(pairs_of(step))
    two.restore(*one.state())
    other.restore(*one.state())
    assert losses_at(one, 7) == losses_at(two, 7) != losses_at(other, 7)


class Trap:
    """Unpickled, it leaves a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.path),)


def test_nothing_runs_code_from_a_file(tmp_path: Path) -> None:
    trap = tmp_path / "sprung"
    for data in (pickle.dumps(Trap(trap)), b"\x00" * 100, b""):
        (tmp_path / "state").write_bytes(data)
        with pytest.raises(InputError, match="not a checkpoint of armplay") as told:
            load_checkpoint(tmp_path / "state")
        assert "\n" not in str(told.value)
    torch.save({"a": Trap(trap)}, tmp_path / "state")
    with pytest.raises(InputError):
        load_checkpoint(tmp_path / "state")
    assert not trap.exists()
    pickle.loads(pickle.dumps(Trap(trap)))
    assert trap.exists()  # the trap works


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 0.9999))
def test_a_file_cut_short_is_refused(share: float, tmp_path: Path) -> None:
    path = tmp_path / "state"
    save_checkpoint(path, {"a": torch.arange(300.0), "b": torch.ones(2, 3)}, {"steps": 1})
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(InputError, match="not a checkpoint"):
        load_checkpoint(path)


def test_missing_and_foreign_files_are_refused(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file({"a": torch.ones(2)}, tmp_path / "foreign")
    for path in (tmp_path / "foreign", tmp_path / "missing", tmp_path):
        with pytest.raises(InputError, match="not a checkpoint of armplay") as told:
            load_checkpoint(path)
        assert "\n" not in str(told.value)


def test_saving_keeps_the_old_file_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "state"
    save_checkpoint(path, {"a": torch.ones(2)}, {"steps": 1})
    with pytest.raises(TypeError):
        save_checkpoint(path, {"a": torch.zeros(2)}, {"steps": object()})
    assert load_checkpoint(path)[1] == {"steps": 1}
    assert [found.name for found in tmp_path.iterdir()] == ["state"]
