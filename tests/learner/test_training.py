"""The learning rate's schedule against its closed form, the encoder's number format, what a method is told."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from agent.episode import Pairs
from learner.augment import AugmentSettings
from learner.encoders import build_encoder
from learner.methods import MethodSettings, build_method
from learner.optimizer import OptimizerSettings
from learner.precision import choose_precision
from learner.training import Learner
from sim.errors import InputError


@given(step=st.integers(0, 5000), horizon=st.integers(1, 5000))
def test_a_constant_rate_is_constant(step: int, horizon: int) -> None:
    assert OptimizerSettings(learning_rate=3e-4).rate_at(step, horizon) == 3e-4


def test_a_cosine_begins_at_the_top_passes_the_middle_and_ends_above_nothing() -> None:
    cosine = OptimizerSettings(learning_rate=1e-3, schedule="cosine")
    assert cosine.rate_at(0, 100) == 1e-3
    assert cosine.rate_at(50, 100) == pytest.approx(5e-4)
    assert cosine.rate_at(25, 100) == pytest.approx(1e-3 * (1 + math.sqrt(0.5)) / 2)
    assert 0 < cosine.rate_at(99, 100) < 1e-6


@given(step=st.integers(0, 400), horizon=st.integers(1, 200))
def test_a_cosine_never_rises_and_never_stops_learning(step: int, horizon: int) -> None:
    cosine = OptimizerSettings(learning_rate=1e-3, schedule="cosine")
    assert 0 < cosine.rate_at(step + 1, horizon) <= cosine.rate_at(step, horizon)


def test_an_unknown_schedule_is_refused() -> None:
    with pytest.raises(InputError, match="schedule=linear"):
        OptimizerSettings(schedule="linear")  # type: ignore[arg-type]


def test_a_reduced_encoder_keeps_losses_features_and_statistics_in_float32() -> None:
    images = torch.rand(2, 16, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    action = torch.randn(16, 7, generator=torch.Generator().manual_seed(1))
    outputs = {}
    for reduced in (False, True):
        encoder = build_encoder("small", seed=0)
        method = build_method("aa-simclr", encoder, action_dim=7, categories=3, settings=MethodSettings(), seed=0)
        method.reduced = reduced
        outputs[reduced] = method(images[0], images[1], action, torch.zeros(16, dtype=torch.int64))
        assert outputs[reduced].features.dtype == torch.float32
        assert {tensor.dtype for name, tensor in method.named_buffers() if "running" in name} == {torch.float32}
    exact, rounded = outputs[False], outputs[True]
    assert rounded.loss.dtype == torch.float32
    assert not torch.equal(exact.features, rounded.features), "the encoder did not run in bfloat16"
    # bfloat16 has 8 bits of significand, and the encoder is ten layers deep.
    assert torch.allclose(exact.features, rounded.features, atol=0.05 * float(exact.features.abs().max()))
    assert float(rounded.loss.detach()) == pytest.approx(float(exact.loss.detach()), rel=0.02)


def test_the_precision_trial_decides_between_the_two() -> None:
    assert choose_precision("small", 32, device="cpu") in ("float32", "bfloat16")


def learner_of(method: str, settings: MethodSettings, *, compiled: bool = False) -> Learner:
    return Learner(
        method=method,
        encoder="small",
        image_size=32,
        action_size=7,
        categories=3,
        method_settings=settings,
        augment_settings=AugmentSettings(),
        optimizer_settings=OptimizerSettings(),
        seed=0,
        horizon=20,
        compiled=compiled,
    )


def pairs_of(batch: int) -> Pairs:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(256, (2, batch, 32, 32, 3), dtype=torch.uint8, generator=generator).permute(0, 1, 4, 2, 3)
    action, numbers = torch.randn(batch, 7, generator=generator), torch.arange(batch)
    return Pairs(images[0], images[1], action, numbers % 3, numbers, numbers, torch.ones(batch))


def test_the_method_knows_its_step_and_its_targets_follow_each_update() -> None:
    learner = learner_of("aa-byol", MethodSettings(action_warmup=2, ema=0.5))
    weights = []
    for _ in range(3):
        before = [parameter.clone() for parameter in learner.method.target["projector"].parameters()]
        found = {name: float(value) for name, value in learner.step(pairs_of(8)).losses.items()}
        weights.append((found["loss"] - found["loss/instance"]) / found["loss/action"])
        followed = zip(
            before, learner.method.target["projector"].parameters(), learner.method.projector.parameters(), strict=True
        )
        for was, now, online in followed:
            torch.testing.assert_close(now, (was + online) / 2)
    assert weights == pytest.approx([0, 0.5, 1], abs=1e-5)


def test_the_supervised_method_is_told_the_categories() -> None:
    pairs = pairs_of(9)
    mixed = pairs._replace(category=pairs.category.roll(1))
    first, same, other = (
        learner_of("supervised", MethodSettings()).step(told).losses["loss"] for told in (pairs, pairs, mixed)
    )
    assert first == same != other


@pytest.mark.long
def test_a_compiled_encoder_learns_as_a_plain_one() -> None:
    losses = []
    for compiled in (False, True):
        learner = learner_of("aa-simclr", MethodSettings(), compiled=compiled)
        losses.append([float(learner.step(pairs_of(8)).losses["loss"]) for _ in range(3)])
    assert losses[1] == pytest.approx(losses[0], rel=1e-3)
