"""The methods: what enters their loss, and that a step on it learns."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from learner.encoders import Encoder, build_encoder
from learner.losses import info_nce
from learner.methods import METHODS, MethodSettings, build_method
from sim.errors import InputError

ACTION_DIM = 7


class Flat(Encoder):
    """A linear encoder with a BatchNorm, to see whose statistics it keeps."""

    features = 6

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(3 * 4 * 4, 6), nn.BatchNorm1d(6))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.layers(images)


def batch(n: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    first, second = torch.randn(2, n, 3, 4, 4, generator=generator).unbind()
    return first, second, torch.randn(n, ACTION_DIM, generator=generator)


def build(name: str, *, seed: int = 0, **settings):
    torch.manual_seed(0)
    return build_method(name, Flat(), action_dim=ACTION_DIM, settings=MethodSettings(**settings), seed=seed)


def test_second_view_of_each_method():
    assert {name: build(name).second_view for name in METHODS} == {
        "simclr": "same",
        "simclr-tt": "other",
        "aa-simclr": "other",
    }


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("n", [2, 3, 17])
def test_any_batch_size_from_two_gives_a_loss_and_gradients_everywhere(name, n):
    method = build(name)
    output = method(*batch(n))
    output.loss.backward()
    assert output.loss.isfinite()
    assert all(parameter.grad is not None for parameter in method.parameters())
    assert output.features.shape == (n, 6)
    assert not output.features.requires_grad
    assert all(term.ndim == 0 and not term.requires_grad for term in output.terms.values())


@pytest.mark.parametrize("name", METHODS)
def test_one_pair_is_refused_in_training_only(name):
    method = build(name)
    with pytest.raises(InputError, match=r"^batch=1: at least 2 pairs are needed"):
        method(*batch(1))
    assert method.eval()(*batch(1)).loss.isfinite()


@pytest.mark.parametrize("negatives", ["all", "across"])
def test_loss_is_the_weighted_sum_of_both_terms(negatives):
    method = build("aa-simclr", action_weight=0.3, temperature=0.2, action_temperature=0.5, negatives=negatives)
    first, second, action = batch(8)
    output = method(first, second, action)
    features = method.encoder(first), method.encoder(second)
    instance = info_nce(*(method.projector(h) for h in features), temperature=0.2, negatives="all")
    term = method.terms["action"]
    pair, embedded = term.pair_head(torch.cat(features, dim=1)), term.action_head(action)
    action_loss = info_nce(pair, embedded, temperature=0.5, negatives=negatives)
    torch.testing.assert_close(output.terms["instance"], instance.detach())
    torch.testing.assert_close(output.terms["action"], action_loss.detach())
    torch.testing.assert_close(output.loss, instance + 0.3 * action_loss)
    torch.testing.assert_close(output.features, features[0].detach())
    assert output.terms["instance_chance"].item() == pytest.approx(math.log(15))
    assert output.terms["action_chance"].item() == pytest.approx(math.log(15 if negatives == "all" else 8))


def test_views_have_batch_statistics_of_their_own():
    method = build("simclr-tt")
    first, second, action = batch(8)
    shifted = method(first, 100 + 5 * second, action)
    torch.testing.assert_close(shifted.features, method(first, second, action).features)
    assert method.encoder.layers[2].num_batches_tracked == 4


@pytest.mark.parametrize("name", ["simclr", "simclr-tt"])
def test_baselines_do_not_see_the_action(name):
    method = build(name)
    first, second, action = batch(8)
    assert method(first, second, action).loss == method(first, second, -3 * action).loss


def test_only_the_matching_action_lowers_the_action_term():
    method = build("aa-simclr")
    first, second, action = batch(16)
    optimizer = torch.optim.AdamW(method.parameters(), lr=3e-3)
    for _ in range(60):
        optimizer.zero_grad()
        method(first, second, action).loss.backward()
        optimizer.step()
    learned = method(first, second, action).terms
    misled = method(first, second, action.roll(1, dims=0)).terms
    assert learned["action"] < 0.5 * learned["action_chance"] < misled["action"]
    assert learned["instance"] == misled["instance"]


def test_heads_come_from_the_seed_alone_and_methods_share_the_projector():
    before = torch.get_rng_state()
    settings = MethodSettings()
    encoder = build_encoder("small", seed=0)
    made = [
        build_method(name, encoder, action_dim=ACTION_DIM, settings=settings, seed=seed)
        for name, seed in [("aa-simclr", 1), ("aa-simclr", 1), ("simclr", 1), ("aa-simclr", 2)]
    ]
    assert torch.equal(torch.get_rng_state(), before)
    one, same, baseline, other = (method.state_dict() for method in made)
    assert all(torch.equal(one[key], same[key]) for key in one)
    assert all(torch.equal(one[key], baseline[key]) for key in baseline)
    assert not torch.equal(one["projector.0.weight"], other["projector.0.weight"])
    assert not torch.equal(one["terms.action.pair_head.0.weight"], other["terms.action.pair_head.0.weight"])


def test_default_negatives_are_across():
    assert MethodSettings().negatives == "across"


def test_unknown_method_and_unusable_settings_are_refused():
    with pytest.raises(InputError, match=r"^method=byol: one of simclr, simclr-tt, aa-simclr is needed"):
        build("byol")
    with pytest.raises(InputError, match=r"^negatives=none: one of across, all is needed"):
        MethodSettings(negatives="none")
    for field in ("temperature", "action_temperature", "action_weight"):
        with pytest.raises(InputError, match=f"^{field}=-1: "):
            MethodSettings(**{field: -1})
