"""What each method computes, against losses by loops on the networks' outputs."""

from __future__ import annotations

import copy
import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from learner.methods import METHODS, REMEDIES, Method, MethodSettings, build_method
from sim.errors import InputError
from tests.learner.tiny import Batch, Flat, batch, build, train
from tests.references.losses import byol_by_loops, info_nce_by_loops, match_shares_by_loops, vicreg_by_loops

ALIGNERS = ("aa-simclr", "aa-byol", "aa-vicreg")
BYOLS = ("byol-tt", "aa-byol")


def sides(method: Method, data: Batch) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """h of both views, and both side by side."""
    first, second = method.encoder(data[0]), method.encoder(data[1])
    return first, second, torch.cat([first, second], dim=1)


@pytest.mark.parametrize("negatives", ["all", "across"])
def test_aa_simclr_contrasts_views_and_actions(negatives):
    method = build("aa-simclr", temperature=0.2, action_temperature=0.5, negatives=negatives)
    output = method(*batch(8))
    first, second, both = sides(method, batch(8))
    term = method.terms["action"]
    action, pair = term.action_head(batch(8)[2]), term.pair_head(both)
    projections = method.projector(first), method.projector(second)
    expected = {
        "instance": info_nce_by_loops(*projections, temperature=0.2, negatives="all"),
        "action": info_nce_by_loops(action, pair, temperature=0.5, negatives=negatives),
        "instance_chance": torch.tensor(math.log(15)),
        "action_chance": torch.tensor(math.log(15 if negatives == "all" else 8)),
    }
    assert output.terms.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(output.terms[name], value.double())
    torch.testing.assert_close(output.features, first)
    torch.testing.assert_close(output.projections, projections)
    torch.testing.assert_close(output.matched, (action, pair))


@pytest.mark.parametrize("name", REMEDIES)
def test_remedies_contrast_views_as_ever_and_actions_by_their_own_losses(name):
    method = build(name, action_temperature=0.5, action_exponent=0.6, action_width=0.4)
    data = batch(8)
    output = method(*data)
    first, second, both = sides(method, data)
    term = method.terms["action"]
    action, pair = term.action_head(data[2]), term.pair_head(both)
    shares = match_shares_by_loops(action, pair, temperature=0.5)
    matched = torch.diagonal(shares, dim1=1, dim2=2)
    if name == "aa-bounded":
        expected, chance = 8**0.6 * (1 - matched**0.6).mean() / 0.6, (8**0.6 - 1) / 0.6
    elif name == "aa-trusting":
        assert term.trust.item() == pytest.approx(0.9)
        expected, chance = -(0.9 * matched + 0.1 / 8).log().mean(), math.log(8)
    else:
        squares = (data[2][:, None] - data[2]).square().mean(dim=2)
        likeness = torch.exp(-squares / 0.4**2 / 2)
        expected, chance = -(likeness / likeness.sum(dim=1, keepdim=True) * shares.log()).sum(dim=2).mean(), math.log(8)
    torch.testing.assert_close(output.terms["action"], expected)
    assert output.terms["action_chance"].item() == pytest.approx(chance)
    instance = info_nce_by_loops(method.projector(first), method.projector(second), temperature=0.1, negatives="all")
    torch.testing.assert_close(output.terms["instance"], instance)
    torch.testing.assert_close(output.matched, (action, pair))


@pytest.mark.parametrize("name", ["vicreg-tt", "aa-vicreg"])
def test_vicreg_compares_views_and_actions(name):
    method = build(name, vicreg_invariance=2.0, vicreg_variance=3.0, vicreg_covariance=4.0)
    data, weights = batch(8), {"invariance": 2.0, "variance": 3.0, "covariance": 4.0}
    output = method(*data)
    first, second, both = sides(method, data)
    compared = {"instance": (method.projector(first), method.projector(second))}
    if name == "aa-vicreg":
        term = method.terms["action"]
        compared["action"] = term.action_head(data[2]), term.pair_head(both)
        torch.testing.assert_close(output.matched, compared["action"])
    assert output.terms.keys() == compared.keys()
    for term_name, pair in compared.items():
        torch.testing.assert_close(output.terms[term_name], vicreg_by_loops(*pair, **weights))


@pytest.mark.parametrize("name", BYOLS)
def test_byol_predicts_what_the_targets_say(name):
    method = build(name)
    data = batch(8)
    train(method, data, steps=3)  # targets and online networks differ from now on
    output = method(*data)
    first, second, both = sides(method, data)
    encoder, projector, term = method.target["encoder"], method.target["projector"], method.terms["instance"]
    targets = encoder(data[0]), encoder(data[1])
    instance = byol_by_loops(term.predictor(method.projector(first)), projector(targets[1]))
    instance = instance + byol_by_loops(term.predictor(method.projector(second)), projector(targets[0]))
    torch.testing.assert_close(output.terms["instance"], instance)
    assert set(output.terms) == ({"instance", "action"} if name == "aa-byol" else {"instance"})
    if name == "aa-byol":
        term = method.terms["action"]
        action, pair = term.action_head(data[2]), term.pair_head(both)
        expected = byol_by_loops(term.pair_predictor(pair), term.action_target(data[2])) + byol_by_loops(
            term.action_predictor(action), term.pair_target(torch.cat(targets, dim=1))
        )
        torch.testing.assert_close(output.terms["action"], expected)
        torch.testing.assert_close(output.matched, (action, pair))


