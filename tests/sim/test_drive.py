"""Motors through physics do what kinematics says; a saved moment comes back to the bit."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pybullet")

from agent.play import POLICIES
from agent.record import RecordSettings
from sim import poses
from sim.kinematics import forward, project
from sim.objects import ProceduralToys
from sim.randomize import Randomization
from sim.scene import HoldScene, SceneSettings

MUG = ProceduralToys().toy("mug", "mug_0000001")


@pytest.mark.parametrize("arm", ["kuka", "panda"])
@pytest.mark.parametrize("play", sorted(POLICIES))
@pytest.mark.parametrize("episodes", [2, pytest.param(40, marks=pytest.mark.long)])
def test_dynamics_and_kinematics_agree_over_an_episode(arm: str, play: str, episodes: int) -> None:
    """To 0.003 rad, 0.25 degrees and 2 mm, at each of 32 frames of play; kinematics is the sum of the commands."""
    ends = {}
    for drive in ("dynamics", "kinematics"):
        scene = SceneSettings(arm=arm, drive=drive, image_size=16, draw="hidden")  # type: ignore[arg-type]
        settings = RecordSettings(scene=scene, play=play)
        recorder = settings()
        ends[drive] = [recorder(number) for number in range(episodes)]
        recorder.close()
    chain = recorder.chain
    for real, ideal in zip(ends["dynamics"], ends["kinematics"], strict=True):
        told = ideal.joints[0] + np.concatenate([np.zeros((1, 7)), np.cumsum(ideal.executed.astype(float), axis=0)]) / 5
        assert ideal.joints == pytest.approx(told, abs=1e-5)
        assert np.abs(real.joints - ideal.joints).max() < 0.003
        missing = poses.relative(forward(chain, ideal.joints), forward(chain, real.joints))
        assert np.degrees(poses.angle(missing[:, 3:])).max() < 0.25
        assert np.linalg.norm(missing[:, :3], axis=-1).max() < 0.002


def start(scene: HoldScene, seed: int = 0) -> None:
    rng = np.random.default_rng(seed)
    scene.reset(
        MUG,
        grasp_rotation=poses.random_rotation(rng),
        joints=np.array(scene.spec.home) + rng.normal(0, 0.05, 7),
        look=rng,
    )


def go_on(scene: HoldScene, seed: int, steps: int = 4) -> list[bytes]:
    """Everything that is measured and seen over some steps, as bytes."""
    rng, found = np.random.default_rng(seed), []
    for _ in range(steps):
        command, _ = project(scene.chain, rng.uniform(-1, 1, 7), scene.joints, scene.settings.interval)
        scene.step(command)
        view = scene.observe(depth=True, segmentation=True)
        assert view.depth is not None
        assert view.segmentation is not None
        arrays = (view.frame, view.mask, view.joints, view.object_pose, view.depth, view.segmentation)
        found.append(b"".join(array.tobytes() for array in (*arrays, scene.joint_velocities)))
    return found


RESTORE = """
import pickle, sys
from tests.sim.test_drive import go_on
from sim.scene import HoldScene
with open(sys.argv[1], "rb") as file:
    settings, state = pickle.load(file)
scene = HoldScene(settings)
scene.restore(state)
with open(sys.argv[2], "wb") as file:
    file.write(b"".join(go_on(scene, 1)))
"""


@pytest.mark.parametrize("arm", ["kuka", "panda"])
@pytest.mark.parametrize("drive", ["dynamics", "kinematics"])
def test_a_saved_moment_comes_back_to_the_bit(arm: str, drive: str, tmp_path: Path) -> None:
    """In the same scene, in another with another past, and in another process; the background goes on as it did."""
    varied = Randomization(background="frame", vary_light=0.5, vary_size=0.3, vary_camera=0.01)
    settings = SceneSettings(arm=arm, drive=drive, image_size=32, randomize=varied)  # type: ignore[arg-type]
    scene, other = HoldScene(settings), HoldScene(settings)
    try:
        start(scene)
        go_on(scene, 0)
        state = scene.save()
        wanted = go_on(scene, 1)
        assert go_on(scene, 1) != wanted  # it has moved on
        scene.restore(state)
        assert go_on(scene, 1) == wanted
        start(other, seed=5)
        go_on(other, 2)
        for _ in range(2):
            other.restore(state)
            assert go_on(other, 1) == wanted
    finally:
        scene.close()
        other.close()
    (tmp_path / "state").write_bytes(pickle.dumps((settings, state)))
    command = [sys.executable, "-c", RESTORE, str(tmp_path / "state"), str(tmp_path / "seen")]
    subprocess.run(command, check=True, cwd=Path(__file__).parents[2])
    assert (tmp_path / "seen").read_bytes() == b"".join(wanted)
