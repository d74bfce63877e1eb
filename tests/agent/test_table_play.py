"""Play on a table does to objects what it says, by physics; and what became of them is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pybullet")

import sim.table_scene
from agent.collect import LocalEngine, ProcessEngine
from agent.dataset import Dataset
from agent.info import summary
from agent.merge import merge
from agent.outcome import agreement, outcome
from agent.play import TABLE_POLICIES
from agent.record import Recorder, RecordSettings
from agent.settings import from_json, to_json
from agent.verify import problems
from agent.writer import DatasetWriter
from learner.actions import efference, moments_of, true_pose
from learner.replay import ReplayBuffer
from sim import poses
from sim.arm import touching_chain
from sim.arms import arm_spec
from sim.errors import InputError
from sim.kinematics import forward
from sim.randomize import Randomization
from sim.settings import SceneSettings
from sim.stage import Stage
from sim.table_scene import TableScene
from tests.agent.bodies import joints_of
from tests.agent.episodes import assert_same, shards_of

TINY = SceneSettings(image_size=16)
PANDA = SceneSettings(image_size=16, arm="panda", object_size=0.08)
PLAYS = [("push", TINY), ("push", PANDA), ("topple", TINY), ("grasp", PANDA)]


def counts(short: int, long: int) -> list:
    return [short, pytest.param(long, marks=pytest.mark.long)]


class Watched:
    """What happens in a recorder: touches of the table and speeds in each frame, depths of the deepest contacts in each
    step of physics."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.table: list[bool] = []
        self.speed: list[float] = []
        self.depth: list[float] = []
        step, advance = TableScene.step, Stage._advance

        def watched(scene: TableScene, command: np.ndarray) -> None:
            step(scene, command)
            bullet, client = scene._bullet, scene._client
            self.table.append(scene.touch.table)
            self.speed.append(float(np.linalg.norm(bullet.getBaseVelocity(scene._toy, client)[0])))

        def advanced(scene: TableScene) -> None:
            advance(scene)
            points = scene._bullet.getContactPoints(physicsClientId=scene._client)
            self.depth.append(max([0.0, *(-point[8] for point in points)]))

        monkeypatch.setattr(TableScene, "step", watched)
        monkeypatch.setattr(Stage, "_advance", advanced)


@pytest.mark.parametrize(("play", "scene"), PLAYS)
def test_plans_repeat_within_limits_and_begin_where_the_arm_is_put(play: str, scene: SceneSettings) -> None:
    recorder = RecordSettings(play=play, scene=scene)()
    for number in range(3):
        (place, plan), (again, same) = recorder.plan(number), recorder.plan(number)
        assert np.array_equal(place, again)
        assert np.array_equal(plan.clean, same.clean)
        joints = joints_of(plan, scene.interval)
        assert (np.abs(plan.clean) <= recorder.chain.velocity * (1 + 1e-6)).all()
        assert (joints >= recorder.chain.lower - 1e-5).all()
        assert (joints <= recorder.chain.upper + 1e-5).all()
        tips = forward(recorder.chain, joints)
        assert np.linalg.norm(tips[:, :2] - place[:2], axis=1).min() < 0.1
        assert tips[:, 2].min() > 0.0


