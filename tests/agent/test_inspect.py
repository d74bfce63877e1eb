"""Inspection draws views uniformly from those that the arm can show, and gets to them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import chisquare

pytest.importorskip("pybullet")  # the arm's model comes with it

from agent.play.inspect import Inspect
from agent.play.postures import postures
from sim import poses, viewsphere
from sim.arms import ARMS
from sim.kinematics import forward
from tests.agent.bodies import away_from_home, body, held, joints_of, seen_from


@pytest.mark.parametrize("arm", sorted(ARMS))
def test_inspected_views_are_uniform_over_the_reachable_ones(arm: str) -> None:
    rng = np.random.default_rng(1)
    inspect, what = Inspect(), body(arm, held(rng))
    reachable = inspect.reachable(what)
    assert len(reachable) > 160
    drawn = np.concatenate([inspect.views(what, 20.0, rng)[0] for _ in range(80)])
    counts = np.bincount(drawn, minlength=viewsphere.DIRECTIONS)
    assert counts.sum() == counts[reachable].sum() > 2000
    assert chisquare(counts[reachable]).pvalue > 0.001


@pytest.mark.parametrize("arm", sorted(ARMS))
def test_reachable_views_are_shown_at_home_and_others_are_behind_the_hand(arm: str) -> None:
    rng = np.random.default_rng(2)
    inspect, wanted = Inspect(), viewsphere.directions()
    for _ in range(4):
        what = body(arm, held(rng))
        drawn, way = inspect.views(what, 20.0, rng)
        error = np.degrees(np.arccos(np.clip((seen_from(what, way) * wanted[drawn]).sum(axis=-1), -1, 1)))
        assert np.quantile(error, 0.97) < 1
        assert np.quantile(away_from_home(what, way), 0.97) < 0.005
        assert error.max() < 15
        tilt = np.arccos(poses.rotate(what.grasp[3:], wanted)[:, 2])
        reachable = np.isin(np.arange(len(wanted)), inspect.reachable(what))
        assert (tilt[reachable] <= inspect.hidden).all()
        assert (~reachable & (tilt <= inspect.hidden)).sum() <= 6


@pytest.mark.parametrize("arm", sorted(ARMS))
def test_inspection_gets_to_the_views_in_turn(arm: str) -> None:
    rng = np.random.default_rng(3)
    inspect, reached = Inspect(), []
    for number in range(8):
        what = body(arm, held(rng))
        drawn, _ = inspect.views(what, 6.2, np.random.default_rng(number))
        joints = joints_of(inspect(what, 187, 1 / 30, np.random.default_rng(number)), 1 / 30)
        near = seen_from(what, joints) @ viewsphere.directions()[drawn].T > viewsphere.CONE
        frame = 0
        for view in range(6):
            reached.append(near[frame:, view].any())
            frame += int(near[frame:, view].argmax())
        assert np.quantile(away_from_home(what, joints), 0.95) < 0.02
    assert np.mean(reached) > 0.9


@pytest.mark.parametrize("arm", sorted(ARMS))
def test_postures_point_the_hand_every_way_from_home(arm: str) -> None:
    what = body(arm, np.array([0.0, 0.0, 0.04, 0.0, 0.0, 0.0, 1.0]))
    known = postures(what)
    assert len(known.joints) > 100
    assert away_from_home(what, known.joints).max() < 0.003
    np.testing.assert_allclose(known.hands, poses.to_matrix(forward(what.chain, known.joints)[:, 3:]), atol=1e-9)
    assert (known.joints >= what.chain.lower).all()
    assert (known.joints <= what.chain.upper).all()


def test_the_last_joint_may_turn_the_other_way() -> None:
    rng = np.random.default_rng(4)
    usual = body("kuka", held(rng))
    mirrored = usual._replace(
        chain=replace(usual.chain, axes=usual.chain.axes * np.array([1, 1, 1, 1, 1, 1, -1])[:, None])
    )
    drawn, way = Inspect().views(mirrored, 20.0, rng)
    shown = (seen_from(mirrored, way) * viewsphere.directions()[drawn]).sum(axis=-1)
    assert (shown > np.cos(np.radians(15))).all()
