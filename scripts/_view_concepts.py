"""The diagrams of docs/concepts.md, drawn from an episode that is played now."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from agent.episode import Episode
from agent.pictures import JOINT_COLORS
from agent.record import RecordSettings
from learner.actions import efference, moments_of, true_pose
from sim import poses
from sim.corrupt import Corruption, corrupt
from sim.kinematics import Chain
from sim.scene import SceneSettings

BOXES = {
    "play policy": (0.0, 1.0),
    "sim\narm, object, camera": (2.4, 1.0),
    "Episode": (5.0, 1.0),
    "replay buffer": (7.4, 1.0),
    "learner": (7.4, -0.4),
    "dataset on disk": (5.0, -0.4),
}
ARROWS = (
    ("play policy", "sim\narm, object, camera", "commands"),
    ("sim\narm, object, camera", "Episode", "frames,\nposes"),
    ("Episode", "replay buffer", ""),
    ("replay buffer", "learner", "pairs"),
    ("Episode", "dataset on disk", ""),
    ("dataset on disk", "learner", "pairs"),
)
WIDE, HIGH = 1.5, 0.62
PAIR = (5, 18)
"""The two frames of the pair that is shown."""


@dataclass(frozen=True)
class Concepts:
    """The diagrams of docs/concepts.md: the loop, an episode, a pair with its action, corruption."""

    out: Path
    """Folder for loop.png, episode.png, pair.png and corruption.png."""

    def __call__(self) -> None:
        self.out.mkdir(parents=True, exist_ok=True)
        recorder = RecordSettings(scene=SceneSettings(image_size=160), categories=("mug",), seed=3)()
        episode = recorder(0)
        recorder.close()
        drawn = {
            "loop": loop(),
            "episode": of_episode(episode),
            "pair": of_pair(episode, recorder.chain),
            "corruption": of_corruption(episode),
        }
        for name, figure in drawn.items():
            figure.savefig(self.out / f"{name}.png", dpi=130)


def loop() -> Figure:
    """Who gives what to whom."""
    figure = Figure(figsize=(8.6, 2.15), layout="constrained")
    axes = figure.add_subplot()
    for name, (x, y) in BOXES.items():
        box = FancyBboxPatch((x, y), WIDE, HIGH, boxstyle="round,pad=0.04", facecolor="#e8eef4", edgecolor="#44556a")
        axes.add_patch(box)
        axes.text(x + WIDE / 2, y + HIGH / 2, name, ha="center", va="center", fontsize=9)
    for start, end, label in ARROWS:
        (x, y), (to_x, to_y) = BOXES[start], BOXES[end]
        along = to_x != x
        tail = (x + WIDE + 0.06, y + HIGH / 2) if along else (x + WIDE / 2, y - 0.06)
        head = (to_x - 0.06, to_y + HIGH / 2) if along else (to_x + WIDE / 2, to_y + HIGH + 0.06)
        axes.annotate("", head, tail, arrowprops={"arrowstyle": "-|>", "color": "#44556a"})
        middle = (tail[0] + head[0]) / 2, (tail[1] + head[1]) / 2
        place = {"ha": "center", "va": "bottom"} if along else {"ha": "left", "va": "center"}
        axes.text(middle[0] + (0 if along else 0.08), middle[1] + (0.06 if along else 0), label, fontsize=8, **place)
    axes.set(xlim=(-0.15, 9.1), ylim=(-0.5, 1.72), aspect="equal")
    axes.axis("off")
    return figure


def of_episode(episode: Episode) -> Figure:
    """Frames in a row over the commands between them."""
    figure = Figure(figsize=(8.6, 3.1), layout="constrained")
    above, below = figure.subplots(2, 1, height_ratios=(1, 1.25))
    shown = range(0, len(episode.frames), 4)
    strip = np.concatenate(
        [np.pad(episode.frames[at], ((0, 0), (0, 6), (0, 0)), constant_values=255) for at in shown], 1
    )
    above.imshow(strip)
    above.axis("off")
    above.set_title(f"every fourth frame of {episode.instance}", fontsize=9, loc="left")
    traces(below, episode.times, episode.clean)
    for at in shown:
        below.axvline(episode.times[at], color="0.85", linewidth=1, zorder=0)
    below.set(xlabel="s", ylabel="command, rad/s")
    return figure


def of_pair(episode: Episode, chain: Chain) -> Figure:
    """Two frames, the commands between them, and what they tell of the motion."""
    first, second = PAIR
    moments = moments_of(episode)
    one, other = (type(moments)(*(field[[at]] for field in moments)) for at in PAIR)
    told, happened = efference(one, other, chain)[0], true_pose(one, other, chain)[0]
    figure = Figure(figsize=(8.6, 2.4), layout="constrained")
    left, middle, right = figure.subplots(1, 3, width_ratios=(1, 1.9, 1))
    for axes, at, name in ((left, first, "t"), (right, second, "t'")):
        axes.imshow(episode.frames[at])
        axes.axis("off")
        axes.set_title(f"{name} = {episode.times[at]:.1f} s", fontsize=9)
    traces(middle, episode.times, episode.clean)
    middle.axvspan(episode.times[first], episode.times[second], color="#f3e3b3", zorder=0)
    middle.set(xlabel="s", ylabel="command, rad/s")
    middle.set_title(f"action told: {motion(told)}\nhappened: {motion(happened)}", fontsize=9)
    return figure


def motion(pose: np.ndarray) -> str:
    """A relative pose [7] in words."""
    centimetres = ", ".join(f"{round(100 * float(each), 1) + 0.0:+.1f}" for each in pose[:3])
    return f"turned {np.degrees(poses.angle(pose[3:])):.0f} degrees, moved ({centimetres}) cm"


def of_corruption(episode: Episode) -> Figure:
    """The same commands as they are, with noise, late, and with some joints reversed."""
    figure = Figure(figsize=(8.6, 2.3), layout="constrained")
    rows = figure.subplots(1, 4, sharey=True)
    for axes, text in zip(rows, ("", "gaussian:0.3", "delayed:4", "flipped:0.5"), strict=True):
        commands = episode.clean
        if text:
            commands = corrupt(commands, Corruption.parse(text), seed=0, episode=0, other=lambda _: episode.clean)
        traces(axes, episode.times, commands)
        axes.set_title(text or "clean", fontsize=9)
        axes.set_xlabel("s")
    rows[0].set_ylabel("command, rad/s")
    return figure


def traces(axes: Axes, times: np.ndarray, commands: np.ndarray) -> None:
    """Joint velocities [T-1, D] held between `times` [T]."""
    for joint, color in zip(commands.T, JOINT_COLORS, strict=False):
        axes.stairs(joint, times, color=np.array(color) / 255, baseline=None, linewidth=1.2)
    axes.spines[["top", "right"]].set_visible(False)
