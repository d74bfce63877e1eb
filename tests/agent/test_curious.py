"""Curious play: turns in cells, which of them are played, and what repeats them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

pytest.importorskip("pybullet")  # the arm's model comes with it

from agent.dataset import Dataset
from agent.episode import Interest
from agent.play.curious import Curious
from agent.play.motions import ANGLES, AXES, CELLS, cells_of
from agent.play.tumble import Tumble
from agent.record import Recorder, RecordSettings
from agent.writer import DatasetWriter
from sim import poses
from sim.errors import InputError
from sim.kinematics import forward
from sim.scene import SceneSettings
from tests.agent.bodies import body, held, joints_of
from tests.agent.episodes import assert_same

SMALL = SceneSettings(image_size=32, frames=8)


def interest_in(*cells: int, version: int = 1) -> Interest:
    weights = np.zeros(CELLS)
    weights[[*cells]] = 1 / len(cells)
    return Interest(version, tuple(weights))


def cell_of(axis: int, part: int) -> int:
    return axis * ANGLES + part


def shares(recorder: Recorder, numbers: range, interest: Interest | None = None) -> np.ndarray:
    """Share [CELLS] of all pairs of frames of planned episodes that are of each cell."""
    scene, turns = recorder.settings.scene, []
    for number in numbers:
        grasp, plan = recorder.plan(number, interest=interest)
        hands = poses.compose(forward(recorder.chain, joints_of(plan, scene.interval)), grasp)
        seen = poses.compose(poses.inverse(scene.eye.pose), hands)
        here, there = np.triu_indices(len(seen), 1)
        turns.append(poses.relative(seen[here], seen[there])[:, 3:])
    return np.bincount(cells_of(np.concatenate(turns)), minlength=CELLS) / sum(map(len, turns))


# Cells


def test_a_turn_is_of_the_nearest_axis_and_of_its_angle() -> None:
    """Against one turn at a time, in degrees."""
    rng = np.random.default_rng(0)
    axes = rng.standard_normal((800, 3))
    turns = Rotation.from_rotvec(axes / np.linalg.norm(axes, axis=1)[:, None] * rng.uniform(0.01, np.pi, (800, 1)))
    expected = []
    for vector in turns.as_rotvec(degrees=True):
        angle = np.linalg.norm(vector)
        between = [np.degrees(np.arccos(abs(vector @ axis) / angle)) for axis in AXES]
        expected.append(cell_of(int(np.argmin(between)), int(angle // 45)))
    assert cells_of(turns.as_quat()).tolist() == expected
    assert cells_of(-turns.as_quat()).tolist() == expected, "both quaternions of a rotation"
    assert cells_of(turns.inv().as_quat()).tolist() == expected, "the way back"
    assert set(expected) == set(range(CELLS))


def test_no_turn_and_half_a_turn_have_cells() -> None:
    assert cells_of(np.array([[0.0, 0, 0, 1], [0, 1, 0, 0]]))[1] == cell_of(1, ANGLES - 1)
    assert 0 <= cells_of(np.array([[0.0, 0, 0, 1]]))[0] < CELLS


# What is played


@pytest.mark.parametrize("arm", ["kuka", "panda"])
@pytest.mark.parametrize(("axis", "part"), [(0, 0), (2, 0)])
def test_what_is_sought_is_played_more_often(arm: str, axis: int, part: int) -> None:
    recorder = RecordSettings(play="curious", scene=SceneSettings(arm=arm))()
    cell = cell_of(axis, part)
    even, sought = (shares(recorder, range(12), asked) for asked in (None, interest_in(cell)))
    assert sought[cell] > 2.5 * even[cell] > 0
    assert np.count_nonzero(sought > 0.01) > 4, "a part of the turns is drawn evenly"


def test_what_cannot_be_played_is_not_waited_for() -> None:
    """Half a turn about the view: the hand cannot."""
    recorder = RecordSettings(play="curious")()
    impossible = interest_in(cell_of(2, ANGLES - 1))
    np.testing.assert_allclose(shares(recorder, range(3), impossible), shares(recorder, range(3)))


def test_even_interest_is_none_and_a_plan_follows_from_number_and_interest() -> None:
    recorder, again = (RecordSettings(play="curious")() for _ in range(2))
    even = Interest(4, (1 / CELLS,) * CELLS)
    asked = interest_in(cell_of(0, 0), cell_of(1, 1))
    for number in range(4):
        plans = [recorder.plan(number, interest=each)[1] for each in (None, even, asked)]
        np.testing.assert_array_equal(plans[0].clean, plans[1].clean)
        assert not np.array_equal(plans[0].clean, plans[2].clean)
        np.testing.assert_array_equal(plans[2].clean, again.plan(number, interest=asked._replace(version=9))[1].clean)


# What repeats


@pytest.mark.parametrize(
    "asked", [{}, {"corrupt": "gaussian:0.3"}, {"corrupt": "bias:0.2", "corrupt_what": "executed"}]
)
def test_a_stored_episode_repeats_from_its_commands(asked: dict[str, str], tmp_path: Path) -> None:
    settings = RecordSettings(play="curious", scene=SMALL, seed=5, **asked)  # type: ignore[arg-type]
    recorder, other = settings(), settings()
    played = [recorder(number, interest_in(cell_of(0, 0))) for number in range(3)]
    with DatasetWriter(tmp_path, metadata={}, image_format="png") as writer:
        for episode in played:
            writer.add(episode)
    for stored, episode in zip(Dataset(tmp_path).episodes(), played, strict=True):
        repeated = other.repeat(stored)
        assert_same(repeated, stored)
        assert np.array_equal(repeated.frames, episode.frames)
        assert not np.array_equal(repeated.frames, other(stored.number).frames), "without the interest it is another"
    recorder.close()
    other.close()


def test_a_hand_that_can_hardly_turn_is_refused() -> None:
    rng = np.random.default_rng(0)
    policy = Curious(tumble=Tumble(sway=0.02, sweep=0.05))
    with pytest.raises(InputError, match=r"none of 400 turns by 0\.2 rad .* 0\.02 rad of tilt and 0\.05 rad"):
        policy(body("kuka", held(rng)), 8, 0.2, rng)


def test_what_cannot_be_is_refused() -> None:
    asked = interest_in(0)
    with pytest.raises(InputError, match="play=tumble: it asks no learner"):
        RecordSettings(scene=SMALL)()(0, asked)
    recorder = RecordSettings(play="curious", scene=SMALL)()
    for weights in ((1.0,), (2.0,) + (0.0,) * (CELLS - 1), (2.0, -1.0) + (0.0,) * (CELLS - 2)):
        with pytest.raises(InputError, match=f"interest=.*{CELLS} shares that sum to 1"):
            recorder.plan(0, interest=Interest(0, weights))
    lossy = RecordSettings(play="curious", scene=SMALL, corrupt_time="missing:0.3")()
    with pytest.raises(InputError, match=r"corrupt_time=missing:0\.3: of lost frames no commands are kept"):
        lossy.repeat(lossy(0))
    lossy.close()