@pytest.mark.parametrize("count", counts(3, 200))
@pytest.mark.parametrize("scene", [TINY, PANDA])
def test_pushing_moves_objects_and_leaves_the_table_alone(
    count: int, scene: SceneSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = Watched(monkeypatch)
    recorder = RecordSettings(play="push", scene=scene)()
    moved = [outcome(recorder(number)).moved for number in range(count)]
    recorder.close()
    assert np.mean(moved) >= (0.9 if count > 10 else 0.6)
    assert np.mean(watched.table) <= 0.02


@pytest.mark.parametrize("count", counts(3, 40))
def test_toppling_tall_objects_makes_them_fall(count: int) -> None:
    recorder = RecordSettings(play="topple", scene=TINY, categories=("wineglass", "giraffe", "cactus"))()
    assert np.mean([outcome(recorder(number)).toppled for number in range(count)]) >= 0.6
    recorder.close()


@pytest.mark.parametrize("count", counts(3, 240))
def test_grasping_lifts_most_objects_and_a_failure_is_an_outcome(count: int) -> None:
    recorder = RecordSettings(play="grasp", scene=PANDA)()
    episodes = [recorder(number) for number in range(count)]
    recorder.close()
    assert np.mean([outcome(episode).grasped for episode in episodes]) >= (0.7 if count > 10 else 0.5)
    assert all(len(episode.frames) == 32 for episode in episodes)


def test_what_is_grasped_moves_with_the_hand_and_does_not_sink_through_the_fingers() -> None:
    recorder = RecordSettings(play="grasp", scene=PANDA, categories=("mug", "carrot"))()
    grasped = [episode for episode in map(recorder, range(3)) if outcome(episode).grasped]
    assert grasped
    for episode in grasped:
        hands = forward(recorder.chain, episode.joints.astype(np.float64))
        at = poses.compose(episode.camera_poses.astype(np.float64), episode.object_poses.astype(np.float64))
        held = poses.compose(poses.inverse(hands), at)[13:24]
        assert np.ptp(held[:, :3], axis=0).max() < 0.012
        assert episode.joints[13:24, 7].min() > 0.05
    recorder.close()


@pytest.mark.parametrize("count", counts(2, 250))
@pytest.mark.parametrize(("play", "scene"), PLAYS)
def test_nothing_explodes(count: int, play: str, scene: SceneSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is faster than a fall from the hand, and nothing is more than 2 mm deep in another."""
    watched, recorder = Watched(monkeypatch), RecordSettings(play=play, scene=scene, seed=1)()
    for number in range(count):
        assert np.isfinite(recorder(number).object_poses).all()
    recorder.close()
    assert max(watched.speed) < 2.5
    assert max(watched.depth) < 0.002


@pytest.mark.parametrize(
    ("play", "scene", "number"),
    [("push", TINY, 8), ("push", PANDA, 8), ("topple", TINY, 7), ("grasp", PANDA, 5), ("grasp", PANDA, 20)],
)
def test_what_is_pressed_or_falls_sinks_in_less_than_2_mm(
    play: str, scene: SceneSettings, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 40 episodes of each, those with the deepest contacts: thin things that the arm presses onto the table."""
    watched, recorder = Watched(monkeypatch), RecordSettings(play=play, scene=scene, seed=1)()
    recorder(number)
    recorder.close()
    assert 0.0001 < max(watched.depth) < 0.002


def test_shards_are_equal_whatever_the_engine(tmp_path: Path) -> None:
    scene = SceneSettings(image_size=32, frames=5, clutter=1, randomize=Randomization(background="frame"))
    make = RecordSettings(scene=scene, play="push", seed=2, corrupt="gaussian:0.2", corrupt_what="executed")
    with LocalEngine(make) as local:
        expected = shards_of(local, tmp_path / "local", range(4))
    with ProcessEngine(make, workers=2) as engine:
        assert shards_of(engine, tmp_path / "two", range(4)) == expected


def test_an_object_that_falls_off_makes_a_shorter_episode_that_is_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sim.table_scene, "WIDTH", 0.06)
    settings = RecordSettings(play="push", scene=SceneSettings(image_size=32))
    recorder = settings()
    episodes = [recorder(number) for number in range(4)]
    recorder.close()
    short = [episode for episode in episodes if len(episode.frames) < 32]
    assert short
    for episode in short:
        count = len(episode.frames)
        assert count >= 2
        assert outcome(episode).fell
        for name in ("clean", "recorded", "executed", "limited"):
            assert len(getattr(episode, name)) == count - 1
        for name in ("joints", "object_poses", "camera_poses", "visible", "times"):
            assert len(getattr(episode, name)) == count
    metadata = {"settings": to_json(settings), **recorder.describe()}
    with DatasetWriter(tmp_path / "set", metadata=metadata, image_format="png") as writer:
        for episode in episodes:
            writer.add(episode)
    data = Dataset(tmp_path / "set")
    assert problems(tmp_path / "set") == []
    for number, episode in enumerate(episodes):
        assert_same(data.episode(number), episode)
    told = summary(data)
    assert told["outcomes"]["fell"] == len(short) / 4
    assert told["agreement"] == pytest.approx(np.mean([agreement(each, recorder.chain) for each in episodes]))


def test_agreement_is_that_of_efference_and_pose() -> None:
    """With the learner's own actions, pair by pair; in the hand they agree in all."""
    for play, all_agree in (("push", False), ("tumble", True)):
        recorder: Recorder = RecordSettings(play=play, scene=SceneSettings(image_size=16, frames=8))()
        episode = recorder(0)
        moments = moments_of(episode)
        alike = []
        for first in range(8):
            for second in set(range(8)) - {first}:
                one, two = (type(moments)(*(field[[at]] for field in moments)) for at in (first, second))
                told, true = efference(one, two, recorder.chain)[0], true_pose(one, two, recorder.chain)[0]
                turn = poses.angle(poses.multiply(told[3:], poses.conjugate(true[3:])))
                alike.append(np.linalg.norm(told[:3] - true[:3]) <= 0.01 and np.degrees(turn) <= 10.0)
        assert agreement(episode, recorder.chain) == pytest.approx(np.mean(alike))
        assert (np.mean(alike) == 1.0) == all_agree
        with pytest.raises(
            InputError, match="episode 0: 7 joints and 7 commands a frame, the arm of its dataset has 8"
        ):
            agreement(episode, touching_chain(arm_spec("panda")))
        recorder.close()


def test_outcomes_of_motions_that_are_known() -> None:
    recorder = RecordSettings(play="push", scene=SceneSettings(image_size=16, frames=24))()
    episode = recorder(0)
    recorder.close()
    still = np.tile([0.0, 0.0, 0.03, 0.0, 0.0, 0.0, 1.0], (24, 1))
    lifted, slid, tilted, turned = (still.copy() for _ in range(4))
    lifted[6:17, 2] += 0.06
    slid[-1, 0] += 0.03
    tilted[-1, 3:] = poses.from_axis_angle(np.array([1.0, 0.0, 0.0]), 1.0)
    turned[-1, 3:] = poses.from_axis_angle(np.array([0.0, 0.0, 1.0]), 0.5)
    short = lifted.copy()
    short[12:17, 2] = 0.03
    found = []
    for motion in (still, lifted, short, slid, tilted, turned):
        seen = poses.compose(poses.inverse(episode.camera_poses.astype(np.float64)), motion)
        found.append(tuple(outcome(episode._replace(object_poses=seen.astype(np.float32)))))
    no = False
    assert found == [
        (no, no, no, no),
        (no, no, True, no),
        (no, no, no, no),
        (True, no, no, no),
        (True, True, no, no),
        (True, no, no, no),
    ]


def test_settings_that_cannot_work_are_refused_in_one_line() -> None:
    for settings, message in (
        ({"play": "grasp"}, "play=grasp: arm=kuka has no gripper, use arm=panda"),
        ({"play": "push", "scene": SceneSettings(drive="kinematics")}, "drive=kinematics: play=push moves"),
        ({"scene": SceneSettings(clutter=1)}, "clutter=1: play=tumble holds one object"),
        (
            {"play": "juggle"},
            "play=juggle: unknown, known are curious, grasp, inspect, push, topple, tumble, turntable",
        ),
    ):
        with pytest.raises(InputError, match=message):
            RecordSettings(**settings)
    assert all(RecordSettings(play=play, scene=PANDA).at_table for play in TABLE_POLICIES)


def test_a_dataset_from_before_tables_can_be_read_and_continued(tmp_path: Path) -> None:
    """Its settings lack what came later, which was then as it is by default."""
    settings = RecordSettings(scene=SceneSettings(image_size=16, frames=2))
    stored = to_json(settings)
    del stored["scene"]["clutter"]
    assert from_json(RecordSettings, stored, where="here") == settings
    DatasetWriter(tmp_path / "old", metadata={"settings": stored}).close()
    DatasetWriter(tmp_path / "old", metadata={"settings": to_json(settings)}, resume=True).close()
    cluttered = to_json(RecordSettings(play="push", scene=SceneSettings(image_size=16, frames=2, clutter=1)))
    with pytest.raises(InputError, match="begun with settings"):
        DatasetWriter(tmp_path / "old", metadata={"settings": cluttered}, resume=True)


def test_episodes_in_the_hand_and_on_a_table_can_be_merged_and_learned_from_together(tmp_path: Path) -> None:
    played = []
    for play in ("tumble", "push"):
        settings = RecordSettings(play=play, scene=replace(TINY, frames=6), seed=len(played))
        recorder = settings()
        episodes = [recorder(number) for number in range(3)]
        metadata = {"settings": to_json(settings), **recorder.describe()}
        with DatasetWriter(tmp_path / play, metadata=metadata, image_format="png") as writer:
            for episode in episodes:
                writer.add(episode)
        played += episodes
    assert merge(tmp_path / "both", [tmp_path / "tumble", tmp_path / "push"]) == 6
    both = Dataset(tmp_path / "both")
    assert Dataset(tmp_path / "push").metadata["scene"] == "table"
    assert "scene" not in both.metadata  # as it is of some episodes only
    assert problems(tmp_path / "both") == []
    chain, categories = recorder.chain, tuple(both.metadata["categories"])
    with ReplayBuffer(6, frames=6, image_size=16, chain=chain, categories=categories) as buffer:
        for episode in both.episodes():
            buffer.insert(episode)
        pairs = buffer.sample(6, np.random.default_rng(0))
    for row, number in enumerate(pairs.episode.tolist()):
        moments = moments_of(played[number])
        shown = pairs.first[row].permute(1, 2, 0).numpy(), pairs.second[row].permute(1, 2, 0).numpy()
        ends = [np.flatnonzero([np.array_equal(frame, each) for frame in played[number].frames]) for each in shown]
        told = [
            efference(moments.at(np.array([a])), moments.at(np.array([b])), chain)[0] for a in ends[0] for b in ends[1]
        ]
        assert min(np.abs(pairs.action[row].numpy() - each).max() for each in told) < 1e-5
