"""What the learner would like to see: which actions are hard to find, by cells of turns."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from agent.play.motions import CELLS, cells_of
from learner import training
from learner.actions import REPRESENTATIONS, Moments, moments_of
from learner.curiosity import GUESSED, MEMORY, Curiosity, missed
from learner.team import Team
from sim import poses
from tests.learner.episodes import kuka, real_episodes
from tests.learner.test_checkpoint import learner_of, pairs_of
from tests.learner.turns import turned

EVERY = 2
"""Steps between two looks, here."""


def plain_missed(actions: np.ndarray, pairs: np.ndarray) -> list[float]:
    found = []
    for number, pair in enumerate(pairs):
        fits = [float(pair @ each / np.linalg.norm(pair) / np.linalg.norm(each)) for each in actions]
        own = fits.pop(number)
        found.append(sum(1.0 if fit > own else 0.5 if fit == own else 0.0 for fit in fits) / len(fits))
    return found


@given(st.integers(0, 10_000), st.integers(2, 12))
def test_missed_counts_the_actions_that_fit_better(seed: int, count: int) -> None:
    """Of small whole numbers along axes, so that many fit equally well and rounding cannot matter."""
    rng = np.random.default_rng(seed)
    actions, pairs = (np.eye(4)[rng.integers(4, size=count)] for _ in range(2))
    expected = plain_missed(actions, pairs)
    found = missed(torch.from_numpy(actions), torch.from_numpy(pairs))
    np.testing.assert_allclose(found.numpy(), expected)


def test_missed_is_0_when_all_are_told_apart_and_half_when_none_is() -> None:
    rows = torch.randn(9, 5, generator=torch.Generator().manual_seed(0))
    assert missed(rows, 3 * rows).tolist() == [0.0] * 9
    assert missed(torch.ones(9, 5), torch.ones(9, 5)).tolist() == [0.5] * 9
    np.testing.assert_allclose(missed(rows, -rows).numpy(), 1.0)


def test_the_interest_is_the_share_of_a_moving_average() -> None:
    """Against one pair at a time, each of which is as hard as the mean of its cell in the batch."""
    rng, curiosity = np.random.default_rng(0), Curiosity("aa-simclr", "efference")
    expected = np.full(CELLS, GUESSED)
    np.testing.assert_allclose(curiosity.interest.weights, 1 / CELLS, atol=1e-6)
    for look in range(1, 6):
        actions = turned(rng, 40)
        matched = torch.randn(2, 40, 6).unbind()
        curiosity.look((matched[0], matched[1]), actions, Team())
        hard, cells = missed(*matched).numpy(), cells_of(actions[:, 3:].numpy())
        for cell in range(CELLS):
            for _ in range((cells == cell).sum()):
                expected[cell] = MEMORY * expected[cell] + (1 - MEMORY) * hard[cells == cell].mean()
        version, weights = curiosity.interest
        assert version == look
        np.testing.assert_allclose(weights, expected / expected.sum(), atol=1e-5)
    assert np.ptp(weights) > 0.001


def test_it_grows_where_actions_are_not_found_and_nowhere_else() -> None:
    """Turns by small angles look alike to this learner; all others it finds."""
    rng, curiosity = np.random.default_rng(1), Curiosity("aa-simclr", "efference")
    for _ in range(30):
        actions = turned(rng, 60)
        small = poses.angle(actions[:, 3:].numpy()) < np.pi / 4
        embedded = torch.randn(60, 8)
        pairs = embedded.clone()
        pairs[small] = -pairs[small]
        curiosity.look((embedded, pairs), actions, Team())
    by_angle = np.reshape(curiosity.interest.weights, (-1, 4)).sum(axis=0)
    assert by_angle[0] > 0.6
    assert max(by_angle[1:]) < 0.2


def test_all_found_is_even_interest() -> None:
    curiosity = Curiosity("aa-simclr", "efference")
    curiosity.restore({"version": 3, "difficulty": [0.0] * CELLS})
    assert curiosity.interest == (3, (round(1 / CELLS, 6),) * CELLS)


@pytest.mark.parametrize("name", sorted(REPRESENTATIONS))
def test_turns_that_actions_tell_are_those_of_the_object(name: str) -> None:
    """Nothing is corrupted: what is told is what happened."""
    moments = moments_of(real_episodes(1)[0])
    here, there = np.nonzero(~np.eye(8, dtype=bool))
    first, second = (Moments(*(field[at] for field in moments)) for at in (here, there))
    told = REPRESENTATIONS[name]
    if told.turn is None:
        assert name in ("command", "command+state", "gap")
        return
    turns = told.turn(told.compute(first, second, kuka()))
    happened = poses.relative(first.object_pose, second.object_pose)[:, 3:]
    assert np.degrees(poses.angle(poses.multiply(turns, poses.conjugate(happened)))).max() < 0.5


# In a learner


@pytest.fixture(autouse=True)
def _few_steps(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(training, "EVERY", EVERY)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def curious(method: str = "aa-simclr", action: str = "efference"):
    learner = learner_of(method)
    learner.curiosity = Curiosity(method, action)
    return learner


def test_it_looks_now_and_then_and_goes_on_from_a_checkpoint() -> None:
    learner, other = curious(), curious()
    versions = []
    for step in range(2 * EVERY):
        learner.step(pairs_of(step))
        versions.append(learner.interest.version)
    assert versions == [0] * (EVERY - 1) + [1] * EVERY + [2]
    tensors, state = learner.state()
    other.restore(tensors, json.loads(json.dumps(state)))
    assert other.interest == learner.interest
    assert len(set(learner.interest.weights)) > 2
    assert learner_of().interest is None


@pytest.mark.parametrize(
    ("method", "action", "told"),
    [
        ("simclr", "efference", "method=simclr compares no action with a pair: play seeks nothing"),
        ("equimod", "efference", "method=equimod compares no action"),
        ("aa-simclr", "gap", "action=gap tells no turn: play seeks nothing"),
    ],
)
def test_where_it_cannot_know_it_is_even_and_says_so(method: str, action: str, told: str) -> None:
    learner = curious(method, action)
    for step in range(EVERY):
        learner.step(pairs_of(step))
    assert told in learner.curiosity.trouble
    assert set(learner.interest.weights) == {round(1 / CELLS, 6)}
