"""From an episode number to an Episode: which toy, how it is held, how the arm plays, what is told and what is done."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np

from agent.corrupted import thin_episode
from agent.episode import Episode, Interest
from agent.play import POLICIES, TABLE_POLICIES, Asking, Body, Plan, Stand, check_play
from sim import poses
from sim.arm import chain_of, touching_chain
from sim.arms import arm_spec
from sim.corrupt import Corruption, Timing, corrupt
from sim.errors import InputError
from sim.grasp import grasp_pose
from sim.kinematics import Chain, project
from sim.objects.catalogue import SOURCES, catalogue_of, named_objects
from sim.objects.mesh import Toy
from sim.objects.solid import solid_of
from sim.objects.splits import SPLITS
from sim.objects.surface import surface_points
from sim.randomize import Look, backdrop
from sim.renderers import renderer
from sim.scene import HoldScene, SceneSettings
from sim.seeding import stream
from sim.table_scene import Placed, TableScene, draw_others, draw_place, home_of


@dataclass(frozen=True)
class RecordSettings:
    """With the episode number, everything that an episode depends on. Calling it makes the recorder."""

    scene: SceneSettings = field(default_factory=SceneSettings)
    play: str = "tumble"
    """Play policy: inspect, tumble, turntable (the object in the hand), or curious, which seeks the turns that a
    learner cannot tell apart yet, and without a learner draws them evenly; push, topple, grasp (on a table)."""
    objects: str = "toys"
    """What is held: toys (built in), or a folder of meshes: category/instance/mesh; DIR?fold=2/5 has the splits of a
    fold, the second of five."""
    categories: tuple[str, ...] = ()
    """Categories of objects; none means all."""
    split: str = "train"
    """Which instances: train, validation or test."""
    instances_per_category: int = 0
    """Size of the pool of objects a category; 0 draws any object for each episode."""
    corrupt: str = ""
    """Corrupt the commands: KIND:LEVEL, as in gaussian:0.2 (rad/s) or shuffled:1 (share of episodes)."""
    corrupt_what: Literal["recorded", "executed"] = "recorded"
    """recorded: the learner is told wrong commands. executed: the motors are given wrong commands."""
    corrupt_time: str = ""
    """Lose frames: KIND:LEVEL, as in missing:0.2 (share of frames) or uneven:3 (longest gap in frames)."""
    time_told: Literal["nominal", "true"] = "nominal"
    """nominal: the learner takes each interval for the nominal one. true: it is told how long they were (a control)."""
    seed: int = 0
    """With the settings and an episode's number, determines the episode."""

    def __post_init__(self) -> None:
        check_play(self.play)
        if self.at_table:
            self._check_table()
        elif self.scene.clutter:
            raise InputError(f"clutter={self.scene.clutter}: play={self.play} holds one object; on a table play=push")
        _ = self.corruption, self.timing
        if (
            named_objects(self.objects)[0] in SOURCES
        ):  # a folder is looked for when it is needed: stored episodes are read without it
            catalogue_of(self.objects, self.categories or None)
        if self.split not in SPLITS:
            raise InputError(f"split={self.split}: unknown, known are {', '.join(SPLITS)}")
        if self.instances_per_category < 0:
            raise InputError(f"instances_per_category={self.instances_per_category}: 0 (endless) or more")
        if self.seed < 0:
            raise InputError(f"seed={self.seed}: 0 or more, or no generator can be made")

    @property
    def corruption(self) -> Corruption | None:
        """What `corrupt` says."""
        return Corruption.parse(self.corrupt, self.corrupt_what) if self.corrupt else None

    @property
    def timing(self) -> Timing | None:
        """What `corrupt_time` says."""
        return Timing.parse(self.corrupt_time, self.time_told) if self.corrupt_time else None

    @property
    def at_table(self) -> bool:
        """Whether the object stands on a table, which its play policy says; else it is in the hand."""
        return self.play in TABLE_POLICIES

    @property
    def chain(self) -> Chain:
        """The arm's kinematics and limits; D is the number of its commands."""
        return (touching_chain if self.at_table else chain_of)(arm_spec(self.scene.arm))

    @property
    def joints(self) -> int:
        """D: of the arm, and a gripper's where it can grasp."""
        spec = arm_spec(self.scene.arm)
        return len(spec.joints) + (self.at_table and spec.gripper is not None)

    def look(self, number: int) -> Look:
        """How an episode looks."""
        eye = self.scene.table_eye if self.at_table else self.scene.eye
        return self.scene.look(stream(f"{self.split}/look", self.seed, number), eye)

    def _check_table(self) -> None:
        if self.scene.drive != "dynamics":
            raise InputError(f"drive={self.scene.drive}: play={self.play} moves things by contact, use drive=dynamics")
        if TABLE_POLICIES[self.play].grips and arm_spec(self.scene.arm).gripper is None:
            raise InputError(f"play={self.play}: arm={self.scene.arm} has no gripper, use arm=panda")

    def __call__(self) -> Recorder:
        return Recorder(self)


