"""Learning rates against closed forms, updates against arithmetic by hand, gradients that are shortened."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from learner.augment import AugmentSettings
from learner.methods import MethodSettings
from learner.optimizer import OptimizerSettings, build_optimizer, flatten_optimizer, restore_optimizer, set_rate
from learner.training import Learner
from sim.errors import InputError
from tests.learner.test_training import pairs_of


@given(warmup=st.integers(1, 50), horizon=st.integers(1, 200), step=st.integers(0, 300))
def test_a_cosine_follows_the_warm_up(warmup: int, horizon: int, step: int) -> None:
    """It is the plain cosine of the steps that are left, and the top is reached once, where they meet."""
    settings = OptimizerSettings(learning_rate=2e-3, schedule="cosine", warmup_steps=warmup)
    plain = OptimizerSettings(learning_rate=2e-3, schedule="cosine")
    if step < warmup:
        assert settings.rate_at(step, horizon) == pytest.approx(2e-3 * (step + 1) / warmup)
    else:
        assert settings.rate_at(step, horizon) == plain.rate_at(step - warmup, max(1, horizon - warmup))
    assert settings.rate_at(warmup - 1, horizon) == settings.rate_at(warmup, horizon) == 2e-3
    assert 0 < settings.rate_at(step, horizon) <= 2e-3


def test_after_a_warm_up_a_constant_rate_stays() -> None:
    settings = OptimizerSettings(learning_rate=1.0, warmup_steps=4)
    assert [settings.rate_at(step, 6) for step in range(7)] == [0.25, 0.5, 0.75, 1, 1, 1, 1]


def test_sgd_is_the_sum_of_past_gradients_and_the_weight() -> None:
    weight = nn.Parameter(torch.tensor([1.0, -2.0], dtype=torch.float64))
    settings = OptimizerSettings(optimizer="sgd", learning_rate=0.5, momentum=0.8, weight_decay=0.1)
    optimizer = build_optimizer([weight], settings)
    expected, velocity = [1.0, -2.0], [0.0, 0.0]
    for step in range(3):
        rate = 0.5 / (step + 1)
        set_rate(optimizer, rate)
        weight.grad = torch.tensor([0.3, step], dtype=torch.float64)
        optimizer.step()
        for i, gradient in enumerate((0.3, float(step))):
            velocity[i] = 0.8 * velocity[i] + gradient + 0.1 * expected[i]
            expected[i] -= rate * velocity[i]
        assert weight.tolist() == pytest.approx(expected)


@pytest.mark.parametrize("name", ["sgd", "adamw"])
def test_a_restored_optimizer_goes_on_as_if_undisturbed(name: str) -> None:
    def made() -> tuple[nn.Parameter, torch.optim.Optimizer]:
        weight = nn.Parameter(torch.ones(3))
        settings = OptimizerSettings(optimizer=name, learning_rate=0.1)  # type: ignore[arg-type]
        return weight, build_optimizer([nn.Parameter(torch.ones(1), requires_grad=False), weight], settings)

    def step(weight: nn.Parameter, optimizer: torch.optim.Optimizer, number: int) -> None:
        weight.grad = torch.tensor([1.0, number, -number])
        optimizer.step()

    weight, optimizer = made()
    for number in range(3):
        step(weight, optimizer, number)
    other, restored = made()
    other.data.copy_(weight.data)
    state = flatten_optimizer("o", optimizer)
    restore_optimizer("o", restored, {key: value.clone() for key, value in state.items()})
    for number in range(3, 6):
        step(weight, optimizer, number)
        step(other, restored, number)
    assert torch.equal(weight, other)


def moved_by(**settings: Any) -> float:
    """How far a step of plain gradient descent at rate 1 moves all weights together: the gradient's length."""
    plain = OptimizerSettings(optimizer="sgd", learning_rate=1.0, momentum=0.0, weight_decay=0.0, **settings)
    learner = Learner(
        method="aa-simclr",
        encoder="small",
        image_size=32,
        action_size=7,
        categories=3,
        method_settings=MethodSettings(),
        augment_settings=AugmentSettings(),
        optimizer_settings=plain,
        seed=0,
        horizon=20,
    )
    before = [parameter.detach().double().clone() for parameter in learner.method.parameters()]
    learner.step(pairs_of(8))
    moves = [now.detach() - was for now, was in zip(learner.method.parameters(), before, strict=True)]
    return math.sqrt(sum(float(move.square().sum()) for move in moves))


def test_long_gradients_are_shortened_and_short_ones_are_not() -> None:
    length = moved_by()
    assert length > 0.01
    assert moved_by(clip_norm=length / 7) == pytest.approx(length / 7, rel=1e-3)
    assert moved_by(clip_norm=length * 1.01) == pytest.approx(length, rel=1e-3)


@pytest.mark.parametrize(
    "settings",
    [
        {"learning_rate": 0.0},
        {"learning_rate": math.inf},
        {"learning_rate": math.nan},
        {"weight_decay": -0.1},
        {"weight_decay": 1.0},
        {"momentum": 1.0},
        {"momentum": -0.1},
        {"warmup_steps": -1},
        {"clip_norm": -1.0},
        {"clip_norm": math.inf},
        {"clip_norm": math.nan},
        {"optimizer": "lars"},
        {"schedule": "step"},
    ],
)
def test_what_cannot_work_is_refused(settings: dict[str, Any]) -> None:
    (name, value), *_ = settings.items()
    with pytest.raises(InputError, match=f"^{name}={value}: "):
        OptimizerSettings(**settings)