def target_pairs(method: Method) -> list[tuple[nn.Module, nn.Module]]:
    """Each target network with the network that it follows."""
    found = [(method.target["encoder"], method.encoder), (method.target["projector"], method.projector)]
    if "action" not in method.terms:
        return found
    action = method.terms["action"]
    return [*found, (action.pair_target, action.pair_head), (action.action_target, action.action_head)]


@pytest.mark.parametrize("name", BYOLS)
def test_targets_start_as_copies_and_follow_parameters_but_not_buffers(name):
    method = build(name, ema=0.9)
    for target, online in target_pairs(method):
        assert target.state_dict().keys() == online.state_dict().keys()
        assert all(
            torch.equal(ours, theirs) for ours, theirs in zip(target.parameters(), online.parameters(), strict=True)
        )
    method(*batch(8)).loss.backward()
    for parameter in method.parameters():
        assert (parameter.grad is not None) == parameter.requires_grad
    torch.optim.SGD(method.parameters(), lr=1.0).step()
    # As if the online network had seen other frames: the target's statistics are of what it saw itself.
    method.encoder.layers[2].running_mean += 5
    before = [copy.deepcopy(target) for target, _ in target_pairs(method)]
    method.after_update()
    for old, (target, online) in zip(before, target_pairs(method), strict=True):
        for was, ours, theirs in zip(old.parameters(), target.parameters(), online.parameters(), strict=True):
            torch.testing.assert_close(ours, 0.9 * was + 0.1 * theirs)
        assert any(not torch.equal(was, now) for was, now in zip(old.parameters(), target.parameters(), strict=True))
        assert all(torch.equal(was, now) for was, now in zip(old.buffers(), target.buffers(), strict=True))
    assert method.target["encoder"].layers[2].num_batches_tracked == 2


@pytest.mark.parametrize("name", sorted(set(METHODS) - set(BYOLS)))
def test_without_targets_nothing_happens_after_an_update(name):
    method = build(name)
    before = copy.deepcopy(method.state_dict())
    method.after_update()
    assert all(torch.equal(value, before[key]) for key, value in method.state_dict().items())


def test_ciper_predicts_the_action():
    method = build("ciper")
    data = batch(8)
    output = method(*data)
    predicted = method.terms["action"].predictor(sides(method, data)[2])
    torch.testing.assert_close(output.terms["action"], ((predicted - data[2]) ** 2).sum() / predicted.numel())
    torch.testing.assert_close(output.matched, (data[2], predicted))
    assert set(output.terms) == {"instance", "instance_chance", "action"}
    assert train(method, data, steps=60).terms["action"] < 0.1


@pytest.mark.parametrize("negatives", ["all", "across"])
def test_equimod_moves_the_first_view_by_the_action_to_the_second(negatives):
    method = build("equimod", action_temperature=0.5, negatives=negatives)
    data = batch(8)
    output = method(*data)
    first, second, _ = sides(method, data)
    term = method.terms["action"]
    moved = term.predictor(torch.cat([term.projector(first), term.action_head(data[2])], dim=1))
    expected = info_nce_by_loops(moved, method.projector(second), temperature=0.5, negatives=negatives)
    torch.testing.assert_close(output.terms["action"], expected)
    assert output.terms["action_chance"].item() == pytest.approx(math.log(15 if negatives == "all" else 8))
    assert output.matched is None


def test_supervised_is_the_cross_entropy_of_both_views_and_learns_the_categories():
    method = build("supervised", instance_weight=2.0)
    data = batch(12)
    output = method(*data)
    first, second, _ = sides(method, data)
    linear = method.terms["category"].linear
    expected = sum(-F.log_softmax(linear(h[i]), 0)[data[3][i]] for h in (first, second) for i in range(12)) / 24
    torch.testing.assert_close(output.terms, {"category": expected.detach()})
    torch.testing.assert_close(output.loss, 2 * expected)
    torch.testing.assert_close(output.projections, (first, second))
    learned = train(method, data, steps=200)
    assert (linear(learned.features).argmax(dim=1) == data[3]).all()
    with pytest.raises(InputError, match=r"^categories=1: at least 2 are needed"):
        build_method("supervised", Flat(), action_dim=7, categories=1, settings=MethodSettings(), seed=0)


@pytest.mark.parametrize("name", ALIGNERS)
def test_pair_norm_centres_and_scales_the_pairs_embedding(name):
    def spread(**settings) -> tuple[torch.Tensor, torch.Tensor]:
        pair = build(name, **settings)(*batch(32)).matched[1]
        return pair.mean(dim=0).abs().max(), (pair.std(dim=0, unbiased=False) - 1).abs().max()

    assert max(spread(pair_norm=True)) < 0.01
    assert min(spread()) > 0.1
