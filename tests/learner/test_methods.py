"""What all methods have in common: shapes, weights, seeds, refusals, and that a step on their loss learns."""

from __future__ import annotations

import math

import pytest
import torch

from learner.encoders import build_encoder
from learner.methods import METHODS, REMEDIES, MethodSettings, build_method
from sim.errors import InputError
from tests.learner.tiny import CATEGORIES, batch, build, train

ACTION_USERS = ("aa-simclr", "ciper", "equimod", "aa-byol", "aa-vicreg", *REMEDIES)


def test_second_view_of_each_method_and_whether_it_uses_the_action():
    made = {name: build(name) for name in METHODS}
    assert {name for name, method in made.items() if method.second_view == "same"} == {"simclr"}
    assert {method.second_view for method in made.values()} == {"same", "other"}
    assert {name for name, method in made.items() if method.uses_action} == set(ACTION_USERS)


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("n", [2, 3, 17])
def test_any_batch_size_from_two_gives_a_loss_and_gradients_everywhere(name, n):
    method = build(name)
    output = method(*batch(n))
    output.loss.backward()
    assert output.loss.isfinite()
    learned = [parameter for name, parameter in method.named_parameters() if "target" not in name]
    assert all(parameter.grad is not None for parameter in learned)
    assert [parameter for parameter in method.parameters() if parameter.requires_grad] == learned
    assert output.features.shape == (n, 6)
    assert all(term.ndim == 0 and not term.requires_grad for term in output.terms.values())
    outside = [output.features, *output.projections, *(output.matched or ())]
    assert not any(tensor.requires_grad for tensor in outside)


@pytest.mark.parametrize("name", METHODS)
def test_one_pair_is_refused_in_training_only(name):
    method = build(name)
    with pytest.raises(InputError, match=r"^batch=1: at least 2 pairs are needed"):
        method(*batch(1))
    if "vicreg" in name:
        with pytest.raises(InputError, match=r"^batch=1: at least 2 rows are needed"):
            method.eval()(*batch(1))
    else:
        assert method.eval()(*batch(1)).loss.isfinite()


@pytest.mark.parametrize("name", METHODS)
def test_the_loss_depends_on_the_action_where_the_method_says_so(name):
    method = build(name)
    first, second, action, category = batch(8)
    same = method(first, second, action, category).loss == method(first, second, action.roll(1, 0), category).loss
    assert bool(same) != method.uses_action


@pytest.mark.parametrize("name", METHODS)
def test_the_loss_depends_on_categories_in_the_supervised_method_alone(name):
    method = build(name)
    first, second, action, category = batch(8)
    other = (category + 1) % CATEGORIES
    same = method(first, second, action, category).loss == method(first, second, action, other).loss
    assert bool(same) != (name == "supervised")


@pytest.mark.parametrize("name", ACTION_USERS)
@pytest.mark.parametrize("action_dim", [1, 14])
def test_actions_of_any_width(name, action_dim):
    assert build(name, action_dim=action_dim)(*batch(5, action_dim=action_dim)).loss.isfinite()


@pytest.mark.parametrize("name", ACTION_USERS)
def test_the_loss_is_the_weighted_sum_of_both_terms(name):
    method = build(name, instance_weight=0.7, action_weight=0.3)
    output = method(*batch(8))
    expected = 0.7 * output.terms["instance"] + 0.3 * output.terms["action"]
    torch.testing.assert_close(output.loss.detach(), expected)
    assert output.terms["action"] > 0


@pytest.mark.parametrize("name", ACTION_USERS)
def test_the_weight_of_the_action_rises_over_the_warmup(name):
    method = build(name, action_weight=0.5, action_warmup=4)
    found = []
    for method.steps in (0, 1, 2, 4, 9):
        output = method(*batch(8))
        found.append(((output.loss - output.terms["instance"]) / output.terms["action"]).item())
    assert found == pytest.approx([0, 0.125, 0.25, 0.5, 0.5])


def test_without_a_warmup_the_action_has_its_weight_at_once():
    output = build("aa-simclr")(*batch(8))
    torch.testing.assert_close(output.loss.detach(), output.terms["instance"] + output.terms["action"])


def test_views_have_batch_statistics_of_their_own():
    method = build("simclr-tt")
    first, second, action, category = batch(8)
    shifted = method(first, 100 + 5 * second, action, category)
    torch.testing.assert_close(shifted.features, method(first, second, action, category).features)
    assert method.encoder.layers[2].num_batches_tracked == 4


@pytest.mark.parametrize(("name", "share"), [("aa-simclr", 0.5), ("ciper", 0.5), ("equimod", 0.8), ("aa-byol", 0.6)])
def test_only_the_matching_action_lowers_the_action_term(name, share):
    method = build(name)
    first, second, action, category = batch(16)
    learned = train(method, (first, second, action, category), steps=60).terms
    misled = method(first, second, action.roll(1, dims=0), category).terms
    assert learned["action"] < share * misled["action"]
    assert learned["instance"] == misled["instance"]


def test_heads_come_from_the_seed_alone():
    before = torch.get_rng_state()
    encoder = build_encoder("small", seed=0)
    for name in METHODS:
        one, same, other = (
            build_method(
                name, encoder, action_dim=7, categories=CATEGORIES, settings=MethodSettings(), seed=seed
            ).state_dict()
            for seed in (1, 1, 2)
        )
        assert all(torch.equal(one[key], same[key]) for key in one)
        drawn = [key for key in one if key.endswith("0.weight") and "encoder" not in key] or [
            "terms.category.linear.bias"
        ]
        assert not any(torch.equal(one[key], other[key]) for key in drawn)
    assert torch.equal(torch.get_rng_state(), before)


def test_methods_share_the_projector_of_a_seed():
    baseline = build("simclr").projector.state_dict()
    assert baseline
    for name in set(METHODS) - {"supervised"}:
        ours = build(name).projector.state_dict()
        assert all(torch.equal(ours[key], baseline[key]) for key in baseline)


def test_defaults_are_the_papers_but_for_the_negatives():
    assert MethodSettings() == MethodSettings(
        instance_weight=1.0,
        action_weight=1.0,
        action_warmup=0,
        temperature=0.1,
        action_temperature=0.1,
        negatives="across",
        pair_norm=False,
        ema=0.996,
        vicreg_invariance=25.0,
        vicreg_variance=25.0,
        vicreg_covariance=1.0,
    )


def test_unknown_method_and_unusable_settings_are_refused():
    with pytest.raises(InputError, match=r"^method=moco: one of simclr, simclr-tt, aa-simclr, ciper, .* is needed"):
        build("moco")
    with pytest.raises(InputError, match=r"^negatives=none: one of across, all is needed"):
        MethodSettings(negatives="none")
    positive = ("temperature", "action_temperature", "instance_weight", "action_weight", "action_warmup", "ema")
    for field in (*positive, "vicreg_invariance", "vicreg_variance", "vicreg_covariance"):
        with pytest.raises(InputError, match=f"^{field}=-1: "):
            MethodSettings(**{field: -1})
    for value in (1.0, math.nan):
        with pytest.raises(InputError, match=r"^ema="):
            MethodSettings(ema=value)
