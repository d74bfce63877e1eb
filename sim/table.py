"""`armplay/Table-v0`: the table scene as a Gymnasium environment."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.environment import ArmEnv
from sim.objects.mesh import Toy
from sim.randomize import Look
from sim.stage import OTHER
from sim.table_scene import TableScene, draw_others, draw_place


class TableEnv(ArmEnv[TableScene]):
    """An arm stands at a table with an object on it, acts on it by contact, and is given joint velocities.

    Action, observation, reward and `info` are those of `armplay/Hold-v0`, but for these: an arm with a gripper has one
    command more, which opens (1) and closes (-1) it, in shares of its speed; its position goes from 0 (closed) to 1.
    A `segmentation` also has 3 (table) and 4 (other objects, `settings.clutter` of them). `info` says whether the arm
    `touched_object` and `touched_table` since the frame before. The arm gives way to what is in its way, so
    `joint_motion` may be less than was commanded. An object that falls off the table ends the episode: `terminated`.
    """

    scene_type = TableScene
    kinds = OTHER

    def _begin(self, toy: Toy, look: Look, rng: np.random.Generator) -> None:
        """Toys that stand on the table, and a posture near home."""
        scene = self._scene
        place = draw_place(toy, self.settings, look.size, rng)
        toys = [self._any(rng) for _ in range(self.settings.clutter)]
        others = draw_others(toys, self.settings, look.size, place, rng)
        near = scene.home
        near[: len(scene.spec.joints)] += rng.normal(0.0, 0.1, len(scene.spec.joints))
        scene.reset(toy, place=place, joints=near, look=look, others=others)

    def _any(self, rng: np.random.Generator) -> Toy:
        category = str(rng.choice(self._objects.categories))
        return self._objects.toy(category, self._objects.draw(category, rng, split=self._split))

    def _over(self) -> bool:
        return self._scene.fallen

    def _more(self) -> dict[str, Any]:
        touch = self._scene.touch
        return {"touched_object": touch.object, "touched_table": touch.table}
