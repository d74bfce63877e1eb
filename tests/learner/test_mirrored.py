"""Pairs that are mirrored, and flips that would falsify an action."""

from __future__ import annotations

import pytest
import torch

from agent.episode import Pairs
from learner.actions import representation
from learner.augment import AugmentSettings
from learner.methods import METHODS, REMEDIES, MethodSettings
from learner.optimizer import OptimizerSettings
from learner.settings import OnlineSettings
from learner.training import Learner
from sim.errors import InputError
from tests.learner.frames import frames


def learner_of(action: str, **augment: object) -> Learner:
    return Learner(
        method="aa-simclr",
        encoder="small",
        image_size=32,
        action_size=representation(action).size(7),
        categories=2,
        method_settings=MethodSettings(),
        augment_settings=AugmentSettings(**augment),  # type: ignore[arg-type]
        optimizer_settings=OptimizerSettings(),
        seed=0,
        horizon=1,
        mirror=representation(action).mirror,
    )


def seen_by_method(learner: Learner, pairs: Pairs) -> list[torch.Tensor]:
    """The views and the action that one step gives the method."""
    seen: list[torch.Tensor] = []
    handle = learner.method.register_forward_pre_hook(lambda method, given: seen.extend(given))
    learner.step(pairs)
    handle.remove()
    return seen[:3]


@pytest.mark.parametrize("action", ["efference", "rotation"])
def test_the_action_of_a_mirrored_pair_is_mirrored_before_it_is_standardised(action: str) -> None:
    count, labels = 8, torch.arange(8)
    told = torch.randn(count, representation(action).size(7), generator=torch.Generator().manual_seed(0)) + 1
    images = frames(count, 32, 32), frames(count, 32, 32, seed=1)
    pairs = Pairs(*images, told, category=labels % 2, instance=labels, episode=labels, gap=torch.ones(count))
    together, straight = learner_of(action, flip="together"), learner_of(action)
    together.freeze_standardisation(told)
    first, second, action_seen = seen_by_method(together, pairs)
    unflipped = seen_by_method(straight, pairs)
    flipped = (first - unflipped[0]).abs().amax(dim=(1, 2, 3)) > 0.01
    also = (second - unflipped[1]).abs().amax(dim=(1, 2, 3)) > 0.01
    assert torch.equal(flipped, also)
    assert 0 < flipped.sum() < count
    mirror = representation(action).mirror
    assert mirror is not None
    expected = torch.where(flipped[:, None], mirror(told), told)
    torch.testing.assert_close(action_seen, (expected - together.action_mean) / together.action_std)
    torch.testing.assert_close(unflipped[2], told)


def test_mirrored_actions_are_standardised_by_both_sides() -> None:
    """Play that always turns one way has, in half of what is learned from, turned the other way."""
    told = torch.tensor([[0.0, 0.0, 0.0, 0.0, 0.5, 0.0, 0.8]]) + 0.01 * torch.randn(
        200, 7, generator=torch.Generator().manual_seed(0)
    )
    learner = learner_of("efference", flip="together")
    learner.freeze_standardisation(told)
    assert learner.action_mean[4].abs() < 1e-6
    assert learner.action_std[4] == pytest.approx(0.5, abs=0.01)
    assert learner.action_mean[6] == pytest.approx(0.8, abs=0.01)
    straight = learner_of("efference")
    straight.freeze_standardisation(told)
    assert straight.action_mean[4] == pytest.approx(0.5, abs=0.01)


def test_flips_that_would_falsify_the_action_are_refused() -> None:
    together, independent = AugmentSettings(flip="together"), AugmentSettings(flip="independent")
    for action in ("efference", "rotation", "pose", "pose-rotation"):
        assert OnlineSettings(method="aa-simclr", action=action, augment=together).action == action
        with pytest.raises(InputError, match=r"^flip=independent: it falsifies the action"):
            OnlineSettings(method="aa-simclr", action=action, augment=independent)
    for action in ("command", "command+state"):
        with pytest.raises(InputError, match=r"^flip=together: action=command\S* has no mirror image") as told:
            OnlineSettings(method="aa-simclr", action=action, augment=together)
        assert "\n" not in str(told.value)
        for harmless in (together, independent):
            assert OnlineSettings(method="simclr-tt", action=action, augment=harmless).action == action


def test_every_method_that_uses_the_action_refuses_them() -> None:
    refused = set()
    for method in METHODS:
        try:
            OnlineSettings(method=method, augment=AugmentSettings(flip="independent"))
        except InputError:
            refused.add(method)
    assert refused == {"aa-simclr", "ciper", "equimod", "aa-byol", "aa-vicreg", *REMEDIES}