class Recorder:
    """Records episodes by number, in any order: an episode is a function of the settings and its number alone, and of
    what it was asked to seek."""

    def __init__(self, settings: RecordSettings) -> None:
        self.settings = settings
        self.catalogue = catalogue_of(settings.objects, settings.categories or None)
        self.spec = arm_spec(settings.scene.arm)
        self.chain: Chain = settings.chain
        backdrop(settings.scene.randomize.backdrop)
        self._scene: HoldScene | TableScene | None = None

    def __call__(self, number: int, interest: Interest | None = None) -> Episode:
        """Play and record one episode. `interest` is what a learner would like to see, for a policy that asks."""
        return self._carry_out(number, self.plan(number, interest=interest)[1], interest)

    def repeat(self, episode: Episode) -> Episode:
        """Play an episode again by the commands that are stored of it. Raises InputError where frames were lost: their
        commands are not all there."""
        if self.settings.timing is not None:
            raise InputError(
                f"corrupt_time={self.settings.corrupt_time}: of lost frames no commands are kept to repeat"
            )
        plan = Plan(episode.joints[0].astype(np.float64), episode.clean, episode.limited)
        return self._carry_out(episode.number, plan, episode.interest)

    def _carry_out(self, number: int, plan: Plan, interest: Interest | None) -> Episode:
        """What comes of a plan. Other episodes, where commands are of another one, sought nothing."""
        settings = self.settings
        category, instance = self.choose(number)
        toy = self.catalogue.toy(category, instance)
        put, clean = self._put(number, toy), plan.clean
        recorded = executed = clean
        corruption = settings.corruption
        if corruption is not None:
            corrupted = corrupt(
                clean, corruption, seed=settings.seed, episode=number, other=lambda other: self.plan(other)[1].clean
            )
            if corruption.what == "recorded":
                recorded = corrupted
            else:
                executed = corrupted
        scene = self._begin(number, toy, put, plan)
        views, done = [scene.observe()], []
        for command in executed:
            done.append(project(self.chain, command, scene.joints, settings.scene.interval)[0])
            scene.step(done[-1])
            views.append(scene.observe())
            if scene.fallen:
                break
        frames = len(views)
        episode = Episode(
            frames=np.stack([view.frame for view in views]),
            clean=clean[: frames - 1],
            recorded=recorded[: frames - 1],
            executed=np.array(done, dtype=np.float32),
            limited=plan.limited[: frames - 1],
            joints=np.stack([view.joints for view in views]).astype(np.float32),
            object_poses=np.stack([view.object_pose for view in views]).astype(np.float32),
            camera_poses=np.tile(scene.camera_pose.astype(np.float32), (frames, 1)),
            intrinsics=scene.intrinsics.astype(np.float32),
            grasp=(poses.IDENTITY if settings.at_table else put).astype(np.float32),
            visible=np.array([view.visible for view in views], dtype=np.float32),
            times=np.arange(frames) * settings.scene.interval,
            category=category,
            instance=instance,
            number=number,
            seed=settings.seed,
            masks=np.stack([view.mask for view in views]) if settings.scene.randomize.background == "frame" else None,
            interest=interest,
        )
        timing = settings.timing
        return episode if timing is None else thin_episode(episode, timing, seed=settings.seed)

    def _begin(self, number: int, toy: Toy, put: np.ndarray, plan: Plan) -> HoldScene | TableScene:
        """The scene at the first frame."""
        look = self._stream("look", number)
        if self._scene is None:
            self._scene = (TableScene if self.settings.at_table else HoldScene)(self.settings.scene)
        if isinstance(self._scene, TableScene):
            self._scene.reset(toy, place=put, joints=plan.start, look=look, others=self._others(number, put))
        else:
            self._scene.reset(toy, grasp_rotation=put[3:], joints=plan.start, look=look)
        return self._scene

    def _others(self, number: int, place: np.ndarray) -> list[Placed]:
        """What stands around the object: any toys of the split."""
        rng, found = self._stream("clutter", number), []
        for _ in range(self.settings.scene.clutter):
            category = str(rng.choice(self._playable))
            instance = self.catalogue.draw(category, rng, split=self.settings.split)
            found.append(self.catalogue.toy(category, instance))
        return draw_others(found, self.settings.scene, self.settings.look(number).size, place, rng)

    def choose(self, number: int) -> tuple[str, str]:
        """The toy of an episode. Categories come in shuffled rounds, so that any run of episodes is balanced."""
        categories = self._playable
        turn, place = divmod(number, len(categories))
        category = categories[self._stream("category", turn).permutation(len(categories))[place]]
        draw = self._stream("instance", number)
        if self.settings.instances_per_category:
            which = int(draw.integers(self.settings.instances_per_category))
            draw = self._stream(f"pool/{category}", which)
        return category, self.catalogue.draw(category, draw, split=self.settings.split)

    def plan(self, number: int, toy: Toy | None = None, *, interest: Interest | None = None) -> tuple[np.ndarray, Plan]:
        """How the object is put there [7] and the planned motion of an episode, without simulating it.

        In the hand: its canonical frame in the hand frame. On a table: the same in the base frame. Raises InputError
        for an `interest` where play asks for none.
        """
        if toy is None:
            toy = self.catalogue.toy(*self.choose(number))
        put, settings, rng = self._put(number, toy), self.settings.scene, self._stream("play", number)
        policy = POLICIES.get(self.settings.play)
        if interest is not None:
            if not isinstance(policy, Asking):
                raise InputError(f"play={self.settings.play}: it asks no learner, so it cannot seek what one would see")
            policy = policy.seeking(interest)
        if policy is None:
            stand = self._stand(number, toy, put)
            return put, TABLE_POLICIES[self.settings.play](stand, settings.frames, settings.interval, rng)
        home, look = np.array(self.spec.home), self.settings.look(number)
        body = Body(self.chain, home, np.array(settings.eye.target), put, look.camera.pose[3:])
        return put, policy(body, settings.frames, settings.interval, rng)

    def _put(self, number: int, toy: Toy) -> np.ndarray:
        settings, size = self.settings.scene, self.settings.look(number).size
        which = number if settings.randomize.vary_grasp else 0
        if self.settings.at_table:
            return draw_place(toy, settings, size, self._stream("place", which))
        turned = POLICIES[self.settings.play].hold(self._stream("grasp", which))
        return grasp_pose(surface_points(toy, size=size), turned)

    def _stand(self, number: int, toy: Toy, place: np.ndarray) -> Stand:
        """The object as it stands at `place` [7]."""
        solid, gripper = solid_of(toy, size=self.settings.look(number).size), self.spec.gripper
        return Stand(
            chain=self.chain,
            home=home_of(self.settings.scene.arm),
            tip=gripper.tip if gripper else 0.0,
            gripper=gripper is not None,
            hull=place[:3] + poses.rotate(place[3:], solid.hull.astype(np.float64)),
            center=place[:3] + poses.rotate(place[3:], solid.center),
        )

    def describe(self) -> dict[str, Any]:
        """What a reader of the episodes needs to know beside them: categories, arm, kinematic chain, renderer."""
        return {
            **({"scene": "table"} if self.settings.at_table else {}),
            "categories": list(self.catalogue.categories),
            "objects": self.catalogue.describe(),
            "arm": self.spec.name,
            "chain": self.chain.to_json(),
            "renderer": renderer(self.settings.scene.renderer).name,
        }

    @cached_property
    def _playable(self) -> tuple[str, ...]:
        """The categories that have an object in the split."""
        split, known = self.settings.split, self.catalogue.categories
        found = tuple(name for name in known if self.catalogue.instances(name, split=split) != ())
        if not found:
            raise InputError(f"objects={self.settings.objects}: none of them is for {split}, so nothing can be held")
        return found

    def close(self) -> None:
        """Free the simulator."""
        if self._scene is not None:
            self._scene.close()
            self._scene = None

    def _stream(self, purpose: str, number: int) -> np.random.Generator:
        return stream(f"{self.settings.split}/{purpose}", self.settings.seed, number)
